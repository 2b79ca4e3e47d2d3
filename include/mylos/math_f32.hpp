// Elementary functions of f32 for processors, without branches, tables and calls: a loop over them vectorises for every
// instruction set and with every compiler, and the constants stay in registers. math.hpp takes them for the host.
//
// Each states its error in units in the last place of the result (ulp), over all arguments. NaN goes through,
// infinities give their limits, odd functions keep the sign of zero. Right with and without fused multiply-add. Method:
// argument reduction as in Cody and Waite, Software Manual for the Elementary Functions, 1980; the polynomials are
// minimax fits (Remez).
#pragma once

#include <cstdint>

#include <mylos/macros.hpp>
#include <mylos/types.hpp>

namespace mylos::math::f32 {

MYLOS_FUNCTION std::uint32_t bits(float x) { return mylos::detail::bits_as<std::uint32_t>(x); }
MYLOS_FUNCTION float from_bits(std::uint32_t x) { return mylos::detail::bits_as<float>(x); }

/// x within limits, low < 0 < high, by comparing bits: GCC 12 makes neither a vector minimum nor anything good of the
/// comparisons of floats. NaN becomes one of the limits.
MYLOS_FUNCTION float at_most(float high, float x) {
  const auto limit = static_cast<std::int32_t>(bits(high));
  const auto value = static_cast<std::int32_t>(bits(x));  // negative for negative x
  return from_bits(static_cast<std::uint32_t>(value < limit ? value : limit));
}
MYLOS_FUNCTION float at_least(float low, float x) {
  const std::uint32_t limit = bits(low);
  const std::uint32_t value = bits(x);  // below every negative number's for positive x
  return from_bits(value < limit ? value : limit);
}

MYLOS_FUNCTION float abs(float x) { return from_bits(bits(x) & 0x7fffffffu); }
/// Magnitude of x, sign of y.
MYLOS_FUNCTION float copy_sign(float x, float y) {
  return from_bits((bits(x) & 0x7fffffffu) | (bits(y) & 0x80000000u));
}

/// The leading 12 bits of x's significand: products of two of them are exact.
MYLOS_FUNCTION float leading_half(float x) { return from_bits(bits(x) & 0xfffff000u); }

/// x = n ln 2 + rest, n the nearest integer, for |x| < 2^21 ln 2. `shifted` has n in its low bits.
struct Reduction {
  float shifted;
  float rest;
};
MYLOS_FUNCTION Reduction reduce(float x) {
  constexpr float shift = 12582912.0f;  // 1.5 * 2^23: a sum with it is rounded to an integer
  const float shifted = x * 1.44269504f + shift;
  const float n = shifted - shift;
  // ln 2 in two parts, the first of so few bits that its product with n is exact.
  return {shifted, x - n * 0.693359375f + n * 2.12194440e-4f};
}
/// 2^n for the n of a reduction, -127 (zero) <= n <= 128 (infinity).
MYLOS_FUNCTION float power_of_two(float shifted) { return from_bits((bits(shifted) << 23) + 0x3f800000u); }

/// e^r for |r| <= 0.44.
MYLOS_FUNCTION float exp_of_rest(float r) {
  float p = 0.00139882811f;
  p = p * r + 0.00839070044f;
  p = p * r + 0.0416654684f;
  p = p * r + 0.166662827f;
  p = p * r + 0.50000006f;
  p = p * r + 1.0f;
  return p * r + 1.0f;
}

/// e^x, 1 ulp; zero below e^-87.7, infinity above e^88.3, any number where x is NaN.
MYLOS_FUNCTION float exp_of_number(float x) {
  const Reduction reduced = reduce(at_least(-88.0f, at_most(88.8f, x)));
  return exp_of_rest(reduced.rest) * power_of_two(reduced.shifted);
}
/// e^x, 1 ulp, with subnormal results.
MYLOS_FUNCTION float exp(float x) {
  const Reduction reduced = reduce(at_least(-104.0f, at_most(89.0f, x)));
  // 2^n in two factors, since n is between -150 and 128: only the last product rounds.
  const std::uint32_t n = bits(reduced.shifted) + (150u - 0x4b400000u);
  const std::uint32_t half = n >> 1;
  const float first = from_bits((half + (127u - 75u)) << 23);
  const float second = from_bits((n - half + (127u - 75u)) << 23);
  const float y = exp_of_rest(reduced.rest) * first * second;
  return x != x ? x : y;
}

/// e^x - 1 of a number -87 <= x <= 89, 2 ulp.
MYLOS_FUNCTION float expm1_within(float x) {
  const Reduction reduced = reduce(x);
  const float r = reduced.rest;
  float p = 0.00139467861f;
  p = p * r + 0.00836677756f;
  p = p * r + 0.0416662768f;
  p = p * r + 0.16666542f;
  p = p * r + 0.5f;
  p = p * r * r + r;
  // With half of 2^n, which is finite for every n, and twice the sum.
  const float half = from_bits((bits(reduced.shifted) << 23) + 0x3f000000u);
  return 2.0f * (half * p + (half - 0.5f));
}
/// e^x - 1, 2 ulp.
MYLOS_FUNCTION float expm1(float x) {
  const float y = expm1_within(at_least(-87.0f, at_most(89.0f, x)));
  return x != x || x == 0.0f ? x : y;
}

/// tanh x, 3 ulp, by t / (t + 2) with t = e^(2|x|) - 1.
MYLOS_FUNCTION float tanh(float x) {
  const float a = at_most(10.0f, abs(x));  // one beyond
  const float t = expm1_within(a + a);
  const float y = copy_sign(t / (t + 2.0f), x);
  return x != x ? x : y;
}

/// x = 2^e (1 + f), 2^-1/2 <= 1 + f < 2^1/2, of positive normal x.
struct Split {
  float f;
  float exponent;
  std::uint32_t exponent_bits;  // e, where the exponent of a number has it
};
MYLOS_FUNCTION Split split(float x) {
  const std::uint32_t e = (bits(x) - 0x3f3504f3u) & 0xff800000u;
  return {from_bits(bits(x) - e) - 1.0f, static_cast<float>(static_cast<std::int32_t>(e)) * 1.1920929e-7f, e};
}
/// e ln 2 + log(1 + f)
MYLOS_FUNCTION float log_of_split(float f, float exponent) {
  float p = -0.0763449967f;
  p = p * f + 0.12761578f;
  p = p * f - 0.13160181f;
  p = p * f + 0.142017573f;
  p = p * f - 0.166233569f;
  p = p * f + 0.200012267f;
  p = p * f - 0.250008196f;
  p = p * f + 0.333333313f;
  const float square = f * f;
  const float small = p * f * square - exponent * 2.12194440e-4f;
  return (small - 0.5f * square + f) + exponent * 0.693359375f;
}

/// y = log of z where that is a finite number; NaN, infinity or minus infinity elsewhere.
MYLOS_FUNCTION float at_limits(float y, float z) {
  // All bits set, which is NaN, where z is negative.
  const std::uint32_t negative = 0u - (bits(z) >> 31);
  const float number = from_bits(bits(y) | negative);
  const float below = z == 0.0f ? from_bits(0xff800000u) : number;
  return z <= 3.40282347e38f ? below : z;
}

/// log x, 1 ulp; NaN for negative x.
MYLOS_FUNCTION float log(float x) {
  // Subnormal numbers are multiplied by 2^23; so are negative ones, which does not matter.
  const bool small = static_cast<std::int32_t>(bits(x)) < 0x00800000;
  const Split s = split(x * (small ? 8388608.0f : 1.0f));
  return at_limits(log_of_split(s.f, s.exponent - (small ? 23.0f : 0.0f)), x);
}

/// log(1 + x), 2 ulp; NaN for x < -1.
MYLOS_FUNCTION float log1p(float x) {
  const float z = 1.0f + x;
  const Split s = split(z);
  // 1 + f = 2^-e (1 + x) without the rounding of 1 + x. Four times 2^-e is normal for every e.
  const float scale = from_bits(0x40800000u - s.exponent_bits);
  const float f = 0.25f * x * scale + (0.25f * scale - 1.0f);
  const float y = at_limits(log_of_split(f, s.exponent), z);
  return x == 0.0f ? x : y;
}

/// log(1 + t) for t in [0, 1], 2 ulp.
MYLOS_FUNCTION float log1p_of_unit(float t) {
  float p = 0.00536482688f;
  p = p * t - 0.0300658029f;
  p = p * t + 0.0792045519f;
  p = p * t - 0.137538031f;
  p = p * t + 0.191536561f;
  p = p * t - 0.248571634f;
  p = p * t + 0.33321324f;
  p = p * t - 0.499996483f;
  return p * t * t + t;
}

/// e^(-a^2 / 2) for 0 <= a <= 13.27: 4 ulp, and what half a unit in the last place of a makes; zero at the end.
MYLOS_FUNCTION float exp_of_half_square(float a) {
  // The square in two parts: what one would lose is multiplied by a^2 otherwise.
  const float leading = leading_half(a);
  const float square = leading * leading;
  const float rest = (a - leading) * (a + leading);
  // As in reduce and exp_of_rest, in terms of s = -2 r, with ln 2 in one part: what that loses is as good as lost in a.
  constexpr float shift = 12582912.0f;
  const float shifted = square * -0.72134752f + shift;
  const float n = shifted - shift;
  const float s = square + n * 1.38629436f + rest;
  float p = -0.000261809619f;
  p = p * s + 0.00261978549f;
  p = p * s - 0.0208330285f;
  p = p * s + 0.124997519f;
  p = p * s - 0.5f;
  return (p * s + 1.0f) * power_of_two(shifted);
}

/// The tail 1 - Phi(a) of the standard normal distribution for a number a >= 0: exp(-a^2 / 2) u P(u), u = 1 / (1 +
/// 0.305 a), P fitted on [0, 13.3]. 4 ulp up to a = 1, 8 beyond; zero above 13.2, where exp(-a^2 / 2) is below the
/// smallest normal number.
MYLOS_FUNCTION float normal_tail(float a) {
  a = at_most(13.27f, a);
  const float u = 1.0f / (1.0f + 0.305f * a);
  const float w = u - 0.75f;  // P about the middle of the interval: its terms hardly cancel
  float p = 0.0366991907f;
  p = p * w + 0.0396824405f;
  p = p * w - 0.0692213103f;
  p = p * w - 0.0904908478f;
  p = p * w + 0.167324752f;
  p = p * w + 0.487830848f;
  p = p * w + 0.539438844f;
  p = p * w + 0.332445621f;
  return exp_of_half_square(a) * (u * p);
}

}  // namespace mylos::math::f32
