#include "row/run.hpp"

#include "core/queue.hpp"
#include "row/candidates.hpp"
#include "row/generic.hpp"

namespace mylos::detail {
namespace {

template <class Exec>
CandidateList<RowProblem> candidates() {
#ifdef MYLOS_HAVE_CUDA_KERNELS
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) return cuda::row_candidates();
#endif
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) return host::row_candidates();
  return {};
}

}  // namespace

void run_rows(const char* function, const Execution& execution, const RowProblem& problem) {
  with_instance(execution, [&](const auto& exec) {
    using Exec = std::decay_t<decltype(exec)>;
    if (const auto* candidate = select(function, candidates<Exec>(), problem)) {
      const Region region(function, candidate->name);
      candidate->run(problem, make_queue(exec));
      return set_last_kernel(candidate->name);
    }
    run_generic(exec, std::string("mylos::") + function + "[generic]", problem);
    set_last_kernel("generic");
  });
}

}  // namespace mylos::detail
