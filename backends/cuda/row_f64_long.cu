// Long rows of f64.
#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template void RowKernels<double>::run_ring(const RowProblem& problem, const detail::Queue& queue);
template void RowKernels<double>::run_passes(const RowProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
