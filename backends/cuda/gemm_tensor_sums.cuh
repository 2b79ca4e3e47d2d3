// Products of halves on the tensor cores: from what shared memory holds to sums in registers, and from there to c.
#pragma once

#include "cuda/gemm_epilogue.cuh"
#include "cuda/gemm_tensor_block.cuh"
#include "cuda/primitives/wgmma.cuh"

namespace mylos::cuda {

/// What one thread has of a tile.
template <int Units>
struct TensorSums {
  float unit[Units][64];

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int u = 0; u < Units; ++u)
#pragma unroll
      for (int i = 0; i < 64; ++i) unit[u][i] = 0.F;
  }
};

/// Adds the products of one stage, of the first 16 * Steps elements of K: the others are 0.
template <int Steps = 4, class Block>
__device__ __forceinline__ void multiply_stage(const Block& block, int stage, int slot, int warpgroup,
                                               TensorSums<Block::Layout::units>& sums) {
  using Layout = typename Block::Layout;
  constexpr bool a_rows = Layout::a_along_rows;
  constexpr bool b_rows = Layout::b_along_rows;
  constexpr std::uint32_t a_step = matrix_step<a_rows>;
  constexpr std::uint32_t b_step = matrix_step<b_rows>;
  const std::uint32_t a_at = matrix_descriptor<a_rows>(block.address);
  const std::uint32_t b_at = matrix_descriptor<b_rows>(block.address);
  const float* const units = block.row_units(slot);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32 % 4;
#pragma unroll
  for (int u = 0; u < Layout::units; ++u) {
    const int row = (warpgroup * Layout::units + u) * 64;
    // Told to be the same for all threads, and made anew for each unit, descriptors stay in uniform registers.
    const std::uint32_t b_high = __shfl_sync(
        0xffffffffU, b_at + static_cast<unsigned>((Layout::b_high + stage * Layout::b_stage_bytes) / 16), 0);
    const std::uint32_t a_high =
        __shfl_sync(0xffffffffU, a_at + static_cast<unsigned>((row * line + stage * Layout::stage_bytes) / 16), 0);
    const std::uint32_t b_low = b_high + (Layout::b_low - Layout::b_high) / 16;
    const std::uint32_t a_low = a_high + Layout::low / 16;
    float sum[64];
    fence_products();
    multiply_64x128<false, a_rows, b_rows>(sum, a_low, b_high);
    multiply_64x128<true, a_rows, b_rows>(sum, a_high, b_low);
#pragma unroll
    for (unsigned k = 1; k < Steps; ++k) {
      multiply_64x128<true, a_rows, b_rows>(sum, a_low + k * a_step, b_high + k * b_step);
      multiply_64x128<true, a_rows, b_rows>(sum, a_high + k * a_step, b_low + k * b_step);
    }
#pragma unroll
    for (unsigned k = 0; k < Steps; ++k)
      multiply_64x128<true, a_rows, b_rows>(sum, a_high + k * a_step, b_high + k * b_step);
    end_products();
    const float unit_0 = units[row + warp * 16 + lane / 4];
    const float unit_1 = units[row + warp * 16 + lane / 4 + 8];
    wait_for_products();
    pin(sum);
    if (u == Layout::units - 1 && lane == 0) block.release(stage);
    const float2* const column = reinterpret_cast<const float2*>(block.column_units(slot)) + lane % 4;
#pragma unroll
    for (int j = 0; j < 16; ++j) {
      const float2 unit = column[j * 4];
      float* const to = sums.unit[u] + j * 4;
      to[0] = fmaf(sum[j * 4] * unit.x, unit_0, to[0]);
      to[1] = fmaf(sum[j * 4 + 1] * unit.y, unit_0, to[1]);
      to[2] = fmaf(sum[j * 4 + 2] * unit.x, unit_1, to[2]);
      to[3] = fmaf(sum[j * 4 + 3] * unit.y, unit_1, to[3]);
    }
  }
}

/// A sum that is left to plain arithmetic: a NaN that no arithmetic gives.
inline constexpr unsigned left_out = 0x7fedc0deU;

