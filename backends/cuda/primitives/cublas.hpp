// cuBLAS: its handles and its errors.
#pragma once

#include <cublas_v2.h>

#include <string>

#include <mylos/error.hpp>

namespace mylos::cuda {

inline void check_cublas(cublasStatus_t status, const char* expression) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(std::string("mylos: ") + expression + ": " + cublasGetStatusName(status) + ": " +
              cublasGetStatusString(status));
}

/// A handle of the current device, this thread's while it lives. Handles are made once, kept and passed on: making one
/// takes milliseconds and device memory, and destroying one at the end of a process is too late.
class CublasHandle {
 public:
  CublasHandle();
  ~CublasHandle();
  CublasHandle(const CublasHandle&) = delete;
  CublasHandle& operator=(const CublasHandle&) = delete;

  cublasHandle_t get() const { return handle_; }

 private:
  int device_ = 0;
  cublasHandle_t handle_ = nullptr;
};

}  // namespace mylos::cuda

#define MYLOS_CUBLAS_CHECK(expression) ::mylos::cuda::check_cublas((expression), #expression)
