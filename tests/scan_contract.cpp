// What every operator promises, for the scans: the given instance only, no fence, the same bits in every run and
// however many rows there are, in place, two threads, graph capture; and every error message once.
#include <thread>

#include "support/message.hpp"
#include "support/scans.hpp"
#include "support/watch.hpp"

#ifdef KOKKOS_ENABLE_CUDA
#include <cuda_runtime.h>
#endif

namespace mylos::test {
namespace {

template <class Exec>
class ScanContract : public testing::Test {
 protected:
  static constexpr std::int64_t rows = 6;
  static constexpr std::int64_t cols = 70001;  // long enough to be cut into pieces
  ScanContract() : x_(TensorSpec{}, {rows, cols}), y_(TensorSpec{}, {rows, cols}) {
    for (std::int64_t i = 0; i < rows * cols; ++i) x_.set(i, reference::round_to(scan_noise(i), DType::f32));
    x_.upload();
  }
  std::vector<std::uint64_t> bits() {
    y_.download();
    std::vector<std::uint64_t> all;
    for (std::int64_t i = 0; i < rows * cols; ++i) all.push_back(y_.bits(i));
    return all;
  }
  Data<Exec> x_;
  Data<Exec> y_;
};
TYPED_TEST_SUITE(ScanContract, ExecutionSpaces, SpaceName);

constexpr ScanId contract_scans[] = {ScanId::cumsum, ScanId::cumprod, ScanId::logcumsumexp};

TYPED_TEST(ScanContract, RunsOnTheGivenInstanceWithoutAFenceAndUnderItsName) {
  for (const TypeParam& exec : Kokkos::Experimental::partition_space(TypeParam(), 1, 1)) {
    const std::uint32_t device = Kokkos::Tools::Experimental::device_id(exec);
    for (const int axis : {0, 1})
      for (const Path path : {Path::automatic, Path::generic}) {
        const ScopedPath forced(path);
        Watch::Seen seen;
        {
          const Watch watch;
          cumsum(exec, this->x_.tensor(), this->y_.tensor(), axis);
          seen = Watch::seen();
        }
        exec.fence();
        const std::string kernel = last_kernel();
        EXPECT_GE(expect_quiet_call(seen, device, "cumsum", kernel), 1) << kernel;
      }
  }
}

// Rows alone, beside others and from the middle; as rows and as columns; where the axis is cut and where it is not.
TYPED_TEST(ScanContract, SameBitsInEveryRunAndHoweverManyRows) {
  const TypeParam exec;
  auto* x = static_cast<float*>(this->x_.tensor().data);
  auto* y = static_cast<float*>(this->y_.tensor().data);
  for (const ScanId id : contract_scans)
    for (const std::string& kernel : scan_kernels<TypeParam>()) {
      const auto rows_of = [&](std::int64_t first, std::int64_t n, std::int64_t length) {
        this->y_.poison();
        const bool ran = run_scan_on(kernel, exec, [&] {
          call_scan({id, {}, 1}, exec, Tensor(x + first * length, {n, length}),
                    Tensor(y + first * length, {n, length}));
        });
        return ran ? this->bits() : std::vector<std::uint64_t>();
      };
      for (const std::int64_t length : {5, 100, 3001, 70001}) {
        const std::int64_t most = this->rows * this->cols / length;
        const std::vector<std::uint64_t> all = rows_of(0, most, length);
        if (all.empty()) continue;
        EXPECT_EQ(rows_of(0, most, length) == all, true) << kernel << " " << length;
        for (const auto& [first, n] : {std::pair<std::int64_t, std::int64_t>{0, 1}, {3, 1}, {2, 3}, {1, 5}}) {
          const std::vector<std::uint64_t> part = rows_of(first, n, length);
          EXPECT_TRUE(std::equal(part.begin() + first * length, part.begin() + (first + n) * length,
                                 all.begin() + first * length))
              << kernel << ", " << n << " rows of " << length << " from " << first;
        }
      }
      for (const std::int64_t columns : {3, 150, 501}) {
        const std::int64_t length = this->rows * this->cols / columns;
        const auto columns_of = [&](std::int64_t first, std::int64_t n) {
          this->y_.poison();
          const bool ran = run_scan_on(kernel, exec, [&] {
            call_scan({id, {}, 0}, exec, Tensor(x + first, {length, n}, {columns, 1}),
                      Tensor(y + first, {length, n}, {columns, 1}));
          });
          return ran ? this->bits() : std::vector<std::uint64_t>();
        };
        const std::vector<std::uint64_t> all = columns_of(0, columns);
        if (all.empty()) continue;
        for (const std::int64_t n : {1, 2, 64, 130}) {
          if (n >= columns) continue;
          const std::vector<std::uint64_t> part = columns_of(1, n);
          bool same = true;
          for (std::int64_t i = 0; i < length; ++i)
            for (std::int64_t j = 1; j < 1 + n; ++j) {
              const auto at = static_cast<std::size_t>(i * columns + j);
              same = same && part[at] == all[at];
            }
          EXPECT_TRUE(same) << kernel << ", " << n << " columns of " << columns;
        }
      }
      if (testing::Test::HasFailure()) return;
    }
}

TYPED_TEST(ScanContract, WorksInPlace) {
  const TypeParam exec;
  for (const DType dtype : {DType::f32, DType::f16, DType::f64})
    for (const Scan scan : {Scan::forward, Scan::reverse | Scan::exclusive})
      for (const auto& shape : {std::vector<std::int64_t>{3, 40007}, {700, 33}})
        for (const int axis : {0, 1}) {
          const std::int64_t n = shape[0] * shape[1];
          Data<TypeParam> x(TensorSpec{dtype}, shape);
          Data<TypeParam> y(TensorSpec{dtype}, shape);
          const auto fill = [&] {
            for (std::int64_t i = 0; i < n; ++i) x.set(i, reference::round_to(scan_noise(i), dtype));
            x.upload();
          };
          const ScanCase c{ScanId::cumsum, shape, axis, TensorSpec{dtype}, TensorSpec{dtype}, scan};
          for (const std::string& kernel : scan_kernels<TypeParam>()) {
            fill();
            if (!run_scan_on(kernel, exec, [&] { call_scan(c, exec, x.tensor(), y.tensor()); })) continue;
            run_scan_on(kernel, exec, [&] { call_scan(c, exec, x.tensor(), x.tensor()); });
            x.download();
            y.download();
            std::int64_t wrong = 0;
            for (std::int64_t i = 0; i < n; ++i) wrong += x.bits(i) != y.bits(i) ? 1 : 0;
            EXPECT_EQ(wrong, 0) << kernel << " " << c.text();
          }
        }
}

TYPED_TEST(ScanContract, TwoThreadsOnTwoInstances) {
  const auto instances = Kokkos::Experimental::partition_space(TypeParam(), 1, 1);
  std::vector<Data<TypeParam>> results;
  for (int i = 0; i < 2; ++i) results.emplace_back(TensorSpec{}, std::vector<std::int64_t>{this->rows, this->cols});
  for (const std::string& kernel : scan_kernels<TypeParam>()) {
    std::vector<std::uint64_t> alone[2];
    const auto once = [&](std::size_t which) {
      return run_scan_on(kernel, instances[which], [&] {
        call_scan({which == 0 ? ScanId::cumsum : ScanId::logcumsumexp, {}, which == 0 ? 1 : 0}, instances[which],
                  this->x_.tensor(), results[which].tensor());
      });
    };
    if (!once(0) || !once(1)) continue;
    const auto bits_of = [&](std::size_t which) {
      results[which].download();
      std::vector<std::uint64_t> all;
      for (std::int64_t i = 0; i < this->rows * this->cols; ++i) all.push_back(results[which].bits(i));
      return all;
    };
    for (const std::size_t which : {0U, 1U}) alone[which] = bits_of(which);
    const auto work = [&](std::size_t which) {
      for (int i = 0; i < 10; ++i) once(which);
    };
    std::thread first(work, 0);
    std::thread second(work, 1);
    first.join();
    second.join();
    for (const std::size_t which : {0U, 1U}) EXPECT_EQ(bits_of(which) == alone[which], true) << kernel;
  }
}

#ifdef KOKKOS_ENABLE_CUDA
TEST(ScanStreams, CanBeCapturedAndReplayed) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  {
    const Kokkos::Cuda exec(stream);
    const Kokkos::View<float*, Kokkos::CudaSpace> x("x", 300007);
    const Kokkos::View<float*, Kokkos::CudaSpace> y("y", 300007);
    for (const Path path : {Path::automatic, Path::generic}) {
      const ScopedPath forced(path);
      cumsum(exec, x, y);  // kernels are loaded when they are first used
      exec.fence();
      cudaGraph_t graph = nullptr;
      cudaGraphExec_t executable = nullptr;
      ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
      cumsum(exec, x, y);
      ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
      ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
      for (const float value : {1.0F, 2.0F}) {
        Kokkos::deep_copy(exec, x, value);
        ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
        const auto result = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
        exec.fence();
        EXPECT_EQ(result(300006), 300007 * value);
      }
      cudaGraphExecDestroy(executable);
      cudaGraphDestroy(graph);
    }
  }
  cudaStreamDestroy(stream);
}
#endif

// ---- the public functions, and errors, all on the host --------------------------------------------------------------

TEST(ScanCalls, TakeViews) {
  const Kokkos::DefaultHostExecutionSpace exec;
  using Host = Kokkos::HostSpace;
  const Kokkos::View<float**, Host> x("x", 2, 3);
  const Kokkos::View<float**, Host> y("y", 2, 3);
  const Kokkos::View<std::int64_t**, Host> indices("indices", 2, 3);
  const Kokkos::View<bool*, Host> mask("mask", 3);
  for (std::size_t j = 0; j < 3; ++j) {
    x(0, j) = x(1, j) = static_cast<float>(j + 2);
    mask(j) = j != 1;
  }
  const auto expect = [&](float a, float b, float c) {
    exec.fence();
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(y(i, 0), a);
      EXPECT_EQ(y(i, 1), b);
      EXPECT_EQ(y(i, 2), c);
    }
  };
  cumsum(exec, x, y);
  expect(2, 5, 9);
  cumsum(exec, x, y, -1, Scan::reverse);
  expect(9, 7, 4);
  cumsum(exec, x, y, -1, Scan::exclusive);
  expect(0, 2, 5);
  cumsum(exec, x, y, 1, {}, mask);
  expect(2, 2, 6);
  cumprod(exec, x, y, -1, Scan::reverse | Scan::exclusive);
  expect(12, 4, 1);
  cumsum(exec, x, y, -1, {}, {}, square(), neg());
  expect(-4, -13, -29);
  cummin(exec, x, y);
  expect(2, 2, 2);
  cummax(exec, x, y, indices);
  expect(2, 3, 4);
  EXPECT_EQ(indices(1, 2), 2);
  cummax(exec, x, y, indices, -1, Scan::reverse, mask);
  expect(4, 4, 4);
  EXPECT_EQ(indices(0, 0), 2);
  logcumsumexp(exec, x, y, 0);
  EXPECT_NEAR(y(1, 0), 2 + std::log(2.0), 1e-6);
}

