#include "cuda/mlp_group.cuh"
#include "cuda/primitives/device.hpp"

namespace mylos::cuda {

template void run_mlp_group_of<32>(const detail::MlpProblem&, const detail::Queue&);

bool has_mlp_group_kernel() {
  if (device_attribute(cudaDevAttrComputeCapabilityMajor) != 9) return false;
  // Where sm_90a was not among the targets the kernel is empty.
  cudaFuncAttributes attributes;
  MYLOS_CUDA_CHECK(cudaFuncGetAttributes(&attributes, mlp_group_kernel<32, 4, 4, MlpDepth::three, true>));
  return attributes.numRegs > 32;
}

}  // namespace mylos::cuda
