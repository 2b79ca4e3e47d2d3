#include "cuda/row_staged_launch.cuh"

namespace mylos::cuda {

template void RowKernels<half>::run_staged(const RowProblem&, const detail::Queue&);

}  // namespace mylos::cuda
