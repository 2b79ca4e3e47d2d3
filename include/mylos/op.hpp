// Every pointwise formula as an inline function, callable in a kernel of your own: mylos::op::gelu(x).
//
// T is float or double. The template parameter M chooses the elementary functions (math.hpp) and is left alone by
// users. Formulas, defaults and edge behaviour are PyTorch's: NaN goes in and comes out, and so do its results at
// infinity (silu, mish, gelu and hardswish of -inf are NaN there). The table with parameters, bounds and sources is
// steps.def.
#pragma once

#include <mylos/math.hpp>

namespace mylos::op {

using math::Precise;

// ---- activations ----------------------------------------------------------------------------------------------------

template <class M = Precise, class T>
MYLOS_FUNCTION T relu(T x) {
  return M::maximum(x, T(0));
}

template <class M = Precise, class T>
MYLOS_FUNCTION T leaky_relu(T x, T negative_slope) {
  return x > T(0) ? x : negative_slope * x;
}

template <class M = Precise, class T>
MYLOS_FUNCTION T elu(T x, T alpha) {
  const T e = M::expm1(x);  // not exp(x) - 1: that loses every digit near zero
  return x > T(0) ? x : alpha * e;
}

template <class M = Precise, class T>
MYLOS_FUNCTION T celu(T x, T alpha) {
  const T e = M::expm1(x * (T(1) / alpha));
  return x > T(0) ? x : alpha * e;
}

template <class M = Precise, class T>
MYLOS_FUNCTION T selu(T x) {
  constexpr T scale = T(1.0507009873554804934193349852946);
  constexpr T scale_alpha = T(1.7580993408473768599402175208123);
  const T e = M::expm1(x);
  return x > T(0) ? scale * x : scale_alpha * e;
}

/// x * Phi(x), written with the tail of Phi so that large negative x keep their relative accuracy.
template <class M = Precise, class T>
MYLOS_FUNCTION T gelu(T x) {
  const T a = M::abs(x);
  const T factor = x < T(40) ? a : T(0);  // infinity times a tail of zero would be NaN; for -infinity it shall be
  return (x < T(0) ? T(0) : x) - factor * M::normal_tail(a);
}

/// x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3): the same as x/2 (1 + tanh u), without its cancellation.
template <class M = Precise, class T>
MYLOS_FUNCTION T gelu_tanh(T x) {
  constexpr T c = T(-1.5957691216057307117597842397375);
  const T e = M::exp_of_number(c * (x + T(0.044715) * x * x * x));
  return M::divide(x, T(1) + e);
}

template <class M = Precise, class T>
MYLOS_FUNCTION T sigmoid(T x) {
  return M::nan_of(x, M::reciprocal(T(1) + M::exp_of_number(-x)));
}

template <class M = Precise, class T>
MYLOS_FUNCTION T log_sigmoid(T x) {
  const T l = M::log1p_of_unit(M::exp_of_number(-M::abs(x)));
  return M::nan_of(x, (x < T(0) ? x : T(0)) - l);
}

template <class M = Precise, class T>
MYLOS_FUNCTION T tanh(T x) {
  return M::tanh(x);
}

template <class M = Precise, class T>
MYLOS_FUNCTION T softplus(T x, T beta, T threshold) {
  const T z = beta * x;
  // What the product lost would be multiplied by |z| in the exponential.
  const T lost = M::abs(z) < T(1000) ? M::product_error(beta, x, z) : T(0);
  const T e = M::exp_of_number(-M::abs(z));
  const T l = M::log1p_of_unit(M::minimum(M::multiply_add(e, z > T(0) ? -lost : lost, e), T(1)));
  const T smooth = ((z > T(0) ? z : T(0)) + l) * (T(1) / beta);
  return z > threshold ? x : M::nan_of(z, smooth);
}

template <class M = Precise, class T>
MYLOS_FUNCTION T softsign(T x) {
  return x / (T(1) + M::abs(x));
}

template <class M = Precise, class T>
MYLOS_FUNCTION T silu(T x) {
  return M::divide(x, T(1) + M::exp_of_number(-x));
}

/// x tanh(softplus(x)) = x n / (n + 2) with n = e^x (e^x + 2), evaluated with e = e^-|x| so that nothing overflows:
///     x > 0: x (1 + 2 e) / (1 + 2 e + 2 e^2)
///     x < 0: x (e^2 + 2 e) / (e^2 + 2 e + 2)
template <class M = Precise, class T>
MYLOS_FUNCTION T mish(T x) {
  // By the root of e, which is a normal number wherever the result is: e has lost digits where x e is still normal.
  const T root = M::exp_of_number(T(-0.5) * M::abs(x));
  const T e = root * root;
  const T up = T(1) + T(2) * e;
  const T sum = e + T(2);
  const T numerator = x > T(0) ? up : root * sum;
  const T denominator = x > T(0) ? up + T(2) * e * e : e * sum + T(2);
  return (x > T(0) ? x : x * root) * M::divide(numerator, denominator);
}

template <class M = Precise, class T>
MYLOS_FUNCTION T clamp(T x, T min, T max) {
  return M::minimum(M::maximum(x, min), max);
}

template <class M = Precise, class T>
MYLOS_FUNCTION T hardsigmoid(T x) {
  return clamp<M>(x + T(3), T(0), T(6)) * T(1.0 / 6.0);
}

template <class M = Precise, class T>
MYLOS_FUNCTION T hardswish(T x) {
  return x * (clamp<M>(x + T(3), T(0), T(6)) * T(1.0 / 6.0));
}

template <class M = Precise, class T>
MYLOS_FUNCTION T hardtanh(T x, T min, T max) {
  return clamp<M>(x, min, max);
}

template <class M = Precise, class T>
MYLOS_FUNCTION T relu6(T x) {
  return clamp<M>(x, T(0), T(6));
}

template <class M = Precise, class T>
MYLOS_FUNCTION T threshold(T x, T threshold, T value) {
  return x <= threshold ? value : x;
}

template <class M = Precise, class T>
MYLOS_FUNCTION T softshrink(T x, T lambda) {
  const T shrunk = x > T(0) ? x - lambda : x + lambda;
  return M::abs(x) <= lambda ? T(0) : shrunk;
}

template <class M = Precise, class T>
MYLOS_FUNCTION T hardshrink(T x, T lambda) {
  return M::abs(x) <= lambda ? T(0) : x;
}

template <class M = Precise, class T>
MYLOS_FUNCTION T tanhshrink(T x) {
  return x - M::tanh(x);
}

// ---- math -----------------------------------------------------------------------------------------------------------

template <class M = Precise, class T>
MYLOS_FUNCTION T abs(T x) {
  return M::abs(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T neg(T x) {
  return -x;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T sign(T x) {
  return T((x > T(0)) - (x < T(0)));
}
template <class M = Precise, class T>
MYLOS_FUNCTION T square(T x) {
  return x * x;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T sqrt(T x) {
  return M::sqrt(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T rsqrt(T x) {
  return M::rsqrt(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T reciprocal(T x) {
  return T(1) / x;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T exp(T x) {
  return M::exp(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T expm1(T x) {
  return M::expm1(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T log(T x) {
  return M::log(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T log1p(T x) {
  return M::log1p(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T sin(T x) {
  return M::sin(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T cos(T x) {
  return M::cos(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T erf(T x) {
  return M::erf(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T floor(T x) {
  return M::floor(x);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T ceil(T x) {
  return M::ceil(x);
}
/// To the nearest integer, halves to even.
template <class M = Precise, class T>
MYLOS_FUNCTION T round(T x) {
  return M::round_even(x);
}

/// The value that x becomes when it is stored as `dtype` (a floating type, given as its number) and loaded again.
template <class M = Precise, class T>
MYLOS_FUNCTION T cast(T x, T dtype) {
  if (dtype == T(static_cast<int>(DType::f16))) return T(float(half(x)));
  if (dtype == T(static_cast<int>(DType::bf16))) return T(float(bfloat16(x)));
  if (dtype == T(static_cast<int>(DType::f32))) return T(static_cast<float>(x));
  return x;
}

// ---- with one operand -----------------------------------------------------------------------------------------------

template <class M = Precise, class T>
MYLOS_FUNCTION T prelu(T x, T slope) {
  return x > T(0) ? x : slope * x;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T add(T x, T other) {
  return x + other;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T sub(T x, T other) {
  return x - other;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T rsub(T x, T other) {
  return other - x;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T mul(T x, T other) {
  return x * other;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T div(T x, T other) {
  return x / other;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T rdiv(T x, T other) {
  return other / x;
}
/// The smaller of the two; NaN if either is.
template <class M = Precise, class T>
MYLOS_FUNCTION T min(T x, T other) {
  return M::minimum(x, other);
}
/// The larger of the two; NaN if either is.
template <class M = Precise, class T>
MYLOS_FUNCTION T max(T x, T other) {
  return M::maximum(x, other);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T pow(T x, T exponent) {
  return M::pow(x, exponent);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T masked_fill(T x, T mask, T value) {
  return mask != T(0) ? value : x;
}

// ---- with two operands ----------------------------------------------------------------------------------------------

template <class M = Precise, class T>
MYLOS_FUNCTION T addcmul(T x, T factor1, T factor2, T value) {
  return x + value * factor1 * factor2;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T standardize(T x, T mean, T variance, T eps) {
  return (x - mean) * M::rsqrt(variance + eps);
}
template <class M = Precise, class T>
MYLOS_FUNCTION T where(T x, T mask, T other) {
  return mask != T(0) ? x : other;
}
template <class M = Precise, class T>
MYLOS_FUNCTION T lerp(T x, T end, T weight) {
  const T difference = end - x;
  return M::abs(weight) < T(0.5) ? x + weight * difference : end - difference * (T(1) - weight);
}

}  // namespace mylos::op
