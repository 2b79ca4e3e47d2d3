// What every operator promises, for the reductions: the given instance only, no fence, the same bits in every run and
// however many results there are, two threads, graph capture; and every error message once.
#include <gtest/gtest.h>

#include <thread>

#include "support/message.hpp"
#include "support/reductions.hpp"
#include "support/watch.hpp"

#ifdef KOKKOS_ENABLE_CUDA
#include <cuda_runtime.h>
#endif

namespace mylos::test {
namespace {

template <class Exec>
class ReduceContract : public testing::Test {
 protected:
  static constexpr std::int64_t rows = 6;
  static constexpr std::int64_t cols = 70001;  // long enough to be cut into pieces
  ReduceContract() : x_(TensorSpec{}, {rows, cols}), y_(TensorSpec{}, {cols}) {
    for (std::int64_t i = 0; i < rows * cols; ++i) x_.set(i, reference::round_to(mixed_value(i), DType::f32));
    x_.upload();
    y_.poison();
  }
  Tensor y(std::int64_t n) const { return Tensor(static_cast<float*>(y_.tensor().data), {n}); }
  std::vector<std::uint64_t> bits(std::int64_t n) {
    y_.download();
    std::vector<std::uint64_t> all;
    for (std::int64_t i = 0; i < n; ++i) all.push_back(y_.bits(i));
    return all;
  }

