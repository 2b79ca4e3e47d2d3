// The shapes of the scan, each for one monoid; the monoids are spread over several sources so that they compile side by
// side.
#pragma once

#include "scan/problem.hpp"

namespace mylos::cuda {

/// The axis' elements are neighbours: lanes of a warp, a warp or a block for each row.
template <detail::ScanMonoid M>
void run_scan_rows(const detail::ScanProblem& problem, const detail::Queue& queue);

/// Any other axis: neighbouring threads have neighbouring rows.
template <detail::ScanMonoid M>
void run_scan_columns(const detail::ScanProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
