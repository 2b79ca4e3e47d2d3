// Products by cuBLAS: what it has kernels for, with the chains in passes of their own (gemm/vendor.hpp).
#include <cstdint>

#include "cuda/gemm.hpp"
#include "cuda/gemm_passes.hpp"
#include "cuda/gemm_structure.hpp"
#include "cuda/primitives/cublas.hpp"
#include "cuda/primitives/scratch.cuh"
#include "cuda/tuning.hpp"
#include "gemm/vendor.hpp"

namespace mylos::cuda {
namespace {

using detail::GemmMatrix;
using detail::GemmProblem;
using detail::VendorFactor;
using detail::VendorProduct;

/// The work space is the handle's.
constexpr detail::VendorLimits limits{0, INT64_MAX, vendor_depth_f32, vendor_depth_tensor, vendor_slice_elements};

cudaDataType_t vendor_type(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return CUDA_R_64F;
    case DType::f16:
      return CUDA_R_16F;
    case DType::bf16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

cublasComputeType_t compute_type(const GemmProblem& problem) {
  if (problem.computes_in_f64()) return CUBLAS_COMPUTE_64F;
  if (problem.a.dtype != DType::f32) return CUBLAS_COMPUTE_32F;
  if (problem.precision == Precision::tf32) return CUBLAS_COMPUTE_32F_FAST_TF32;
  if (problem.precision == Precision::half) return CUBLAS_COMPUTE_32F_FAST_16F;
  return CUBLAS_COMPUTE_32F;
}

/// cuBLAS on a stream.
class Library {
 public:
  Library(const GemmProblem& problem, cublasHandle_t handle) : handle_(handle), compute_(compute_type(problem)) {}

  void operator()(const VendorProduct& p) const {
    const bool f64 = compute_ == CUBLAS_COMPUTE_64F;
    const auto alpha32 = static_cast<float>(p.alpha);
    const auto beta32 = static_cast<float>(p.beta);
    const void* alpha = f64 ? static_cast<const void*>(&p.alpha) : &alpha32;
    const void* beta = f64 ? static_cast<const void*>(&p.beta) : &beta32;
    const auto operation = [](const VendorFactor& f) { return f.is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
    const cudaDataType_t type = vendor_type(p.dtype);
    const cudaDataType_t c_type = vendor_type(p.c_dtype);
    // With a batch of one it chooses other kernels, some of them slower.
    if (p.batch == 1)
      MYLOS_CUBLAS_CHECK(cublasGemmEx_64(handle_, operation(p.left), operation(p.right), p.rows, p.columns, p.k, alpha,
                                         p.left.data, type, p.left.leading, p.right.data, type, p.right.leading, beta,
                                         p.c, c_type, p.c_leading, compute_, CUBLAS_GEMM_DEFAULT));
    else
      MYLOS_CUBLAS_CHECK(cublasGemmStridedBatchedEx_64(
          handle_, operation(p.left), operation(p.right), p.rows, p.columns, p.k, alpha, p.left.data, type,
          p.left.leading, p.left.step, p.right.data, type, p.right.leading, p.right.step, beta, p.c, c_type,
          p.c_leading, p.c_step, p.batch, compute_, CUBLAS_GEMM_DEFAULT));
  }

 private:
  cublasHandle_t handle_;
  cublasComputeType_t compute_;
};

struct Backend {
  void* stream;
  cublasHandle_t handle;

  Library library(const GemmProblem& problem, void*, std::size_t) const { return {problem, handle}; }
  void pass_before(const GemmProblem& problem, const GemmMatrix& to) const { cuda::pass_before(problem, to, stream); }
  void expand_structure(const GemmMatrix& from, const GemmMatrix& to, std::int64_t n, const detail::Box& batch) const {
    cuda::expand_structure(from, to, n, batch, stream);
  }
  void pass_after(const GemmProblem& problem, const GemmMatrix& from, const GemmSlices& slices, double beta) const {
    cuda::pass_after(problem, from, slices, 1, beta, stream);
  }
};

}  // namespace

const char* refuse_gemm_vendor(const GemmProblem& problem) {
  if (!problem.is_general() && problem.a.dtype == DType::f32) return "a or b is triangular or symmetric";
  return detail::refuse_vendor(problem);
}

void run_gemm_vendor(const GemmProblem& problem, const detail::Queue& queue) {
  const CublasHandle handle(queue.stream, vendor_workspace_bytes);
  const Scratch scratch(queue.stream, detail::VendorPlan(problem, limits).bytes());
  detail::run_vendor(problem, limits, scratch.data(), Backend{queue.stream, handle.get()});
}

std::size_t gemm_vendor_workspace(const GemmProblem& problem) {
  return vendor_workspace_bytes + detail::VendorPlan(problem, limits).bytes();
}

}  // namespace mylos::cuda
