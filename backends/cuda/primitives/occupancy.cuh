// How much of a kernel the current device runs at once.
#pragma once

#include <cstdint>

#include "cuda/primitives/device.hpp"

namespace mylos::cuda {

/// Blocks of a kernel that the device runs at once.
template <class Parameters>
std::int64_t resident_blocks(void (*kernel)(Parameters), int threads, int bytes) {
  int device = 0;
  int multiprocessors = 0;
  int blocks = 0;
  MYLOS_CUDA_CHECK(cudaGetDevice(&device));
  MYLOS_CUDA_CHECK(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
  MYLOS_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  MYLOS_CUDA_CHECK(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, static_cast<std::size_t>(bytes)));
  return static_cast<std::int64_t>(multiprocessors) * (blocks < 1 ? 1 : blocks);
}

}  // namespace mylos::cuda
