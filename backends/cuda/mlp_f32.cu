#include "cuda/mlp_tiles.cuh"

namespace mylos::cuda {
template void run_mlp_tiles<float>(const detail::MlpProblem&, const detail::Queue&);
}
