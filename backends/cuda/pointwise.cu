// The map on NVIDIA GPUs: which variant serves which problem.
#include <iterator>

#include "cuda/pointwise.hpp"
#include "pointwise/candidates.hpp"
#include "pointwise/rows.hpp"

namespace mylos::cuda {
namespace {

using detail::PointwiseProblem;

const char* refuse_nothing(const PointwiseProblem&) { return nullptr; }

constexpr detail::Candidate<PointwiseProblem> list[] = {
    {"cuda/flat", detail::refuse_flat, run_flat},
    {"cuda/transpose", refuse_transpose, run_transpose},
    {"cuda/rows", detail::refuse_rows, run_rows},
    {"cuda/general", refuse_nothing, run_general},
};

}  // namespace

detail::CandidateList<PointwiseProblem> pointwise_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
