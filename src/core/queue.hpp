// From a Kokkos execution space instance to the Queue that candidates see.
#pragma once

#include <string>

#include <Kokkos_Core.hpp>

#include <mylos/execution.hpp>

#include "core/selection.hpp"

namespace mylos::detail {

template <class Exec>
Queue make_queue(const Exec& exec) {
  Queue queue;
  queue.instance = &exec;
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) queue.stream = exec.cuda_stream();
#endif
#ifdef KOKKOS_ENABLE_HIP
  if constexpr (std::is_same_v<Exec, Kokkos::HIP>) queue.stream = exec.hip_stream();
#endif
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    queue.threads = exec.concurrency();
    queue.parallel_for = [](const Queue& q, const char* label, std::int64_t count, Queue::Body body,
                            const void* context) {
      const Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>> policy(*static_cast<const Exec*>(q.instance), 0,
                                                                              count);
      Kokkos::parallel_for(label, policy, [=](std::int64_t index) { body(context, index); });
    };
  }
  return queue;
}

/// Calls visit(const Exec&) with the instance that `execution` refers to.
template <class Visit>
void with_instance(const Execution& execution, const Visit& visit) {
  switch (execution.backend) {
#define MYLOS_CASE(name, Exec) \
  case Backend::name:          \
    return visit(*static_cast<const Exec*>(execution.instance));
#ifdef KOKKOS_ENABLE_SERIAL
    MYLOS_CASE(serial, Kokkos::Serial)
#endif
#ifdef KOKKOS_ENABLE_OPENMP
    MYLOS_CASE(openmp, Kokkos::OpenMP)
#endif
#ifdef KOKKOS_ENABLE_THREADS
    MYLOS_CASE(threads, Kokkos::Threads)
#endif
#ifdef KOKKOS_ENABLE_CUDA
    MYLOS_CASE(cuda, Kokkos::Cuda)
#endif
#ifdef KOKKOS_ENABLE_HIP
    MYLOS_CASE(hip, Kokkos::HIP)
#endif
#undef MYLOS_CASE
    default:
      throw Error("mylos: this Kokkos was built without the execution space asked for");
  }
}

inline bool on_device(const Execution& execution) {
  return execution.backend == Backend::cuda || execution.backend == Backend::hip;
}

/// A Kokkos Tools region "mylos::<function>[<kernel>]" around a candidate that Kokkos itself does not see.
class Region {
 public:
  Region(const char* function, const char* kernel) : active_(Kokkos::Tools::profileLibraryLoaded()) {
    if (active_) Kokkos::Profiling::pushRegion(std::string("mylos::") + function + "[" + kernel + "]");
  }
  ~Region() {
    if (active_) Kokkos::Profiling::popRegion();
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

 private:
  bool active_;
};

}  // namespace mylos::detail
