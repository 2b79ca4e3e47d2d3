// What the current device has.
#pragma once

#include "cuda/primitives/check.hpp"

namespace mylos::cuda {

inline int current_device() {
  int device = 0;
  MYLOS_CUDA_CHECK(cudaGetDevice(&device));
  return device;
}

inline int device_attribute(cudaDeviceAttr attribute) {
  int value = 0;
  MYLOS_CUDA_CHECK(cudaDeviceGetAttribute(&value, attribute, current_device()));
  return value;
}

}  // namespace mylos::cuda
