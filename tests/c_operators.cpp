// Every C function against the C++ function of its name, with options that are not the defaults, bit for bit: what a
// number is given for must arrive where it belongs.
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include <Kokkos_Core.hpp>

#include <mylos/mylos.h>
#include <mylos/mylos.hpp>

namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Extents = std::vector<std::int64_t>;

/// A dense f64 tensor (or i64, of the same size) in the memory of the default execution space, and its descriptors.
class Data {
 public:
  Data(const Extents& extents, double phase, mylos_dtype dtype = mylos_dtype_f64) {
    std::size_t size = 1;
    for (const std::int64_t extent : extents) size *= static_cast<std::size_t>(extent);
    view_ = Kokkos::View<double*, Exec>("data", size);
    const auto host = Kokkos::create_mirror_view(view_);
    for (std::size_t i = 0; i < size; ++i) {
      const double value = 0.5 + 0.4 * std::sin(phase + 1.3 * static_cast<double>(i));
      const std::int64_t label = static_cast<std::int64_t>(i) % 3;
      std::memcpy(&host(i), dtype == mylos_dtype_i64 ? static_cast<const void*>(&label) : &value, sizeof(value));
    }
    Kokkos::deep_copy(view_, host);
    c_ = mylos_row_major(view_.data(), dtype, static_cast<int>(extents.size()), extents.data());
  }
  const mylos_tensor* c() const { return &c_; }
  mylos_operand operand() const { return mylos_elements(&c_); }
  mylos::Tensor cpp() const {
    return mylos::Tensor(c_.data, static_cast<mylos::DType>(c_.dtype), c_.rank, c_.extent, c_.stride);
  }
  std::vector<std::uint64_t> bits() const {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view_);
    std::vector<std::uint64_t> bits(host.extent(0));
    std::memcpy(bits.data(), host.data(), 8 * bits.size());
    return bits;
  }

 private:
  Kokkos::View<double*, Exec> view_;
  mylos_tensor c_;
};

class COperatorsTest : public testing::Test {
 protected:
  /// Both calls write two outputs that begin alike; __VA_ARGS__ of the macros below name them y and second.
  void same(const char* name, const Extents& y_extents, mylos_dtype second_dtype,
            const std::function<mylos_status(const Data& y, const Data& second)>& c_call,
            const std::function<void(const Data& y, const Data& second)>& cpp_call) {
    SCOPED_TRACE(name);
    const Data y(y_extents, 5), second(y_extents, 6, second_dtype);
    const Data expected_y(y_extents, 5), expected_second(y_extents, 6, second_dtype);
    const auto y_before = y.bits(), second_before = second.bits();
    ASSERT_EQ(c_call(y, second), mylos_status_success) << mylos_last_error();
    cpp_call(expected_y, expected_second);
    exec.fence();
    EXPECT_EQ(y.bits(), expected_y.bits());
    EXPECT_EQ(second.bits(), expected_second.bits());
    EXPECT_TRUE(y.bits() != y_before || second.bits() != second_before);
  }

  mylos_tensor part(const Data& data, int index) const {
    std::int64_t size = 1;
    for (const std::int64_t extent : part_extents) size *= extent;
    return mylos_row_major(static_cast<double*>(data.c()->data) + index * size, mylos_dtype_f64,
                           static_cast<int>(part_extents.size()), part_extents.data());
  }
  static mylos::Tensor cpp_of(const mylos_tensor& t) {
    return mylos::Tensor(t.data, static_cast<mylos::DType>(t.dtype), t.rank, t.extent, t.stride);
  }

  Exec exec;
  Extents part_extents = {3};
  const Extents shape = {4, 3, 5}, shape_without_last = {4, 3};
  const Data x{shape, 0}, other{shape, 1}, third{shape, 2}, weight{{3}, 3}, bias{{3}, 4};
  const mylos::Chain before = mylos::mul(0.75), after = mylos::add(2.0);
  mylos_chain c_before = mylos_empty_chain(), c_after = mylos_empty_chain();

  void SetUp() override {
    mylos_chain_mul(&c_before, mylos_number(0.75));
    mylos_chain_add(&c_after, mylos_number(2.0));
  }
};

