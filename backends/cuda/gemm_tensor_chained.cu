// With a chain on the result.
#include "cuda/gemm_tensor.cuh"

namespace mylos::cuda {

template void launch_tensor<1, true>(const TensorParameters&, void*);
template void launch_tensor<2, true>(const TensorParameters&, void*);

}  // namespace mylos::cuda
