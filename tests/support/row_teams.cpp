#include "support/row_teams.hpp"

#include "row/teams.hpp"

namespace mylos::test {

template <class Exec>
void run_teams(const mylos::detail::RowProblem& problem, const mylos::detail::Queue& queue) {
  mylos::detail::run_row_teams(*static_cast<const Exec*>(queue.instance), "teams", problem, 1);
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