  Data<Exec> x_;
  Data<Exec> y_;
};
TYPED_TEST_SUITE(ReduceContract, ExecutionSpaces, SpaceName);

TYPED_TEST(ReduceContract, RunsOnTheGivenInstanceWithoutAFenceAndUnderItsName) {
  for (const TypeParam& exec : Kokkos::Experimental::partition_space(TypeParam(), 1, 1)) {
    const std::uint32_t device = Kokkos::Tools::Experimental::device_id(exec);
    for (const int axis : {0, 1})
      for (const std::string& kernel : reduce_kernels<TypeParam>()) {
        Watch::Seen seen;
        bool ran = false;
        {
          const Watch watch;
          const ScopedPath path(kernel == "generic" ? Path::generic : Path::automatic);
          const mylos::detail::ScopedCandidate candidate(kernel == "generic" || kernel.empty() ? nullptr
                                                                                               : kernel.c_str());
          try {
            logsumexp(exec, this->x_.tensor(), this->y(axis == 0 ? this->cols : this->rows), axis);
            ran = true;
          } catch (const Error&) {
          }
          seen = Watch::seen();
        }
        exec.fence();
        if (!ran) continue;
        const std::string chosen = last_kernel();
        EXPECT_TRUE(kernel.empty() || chosen == kernel) << chosen;
        EXPECT_GE(expect_quiet_call(seen, device, "logsumexp", chosen), 1) << chosen;
      }
  }
}

TYPED_TEST(ReduceContract, SameBitsInEveryRunAndHoweverManyResults) {
  const TypeParam exec;
  auto* x = static_cast<float*>(this->x_.tensor().data);
  for (const std::string& kernel : reduce_kernels<TypeParam>()) {
    // Along rows: alone, beside others, and from the middle.
    const auto rows_of = [&](std::int64_t first, std::int64_t n) {
      this->y_.poison();
      const bool ran = run_on(kernel, exec, [&] {
        sum(exec, Tensor(x + first * this->cols, {n, this->cols}), this->y(n), 1);
      });
      return ran ? this->bits(n) : std::vector<std::uint64_t>();
    };
    const std::vector<std::uint64_t> all = rows_of(0, this->rows);
    for (int run = 0; run < 3; ++run) EXPECT_EQ(rows_of(0, this->rows), all) << kernel;
    for (std::int64_t r = 0; r < this->rows && !all.empty(); ++r)
      EXPECT_EQ(rows_of(r, 1).at(0), all[static_cast<std::size_t>(r)]) << kernel << " row " << r;
    // Across rows of the same stride: any number of neighbouring columns.
    const auto columns_of = [&](std::int64_t first, std::int64_t n) {
      this->y_.poison();
      const bool ran = run_on(kernel, exec, [&] { sum(exec, Tensor(x + first, {200, n}, {501, 1}), this->y(n), 0); });
      return ran ? this->bits(n) : std::vector<std::uint64_t>();
    };
    const std::vector<std::uint64_t> wide = columns_of(0, 501);
    for (const std::int64_t n : {2, 3, 17, 64, 130, 500})
      for (const std::int64_t first : {0, 1}) {
        const std::vector<std::uint64_t> part = columns_of(first, n);
        if (wide.empty()) continue;
        EXPECT_TRUE(std::equal(part.begin(), part.end(), wide.begin() + first)) << kernel << " " << first << " " << n;
      }
  }
}

TYPED_TEST(ReduceContract, TwoThreadsOnTwoInstances) {
  const auto instances = Kokkos::Experimental::partition_space(TypeParam(), 1, 1);
  std::vector<Data<TypeParam>> results;
  for (int i = 0; i < 2; ++i) results.emplace_back(DType::f32, this->rows);
  for (const std::string& kernel : reduce_kernels<TypeParam>()) {
    std::vector<std::uint64_t> alone[2];
    const auto once = [&](std::size_t which) {
      return run_on(kernel, instances[which], [&] {
        which == 0 ? sum(instances[0], this->x_.tensor(), results[0].tensor(), 1)
                   : var(instances[1], this->x_.tensor(), results[1].tensor(), 1);
      });
    };
    if (!once(0) || !once(1)) continue;
    const auto bits_of = [&](std::size_t which) {
      results[which].download();
      std::vector<std::uint64_t> all;
      for (std::int64_t i = 0; i < this->rows; ++i) all.push_back(results[which].bits(i));
      return all;
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
TEST(ReduceStreams, CanBeCapturedAndReplayed) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  {
    const Kokkos::Cuda exec(stream);
    const Kokkos::View<float*, Kokkos::CudaSpace> x("x", 300007);
    const Kokkos::View<float, Kokkos::CudaSpace> y("y");
    for (const Path path : {Path::automatic, Path::generic}) {
      const ScopedPath forced(path);
      sum(exec, x, y);  // kernels are loaded when they are first used
      exec.fence();
      cudaGraph_t graph = nullptr;
      cudaGraphExec_t executable = nullptr;
      ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
      sum(exec, x, y);
      ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
      ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
      for (const float value : {1.0F, 2.0F}) {
        Kokkos::deep_copy(exec, x, value);
        ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
        float result = 0;
        Kokkos::deep_copy(exec, result, y);
        exec.fence();
        EXPECT_EQ(result, 300007 * value);
      }
      cudaGraphExecDestroy(executable);
      cudaGraphDestroy(graph);
    }
  }
  cudaStreamDestroy(stream);
}
#endif

// ---- errors, all on the host ----------------------------------------------------------------------------------------

class ReduceErrors : public testing::Test {
 protected:
  void TearDown() override {
    for (const float v : untouched_) EXPECT_EQ(v, 7) << "y was written before the error";
  }
  const Kokkos::DefaultHostExecutionSpace exec_;
  float values_[20] = {};
  float untouched_[20] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
  std::int64_t integers_[20] = {};
  std::uint8_t bytes_[20] = {};
  const Tensor x_{values_, {4, 5}};
};

TEST_F(ReduceErrors, AxesAndExtents) {
  EXPECT_EQ(message_of([&] { sum(exec_, x_, Tensor(untouched_, {4}), 2); }),
            "mylos::sum: axes: axis 2, expected -2 to 1 for extents (4, 5)");
  EXPECT_EQ(message_of([&] {
              sum(exec_, x_, Tensor(untouched_, {4}), {1, -1});
            }),
            "mylos::sum: axes: axis 1 is given twice");
  EXPECT_EQ(message_of([&] { sum(exec_, x_, Tensor(untouched_, {5}), 1); }),
            "mylos::sum: y: extents (5), expected (4), or those of the input with 1 along the axes");
  EXPECT_EQ(message_of([&] {
              amax(exec_, Tensor(values_, {4, 0}), Tensor(untouched_, {4}), 1);
            }),
            "mylos::amax: x: no elements along the axes in extents (4, 0), expected at least one");
}

TEST_F(ReduceErrors, Dtypes) {
  EXPECT_EQ(message_of([&] { mean(exec_, x_, Tensor(integers_, {4}), 1); }),
            "mylos::mean: y: dtype i64, expected f64, f32, f16 or bf16");
  EXPECT_EQ(message_of([&] { sum(exec_, x_, Tensor(integers_, {4}), 1); }),
            "mylos::sum: y: dtype i64, expected f64, f32, f16 or bf16, or an integer dtype for integers");
  EXPECT_EQ(message_of([&] { argmax(exec_, x_, Tensor(untouched_, {4}), 1); }),
            "mylos::argmax: y: dtype f32, expected i64 or i32");
  EXPECT_EQ(message_of([&] { any(exec_, x_, Tensor(untouched_, {4}), 1); }), "mylos::any: y: dtype f32, expected u8");
  EXPECT_EQ(message_of([&] { amax_argmax(exec_, x_, Tensor(untouched_, {4}), Tensor(bytes_, {4}), 1); }),
            "mylos::amax_argmax: the second output: dtype u8, expected i64 or i32");
  EXPECT_EQ(message_of([&] {
              sum(exec_, Tensor(integers_, {4, 5}), Tensor(integers_ + 10, {4}), 1, neg());
            }).substr(0, 34),
            "mylos::sum: x: overlaps the output");
  std::int64_t result[4];
  EXPECT_EQ(message_of([&] {
              sum(exec_, Tensor(integers_, {4, 5}), Tensor(result, {4}), 1, neg());
            }),
            "mylos::sum: before, after: a chain on integers that are reduced to integers, expected floating dtypes");
}

// Columns of one matrix have no elements in common.
TEST_F(ReduceErrors, InterleavedTensorsAreApart) {
  float matrix[20];
  for (float& v : matrix) v = 1;
  sum(exec_, Tensor(matrix, {4, 3}, {5, 1}), Tensor(matrix + 3, {4}, {5}), 1);
  exec_.fence();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(matrix[i], i % 5 == 3 ? 3 : 1);
  EXPECT_THROW(sum(exec_, Tensor(matrix, {4, 4}, {5, 1}), Tensor(matrix + 3, {4}, {5}), 1), Error);
  EXPECT_THROW(sum(exec_, Tensor(matrix, {4, 3}, {5, 1}), Tensor(matrix + 4, {4}), 1), Error);
  EXPECT_THROW(sum(exec_, Tensor(matrix, {20}), Tensor(matrix + 7, {})), Error);
}

TEST_F(ReduceErrors, OverlapAndOperands) {
  const std::string overlaps = "overlaps the output, expected tensors that have no elements in common";
  EXPECT_EQ(message_of([&] { sum(exec_, x_, Tensor(values_ + 3, {4}), 1); }), "mylos::sum: x: " + overlaps);
  EXPECT_EQ(message_of([&] {
              sum(exec_, x_, Tensor(untouched_, {4}), 1, add(Tensor(untouched_, {4, 5})));
            }),
            "mylos::sum: before: operand 0: " + overlaps);
  EXPECT_EQ(message_of([&] { sum(exec_, x_, Tensor(untouched_, {4}), 1, add(Tensor(values_, {4}))); }),
            "mylos::sum: before: operand 0: extents (4), expected extents that broadcast to (4, 5)");
  EXPECT_EQ(message_of([&] { sum(exec_, x_, Tensor(untouched_, {4}), 1, {}, add(Tensor(values_, {5}))); }),
            "mylos::sum: after: operand 0: extents (5), expected extents that broadcast to (4)");
  EXPECT_EQ(message_of([&] { moments(exec_, x_, Tensor(untouched_, {4}), Tensor(untouched_ + 2, {4}), 1); }),
            "mylos::moments: the second output: " + overlaps);
  EXPECT_EQ(message_of([&] { sum(exec_, x_, Tensor(untouched_, {4}, {0}), 1); }).substr(0, 20), "mylos::sum: y: strid");
  Chain nine;
  for (int i = 0; i < 9; ++i) nine.append(add(Tensor(values_, {1})));
  EXPECT_EQ(message_of([&] { sum(exec_, x_, Tensor(untouched_, {4}), 1, nine, nine); }),
            "mylos::sum: before, after: more than 16 tensor operands in all");
}

}  // namespace
}  // namespace mylos::test
