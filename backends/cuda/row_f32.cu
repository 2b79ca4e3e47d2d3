#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template struct RowKernels<float>;

}  // namespace mylos::cuda
