// Sums over whole tensors in two doubles, for results that depend on every element: rows too long to be looked at on
// the host, and losses.
#pragma once

#include <Kokkos_Core.hpp>

#include "suite/cases/content.hpp"

namespace mylos::bench {

/// A sum and what its additions have rounded off (Knuth's TwoSum).
struct TwoSum {
  double sum = 0;
  double rest = 0;

  KOKKOS_FUNCTION void add(double v) {
    const double next = sum + v;
    const double other = next - sum;
    rest += (sum - (next - other)) + (v - other);
    sum = next;
  }
  KOKKOS_FUNCTION void add(const TwoSum& v) {
    add(v.sum);
    rest += v.rest;
  }
  KOKKOS_FUNCTION TwoSum& operator+=(const TwoSum& v) {
    add(v);
    return *this;
  }
  long double value() const { return static_cast<long double>(sum) + static_cast<long double>(rest); }
};

/// Several sums of one pass.
template <int N>
struct TwoSums {
  TwoSum of[N];
  KOKKOS_FUNCTION TwoSums& operator+=(const TwoSums& v) {
    for (int i = 0; i < N; ++i) of[i].add(v.of[i]);
    return *this;
  }
};

}  // namespace mylos::bench

namespace Kokkos {
template <int N>
struct reduction_identity<mylos::bench::TwoSums<N>> {
  KOKKOS_FORCEINLINE_FUNCTION static mylos::bench::TwoSums<N> sum() { return {}; }
};
}  // namespace Kokkos

namespace mylos::bench {

/// functor(i, TwoSums<N>&) for i < count. Waits.
template <int N, class Functor>
TwoSums<N> device_sums(const Exec& exec, std::int64_t count, const Functor& functor) {
  TwoSums<N> sums;
  Kokkos::parallel_reduce("mylos bench: sums in two doubles",
                          Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, count), functor,
                          Kokkos::Sum<TwoSums<N>>(sums));
  exec.fence("mylos bench: sums in two doubles");
  return sums;
}

/// Element i of row-major order, as fp64.
template <class S>
KOKKOS_INLINE_FUNCTION double element(const Tensor& t, std::int64_t i) {
  const S value = static_cast<const S*>(t.data)[offset_at(t, i)];
  if constexpr (sizeof(S) == 2)
    return static_cast<double>(static_cast<float>(value));
  else
    return static_cast<double>(value);
}

/// sum (x - shift), sum |x|, sum (x - shift)^2
struct PowerSums {
  long double deviations;
  long double magnitudes;
  long double squares;
};
PowerSums power_sums(const Exec& exec, const Tensor& t, double shift = 0);

}  // namespace mylos::bench
