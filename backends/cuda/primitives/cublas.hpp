// cuBLAS: its handles and its errors.
#pragma once

#include <cublas_v2.h>

#include <string>
#include <utility>

#include <mylos/error.hpp>

#include "core/handle_pool.hpp"
#include "cuda/primitives/scratch.cuh"

namespace mylos::cuda {

inline void check_cublas(cublasStatus_t status, const char* expression) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(std::string("mylos: ") + expression + ": " + cublasGetStatusName(status) + ": " +
              cublasGetStatusString(status));
}

/// A device, and the stream that a handle belongs to, by the number that no other stream of the process ever has.
using CublasPlace = std::pair<int, unsigned long long>;

/// A handle for calls on a stream of the current device, with a work space of `bytes` that nothing else uses while they
/// run. The first streams keep theirs, so that a call on them has nothing to set and nothing to allocate. Others, and
/// those that are captured in a graph, which may run anywhere at any time, have one from the stream's order.
class CublasHandle {
 public:
  CublasHandle(void* stream, std::size_t bytes);
  cublasHandle_t get() const { return handle_.get(); }

 private:
  CublasHandle(cudaStream_t stream, std::size_t bytes, const CublasPlace& place);

  Scratch scratch_;
  detail::PooledHandle<cublasHandle_t, CublasPlace> handle_;
};

}  // namespace mylos::cuda

#define MYLOS_CUBLAS_CHECK(expression) ::mylos::cuda::check_cublas((expression), #expression)
