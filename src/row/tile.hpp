// Values that a statistic is taken of, in registers, and sums and maxima over them. Free of Kokkos and vendor headers.
#pragma once

#include <cstdint>
#include <type_traits>

#include <mylos/macros.hpp>

namespace mylos::detail {

/// V values in registers, of which those with a bit in `mask` count.
template <class T, int V>
struct RowTile {
  static_assert(V <= 64);
  using Mask = std::conditional_t<(V > 32), std::uint64_t, std::uint32_t>;
  T value[V];
  Mask mask;
  static constexpr MYLOS_FUNCTION int size() { return V; }
  MYLOS_FUNCTION T operator[](int k) const { return value[k]; }
  MYLOS_FUNCTION bool valid(int k) const { return ((mask >> k) & 1) != 0; }
  MYLOS_FUNCTION int count() const {
    int n = 0;
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k) n += valid(k) ? 1 : 0;
    return n;
  }
  MYLOS_FUNCTION T first() const {
    T v = T(0);
    MYLOS_UNROLL
    for (int k = V - 1; k >= 0; --k) v = valid(k) ? value[k] : v;
    return v;
  }
};

/// V values that all count.
template <class T, int V>
struct WholeTile {
  const T* value;
  static constexpr MYLOS_FUNCTION int size() { return V; }
  MYLOS_FUNCTION T operator[](int k) const { return value[k]; }
  static constexpr MYLOS_FUNCTION bool valid(int) { return true; }
  static constexpr MYLOS_FUNCTION int count() { return V; }
  MYLOS_FUNCTION T first() const { return value[0]; }
};

/// Leaves the first of 2 * Half values combined with all others, as a tree.
template <int Half, class T, class Op>
MYLOS_FUNCTION void fold(T* v, const Op& op) {
  if constexpr (Half > 0) {
    MYLOS_UNROLL
    for (int l = 0; l < Half; ++l) v[l] = op(v[l], v[l + Half]);
    fold<Half / 2>(v, op);
  }
}

/// sum of f(k) for 0 <= k < n as Lanes partial sums, then a tree.
template <int Lanes, class T, class F>
MYLOS_FUNCTION T sum_of(int n, const F& f) {
  T sum[Lanes];
  MYLOS_UNROLL
  for (int l = 0; l < Lanes; ++l) sum[l] = T(0);
  MYLOS_UNROLL
  for (int k = 0; k < n; k += Lanes) {
    MYLOS_UNROLL
    for (int l = 0; l < Lanes; ++l) sum[l] += f(k + l);
  }
  fold<Lanes / 2>(sum, [](T a, T b) { return a + b; });
  return sum[0];
}

/// The largest f(k); NaN are passed over.
template <int Lanes, class T, class F>
MYLOS_FUNCTION T max_of(int n, T least, const F& f) {
  T max[Lanes];
  MYLOS_UNROLL
  for (int l = 0; l < Lanes; ++l) max[l] = least;
  MYLOS_UNROLL
  for (int k = 0; k < n; k += Lanes) {
    MYLOS_UNROLL
    for (int l = 0; l < Lanes; ++l) {
      const T v = f(k + l);
      max[l] = max[l] < v ? v : max[l];
    }
  }
  fold<Lanes / 2>(max, [](T a, T b) { return a < b ? b : a; });
  return max[0];
}

}  // namespace mylos::detail
