// The teams of the generic row kernel, which on the host nothing but the tests uses; compiled once for all of them.
#pragma once

#include <Kokkos_Core.hpp>

#include "row/problem.hpp"

namespace mylos::test {

/// On a host space, with teams of one thread.
template <class Exec>
void run_teams(const mylos::detail::RowProblem& problem, const mylos::detail::Queue& queue);

}  // namespace mylos::test
