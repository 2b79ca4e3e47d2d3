// What every operator promises, for the losses of vectors: the given instance only, no fence, the same bits in every
// run and however many rows there are, two threads, graph capture; and every error message once.
#include <gtest/gtest.h>

#include <thread>

#include "support/message.hpp"
#include "support/vector_losses.hpp"
#include "support/watch.hpp"

#ifdef KOKKOS_ENABLE_CUDA
#include <cuda_runtime.h>
#endif

namespace mylos::test {
namespace {

template <class Exec>
class VectorLossContract : public testing::Test {
 protected:
  static constexpr std::int64_t rows = 300;
  static constexpr std::int64_t classes = 1000;
  VectorLossContract()
      : x_(TensorSpec{}, {rows, classes}), t_(TensorSpec{DType::i64}, {rows}), y_(TensorSpec{}, {rows}) {
    fill_with(x_, mixed_value);
    fill_with(t_, [](std::int64_t i) { return static_cast<double>(i * 37 % classes); });
    y_.poison();
  }
  Tensor y(std::int64_t n) const { return Tensor(static_cast<float*>(y_.tensor().data), {n}); }
  Tensor total() const { return Tensor(static_cast<float*>(y_.tensor().data), {}); }
  std::vector<std::uint64_t> bits(std::int64_t n) {
    y_.download();
    std::vector<std::uint64_t> all;
    for (std::int64_t i = 0; i < n; ++i) all.push_back(y_.bits(i));
    return all;
  }

