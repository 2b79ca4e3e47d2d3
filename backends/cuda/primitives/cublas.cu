#include "cuda/primitives/cublas.hpp"

#include "cuda/primitives/check.hpp"

namespace mylos::cuda {
namespace {

int current_device() {
  int device = 0;
  MYLOS_CUDA_CHECK(cudaGetDevice(&device));
  return device;
}

/// Making a handle allocates, which is forbidden while any stream is captured unless the thread says that it knows.
cublasHandle_t make_handle() {
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  MYLOS_CUDA_CHECK(cudaThreadExchangeStreamCaptureMode(&mode));
  cublasHandle_t handle = nullptr;
  const cublasStatus_t status = cublasCreate(&handle);
  MYLOS_CUDA_CHECK(cudaThreadExchangeStreamCaptureMode(&mode));
  MYLOS_CUBLAS_CHECK(status);
  return handle;
}

}  // namespace

CublasHandle::CublasHandle() : PooledHandle(current_device(), make_handle) {}

}  // namespace mylos::cuda
