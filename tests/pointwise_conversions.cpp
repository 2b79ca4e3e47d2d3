// Conversion between every two dtypes, exact: one rounding to nearest even, overflow to infinity, NaN stays NaN, zeros
// keep their sign. By convert(), and with the cast step on the way.
#include <gtest/gtest.h>

#include "support/accuracy.hpp"

namespace mylos::test {
namespace {

constexpr DType floating[] = {DType::f64, DType::f32, DType::f16, DType::bf16};

/// Around every number of the 16-bit type at `bits`: itself, the tie to the next one, and what lies next to the tie in
/// the wider type, so near that a rounding to f32 on the way would fall on the tie.
void append_ties(std::vector<double>& values, DType to, std::uint16_t bits) {
  const reference::Format format = reference::format_of(to);
  const double v = reference::value_of_bits(bits, format);
  if (!std::isfinite(v)) return;
  const double ulp = reference::ulp_of(v, format);
  for (const double direction : {-0.5, 0.5}) {
    const double tie = v + direction * ulp;
    values.insert(values.end(), {v, tie, std::nextafter(tie, 0.0), std::nextafter(tie, 2 * tie)});
    values.insert(values.end(), {tie * (1 + std::ldexp(1.0, -24)), tie * (1 - std::ldexp(1.0, -24)),
                                 tie * (1 + std::ldexp(1.0, -30)), tie * (1 - std::ldexp(1.0, -30))});
  }
}

/// Values to convert to `to`, representable in `from`.
Sample conversions(DType from, DType to) {
  Sample sample = sample_of(from, 0.1);
  if (is_sixteen_bit(from)) return sample;
  std::vector<double> values;
  for (int i = 0; i < 65536; i += is_sixteen_bit(to) ? 1 : 64)
    append_ties(values, is_sixteen_bit(to) ? to : DType::f16, static_cast<std::uint16_t>(i));
  for (const double largest : {65504.0, 65519.99, 65520.0, 3.3895313892515355e38, 3.3961775292304601e38,
                               3.4028234663852886e38, 3.4028235677973366e38, 3.4028235677973362e38})
    for (const double sign : {1.0, -1.0}) values.push_back(sign * largest);
  if (from == DType::f64) {
    for (int k = -1074; k < 1024; ++k)  // ties between numbers of f32, subnormal ones too
      for (const double fraction : {1.0, 1 + std::ldexp(1.0, -24), 1 + std::ldexp(3.0, -24), 1 + std::ldexp(1.0, -52)})
        values.push_back(std::ldexp(fraction, k));
  }
  for (const double v : values) {
    std::uint64_t bits = 0;
    reference::store_at(from, &bits, reference::round_to(v, from));
    sample.push_back(bits);
  }
  return sample;
}

template <class Exec>
class PointwiseConversions : public testing::Test {
 protected:
  /// convert(x), or cast(through) between two f64 or f32 tensors, against one rounding.
  static void check(DType from, DType to, const Chain& chain, DType through) {
    const Sample sample = conversions(from, through);
    const auto n = static_cast<std::int64_t>(sample.size());
    Data<Exec> x(from, n);
    Data<Exec> y(to, n);
    for (std::int64_t i = 0; i < n; ++i) x.set_bits(i, sample[static_cast<std::size_t>(i)]);
    x.upload();
    for (const Kernel<Exec>& kernel : all_kernels<Exec>()) {
      y.poison();
      if (!kernel.run(Exec(), x.tensor(), y.tensor(), chain)) continue;
      y.download();
      const std::string what =
          std::string(Exec::name()) + " " + kernel.name + " " + name_of(from) + " -> " + name_of(to);
      Comparison comparison(what, to);
      std::int64_t wrong_zeros = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const double v = x.value(i);
        const double rounded = reference::round_to(v, through);
        const Accepted accepted{rounded, rounded, v != v};
        comparison.look({i, v, y.value(i), y.bits(i), v, accepted});
        if (v == v && std::signbit(y.value(i)) != std::signbit(v)) ++wrong_zeros;
      }
      EXPECT_TRUE(comparison.result());
      EXPECT_EQ(wrong_zeros, 0) << what << ": the sign is lost";
    }
  }
};
TYPED_TEST_SUITE(PointwiseConversions, ExecutionSpaces, SpaceName);

TYPED_TEST(PointwiseConversions, BetweenEveryTwoTypes) {
  for (const DType from : floating)
    for (const DType to : floating) this->check(from, to, Chain(), to);
}

TYPED_TEST(PointwiseConversions, CastStep) {
  for (const DType through : floating) {
    this->check(DType::f64, DType::f64, cast(through), through);
    if (through != DType::f64) this->check(DType::f32, DType::f32, cast(through), through);
  }
}

TYPED_TEST(PointwiseConversions, SameTypeKeepsEveryBitOfNumbers) {
  for (const DType dtype : floating) {
    const Sample sample = sample_of(dtype, 0.1);
    const auto n = static_cast<std::int64_t>(sample.size());
    Data<TypeParam> x(dtype, n);
    Data<TypeParam> y(dtype, n);
    for (std::int64_t i = 0; i < n; ++i) x.set_bits(i, sample[static_cast<std::size_t>(i)]);
    x.upload();
    for (const Kernel<TypeParam>& kernel : all_kernels<TypeParam>()) {
      y.poison();
      if (!kernel.run(TypeParam(), x.tensor(), y.tensor(), Chain())) continue;
      y.download();
      std::int64_t different = 0;
      for (std::int64_t i = 0; i < n; ++i)
        if (x.value(i) == x.value(i) ? x.bits(i) != y.bits(i) : y.value(i) == y.value(i)) ++different;
      EXPECT_EQ(different, 0) << kernel.name << " " << name_of(dtype);
    }
  }
}

}  // namespace
}  // namespace mylos::test
