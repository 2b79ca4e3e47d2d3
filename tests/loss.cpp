// Every pointwise loss against long double, on every kernel: none, sum, mean and batch mean; dtypes, layouts, broadcast
// targets and weights, and PyTorch's edge cases.
#include <gtest/gtest.h>

#include "reference/loss.hpp"
#include "support/message.hpp"
#include "support/reductions.hpp"

namespace mylos::test {
namespace {

using reference::LossCase;
using reference::LossValue;

template <class Exec>
class Loss : public testing::Test {};
TYPED_TEST_SUITE(Loss, ExecutionSpaces, SpaceName);

/// Inputs in [0, 1] where logarithms of both ends are taken, targets -1 and 1 or in [0, 3).
double input_value(const LossCase& c, std::int64_t i) {
  using Id = mylos::detail::LossId;
  const double v = mixed_value(i);
  if (c.id == Id::bce) return i % 50 == 0 ? 0.0 : (i % 50 == 1 ? 1.0 : (v + 4) / 8);
  if (c.id == Id::poisson_nll) return (v + 4) / 2;
  return v;
}
double target_value(const LossCase& c, std::int64_t i) {
  using Id = mylos::detail::LossId;
  const double v = mixed_value(3 * i + 1);
  if (c.id == Id::bce || c.id == Id::bce_logits) return i % 7 == 0 ? 0.0 : (i % 7 == 1 ? 1.0 : (v + 4) / 8);
  if (c.id == Id::hinge_embedding) return i % 3 == 0 ? 1.0 : (i % 3 == 1 ? -1.0 : 0.5);
  if (c.id == Id::poisson_nll || c.id == Id::poisson_nll_log) return static_cast<double>(i % 6);
  if (c.id == Id::kl_div) return i % 11 == 0 ? 0.0 : (v + 4) / 8;
  return v;
}

struct Layouts {
  TensorSpec input{};
  TensorSpec target{};
  TensorSpec weight{};
};

template <class Exec>
void check_loss(const LossCase& c, const std::vector<std::int64_t>& shape, const Layouts& layouts, DType y_dtype) {
  Data<Exec> input(layouts.input, shape);
  Data<Exec> target(layouts.target, shape);
  Data<Exec> weight(layouts.weight, shape);
  const auto fill = [](Data<Exec>& data, const auto& value) {
    const std::vector<std::int64_t> own(data.tensor().extent, data.tensor().extent + data.tensor().rank);
    std::int64_t i = 0;
    for_each_element(own, {data.tensor()}, [&](const std::vector<std::int64_t>& offset) {
      data.set(offset[0], reference::round_to(value(i++), data.dtype()));
    });
    data.upload();
  };
  fill(input, [&](std::int64_t i) { return input_value(c, i); });
  fill(target, [&](std::int64_t i) { return target_value(c, i); });
  fill(weight, [&](std::int64_t i) { return 0.1 + static_cast<double>(i % 9) / 4; });
  const bool f64 = layouts.input.dtype == DType::f64 || y_dtype == DType::f64;
  const long double u = std::ldexp(1.0L, f64 ? -53 : -24);
  std::vector<LossValue> exact;
  LossValue total{0, 0};
  for_each_element(
      shape, {input.tensor(), target.tensor(), weight.tensor()}, [&](const std::vector<std::int64_t>& offset) {
        const LossValue v =
            c.definition(input.value(offset[0]), target.value(offset[1]), c.weighted ? weight.value(offset[2]) : 1);
        exact.push_back(v);
        total = {total.value + v.value, total.terms + v.terms};
      });
  const Exec exec;
  const auto n = static_cast<long double>(exact.size());
  Data<Exec> all(TensorSpec{y_dtype}, shape);
  Data<Exec> one(TensorSpec{y_dtype}, {});
  for (const std::string& kernel : reduce_kernels<Exec>())
    for (const LossReduction reduction :
         {LossReduction::none, LossReduction::sum, LossReduction::mean, LossReduction::batch_mean}) {
      const bool none = reduction == LossReduction::none;
      Data<Exec>& y = none ? all : one;
      y.poison();
      const Operand b = weight.tensor();
      mylos::detail::LossOptions options{reduction, c.p, c.q, c.weighted ? &b : nullptr, "weight"};
      if (!run_on(kernel, exec, [&] {
            mylos::detail::loss(c.id, "loss", mylos::detail::Execution(exec), input.tensor(), target.tensor(),
                                y.tensor(), options, {});
          }))
        continue;
      y.download();
      Comparison comparison(std::string(Exec::name()) + " " + kernel + " " + c.name, y_dtype);
      const auto look = [&](std::int64_t at, long double e, long double tolerance) {
        comparison.look({at,
                         0,
                         y.value(at),
                         y.bits(at),
                         static_cast<double>(e),
                         {reference::round_to(e - tolerance, y_dtype), reference::round_to(e + tolerance, y_dtype),
                          std::isnan(e)}});
      };
      if (none) {
        for (std::size_t i = 0; i < exact.size(); ++i)
          look(static_cast<std::int64_t>(i), exact[i].value, 20 * u * exact[i].terms);
      } else {
        const long double divisor = reduction == LossReduction::sum
                                        ? 1
                                        : (reduction == LossReduction::mean ? n : static_cast<long double>(shape[0]));
        look(0, total.value / divisor, 20 * u * total.terms / divisor);
      }
      EXPECT_TRUE(comparison.result());
      EXPECT_EQ(y.written(), none ? static_cast<std::int64_t>(exact.size()) : 1);
    }
}

TYPED_TEST(Loss, EveryLossInEveryDtype) {
  for (const LossCase& c : reference::losses())
    for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
      TensorSpec spec;
      spec.dtype = dtype;
      check_loss<TypeParam>(c, {31, 65}, {spec, spec, spec}, dtype == DType::f16 ? DType::f32 : dtype);
    }
}

TYPED_TEST(Loss, LayoutsAndBroadcasting) {
  TensorSpec left;
  left.order = {1, 0};
  TensorSpec line;
  line.dropped = 1;
  TensorSpec column;
  column.broadcast = {false, true};
  TensorSpec odd;
  odd.misalignment = 1;
  odd.padding = {0, 3};
  TensorSpec half_spec;
  half_spec.dtype = DType::f16;
  for (const LossCase& c : reference::losses()) {
    check_loss<TypeParam>(c, {40, 64}, {TensorSpec{}, line, column}, DType::f32);
    check_loss<TypeParam>(c, {40, 64}, {left, TensorSpec{}, line}, DType::f32);
    check_loss<TypeParam>(c, {40, 64}, {odd, left, odd}, DType::f64);
    check_loss<TypeParam>(c, {3, 1}, {half_spec, TensorSpec{}, TensorSpec{}}, DType::f32);
  }
}

/// Vectors of 16 bytes of both, in runs of their own and beside a target that all runs share.
TYPED_TEST(Loss, WholeVectors) {
  TensorSpec line;
  line.dropped = 1;
  for (const LossCase& c : reference::losses()) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      TensorSpec spec;
      spec.dtype = dtype;
      check_loss<TypeParam>(c, {13, 2056}, {spec, spec, spec}, DType::f32);
    }
    if (!c.weighted && thinning == 1)
      check_loss<TypeParam>(c, {1025, 1024}, {TensorSpec{}, line, TensorSpec{}}, DType::f32);
  }
}