class ScanErrors : public testing::Test {
 protected:
  void TearDown() override {
    for (const float v : untouched_) EXPECT_EQ(v, 7) << "y was written before the error";
  }
  const Kokkos::DefaultHostExecutionSpace exec_;
  float values_[20] = {};
  float untouched_[20] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
  std::int64_t integers_[20] = {};
  std::int64_t others_[20] = {};
  std::uint8_t bytes_[20] = {};
  const Tensor x_{values_, {4, 5}};
  const Tensor y_{untouched_, {4, 5}};
};

TEST_F(ScanErrors, AxesAndExtents) {
  EXPECT_EQ(message_of([&] { cumsum(exec_, x_, y_, 2); }),
            "mylos::cumsum: axes: axis 2, expected -2 to 1 for extents (4, 5)");
  EXPECT_EQ(message_of([&] { cumprod(exec_, x_, Tensor(untouched_, {4})); }),
            "mylos::cumprod: y: extents (4), expected those of x, (4, 5)");
  EXPECT_EQ(message_of([&] {
              cummax(exec_, x_, y_, Tensor(integers_, {5, 4}));
            }),
            "mylos::cummax: indices: extents (5, 4), expected those of x, (4, 5)");
  EXPECT_EQ(message_of([&] { cumsum(exec_, x_, y_, 1, {}, Tensor(bytes_, {4})); }),
            "mylos::cumsum: mask: extents (4), expected extents that broadcast to (4, 5)");
  EXPECT_EQ(message_of([&] {
              cumsum(exec_, x_, Tensor(untouched_, {4, 5}, {0, 1}));
            }),
            "mylos::cumsum: y: stride 0 in dimension 0, expected an output whose elements are distinct");
}

