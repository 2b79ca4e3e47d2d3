#include "cuda/gemm_tensor.cuh"

namespace mylos::cuda {

template void launch_tensor<1, false>(const TensorParameters&, void*);
template void launch_tensor<2, false>(const TensorParameters&, void*);

bool has_tensor_kernel() {
  if (device_attribute(cudaDevAttrComputeCapabilityMajor) != 9) return false;
  // Where sm_90a was not among the targets the kernel is empty.
  return registers_of(reinterpret_cast<const void*>(tensor_kernel<1, false>)) > 64;
}

GemmTiling make_tiling(const GemmParameters& parameters, int tile_rows, std::int64_t group_rows) {
  GemmTiling tiling{};
  tiling.tile_rows = tile_rows;
  tiling.rows = (parameters.factor[0].rows + tile_rows - 1) / tile_rows;
  tiling.columns = (parameters.factor[1].rows + 127) / 128;
  tiling.group = group_rows / tile_rows;
  tiling.per_matrix = detail::Divider(tiling.rows * tiling.columns);
  tiling.per_group = detail::Divider(tiling.group * tiling.columns);
  tiling.count = tiling.rows * tiling.columns * parameters.batches;
  tiling.last_row_first = parameters.factor[0].structure == MatrixStructure::lower;
  tiling.last_column_first = parameters.factor[1].structure == MatrixStructure::lower;
  return tiling;
}

}  // namespace mylos::cuda
