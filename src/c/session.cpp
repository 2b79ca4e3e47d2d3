// What outlives a call: Kokkos, the instances of streams, the text of the last error.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <vector>

#include <mylos/error.hpp>
#include <mylos/path.hpp>
#include <mylos/version.hpp>

#include "c/call.hpp"

namespace mylos::c {
namespace {

thread_local char last_error[1024] = "";

std::mutex& session_mutex() {
  static std::mutex mutex;
  return mutex;
}

bool initialized_here = false;

void finalize_own() {
  if (initialized_here && Kokkos::is_initialized()) Kokkos::finalize();
  initialized_here = false;
}

void make_ready() {
  if (Kokkos::is_initialized()) return;
  const std::lock_guard<std::mutex> lock(session_mutex());
  if (Kokkos::is_initialized()) return;
  if (Kokkos::is_finalized()) throw NotAvailable();
  Kokkos::initialize(Kokkos::InitializationSettings().set_disable_warnings(true));
  initialized_here = true;
  static bool registered = false;
  if (!registered) std::atexit(finalize_own);
  registered = true;
}

#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
#ifdef KOKKOS_ENABLE_CUDA
using Stream = cudaStream_t;
#else
using Stream = hipStream_t;
#endif

/// An instance allocates, so each stream keeps its own until Kokkos is finalised.
Exec instance_of_stream(void* stream) {
  struct Entry {
    void* stream;
    Exec instance;
  };
  static std::vector<Entry> entries;
  static bool hooked = false;
  const std::lock_guard<std::mutex> lock(session_mutex());
  for (const Entry& entry : entries)
    if (entry.stream == stream) return entry.instance;
  if (!hooked) Kokkos::push_finalize_hook([] { entries.clear(); });
  hooked = true;
  entries.push_back({stream, Exec(static_cast<Stream>(stream))});
  return entries.back().instance;
}
#endif

}  // namespace

Exec instance_of([[maybe_unused]] void* stream) {
  make_ready();
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  if (stream != nullptr) return instance_of_stream(stream);
#endif
  return Exec();
}

mylos_status status_of_exception(const char* function) noexcept {
  const auto keep = [function](const char* what, mylos_status status) {
    std::snprintf(last_error, sizeof(last_error), "mylos::%s: %s", function, what);
    return status;
  };
  try {
    throw;
  } catch (const Error& error) {
    std::snprintf(last_error, sizeof(last_error), "%s", error.what());
    return mylos_status_invalid_argument;
  } catch (const NotAvailable&) {
    return keep("Kokkos has been finalised, expected a call before that", mylos_status_not_available);
  } catch (const std::bad_alloc&) {
    return keep("out of memory", mylos_status_out_of_memory);
  } catch (const std::exception& error) {
    return keep(error.what(), mylos_status_failed);
  } catch (...) {
    return keep("an exception of unknown type", mylos_status_failed);
  }
}

}  // namespace mylos::c

extern "C" {

const char* mylos_last_error(void) { return mylos::c::last_error; }

int32_t mylos_version(void) {
  const mylos::Version version = mylos::version();
  return 10000 * version.major + 100 * version.minor + version.patch;
}

const char* mylos_last_kernel(void) { return mylos::last_kernel(); }

mylos_status mylos_initialize(void) {
  return mylos::c::guarded("initialize", [] { mylos::c::make_ready(); });
}

mylos_status mylos_finalize(void) {
  return mylos::c::guarded("finalize", [] {
    const std::lock_guard<std::mutex> lock(mylos::c::session_mutex());
    mylos::c::finalize_own();
  });
}

mylos_status mylos_fence(void* stream) {
  return mylos::c::guarded("fence", [&] { mylos::c::instance_of(stream).fence("mylos_fence"); });
}

}  // extern "C"
