#include "cuda/primitives/cublas.hpp"

#include <map>
#include <mutex>
#include <vector>

#include "cuda/primitives/check.hpp"

namespace mylos::cuda {
namespace {

struct Handles {
  std::mutex mutex;
  std::map<int, std::vector<cublasHandle_t>> idle;
};
/// Never destroyed: calls may come while the process ends.
Handles& handles() {
  static auto* const all = new Handles;
  return *all;
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

CublasHandle::CublasHandle() {
  MYLOS_CUDA_CHECK(cudaGetDevice(&device_));
  {
    Handles& all = handles();
    const std::lock_guard<std::mutex> lock(all.mutex);
    std::vector<cublasHandle_t>& idle = all.idle[device_];
    if (!idle.empty()) {
      handle_ = idle.back();
      idle.pop_back();
    }
  }
  if (handle_ == nullptr) handle_ = make_handle();
}

CublasHandle::~CublasHandle() {
  Handles& all = handles();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.idle[device_].push_back(handle_);
}

}  // namespace mylos::cuda
