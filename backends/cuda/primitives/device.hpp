// What the current device has.
#pragma once

#include "cuda/primitives/check.hpp"

namespace mylos::cuda {

inline int device_attribute(cudaDeviceAttr attribute) {
  int device = 0;
  int value = 0;
  MYLOS_CUDA_CHECK(cudaGetDevice(&device));
  MYLOS_CUDA_CHECK(cudaDeviceGetAttribute(&value, attribute, device));
  return value;
}

}  // namespace mylos::cuda
