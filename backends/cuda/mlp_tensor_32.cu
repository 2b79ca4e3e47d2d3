#include "cuda/mlp_tensor.cuh"

namespace mylos::cuda {
template void run_mlp_tensor_of<32>(const detail::MlpProblem&, const detail::Queue&);
}
