// Launching on the caller's stream. The status is the launch's own: an error that an earlier call of the user's left
// behind is neither reported as ours nor cleared.
#pragma once

#include <cstdint>

#include "cuda/primitives/check.hpp"

namespace mylos::cuda {

template <class Parameters>
void launch(void (*kernel)(Parameters), std::int64_t blocks, int threads, void* stream, const Parameters& parameters) {
  if (blocks > 0x7fffffff) throw Error("mylos: launch: more than 2^31 - 1 blocks");
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.stream = static_cast<cudaStream_t>(stream);
  MYLOS_CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, parameters));
}

}  // namespace mylos::cuda