TEST_F(ScanErrors, Dtypes) {
  const Tensor integers(integers_, {4, 5});
  EXPECT_EQ(message_of([&] { cumsum(exec_, integers, y_); }),
            "mylos::cumsum: y: dtype f32, expected i64 or i32 for x of an integer dtype");
  EXPECT_EQ(message_of([&] { cumsum(exec_, x_, integers); }),
            "mylos::cumsum: y: dtype i64, expected f64, f32, f16 or bf16");
  EXPECT_EQ(message_of([&] { logcumsumexp(exec_, integers, y_); }),
            "mylos::logcumsumexp: x: dtype i64, expected f64, f32, f16 or bf16");
  EXPECT_EQ(message_of([&] {
              cumprod(exec_, integers, Tensor(others_, {4, 5}), 1, {}, {}, neg());
            }),
            "mylos::cumprod: before, after: a chain on integers, expected floating dtypes");
  EXPECT_EQ(message_of([&] {
              cummin(exec_, x_, y_, Tensor(bytes_, {4, 5}));
            }),
            "mylos::cummin: indices: dtype u8, expected i64");
  EXPECT_EQ(message_of([&] { cumsum(exec_, x_, y_, 1, {}, integers); }), "mylos::cumsum: mask: dtype i64, expected u8");
}

