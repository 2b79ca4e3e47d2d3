// Splitting a factor: one pass, any strides.
#include "cuda/gemm_halves.cuh"
#include "cuda/gemm_split.cuh"
#include "cuda/gemm_tensor.hpp"

#include "cuda/primitives/access.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {
namespace {

constexpr int threads = 256;
constexpr int rows_per_block = threads / 8;  // eight threads share a row's 64 elements
constexpr int span = 8;                      // elements of a thread
constexpr int in_flight = split_in_flight;
constexpr int staged_pitch = in_flight * halves_depth + 1;

/// How elements come: as vectors of 16 bytes, or through shared memory with neighbouring threads along K or along rows.
enum class Loading { vectors, along_depth, along_rows };

struct SplitSide {
  Halves halves;
  Loading loading;
  std::int64_t row_groups;
  std::int64_t blocks;  // of threads
};

struct SplitParameters {
  GemmParameters gemm;
  SplitSide side[2];
  unsigned* counters;
};

using Span = detail::RegisterTile<float, span>;

struct Place {
  const GemmFactor& factor;
  const float* data;  // of the matrix
  std::int64_t row;   // the first of this block of threads
  std::int64_t rows;
  std::int64_t k;
};

__device__ __forceinline__ void load_vectors(const Place& at, std::int64_t first, Span (&v)[in_flight]) {
  const std::int64_t row = at.row + threadIdx.x / 8;
#pragma unroll
  for (int u = 0; u < in_flight; ++u) {
    const std::int64_t k = first + u * halves_depth + threadIdx.x % 8 * span;
    const float* from = at.data + row * at.factor.row + k;
    if (row < at.rows && k + span <= at.k) {
      detail::load_vector_as<StreamingAccess, float, span>(from, 0, v[u].value);
    } else {
#pragma unroll
      for (int e = 0; e < span; ++e) v[u][e] = row < at.rows && k + e < at.k ? from[e] : 0.F;
    }
  }
}

template <bool AlongRows>
__device__ __forceinline__ void load_staged(const Place& at, std::int64_t first, float* staged, Span (&v)[in_flight]) {
  constexpr int width = in_flight * halves_depth;
  constexpr int count = rows_per_block * width / threads;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  float loaded[count];
#pragma unroll
  for (int i = 0; i < count; ++i) {
    const std::int64_t row = at.row + (AlongRows ? lane : warp + i / (width / 32) * 8);
    const std::int64_t k = first + (AlongRows ? warp + i * 8 : lane + i % (width / 32) * 32);
    loaded[i] = row < at.rows && k < at.k ? at.factor.load<true>(at.data, row, k) : 0.F;
  }
  __syncthreads();  // the previous elements have been taken
#pragma unroll
  for (int i = 0; i < count; ++i)
    staged[AlongRows ? lane * staged_pitch + warp + i * 8
                     : (warp + i / (width / 32) * 8) * staged_pitch + lane + i % (width / 32) * 32] = loaded[i];
  __syncthreads();
  const float* own = staged + threadIdx.x / 8 * staged_pitch + threadIdx.x % 8 * span;
#pragma unroll
  for (int u = 0; u < in_flight; ++u)
#pragma unroll
    for (int e = 0; e < span; ++e) v[u][e] = own[u * halves_depth + e];
}

/// Writes what a thread has of a block.
__device__ __forceinline__ void store_span(const Halves& h, std::int64_t matrix, std::int64_t block, std::int64_t row,
                                           const SplitSpan& s) {
  const std::int64_t index = matrix * h.blocks + block;
  store_piece(h.data + index * h.block_bytes() + row * 128, row, h.pitch * 128, s.piece);
  if (threadIdx.x % 8 == 0) h.unit[index * h.pitch + row] = s.unit;
}

/// `before`, on what a thread has of the block that begins at `first`.
__device__ __forceinline__ void chain_span(const GemmParameters& p, std::int64_t batch, std::int64_t row,
                                           std::int64_t first, Span& v) {
  const std::int64_t k = first + threadIdx.x % 8 * span;
  const std::int64_t depth = p.depth(batch);
  const GemmTile at{batch, row, k, 0, 1, p.factor[0].is_chained ? p.factor[0].rows : p.factor[1].rows, depth};
  apply_gemm_chain(p, p.before, 0, at, v);
#pragma unroll
  for (int e = 0; e < span; ++e)
    if (k + e >= depth) v[e] = 0.F;  // a chain need not keep 0
}

/// Of a triangle: the blocks along K that products read for tiles with this row. Others are zero, and nobody's.
__device__ __forceinline__ TensorDepth read_depth(const GemmFactor& factor, const Halves& h, std::int64_t row) {
  constexpr int tile_rows = tensor_tuning(2).rows();  // the largest
  static_assert(tile_rows % tensor_tuning(1).rows() == 0 && tile_rows % rows_per_block == 0);
  const std::int64_t first = row / tile_rows * tile_rows;
  TensorDepth depth{0, h.blocks};
  if (factor.structure == MatrixStructure::lower) depth.end = ::min(depth.end, (first + tile_rows) / halves_depth);
  if (factor.structure == MatrixStructure::upper) depth.first = first / halves_depth;
  return depth;
}

template <bool Chained>
__global__ void __launch_bounds__(threads, split_blocks(Chained))
    split_kernel(const __grid_constant__ SplitParameters p) {
  __shared__ float staged[rows_per_block * staged_pitch];
  if (p.counters != nullptr && blockIdx.x == 0 && threadIdx.x < 2) p.counters[threadIdx.x] = 0;
  const bool is_second = blockIdx.x >= p.side[0].blocks;
  const SplitSide& side = p.side[is_second ? 1 : 0];
  const GemmFactor& factor = p.gemm.factor[is_second ? 1 : 0];
  const Halves& h = side.halves;
  std::int64_t index = blockIdx.x - (is_second ? p.side[0].blocks : 0);
  const std::int64_t group = index % side.row_groups;
  index /= side.row_groups;
  const int part = static_cast<int>(index % h.parts);
  const std::int64_t matrix = index / h.parts;
  // The first batch that has this matrix.
  std::int64_t batch = 0;
  std::int64_t weight = 1;
  std::int64_t rest = matrix;
  for (int d = p.gemm.batch.rank - 1; d >= 0; --d) {
    const auto extent = static_cast<std::int64_t>(p.gemm.batch.extent[d].divisor);
    if (h.batch[d] != 0) batch += rest % extent * weight;
    if (h.batch[d] != 0) rest /= extent;
    weight *= extent;
  }
  const Place at{factor, factor.data + p.gemm.batch.offset(factor.batch, batch), group * rows_per_block, factor.rows,
                 p.gemm.depth(batch)};
  const std::int64_t row = at.row + threadIdx.x / 8;
  const TensorDepth read = read_depth(factor, h, at.row);
  const std::int64_t end = ::min(read.end, (part + 1) * h.blocks_per_part());
  SplitSum sum{0, 0};
  for (std::int64_t block = ::max(read.first, part * h.blocks_per_part()); block < end; block += in_flight) {
    Span v[in_flight];
    if (side.loading == Loading::vectors)
      load_vectors(at, block * halves_depth, v);
    else if (side.loading == Loading::along_rows)
      load_staged<true>(at, block * halves_depth, staged, v);
    else
      load_staged<false>(at, block * halves_depth, staged, v);
#pragma unroll
    for (int u = 0; u < in_flight; ++u) {
      if (block + u >= end) break;
      if constexpr (Chained) {
        if (factor.is_chained) chain_span(p.gemm, batch, row, (block + u) * halves_depth, v[u]);
      }
      const SplitSpan s = split_span(v[u], largest_of_row(v[u]), factor.is_a, sum);
      if (row < h.pitch) store_span(h, matrix, block + u, row, s);
    }
  }
  const HalvesLoss loss = loss_of_row(sum);
  if (threadIdx.x % 8 == 0 && row < h.pitch) h.loss[(matrix * h.parts + part) * h.pitch + row] = loss;
}

SplitSide make_side(const GemmParameters& parameters, int factor, const Halves& halves, bool is_split) {
  const GemmFactor& f = parameters.factor[factor];
  SplitSide side{halves, Loading::along_depth, (halves.pitch + rows_per_block - 1) / rows_per_block, 0};
  if (is_split) side.blocks = side.row_groups * halves.parts * halves.matrices;
  bool vectors = f.structure == MatrixStructure::general && f.depth == 1 && f.row % 4 == 0 &&
                 reinterpret_cast<std::uintptr_t>(f.data) % 16 == 0;
  for (int d = 0; d < parameters.batch.rank; ++d) vectors = vectors && f.batch[d] % 4 == 0;
  const auto distance = [](std::int64_t stride) { return stride < 0 ? -stride : stride; };
  if (vectors)
    side.loading = Loading::vectors;
  else if (distance(f.row) < distance(f.depth))
    side.loading = Loading::along_rows;
  return side;
}

}  // namespace

