// Losses of vectors on NVIDIA GPUs: which shape serves which problem.
#include "cuda/vector_loss.hpp"

#include <iterator>

#include "vector_loss/candidates.hpp"

namespace mylos::cuda {
namespace {

using detail::VectorLoss;
using detail::VectorLossProblem;

/// Kernels load x as it is computed, or from 16 bits; other mixtures are the generic kernel's.
const char* refuse_dtypes(const VectorLossProblem& problem) {
  const bool in_f64 = problem.box.compute == detail::Compute::f64;
  return in_f64 == (problem.box.x.dtype == DType::f64) ? nullptr : "x is of a narrower dtype than it is computed in";
}

const char* refuse_rows(const VectorLossProblem& problem) {
  if (const char* reason = refuse_dtypes(problem)) return reason;
  if (problem.options.loss == VectorLoss::nothing) return "a row's loss is one of its scores";
  return problem.box.axis_is_fastest() ? nullptr : "the axis is not the fastest dimension";
}

const char* refuse_short(const VectorLossProblem& problem) {
  if (const char* reason = refuse_rows(problem)) return reason;
  return refuse_vector_loss_short(problem);
}

/// One function per loss, chosen when it runs.
void run_rows(const VectorLossProblem& problem, const detail::Queue& queue) {
  switch (problem.options.loss) {
    case VectorLoss::scores:
      return run_vector_loss_rows<VectorLoss::scores>(problem, queue);
    case VectorLoss::weighted_scores:
      return run_vector_loss_rows<VectorLoss::weighted_scores>(problem, queue);
    case VectorLoss::nothing:
      return;  // refused
    case VectorLoss::cosine:
      return run_vector_loss_rows<VectorLoss::cosine>(problem, queue);
    case VectorLoss::triplet:
      return run_vector_loss_rows<VectorLoss::triplet>(problem, queue);
  }
}

void run_columns(const VectorLossProblem& problem, const detail::Queue& queue) {
  switch (problem.options.loss) {
    case VectorLoss::scores:
      return run_vector_loss_columns<VectorLoss::scores>(problem, queue);
    case VectorLoss::weighted_scores:
      return run_vector_loss_columns<VectorLoss::weighted_scores>(problem, queue);
    case VectorLoss::nothing:
      return run_vector_loss_columns<VectorLoss::nothing>(problem, queue);
    case VectorLoss::cosine:
      return run_vector_loss_columns<VectorLoss::cosine>(problem, queue);
    case VectorLoss::triplet:
      return run_vector_loss_columns<VectorLoss::triplet>(problem, queue);
  }
}

constexpr detail::Candidate<VectorLossProblem> list[] = {
    {"cuda/short_rows", refuse_short, run_vector_loss_short},
    {"cuda/rows", refuse_rows, run_rows},
    {"cuda/columns", refuse_dtypes, run_columns},
};

}  // namespace

detail::CandidateList<VectorLossProblem> vector_loss_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