// One call in C with the options `o`, set by the statements in parentheses, and its like in C++.
#define MYLOS_SAME(name, y_extents, second_dtype, set, c_arguments, cpp_call) \
  same(                                                                       \
      #name, y_extents, second_dtype,                                         \
      [&](const Data& y, const Data& second) {                                \
        MYLOS_PARTS                                                           \
        mylos_##name##_options o = mylos_##name##_defaults();                 \
        static_cast<void>(set);                                               \
        return mylos_##name(MYLOS_UNWRAP c_arguments, &o, nullptr);           \
      },                                                                      \
      [&](const Data& y, const Data& second) {                                \
        MYLOS_PARTS                                                           \
        mylos::name(exec, MYLOS_UNWRAP cpp_call);                             \
      })
#define MYLOS_UNWRAP(...) __VA_ARGS__
#define MYLOS_NO_OPTION o.struct_size = sizeof(o)
// Further outputs, cut from `second`.
#define MYLOS_PARTS                                                                                       \
  const mylos_tensor part0 = part(second, 0), part1 = part(second, 1);                                    \
  const mylos_tensor part2 = part(second, 2), part3 = part(second, 3);                                    \
  static_cast<void>(part0), static_cast<void>(part1), static_cast<void>(part2), static_cast<void>(part3), \
      static_cast<void>(y);

}  // namespace

