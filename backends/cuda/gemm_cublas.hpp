// What the calls of cuBLAS and of cuBLASLt share.
#pragma once

#include <library_types.h>

#include <cstdint>

#include "cuda/tuning.hpp"
#include "gemm/vendor_plan.hpp"

namespace mylos::cuda {

inline constexpr detail::VendorLimits cublas_limits{vendor_workspace_bytes, INT64_MAX, vendor_depth_f32,
                                                    vendor_depth_tensor, vendor_slice_elements};

inline cudaDataType_t cublas_type(DType dtype) {
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

}  // namespace mylos::cuda