Halves plan_halves(const GemmProblem& problem, const GemmParameters& parameters, int factor) {
  const GemmFactor& f = parameters.factor[factor];
  Halves h{};
  h.rows = f.rows;
  h.pitch = (h.rows + 7) / 8 * 8;
  h.blocks = (parameters.k + halves_depth - 1) / halves_depth;
  h.parts = static_cast<int>(h.blocks < halves_parts ? h.blocks : halves_parts);
  h.matrices = 1;
  for (int d = problem.batch.rank - 1; d >= 0; --d) {
    bool varies = f.batch[d] != 0;
    if (f.is_chained)
      for (int o = 0; o < parameters.after_operands; ++o) varies = varies || parameters.operand[o].batch[d] != 0;
    if (varies) h.batch[d] = h.matrices;
    if (varies) h.matrices *= problem.batch.extent[d];
  }
  return h;
}

void split_factors(const GemmParameters& parameters, const Halves (&halves)[2], const bool (&is_split)[2],
                   unsigned* counters, void* stream) {
  SplitParameters p{};
  p.gemm = parameters;
  p.counters = counters;
  for (int f = 0; f < 2; ++f) p.side[f] = make_side(parameters, f, halves[f], is_split[f]);
  const auto kernel = parameters.before.size != 0 ? split_kernel<true> : split_kernel<false>;
  launch(kernel, p.side[0].blocks + p.side[1].blocks, threads, stream, p);
}

}  // namespace mylos::cuda
