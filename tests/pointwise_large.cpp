// More than 2^31 elements, where 32-bit indices would wrap: every element of results of 4.3 GB is checked on the
// device.
#include <gtest/gtest.h>

#include <mylos/mylos.hpp>

#include "support/kernels.hpp"

namespace mylos::test {
namespace {

#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)

using Exec = Kokkos::DefaultExecutionSpace;
using Memory1d = Kokkos::View<std::uint16_t*, Exec::memory_space>;
using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;

/// Integers from -120 to 120 that follow from the element's offset; exact in bf16, sums with a bias too.
KOKKOS_FUNCTION int pattern(std::int64_t offset) {
  return static_cast<int>((offset * 7919 + (offset >> 20)) % 241) - 120;
}
KOKKOS_FUNCTION int bias_pattern(std::int64_t i) { return static_cast<int>(i * 5 % 7) - 3; }

struct FillPattern {
  std::uint16_t* data;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const { data[i] = bfloat16(static_cast<float>(pattern(i))).bits; }
};
struct FillBias {
  float* data;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const { data[i] = static_cast<float>(bias_pattern(i)); }
};
struct FillPoison {
  std::uint16_t* data;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const { data[i] = 0x7f9a; }
};

enum class Bias { none, per_column, per_row };

/// y = -x + bias over rows and columns with any strides.
struct Matrix {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t x_row, x_column;
  std::int64_t y_row, y_column;
  Bias bias;

  std::int64_t x_span() const { return (rows - 1) * x_row + (columns - 1) * x_column + 1; }
  std::int64_t y_span() const { return (rows - 1) * y_row + (columns - 1) * y_column + 1; }
};

struct CountWrong {
  Matrix m;
  const std::uint16_t* y;
  KOKKOS_FUNCTION void operator()(std::int64_t i, std::int64_t& wrong) const {
    const std::int64_t row = i / m.columns;
    const std::int64_t column = i % m.columns;
    int expected = -pattern(row * m.x_row + column * m.x_column);
    if (m.bias == Bias::per_column) expected += bias_pattern(column);
    if (m.bias == Bias::per_row) expected += bias_pattern(row);
    bfloat16 got;
    got.bits = y[row * m.y_row + column * m.y_column];
    wrong += static_cast<float>(got) == static_cast<float>(expected) ? 0 : 1;
  }
};
struct CountWritten {
  const std::uint16_t* y;
  KOKKOS_FUNCTION void operator()(std::int64_t i, std::int64_t& written) const { written += y[i] == 0x7f9a ? 0 : 1; }
};

void check(const char* what, const Matrix& m) {
  const std::int64_t n = m.rows * m.columns;
  ASSERT_GT(n, std::int64_t{1} << 31) << what;
#ifdef KOKKOS_ENABLE_CUDA
  std::size_t free = 0;
  std::size_t total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  if (static_cast<std::int64_t>(free) < 2 * (m.x_span() + m.y_span()) + (std::int64_t{9} << 30))
    GTEST_SKIP() << "needs " << (2 * (m.x_span() + m.y_span()) >> 30) + 9 << " GiB of free device memory";
#endif
  const auto allocate = [](std::int64_t size) {
    return Memory1d(Kokkos::view_alloc(Kokkos::WithoutInitializing, "large"), static_cast<std::size_t>(size));
  };
  const Memory1d x = allocate(m.x_span());
  const Memory1d y = allocate(m.y_span());
  const std::int64_t biases = m.bias == Bias::per_row ? m.rows : m.columns;
  const Kokkos::View<float*, Exec::memory_space> bias("bias", static_cast<std::size_t>(biases));
  Kokkos::parallel_for("x", Policy(0, m.x_span()), FillPattern{x.data()});
  Kokkos::parallel_for("bias", Policy(0, biases), FillBias{bias.data()});
  Chain chain = neg();
  if (m.bias == Bias::per_column) chain = chain | add(Tensor(bias.data(), {biases}));
  if (m.bias == Bias::per_row) chain = chain | add(Tensor(bias.data(), {biases, 1}));
  const Tensor from(reinterpret_cast<bfloat16*>(x.data()), {m.rows, m.columns}, {m.x_row, m.x_column});
  const Tensor to(reinterpret_cast<bfloat16*>(y.data()), {m.rows, m.columns}, {m.y_row, m.y_column});
  for (const Kernel<Exec>& kernel : distinct_kernels<Exec>()) {
    Kokkos::parallel_for("y", Policy(0, m.y_span()), FillPoison{y.data()});
    Exec().fence();
    if (!kernel.run(Exec(), from, to, chain)) continue;
    std::int64_t wrong = 0;
    std::int64_t written = 0;
    Kokkos::parallel_reduce("wrong", Policy(0, n), CountWrong{m, y.data()}, wrong);
    Kokkos::parallel_reduce("written", Policy(0, m.y_span()), CountWritten{y.data()}, written);
    EXPECT_EQ(wrong, 0) << what << ", " << kernel.name << ": wrong elements";
    EXPECT_EQ(written, n) << what << ", " << kernel.name << ": elements written";
  }
}

constexpr std::int64_t two_to_31 = std::int64_t{1} << 31;

TEST(PointwiseLarge, Flat) { check("flat", {1, two_to_31 + 1048589, 1, 1, 1, 1, Bias::none}); }

TEST(PointwiseLarge, BiasPerColumn) {
  check("few columns", {two_to_31 / 16 + 5, 17, 17, 1, 17, 1, Bias::per_column});
  check("many columns", {3, two_to_31 / 3 + 99, two_to_31 / 3 + 99, 1, two_to_31 / 3 + 99, 1, Bias::per_column});
}

TEST(PointwiseLarge, BiasPerRow) { check("rows", {4099, 524288, 524288, 1, 524288, 1, Bias::per_row}); }

TEST(PointwiseLarge, RowsWithGaps) { check("gaps", {65537, 32800, 32803, 1, 32816, 1, Bias::none}); }

TEST(PointwiseLarge, Transposed) { check("transposed", {46349, 46367, 1, 46349, 46367, 1, Bias::per_column}); }

TEST(PointwiseLarge, StepOfTwo) { check("step", {1, two_to_31 + 77, 1, 2, 1, 1, Bias::none}); }

#else

TEST(PointwiseLarge, NeedsAGpu) { GTEST_SKIP() << "this Kokkos has no GPU, and the host's memory may be short"; }

#endif

}  // namespace
}  // namespace mylos::test
