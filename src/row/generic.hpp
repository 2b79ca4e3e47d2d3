// The Kokkos kernels that serve every row problem: by teams of threads on a GPU (teams.hpp), by threads with blocks in
// their caches on the host (block.hpp).
#pragma once

#include <Kokkos_Core.hpp>

#include "row/block.hpp"
#include "row/teams.hpp"

namespace mylos::detail {

struct PlainRowWrite {
  template <class S>
  static MYLOS_FUNCTION void copy(S* to, const S* from, int n, bool) {
    for (int k = 0; k < n; ++k) to[k] = from[k];
  }
};
MYLOS_DEFINE_ROW_KERNELS(Plain, , PlainRowWrite)

template <class Exec, class T>
void run_generic_blocks(const Exec& exec, const std::string& label, const RowProblem& problem) {
  run_row_blocks<T>(problem, PlainRows<T>::table, false, exec.concurrency(), [&](std::int64_t count, const auto& body) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, count),
                         [&body](std::int64_t i) { body(i); });
  });
}

template <class Exec>
void run_generic(const Exec& exec, const std::string& label, const RowProblem& problem) {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    if (problem.computes_in_f64()) return run_generic_blocks<Exec, double>(exec, label, problem);
    run_generic_blocks<Exec, float>(exec, label, problem);
  } else {
    run_row_teams(exec, label, problem);
  }
}

}  // namespace mylos::detail
