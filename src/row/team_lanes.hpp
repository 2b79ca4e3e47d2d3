// The vector lanes of a Kokkos thread as a group that combines statistics (policy.hpp).
#pragma once

#include <Kokkos_Core.hpp>

namespace mylos::detail {

/// The vector lanes of a thread.
template <class Member>
struct VectorLanes {
  const Member& team;
  int count;

  template <class T, class F>
  struct Reducer {
    using reducer = Reducer;
    using value_type = T;
    using result_view_type = Kokkos::View<T, Kokkos::AnonymousSpace, Kokkos::MemoryUnmanaged>;
    T* result;
    F f;
    KOKKOS_INLINE_FUNCTION void join(T& a, const T& b) const { a = f(a, b); }
    KOKKOS_INLINE_FUNCTION void init(T& a) const { a = T(); }
    KOKKOS_INLINE_FUNCTION T& reference() const { return *result; }
    KOKKOS_INLINE_FUNCTION result_view_type view() const { return result_view_type(result); }
    KOKKOS_INLINE_FUNCTION bool references_scalar() const { return true; }
  };

  template <class T, class F>
  KOKKOS_INLINE_FUNCTION T reduce(T v, const F& f) const {
    if (count == 1) return v;
    T all = v;
    Kokkos::parallel_reduce(
        Kokkos::ThreadVectorRange(team, count), [&](int, T& value) { value = v; }, Reducer<T, F>{&all, f});
    return all;
  }
  template <class T>
  KOKKOS_INLINE_FUNCTION T sum(T v) const {
    return reduce(v, [](T a, T b) { return a + b; });
  }
  KOKKOS_INLINE_FUNCTION int own() const {
    int lane = 0;
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, count), [&](int i) { lane = i; });
    return lane;
  }
};

}  // namespace mylos::detail
