// The hand-written matrix products of each backend, in order of preference.
#pragma once

#include "gemm/problem.hpp"

namespace mylos {
namespace cuda {
detail::CandidateList<detail::GemmProblem> gemm_candidates();
}
namespace host {
detail::CandidateList<detail::GemmProblem> gemm_candidates();
}
}  // namespace mylos
