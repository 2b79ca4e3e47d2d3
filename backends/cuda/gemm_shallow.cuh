// c = a b where K is short, so that writing c takes the time: gemm_tensor.cuh's products of halves, of one stage alone.
//
// A block takes one tile after another with all its warps. The rows of the next tile come while the sums of this one
// are on their way to c, each warp's through shared memory of its own: what the tensor cores and the copies for them
// share is not written by threads, so that no copy waits for a thread's stores. Tiles of one block have the same
// columns, if they can. Two blocks of a multiprocessor are at different points of that, which keeps its stores busy.
// Neighbouring tiles along the columns are worked on at the same time, so that long stretches of memory are written
// together.
#pragma once

#include "cuda/gemm_tensor_sums.cuh"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/launch.cuh"

namespace mylos::cuda {

/// In shared memory: the rows of a tile, its columns, and eight rows of sums for each warp.
struct ShallowLayout {
  static constexpr bool a_along_rows = false;
  static constexpr bool b_along_rows = false;
  static constexpr int units = 1;
  static constexpr int rows = tensor_tuning(1).rows();
  static constexpr int low = rows * line;
  static constexpr int stage_bytes = 2 * rows * line;
  static constexpr int b_high = stage_bytes;
  static constexpr int b_low = b_high + tensor_columns * line;
  static constexpr int b_stage_bytes = 0;
  static constexpr int staging = b_low + tensor_columns * line;
  static constexpr int staging_pitch = tensor_columns + 8;  // neighbouring rows are in other banks
  static constexpr int staging_bytes = 8 * staging_pitch * static_cast<int>(sizeof(float));
  static constexpr int unit = staging + tensor_consumers / 32 * staging_bytes;  // of the rows, of the columns
  static constexpr int loss = unit + 2 * rows * static_cast<int>(sizeof(float));
  static constexpr int barriers = loss + 2 * rows * static_cast<int>(sizeof(HalvesLoss));
  static constexpr int bytes = barriers + 2 * 8;
  static constexpr int alignment = 1024;
};
static_assert(ShallowLayout::rows == tensor_columns);

struct ShallowBlock {
  using Layout = ShallowLayout;
  unsigned char* memory;
  std::uint32_t address;

  /// `side`: 0 for rows, 1 for columns.
  __device__ __forceinline__ Mbarrier full(int side) const {
    return {address + Layout::barriers + static_cast<unsigned>(side) * 8};
  }
  __device__ __forceinline__ float* units(int side) const {
    return reinterpret_cast<float*>(memory + Layout::unit) + side * Layout::rows;
  }
  __device__ __forceinline__ HalvesLoss* losses(int side) const {
    return reinterpret_cast<HalvesLoss*>(memory + Layout::loss) + side * Layout::rows;
  }
  __device__ __forceinline__ const float* row_units(int) const { return units(0); }
  __device__ __forceinline__ const float* column_units(int) const { return units(1); }
  __device__ __forceinline__ const HalvesLoss* row_losses() const { return losses(0); }
  __device__ __forceinline__ const HalvesLoss* column_losses() const { return losses(1); }
  __device__ __forceinline__ void release(int) const {}
  /// Whether this thread's row or column of the tile loses something.
  __device__ __forceinline__ bool loses(const TensorParameters& p, const GemmTiling::Tile& tile) const {
    const auto i = static_cast<int>(threadIdx.x % Layout::rows);
    const bool is_row = threadIdx.x < Layout::rows;
    const bool exists = (is_row ? tile.row : tile.column) + i < p.gemm.factor[is_row ? 0 : 1].rows;
    return exists && !((is_row ? row_losses() : column_losses())[i].lost == 0.F);
  }

