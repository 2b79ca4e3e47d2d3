#include "cuda/row_launch.cuh"

namespace mylos::cuda {

template struct RowKernels<double>;

}  // namespace mylos::cuda
