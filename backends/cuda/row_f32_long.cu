// Long rows of f32.
#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template void RowKernels<float>::run_ring(const RowProblem& problem, const detail::Queue& queue);
template void RowKernels<float>::run_passes(const RowProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
