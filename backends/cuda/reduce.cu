// Reductions on NVIDIA GPUs: which shape serves which problem.
#include <iterator>

#include "cuda/reduce.hpp"
#include "cuda/reduce_values.cuh"
#include "reduce/candidates.hpp"

namespace mylos::cuda {
namespace {

using detail::Compute;
using detail::ReduceProblem;

/// Kernels load x as it is computed, or from 16 bits; other mixtures are the generic kernel's.
const char* refuse_dtypes(const ReduceProblem& problem) {
  if (problem.compute == Compute::f64 && problem.x.dtype == DType::f64) return nullptr;
  if (problem.compute == Compute::f32 && is_floating(problem.x.dtype)) return nullptr;
  return "x is of an integer dtype, or of a narrower one than it is computed in";
}

const char* refuse_rows(const ReduceProblem& problem) {
  if (const char* reason = refuse_dtypes(problem)) return reason;
  return problem.axis_is_fastest() ? nullptr : "the axis is not the fastest dimension";
}

const char* refuse_short_rows(const ReduceProblem& problem) {
  if (const char* reason = refuse_rows(problem)) return reason;
  const std::int64_t count = problem.axis.count;
  return problem.axis.rank <= 1 && count <= short_rows_longest(count, static_cast<int>(16 / size_of(problem.x.dtype)))
             ? nullptr
             : "a result has more values than a few threads take";
}

/// The function for a chain of one frequent step, or null.
using Run = void (*)(const ReduceProblem&, const detail::Queue&);
#define MYLOS_FIXED_RUN(shape)                                                                               \
  Run fixed_##shape(const ReduceProblem& problem) {                                                          \
    if (!has_fixed_step(problem)) return nullptr;                                                            \
    switch (problem.before->step(0).id) { MYLOS_FIXED_STEPS(MYLOS_FIXED_##shape) default : return nullptr; } \
  }
#define MYLOS_FIXED_CASE(shape, name) \
  case StepId::name:                  \
    return run_reduce_##shape<Monoid::sum, Through::name>;
#define MYLOS_FIXED_short_rows(name) MYLOS_FIXED_CASE(short_rows, name)
#define MYLOS_FIXED_rows(name) MYLOS_FIXED_CASE(rows, name)
#define MYLOS_FIXED_columns(name) MYLOS_FIXED_CASE(columns, name)
MYLOS_FIXED_RUN(short_rows)
MYLOS_FIXED_RUN(rows)
MYLOS_FIXED_RUN(columns)
#undef MYLOS_FIXED_columns
#undef MYLOS_FIXED_rows
#undef MYLOS_FIXED_short_rows
#undef MYLOS_FIXED_CASE
#undef MYLOS_FIXED_RUN

/// One function per monoid, chosen when it runs.
#define MYLOS_STEPS(shape, monoid) \
  case Monoid::monoid:             \
    return run_reduce_##shape<Monoid::monoid, Through::steps>(problem, queue);
#define MYLOS_CASE(shape, monoid) \
  case Monoid::monoid:            \
    return run_reduce_##shape<Monoid::monoid, Through::nothing>(problem, queue);
#define MYLOS_RUN(shape)                                                       \
  void run_##shape(const ReduceProblem& problem, const detail::Queue& queue) { \
    if (const auto run = fixed_##shape(problem)) return run(problem, queue);   \
    if (has_inlined_steps(problem)) switch (problem.reduction.monoid) {        \
        MYLOS_STEPS(shape, sum)                                                \
        MYLOS_STEPS(shape, sum_of_squares)                                     \
        MYLOS_STEPS(shape, maximum)                                            \
        default:                                                               \
          break;                                                               \
      }                                                                        \
    switch (problem.reduction.monoid) {                                        \
      MYLOS_CASE(shape, sum)                                                   \
      MYLOS_CASE(shape, sum_of_squares)                                        \
      MYLOS_CASE(shape, product)                                               \
      MYLOS_CASE(shape, maximum)                                               \
      MYLOS_CASE(shape, arg_maximum)                                           \
      MYLOS_CASE(shape, log_sum_exp)                                           \
      MYLOS_CASE(shape, moments)                                               \
    }                                                                          \
  }
MYLOS_RUN(short_rows)
MYLOS_RUN(rows)
MYLOS_RUN(columns)
#undef MYLOS_RUN
#undef MYLOS_CASE
#undef MYLOS_STEPS

const char* refuse_pairs(const ReduceProblem& problem) {
  if (const char* reason = refuse_rows(problem)) return reason;
  return refuse_reduce_pairs(problem);
}

constexpr detail::Candidate<ReduceProblem> list[] = {
    {"cuda/short_rows", refuse_short_rows, run_short_rows},
    {"cuda/pairs", refuse_pairs, run_reduce_pairs},
    {"cuda/rows", refuse_rows, run_rows},
    {"cuda/columns", refuse_dtypes, run_columns},
};

}  // namespace

detail::CandidateList<ReduceProblem> reduce_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
