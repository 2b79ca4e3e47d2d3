#include "cuda/mlp_tiles.cuh"

namespace mylos::cuda {
template void run_mlp_tiles<float>(const detail::MlpProblem&, const detail::Queue&);
// For what mlp_tensor.cuh leaves.
template void run_mlp_tiles_kernel<float, 32>(const MlpTilesParameters<float>&, const detail::Queue&);
template void run_mlp_tiles_kernel<float, 64>(const MlpTilesParameters<float>&, const detail::Queue&);
}  // namespace mylos::cuda