/// One step before a loss: what the loss makes of its result, rounded, is the expected value.
TYPED_TEST(Loss, StepsBefore) {
  const TypeParam exec;
  using L = long double;
  struct Case {
    const char* name;
    mylos::detail::LossId id;
    Chain chain;
    L (*exact)(L x, L t);
  };
  using Id = mylos::detail::LossId;
  static constexpr auto term = [](L t) { return t == 0 ? L(0) : t * std::log(t); };
  const Case cases[] = {
      {"kl_div, log", Id::kl_div, mylos::log(), [](L x, L t) { return term(t) - t * std::log(x); }},
      {"bce, sigmoid", Id::bce, sigmoid(),
       [](L x, L t) {
         const L p = 1 / (1 + std::exp(-x));
         return -(t * std::log(p) + (1 - t) * std::log1p(-p));
       }},
      {"mse, relu", Id::mse, relu(), [](L x, L t) { return (std::fmax(x, L(0)) - t) * (std::fmax(x, L(0)) - t); }},
      {"mse, sigmoid", Id::mse, sigmoid(),
       [](L x, L t) {
         const L d = 1 / (1 + std::exp(-x)) - t;
         return d * d;
       }},
      {"mse, tanh", Id::mse, tanh(), [](L x, L t) { return (std::tanh(x) - t) * (std::tanh(x) - t); }},
  };
  for (const Case& c : cases)
    for (const std::int64_t n : {1000, 4104, 40000})
      for (const DType dtype : {DType::f32, DType::f16}) {
        Data<TypeParam> x(dtype, n);
        Data<TypeParam> t(dtype, n);
        Data<TypeParam> y(TensorSpec{}, {});
        L sum = 0;
        for (std::int64_t i = 0; i < n; ++i) {
          x.set(i, static_cast<double>(i % 61 + 1) / 64);
          t.set(i, static_cast<double>(i % 17) / 16);
          sum += c.exact(static_cast<L>(x.value(i)), static_cast<L>(t.value(i)));
        }
        x.upload();
        t.upload();
        mylos::detail::LossOptions options;
        options.reduction = LossReduction::sum;
        for (const std::string& kernel : reduce_kernels<TypeParam>()) {
          if (!run_on(kernel, exec, [&] {
                mylos::detail::loss(c.id, "loss", mylos::detail::Execution(exec), x.tensor(), t.tensor(), y.tensor(),
                                    options, c.chain);
              }))
            continue;
          y.download();
          // Every value's terms are 5 at most; a step may be 12 u off, and the loss passes on 4 times as much.
          EXPECT_NEAR(y.value(0), static_cast<double>(sum), static_cast<double>(n) * 0x1p-24 * (48 + 20 * 5))
              << kernel << " " << c.name << " " << n;
        }
      }
}

