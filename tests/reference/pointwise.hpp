// The formula of every step in long double or double, from its definition (steps.def names the sources), with PyTorch's
// behaviour at NaN, infinities and ties. Written apart from op.hpp: where cancellation or overflow would spoil a
// definition, the remedy here is another one (a case distinction, erfc) than the library's.
//
// A step of steps.def that has no formula here does not compile.
#pragma once

#include <cmath>
#include <mylos/chain.hpp>

#include "reference/rounding.hpp"

namespace mylos::test::reference {

namespace formula {

// ---- activations
template <class R>
R sigmoid(R x) {
  if (x < 0) return std::exp(x) / (1 + std::exp(x));
  return 1 / (1 + std::exp(-x));
}
/// log(1 + e^z)
template <class R>
R log_one_plus_exp(R z) {
  return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z));
}
/// min(max(x, low), high), NaN stays
template <class R>
R between(R x, R low, R high) {
  if (std::isnan(x)) return x;
  return std::fmin(std::fmax(x, low), high);
}
template <class R>
R relu(R x) {
  return x < 0 ? R(0) : x;
}
template <class R>
R leaky_relu(R x, R slope) {
  return x > 0 ? x : slope * x;
}
template <class R>
R elu(R x, R alpha) {
  return x > 0 ? x : alpha * std::expm1(x);
}
template <class R>
R celu(R x, R alpha) {
  return x > 0 ? x : alpha * std::expm1(x / alpha);
}
template <class R>
R selu(R x) {
  const R alpha = R(1.6732632423543772848170429916717L);
  const R scale = R(1.0507009873554804934193349852946L);
  return scale * (x > 0 ? x : alpha * std::expm1(x));
}
template <class R>
R gelu(R x) {
  return x * (std::erfc(-x * R(0.70710678118654752440084436210485L)) / 2);
}
template <class R>
R gelu_tanh(R x) {
  const R u = R(0.79788456080286535587989211986876L) * (x + R(0.044715L) * x * x * x);
  return x * sigmoid(2 * u);  // (1 + tanh u) / 2
}
template <class R>
R log_sigmoid(R x) {
  return -log_one_plus_exp(-x);
}
template <class R>
R tanh(R x) {
  return std::tanh(x);
}
template <class R>
R softplus(R x, R beta, R threshold) {
  const R z = beta * x;
  return z > threshold ? x : log_one_plus_exp(z) / beta;
}
template <class R>
R softsign(R x) {
  return x / (1 + std::fabs(x));
}
template <class R>
R silu(R x) {
  return x * sigmoid(x);
}
template <class R>
R mish(R x) {
  return x * std::tanh(log_one_plus_exp(x));
}
template <class R>
R hardsigmoid(R x) {
  return between(x + 3, R(0), R(6)) / 6;
}
template <class R>
R hardswish(R x) {
  return x * hardsigmoid(x);
}
template <class R>
R hardtanh(R x, R low, R high) {
  return between(x, low, high);
}
template <class R>
R relu6(R x) {
  return between(x, R(0), R(6));
}
template <class R>
R threshold(R x, R limit, R value) {
  return x <= limit ? value : x;
}
template <class R>
R softshrink(R x, R lambda) {
  if (std::isnan(x)) return x;
  return x > lambda ? x - lambda : (x < -lambda ? x + lambda : R(0));
}
template <class R>
R hardshrink(R x, R lambda) {
  return x >= -lambda && x <= lambda ? R(0) : x;
}
template <class R>
R tanhshrink(R x) {
  return x - std::tanh(x);
}

