// From a checked problem to the kernel that runs it: what every operator's call ends with.
#pragma once

#include "core/queue.hpp"

namespace mylos::detail {

/// The hand-written kernels of an operator; null where that backend is not part of the library, or has none.
template <class Problem>
struct BackendCandidates {
  CandidateList<Problem> (*host)();
  CandidateList<Problem> (*cuda)();
  CandidateList<Problem> (*hip)() = nullptr;
};

#ifdef MYLOS_HAVE_CUDA_KERNELS
#define MYLOS_BACKEND_CANDIDATES(name) \
  { &::mylos::host::name, &::mylos::cuda::name }
#else
#define MYLOS_BACKEND_CANDIDATES(name) \
  { &::mylos::host::name, nullptr }
#endif

template <class Exec, class Problem>
CandidateList<Problem> candidates_for(const BackendCandidates<Problem>& backends) {
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>)
    return backends.cuda != nullptr ? backends.cuda() : CandidateList<Problem>();
#endif
#ifdef KOKKOS_ENABLE_HIP
  if constexpr (std::is_same_v<Exec, Kokkos::HIP>)
    return backends.hip != nullptr ? backends.hip() : CandidateList<Problem>();
#endif
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) return backends.host();
  return {};
}

/// Runs the candidate that is selected, else generic(exec, label), and notes which for last_kernel().
template <class Problem, class Generic>
void dispatch(const char* function, const Execution& execution, const BackendCandidates<Problem>& backends,
              const Problem& problem, const Generic& generic) {
  with_instance(execution, [&](const auto& exec) {
    using Exec = std::decay_t<decltype(exec)>;
    if (const auto* candidate = select(function, candidates_for<Exec>(backends), problem)) {
      const Region region(function, candidate->name);
      candidate->run(problem, make_queue(exec));
      return set_last_kernel(candidate->name);
    }
    generic(exec, std::string("mylos::") + function + "[generic]");
    set_last_kernel("generic");
  });
}

/// Bytes of scratch memory that dispatch() would take at most, in the instance's memory.
template <class Problem>
std::size_t workspace_of(const char* function, const Execution& execution, const BackendCandidates<Problem>& backends,
                         const Problem& problem) {
  std::size_t bytes = 0;
  with_instance(execution, [&](const auto& exec) {
    using Exec = std::decay_t<decltype(exec)>;
    const auto* candidate = select(function, candidates_for<Exec>(backends), problem);
    if (candidate != nullptr && candidate->workspace != nullptr) bytes = candidate->workspace(problem);
  });
  return bytes;
}

}  // namespace mylos::detail
