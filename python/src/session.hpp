// Kokkos as a Python process has it: initialised at the first call, finalised at exit, one instance per stream.
#pragma once

#include "dlpack.hpp"

namespace mylos::detail {
struct Execution;
}

namespace mylos::python {

/// Any callable, by reference.
class Work {
 public:
  template <class F>
  Work(const F& callable)  // NOLINT(google-explicit-constructor)
      : callable_(&callable),
        run_([](const void* f, const detail::Execution& exec) { (*static_cast<const F*>(f))(exec); }) {}
  void operator()(const detail::Execution& exec) const { run_(callable_, exec); }

 private:
  const void* callable_;
  void (*run_)(const void*, const detail::Execution&);
};

/// "host", "cuda" or "hip": what this Mylos was built for; the host always works beside the other two.
const char* backend();

/// Null, or why nothing can run there.
const char* why_not_on(const dlpack::Device& device);

/// Runs work on the host, with the GIL released, or on the instance for this stream. `wait`: until it is done.
/// `elements`: of all arrays together; where they are few, the host's calling thread does the work alone.
void execute(const dlpack::Device& device, void* stream, bool wait, std::int64_t elements, const Work& work);

/// Ends Kokkos if it was begun here.
void finalize();

}  // namespace mylos::python
