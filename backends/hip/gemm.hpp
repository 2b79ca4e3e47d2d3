// Matrix products on AMD GPUs: the variants that selection knows, and the bytes of scratch memory that they take.
#pragma once

#include "gemm/problem.hpp"

namespace mylos::hip {

/// By rocBLAS, chains in passes (gemm_rocblas.cpp).
const char* refuse_gemm_rocblas(const detail::GemmProblem& problem);
void run_gemm_rocblas(const detail::GemmProblem& problem, const detail::Queue& queue);
std::size_t gemm_rocblas_workspace(const detail::GemmProblem& problem);

}  // namespace mylos::hip
