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
  return problem.axis.rank <= 1 &&
                 problem.axis.count <= short_rows_longest(static_cast<int>(16 / size_of(problem.x.dtype)))
             ? nullptr
             : "a result has more values than a few threads take";
}

/// One function per monoid, chosen when it runs.
#define MYLOS_RUN(shape)                                                       \
  void run_##shape(const ReduceProblem& problem, const detail::Queue& queue) { \
    switch (problem.reduction.monoid) {                                        \
      case Monoid::sum:                                                        \
        return run_reduce_##shape<Monoid::sum>(problem, queue);                \
      case Monoid::sum_of_squares:                                             \
        return run_reduce_##shape<Monoid::sum_of_squares>(problem, queue);     \
      case Monoid::product:                                                    \
        return run_reduce_##shape<Monoid::product>(problem, queue);            \
      case Monoid::maximum:                                                    \
        return run_reduce_##shape<Monoid::maximum>(problem, queue);            \
      case Monoid::arg_maximum:                                                \
        return run_reduce_##shape<Monoid::arg_maximum>(problem, queue);        \
      case Monoid::log_sum_exp:                                                \
        return run_reduce_##shape<Monoid::log_sum_exp>(problem, queue);        \
      case Monoid::moments:                                                    \
        return run_reduce_##shape<Monoid::moments>(problem, queue);            \
    }                                                                          \
  }
MYLOS_RUN(short_rows)
MYLOS_RUN(rows)
MYLOS_RUN(columns)
#undef MYLOS_RUN

constexpr detail::Candidate<ReduceProblem> list[] = {
    {"cuda/short_rows", refuse_short_rows, run_short_rows},
    {"cuda/rows", refuse_rows, run_rows},
    {"cuda/columns", refuse_dtypes, run_columns},
};

}  // namespace

detail::CandidateList<ReduceProblem> reduce_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
