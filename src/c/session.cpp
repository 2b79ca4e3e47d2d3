// What outlives a call: Kokkos, the instances of streams, the text of the last error.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <list>
#include <mutex>
#include <new>

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

/// Instances allocate and are counted, so each stream keeps its own until Kokkos is finalised.
struct Entry {
  void* stream;
  Exec instance;
};
std::list<Entry> entries;
std::atomic<const Exec*> default_instance{nullptr};

const Exec& new_entry(void* stream, const Exec& instance) {
  entries.push_back({stream, instance});
  return entries.back().instance;
}

void forget_instances() {
  default_instance = nullptr;
  entries.clear();
}

/// With the session's mutex held.
void make_ready() {
  if (default_instance != nullptr) return;
  if (Kokkos::is_finalized()) throw NotAvailable();
  if (!Kokkos::is_initialized()) {
    Kokkos::initialize(Kokkos::InitializationSettings().set_disable_warnings(true));
    initialized_here = true;
    if (std::atexit(finalize_own) != 0) throw Error("mylos: atexit: no more functions can be registered");
  }
  Kokkos::push_finalize_hook(forget_instances);
  default_instance = &new_entry(nullptr, Exec());
}

#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
const Exec& instance_of_stream(void* stream) {
  for (const Entry& entry : entries)
    if (entry.stream == stream) return entry.instance;
#ifdef KOKKOS_ENABLE_CUDA
  return new_entry(stream, Exec(static_cast<cudaStream_t>(stream)));
#else
  return new_entry(stream, Exec(static_cast<hipStream_t>(stream)));
#endif
}
#endif

}  // namespace

const Exec& instance_of([[maybe_unused]] void* stream) {
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  if (stream != nullptr) {
    const std::lock_guard<std::mutex> lock(session_mutex());
    make_ready();
    return instance_of_stream(stream);
  }
#endif
  if (const Exec* instance = default_instance) return *instance;
  const std::lock_guard<std::mutex> lock(session_mutex());
  make_ready();
  return *default_instance;
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
    // Kokkos' memory spaces have no type of their own for this.
    const bool memory = std::strstr(error.what(), "failed to allocate") != nullptr;
    return keep(error.what(), memory ? mylos_status_out_of_memory : mylos_status_failed);
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
  return mylos::c::guarded("initialize", [] { mylos::c::instance_of(nullptr); });
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
