// What every C function is wrapped in: no exception leaves it, and Kokkos is ready.
#pragma once

#include <Kokkos_Core.hpp>

#include <mylos/mylos.h>

namespace mylos::c {

using Exec = Kokkos::DefaultExecutionSpace;

/// The instance of a stream (NULL: the default one), with Kokkos initialised; good until Kokkos is finalised. Throws
/// NotAvailable or mylos::Error.
const Exec& instance_of(void* stream);

/// Kokkos has been finalised.
struct NotAvailable {};

/// In a catch block: keeps the text for mylos_last_error() and returns the status.
mylos_status status_of_exception(const char* function) noexcept;

template <class Body>
mylos_status guarded(const char* function, const Body& body) noexcept {
  try {
    body();
    return mylos_status_success;
  } catch (...) {
    return status_of_exception(function);
  }
}

}  // namespace mylos::c