  /// One thread.
  __device__ __forceinline__ void fill(const TensorParameters& p, const GemmTiling::Tile& tile, int side) const {
    static_assert(Layout::b_high == Layout::stage_bytes && Layout::b_low - Layout::b_high == Layout::low);
    const TensorSide from(p, side, tile, Layout::rows);
    const std::uint32_t high = address + static_cast<unsigned>(side * Layout::stage_bytes);
    full(side).expect(from.bytes() + from.loss_bytes());
    from.copy(0, high, high + Layout::low, shared_address(units(side)), full(side));
    from.copy_loss(shared_address(losses(side)), full(side));
  }
};

/// The sums of eight rows of a warp.
struct ShallowStaging {
  float* data;
  __device__ __forceinline__ float* at(int row, int column) const {
    return data + row * ShallowLayout::staging_pitch + column;
  }
};

/// Sums of eight rows, in shared memory, that are to be stored from `c` on.
struct ShallowRows {
  ShallowStaging staged;
  float* c;
  int rows;  // that exist
  int columns;
};

/// Whole vectors: 512 bytes of a row at once.
__device__ __forceinline__ void store_vectors(const GemmParameters& p, const ShallowRows& from) {
  const int column = static_cast<int>(threadIdx.x % 32U) * 4;
  if (column >= from.columns) return;
  float* to = from.c + column;
  if (from.rows == 8 && p.alpha == 1.F && p.beta == 0.F) {  // the fewer instructions, the more is stored
#pragma unroll
    for (int i = 0; i < 8; ++i, to += p.c_row)
      *reinterpret_cast<float4*>(to) = *reinterpret_cast<const float4*>(from.staged.at(i, column));
    return;
  }
#pragma unroll 1
  for (int i = 0; i < from.rows; ++i, to += p.c_row) {
    auto v = *reinterpret_cast<const float4*>(from.staged.at(i, column));
    v = make_float4(v.x * p.alpha, v.y * p.alpha, v.z * p.alpha, v.w * p.alpha);
    if (p.beta != 0.F) {
      const float4 old = *reinterpret_cast<const float4*>(to);
      v = make_float4(fmaf(p.beta, old.x, v.x), fmaf(p.beta, old.y, v.y), fmaf(p.beta, old.z, v.z),
                      fmaf(p.beta, old.w, v.w));
    }
    *reinterpret_cast<float4*>(to) = v;
  }
}

/// The tile's sums of a warp, eight rows at a time, where they can be as vectors: pieces of 128 bytes of many rows one
/// after the other took 6 % longer (H200).
template <bool Chained>
__device__ __forceinline__ void store_rows(const TensorParameters& p, const ShallowBlock& block,
                                           const GemmTiling::Tile& tile, std::int64_t index, int row, bool is_listed,
                                           const TensorSums<1>& sums) {
  const GemmParameters& g = p.gemm;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const ShallowStaging staged{reinterpret_cast<float*>(block.memory + ShallowLayout::staging +
                                                       threadIdx.x / 32 * ShallowLayout::staging_bytes)};
  const std::int64_t rows = g.factor[0].rows - tile.row - row;
  const std::int64_t columns = g.factor[1].rows - tile.column;
  float* const c = g.c + g.batch.offset(g.c_batch, tile.batch) + (tile.row + row) * g.c_row + tile.column * g.c_column;
  const bool is_vectors = !Chained && !is_listed && g.c_column == 1 && g.c_row % 4 == 0 && columns % 4 == 0 &&
                          reinterpret_cast<std::uintptr_t>(c) % 16 == 0;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
#pragma unroll
    for (int j = 0; j < 16; ++j)
      store_shared(shared_address(staged.at(lane / 4, j * 8 + lane % 4 * 2)),
                   __float_as_uint(sums.unit[0][j * 4 + half * 2]),
                   __float_as_uint(sums.unit[0][j * 4 + half * 2 + 1]));
    __syncwarp();
    const std::int64_t left = rows - half * 8;
    const ShallowRows from{staged, c + half * 8 * g.c_row,
                           static_cast<int>(left < 0   ? 0
                                            : left < 8 ? left
                                                       : 8),
                           static_cast<int>(columns < tensor_columns ? columns : tensor_columns)};
    if (is_vectors) {
      store_vectors(g, from);
    } else {
#pragma unroll 1
      for (int first = 0; first < tensor_columns; first += 32) {
        detail::RegisterTile<float, 8> v;
#pragma unroll
        for (int i = 0; i < 8; ++i) v[i] = *staged.at(i, first + lane);
        unsigned stored = 0xffU;
        if (is_listed) stored = list_left_out<8>(p, index, row + half * 8, first / 32, v);
        store_sums<Chained>(g, tile.batch, tile.row + row + half * 8, tile.column + first + lane, stored, v);
      }
    }
    __syncwarp();
  }
}

