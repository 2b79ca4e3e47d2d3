// Elementary functions in two accuracies, for the formulas of op.hpp. Free of Kokkos and vendor headers.
//
// Precise: for results kept in f32 or f64. CUDA's and HIP's device libraries on a GPU; on the host the functions of
//          math_f32.hpp, and libm for f64 and for what is not there (vectorised by the host backend where the C library
//          offers vector forms).
// Reduced: for results that are rounded to 16 bits at once. Relative error below 2^-16, a sixteenth of half a unit
//          of f16, at a fraction of the instructions; f32 only, and the same as Precise where there is no gain.
#pragma once

#include <cmath>
#include <cstdint>

#include <mylos/macros.hpp>
#include <mylos/math_f32.hpp>
#include <mylos/types.hpp>

namespace mylos::math {

struct Precise {
#define MYLOS_FORWARD(name, float_name, double_name)                  \
  MYLOS_FUNCTION static float name(float x) { return float_name(x); } \
  MYLOS_FUNCTION static double name(double x) { return double_name(x); }
#if MYLOS_DEVICE_CODE
  MYLOS_FORWARD(exp, ::expf, ::exp)
  MYLOS_FORWARD(expm1, ::expm1f, ::expm1)
  MYLOS_FORWARD(log, ::logf, ::log)
  MYLOS_FORWARD(log1p, ::log1pf, ::log1p)
  MYLOS_FORWARD(tanh, ::tanhf, ::tanh)
#else
  MYLOS_FORWARD(exp, f32::exp, ::exp)
  MYLOS_FORWARD(expm1, f32::expm1, ::expm1)
  MYLOS_FORWARD(log, f32::log, ::log)
  MYLOS_FORWARD(log1p, f32::log1p, ::log1p)
  MYLOS_FORWARD(tanh, f32::tanh, ::tanh)
#endif
  MYLOS_FORWARD(erf, ::erff, ::erf)
  MYLOS_FORWARD(erfc, ::erfcf, ::erfc)
  MYLOS_FORWARD(sin, ::sinf, ::sin)
  MYLOS_FORWARD(cos, ::cosf, ::cos)
  MYLOS_FORWARD(floor, ::floorf, ::floor)
  MYLOS_FORWARD(ceil, ::ceilf, ::ceil)
  MYLOS_FORWARD(round_even, ::rintf, ::rint)
  MYLOS_FORWARD(abs, ::fabsf, ::fabs)
#if MYLOS_DEVICE_CODE
  MYLOS_FORWARD(rsqrt, ::rsqrtf, ::rsqrt)
#else
  MYLOS_FORWARD(rsqrt, 1.0f / ::sqrtf, 1.0 / ::sqrt)
#endif
#undef MYLOS_FORWARD
  MYLOS_FUNCTION static float fma(float x, float y, float z) { return ::fmaf(x, y, z); }
  MYLOS_FUNCTION static double fma(double x, double y, double z) { return ::fma(x, y, z); }

