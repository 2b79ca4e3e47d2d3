// Launching on the caller's stream. The status is the launch's own: an error that an earlier call of the user's left
// behind is neither reported as ours nor cleared.
#pragma once

#include <cstdint>

#include "cuda/primitives/kernel_settings.hpp"

namespace mylos::cuda {

/// `bytes`: of shared memory beside what the kernel declares. `early`: as soon as all blocks of the kernel before have
/// called let_next_kernel_begin() or are over (programmatic dependent launch).
template <class Parameters>
void launch(void (*kernel)(Parameters), std::int64_t blocks, int threads, void* stream, const Parameters& parameters,
            int bytes = 0, bool early = false) {
  if (blocks > 0x7fffffff) throw Error("mylos: launch: more than 2^31 - 1 blocks");
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = static_cast<std::size_t>(bytes);
  if (bytes != 0) allow_shared_memory(reinterpret_cast<const void*>(kernel), bytes);
  config.stream = static_cast<cudaStream_t>(stream);
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = early ? 1 : 0;
  MYLOS_CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, parameters));
}

/// sm_90 and later.
__device__ __forceinline__ void let_next_kernel_begin() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
/// In a kernel that was launched early: until the one before is over, and what it wrote can be read.
__device__ __forceinline__ void wait_for_kernel_before() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

}  // namespace mylos::cuda
