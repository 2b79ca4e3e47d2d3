// The forms of the matrix product: linear, gemv, dot, ger, products with diagonal, triangular and symmetric matrices.
#include <numeric>

#include "support/gemms.hpp"

namespace mylos::test {
namespace {

/// A tensor of small integers, exact in every dtype and in every order of summation.
template <class Exec>
class Integers {
 public:
  Integers(const TensorSpec& spec, const std::vector<std::int64_t>& shape, std::int64_t salt) : data(spec, shape) {
    for_each_element(shape, {data.tensor()}, [&](const std::vector<std::int64_t>& offset) {
      const auto n = static_cast<std::int64_t>(values.size());
      values.push_back(std::floor(5 * gemm_noise(salt * 100003 + n)));
      offsets.push_back(offset[0]);
      data.set(offset[0], values.back());
    });
    data.upload();
  }
  const Tensor& tensor() const { return data.tensor(); }
  double operator[](std::int64_t n) const { return values[static_cast<std::size_t>(n)]; }
  /// Every element is what expected(n) says.
  template <class Expected>
  void expect(const std::string& what, const Expected& expected) {
    data.download();
    for (std::size_t n = 0; n < offsets.size(); ++n)
      ASSERT_EQ(data.value(offsets[n]), expected(static_cast<std::int64_t>(n))) << what << ", element " << n;
  }

