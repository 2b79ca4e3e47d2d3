#include "cuda/gemm_shallow.cuh"

namespace mylos::cuda {

void launch_shallow(const TensorParameters& parameters, void* stream) {
  if (parameters.gemm.after.size != 0)
    launch_shallow_as<true>(parameters, stream);
  else
    launch_shallow_as<false>(parameters, stream);
}

}  // namespace mylos::cuda
