// The threads of the generic scan, which on the host nothing but the tests uses; compiled once for all of them.
#pragma once

#include <Kokkos_Core.hpp>

#include "scan/problem.hpp"

namespace mylos::test {

/// On a host space.
template <class Exec>
void run_scan_threads(const mylos::detail::ScanProblem& problem, const mylos::detail::Queue& queue);

}  // namespace mylos::test