  // What makes formulas fast on the host, where a processor may have no fused multiply-add (a call then) and a loop has
  // to vectorise; a GPU has nothing to gain.
#if MYLOS_DEVICE_CODE
  template <class T>
  MYLOS_FUNCTION static T exp_of_number(T x) {
    return exp(x);
  }
  template <class T>
  MYLOS_FUNCTION static T nan_of(T, T y) {
    return y;
  }
  template <class T>
  MYLOS_FUNCTION static T multiply_add(T x, T y, T z) {
    return fma(x, y, z);
  }
  template <class T>
  MYLOS_FUNCTION static T product_error(T x, T y, T product) {
    return fma(x, y, -product);
  }
#else
  /// e^x, or any number where x is NaN. In f32 zero below e^-87.7 and infinity above e^88.3.
  MYLOS_FUNCTION static float exp_of_number(float x) { return f32::exp_of_number(x); }
  MYLOS_FUNCTION static double exp_of_number(double x) { return ::exp(x); }
  /// NaN where x is, else y: what exp_of_number does not pass on.
  template <class T>
  MYLOS_FUNCTION static T nan_of(T x, T y) {
    return x != x ? x : y;
  }
  /// x y + z, rounded once or twice.
  template <class T>
  MYLOS_FUNCTION static T multiply_add(T x, T y, T z) {
    return x * y + z;
  }
  /// What rounding took from `product` = x y: exactly, or within 2^-11 of it where an instruction is missing. Where the
  /// product is not finite, anything.
  template <class T>
  MYLOS_FUNCTION static T product_error(T x, T y, T product) {
    const T x_leading = leading_half(x);  // in halves, whose products are exact
    const T y_leading = leading_half(y);
    const T x_rest = x - x_leading;
    return ((x_leading * y_leading - product) + x_leading * (y - y_leading)) + x_rest * y;
  }
  MYLOS_FUNCTION static float leading_half(float x) { return f32::leading_half(x); }
  MYLOS_FUNCTION static double leading_half(double x) {
    return mylos::detail::bits_as<double>(mylos::detail::bits_as<std::uint64_t>(x) & 0xfffffffff8000000u);
  }
#endif
  MYLOS_FUNCTION static double sqrt(double x) { return ::sqrt(x); }
  MYLOS_FUNCTION static float sqrt(float x) {
#if defined(__CUDA_ARCH__)
    // One Newton step on the hardware's reciprocal root, with a fused residual: below one unit in the last place, and
    // without the branch of the compiler's own root, which keeps neighbours from overlapping.
    const bool tiny = x < 7.8886e-31f;
    const float scaled = tiny ? x * 18446744073709551616.0f : x;
    float r;
    asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(scaled));
    const float g = scaled * r;
    const float y = ::fmaf(::fmaf(-g, g, scaled), 0.5f * r, g);
    const float root = tiny ? y * 2.3283064365386963e-10f : y;
    return x == 0.0f || x > 3.4028235e38f ? x : root;
#else
    return ::sqrtf(x);
#endif
  }
  /// The smaller or larger of the two; NaN if either is (IEEE 754-2019 minimum, maximum).
#if MYLOS_DEVICE_CODE
  template <class T>
  MYLOS_FUNCTION static T minimum(T x, T y) {
    const T smaller = x < y ? x : y;  // y where either is NaN
    return x != x ? x : smaller;
  }
  template <class T>
  MYLOS_FUNCTION static T maximum(T x, T y) {
    const T larger = x > y ? x : y;  // y where either is NaN
    return x != x ? x : larger;
  }
#else
  // One choice; where y is the same for all elements, whether it is NaN is asked once.
  template <class T>
  MYLOS_FUNCTION static T minimum(T x, T y) {
    return ((y <= x) | (y != y)) ? y : x;
  }
  template <class T>
  MYLOS_FUNCTION static T maximum(T x, T y) {
    return ((y >= x) | (y != y)) ? y : x;
  }
#endif
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  MYLOS_FUNCTION static float minimum(float x, float y) {
    float z;
    asm("min.NaN.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
    return z;
  }
  MYLOS_FUNCTION static float maximum(float x, float y) {
    float z;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
    return z;
  }
#endif

  MYLOS_FUNCTION static float pow(float x, float y) { return ::powf(x, y); }
  MYLOS_FUNCTION static double pow(double x, double y) { return ::pow(x, y); }

  /// log(1 + t) for t in [0, 1]: t * P(t), P a minimax fit of log1p(t) / t (2 units in the last place; no branches). In
  /// f64 its relative error is 1e-17.
  MYLOS_FUNCTION static float log1p_of_unit(float t) {
#if MYLOS_DEVICE_CODE
    float p = -0.003244020976f;
    p = p * t + 0.019851444289f;
    p = p * t - 0.056959498674f;
    p = p * t + 0.106036514044f;
    p = p * t - 0.153055906296f;
    p = p * t + 0.196759387851f;
    p = p * t - 0.249541342258f;
    p = p * t + 0.333299636841f;
    p = p * t - 0.499999016523f;
    p = p * t + 1.0f;
    return t * p;
#else
    return f32::log1p_of_unit(t);
#endif
  }
  /// 2 artanh(s), s = t / (2 + t): half as many coefficients, which a GPU would all keep in registers.
  MYLOS_FUNCTION static double log1p_of_unit(double t) {
    const double s = divide(t, 2.0 + t);
    const double q = s * s;
    double p = 0.16164045611943532221;
    p = p * q + 0.088007384861446738822;
    p = p * q + 0.12001072809590712535;
    p = p * q + 0.1331414420965493615;
    p = p * q + 0.15385570064958623103;
    p = p * q + 0.18181789436132858169;
    p = p * q + 0.22222222717427862989;
    p = p * q + 0.28571428567108757162;
    p = p * q + 0.40000000000014582673;
    p = p * q + 0.66666666666666658561;
    return 2.0 * s + s * q * p;
  }

  /// x y, rounded before anything is added to it: a compiler that fuses a product with what follows gives other bits
  /// where it sees more of the code.
#if defined(__CUDA_ARCH__)
  MYLOS_FUNCTION static float product(float x, float y) { return __fmul_rn(x, y); }
  MYLOS_FUNCTION static double product(double x, double y) { return __dmul_rn(x, y); }
#else
  template <class T>
  MYLOS_FUNCTION static T product(T x, T y) {
    return x * y;
  }
#endif
  /// a / b for b >= 1 or NaN. On NVIDIA one unit in the last place, quotients below 2^-119 may come out as zero.
  MYLOS_FUNCTION static float divide(float a, float b) {
#if defined(__CUDA_ARCH__)
    return product(a, reciprocal_approx(b));
#else
    return a / b;
#endif
  }
  MYLOS_FUNCTION static double divide(double a, double b) { return a / b; }
  MYLOS_FUNCTION static float reciprocal(float x) {
#if defined(__CUDA_ARCH__)
    return reciprocal_approx(x);
#else
    return 1.0f / x;
#endif
  }
  MYLOS_FUNCTION static double reciprocal(double x) { return 1.0 / x; }

  /// The tail 1 - Phi(a) of the standard normal distribution for a >= 0, infinity included, without cancellation:
  /// exp(-a^2 / 2) u P(u), u = 1 / (1 + 0.3 a), P a minimax fit on a in [0, 13.3]. 8 units in the last place for a < 1;
  /// beyond, what 2 units in the last place of a make.
  MYLOS_FUNCTION static float normal_tail(float a) {
#if MYLOS_DEVICE_CODE
    const float u = reciprocal(1.0f + 0.3f * a);
    float p = 0.035726357251f;
    p = p * u - 0.156785681844f;
    p = p * u + 0.204354777932f;
    p = p * u - 0.050457533449f;
    p = p * u + 0.125992968678f;
    p = p * u + 0.100995883346f;
    p = p * u + 0.120525047183f;
    p = p * u + 0.119648188353f;
    return exp2_fast(-0.72134752044f * (a * a)) * (u * p);
#else
    return f32::normal_tail(a);
#endif
  }
  /// By erfc at a / sqrt 2, corrected for what that quotient's rounding lost: d log erfc(z) / dz is near -h.
  MYLOS_FUNCTION static double normal_tail(double a) {
    constexpr double c = 0.70710678118654752440;
    a = a < 40.0 ? a : 40.0;  // zero beyond, and the square must not overflow
    const double z = c * a;
    const double rest = ::fma(c, a, -z) - 4.8336466567264567e-17 * a;
    const double h = z + ::sqrt(z * z + 1.2732395447351628);
    return 0.5 * erfc(z) * (1.0 - rest * h);
  }

#if MYLOS_DEVICE_CODE
  /// 2^x, 2 units in the last place; results below the smallest normal number may be zero.
  MYLOS_FUNCTION static float exp2_fast(float x) {
#if defined(__CUDA_ARCH__)
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#else
    return ::exp2f(x);
#endif
  }
#endif
#if defined(__CUDA_ARCH__)
  MYLOS_FUNCTION static float reciprocal_approx(float x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
  }
#endif
};

#if MYLOS_DEVICE_CODE
struct Reduced : Precise {
  using Precise::cos;
  using Precise::erf;
  using Precise::exp;
  using Precise::expm1;
  using Precise::log;
  using Precise::log1p;
  using Precise::log1p_of_unit;
  using Precise::normal_tail;
  using Precise::pow;
  using Precise::product_error;
  using Precise::sin;
  using Precise::tanh;

