// Matrix products on NVIDIA GPUs: which variant serves which problem.
#include "cuda/gemm.hpp"

#include <iterator>

#include "gemm/candidates.hpp"

namespace mylos::cuda {
namespace {

template <TensorWay Way>
constexpr detail::Candidate<detail::GemmProblem> tensor(const char* name) {
  return {name, refuse_gemm_tensor<Way>, run_gemm_tensor<Way>, gemm_tensor_workspace<Way>};
}

template <int Way>
constexpr detail::Candidate<detail::GemmProblem> tiles(const char* name) {
  return {name, refuse_gemm_tiles_by<Way>, run_gemm_tiles_by<Way>};
}

constexpr detail::Candidate<detail::GemmProblem> list[] = {
    {"cuda/long_vector", refuse_gemm_long_vector, run_gemm_vector, gemm_vector_workspace},
    {"cuda/skinny", refuse_gemm_skinny, run_gemm_skinny},
    {"cuda/tiles", refuse_gemm_tiles, run_gemm_tiles},
    {"cuda/small", refuse_gemm_small, run_gemm_vendor, gemm_vendor_workspace},
    tensor<TensorWay::fastest>("cuda/tensor"),
    {"cuda/cublas", refuse_gemm_vendor, run_gemm_vendor, gemm_vendor_workspace},
    {"cuda/vector", refuse_gemm_vector, run_gemm_vector, gemm_vector_workspace},
    {"cuda/plain", refuse_gemm_plain, run_gemm_plain},
    // Only by name: plain takes what they would.
    {"cuda/any_skinny", refuse_gemm_any_skinny, run_gemm_skinny},
    tiles<0>("cuda/plain_tiles"),
    tiles<1>("cuda/split_tiles"),
    tiles<2>("cuda/wide_split_tiles"),
    tensor<TensorWay::split>("cuda/tensor_split"),
    tensor<TensorWay::shallow>("cuda/tensor_shallow"),
    tensor<TensorWay::overlap>("cuda/tensor_overlap"),
    tensor<TensorWay::direct>("cuda/tensor_direct"),
};

}  // namespace

detail::CandidateList<detail::GemmProblem> gemm_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
