// What happens to a value after the `before` chain and before it enters a reduction's state: the pointwise part of
// norms, counts and losses.
#pragma once

#include <cstdint>

#include <mylos/math.hpp>

namespace mylos::detail {

/// Those from `mse` on take the target a, and some a tensor or number b.
enum class Prepare : std::uint8_t {
  none,
  negate,  // integers: all bits, which turns the order round without overflow
  abs,
  negate_abs,
  nonzero,  // 1 or 0; NaN is not zero
  power,    // |v|^p
  mse,
  l1,
  smooth_l1,   // p: beta
  huber,       // p: delta
  bce,         // b: weight
  bce_logits,  // b: weight of the positive
  kl_div,
  kl_div_log,  // the target is a logarithm
  hinge,
  hinge_embedding,  // p: margin
  poisson_nll,      // p: epsilon; q: 1 with Stirling's term
  poisson_nll_log,  // q likewise
  gaussian_nll,     // b: variance; p: its lower limit; q: 1 with the constant
};

template <class T>
MYLOS_FUNCTION T stirling(T t) {
  using M = math::Precise;
  return t > T(1) ? t * M::log(t) - t + T(0.5) * M::log(T(6.2831853071795864769) * t) : T(0);
}

/// x log y, 0 where x is 0 unless y is NaN.
template <class T>
MYLOS_FUNCTION T x_log_y(T x, T y) {
  return x == T(0) && y == y ? T(0) : x * math::Precise::log(y);
}

/// Without operands.
template <class T>
MYLOS_FUNCTION T prepare(Prepare id, T v, T p) {
  switch (id) {
    case Prepare::negate:
      if constexpr (std::is_same_v<T, std::int64_t>) return ~v;
      return -v;
    case Prepare::nonzero:
      return v != T(0) ? T(1) : T(0);
    default:
      break;
  }
  if constexpr (!std::is_same_v<T, std::int64_t>) {
    using M = math::Precise;
    switch (id) {
      case Prepare::abs:
        return M::abs(v);
      case Prepare::negate_abs:
        return -M::abs(v);
      case Prepare::power:
        return M::pow(M::abs(v), p);
      default:
        break;
    }
  }
  return v;
}

/// With operands: the pointwise losses of input v and target a, as PyTorch defines them.
template <class T>
MYLOS_FUNCTION T prepare(Prepare id, T v, T a, T b, T p, T q) {
  using M = math::Precise;
  const T d = v - a;
  switch (id) {
    case Prepare::mse:
      return d * d;
    case Prepare::l1:
      return M::abs(d);
    case Prepare::smooth_l1:
      return M::abs(d) < p ? T(0.5) * d * d / p : M::abs(d) - T(0.5) * p;
    case Prepare::huber:
      return M::abs(d) <= p ? T(0.5) * d * d : p * (M::abs(d) - T(0.5) * p);
    case Prepare::bce:
      return -b * (a * M::maximum(M::log(v), T(-100)) + (T(1) - a) * M::maximum(M::log1p(-v), T(-100)));
    case Prepare::bce_logits: {
      const T tail = M::log1p_of_unit(M::exp(-M::abs(v))) + M::maximum(-v, T(0));
      return (T(1) - a) * v + (T(1) + (b - T(1)) * a) * tail;
    }
    case Prepare::kl_div:
      return x_log_y(a, a) - a * v;
    case Prepare::kl_div_log:
      return M::exp(a) * (a - v);
    case Prepare::hinge:
      return M::maximum(T(1) - v * a, T(0));
    case Prepare::hinge_embedding:
      return (a == T(1) ? T(0) : M::maximum(p - v, T(0))) + (a == T(-1) ? T(0) : v);
    case Prepare::poisson_nll:
      return v - a * M::log(v + p) + (q != T(0) ? stirling(a) : T(0));
    case Prepare::poisson_nll_log:
      return M::exp(v) - a * v + (q != T(0) ? stirling(a) : T(0));
    case Prepare::gaussian_nll: {
      const T variance = M::maximum(b, p);
      return T(0.5) * (M::log(variance) + d * d / variance) + (q != T(0) ? T(0.91893853320467274178) : T(0));
    }
    default:
      return v;
  }
}

}  // namespace mylos::detail