// ---- math
template <class R>
R abs(R x) {
  return std::fabs(x);
}
template <class R>
R neg(R x) {
  return -x;
}
template <class R>
R sign(R x) {
  return x > 0 ? R(1) : (x < 0 ? R(-1) : R(0));  // NaN too: as torch.sign
}
template <class R>
R square(R x) {
  return x * x;
}
template <class R>
R sqrt(R x) {
  return std::sqrt(x);
}
template <class R>
R rsqrt(R x) {
  return 1 / std::sqrt(x);
}
template <class R>
R reciprocal(R x) {
  return 1 / x;
}
template <class R>
R exp(R x) {
  return std::exp(x);
}
template <class R>
R expm1(R x) {
  return std::expm1(x);
}
template <class R>
R log(R x) {
  return std::log(x);
}
template <class R>
R log1p(R x) {
  return std::log1p(x);
}
template <class R>
R sin(R x) {
  return std::sin(x);
}
template <class R>
R cos(R x) {
  return std::cos(x);
}
template <class R>
R erf(R x) {
  return std::erf(x);
}
template <class R>
R floor(R x) {
  return std::floor(x);
}
template <class R>
R ceil(R x) {
  return std::ceil(x);
}
template <class R>
R round(R x) {
  return std::nearbyint(x);
}
template <class R>
R clamp(R x, R low, R high) {
  return between(x, low, high);
}
template <class R>
R cast(R x, R dtype) {
  return R(round_to(x, static_cast<DType>(static_cast<int>(dtype))));
}

// ---- with operands
template <class R>
R prelu(R x, R slope) {
  return x > 0 ? x : slope * x;
}
template <class R>
R add(R x, R other) {
  return x + other;
}
template <class R>
R sub(R x, R other) {
  return x - other;
}
template <class R>
R rsub(R x, R other) {
  return other - x;
}
template <class R>
R mul(R x, R other) {
  return x * other;
}
template <class R>
R div(R x, R other) {
  return x / other;
}
template <class R>
R rdiv(R x, R other) {
  return other / x;
}
template <class R>
R min(R x, R other) {
  return std::isnan(x) || std::isnan(other) ? x + other : std::fmin(x, other);
}
template <class R>
R max(R x, R other) {
  return std::isnan(x) || std::isnan(other) ? x + other : std::fmax(x, other);
}
template <class R>
R pow(R x, R exponent) {
  return std::pow(x, exponent);
}
template <class R>
R masked_fill(R x, R mask, R value) {
  return mask == 0 ? x : value;
}
template <class R>
R where(R x, R mask, R other) {
  return mask == 0 ? other : x;
}
/// Which of the two forms is used shows only in what becomes of infinities.
template <class R>
R lerp(R x, R end, R weight) {
  return std::fabs(weight) < R(0.5) ? x + weight * (end - x) : end - (end - x) * (1 - weight);
}
template <class R>
R addcmul(R x, R factor1, R factor2, R value) {
  return x + value * factor1 * factor2;
}
template <class R>
R standardize(R x, R mean, R variance, R eps) {
  return (x - mean) / std::sqrt(variance + eps);
}

}  // namespace formula

/// One step applied to x: p, q its parameters and a, b its operands, in the order of steps.def.
template <class R>
R evaluate(StepId id, R x, R p, R q, R a, R b) {
  switch (id) {
#define MYLOS_STEP(name, ...) \
  case StepId::name:          \
    return formula::name(x);
#define MYLOS_STEP_1(name, ...) \
  case StepId::name:            \
    return formula::name(x, p);
#define MYLOS_STEP_2(name, ...) \
  case StepId::name:            \
    return formula::name(x, p, q);
#define MYLOS_STEP_OPERAND(name, ...) \
  case StepId::name:                  \
    return formula::name(x, a);
#define MYLOS_STEP_OPERAND_1(name, ...) \
  case StepId::name:                    \
    return formula::name(x, a, p);
#define MYLOS_STEP_OPERANDS(name, ...) \
  case StepId::name:                   \
    return formula::name(x, a, b);
#define MYLOS_STEP_OPERANDS_1(name, ...) \
  case StepId::name:                     \
    return formula::name(x, a, b, p);
#include <mylos/steps.def>
    case StepId::count:
      break;
  }
  return std::numeric_limits<R>::quiet_NaN();
}

/// The error bound that steps.def states for one step.
struct StepBound {
  double ulp;
  double input_ulp;
};

inline StepBound bound_of(StepId id) {
  switch (id) {
#define MYLOS_STEP_ANY(name, ulp, input_ulp, ...) \
  case StepId::name:                              \
    return {ulp, input_ulp};

#include <mylos/steps.def>
#undef MYLOS_STEP_ANY
    case StepId::count:
      break;
  }
  return {0, 0};
}

}  // namespace mylos::test::reference
