// Rows held in registers and strided ones of f32. Long ones, whose chains take the compiler's time, are in
// row_f32_long.cu.
#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template void RowKernels<float>::run_registers(const RowProblem& problem, const detail::Queue& queue);
template void RowKernels<float>::run_columns(const RowProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