template <int Steps, bool Chained>
__global__ void __launch_bounds__(tensor_consumers, 2) shallow_kernel(const __grid_constant__ TensorParameters p) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  using Layout = ShallowLayout;
  extern __shared__ unsigned char memory[];
  const std::uint32_t begin = shared_address(memory);
  const std::uint32_t address = (begin + Layout::alignment - 1) / Layout::alignment * Layout::alignment;
  const ShallowBlock block{memory + (address - begin), address};
  const std::int64_t step = gridDim.x;
  GemmTiling::Tile tile = p.tiling.at(blockIdx.x);
  if (threadIdx.x == 0) {
    for (int side = 0; side < 2; ++side) block.full(side).init(1);
    publish_mbarriers();
    fence_shared_writes();
    for (int side = 0; side < 2; ++side) block.fill(p, tile, side);
  }
  __syncthreads();
  const int warpgroup = __shfl_sync(0xffffffffU, static_cast<int>(threadIdx.x) / 128, 0);
  const int row = static_cast<int>(threadIdx.x) / 32 * 16;  // this warp's first one
  unsigned phase[2] = {0, 0};
  bool has_columns = false;
  for (std::int64_t t = blockIdx.x; t < p.tiling.count; t += step) {
    TensorSums<1> sums;
    sums.clear();
    if (!has_columns) {
      block.full(1).wait(phase[1]);
      phase[1] ^= 1U;
    }
    block.full(0).wait(phase[0]);
    phase[0] ^= 1U;
    multiply_stage<Steps>(block, 0, 0, warpgroup, sums);
    // Mostly nothing is lost by any row or column. From here on nobody reads them.
    bool is_listed = any_consumer(block.loses(p, tile));
    if (is_listed) is_listed = any_consumer(seems_lossy(block, row, sums));
    if (is_listed) is_listed = any_consumer(mark_lossy(p, block, tile, row, sums));
    const GemmTiling::Tile next = p.tiling.at(t + step);
    has_columns = next.column == tile.column && next.batch == tile.batch;
    if (threadIdx.x == 0) {
      if (is_listed) p.rest.tile[atomicAdd(p.rest.count, 1U)] = static_cast<unsigned>(t);
      if (t + step < p.tiling.count) {
        block.fill(p, next, 0);
        if (!has_columns) block.fill(p, next, 1);
      }
    }
    store_rows<Chained>(p, block, tile, t, row, is_listed, sums);
    tile = next;
  }
#endif
}

/// As many blocks as give each the same columns, where that leaves few multiprocessors without.
inline std::int64_t shallow_blocks(const GemmTiling& tiling) {
  const std::int64_t most = 2 * static_cast<std::int64_t>(device_attribute(cudaDevAttrMultiProcessorCount));
  const std::int64_t whole = most / tiling.columns * tiling.columns;
  const std::int64_t blocks = whole >= most - most / 16 ? whole : most;
  return tiling.count < blocks ? tiling.count : blocks;
}

template <bool Chained>
void launch_shallow_as(const TensorParameters& p, void* stream) {
  const auto kernel = p.gemm.k > 32 ? shallow_kernel<4, Chained> : shallow_kernel<2, Chained>;
  launch(kernel, shallow_blocks(p.tiling), tensor_consumers, stream, p,
         ShallowLayout::bytes + ShallowLayout::alignment);
}

}  // namespace mylos::cuda
