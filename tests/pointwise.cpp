// Accuracy of every step without tensor operands, on every kernel of every execution space: all 2^16 inputs of the
// 16-bit types, dense samples of f32 and f64. MYLOS_TEST_VERBOSE=1 prints the worst error of each.
#include <gtest/gtest.h>

#include "support/accuracy.hpp"

namespace mylos::test {
namespace {

template <class Exec>
class PointwiseAccuracy : public testing::Test {
 protected:
  static void check_steps(DType x, DType y, double density) {
    StepCheck<Exec> check(x, y, sample_of(x, density));
    for (const StepCase& step : all_step_cases())
      if (step.operands == 0) check.check(step);
  }
};
TYPED_TEST_SUITE(PointwiseAccuracy, ExecutionSpaces, SpaceName);

TYPED_TEST(PointwiseAccuracy, F16) { this->check_steps(DType::f16, DType::f16, 1); }
TYPED_TEST(PointwiseAccuracy, Bf16) { this->check_steps(DType::bf16, DType::bf16, 1); }
TYPED_TEST(PointwiseAccuracy, F32) { this->check_steps(DType::f32, DType::f32, on_host<TypeParam> ? 1 : 8); }
TYPED_TEST(PointwiseAccuracy, F64) { this->check_steps(DType::f64, DType::f64, 1); }

TYPED_TEST(PointwiseAccuracy, MixedTypes) {
  this->check_steps(DType::f16, DType::f32, 1);
  this->check_steps(DType::bf16, DType::f16, 1);
  this->check_steps(DType::f32, DType::bf16, 0.05);
  this->check_steps(DType::f32, DType::f64, 0.03);
  this->check_steps(DType::f64, DType::f16, 0.05);
}

// The tail of gelu, which a tolerance in units of x would let pass however wrong: here the result is that of an input
// within twice as many units of x as the bound names (one for the scaled constant, one for the product with it).
template <class Exec>
void check_gelu_tail(StepId id, DType dtype, double first) {
  constexpr std::int64_t n = 4096;
  const Arithmetic arithmetic{dtype, dtype};
  const reference::StepBound bound = reference::bound_of(id);
  const auto f = [id](long double x) { return reference::evaluate<long double>(id, x, 0, 0, 0, 0); };
  Data<Exec> x(dtype, n);
  Data<Exec> y(dtype, n);
  for (std::int64_t i = 0; i < n; ++i) x.set(i, reference::round_to(first * static_cast<double>(i + 1) / n, dtype));
  const double far[] = {-13.5, -15, -20, -38.5, -41, -1e3, -1.5e6, -2e19, -1e20, -3e38};  // to zero, never NaN
  for (std::size_t i = 0; i < std::size(far); ++i)
    x.set(static_cast<std::int64_t>(i), reference::round_to(far[i], dtype));
  x.upload();
  for (const Kernel<Exec>& kernel : distinct_kernels<Exec>()) {
    y.poison();
    if (!kernel.run(Exec(), x.tensor(), y.tensor(), Chain().append(id, 0, 0, nullptr, 0))) continue;
    y.download();
    Comparison comparison(std::string(Exec::name()) + " " + kernel.name + " " + name_of(id) + " " + name_of(dtype),
                          dtype);
    for (std::int64_t i = 0; i < n; ++i) {
      const long double v = x.value(i);
      const long double moved = 2 * bound.input_ulp * reference::ulp_of(v, reference::format_of(dtype));
      const long double absolute = std::max(std::fabs(f(v + moved) - f(v)), std::fabs(f(v - moved) - f(v)));
      comparison.look({i, x.value(i), y.value(i), y.bits(i), static_cast<double>(f(v)),
                       accept(f(v), bound.ulp, absolute, arithmetic)});
    }
    EXPECT_TRUE(comparison.result());
  }
}

TYPED_TEST(PointwiseAccuracy, GeluTailIsRelative) {
  check_gelu_tail<TypeParam>(StepId::gelu, DType::f32, -12.5);
  check_gelu_tail<TypeParam>(StepId::gelu, DType::f64, -37);
  check_gelu_tail<TypeParam>(StepId::gelu_tanh, DType::f32, -9.5);
  check_gelu_tail<TypeParam>(StepId::gelu_tanh, DType::f64, -21);
}

}  // namespace
}  // namespace mylos::test
