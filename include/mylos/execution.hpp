// Execution: which backend runs, and on which instance of it. Every operator is compiled into the library once per
// enabled execution space; this is how a call reaches it.
#pragma once

#include <cstdint>

#include <Kokkos_Core.hpp>

namespace mylos {

enum class Backend : std::uint8_t { serial, openmp, threads, cuda, hip };

namespace detail {

template <class Exec>
constexpr Backend backend_of() {
#ifdef KOKKOS_ENABLE_SERIAL
  if constexpr (std::is_same_v<Exec, Kokkos::Serial>) return Backend::serial;
#endif
#ifdef KOKKOS_ENABLE_OPENMP
  if constexpr (std::is_same_v<Exec, Kokkos::OpenMP>) return Backend::openmp;
#endif
#ifdef KOKKOS_ENABLE_THREADS
  if constexpr (std::is_same_v<Exec, Kokkos::Threads>) return Backend::threads;
#endif
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) return Backend::cuda;
#endif
#ifdef KOKKOS_ENABLE_HIP
  if constexpr (std::is_same_v<Exec, Kokkos::HIP>) return Backend::hip;
#endif
}

/// A reference to an execution space instance, valid while the call lasts.
struct Execution {
  Backend backend;
  const void* instance;

  template <class Exec>
  explicit Execution(const Exec& exec) : backend(backend_of<Exec>()), instance(&exec) {
    static_assert(Kokkos::is_execution_space_v<Exec>, "mylos: the first argument must be a Kokkos execution space");
  }
};

}  // namespace detail
}  // namespace mylos
