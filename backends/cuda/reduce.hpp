// The shapes of the reduction, each for one monoid; the monoids are spread over several sources so that they compile
// side by side.
#pragma once

#include "reduce/problem.hpp"

namespace mylos::cuda {

/// Few values for each result along one axis, the fastest dimension: several results share a warp.
template <detail::Monoid M>
void run_reduce_short_rows(const detail::ReduceProblem& problem, const detail::Queue& queue);

/// The axis is the fastest dimension: a warp or a block for each result, or for each piece of it.
template <detail::Monoid M>
void run_reduce_rows(const detail::ReduceProblem& problem, const detail::Queue& queue);

/// Another dimension is: neighbouring threads have neighbouring results.
template <detail::Monoid M>
void run_reduce_columns(const detail::ReduceProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
