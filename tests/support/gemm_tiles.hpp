// The teams of the generic matrix product, which on the host nothing but the tests uses; compiled once for all of them.
#pragma once

#include <Kokkos_Core.hpp>

#include "gemm/problem.hpp"

namespace mylos::test {

/// On a host space, with teams of one thread.
template <class Exec>
void run_gemm_teams(const mylos::detail::GemmProblem& problem, const mylos::detail::Queue& queue);

}  // namespace mylos::test
