// The hand-written matrix products of each backend, in order of preference.
#pragma once

#include "gemm/problem.hpp"

namespace mylos::detail {

/// How a backend rewrites a matrix b that many products will share. `problem` describes b, n and k and has m = 1; its
/// a and c have b's dtype and no data. `bytes` is 0 where b is best taken as it is.
struct GemmPreparation {
  std::int64_t (*bytes)(const GemmProblem& problem) = nullptr;
  void (*run)(const GemmProblem& problem, void* prepared, const Queue& queue) = nullptr;
};

}  // namespace mylos::detail

namespace mylos {
namespace cuda {
detail::CandidateList<detail::GemmProblem> gemm_candidates();
detail::GemmPreparation gemm_preparation();
}  // namespace cuda
namespace hip {
detail::CandidateList<detail::GemmProblem> gemm_candidates();
}
namespace host {
detail::CandidateList<detail::GemmProblem> gemm_candidates();
}
}  // namespace mylos
