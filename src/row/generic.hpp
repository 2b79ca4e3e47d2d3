// The Kokkos kernels that serve every row problem: by teams of threads on a GPU (teams.hpp), by threads with blocks in
// their caches on the host (block.hpp).
#pragma once

#include <Kokkos_Core.hpp>

#include "core/queue.hpp"
#include "row/block.hpp"
#include "row/teams.hpp"

namespace mylos::detail {

struct PlainRowMemory : PlainTiles {
  template <class S>
  static MYLOS_FUNCTION void copy(S* to, const S* from, int n, bool) {
    for (int k = 0; k < n; ++k) to[k] = from[k];
  }
};
MYLOS_DEFINE_ROW_KERNELS(Plain, , PlainRowMemory)

template <class Exec, class T>
void run_generic_blocks(const Exec& exec, const std::string& label, const RowProblem& problem) {
  run_row_blocks<T>(problem, PlainRows<T>::table, false, exec.concurrency(), [&](std::int64_t count, const auto& body) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, count),
                         [&body](std::int64_t i) { body(i); });
  });
}

/// Of the problems that are computed in T. The kernel for the host serves chains and none.
template <class T, bool Chained>
void run_generic(const Execution& execution, const std::string& label, const RowProblem& problem) {
  with_instance(execution, [&](const auto& exec) {
    using Exec = std::decay_t<decltype(exec)>;
    if constexpr (!Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible)
      run_row_teams<T, Chained>(exec, label, problem);
    else if constexpr (!Chained)
      run_generic_blocks<Exec, T>(exec, label, problem);
  });
}

}  // namespace mylos::detail
