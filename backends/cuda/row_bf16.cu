// Rows held in registers and strided ones of bf16. Long ones, whose chains take the compiler's time, are in
// row_bf16_long.cu.
#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template void RowKernels<bfloat16>::run_registers(const RowProblem& problem, const detail::Queue& queue);
template void RowKernels<bfloat16>::run_columns(const RowProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
