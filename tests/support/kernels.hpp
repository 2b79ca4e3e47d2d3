// Every way to run a pointwise problem on an execution space: the paths a user can force, and each hand-written
// candidate by its name, also those that selection would pass over on this machine.
#pragma once

#include <mylos/pointwise.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/queue.hpp"
#include "pointwise/candidates.hpp"
#include "support/spaces.hpp"

namespace mylos::test {

using Problem = mylos::detail::PointwiseProblem;
using Candidate = mylos::detail::Candidate<Problem>;

template <class Exec>
std::vector<Candidate> candidates() {
  mylos::detail::CandidateList<Problem> list;
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) list = cuda::pointwise_candidates();
#endif
  if constexpr (on_host<Exec>) list = host::pointwise_candidates();
  return std::vector<Candidate>(list.begin, list.begin + list.size);
}

/// One way to run y = chain(x).
template <class Exec>
struct Kernel {
  std::string name;
  Path path = Path::automatic;
  std::optional<Candidate> candidate{};

  /// Runs and waits; false where this kernel does not serve the problem.
  bool run(const Exec& exec, const Tensor& x, const Tensor& y, const Chain& chain) const {
    if (!candidate) {
      const ScopedPath forced(path);
      map(exec, chain, x, y);
    } else {
      const Problem problem{x.data, y.data, x.dtype, y.dtype, &chain, mylos::detail::canonicalize(x, y, chain)};
      if (problem.geometry.box.count == 0 || candidate->refusal(problem) != nullptr) return false;
      candidate->run(problem, mylos::detail::make_queue(exec));
    }
    exec.fence();
    return true;
  }
};

/// What differs in its code: the generic kernel and every candidate.
template <class Exec>
std::vector<Kernel<Exec>> distinct_kernels() {
  std::vector<Kernel<Exec>> kernels{{"generic", Path::generic}};
  for (const Candidate& candidate : candidates<Exec>())
    kernels.push_back({candidate.name, Path::specialized, candidate});
  return kernels;
}

/// Those, and what a user's call chooses.
template <class Exec>
std::vector<Kernel<Exec>> all_kernels() {
  std::vector<Kernel<Exec>> kernels = distinct_kernels<Exec>();
  kernels.push_back({"automatic", Path::automatic});
  if (!candidates<Exec>().empty()) kernels.push_back({"specialized", Path::specialized});
  return kernels;
}

}  // namespace mylos::test
