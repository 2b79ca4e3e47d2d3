#include "cuda/row_cluster_launch.cuh"

namespace mylos::cuda {

template void RowKernels<float>::run_cluster(const RowProblem&, const detail::Queue&);

}  // namespace mylos::cuda
