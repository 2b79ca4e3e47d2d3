#include "support/row_teams.hpp"

#include "row/teams.hpp"

namespace mylos::test {

template <class Exec>
void run_teams(const mylos::detail::RowProblem& problem, const mylos::detail::Queue& queue) {
  const Exec& exec = *static_cast<const Exec*>(queue.instance);
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    if (problem.has_chains_or_mask()) {
      mylos::detail::run_row_teams<T, true>(exec, "teams", problem, 1);
    } else {
      mylos::detail::run_row_teams<T, false>(exec, "teams", problem, 1);
    }
  };
  problem.computes_in_f64() ? run(double()) : run(float());
}

#ifdef KOKKOS_ENABLE_SERIAL
template void run_teams<Kokkos::Serial>(const mylos::detail::RowProblem&, const mylos::detail::Queue&);
#endif
#ifdef KOKKOS_ENABLE_OPENMP
template void run_teams<Kokkos::OpenMP>(const mylos::detail::RowProblem&, const mylos::detail::Queue&);
#endif
#ifdef KOKKOS_ENABLE_THREADS
template void run_teams<Kokkos::Threads>(const mylos::detail::RowProblem&, const mylos::detail::Queue&);
#endif

}  // namespace mylos::test
