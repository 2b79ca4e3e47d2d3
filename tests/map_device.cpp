// mylos::map with a functor where only a GPU has the memory or the means: more than 2^31 elements, and graph capture.
#include <gtest/gtest.h>

#include <mylos/mylos.hpp>

namespace mylos::test {
namespace {

#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)

using Exec = Kokkos::DefaultExecutionSpace;
using Bytes = Kokkos::View<std::uint8_t*, Exec::memory_space>;
using Matrix = Kokkos::View<std::uint8_t**, Kokkos::LayoutStride, Exec::memory_space>;
using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;

/// Below 200; 255 stands for what was not written.
KOKKOS_FUNCTION int pattern(std::int64_t i) { return static_cast<int>((i * 7919 + (i >> 20)) % 199); }

struct FillPattern {
  std::uint8_t* data;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const { data[i] = static_cast<std::uint8_t>(pattern(i)); }
};
struct AddOne {
  KOKKOS_FUNCTION std::uint8_t operator()(std::uint8_t x) const { return static_cast<std::uint8_t>(x + 1); }
};
struct CountWrong {
  std::int64_t columns, x_row, x_column, y_row, y_column;
  const std::uint8_t* y;
  KOKKOS_FUNCTION void operator()(std::int64_t i, std::int64_t& wrong) const {
    const std::int64_t row = i / columns;
    const std::int64_t column = i % columns;
    wrong += y[row * y_row + column * y_column] == pattern(row * x_row + column * x_column) + 1 ? 0 : 1;
  }
};
struct CountWritten {
  const std::uint8_t* y;
  KOKKOS_FUNCTION void operator()(std::int64_t i, std::int64_t& written) const { written += y[i] == 255 ? 0 : 1; }
};

/// y = x + 1 over rows and columns with any strides.
void check(std::int64_t rows, std::int64_t columns, std::int64_t x_row, std::int64_t x_column, std::int64_t y_row,
           std::int64_t y_column) {
  const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
  const auto span = [&](std::int64_t row, std::int64_t column) {
    return (rows - 1) * row + (columns - 1) * column + 1;
  };
  const auto allocate = [&](std::int64_t n) {
    return Bytes(Kokkos::view_alloc(Kokkos::WithoutInitializing, "large"), size(n));
  };
  ASSERT_GT(rows * columns, std::int64_t{1} << 31);
  const Bytes x = allocate(span(x_row, x_column));
  const Bytes y = allocate(span(y_row, y_column));
  Kokkos::parallel_for("x", Policy(0, span(x_row, x_column)), FillPattern{x.data()});
  Kokkos::deep_copy(y, std::uint8_t{255});
  const auto layout = [&](std::int64_t row, std::int64_t column) {
    return Kokkos::LayoutStride(size(rows), size(row), size(columns), size(column));
  };
  map(Exec(), AddOne(), Matrix(x.data(), layout(x_row, x_column)), Matrix(y.data(), layout(y_row, y_column)));
  std::int64_t wrong = 0;
  std::int64_t written = 0;
  Kokkos::parallel_reduce("wrong", Policy(0, rows * columns),
                          CountWrong{columns, x_row, x_column, y_row, y_column, y.data()}, wrong);
  Kokkos::parallel_reduce("written", Policy(0, span(y_row, y_column)), CountWritten{y.data()}, written);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(written, rows * columns);
}

constexpr std::int64_t two_to_31 = std::int64_t{1} << 31;

TEST(MapDevice, ManyElementsInOneRun) { check(1, two_to_31 + 1048589, 1, 1, 1, 1); }
TEST(MapDevice, ManyElementsInRowsWithGaps) { check(65537, 32800, 32816, 1, 32832, 1); }
TEST(MapDevice, ManyElementsWithSteps) { check(65537, 32801, 32803, 1, 65610, 2); }

#else

TEST(MapDevice, NeedsAGpu) { GTEST_SKIP() << "this Kokkos has no GPU"; }

#endif

#if defined(KOKKOS_ENABLE_CUDA)

struct Scale {
  float by;
  KOKKOS_FUNCTION float operator()(float x) const { return by * x; }
};

TEST(MapDevice, CanBeCapturedAndReplayed) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  {
    const Kokkos::Cuda exec(stream);
    const Kokkos::View<float*, Kokkos::CudaSpace> x("x", 100003);
    map(exec, Scale{1}, x, x);
    exec.fence();
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    map(exec, Scale{-2}, x, x);
    ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
    for (const float value : {3.0F, 5.0F}) {
      Kokkos::deep_copy(exec, x, value);
      ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
      exec.fence();
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
      for (std::size_t i = 0; i < host.size(); ++i) ASSERT_EQ(host(i), -2 * value) << i;
    }
    EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  }
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

#endif

}  // namespace
}  // namespace mylos::test
