// The inner loops of a host thread: a block of values becomes the states behind each of them.
//
// A sum or a product waits for the one before it. So vectors are scanned within themselves first, in log2 steps that
// wait for nothing, and only a vector's total is on the way from one to the next.
#pragma once

#include "scan/monoid.hpp"

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector) && !MYLOS_DEVICE_CODE && !defined(__CUDACC__)
#define MYLOS_SCAN_VECTORS 1
#endif
#endif
#ifndef MYLOS_SCAN_VECTORS
#define MYLOS_SCAN_VECTORS 0
#endif

namespace mylos::detail {

inline constexpr int scan_block = 1024;

/// The value of a state, behind what comes before the piece.
template <ScanMonoid M, class T>
MYLOS_FUNCTION typename Scanner<M, T>::State behind(const typename Scanner<M, T>::State* base,
                                                    const typename Scanner<M, T>::State& state) {
  if (base == nullptr) return state;
  typename Scanner<M, T>::State whole = *base;
  Scanner<M, T>::combine(whole, state);
  return whole;
}

/// r[0]: the result before the block, r[k + 1]: that behind v[k]. Room for a vector more behind v and r.
template <ScanMonoid M, class T>
MYLOS_FUNCTION void scan_one_by_one(const T* v, int n, typename Scanner<M, T>::State& state,
                                    const typename Scanner<M, T>::State* base, T* r) {
  using R = Scanner<M, T>;
  typename R::State s = state;
  r[0] = R::value_of(behind<M, T>(base, s));
  for (int k = 0; k < n; ++k) {
    R::take(s, v[k], 0);
    r[k + 1] = R::value_of(behind<M, T>(base, s));
  }
  state = s;
}

/// Likewise, with the positions of the values and those of the results.
template <class T>
MYLOS_FUNCTION void scan_positions(const T* v, const std::int64_t* position, int n,
                                   typename Scanner<ScanMonoid::arg_maximum, T>::State& state,
                                   const typename Scanner<ScanMonoid::arg_maximum, T>::State* base, T* r,
                                   std::int64_t* index) {
  using R = Scanner<ScanMonoid::arg_maximum, T>;
  typename R::State s = state;
  for (int k = 0;; ++k) {
    const typename R::State whole = behind<ScanMonoid::arg_maximum, T>(base, s);
    r[k] = whole.value;
    index[k] = whole.position;
    if (k == n) break;
    R::take(s, v[k], position[k]);
  }
  state = s;
}

#if MYLOS_SCAN_VECTORS

MYLOS_FUNCTION void scan_sums(float* v, int n, double& state, const double* base, float* r) {
  using Doubles = double __attribute__((vector_size(64)));
  using Floats = float __attribute__((vector_size(32)));
  const Doubles zero = {};
  for (int k = n; k % 8 != 0; ++k) v[k] = 0.0f;
  r[0] = static_cast<float>(base == nullptr ? state : *base + state);
  Doubles carry = zero + state;
  const Doubles first = zero + (base == nullptr ? 0.0 : *base);
  for (int k = 0; k < n; k += 8) {
    Floats in;
    __builtin_memcpy(&in, v + k, sizeof(in));
    Doubles t = __builtin_convertvector(in, Doubles);
    t += __builtin_shufflevector(t, zero, 8, 0, 1, 2, 3, 4, 5, 6);
    t += __builtin_shufflevector(t, zero, 8, 8, 0, 1, 2, 3, 4, 5);
    t += __builtin_shufflevector(t, zero, 8, 8, 8, 8, 0, 1, 2, 3);
    const Floats out = __builtin_convertvector(first + (carry + t), Floats);
    __builtin_memcpy(r + 1 + k, &out, sizeof(out));
    carry += __builtin_shufflevector(t, t, 7, 7, 7, 7, 7, 7, 7, 7);
  }
  state = carry[0];
}

/// By four: so many f32 multiply to a normal f64.
MYLOS_FUNCTION void scan_products(float* v, int n, ScaledNumber& state, const ScaledNumber* base, float* r) {
  using Doubles = double __attribute__((vector_size(32)));
  using Floats = float __attribute__((vector_size(16)));
  using R = Scanner<ScanMonoid::product, float>;
  const Doubles one = {1.0, 1.0, 1.0, 1.0};
  for (int k = n; k % 4 != 0; ++k) v[k] = 1.0f;
  ScaledNumber s = state;
  r[0] = R::value_of(behind<ScanMonoid::product, float>(base, s));
  for (int k = 0; k < n; k += 4) {
    Floats in;
    __builtin_memcpy(&in, v + k, sizeof(in));
    Doubles t = __builtin_convertvector(in, Doubles);
    t *= __builtin_shufflevector(t, one, 4, 0, 1, 2);
    t *= __builtin_shufflevector(t, one, 4, 4, 0, 1);
    const double before = behind<ScanMonoid::product, float>(base, s).scaled();
    const Floats out = __builtin_convertvector(t * before, Floats);
    __builtin_memcpy(r + 1 + k, &out, sizeof(out));
    ScaledNumber total{t[3], 0};
    total.settle();
    R::combine(s, total);
  }
  state = s;
}

MYLOS_FUNCTION void scan_maxima(float* v, int n, float& state, const float* base, float* r) {
  using Floats = float __attribute__((vector_size(64)));
  constexpr float low = -infinity_of<float>();
  const Floats lowest = Floats{} + low;
  const auto raise = [](Floats& larger, const Floats& other) {
    larger = ((other >= larger) | (other != other)) ? other : larger;
  };
  for (int k = n; k % 16 != 0; ++k) v[k] = low;
  Floats carry = Floats{} + behind<ScanMonoid::maximum, float>(base, state);
  r[0] = carry[0];
  for (int k = 0; k < n; k += 16) {
    Floats t;
    __builtin_memcpy(&t, v + k, sizeof(t));
    raise(t, __builtin_shufflevector(t, lowest, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14));
    raise(t, __builtin_shufflevector(t, lowest, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13));
    raise(t, __builtin_shufflevector(t, lowest, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    raise(t, __builtin_shufflevector(t, lowest, 16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7));
    const Floats total = __builtin_shufflevector(t, t, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15);
    raise(t, carry);
    __builtin_memcpy(r + 1 + k, &t, sizeof(t));
    raise(carry, total);
  }
  state = carry[0];  // with the base in it, which changes nothing: the base is combined with it again
}

#endif

/// The fastest there is.
template <ScanMonoid M, class T>
MYLOS_FUNCTION void scan_values(T* v, int n, typename Scanner<M, T>::State& state,
                                const typename Scanner<M, T>::State* base, T* r) {
#if MYLOS_SCAN_VECTORS
  if constexpr (std::is_same_v<T, float>) {
    if constexpr (M == ScanMonoid::sum) return scan_sums(v, n, state, base, r);
    if constexpr (M == ScanMonoid::product) return scan_products(v, n, state, base, r);
    if constexpr (M == ScanMonoid::maximum) return scan_maxima(v, n, state, base, r);
  }
#endif
  scan_one_by_one<M, T>(v, n, state, base, r);
}

}  // namespace mylos::detail