  MYLOS_FUNCTION static float log2_fast(float x) {
#if defined(__CUDA_ARCH__)
    float y;
    asm("lg2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#else
    return ::log2f(x);
#endif
  }
  /// A minimax fit on [-0.3, 0.3] (relative error 5e-7).
  MYLOS_FUNCTION static float log1p_near_zero(float x) {
    float p = 0.164779565521f;
    p = p * x - 0.188346429024f;
    p = p * x + 0.198750331038f;
    p = p * x - 0.248993236445f;
    p = p * x + 0.333355477354f;
    p = p * x - 0.500011505153f;
    p = p * x + 0.999999940595f;
    return x * p;
  }

  MYLOS_FUNCTION static float exp(float x) { return exp2_fast(1.4426950408889634f * x); }
  template <class T>
  MYLOS_FUNCTION static T exp_of_number(T x) {
    return exp(x);
  }

  // Near one a polynomial, elsewhere the direct form, whose absolute error of 2^-22 is then harmless.
  MYLOS_FUNCTION static float log(float x) {
    const float direct = 0.69314718056f * log2_fast(x);
    return ::fabsf(x - 1.0f) < 0.3f ? log1p_near_zero(x - 1.0f) : direct;
  }
  MYLOS_FUNCTION static float log1p(float x) {
    const float direct = 0.69314718056f * log2_fast(1.0f + x);
    return ::fabsf(x) < 0.3f ? log1p_near_zero(x) : direct;
  }

  // Near zero a Taylor polynomial, elsewhere the direct form, whose cancellation is then harmless.
  MYLOS_FUNCTION static float expm1(float x) {
    const float p =
        x * (1.0f + x * (0.5f + x * (0.16666667f + x * (0.041666667f + x * (0.0083333333f + x * 0.0013888889f)))));
    const float direct = exp(x) - 1.0f;
    return ::fabsf(x) < 0.35f ? p : direct;
  }
  MYLOS_FUNCTION static float tanh(float x) {
    const float s = x * x;
    const float p = x * (1.0f + s * (-0.33333333f + s * (0.13333333f - s * 0.053968254f)));
    const float direct = 1.0f - divide(2.0f, exp(2.0f * x) + 1.0f);
    return ::fabsf(x) < 0.2f ? p : direct;
  }
  MYLOS_FUNCTION static float product_error(float, float, float) { return 0.0f; }  // below 2^-16 in all that follows
  /// t * P(t), P a minimax fit of log1p(t) / t on [0, 1] (relative error 1.3e-6).
  MYLOS_FUNCTION static float log1p_of_unit(float t) {
    float p = 0.014141007549f;
    p = p * t - 0.066401751245f;
    p = p * t + 0.149223819981f;
    p = p * t - 0.235038575282f;
    p = p * t + 0.331094483066f;
    p = p * t - 0.499869655811f;
    p = p * t + 0.999998731527f;
    return t * p;
  }
  /// exp(-a^2 / 2) * u * P(u), u = 1 / (1 + 0.3 a), P a minimax fit on a in [0, 14] (relative error 8.2e-6).
  MYLOS_FUNCTION static float normal_tail(float a) {
    const float u = reciprocal(1.0f + 0.3f * a);
    float p = -0.077097348867f;
    p = p * u + 0.216036864312f;
    p = p * u - 0.016947882156f;
    p = p * u + 0.144196294872f;
    p = p * u + 0.113741944632f;
    p = p * u + 0.120074230617f;
    return exp2_fast(-0.72134752044f * a * a) * u * p;
  }
  MYLOS_FUNCTION static float pow(float x, float y) {
    // The absolute error of log2, 2^-22, is multiplied by y.
    if (!(::fabsf(y) <= 32.0f) || y == 0.0f) return Precise::pow(x, y);
    // Negative x have powers for integers alone; -infinity and -0 count as large and small instead.
    const bool integer = y == ::floorf(y);
    const bool odd = integer && 0.5f * y != ::floorf(0.5f * y);
    const float base = integer || x < -3.4028235e38f ? ::fabsf(x) : x;
    const std::uint32_t sign = odd ? detail::bits_as<std::uint32_t>(x) & 0x80000000u : 0u;
    return with_sign(exp2_fast(y * log2_fast(base)), sign);
  }
  /// x P(x^2), a minimax fit on [-3.3, 3.3] (relative error 3.5e-6), written around the middle of x^2's range so that
  /// its terms do not cancel; 1 - erf(3.3) is 3.1e-6.
  MYLOS_FUNCTION static float erf(float x) {
    const float c = maximum(minimum(x, 3.3f), -3.3f);
    const float s = c * c - 5.445f;
    float p = 1.749985295563e-10f;
    p = p * s - 2.317754432823e-09f;
    p = p * s + 1.348631162301e-08f;
    p = p * s - 1.219002285779e-07f;
    p = p * s + 1.422597051715e-06f;
    p = p * s - 1.245199473487e-05f;
    p = p * s + 9.554153803037e-05f;
    p = p * s - 7.085208781063e-04f;
    p = p * s + 5.129613913596e-03f;
    p = p * s - 3.887001797577e-02f;
    p = p * s + 4.281354844570e-01f;
    return c * p;
  }
  /// By the nearest multiple of pi; larger x than any of f16 by the precise function.
  MYLOS_FUNCTION static float sin(float x) {
    if (!(::fabsf(x) <= 65536.0f)) return Precise::sin(x);
    const float k = x * inverse_pi + integers;
    return with_sign(sin_near_zero(without_multiple_of_pi(x, k - integers)), parity(k));
  }
  MYLOS_FUNCTION static float cos(float x) {
    if (!(::fabsf(x) <= 65536.0f)) return Precise::cos(x);
    const float k = (x * inverse_pi - 0.5f) + integers;
    return with_sign(sin_near_zero(without_multiple_of_pi(x, (k - integers) + 0.5f)), parity(k) ^ 0x80000000u);
  }

 private:
  static constexpr float inverse_pi = 0.31830988618379067f;
  static constexpr float integers = 12582912.0f;  // 1.5 2^23: adding it rounds to an integer, kept in the last bits

  MYLOS_FUNCTION static float with_sign(float x, std::uint32_t sign) {
    return detail::bits_as<float>(detail::bits_as<std::uint32_t>(x) ^ sign);
  }
  /// The sign bit if k - integers is odd.
  MYLOS_FUNCTION static std::uint32_t parity(float k) { return detail::bits_as<std::uint32_t>(k) << 31; }
  /// x - k pi, for |k| < 2^15: the first product cancels exactly.
  MYLOS_FUNCTION static float without_multiple_of_pi(float x, float k) {
    return ::fmaf(-k, -8.7422776573475858e-08f, ::fmaf(-k, 3.1415927410125732f, x));
  }
  /// A minimax fit on [-pi/2, pi/2] (relative error 9.5e-7).
  MYLOS_FUNCTION static float sin_near_zero(float r) {
    const float s = r * r;
    float p = -1.84867909410e-04f;
    p = p * s + 8.31185653806e-03f;
    p = p * s - 1.66655510664e-01f;
    p = p * s + 9.99999046326e-01f;
    return r * p;
  }
};
#else
using Reduced = Precise;
#endif

}  // namespace mylos::math
