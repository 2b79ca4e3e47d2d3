// Rows held in registers and strided ones of f16. Long ones, whose chains take the compiler's time, are in
// row_f16_long.cu.
#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template void RowKernels<half>::run_registers(const RowProblem& problem, const detail::Queue& queue);
template void RowKernels<half>::run_columns(const RowProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