TYPED_TEST(Loss, LongInputsAndChains) {
  check_loss<TypeParam>(reference::losses()[0], {7, 30011 / thinning}, {}, DType::f32);
  // |x| - t squared: the chain comes before the loss.
  const TypeParam exec;
  for (const std::int64_t n : {100, 40000})
    for (const DType dtype : {DType::f32, DType::f16}) {
      Data<TypeParam> x(dtype, n);
      Data<TypeParam> t(dtype, n);
      Data<TypeParam> y(TensorSpec{}, {});
      double sum = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        x.set(i, static_cast<double>(i % 7 - 3));
        t.set(i, static_cast<double>(i % 5));
        const double d = std::fabs(x.value(i)) - t.value(i);
        sum += d * d;
      }
      x.upload();
      t.upload();
      mse_loss(exec, x.tensor(), t.tensor(), y.tensor(), LossReduction::sum, mylos::abs());
      exec.fence();
      y.download();
      EXPECT_EQ(y.value(0), sum);
    }
}

TYPED_TEST(Loss, NumbersAsWeightsAndEmptyInputs) {
  const TypeParam exec;
  Data<TypeParam> x(DType::f32, 4);
  Data<TypeParam> t(DType::f32, 4);
  Data<TypeParam> y(TensorSpec{}, {});
  for (std::int64_t i = 0; i < 4; ++i) {
    x.set(i, 0.5);
    t.set(i, 1);
  }
  x.upload();
  t.upload();
  binary_cross_entropy(exec, x.tensor(), t.tensor(), y.tensor(), LossReduction::mean, 3.0);
  exec.fence();
  y.download();
  EXPECT_NEAR(y.value(0), 3 * std::log(2.0), 1e-6);
  const Tensor none(static_cast<float*>(nullptr), {0});
  mse_loss(exec, none, none, y.tensor());
  exec.fence();
  y.download();
  EXPECT_NE(y.value(0), y.value(0)) << "the mean of nothing is NaN";
  mse_loss(exec, none, none, y.tensor(), LossReduction::sum);
  exec.fence();
  y.download();
  EXPECT_EQ(y.value(0), 0);
}

TEST(LossErrors, NameTheArgument) {
  const Kokkos::DefaultHostExecutionSpace exec;
  float x[6] = {};
  float t[6] = {};
  float y[6] = {};
  const Tensor input(x, {2, 3});
  const Tensor target(t, {2, 3});
  EXPECT_EQ(message_of([&] {
              mse_loss(exec, input, Tensor(t, {2, 2}), Tensor(y, {}));
            }),
            "mylos::mse_loss: target: extents (2, 2), expected extents that broadcast to (2, 3)");
  EXPECT_EQ(message_of([&] { mse_loss(exec, input, target, Tensor(y, {3})); }),
            "mylos::mse_loss: y: extents (3), expected (), or those of the input with 1 along the axes");
  EXPECT_EQ(message_of([&] {
              mse_loss(exec, input, target, Tensor(y, {3, 2}), LossReduction::none);
            }),
            "mylos::mse_loss: y: extents (3, 2), expected (2, 3)");
  EXPECT_EQ(message_of([&] { huber_loss(exec, input, target, Tensor(y, {}), LossReduction::mean, 0); }),
            "mylos::huber_loss: delta: 0.000000, expected more than 0");
  EXPECT_EQ(message_of([&] { smooth_l1_loss(exec, input, target, Tensor(y, {}), LossReduction::mean, -1); }),
            "mylos::smooth_l1_loss: beta: -1.000000, expected at least 0");
  const int wrong[6] = {};
  EXPECT_EQ(message_of([&] {
              l1_loss(exec, Tensor(wrong, {2, 3}), target, Tensor(y, {}));
            }),
            "mylos::l1_loss: input: dtype i32, expected f64, f32, f16 or bf16");
  EXPECT_EQ(message_of([&] { l1_loss(exec, input, target, Tensor(t, {})); }),
            "mylos::l1_loss: target: overlaps the output, expected tensors that have no elements in common");
}

}  // namespace
}  // namespace mylos::test
