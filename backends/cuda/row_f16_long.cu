// Long rows of f16.
#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template void RowKernels<half>::run_ring(const RowProblem& problem, const detail::Queue& queue);
template void RowKernels<half>::run_passes(const RowProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
