// Long rows of bf16.
#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template void RowKernels<bfloat16>::run_ring(const RowProblem& problem, const detail::Queue& queue);
template void RowKernels<bfloat16>::run_passes(const RowProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
