// The vendor's own matrix product on the same tensors, by its own threads: what ours are compared with.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <Kokkos_Core.hpp>

#include <mylos/tensor.hpp>

#include "support/timing.hpp"
#include "support/vendor_factors.hpp"

#if defined(MYLOS_HAVE_CUBLAS) && defined(KOKKOS_ENABLE_CUDA)
#include <cublas_v2.h>
#endif
#if defined(MYLOS_HAVE_ROCBLAS) && defined(KOKKOS_ENABLE_HIP)
#include <rocblas/rocblas.h>
#endif
#if defined(MYLOS_HAVE_OPENBLAS)
#include <cblas.h>
#endif
#if defined(MYLOS_HAVE_ONEDNN)
#include <dnnl.h>
#endif

namespace mylos::bench {

/// c = a b for (batch, rows, columns) tensors whose rows or columns are runs of neighbours; false where the peer lacks
/// the dtype or the batch.
template <class Exec>
struct GemmPeer {
  std::string name;
  std::function<bool(const Exec& exec, const Tensor& a, const Tensor& b, const Tensor& c)> run;
};

namespace detail {

/// As the BLAS see a matrix.
struct BlasMatrix {
  bool turned;  // columns are runs of neighbours
  int ld;
};
inline BlasMatrix blas_matrix(const Tensor& t) {
  const bool turned = t.stride[2] != 1;
  return {turned, static_cast<int>(turned ? t.stride[2] : t.stride[1])};
}

#if defined(MYLOS_HAVE_CUBLAS) && defined(KOKKOS_ENABLE_CUDA)
inline void check_cublas(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) Kokkos::abort(cublasGetStatusString(status));
}
inline bool cublas_gemm(const Kokkos::Cuda& exec, const Tensor& a, const Tensor& b, const Tensor& c) {
  static cublasHandle_t handle = [] {
    cublasHandle_t made = nullptr;
    check_cublas(cublasCreate(&made));
    return made;
  }();
  check_cublas(cublasSetStream(handle, exec.cuda_stream()));
  if (a.dtype != b.dtype || a.dtype != c.dtype) return false;
  const cudaDataType type = c.dtype == DType::f64   ? CUDA_R_64F
                            : c.dtype == DType::f32 ? CUDA_R_32F
                            : c.dtype == DType::f16 ? CUDA_R_16F
                                                    : CUDA_R_16BF;
  const VendorFactors factors(c.dtype);
  const BlasMatrix ma = blas_matrix(a);
  const BlasMatrix mb = blas_matrix(b);
  const BlasMatrix mc = blas_matrix(c);
  if (mc.turned) return false;
  // cuBLAS counts by columns: c^T = b^T a^T.
  check_cublas(cublasGemmStridedBatchedEx(
      handle, mb.turned ? CUBLAS_OP_T : CUBLAS_OP_N, ma.turned ? CUBLAS_OP_T : CUBLAS_OP_N,
      static_cast<int>(c.extent[2]), static_cast<int>(c.extent[1]), static_cast<int>(a.extent[2]), factors.one(),
      b.data, type, mb.ld, b.extent[0] == 1 ? 0 : b.stride[0], a.data, type, ma.ld, a.extent[0] == 1 ? 0 : a.stride[0],
      factors.zero(), c.data, type, mc.ld, c.stride[0], static_cast<int>(c.extent[0]),
      factors.is_wide ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  return true;
}
#endif

#if defined(MYLOS_HAVE_ROCBLAS) && defined(KOKKOS_ENABLE_HIP)
inline void check_rocblas(rocblas_status status) {
  if (status != rocblas_status_success) Kokkos::abort(rocblas_status_to_string(status));
}
inline bool rocblas_gemm(const Kokkos::HIP& exec, const Tensor& a, const Tensor& b, const Tensor& c) {
  static rocblas_handle handle = [] {
    rocblas_handle made = nullptr;
    check_rocblas(rocblas_create_handle(&made));
    return made;
  }();
  check_rocblas(rocblas_set_stream(handle, exec.hip_stream()));
  if (a.dtype != b.dtype || a.dtype != c.dtype) return false;
  const rocblas_datatype type = c.dtype == DType::f64   ? rocblas_datatype_f64_r
                                : c.dtype == DType::f32 ? rocblas_datatype_f32_r
                                : c.dtype == DType::f16 ? rocblas_datatype_f16_r
                                                        : rocblas_datatype_bf16_r;
  const VendorFactors factors(c.dtype);
  const BlasMatrix ma = blas_matrix(a);
  const BlasMatrix mb = blas_matrix(b);
  const BlasMatrix mc = blas_matrix(c);
  if (mc.turned) return false;
  // rocBLAS counts by columns: c^T = b^T a^T. In parentheses: it is also a macro, for callers of former versions.
  check_rocblas(
      (rocblas_gemm_strided_batched_ex)(handle, mb.turned ? rocblas_operation_transpose : rocblas_operation_none,
                                        ma.turned ? rocblas_operation_transpose : rocblas_operation_none,
                                        static_cast<int>(c.extent[2]), static_cast<int>(c.extent[1]),
                                        static_cast<int>(a.extent[2]), factors.one(), b.data, type, mb.ld,
                                        b.extent[0] == 1 ? 0 : b.stride[0], a.data, type, ma.ld,
                                        a.extent[0] == 1 ? 0 : a.stride[0], factors.zero(), c.data, type, mc.ld,
                                        c.stride[0], c.data, type, mc.ld, c.stride[0], static_cast<int>(c.extent[0]),
                                        factors.is_wide ? rocblas_datatype_f64_r : rocblas_datatype_f32_r,
                                        rocblas_gemm_algo_standard, 0, rocblas_gemm_flags_none));
  return true;
}
#endif

#if defined(MYLOS_HAVE_OPENBLAS)
inline bool openblas_gemm(const Tensor& a, const Tensor& b, const Tensor& c) {
  const BlasMatrix ma = blas_matrix(a);
  const BlasMatrix mb = blas_matrix(b);
  const BlasMatrix mc = blas_matrix(c);
  if (a.dtype != b.dtype || a.dtype != c.dtype || c.extent[0] != 1 || mc.turned) return false;
  const auto m = static_cast<int>(c.extent[1]);
  const auto n = static_cast<int>(c.extent[2]);
  const auto k = static_cast<int>(a.extent[2]);
  const CBLAS_TRANSPOSE ta = ma.turned ? CblasTrans : CblasNoTrans;
  const CBLAS_TRANSPOSE tb = mb.turned ? CblasTrans : CblasNoTrans;
  if (c.dtype == DType::f64)
    cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, static_cast<const double*>(a.data), ma.ld,
                static_cast<const double*>(b.data), mb.ld, 0, static_cast<double*>(c.data), mc.ld);
  else if (c.dtype == DType::f32)
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, static_cast<const float*>(a.data), ma.ld,
                static_cast<const float*>(b.data), mb.ld, 0, static_cast<float*>(c.data), mc.ld);
  else
    return false;
  return true;
}
#endif

#if defined(MYLOS_HAVE_ONEDNN)
inline bool onednn_gemm(const Tensor& a, const Tensor& b, const Tensor& c) {
  const BlasMatrix ma = blas_matrix(a);
  const BlasMatrix mb = blas_matrix(b);
  const BlasMatrix mc = blas_matrix(c);
  if (a.dtype != DType::f32 || b.dtype != DType::f32 || c.dtype != DType::f32 || c.extent[0] != 1 || mc.turned)
    return false;
  return dnnl_sgemm(ma.turned ? 'T' : 'N', mb.turned ? 'T' : 'N', c.extent[1], c.extent[2], a.extent[2], 1,
                    static_cast<const float*>(a.data), ma.ld, static_cast<const float*>(b.data), mb.ld, 0,
                    static_cast<float*>(c.data), mc.ld) == dnnl_success;
}
#endif

}  // namespace detail

template <class Exec>
std::vector<GemmPeer<Exec>> gemm_peers() {
  std::vector<GemmPeer<Exec>> peers;
#if defined(MYLOS_HAVE_CUBLAS) && defined(KOKKOS_ENABLE_CUDA)
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) peers.push_back({"cublas", detail::cublas_gemm});
#endif
#if defined(MYLOS_HAVE_ROCBLAS) && defined(KOKKOS_ENABLE_HIP)
  if constexpr (std::is_same_v<Exec, Kokkos::HIP>) peers.push_back({"rocblas", detail::rocblas_gemm});
#endif
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
#if defined(MYLOS_HAVE_OPENBLAS)
    peers.push_back({"openblas", [](const Exec&, const Tensor& a, const Tensor& b, const Tensor& c) {
                       return detail::openblas_gemm(a, b, c);
                     }});
#endif
#if defined(MYLOS_HAVE_ONEDNN)
    peers.push_back({"onednn", [](const Exec&, const Tensor& a, const Tensor& b, const Tensor& c) {
                       return detail::onednn_gemm(a, b, c);
                     }});
#endif
  }
  return peers;
}

}  // namespace mylos::bench
