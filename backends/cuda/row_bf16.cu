#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template struct RowKernels<bfloat16>;

}  // namespace mylos::cuda
