// Launching on the caller's stream. The status is the launch's own: an error that an earlier call of the user's left
// behind is neither reported as ours nor cleared.
#pragma once

#include <cstdint>

#include "cuda/primitives/kernel_settings.hpp"

namespace mylos::cuda {

/// `bytes`: of shared memory beside what the kernel declares.
template <class Parameters>
void launch(void (*kernel)(Parameters), std::int64_t blocks, int threads, void* stream, const Parameters& parameters,
            int bytes = 0) {
  if (blocks > 0x7fffffff) throw Error("mylos: launch: more than 2^31 - 1 blocks");
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = static_cast<std::size_t>(bytes);
  if (bytes != 0) allow_shared_memory(reinterpret_cast<const void*>(kernel), bytes);
  config.stream = static_cast<cudaStream_t>(stream);
  MYLOS_CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, parameters));
}

}  // namespace mylos::cuda