  Data<Exec> x_;
  Data<Exec> t_;
  Data<Exec> y_;
};
TYPED_TEST_SUITE(VectorLossContract, ExecutionSpaces, SpaceName);

TYPED_TEST(VectorLossContract, RunsOnTheGivenInstanceWithoutAFenceAndUnderItsName) {
  for (const TypeParam& exec : Kokkos::Experimental::partition_space(TypeParam(), 1, 1)) {
    const std::uint32_t device = Kokkos::Tools::Experimental::device_id(exec);
    for (const std::string& kernel : vector_loss_kernels<TypeParam>()) {
      Watch::Seen seen;
      bool ran = false;
      {
        const Watch watch;
        const ScopedPath path(kernel == "generic" ? Path::generic : Path::automatic);
        const mylos::detail::ScopedCandidate candidate(kernel == "generic" || kernel.empty() ? nullptr
                                                                                             : kernel.c_str());
        try {
          cross_entropy(exec, this->x_.tensor(), this->t_.tensor(), this->total());
          ran = true;
        } catch (const Error&) {
        }
        seen = Watch::seen();
      }
      exec.fence();
      if (!ran) continue;
      const std::string chosen = last_kernel();
      EXPECT_TRUE(kernel.empty() || chosen == kernel) << chosen;
      EXPECT_GE(expect_quiet_call(seen, device, "cross_entropy", chosen), 1) << chosen;
    }
  }
}

TYPED_TEST(VectorLossContract, SameBitsInEveryRunAndHoweverManyRows) {
  const TypeParam exec;
  auto* x = static_cast<float*>(this->x_.tensor().data);
  auto* t = static_cast<std::int64_t*>(this->t_.tensor().data);
  const std::int64_t lengths[] = {1000, 1001};
  for (const std::string& kernel : vector_loss_kernels<TypeParam>())
    for (const std::int64_t length : lengths) {
      // Rows that follow each other, aligned or not; columns of one matrix.
      const auto rows_of = [&](std::int64_t first, std::int64_t n) {
        this->y_.poison();
        const bool ran = run_on(kernel, exec, [&] {
          cross_entropy(exec, Tensor(x + first * length, {n, this->classes}, {length, 1}), Tensor(t + first, {n}),
                        this->y(n), LossReduction::none);
        });
        return ran ? this->bits(n) : std::vector<std::uint64_t>();
      };
      const std::int64_t n = this->rows - 1;
      const std::vector<std::uint64_t> all = rows_of(0, n);
      for (int run = 0; run < 3; ++run) EXPECT_EQ(rows_of(0, n), all) << kernel;
      for (const std::int64_t r : {0, 1, 2, 3, 150, 297})
        if (!all.empty()) {
          EXPECT_EQ(rows_of(r, 1).at(0), all[static_cast<std::size_t>(r)]) << kernel << " row " << r;
        }
      const auto columns_of = [&](std::int64_t first, std::int64_t count) {
        this->y_.poison();
        const bool ran = run_on(kernel, exec, [&] {
          cross_entropy(exec, Tensor(x + first, {1, 256, count}, {0, length, 1}), Tensor(t + 3, {1, count}, {0, 0}),
                        Tensor(static_cast<float*>(this->y_.tensor().data), {1, count}), LossReduction::none);
        });
        return ran ? this->bits(count) : std::vector<std::uint64_t>();
      };
      const std::vector<std::uint64_t> wide = columns_of(0, 300);
      for (const std::int64_t count : {2, 3, 17, 64, 130, 299})
        for (const std::int64_t first : {0, 1}) {
          const std::vector<std::uint64_t> part = columns_of(first, count);
          EXPECT_TRUE(wide.empty() || std::equal(part.begin(), part.end(), wide.begin() + first))
              << kernel << " " << first << " " << count;
        }
    }
}

/// The first and the last rows of a tensor, whose vectors stick out of it, among them.
TYPED_TEST(VectorLossContract, SameBitsWhereverARowLies) {
  const TypeParam exec;
  constexpr std::int64_t n = 60;
  for (const std::int64_t length : {21, 333, 1001})
    for (const double smoothing : {0.0, 0.1}) {
      Data<TypeParam> x(TensorSpec{DType::f16}, {n, length});
      fill_with(x, mixed_value);
      Data<TypeParam> t(TensorSpec{DType::i64}, {n});
      fill_with(t, [=](std::int64_t i) { return static_cast<double>(i * 37 % length); });
      ClassOptions<TypeParam> options;
      options.label_smoothing = smoothing;
      for (const std::string& kernel : vector_loss_kernels<TypeParam>()) {
        const auto rows_of = [&](std::int64_t first, std::int64_t count) {
          this->y_.poison();
          const bool ran = run_on(kernel, exec, [&] {
            cross_entropy(exec, Tensor(static_cast<half*>(x.tensor().data) + first * length, {count, length}),
                          Tensor(static_cast<std::int64_t*>(t.tensor().data) + first, {count}), this->y(count),
                          LossReduction::none, options);
          });
          return ran ? this->bits(count) : std::vector<std::uint64_t>();
        };
        const std::vector<std::uint64_t> all = rows_of(0, n);
        for (const std::int64_t r : {0, 1, 2, 3, 30, 59})
          if (!all.empty()) {
            EXPECT_EQ(rows_of(r, 1).at(0), all[static_cast<std::size_t>(r)]) << kernel << " row " << r;
          }
      }
    }
}

TYPED_TEST(VectorLossContract, SumsHaveTheSameBitsInEveryRun) {
  const TypeParam exec;
  for (const std::string& kernel : vector_loss_kernels<TypeParam>()) {
    std::vector<std::uint64_t> first;
    for (int i = 0; i < 5; ++i) {
      if (!run_on(kernel, exec, [&] { cross_entropy(exec, this->x_.tensor(), this->t_.tensor(), this->total()); }))
        break;
      if (i == 0) first = this->bits(1);
      EXPECT_EQ(this->bits(1), first) << kernel;
    }
  }
}

TYPED_TEST(VectorLossContract, TwoThreadsOnTwoInstances) {
  const auto instances = Kokkos::Experimental::partition_space(TypeParam(), 1, 1);
  std::vector<Data<TypeParam>> results;
  for (int i = 0; i < 2; ++i) results.emplace_back(TensorSpec{}, std::vector<std::int64_t>());
  for (const std::string& kernel : vector_loss_kernels<TypeParam>()) {
    const auto once = [&](std::size_t which) {
      return run_on(kernel, instances[which], [&] {
        cross_entropy(instances[which], this->x_.tensor(), this->t_.tensor(), results[which].tensor(),
                      which == 0 ? LossReduction::sum : LossReduction::mean);
      });
    };
    if (!once(0) || !once(1)) continue;
    std::uint64_t alone[2];
    const auto bits_of = [&](std::size_t which) {
      results[which].download();
      return results[which].bits(0);
    };
    for (const std::size_t which : {0U, 1U}) alone[which] = bits_of(which);
    const auto work = [&](std::size_t which) {
      for (int i = 0; i < 20; ++i) once(which);
    };
    std::thread first(work, 0);
    std::thread second(work, 1);
    first.join();
    second.join();
    for (const std::size_t which : {0U, 1U}) EXPECT_EQ(bits_of(which), alone[which]) << kernel;
  }
}

#ifdef KOKKOS_ENABLE_CUDA
TEST(VectorLossStreams, CanBeCapturedAndReplayed) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  {
    const Kokkos::Cuda exec(stream);
    const Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::CudaSpace> x("x", 500, 64);
    const Kokkos::View<std::int64_t*, Kokkos::CudaSpace> t("t", 500);
    const Kokkos::View<float, Kokkos::CudaSpace> y("y");
    for (const Path path : {Path::automatic, Path::generic}) {
      const ScopedPath forced(path);
      nll_loss(exec, x, t, y);  // kernels are loaded when they are first used
      exec.fence();
      cudaGraph_t graph = nullptr;
      cudaGraphExec_t executable = nullptr;
      ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
      nll_loss(exec, x, t, y);
      ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
      ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
      for (const float value : {1.0F, 2.0F}) {
        Kokkos::deep_copy(exec, x, value);
        ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
        float result = 0;
        Kokkos::deep_copy(exec, result, y);
        exec.fence();
        EXPECT_EQ(result, -value);
      }
      cudaGraphExecDestroy(executable);
      cudaGraphDestroy(graph);
    }
  }
  cudaStreamDestroy(stream);
}
#endif

// ---- errors, all on the host ----------------------------------------------------------------------------------------

class VectorLossErrors : public testing::Test {
 protected:
  using Exec = Kokkos::DefaultHostExecutionSpace;
  void TearDown() override {
    for (const float v : untouched_) EXPECT_EQ(v, 7) << "y was written before the error";
  }
  /// Of cross_entropy with everything right but what is given.
  std::string entropy(const Tensor& x, const Tensor& t, const Tensor& y, const ClassOptions<Exec>& options = {},
                      LossReduction reduction = LossReduction::mean, const Chain& before = {}) {
    return message_of([&] { cross_entropy(exec_, x, t, y, reduction, options, before); });
  }

