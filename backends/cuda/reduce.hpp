// The shapes of the reduction, each for one monoid; the monoids are spread over several sources so that they compile
// side by side. Steps: the `before` chain is inlined (has_inlined_steps).
#pragma once

#include "reduce/problem.hpp"

namespace mylos::cuda {

/// Prepare steps of an instruction or two.
inline bool is_plain(detail::Prepare prepare) {
  using detail::Prepare;
  return prepare == Prepare::none || prepare == Prepare::negate || prepare == Prepare::abs ||
         prepare == Prepare::negate_abs || prepare == Prepare::nonzero;
}

/// Chains without tensors before the sums and extrema of f32 and of 16 bits. The others call their chain: a switch over
/// all steps in each of their kernels would be minutes of the compiler's time.
inline bool has_inlined_steps(const detail::ReduceProblem& problem) {
  using detail::Monoid;
  const Monoid monoid = problem.reduction.monoid;
  return !problem.before->empty() && problem.before->operand_count() == 0 && is_plain(problem.reduction.prepare) &&
         problem.compute == detail::Compute::f32 &&
         (monoid == Monoid::sum || monoid == Monoid::sum_of_squares || monoid == Monoid::maximum);
}

/// Few values for each result along one axis, the fastest dimension: several results share a warp.
template <detail::Monoid M, bool Steps>
void run_reduce_short_rows(const detail::ReduceProblem& problem, const detail::Queue& queue);

/// The axis is the fastest dimension: a warp or a block for each result, or for each piece of it.
template <detail::Monoid M, bool Steps>
void run_reduce_rows(const detail::ReduceProblem& problem, const detail::Queue& queue);

/// Another dimension is: neighbouring threads have neighbouring results.
template <detail::Monoid M, bool Steps>
void run_reduce_columns(const detail::ReduceProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
