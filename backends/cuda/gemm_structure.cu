#include "cuda/gemm_structure.hpp"

#include "cuda/gemm_parameters.cuh"
#include "cuda/primitives/launch.cuh"

namespace mylos::cuda {
namespace {

constexpr int threads = 256;

struct StructureParameters {
  const void* from;
  void* to;
  MatrixStructure structure;
  std::int64_t n;
  std::int64_t blocks_per_row;
  std::int64_t from_row;
  std::int64_t from_column;
  std::int64_t to_row;
  std::int64_t to_column;
  GemmBatch batch;
  std::int64_t from_batch[max_rank];
  std::int64_t to_batch[max_rank];
};

/// One element a thread; neighbours along the rows. Bits are copied: S stands for every type of its size.
template <class S>
__global__ void __launch_bounds__(threads) expand_structure_kernel(const __grid_constant__ StructureParameters p) {
  std::int64_t index = blockIdx.x;
  const std::int64_t column = index % p.blocks_per_row * threads + threadIdx.x;
  index /= p.blocks_per_row;
  const std::int64_t row = index % p.n;
  std::int64_t from = p.batch.offset(p.from_batch, index / p.n);
  const std::int64_t to = p.batch.offset(p.to_batch, index / p.n);
  if (column >= p.n) return;
  const bool above = column > row;
  const bool below = column < row;
  const bool mirrored = (above && p.structure == MatrixStructure::symmetric_lower) ||
                        (below && p.structure == MatrixStructure::symmetric_upper);
  const bool zero =
      (above && p.structure == MatrixStructure::lower) || (below && p.structure == MatrixStructure::upper);
  from += mirrored ? column * p.from_row + row * p.from_column : row * p.from_row + column * p.from_column;
  static_cast<S*>(p.to)[to + row * p.to_row + column * p.to_column] = zero ? S(0) : static_cast<const S*>(p.from)[from];
}

}  // namespace

void expand_structure(const detail::GemmMatrix& from, const detail::GemmMatrix& to, std::int64_t n,
                      const detail::Box& batch, void* stream) {
  StructureParameters p{};
  p.from = from.data;
  p.to = to.data;
  p.structure = from.structure;
  p.n = n;
  p.blocks_per_row = (n + threads - 1) / threads;
  p.from_row = from.row;
  p.from_column = from.column;
  p.to_row = to.row;
  p.to_column = to.column;
  p.batch.rank = batch.rank;
  std::int64_t batches = 1;
  for (int d = 0; d < batch.rank; ++d) {
    // What is the same for several batches is written once.
    const std::int64_t extent = to.batch.stride[d] == 0 ? 1 : batch.extent[d];
    p.batch.extent[d] = detail::Divider(extent);
    p.from_batch[d] = from.batch.stride[d];
    p.to_batch[d] = to.batch.stride[d];
    batches *= extent;
  }
  const std::int64_t blocks = p.blocks_per_row * n * batches;
  if (size_of(from.dtype) == sizeof(std::uint64_t))
    launch(expand_structure_kernel<std::uint64_t>, blocks, threads, stream, p);
  else
    launch(expand_structure_kernel<std::uint16_t>, blocks, threads, stream, p);
}

}  // namespace mylos::cuda