  const Exec exec_;
  float values_[24] = {};
  float untouched_[8] = {7, 7, 7, 7, 7, 7, 7, 7};
  std::int64_t labels_[6] = {0, 1, 2, 3, 0, 1};
  std::int32_t status_ = 0;
  const Tensor x_{values_, {6, 4}};
  const Tensor t_{labels_, {6}};
  const Tensor y_{untouched_, {}};
};

TEST_F(VectorLossErrors, ClassesOutOfRange) {
  labels_[4] = 4;
  EXPECT_EQ(entropy(x_, t_, y_),
            "mylos::cross_entropy: target: class 4 in row (4), expected 0 to 3, or ignore_index -100");
  labels_[4] = -1;
  EXPECT_EQ(message_of([&] { nll_loss(exec_, x_, t_, y_); }),
            "mylos::nll_loss: target: class -1 in row (4), expected 0 to 3, or ignore_index -100");
  EXPECT_EQ(entropy(Tensor(values_, {2, 4, 3}), Tensor(labels_, {2, 3}), y_),
            "mylos::cross_entropy: target: class -1 in row (1, 1), expected 0 to 3, or ignore_index -100");
  std::int32_t narrow[2] = {-100, 9};
  EXPECT_EQ(entropy(Tensor(values_, {2, 4}), Tensor(narrow, {2}), y_),
            "mylos::cross_entropy: target: class 9 in row (1), expected 0 to 3, or ignore_index -100");
  EXPECT_EQ(entropy(Tensor(values_, {4}), Tensor(narrow + 1, {}), y_),
            "mylos::cross_entropy: target: class 9 in row (), expected 0 to 3, or ignore_index -100");
}

TEST_F(VectorLossErrors, ExtentsAndAxes) {
  EXPECT_EQ(entropy(Tensor(values_, {}), t_, y_),
            "mylos::cross_entropy: input: rank 0, expected at least one dimension");
  EXPECT_EQ(entropy(x_, Tensor(labels_, {5}), y_),
            "mylos::cross_entropy: target: extents (5), expected (6), or those of the input with 1 along the axes");
  EXPECT_EQ(entropy(x_, Tensor(values_, {6, 3}), y_),
            "mylos::cross_entropy: target: extents (6, 3), expected those of the input, (6, 4), for probabilities");
  EXPECT_EQ(entropy(Tensor(values_, {6, 0}), t_, y_), "mylos::cross_entropy: input: no classes in extents (6, 0)");
  EXPECT_EQ(entropy(x_, t_, Tensor(untouched_, {2})), "mylos::cross_entropy: y: extents (2), expected ()");
  EXPECT_EQ(entropy(x_, t_, Tensor(untouched_, {5}), {}, LossReduction::none),
            "mylos::cross_entropy: y: extents (5), expected (6), or those of the input with 1 along the axes");
  ClassOptions<Exec> options;
  options.weight = Tensor(values_, {3});
  EXPECT_EQ(entropy(x_, t_, y_, options), "mylos::cross_entropy: weight: extents (3), expected (4)");
  options = {};
  options.axis = 2;
  EXPECT_EQ(entropy(x_, t_, y_, options), "mylos::cross_entropy: axes: axis 2, expected -2 to 1 for extents (6, 4)");
  EXPECT_EQ(message_of([&] { cosine_similarity(exec_, x_, Tensor(values_, {3}), Tensor(untouched_, {6})); }),
            "mylos::cosine_similarity: x2: extents (3), expected extents that broadcast to (6, 4)");
  EXPECT_EQ(message_of([&] { triplet_margin_loss(exec_, x_, x_, Tensor(values_, {3}), y_); }),
            "mylos::triplet_margin_loss: negative: extents (3), expected extents that broadcast to (6, 4)");
}

TEST_F(VectorLossErrors, Dtypes) {
  const std::uint8_t bytes[6] = {};
  EXPECT_EQ(entropy(t_, t_, y_), "mylos::cross_entropy: input: dtype i64, expected f64, f32, f16 or bf16");
  EXPECT_EQ(entropy(x_, Tensor(bytes, {6}), y_),
            "mylos::cross_entropy: target: dtype u8, expected i64 or i32, or a floating one for probabilities");
  EXPECT_EQ(message_of([&] { nll_loss(exec_, x_, x_, y_); }),
            "mylos::nll_loss: target: dtype f32, expected i64 or i32");
  EXPECT_EQ(entropy(x_, t_, Tensor(labels_, {})), "mylos::cross_entropy: y: dtype i64, expected f64, f32, f16 or bf16");
  ClassOptions<Exec> options;
  options.status = Tensor(labels_, {});
  EXPECT_EQ(entropy(x_, t_, y_, options), "mylos::cross_entropy: status: dtype i64, extents (), expected i32 and ()");
}

TEST_F(VectorLossErrors, Options) {
  ClassOptions<Exec> options;
  options.label_smoothing = 1.5;
  EXPECT_EQ(entropy(x_, t_, y_, options), "mylos::cross_entropy: label_smoothing: 1.500000, expected 0 to 1");
  EXPECT_EQ(message_of([&] { nll_loss(exec_, x_, t_, y_, LossReduction::mean, options); }),
            "mylos::nll_loss: label_smoothing: is given, expected none: nll_loss takes none");
  options = {};
  options.ignore_index = 0;
  EXPECT_EQ(entropy(x_, x_, y_, options),
            "mylos::cross_entropy: ignore_index: no index can be ignored where targets are probabilities");
  EXPECT_EQ(entropy(x_, t_, y_, {}, LossReduction::batch_mean),
            "mylos::cross_entropy: reduction: batch_mean, expected none, sum or mean");
  EXPECT_EQ(message_of([&] { triplet_margin_loss(exec_, x_, x_, x_, y_, LossReduction::mean, 1, 0); }),
            "mylos::triplet_margin_loss: p: 0.000000, expected a positive number");
  EXPECT_EQ(message_of([&] { cosine_similarity(exec_, x_, x_, Tensor(untouched_, {6}), 1, -1); }),
            "mylos::cosine_similarity: eps: -1.000000, expected at least 0");
  Chain chain;
  for (int i = 0; i < 16; ++i) chain.append(add(Tensor(values_, {4})));
  EXPECT_EQ(entropy(x_, t_, y_, {}, LossReduction::mean, chain),
            "mylos::cross_entropy: before: more than 16 tensor operands in all");
}

TEST_F(VectorLossErrors, Overlap) {
  const std::string apart = ", expected tensors that have no elements in common";
  EXPECT_EQ(entropy(x_, t_, Tensor(values_ + 5, {})), "mylos::cross_entropy: input: overlaps the output" + apart);
  EXPECT_EQ(entropy(Tensor(values_, {6, 3}, {4, 1}), t_, Tensor(values_ + 1, {6}, {4}), {}, LossReduction::none),
            "mylos::cross_entropy: input: overlaps the output" + apart);
  ClassOptions<Exec> options;
  options.weight = Tensor(untouched_, {4});
  EXPECT_EQ(entropy(x_, t_, y_, options), "mylos::cross_entropy: weight: overlaps the output" + apart);
  options = {};
  options.status = Tensor(reinterpret_cast<std::int32_t*>(values_), {});
  EXPECT_EQ(entropy(x_, t_, y_, options), "mylos::cross_entropy: input: overlaps the status" + apart);
  EXPECT_EQ(entropy(x_, t_, y_, {}, LossReduction::mean, add(Tensor(untouched_, {4}))),
            "mylos::cross_entropy: an operand of before: overlaps the output" + apart);
  // The last column of a matrix whose others are read has no element in common with them.
  cross_entropy(exec_, Tensor(values_, {6, 3}, {4, 1}), Tensor(labels_, {6}, {0}), Tensor(values_ + 3, {6}, {4}),
                LossReduction::none);
  exec_.fence();
  EXPECT_NEAR(values_[7], std::log(3.0), 1e-6);
}

}  // namespace
}  // namespace mylos::test