TEST_F(COperatorsTest, StepsByNameAndInChains) {
  const auto both = [&](const char* name, const auto& c_call, const mylos_chain& c_chain, const auto& cpp_call) {
    same(
        name, shape, mylos_dtype_f64,
        [&](const Data& y, const Data& second) {
          const mylos_status status = mylos_map(&c_chain, x.c(), second.c(), nullptr, nullptr);
          return status != mylos_status_success ? status : c_call(y);
        },
        [&](const Data& y, const Data& second) { cpp_call(y), cpp_call(second); });
  };
#define MYLOS_BOTH(name, append, c_call, cpp_call)                         \
  {                                                                        \
    mylos_chain chain = mylos_empty_chain();                               \
    EXPECT_EQ(append, mylos_status_success);                               \
    both(                                                                  \
        #name, [&](const Data& y) { return c_call; }, chain,               \
        [&](const Data& y) { mylos::name(exec, MYLOS_UNWRAP cpp_call); }); \
  }
#define MYLOS_STEP(name, ...) \
  MYLOS_BOTH(name, mylos_chain_##name(&chain), mylos_##name(x.c(), y.c(), nullptr), (x.cpp(), y.cpp()))
#define MYLOS_STEP_1(name, p, dp, ...)                                                              \
  {                                                                                                 \
    const double value = mylos::StepId::name == mylos::StepId::cast ? 2.0 : 0.375;                  \
    MYLOS_BOTH(name, mylos_chain_##name(&chain, value), mylos_##name(x.c(), y.c(), value, nullptr), \
               (x.cpp(), y.cpp(), value))                                                           \
  }
#define MYLOS_STEP_2(name, p, dp, q, dq, ...)                                                                   \
  MYLOS_BOTH(name, mylos_chain_##name(&chain, 0.375, 0.625), mylos_##name(x.c(), y.c(), 0.375, 0.625, nullptr), \
             (x.cpp(), y.cpp(), 0.375, 0.625))
#define MYLOS_STEP_OPERAND(name, o, ...)                                                                              \
  MYLOS_BOTH(name, mylos_chain_##name(&chain, other.operand()), mylos_##name(x.c(), other.operand(), y.c(), nullptr), \
             (x.cpp(), other.cpp(), y.cpp()))                                                                         \
  MYLOS_BOTH(name, mylos_chain_##name(&chain, mylos_number(0.625)),                                                   \
             mylos_##name(x.c(), mylos_number(0.625), y.c(), nullptr), (x.cpp(), 0.625, y.cpp()))
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...)                      \
  MYLOS_BOTH(name, mylos_chain_##name(&chain, other.operand(), 0.375), \
             mylos_##name(x.c(), other.operand(), y.c(), 0.375, nullptr), (x.cpp(), other.cpp(), y.cpp(), 0.375))
#define MYLOS_STEP_OPERANDS(name, o, q, ...)                                          \
  MYLOS_BOTH(name, mylos_chain_##name(&chain, mylos_number(0.5), third.operand()),    \
             mylos_##name(x.c(), mylos_number(0.5), third.operand(), y.c(), nullptr), \
             (x.cpp(), 0.5, third.cpp(), y.cpp()))
#define MYLOS_STEP_OPERANDS_1(name, o, q, p, dp, ...)                                      \
  MYLOS_BOTH(name, mylos_chain_##name(&chain, other.operand(), third.operand(), 0.375),    \
             mylos_##name(x.c(), other.operand(), third.operand(), y.c(), 0.375, nullptr), \
             (x.cpp(), other.cpp(), third.cpp(), y.cpp(), 0.375))
#include <mylos/steps.def>
  MYLOS_SAME(convert, shape, mylos_dtype_f64, 0, (x.c(), y.c()), (x.cpp(), y.cpp()));
}

TEST_F(COperatorsTest, Reductions) {
  const Extents kept = {3};
  const mylos::Axes axes = {0, 2};
  // What has no value has no chain after it.
  const auto dtype_of = [](const std::string& result) {
    return result == "value" ? mylos_dtype_f64 : result == "logical" ? mylos_dtype_u8 : mylos_dtype_i64;
  };
  const auto c_after_of = [&](const std::string& result) { return result == "value" ? &c_after : nullptr; };
  const auto after_of = [&](const std::string& result) { return result == "value" ? after : mylos::Chain(); };
#define MYLOS_REDUCTION(name, result, ...)                                                         \
  MYLOS_SAME(name, kept, dtype_of(#result),                                                        \
             (o.axes = mylos_two_axes(0, 2), o.before = &c_before, o.after = c_after_of(#result)), \
             (x.c(), second.c()), (x.cpp(), second.cpp(), axes, before, after_of(#result)));
#define MYLOS_REDUCTION_1(name, p, dp, result, ...)                                                         \
  MYLOS_SAME(name, kept, dtype_of(#result),                                                                 \
             (o.axes = mylos_two_axes(0, 2), o.p = 3, o.before = &c_before, o.after = c_after_of(#result)), \
             (x.c(), second.c()), (x.cpp(), second.cpp(), axes, 3.0, before, after_of(#result)));
#include <mylos/reductions.def>
  MYLOS_SAME(amax_argmax, shape_without_last, mylos_dtype_i64, (o.axes = mylos_one_axis(2), o.before = &c_before),
             (x.c(), y.c(), second.c()), (x.cpp(), y.cpp(), second.cpp(), 2, before));
  MYLOS_SAME(amin_argmin, shape_without_last, mylos_dtype_i64, (o.axes = mylos_one_axis(2), o.before = &c_before),
             (x.c(), y.c(), second.c()), (x.cpp(), y.cpp(), second.cpp(), 2, before));
  MYLOS_SAME(moments, kept, mylos_dtype_f64, (o.axes = mylos_two_axes(0, 2), o.correction = 3, o.before = &c_before),
             (x.c(), y.c(), second.c()), (x.cpp(), y.cpp(), second.cpp(), axes, 3.0, before));
}

TEST_F(COperatorsTest, Losses) {
  const Data labels({4, 5}, 0, mylos_dtype_i64);
#define MYLOS_SAME_LOSS(name, set, ...)                                                                          \
  MYLOS_SAME(name, shape, mylos_dtype_f64, (o.reduction = mylos_loss_reduction_none, set, o.before = &c_before), \
             (x.c(), other.c(), y.c()),                                                                          \
             (x.cpp(), other.cpp(), y.cpp(), mylos::LossReduction::none, __VA_ARGS__ before))
  MYLOS_SAME_LOSS(mse_loss, MYLOS_NO_OPTION, );
  MYLOS_SAME_LOSS(l1_loss, MYLOS_NO_OPTION, );
  MYLOS_SAME_LOSS(hinge_loss, MYLOS_NO_OPTION, );
  MYLOS_SAME_LOSS(smooth_l1_loss, o.beta = 0.25, 0.25, );
  MYLOS_SAME_LOSS(huber_loss, o.delta = 0.25, 0.25, );
  MYLOS_SAME_LOSS(hinge_embedding_loss, o.margin = 0.25, 0.25, );
  MYLOS_SAME_LOSS(kl_div, o.log_target = 1, true, );
  MYLOS_SAME_LOSS(poisson_nll_loss, (o.log_input = 0, o.full = 1, o.eps = 0.25), false, true, 0.25, );
  MYLOS_SAME_LOSS(binary_cross_entropy, o.weight = third.operand(), third.cpp(), );
  MYLOS_SAME_LOSS(binary_cross_entropy_with_logits, o.pos_weight = mylos_number(0.25), 0.25, );
  MYLOS_SAME(gaussian_nll_loss, shape, mylos_dtype_f64,
             (o.reduction = mylos_loss_reduction_none, o.full = 1, o.eps = 0.25, o.before = &c_before),
             (x.c(), other.c(), third.operand(), y.c()),
             (x.cpp(), other.cpp(), third.cpp(), y.cpp(), mylos::LossReduction::none, true, 0.25, before));

  // Labels 0, 1 and 2 along axis 1.
  const Extents per_row = {4, 5};
  MYLOS_SAME(cross_entropy, per_row, mylos_dtype_f64,
             (o.reduction = mylos_loss_reduction_none, o.weight = weight.c(), o.ignore_index = 2,
              o.label_smoothing = 0.25, o.axis = -2, o.before = &c_before),
             (x.c(), labels.c(), y.c()),
             (x.cpp(), labels.cpp(), y.cpp(), mylos::LossReduction::none, {weight.cpp(), 2, 0.25, -2, {}}, before));
  MYLOS_SAME(nll_loss, per_row, mylos_dtype_f64,
             (o.reduction = mylos_loss_reduction_none, o.weight = weight.c(), o.ignore_index = 2, o.axis = -2,
              o.before = &c_before),
             (x.c(), labels.c(), y.c()),
             (x.cpp(), labels.cpp(), y.cpp(), mylos::LossReduction::none, {weight.cpp(), 2, 0, -2, {}}, before));
  MYLOS_SAME(cosine_similarity, shape_without_last, mylos_dtype_f64, (o.axis = 2, o.eps = 2), (x.c(), other.c(), y.c()),
             (x.cpp(), other.cpp(), y.cpp(), 2, 2.0));
  const Data target({4, 3}, 0, mylos_dtype_i64);
  MYLOS_SAME(cosine_embedding_loss, shape_without_last, mylos_dtype_f64,
             (o.reduction = mylos_loss_reduction_none, o.margin = 0.25), (x.c(), other.c(), target.c(), y.c()),
             (x.cpp(), other.cpp(), target.cpp(), y.cpp(), mylos::LossReduction::none, 0.25));
  MYLOS_SAME(triplet_margin_loss, shape_without_last, mylos_dtype_f64,
             (o.reduction = mylos_loss_reduction_none, o.margin = 2, o.p = 3, o.eps = 0.25, o.swap = 1),
             (x.c(), other.c(), third.c(), y.c()),
             (x.cpp(), other.cpp(), third.cpp(), y.cpp(), mylos::LossReduction::none, 2.0, 3.0, 0.25, true));
}

TEST_F(COperatorsTest, Rows) {
#define MYLOS_SET_CHAINS o.before = &c_before, o.after = &c_after
#define MYLOS_SAME_ROW(name, set, ...) \
  MYLOS_SAME(name, shape, mylos_dtype_f64, (set, MYLOS_SET_CHAINS), (x.c(), y.c()), (x.cpp(), y.cpp(), __VA_ARGS__))
  const mylos::Axes axes = {0, 2};
  MYLOS_SAME_ROW(softmax, o.axes = mylos_two_axes(0, 2), axes, before, after);
  MYLOS_SAME_ROW(log_softmax, o.axes = mylos_two_axes(0, 2), axes, before, after);
  MYLOS_SAME_ROW(softmin, o.axes = mylos_two_axes(0, 2), axes, before, after);
  MYLOS_SAME_ROW(causal_softmax, o.diagonal = 1, before, after, 1);
  MYLOS_SAME_ROW(l1_normalize, (o.axes = mylos_two_axes(0, 2), o.eps = 9), axes, 9.0, before, after);
  MYLOS_SAME_ROW(l2_normalize, (o.axes = mylos_two_axes(0, 2), o.eps = 9), axes, 9.0, before, after);
  MYLOS_SAME_ROW(frobenius_normalize, MYLOS_NO_OPTION, before, after);
  MYLOS_SAME(lp_normalize, shape, mylos_dtype_f64, (o.axes = mylos_two_axes(0, 2), o.eps = 0.25, MYLOS_SET_CHAINS),
             (x.c(), y.c(), 3.0), (x.cpp(), y.cpp(), 3.0, axes, 0.25, before, after));
  MYLOS_SAME(local_response_norm, shape, mylos_dtype_f64, (o.alpha = 2, o.beta = 0.5, o.k = 3), (x.c(), y.c(), 2),
             (x.cpp(), y.cpp(), 2, 2.0, 0.5, 3.0));
}

TEST_F(COperatorsTest, Normalisations) {
#define MYLOS_SET_AFFINE o.weight = weight.c(), o.bias = bias.c(), o.eps = 0.25
#define MYLOS_SET_STATISTICS o.mean = &part0, o.rstd = &part1
  using Affine = mylos::Affine<Exec>;
  using Statistics = mylos::Statistics<Exec>;
  const Affine affine{weight.cpp(), bias.cpp()};
#define MYLOS_SAME_NORM(name, set, c_more, ...)                                                             \
  MYLOS_SAME(name, shape, mylos_dtype_f64, (set, MYLOS_SET_AFFINE, MYLOS_SET_STATISTICS, MYLOS_SET_CHAINS), \
             (x.c(), y.c() MYLOS_UNWRAP c_more),                                                            \
             (x.cpp(), y.cpp(), __VA_ARGS__, Statistics{cpp_of(part0), cpp_of(part1)}, before, after))
  part_extents = {4, 5};
  MYLOS_SAME_NORM(layer_norm, o.axes = mylos_one_axis(1), (), 1, affine, 0.25);
  MYLOS_SAME(rms_norm, shape, mylos_dtype_f64,
             (o.axes = mylos_one_axis(1), MYLOS_SET_AFFINE, o.rstd = &part1, MYLOS_SET_CHAINS), (x.c(), y.c()),
             (x.cpp(), y.cpp(), 1, affine, 0.25, Statistics{{}, cpp_of(part1)}, before, after));
  part_extents = {4, 3};
  MYLOS_SAME_NORM(group_norm, MYLOS_NO_OPTION, (, 3), 3, affine, 0.25);
  MYLOS_SAME_NORM(instance_norm, MYLOS_NO_OPTION, (), affine, 0.25);
  part_extents = {3};
  MYLOS_SAME_NORM(batch_norm_training, (o.running_mean = &part2, o.running_variance = &part3, o.momentum = 0.25), (),
                  mylos::Running<Exec>{cpp_of(part2), cpp_of(part3)}, affine, 0.25, 0.25);
  const Data mean({3}, 8), variance({3}, 9);
  MYLOS_SAME(batch_norm, shape, mylos_dtype_f64, (MYLOS_SET_AFFINE, MYLOS_SET_CHAINS),
             (x.c(), mean.c(), variance.c(), y.c()),
             (x.cpp(), mean.cpp(), variance.cpp(), y.cpp(), affine, 0.25, before, after));
}

TEST_F(COperatorsTest, Scans) {
  const Data mask_of_bytes({15}, 2);  // any bits will do, zeros among them
  const std::int64_t mask_extents[] = {3, 5};
  const mylos_tensor mask = mylos_row_major(mask_of_bytes.c()->data, mylos_dtype_u8, 2, mask_extents);
  constexpr mylos::Scan scan = mylos::Scan::reverse | mylos::Scan::exclusive;
#define MYLOS_SET_SCAN o.axis = 1, o.scan = mylos_scan_reverse | mylos_scan_exclusive, o.mask = &mask, MYLOS_SET_CHAINS
#define MYLOS_SAME_SCAN(name)                                                \
  MYLOS_SAME(name, shape, mylos_dtype_f64, (MYLOS_SET_SCAN), (x.c(), y.c()), \
             (x.cpp(), y.cpp(), 1, scan, mylos::Input<Exec>(cpp_of(mask)), before, after))
  MYLOS_SAME_SCAN(cumsum);
  MYLOS_SAME_SCAN(cumprod);
  MYLOS_SAME_SCAN(logcumsumexp);
#define MYLOS_SAME_SCAN_INDICES(name)                                                                \
  MYLOS_SAME(name, shape, mylos_dtype_i64, (o.indices = second.c(), MYLOS_SET_SCAN), (x.c(), y.c()), \
             (x.cpp(), y.cpp(), mylos::Output<Exec>(second.cpp()), 1, scan, cpp_of(mask), before, after))
  MYLOS_SAME_SCAN_INDICES(cummax);
  MYLOS_SAME_SCAN_INDICES(cummin);
}

TEST_F(COperatorsTest, Products) {
  const Data a({3, 3}, 0), b({3, 3}, 1), v({3}, 2), w({3}, 3);
  const Extents square = {3, 3}, line = {3};
  using mylos::MatrixStructure;
  const auto options = [](MatrixStructure structure_a = MatrixStructure::general,
                          MatrixStructure structure_b = MatrixStructure::general) {
    return mylos::GemmOptions{2.0,         0.5,        mylos::Precision::tf32, mylos::Determinism::batch_invariant,
                              structure_a, structure_b};
  };
#define MYLOS_SET_SCALES o.alpha = 2, o.beta = 0.5, o.after = &c_after
#define MYLOS_SET_SCALED \
  MYLOS_SET_SCALES, o.precision = mylos_precision_tf32, o.determinism = mylos_determinism_batch_invariant
  MYLOS_SAME(
      gemm, square, mylos_dtype_f64,
      (MYLOS_SET_SCALED, o.structure_a = mylos_matrix_structure_lower,
       o.structure_b = mylos_matrix_structure_symmetric_upper, o.before = &c_before),
      (a.c(), b.c(), y.c()),
      (a.cpp(), b.cpp(), y.cpp(), options(MatrixStructure::lower, MatrixStructure::symmetric_upper), before, after));
  MYLOS_SAME(linear, square, mylos_dtype_f64, (MYLOS_SET_SCALED), (a.c(), b.c(), v.c(), y.c()),
             (a.cpp(), mylos::Input<Exec>(b.cpp()), v.cpp(), y.cpp(), after, options()));
  MYLOS_SAME(gemv, line, mylos_dtype_f64, (MYLOS_SET_SCALED, o.structure_a = mylos_matrix_structure_symmetric_lower),
             (a.c(), v.c(), y.c()), (a.cpp(), v.cpp(), y.cpp(), options(MatrixStructure::symmetric_lower), after));
  MYLOS_SAME(dot, line, mylos_dtype_f64, (o.after = &c_after), (a.c(), b.c(), y.c()),
             (a.cpp(), b.cpp(), y.cpp(), after));
  MYLOS_SAME(ger, square, mylos_dtype_f64, (MYLOS_SET_SCALED), (v.c(), w.c(), y.c()),
             (v.cpp(), w.cpp(), y.cpp(), options(), after));
  MYLOS_SAME(diagonal_mm, square, mylos_dtype_f64, (MYLOS_SET_SCALES), (v.c(), b.c(), y.c()),
             (v.cpp(), b.cpp(), y.cpp(), options(), after));
  const auto triangle = mylos_matrix_structure_upper;
  MYLOS_SAME(trmm, square, mylos_dtype_f64, (MYLOS_SET_SCALED), (triangle, a.c(), b.c(), y.c()),
             (MatrixStructure::upper, a.cpp(), b.cpp(), y.cpp(), options(), after));
  MYLOS_SAME(symm, square, mylos_dtype_f64, (MYLOS_SET_SCALED), (triangle, a.c(), b.c(), y.c()),
             (MatrixStructure::upper, a.cpp(), b.cpp(), y.cpp(), options(), after));

  mylos_layer layers[] = {mylos_layer_of(*a.c(), v.c()), mylos_layer_of(*b.c(), nullptr)};
  layers[0].chain = c_after;
  const mylos::Mlp network = mylos::Mlp().layer(a.cpp(), v.cpp(), after).layer(b.cpp());
  MYLOS_SAME(mlp, shape, mylos_dtype_f64, (o.axis = 1), (layers, 2, x.c(), y.c()), (network, x.cpp(), y.cpp(), 1));
}
