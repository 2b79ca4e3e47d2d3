// Matrix products on NVIDIA GPUs: the variants that selection knows, and the bytes of scratch memory that they take.
#pragma once

#include "gemm/problem.hpp"

namespace mylos::cuda {

/// f32 on tensor cores, as two f16 each: how the factors get split, and what multiplies. Tests name the ways one by
/// one.
enum class TensorWay {
  fastest,
  split,    // by a pass of its own (gemm_tensor.cuh)
  shallow,  // likewise, for a k of one block (gemm_shallow.cuh)
  overlap,  // by some blocks while others multiply (gemm_overlap.cuh)
  direct    // as they are loaded (gemm_direct.cuh)
};
template <TensorWay Way>
const char* refuse_gemm_tensor(const detail::GemmProblem& problem);
template <TensorWay Way>
void run_gemm_tensor(const detail::GemmProblem& problem, const detail::Queue& queue);
template <TensorWay Way>
std::size_t gemm_tensor_workspace(const detail::GemmProblem& problem);

/// f32 in one launch, in small tiles (gemm_tiles.cuh), by one of the ways of gemm_tiles_tuning().
template <int Way>
const char* refuse_gemm_tiles_by(const detail::GemmProblem& problem);
template <int Way>
void run_gemm_tiles_by(const detail::GemmProblem& problem, const detail::Queue& queue);
struct GemmTilesChoice {
  int way;
  double time;  // as estimated, in microseconds
};
GemmTilesChoice fastest_gemm_tiles(const detail::GemmProblem& problem);
/// By the fastest way, where that is faster than all else.
const char* refuse_gemm_tiles(const detail::GemmProblem& problem);
void run_gemm_tiles(const detail::GemmProblem& problem, const detail::Queue& queue);

/// f32, many rows times a small matrix (gemm_skinny.cu).
const char* refuse_gemm_any_skinny(const detail::GemmProblem& problem);
/// Where that is fastest.
const char* refuse_gemm_skinny(const detail::GemmProblem& problem);
void run_gemm_skinny(const detail::GemmProblem& problem, const detail::Queue& queue);

/// f32 problems that cuBLAS is faster with.
const char* refuse_gemm_small(const detail::GemmProblem& problem);

/// f32 without tensor cores, any strides (gemm_plain.cu).
const char* refuse_gemm_plain(const detail::GemmProblem& problem);
void run_gemm_plain(const detail::GemmProblem& problem, const detail::Queue& queue);

/// A matrix times a vector (gemm_vector.cu).
const char* refuse_gemm_vector(const detail::GemmProblem& problem);
/// Where it is faster than cuBLAS.
const char* refuse_gemm_long_vector(const detail::GemmProblem& problem);
void run_gemm_vector(const detail::GemmProblem& problem, const detail::Queue& queue);
std::size_t gemm_vector_workspace(const detail::GemmProblem& problem);

/// By cuBLAS, chains in passes (gemm_vendor.cu).
const char* refuse_gemm_vendor(const detail::GemmProblem& problem);
void run_gemm_vendor(const detail::GemmProblem& problem, const detail::Queue& queue);
std::size_t gemm_vendor_workspace(const detail::GemmProblem& problem);

}  // namespace mylos::cuda
