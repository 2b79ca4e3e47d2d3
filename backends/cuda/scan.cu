// Scans on NVIDIA GPUs: which shape serves which problem.
#include <iterator>

#include "cuda/scan.hpp"
#include "scan/candidates.hpp"

namespace mylos::cuda {
namespace {

using detail::ScanMonoid;
using detail::ScanProblem;

const char* refuse_columns(const ScanProblem& problem) {
  if (problem.x.dtype != problem.y.dtype) return "x and y differ in dtype";
  return nullptr;
}

const char* refuse_rows(const ScanProblem& problem) {
  if (const char* reason = refuse_columns(problem)) return reason;
  const std::int64_t step = problem.y.step;
  if (problem.length > 1 && (problem.x.step != step || (step != 1 && step != -1)))
    return "the elements of a row are not neighbours";
  return nullptr;
}

/// Sums of x times a tensor of bytes, as a boolean mask is often applied: the bytes travel as those of a mask do.
ScanProblem with_scaling_mask(const ScanProblem& given) {
  ScanProblem problem = given;
  const Chain& before = *problem.before;
  const bool scales = problem.monoid == ScanMonoid::sum && !problem.mask.given() && problem.after->empty() &&
                      before.size() == 1 && before.step(0).id == StepId::mul && before.operand_count() == 1 &&
                      problem.operand[0].dtype == DType::u8 &&
                      (problem.x.dtype == DType::f32 || problem.x.dtype == DType::f64);
  if (!scales) return problem;
  static const Chain none{};
  problem.mask = problem.operand[0];
  problem.mask_scales = true;
  problem.before = &none;
  return problem;
}

/// One function per monoid, chosen when it runs.
#define MYLOS_RUN(shape)                                                   \
  void run_##shape(const ScanProblem& given, const detail::Queue& queue) { \
    const ScanProblem problem = with_scaling_mask(given);                  \
    switch (problem.monoid) {                                              \
      case ScanMonoid::sum:                                                \
        return run_scan_##shape<ScanMonoid::sum>(problem, queue);          \
      case ScanMonoid::product:                                            \
        return run_scan_##shape<ScanMonoid::product>(problem, queue);      \
      case ScanMonoid::maximum:                                            \
        return run_scan_##shape<ScanMonoid::maximum>(problem, queue);      \
      case ScanMonoid::arg_maximum:                                        \
        return run_scan_##shape<ScanMonoid::arg_maximum>(problem, queue);  \
      case ScanMonoid::log_sum_exp:                                        \
        return run_scan_##shape<ScanMonoid::log_sum_exp>(problem, queue);  \
    }                                                                      \
  }
MYLOS_RUN(rows)
MYLOS_RUN(columns)
#undef MYLOS_RUN

constexpr detail::Candidate<ScanProblem> list[] = {
    {"cuda/rows", refuse_rows, run_rows},
    {"cuda/columns", refuse_columns, run_columns},
};

}  // namespace

detail::CandidateList<ScanProblem> scan_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