  Data<Exec> data;
  std::vector<double> values;
  std::vector<std::int64_t> offsets;
};

template <class Exec>
class GemmForms : public testing::Test {};
TYPED_TEST_SUITE(GemmForms, ExecutionSpaces, SpaceName);

TYPED_TEST(GemmForms, Linear) {
  const TypeParam exec;
  TensorSpec left{};
  left.order = {1, 0};
  for (const std::string& kernel : gemm_kernels<TypeParam>())
    for (const TensorSpec& layout : {TensorSpec{}, left}) {
      const Integers<TypeParam> x({}, {3, 7, 20}, 1);
      const Integers<TypeParam> w(layout, {11, 20}, 2);
      const Integers<TypeParam> bias({}, {11}, 3);
      Integers<TypeParam> y({}, {3, 7, 11}, 4);
      const auto sum = [&](std::int64_t n) {
        double s = 0;
        for (std::int64_t q = 0; q < 20; ++q) s += x[n / 11 * 20 + q] * w[n % 11 * 20 + q];
        return s;
      };
      if (!run_gemm_on(kernel, exec, [&] { linear(exec, x.tensor(), w.tensor(), {}, y.tensor()); })) continue;
      y.expect(kernel, sum);
      run_gemm_on(kernel, exec, [&] { linear(exec, x.tensor(), w.tensor(), bias.tensor(), y.tensor(), relu()); });
      y.expect(kernel + " with bias", [&](std::int64_t n) { return std::max(0.0, sum(n) + bias[n % 11]); });
      const PreparedWeights<TypeParam> prepared(exec, w.tensor());
      run_gemm_on(kernel, exec, [&] { linear(exec, x.tensor(), prepared, bias.tensor(), y.tensor()); });
      y.expect(kernel + " prepared", [&](std::int64_t n) { return sum(n) + bias[n % 11]; });
      // One sample, and operands of the chain over it.
      const Integers<TypeParam> vector({}, {20}, 5);
      const Integers<TypeParam> factor({}, {11}, 6);
      Integers<TypeParam> result({}, {11}, 7);
      run_gemm_on(kernel, exec, [&] {
        linear(exec, vector.tensor(), w.tensor(), bias.tensor(), result.tensor(), mul(factor.tensor()));
      });
      result.expect(kernel + " of a vector", [&](std::int64_t n) {
        double s = 0;
        for (std::int64_t q = 0; q < 20; ++q) s += vector[q] * w[n * 20 + q];
        return (s + bias[n]) * factor[n];
      });
    }
}

TYPED_TEST(GemmForms, Gemv) {
  const TypeParam exec;
  for (const std::string& kernel : gemm_kernels<TypeParam>())
    for (const std::vector<int>& order : {std::vector<int>{0, 1, 2}, {0, 2, 1}}) {
      TensorSpec layout{};
      layout.order = order;
      const Integers<TypeParam> a(layout, {2, 40, 300}, 1);
      const Integers<TypeParam> x({}, {300}, 2);
      const Integers<TypeParam> row({}, {40}, 3);
      Integers<TypeParam> y({}, {2, 40}, 4);
      const auto sum = [&](std::int64_t n) {
        double s = 0;
        for (std::int64_t q = 0; q < 300; ++q) s += a[n * 300 + q] * x[q];
        return s;
      };
      if (!run_gemm_on(kernel, exec, [&] { gemv(exec, a.tensor(), x.tensor(), y.tensor()); })) continue;
      y.expect(kernel, sum);
      run_gemm_on(kernel, exec, [&] { gemv(exec, a.tensor(), x.tensor(), y.tensor(), {2, 0}, add(row.tensor())); });
      y.expect(kernel + " with a chain", [&](std::int64_t n) { return 2 * sum(n) + row[n % 40]; });
    }
}

TYPED_TEST(GemmForms, Dot) {
  const TypeParam exec;
  for (const std::string& kernel : gemm_kernels<TypeParam>())
    for (const std::int64_t k : {1, 100, 70001}) {
      const Integers<TypeParam> x({}, {3, k}, 1);
      const Integers<TypeParam> y({}, {k}, 2);
      Integers<TypeParam> result({}, {3}, 3);
      if (!run_gemm_on(kernel, exec, [&] { dot(exec, x.tensor(), y.tensor(), result.tensor()); })) continue;
      const auto sum = [&](std::int64_t n) {
        double s = 0;
        for (std::int64_t q = 0; q < k; ++q) s += x[n * k + q] * y[q];
        return s;
      };
      result.expect(kernel, sum);
      Integers<TypeParam> one({}, {}, 4);
      run_gemm_on(kernel, exec, [&] { dot(exec, y.tensor(), y.tensor(), one.tensor(), neg()); });
      one.expect(kernel, [&](std::int64_t) {
        return -std::inner_product(y.values.begin(), y.values.end(), y.values.begin(), 0.0);
      });
    }
}

TYPED_TEST(GemmForms, Ger) {
  const TypeParam exec;
  for (const std::string& kernel : gemm_kernels<TypeParam>()) {
    const Integers<TypeParam> x({}, {2, 30}, 1);
    const Integers<TypeParam> y({}, {50}, 2);
    Integers<TypeParam> a({}, {2, 30, 50}, 3);
    if (!run_gemm_on(kernel, exec, [&] { ger(exec, x.tensor(), y.tensor(), a.tensor()); })) continue;
    a.expect(kernel, [&](std::int64_t n) { return a[n] + x[n / 50] * y[n % 50]; });
    run_gemm_on(kernel, exec, [&] { ger(exec, x.tensor(), y.tensor(), a.tensor(), {3, 0}); });
    a.expect(kernel, [&](std::int64_t n) { return 3 * x[n / 50] * y[n % 50]; });
  }
}

TYPED_TEST(GemmForms, Diagonal) {
  const TypeParam exec;
  const Integers<TypeParam> d({}, {30}, 1);
  const Integers<TypeParam> b({}, {2, 30, 50}, 2);
  Integers<TypeParam> c({}, {2, 30, 50}, 3);
  diagonal_mm(exec, d.tensor(), b.tensor(), c.tensor(), {2, -1}, add(1));
  exec.fence();
  c.expect("diagonal", [&](std::int64_t n) { return 2 * d[n / 50 % 30] * b[n] - c[n] + 1; });
}

TYPED_TEST(GemmForms, TrianglesAndSymmetry) {
  const TypeParam exec;
  const Integers<TypeParam> a({}, {40, 40}, 1);
  const Integers<TypeParam> b({}, {40, 20}, 2);
  for (const std::string& kernel : gemm_kernels<TypeParam>())
    for (const bool lower : {true, false}) {
      const MatrixStructure triangle = lower ? MatrixStructure::lower : MatrixStructure::upper;
      Integers<TypeParam> c({}, {40, 20}, 3);
      const auto sum = [&](std::int64_t n, bool symmetric) {
        double s = 0;
        const std::int64_t i = n / 20;
        for (std::int64_t q = 0; q < 40; ++q) {
          const bool stored = lower ? q <= i : q >= i;
          const double v = stored ? a[i * 40 + q] : (symmetric ? a[q * 40 + i] : 0);
          s += v * b[q * 20 + n % 20];
        }
        return s;
      };
      if (!run_gemm_on(kernel, exec, [&] { trmm(exec, triangle, a.tensor(), b.tensor(), c.tensor()); })) continue;
      c.expect(kernel + " trmm", [&](std::int64_t n) { return sum(n, false); });
      run_gemm_on(kernel, exec, [&] { symm(exec, triangle, a.tensor(), b.tensor(), c.tensor()); });
      c.expect(kernel + " symm", [&](std::int64_t n) { return sum(n, true); });
    }
}

TEST(GemmCalls, TakeViews) {
  const Kokkos::DefaultHostExecutionSpace exec;
  using Host = Kokkos::HostSpace;
  const Kokkos::View<float**, Kokkos::LayoutLeft, Host> a("a", 3, 2);
  const Kokkos::View<double**, Kokkos::LayoutRight, Host> b("b", 2, 4);
  const Kokkos::View<float**, Host> c("c", 3, 4);
  const Kokkos::View<float*, Host> bias("bias", 4);
  Kokkos::deep_copy(a, 2.0F);
  Kokkos::deep_copy(b, 3.0);
  Kokkos::deep_copy(bias, 1.0F);
  gemm(exec, a, b, c);
  exec.fence();
  EXPECT_EQ(c(2, 3), 12);
  gemm(exec, a, b, c, {0.5, 1.0}, {}, add(bias) | neg());
  exec.fence();
  EXPECT_EQ(c(2, 3), -19);
  linear(exec, c, b, {}, a);
  exec.fence();
  EXPECT_EQ(a(1, 1), -19 * 3 * 4);
}

}  // namespace
}  // namespace mylos::test
