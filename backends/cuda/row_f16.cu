#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template struct RowKernels<half>;

}  // namespace mylos::cuda
