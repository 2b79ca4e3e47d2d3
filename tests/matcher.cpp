// The matcher itself: it lets pass what the bound allows, and nothing else.
#include "support/matcher.hpp"

#include <gtest/gtest.h>

namespace mylos::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Arithmetic f32{DType::f32, DType::f32};
constexpr Arithmetic f16{DType::f16, DType::f16};

/// Accepted intervals by the bound of exp: 4 units of the result.
Accepted accept_exp(double exact, const Arithmetic& arithmetic) { return accept(StepId::exp, exact, 0.0, arithmetic); }

Element element(double got, const Accepted& accepted, std::uint64_t bits = 0) { return {0, 1, got, bits, 1, accepted}; }

TEST(Matcher, AcceptsUpToTheBoundAndNotBeyond) {
  const double ulp = std::ldexp(1.0, -23);
  const Accepted accepted = accept_exp(1 + 0.25 * ulp, f32);
  for (int k = -4; k <= 4; ++k) EXPECT_TRUE(accepted.holds(1 + k * ulp)) << k;
  EXPECT_FALSE(accepted.holds(1 + 5 * ulp));
  EXPECT_FALSE(accepted.holds(1 - 5 * ulp));
}

TEST(Matcher, AddsHalfAUnitOfTheStoredType) {
  const Accepted accepted = accept(StepId::relu, 1 + std::ldexp(1.0, -12), 1.0, {DType::f32, DType::f16});
  EXPECT_TRUE(accepted.holds(1));
  EXPECT_FALSE(accepted.holds(1 + std::ldexp(1.0, -10)));
}

TEST(Matcher, IsTighterThanTheNextNumberOfSixteenBits) {
  // 128 * 4 units of f32 are a sixteenth of a unit of f16: only a result near a tie may go either way.
  const double ulp = std::ldexp(1.0, -10);
  EXPECT_FALSE(accept_exp(1 + 0.4 * ulp, f16).holds(1 + ulp));
  EXPECT_TRUE(accept_exp(1 + 0.45 * ulp, f16).holds(1 + ulp));
  EXPECT_TRUE(accept_exp(1 + 0.45 * ulp, f16).holds(1));
}

TEST(Matcher, CountsUnitsOfTheInput) {
  // tanhshrink: 4 units of the result and 4 of x, so 1e-12 at x = 1e-4 is within half a unit or so of x.
  const Accepted accepted = accept(StepId::tanhshrink, 3.3e-13, 1e-4, f32);
  EXPECT_TRUE(accepted.holds(3.3e-13 + 3 * std::ldexp(1.0, -37)));
  EXPECT_FALSE(accepted.holds(3.3e-13 + 5 * std::ldexp(1.0, -37)));
}

TEST(Matcher, RejectsNaNUnlessItIsExpected) {
  EXPECT_FALSE(accept_exp(1, f32).holds(nan));
  EXPECT_FALSE(accept_exp(infinity, f32).holds(nan));
  EXPECT_TRUE(accept_exp(nan, f32).holds(nan));
  EXPECT_FALSE(accept_exp(nan, f32).holds(1));
  EXPECT_FALSE(accept_exp(nan, f32).holds(infinity));
}

TEST(Matcher, TakesInfinitiesExactly) {
  EXPECT_TRUE(accept_exp(infinity, f32).holds(infinity));
  EXPECT_FALSE(accept_exp(infinity, f32).holds(-infinity));
  EXPECT_FALSE(accept_exp(infinity, f32).holds(3.4028234663852886e38));
}