/// Whether an element exists and has products that triangles leave.
__device__ __forceinline__ bool is_summed(const GemmParameters& p, std::int64_t row, std::int64_t column) {
  const MatrixStructure a = p.factor[0].structure;
  const MatrixStructure b = p.factor[1].structure;
  if (row >= p.factor[0].rows || column >= p.factor[1].rows) return false;
  if (a == MatrixStructure::upper && b == MatrixStructure::lower) return column >= row;
  if (a == MatrixStructure::lower && b == MatrixStructure::upper) return row >= column;
  return true;
}

/// Calls visit(sum, limit, row, column) for each of this thread's sums, its place in the tile, and the magnitude from
/// which on what is lost does not matter. `row`: this warp's first one.
template <class Block, class Visit>
__device__ __forceinline__ void with_limits(const Block& block, int row, TensorSums<Block::Layout::units>& sums,
                                            const Visit& visit) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const HalvesLoss* const loss = block.row_losses();
#pragma unroll
  for (int u = 0; u < Block::Layout::units; ++u) {
    const int first = row + u * 64 + lane / 4;
    HalvesLoss below[2] = {loss[first], loss[first + 8]};
#pragma unroll
    for (HalvesLoss& row_loss : below) row_loss = {row_loss.largest * 0x1p22F, row_loss.lost * 0x1p22F};
#pragma unroll
    for (int j = 0; j < 16; ++j) {
      const int column = j * 8 + lane % 4 * 2;
      const auto pair = *reinterpret_cast<const float4*>(block.column_losses() + column);
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const HalvesLoss& a = below[c / 2];
        const float largest = c % 2 == 0 ? pair.x : pair.z;
        const float lost = c % 2 == 0 ? pair.y : pair.w;
        visit(sums.unit[u][j * 4 + c], fmaf(a.lost, largest, a.largest * lost), first + c / 2 * 8, column + c % 2);
      }
    }
  }
}

/// Whether some sums may not be trusted; also where a limit is NaN, infinity times 0. Those outside of c are asked,
/// too.
template <class Block>
__device__ __forceinline__ bool seems_lossy(const Block& block, int row, TensorSums<Block::Layout::units>& sums) {
  bool any = false;
  with_limits(block, row, sums, [&](const float& sum, float limit, int, int) { any |= !(fabsf(sum) >= limit); });
  return any;
}

/// Marks those that exist, and says whether there are any.
template <class Block>
__device__ __forceinline__ bool mark_lossy(const TensorParameters& p, const Block& block, const GemmTiling::Tile& tile,
                                           int row, TensorSums<Block::Layout::units>& sums) {
  bool any = false;
  with_limits(block, row, sums, [&](float& sum, float limit, int i, int j) {
    if (fabsf(sum) >= limit || !is_summed(p.gemm, tile.row + i, tile.column + j)) return;
    sum = __uint_as_float(left_out);
    any = true;
  });
  return any;
}

/// Whether any of the tile's threads says so.
__device__ __forceinline__ bool any_consumer(bool one) {
  int any = 0;
  asm volatile(
      "{.reg .pred p, q;\n setp.ne.b32 p, %1, 0;\n barrier.cta.red.or.pred q, 1, 256, p;\n selp.b32 %0, 1, 0, q;}"
      : "=r"(any)
      : "r"(static_cast<int>(one))
      : "memory");
  return any != 0;
}

/// Pass of 32 columns of one unit: to shared memory, so that neighbouring threads have neighbouring columns.
template <int Pass, class Layout>
__device__ __forceinline__ void stage_sums(const TensorSums<Layout::units>& sums, float* staging) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  constexpr int pitch = Layout::staging_pitch;
  float* const to = staging + lane / 4 * pitch + lane % 4 * 2;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    const float* const from = sums.unit[Pass / 4] + (Pass % 4 * 4 + j) * 4;
    *reinterpret_cast<float2*>(to + j * 8) = make_float2(from[0], from[1]);
    *reinterpret_cast<float2*>(to + 8 * pitch + j * 8) = make_float2(from[2], from[3]);
  }
}

/// Notes which sums of neighbouring rows from `row` on, one column a lane, are left out; gives those that are not.
/// `word`: which 32 columns of the tile.
template <int V>
__device__ __forceinline__ unsigned list_left_out(const TensorParameters& p, std::int64_t index, int row, int word,
                                                  const detail::RegisterTile<float, V>& v) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  unsigned stored = (1U << V) - 1U;
  unsigned own = 0;  // lane i keeps the word of row i
