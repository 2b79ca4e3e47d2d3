// Which kernel may run and which one did: for tests and benchmarks.
#pragma once

#include <cstdint>

namespace mylos {

/// automatic: the first candidate that supports the problem. specialized: a hand-written kernel of the backend or an
/// error that gives the reasons; generic: the Kokkos kernel.
enum class Path : std::uint8_t { automatic, generic, specialized };

/// Forces a path for the calls of this thread while it lives. A forced path that does not apply throws mylos::Error.
class ScopedPath {
 public:
  explicit ScopedPath(Path path);
  ~ScopedPath();
  ScopedPath(const ScopedPath&) = delete;
  ScopedPath& operator=(const ScopedPath&) = delete;

 private:
  Path previous_;
};

/// Name of the kernel that this thread's last operator call chose, as "cuda/flat", "host/avx512" or "generic"; "none"
/// before the first call and where there was nothing to do.
const char* last_kernel();

}  // namespace mylos
