// How much of a kernel the current device runs at once.
#pragma once

#include <cstdint>

#include "cuda/primitives/kernel_settings.hpp"

namespace mylos::cuda {

/// Blocks of a kernel that the device runs at once.
template <class Parameters>
std::int64_t resident_blocks(void (*kernel)(Parameters), int threads, int bytes) {
  const std::int64_t multiprocessors = device_attribute(cudaDevAttrMultiProcessorCount);
  return multiprocessors * blocks_per_multiprocessor(reinterpret_cast<const void*>(kernel), threads, bytes);
}

}  // namespace mylos::cuda