#pragma unroll
  for (int i = 0; i < V; ++i) {
    const bool is_left = __float_as_uint(v[i]) == left_out;
    const unsigned columns = __ballot_sync(0xffffffffU, is_left);
    if (is_left) stored &= ~(1U << i);
    if (lane == i) own = columns;
  }
  if (lane < V) p.rest.bits[(index * p.tiling.tile_rows + row + lane) * 4 + word] = own;
  return stored;
}

template <class Layout, bool Chained>
__device__ __forceinline__ void store_tile(const TensorParameters& p, const TensorBlock<Layout>& block,
                                           const GemmTiling::Tile& tile, std::int64_t index, int row, bool is_listed,
                                           const TensorSums<Layout::units>& sums) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float* const staging = block.staging(static_cast<int>(threadIdx.x) / 32 - Layout::producers);
#pragma unroll 1
  for (int pass = 0; pass < 4 * Layout::units; ++pass) {
    switch (pass) {
#define MYLOS_CASE(n)                                                          \
  case n:                                                                      \
    if constexpr (n < 4 * Layout::units) stage_sums<n, Layout>(sums, staging); \
    break;
      MYLOS_CASE(0)
      MYLOS_CASE(1)
      MYLOS_CASE(2)
      MYLOS_CASE(3)
      MYLOS_CASE(4)
      MYLOS_CASE(5)
      MYLOS_CASE(6)
      MYLOS_CASE(7)
#undef MYLOS_CASE
      default:
        break;
    }
    __syncwarp();
    constexpr int count = Chained ? 8 : 16;  // that are worked on at once: chains take registers
#pragma unroll 1
    for (int begin = 0; begin < 16; begin += count) {
      detail::RegisterTile<float, count> v;
#pragma unroll
      for (int i = 0; i < count; ++i) v[i] = staging[(begin + i) * Layout::staging_pitch + lane];
      unsigned stored = (1U << count) - 1U;
      const int first = row + pass / 4 * 64 + begin;
      if (is_listed) stored = list_left_out<count>(p, index, first, pass % 4, v);
      store_sums<Chained>(p.gemm, tile.batch, tile.row + first, tile.column + pass % 4 * 32 + lane, stored, v);
    }
    __syncwarp();
  }
}

/// Two warpgroups: the tiles that walk.next() names, up to one that does not exist, of which blocks_of() gives the
/// depth.
template <class Layout, bool Chained, class Walk, class Blocks>
__device__ __forceinline__ void consume(const TensorParameters& p, const TensorBlock<Layout>& block, Walk& walk,
                                        const Blocks& blocks_of) {
  const int consumer = static_cast<int>(threadIdx.x) - Layout::producers * 32;
  const int warpgroup = __shfl_sync(0xffffffffU, consumer / 128, 0);
  const int row = warpgroup * Layout::units * 64 + consumer / 32 % 4 * 16;  // this warp's first one of a unit
  Turn<Layout::stages> stage;
  Turn<Layout::slots> slot;
  unsigned losses_phase = 0;
  while (true) {
    const std::int64_t t = walk.next();
    if (t >= p.tiling.count) return;
    TensorSums<Layout::units> sums;
    sums.clear();
    const GemmTiling::Tile tile = p.tiling.at(t);
#pragma unroll 1
    for (std::int64_t blocks = blocks_of(tile); blocks > 0; --blocks) {
      block.full(stage.index).wait(stage.phase);
      multiply_stage(block, stage.index, slot.index, warpgroup, sums);
      stage.next();
      slot.next();
    }
    block.losses_full().wait(losses_phase);
    losses_phase ^= 1U;
    const bool is_listed = any_consumer(seems_lossy(block, row, sums));
    if (is_listed) mark_lossy(p, block, tile, row, sums);
    block.losses_empty().arrive();
    if (is_listed && consumer == 0) p.rest.tile[atomicAdd(p.rest.count, 1U)] = static_cast<unsigned>(t);
    store_tile<Layout, Chained>(p, block, tile, t, row, is_listed, sums);
  }
}

}  // namespace mylos::cuda
