// Failed CUDA calls become mylos::Error with the expression and CUDA's own text.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include <mylos/error.hpp>

namespace mylos::cuda {

inline void check(cudaError_t status, const char* expression) {
  if (status == cudaSuccess) return;
  throw Error(std::string("mylos: ") + expression + ": " + cudaGetErrorName(status) + ": " +
              cudaGetErrorString(status));
}

}  // namespace mylos::cuda

#define MYLOS_CUDA_CHECK(expression) ::mylos::cuda::check((expression), #expression)
