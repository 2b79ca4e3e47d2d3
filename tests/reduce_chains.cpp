// Reductions of what a chain makes of x where kernels have that chain compiled in, and of the shortest rows, on every
// kernel and against long double.
#include <gtest/gtest.h>

#include "support/reductions.hpp"

namespace mylos::test {
namespace {

template <class Exec>
class ReduceChains : public testing::Test {};
TYPED_TEST_SUITE(ReduceChains, ExecutionSpaces, SpaceName);

using Shape = std::vector<std::int64_t>;

/// A step and its bound (steps.def).
struct StepCase {
  const char* name;
  Chain chain;
  long double (*exact)(long double);
  double ulp;
  double input_ulp = 0;
};

std::vector<StepCase> steps_before_sums() {
  using L = long double;
  return {
      {"square", square(), [](L x) { return x * x; }, 1},
      {"relu", relu(), [](L x) { return x > 0 ? x : L(0); }, 0},
      {"abs", abs(), [](L x) { return std::fabs(x); }, 0},
      {"neg", neg(), [](L x) { return -x; }, 0},
      {"exp", exp(), [](L x) { return std::exp(x); }, 4},
      {"log", square() | log(), [](L x) { return std::log(x * x); }, 4},
      {"log alone", log(), [](L x) { return std::log(x); }, 4},
      {"sigmoid", sigmoid(), [](L x) { return 1 / (1 + std::exp(-x)); }, 6},
      {"gelu", gelu(), [](L x) { return x / 2 * std::erfc(-x / std::sqrt(L(2))); }, 8, 2},
  };
}

TYPED_TEST(ReduceChains, OneStepBeforeASum) {
  const TypeParam exec;
  for (const StepCase& step : steps_before_sums())
    for (const Shape& shape : std::vector<Shape>{{40, 3}, {9, 641}, {3, 5121}, {4, 4096}, {70, 130}})
      for (const int axis : {0, 1})
        for (const DType dtype : {DType::f32, DType::f64, DType::f16}) {
          const bool positive = std::string(step.name) == "log alone";
          ReduceCase c{shape, {axis}};
          c.x.dtype = dtype;
          c.y = dtype == DType::f64 ? DType::f64 : DType::f32;
          ReduceData<TypeParam> data(c, [positive](std::int64_t i) {
            const double v = static_cast<double>(i * 37 % 101 + 1) / 16.0;
            return positive || i % 3 != 0 ? v : -v / 2;
          });
          const long double u = std::ldexp(1.0L, dtype == DType::f64 ? -53 : -24);
          for (const std::string& kernel : reduce_kernels<TypeParam>()) {
            data.y().poison();
            if (!run_on(kernel, exec, [&] { sum(exec, data.x(), data.y().tensor(), data.axes(), step.chain); }))
              continue;
            const auto changed = [&](const reference::Values& x) {
              reference::Values all;
              for (const long double v : x) all.push_back(step.exact(v));
              return all;
            };
            data.compare(
                kernel + " " + step.name, [&](const auto& v) { return reference::sum_of(changed(v)); },
                [&](const auto& v) {
                  long double tolerance = 0;  // a unit in the last place is 2 u at most; square() | log() rounds twice
                  for (const long double x : v)
                    tolerance += u * ((4 + 2 * static_cast<long double>(step.ulp)) * std::fabs(step.exact(x)) +
                                      2 * static_cast<long double>(step.input_ulp) * std::fabs(x) + 2);
                  return tolerance;
                });
          }
        }
}

/// NaN, infinities, zero and subnormal numbers in one group of values that are otherwise positive normal ones.
TYPED_TEST(ReduceChains, LogarithmsOfOtherNumbers) {
  const TypeParam exec;
  const double infinity = std::numeric_limits<double>::infinity();
  const double cases[][2] = {
      {0.0, -infinity}, {infinity, infinity}, {-1.0, NAN}, {NAN, NAN}, {0x1p-140, -140 * std::log(2.0)}};
  for (const auto& [odd, expected] : cases) {
    const std::int64_t n = 4096;
    Data<TypeParam> x(DType::f32, n);
    Data<TypeParam> y(TensorSpec{DType::f32}, {});
    for (std::int64_t i = 0; i < n; ++i) x.set(i, i == 1234 ? odd : 1.0);
    x.upload();
    for (const std::string& kernel : reduce_kernels<TypeParam>()) {
      if (!run_on(kernel, exec, [&] { sum(exec, x.tensor(), y.tensor(), Axes(), log()); })) continue;
      y.download();
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(y.value(0))) << kernel << " " << odd;
      else if (std::isinf(expected))
        EXPECT_EQ(y.value(0), expected) << kernel << " " << odd;
      else
        EXPECT_NEAR(y.value(0), expected, 1e-4) << kernel << " " << odd;
    }
  }
}

/// Two to four values of each result, enough results for whole vectors of them.
TYPED_TEST(ReduceChains, ShortestRows) {
  const TypeParam exec;
  for (const std::int64_t n : {2, 3, 4})
    for (const std::int64_t rows : {8, 12, 2048, 5000})
      for (const DType dtype : {DType::f32, DType::f16, DType::bf16})
        for (const bool is_min : {false, true}) {
          ReduceCase c{{rows, n}, {1}};
          c.x.dtype = dtype;
          c.y = DType::f32;
          ReduceData<TypeParam> data(c, [](std::int64_t i) { return static_cast<double>(i * 7 % 19 - 9); });
          for (const std::string& kernel : reduce_kernels<TypeParam>()) {
            data.y().poison();
            if (!run_on(kernel, exec, [&] {
                  is_min ? amin(exec, data.x(), data.y().tensor(), data.axes())
                         : sum(exec, data.x(), data.y().tensor(), data.axes());
                }))
              continue;
            data.compare(
                kernel + " short",
                [&](const auto& v) { return reference::reduce(is_min ? ReductionId::amin : ReductionId::sum, v, 0); },
                [](const auto&) { return 0.0L; });
          }
        }
}

}  // namespace
}  // namespace mylos::test
