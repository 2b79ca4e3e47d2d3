#include "cuda/mlp_tiles.cuh"

namespace mylos::cuda {
template void run_mlp_tiles<double>(const detail::MlpProblem&, const detail::Queue&);
}
