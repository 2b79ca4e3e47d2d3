// The shapes of the reduction, each for one monoid; the monoids are spread over several sources so that they compile
// side by side. Way: `steps` or `fixed` where the `before` chain is inlined, else `nothing`.
#pragma once

#include "reduce/problem.hpp"

namespace mylos::cuda {

/// Prepare steps of an instruction or two.
inline bool is_plain(detail::Prepare prepare) {
  using detail::Prepare;
  return prepare == Prepare::none || prepare == Prepare::negate || prepare == Prepare::abs ||
         prepare == Prepare::negate_abs || prepare == Prepare::nonzero;
}

/// Steps that have kernels of their own where they are all that is before a sum.
#define MYLOS_FIXED_STEPS(each) each(square) each(relu) each(exp) each(log) each(sigmoid) each(gelu)

/// How the values of x reach a state: as they are; by a plain step; through a chain that is inlined, and a plain step;
/// through anything, by calls; or through the one step that an enumerator is called after.
enum class Through : std::uint8_t {
  nothing,
  plain,
  steps,
  calls,
#define MYLOS_ENUMERATOR(name) name,
  MYLOS_FIXED_STEPS(MYLOS_ENUMERATOR)
#undef MYLOS_ENUMERATOR
};
MYLOS_HOST_DEVICE constexpr bool is_chained(Through way) { return way == Through::steps || way == Through::calls; }
MYLOS_HOST_DEVICE constexpr bool is_fixed(Through way) { return way > Through::calls; }
MYLOS_HOST_DEVICE constexpr StepId step_of(Through way) {
  switch (way) {
#define MYLOS_CASE(name) \
  case Through::name:    \
    return StepId::name;
    MYLOS_FIXED_STEPS(MYLOS_CASE)
#undef MYLOS_CASE
    default:
      return StepId::count;
  }
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

/// Whether a problem's chain is one step that may have such kernels.
inline bool has_fixed_step(const detail::ReduceProblem& problem) {
  return has_inlined_steps(problem) && problem.reduction.monoid == detail::Monoid::sum && problem.before->size() == 1 &&
         problem.reduction.prepare == detail::Prepare::none;
}

/// Few values for each result along one axis, the fastest dimension: several results share a warp.
template <detail::Monoid M, Through Way>
void run_reduce_short_rows(const detail::ReduceProblem& problem, const detail::Queue& queue);

/// The axis is the fastest dimension: a warp or a block for each result, or for each piece of it.
template <detail::Monoid M, Through Way>
void run_reduce_rows(const detail::ReduceProblem& problem, const detail::Queue& queue);

/// Another dimension is: neighbouring threads have neighbouring results.
template <detail::Monoid M, Through Way>
void run_reduce_columns(const detail::ReduceProblem& problem, const detail::Queue& queue);

/// Likewise the sum over pairs of x's values and those of one tensor.
void run_reduce_pairs(const detail::ReduceProblem& problem, const detail::Queue& queue);
/// Null, or why it does not serve a problem whose axis is the fastest dimension.
const char* refuse_reduce_pairs(const detail::ReduceProblem& problem);

/// One kind of pairs that has kernels of its own, and those of losses and of chains. Null where there is none.
struct PairsEntry {
  bool (*matches)(const detail::ReduceProblem& problem);
  void (*run)(const detail::ReduceProblem& problem, const detail::Queue& queue);
};
const PairsEntry* find_loss(const detail::ReduceProblem& problem);
const PairsEntry* find_chained_pairs(const detail::ReduceProblem& problem);

}  // namespace mylos::cuda
