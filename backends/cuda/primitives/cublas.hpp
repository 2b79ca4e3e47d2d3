// cuBLAS: its handles and its errors.
#pragma once

#include <cublas_v2.h>

#include <string>

#include <mylos/error.hpp>

#include "core/handle_pool.hpp"

namespace mylos::cuda {

inline void check_cublas(cublasStatus_t status, const char* expression) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(std::string("mylos: ") + expression + ": " + cublasGetStatusName(status) + ": " +
              cublasGetStatusString(status));
}

/// A handle of the current device.
class CublasHandle : public detail::PooledHandle<cublasHandle_t> {
 public:
  CublasHandle();
};

}  // namespace mylos::cuda

#define MYLOS_CUBLAS_CHECK(expression) ::mylos::cuda::check_cublas((expression), #expression)
