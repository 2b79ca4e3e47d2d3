// The execution spaces of this Kokkos, as a list of types for TYPED_TEST_SUITE, and how much to test on each.
#pragma once

#include <gtest/gtest.h>

#include <Kokkos_Core.hpp>
#include <string>

namespace mylos::test {

namespace detail {
template <class Types, class... Exec>
struct Enabled {
  using type = Types;
};
template <class... Kept, class Exec, class... Rest>
struct Enabled<testing::Types<Kept...>, Exec, Rest...>
    : std::conditional_t<std::is_void_v<Exec>, Enabled<testing::Types<Kept...>, Rest...>,
                         Enabled<testing::Types<Kept..., Exec>, Rest...>> {};

#ifdef KOKKOS_ENABLE_SERIAL
using Serial = Kokkos::Serial;
#else
using Serial = void;
#endif
#ifdef KOKKOS_ENABLE_OPENMP
using OpenMP = Kokkos::OpenMP;
#else
using OpenMP = void;
#endif
#ifdef KOKKOS_ENABLE_THREADS
using Threads = Kokkos::Threads;
#else
using Threads = void;
#endif
#ifdef KOKKOS_ENABLE_CUDA
using Cuda = Kokkos::Cuda;
#else
using Cuda = void;
#endif
#ifdef KOKKOS_ENABLE_HIP
using Hip = Kokkos::HIP;
#else
using Hip = void;
#endif
}  // namespace detail

using ExecutionSpaces = typename detail::Enabled<testing::Types<>, detail::Serial, detail::OpenMP, detail::Threads,
                                                 detail::Cuda, detail::Hip>::type;

struct SpaceName {
  template <class Exec>
  static std::string GetName(int) {
    return Exec::name();
  }
};

template <class Exec>
inline constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;

// Unoptimised and sanitized builds run the same tests on a part of the values.
#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
inline constexpr int thinning = 16;
#else
inline constexpr int thinning = 1;
#endif

/// f(i) for 0 <= i < n on all host cores.
template <class F>
void in_parallel(std::int64_t n, const F& f) {
  using Host = Kokkos::DefaultHostExecutionSpace;
  Kokkos::parallel_for("test", Kokkos::RangePolicy<Host, Kokkos::IndexType<std::int64_t>>(Host(), 0, n),
                       [&f](std::int64_t i) { f(i); });
  Host().fence();
}

}  // namespace mylos::test
