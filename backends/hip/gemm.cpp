// Matrix products on AMD GPUs: which variant serves which problem.
#include "hip/gemm.hpp"

#include <iterator>

#include "gemm/candidates.hpp"

namespace mylos::hip {

using detail::Candidate;
using detail::GemmProblem;

#if defined(MYLOS_HAVE_ROCBLAS)

namespace {
constexpr Candidate<GemmProblem> list[] = {
    {"hip/rocblas", refuse_gemm_rocblas, run_gemm_rocblas, gemm_rocblas_workspace},
};
}  // namespace

detail::CandidateList<GemmProblem> gemm_candidates() { return {list, static_cast<int>(std::size(list))}; }

#else

detail::CandidateList<GemmProblem> gemm_candidates() { return {}; }

#endif

}  // namespace mylos::hip
