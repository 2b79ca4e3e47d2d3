// Matrix products on NVIDIA GPUs: which variant serves which problem.
#include "cuda/gemm.hpp"

#include <iterator>

#include "gemm/candidates.hpp"

namespace mylos::cuda {
namespace {

constexpr detail::Candidate<detail::GemmProblem> list[] = {
    {"cuda/long_vector", refuse_gemm_long_vector, run_gemm_vector, gemm_vector_workspace},
    {"cuda/small", refuse_gemm_small, run_gemm_vendor, gemm_vendor_workspace},
    {"cuda/tensor", refuse_gemm_tensor, run_gemm_tensor, gemm_tensor_workspace},
    {"cuda/cublaslt", refuse_gemm_bias, run_gemm_bias, gemm_vendor_workspace},
    {"cuda/cublas", refuse_gemm_vendor, run_gemm_vendor, gemm_vendor_workspace},
    {"cuda/vector", refuse_gemm_vector, run_gemm_vector, gemm_vector_workspace},
    {"cuda/plain", refuse_gemm_plain, run_gemm_plain},
};

}  // namespace

detail::CandidateList<detail::GemmProblem> gemm_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