TEST(Matcher, OverflowsAsRoundingDoes) {
  EXPECT_TRUE(accept_exp(1e6, f16).holds(infinity));
  EXPECT_FALSE(accept_exp(1e6, f16).holds(65504));
  EXPECT_TRUE(accept(StepId::relu, 65519.0, 65519.0, {DType::f32, DType::f16}).holds(65504));
  EXPECT_FALSE(accept(StepId::relu, 65519.0, 65519.0, {DType::f32, DType::f16}).holds(infinity));
  EXPECT_TRUE(accept(StepId::relu, 65520.0, 65520.0, {DType::f32, DType::f16}).holds(infinity));
  EXPECT_FALSE(accept(StepId::relu, 65520.0, 65520.0, {DType::f32, DType::f16}).holds(65504));
}

TEST(Matcher, LetsTinyResultsFlushButNotThoseOfExactSteps) {
  const double tiny = std::ldexp(1.0, -130);
  EXPECT_TRUE(accept_exp(tiny, f32).holds(0));
  EXPECT_FALSE(accept_exp(tiny, f32).holds(-tiny));
  EXPECT_FALSE(accept_exp(std::ldexp(1.0, -118), f32).holds(0));
  EXPECT_FALSE(accept(StepId::relu, tiny, tiny, f32).holds(0));
}

TEST(Matcher, ReportsTheElement) {
  Comparison comparison("exp", DType::f32);
  comparison.look(element(1, accept_exp(1, f32)));
  EXPECT_TRUE(comparison.result());
  comparison.look(element(2, accept_exp(1, f32)));
  const testing::AssertionResult result = comparison.result();
  EXPECT_FALSE(result);
  for (const char* part : {"exp: 1 elements", "element 0", "x = 1", "got 2", "expected 1", "off by", "accepted ["})
    EXPECT_NE(std::string(result.message()).find(part), std::string::npos) << part;
}

TEST(Matcher, RejectsOutputThatWasNotWrittenEvenWhereNaNIsExpected) {
  Comparison comparison("exp", DType::f32);
  comparison.look(element(nan, accept_exp(nan, f32), poison_bits(DType::f32)));
  EXPECT_FALSE(comparison.result());
  EXPECT_NE(std::string(comparison.result().message()).find("never written"), std::string::npos);
}

TEST(Matcher, SeesWritesBesideATensor) {
  using Exec = Kokkos::DefaultHostExecutionSpace;
  Data<Exec> data(TensorSpec{DType::f16, {}, {0, 1}}, {2, 2});
  data.poison();
  EXPECT_EQ(data.written(), 0);
  data.set(0, 1);
  data.set(2, 1);
  EXPECT_EQ(data.written(), 2);
  EXPECT_TRUE(data.is_poison(1));
  EXPECT_FALSE(data.is_poison(0));
}

TEST(Reference, StoresAndReadsEverySixteenBitPattern) {
  for (const DType dtype : {DType::f16, DType::bf16}) {
    for (int i = 0; i < 65536; ++i) {
      const auto bits = static_cast<std::uint64_t>(i);
      const double value = reference::value_at(dtype, &bits);
      std::uint64_t back = 0;
      reference::store_at(dtype, &back, value);
      if (value == value) {
        ASSERT_EQ(back, bits) << name_of(dtype);
        ASSERT_EQ(reference::round_to(value, dtype), value) << name_of(dtype) << " " << i;
      }
    }
  }
}

TEST(Reference, RoundsToEvenAndToInfinity) {
  EXPECT_EQ(reference::round_to(2049.0, DType::f16), 2048);
  EXPECT_EQ(reference::round_to(2051.0, DType::f16), 2052);
  EXPECT_EQ(reference::round_to(65519.99, DType::f16), 65504);
  EXPECT_EQ(reference::round_to(65520.0, DType::f16), infinity);
  EXPECT_EQ(reference::round_to(std::ldexp(1.0, -25), DType::f16), 0);
  EXPECT_EQ(reference::round_to(std::ldexp(1.0001, -25), DType::f16), std::ldexp(1.0, -24));
  EXPECT_EQ(reference::round_to(257.0, DType::bf16), 256);
  EXPECT_EQ(reference::round_to(259.0, DType::bf16), 260);
}

}  // namespace
}  // namespace mylos::test