TEST_F(ScanErrors, MemoryAndOverlap) {
  const std::string partly =
      "overlaps the output in part, expected the same elements (extents, strides and dtype) or none in common";
  float room[24] = {};
  EXPECT_EQ(message_of([&] {
              cumsum(exec_, Tensor(room, {4, 5}), Tensor(room + 1, {4, 5}));
            }),
            "mylos::cumsum: x: " + partly);
  EXPECT_EQ(message_of([&] {
              cumsum(exec_, x_, y_, 1, {}, Tensor(reinterpret_cast<std::uint8_t*>(untouched_), {4, 5}));
            }),
            "mylos::cumsum: mask: " + partly);
  EXPECT_EQ(message_of([&] { cumsum(exec_, x_, y_, 1, {}, {}, add(Tensor(untouched_ + 3, {5}))); }),
            "mylos::cumsum: operand 0 of before: " + partly);
  EXPECT_EQ(message_of([&] { cumsum(exec_, x_, y_, 1, {}, {}, {}, add(Tensor(values_, {4}))); }),
            "mylos::cumsum: operand 0 of after: extents (4), expected extents that broadcast to (4, 5)");
  EXPECT_EQ(message_of([&] {
              cummax(exec_, x_, Tensor(reinterpret_cast<float*>(integers_), {4, 5}), Tensor(integers_, {4, 5}));
            }),
            "mylos::cummax: indices: overlaps y, expected tensors that have no elements in common");
  EXPECT_EQ(message_of([&] {
              cumsum(exec_, Tensor(static_cast<float*>(nullptr), {4, 5}), y_);
            }),
            "mylos::cumsum: x: null pointer with extents (4, 5)");
  Tensor on_device = x_;
  on_device.memory = Memory::device;
  EXPECT_EQ(message_of([&] { cumsum(exec_, on_device, y_); }),
            "mylos::cumsum: x: is in device memory, expected memory that the host reaches");
  Chain nine;
  for (int i = 0; i < 9; ++i) nine.append(add(Tensor(values_, {1})));
  EXPECT_EQ(message_of([&] { cumsum(exec_, x_, y_, 1, {}, {}, nine, nine); }),
            "mylos::cumsum: more than 16 tensor operands in both chains");
}

TEST_F(ScanErrors, ForcedKernels) {
  const mylos::detail::ScopedCandidate forced("cuda/nothing");
  EXPECT_EQ(message_of([&] { cumsum(exec_, x_, y_); }),
            "mylos::cumsum: cuda/nothing does not apply: this backend has no such kernel");
}

}  // namespace
}  // namespace mylos::test
