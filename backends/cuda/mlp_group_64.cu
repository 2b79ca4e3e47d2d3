#include "cuda/mlp_group.cuh"

namespace mylos::cuda {
template void run_mlp_group_of<64>(const detail::MlpProblem&, const detail::Queue&);
}
