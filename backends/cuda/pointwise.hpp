// The variants of the map, each in a source of its own so that they compile side by side.
#pragma once

#include "pointwise/problem.hpp"

namespace mylos::cuda {

/// One run of consecutive elements, no tensor operands (pointwise/flat.hpp).
void run_flat(const detail::PointwiseProblem& problem, const detail::Queue& queue);
/// Whole vectors everywhere (pointwise/rows.hpp).
void run_rows(const detail::PointwiseProblem& problem, const detail::Queue& queue);
/// Anything, element by element (pointwise/rows.hpp).
void run_general(const detail::PointwiseProblem& problem, const detail::Queue& queue);

/// x and y run fastest along different dimensions.
const char* refuse_transpose(const detail::PointwiseProblem& problem);
void run_transpose(const detail::PointwiseProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
