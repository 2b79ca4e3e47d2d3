// Accuracy of every step with operands: scalars, and tensors of every dtype that hold one value per column beside every
// x.
#include <gtest/gtest.h>

#include "support/accuracy.hpp"

namespace mylos::test {
namespace {

template <class Exec>
class PointwiseOperands : public testing::Test {
 protected:
  static void check_scalars(DType x, DType y, double density) {
    StepCheck<Exec> check(x, y, sample_of(x, density));
    for (const StepCase& step : all_step_cases()) {
      const Operands values = operands_of(step.id);
      // 16 bits: with all inputs, these values come again as tensors.
      const std::size_t every = is_sixteen_bit(x) ? 4 : 1;
      for (std::size_t i = 0; step.operands > 0 && i < values.a.size(); i += every)
        check.check(step, values.a[i], values.b.empty() ? 0 : values.b[i % values.b.size()]);
    }
  }

  static void check_tensors(DType x, DType y, DType operand, double density) {
    for (const StepCase& step : all_step_cases()) {
      if (step.operands == 0) continue;
      Operands values = operands_of(step.id);
      // Integers hold neither fractions nor NaN, bytes no negative numbers either.
      const auto impossible = [operand](double v) {
        return !is_floating(operand) && !(v == std::floor(v) && std::fabs(v) < 1e5 &&
                                          (v >= 0 || operand != DType::u8) && (v < 256 || operand != DType::u8));
      };
      values.a.erase(std::remove_if(values.a.begin(), values.a.end(), impossible), values.a.end());
      values.b.resize(values.a.size(), 1);
      for (double& b : values.b) b = impossible(b) ? 1 : b;
      const auto columns = static_cast<std::int64_t>(values.a.size());
      StepCheck<Exec> check(x, y, sample_of(x, density), columns);
      check.check(step, operand, values.a, values.b);
    }
  }
};
TYPED_TEST_SUITE(PointwiseOperands, ExecutionSpaces, SpaceName);

TYPED_TEST(PointwiseOperands, ScalarsF16) { this->check_scalars(DType::f16, DType::f16, 1); }
TYPED_TEST(PointwiseOperands, ScalarsBf16) { this->check_scalars(DType::bf16, DType::bf16, 1); }
TYPED_TEST(PointwiseOperands, ScalarsF32) {
  this->check_scalars(DType::f32, DType::f32, on_host<TypeParam> ? 0.03 : 1);
}
TYPED_TEST(PointwiseOperands, ScalarsF64) { this->check_scalars(DType::f64, DType::f64, 0.02); }

TYPED_TEST(PointwiseOperands, TensorsF16) { this->check_tensors(DType::f16, DType::f16, DType::f16, 1); }
TYPED_TEST(PointwiseOperands, TensorsBf16) { this->check_tensors(DType::bf16, DType::bf16, DType::bf16, 1); }
TYPED_TEST(PointwiseOperands, TensorsF32) { this->check_tensors(DType::f32, DType::f32, DType::f32, 0.05); }
TYPED_TEST(PointwiseOperands, TensorsF64) { this->check_tensors(DType::f64, DType::f64, DType::f64, 0.05); }

TYPED_TEST(PointwiseOperands, TensorsOfEveryType) {
  for (const DType operand : {DType::f64, DType::f32, DType::f16, DType::bf16, DType::u8, DType::i32, DType::i64}) {
    this->check_tensors(DType::f32, DType::f32, operand, 0.002);
    this->check_tensors(DType::f64, DType::f32, operand, 0.005);
  }
}

}  // namespace
}  // namespace mylos::test
