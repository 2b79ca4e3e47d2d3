// The inner loops of a host thread: a block of values becomes the states behind each of them.
#pragma once

#include "core/vector_kernels.hpp"
#include "scan/monoid.hpp"

namespace mylos::detail {

inline constexpr int scan_block = 1024;
/// Values that kernels for vectors take at once: behind n values there are as many more as make whole vectors.
inline constexpr int scan_padding = 16;

/// The value of a state, behind what comes before the piece.
template <ScanMonoid M, class T>
MYLOS_FUNCTION typename Scanner<M, T>::State behind(const typename Scanner<M, T>::State* base,
                                                    const typename Scanner<M, T>::State& state) {
  if (base == nullptr) return state;
  typename Scanner<M, T>::State whole = *base;
  Scanner<M, T>::combine(whole, state);
  return whole;
}

/// r[0]: the result before the block, r[k + 1]: that behind v[k].
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

/// The fastest that `Kernels` has. Where n values are no whole vectors there is room for that behind v; behind r there
/// is in any case.
template <ScanMonoid M, class T, class Kernels>
MYLOS_FUNCTION void scan_values(T* v, int n, typename Scanner<M, T>::State& state,
                                const typename Scanner<M, T>::State* base, T* r) {
  if constexpr (Kernels::vectors)
    for (int k = n; k % scan_padding != 0; ++k) v[k] = Scanner<M, T>::neutral();
  if constexpr (Kernels::vectors && std::is_same_v<T, float> && M == ScanMonoid::sum)
    Kernels::sums(v, n, state, base, r);
  else if constexpr (Kernels::vectors && std::is_same_v<T, float> && M == ScanMonoid::product)
    Kernels::products(v, n, state, base, r);
  else if constexpr (Kernels::vectors && std::is_same_v<T, float> && M == ScanMonoid::maximum)
    Kernels::maxima(v, n, state, base, r);
  else
    scan_one_by_one<M, T>(v, n, state, base, r);
}

}  // namespace mylos::detail
