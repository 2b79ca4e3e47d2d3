// c = a b of f32 matrices on the tensor cores of sm_90a: high * low + low * high + high * high of their halves
// (gemm_halves.cuh), the small products first. The accumulator of wgmma truncates, so that it holds 64 elements of K at
// most and is then added, with both scales, to sums in f32 registers (the promotion of DeepGEMM's
// sm90_fp8_gemm_1d2d.cuh; the splitting is that of Ootomo and Yokota, arXiv 2203.03341).
//
// Blocks are persistent: a producer fills the stages, two warpgroups multiply, each its own half of the tile's rows.
//
// Which sums are right. Let a row of a lose d in all by splitting, and have elements up to A; let a column of b lose e
// and have elements up to B. What is lost changes their sum by at most d B + A e (d e and less left out). A sum whose
// magnitude is at least 2^22 times that is as good as if nothing had been lost: it is below 2^-22 of |sum|, hence of
// the sum of the products' magnitudes, where a plain f32 product of so many terms is off by more. All other sums, with
// those of rows that have no finite scale, are left out here and computed in plain f32 (gemm_plain.cu). With
// well-behaved data they are one in some 10^7; nothing is assumed about the data, so that no answer is wrong where they
// are many.
//
// Tried and slower on H200: multicast over clusters of two (5 %), turns of the two warpgroups by barriers (8 %), a from
// registers (10 %).
#pragma once

#include "cuda/gemm_epilogue.cuh"
#include "cuda/gemm_tensor.hpp"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/launch.cuh"
#include "cuda/primitives/named_barrier.cuh"
#include "cuda/primitives/wgmma.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

inline constexpr int tensor_columns = 128;
inline constexpr int tensor_threads = 384;
inline constexpr int tensor_consumers = 256;
inline constexpr int line = 128;  // bytes of a row in a stage, in each half

/// Offsets in a block's shared memory.
template <int Units>
struct TensorLayout {
  static constexpr int rows = tensor_tuning(Units).rows();
  static constexpr int stages = tensor_tuning(Units).stages;
  static constexpr int sides = rows + tensor_columns;
  // A stage: high and low halves of the rows, high and low halves of the columns.
  static constexpr int low = rows * line;
  static constexpr int b_high = 2 * rows * line;
  static constexpr int b_low = b_high + tensor_columns * line;
  static constexpr int stage_bytes = 2 * sides * line;
  // The units of a stage are read a little after its products are over.
  static constexpr int slots = 2 * stages;
  static constexpr int unit = stages * stage_bytes;
  static constexpr int unit_bytes = sides * static_cast<int>(sizeof(float));
  static constexpr int loss = unit + slots * unit_bytes;
  // Of a warp: 16 rows of 32 sums.
  static constexpr int staging = loss + sides * static_cast<int>(sizeof(HalvesLoss));
  static constexpr int staging_pitch = 40;
  static constexpr int staging_bytes = 16 * staging_pitch * static_cast<int>(sizeof(float));
  static constexpr int barriers = staging + tensor_consumers / 32 * staging_bytes;
  // The tiles that come next.
  static constexpr int turns = 2;
  static constexpr int tiles = barriers + (2 * stages + 2 + 2 * turns) * 8;
  static constexpr int bytes = tiles + turns * 8;
  static constexpr int alignment = 1024;  // that the products ask for
};

template <int Units>
struct TensorBlock {
  using Layout = TensorLayout<Units>;
  unsigned char* memory;
  std::uint32_t address;

  __device__ __forceinline__ Mbarrier full(int stage) const {
    return {address + Layout::barriers + static_cast<unsigned>(stage) * 8};
  }
  __device__ __forceinline__ Mbarrier empty(int stage) const { return full(Layout::stages + stage); }
  __device__ __forceinline__ Mbarrier losses_full() const { return full(2 * Layout::stages); }
  __device__ __forceinline__ Mbarrier losses_empty() const { return full(2 * Layout::stages + 1); }
  __device__ __forceinline__ Mbarrier tile_full(int turn) const { return full(2 * Layout::stages + 2 + turn); }
  __device__ __forceinline__ Mbarrier tile_empty(int turn) const { return tile_full(Layout::turns + turn); }
  __device__ __forceinline__ std::int64_t& tile(int turn) const {
    return reinterpret_cast<std::int64_t*>(memory + Layout::tiles)[turn];
  }
  __device__ __forceinline__ float* unit(int slot) const {
    return reinterpret_cast<float*>(memory + Layout::unit + slot * Layout::unit_bytes);
  }
  __device__ __forceinline__ HalvesLoss* loss() const { return reinterpret_cast<HalvesLoss*>(memory + Layout::loss); }
  __device__ __forceinline__ float* staging(int warp) const {
    return reinterpret_cast<float*>(memory + Layout::staging + warp * Layout::staging_bytes);
  }
};

/// Where a walk around the stages is.
template <int Count>
struct Turn {
  int index = 0;
  unsigned phase = 0;
  __device__ __forceinline__ void next() {
    if (++index == Count) {
      index = 0;
      phase ^= 1U;
    }
  }
};

/// The tiles of a block, as the producer takes them. All threads of the other warps walk along.
template <int Units>
struct TileWalk {
  const TensorBlock<Units>& block;
  Turn<TensorLayout<Units>::turns> turn{};

  __device__ __forceinline__ void publish(std::int64_t tile) {
    block.tile_empty(turn.index).wait(turn.phase ^ 1U);
    block.tile(turn.index) = tile;
    block.tile_full(turn.index).arrive();
    turn.next();
  }
  __device__ __forceinline__ std::int64_t next() {
    block.tile_full(turn.index).wait(turn.phase);
    const std::int64_t tile = block.tile(turn.index);
    block.tile_empty(turn.index).arrive();
    turn.next();
    return tile;
  }
};

/// A factor's rows of a tile: what one stage holds of them.
struct TensorSide {
  const Halves* halves;
  std::int64_t row;
  std::int64_t matrix;
  int rows;

  __device__ __forceinline__ TensorSide(const TensorParameters& p, int factor, const GemmTiling::Tile& tile,
                                        int tile_rows)
      : halves(&p.halves[factor]), row(factor == 0 ? tile.row : tile.column) {
    matrix = p.gemm.batch.offset(halves->batch, tile.batch);
    rows = static_cast<int>(::min(static_cast<std::int64_t>(tile_rows), halves->pitch - row));
  }
  __device__ __forceinline__ int bytes() const { return rows * (2 * line + static_cast<int>(sizeof(float))); }
  __device__ __forceinline__ void copy(std::int64_t block, std::uint32_t high, std::uint32_t low, std::uint32_t unit,
                                       Mbarrier barrier) const {
    const std::int64_t index = matrix * halves->blocks + block;
    const unsigned char* from = halves->data + index * halves->block_bytes() + row * line;
    copy_bulk(high, from, rows * line, barrier);
    copy_bulk(low, from + halves->pitch * line, rows * line, barrier);
    copy_bulk(unit, halves->unit + index * halves->pitch + row, rows * static_cast<int>(sizeof(float)), barrier);
  }
};

/// Triangles leave blocks out.
template <int Units>
__device__ __forceinline__ TensorDepth depth_of(const TensorParameters& p, const GemmTiling::Tile& tile) {
  TensorDepth depth{0, p.halves[0].blocks};
#pragma unroll
  for (int f = 0; f < 2; ++f) {
    const std::int64_t row = f == 0 ? tile.row : tile.column;
    const int rows = f == 0 ? TensorLayout<Units>::rows : tensor_columns;
    if (p.gemm.factor[f].structure == MatrixStructure::lower) depth.end = ::min(depth.end, (row + rows) / halves_depth);
    if (p.gemm.factor[f].structure == MatrixStructure::upper) depth.first = ::max(depth.first, row / halves_depth);
  }
  return depth;
}

/// One thread. Tiles differ in depth where there are triangles, so blocks take them as they come.
template <int Units>
__device__ __forceinline__ void fill_stages(const TensorParameters& p, const TensorBlock<Units>& block) {
  using Layout = TensorLayout<Units>;
  TileWalk<Units> walk{block};
  Turn<Layout::stages> stage;
  Turn<Layout::slots> slot;
  std::int64_t t = blockIdx.x;
  while (true) {
    walk.publish(t);
    if (t >= p.tiling.count) return;
    const std::int64_t next = gridDim.x + static_cast<std::int64_t>(atomicAdd(p.next_tile, 1U));
    const GemmTiling::Tile tile = p.tiling.at(t);
    const TensorSide a(p, 0, tile, Layout::rows);
    const TensorSide b(p, 1, tile, tensor_columns);
    const TensorDepth depth = depth_of<Units>(p, tile);
    for (std::int64_t k = depth.first; k < depth.end; ++k) {
      const std::uint32_t to = block.address + static_cast<unsigned>(stage.index * Layout::stage_bytes);
      const std::uint32_t unit = shared_address(block.unit(slot.index));
      const Mbarrier full = block.full(stage.index);
      block.empty(stage.index).wait(stage.phase ^ 1U);
      full.expect(a.bytes() + b.bytes());
      a.copy(k, to, to + Layout::low, unit, full);
      b.copy(k, to + Layout::b_high, to + Layout::b_low, unit + Layout::rows * 4, full);
      stage.next();
      slot.next();
    }
    t = next;
  }
}

/// Three warps: what each row and column of a tile loses in all, 2^22 times as large; 0 outside.
template <int Units>
__device__ __forceinline__ void fill_losses(const TensorParameters& p, const TensorBlock<Units>& block) {
  using Layout = TensorLayout<Units>;
  TileWalk<Units> walk{block};
  unsigned phase = 0;
  while (true) {
    const std::int64_t t = walk.next();
    if (t >= p.tiling.count) return;
    const GemmTiling::Tile tile = p.tiling.at(t);
    // All loads of a part at once: a short tile does not last longer than a few of them one after the other.
    constexpr int count = Layout::sides / 96 + (Layout::sides % 96 == 0 ? 0 : 1);
    const HalvesLoss* from[count];
    HalvesLoss sum[count];
    const int parts = p.halves[0].parts;
#pragma unroll
    for (int n = 0; n < count; ++n) {
      const int i = static_cast<int>(threadIdx.x) - 32 + n * 96;
      const int factor = i < Layout::rows ? 0 : 1;
      const Halves& h = p.halves[factor];
      const std::int64_t row = factor == 0 ? tile.row + i : tile.column + i - Layout::rows;
      const bool exists = i < Layout::sides && row < h.rows;
      from[n] = exists ? h.loss + p.gemm.batch.offset(h.batch, tile.batch) * h.parts * h.pitch + row : nullptr;
      sum[n] = {0, 0};
    }
#pragma unroll 2
    for (int part = 0; part < parts; ++part)
#pragma unroll
      for (int n = 0; n < count; ++n) {
        if (from[n] == nullptr) continue;
        const bool is_row = static_cast<int>(threadIdx.x) - 32 + n * 96 < Layout::rows;
        const HalvesLoss loss = from[n][part * p.halves[is_row ? 0 : 1].pitch];
        sum[n].largest = fmaxf(sum[n].largest, loss.largest);
        sum[n].lost += loss.lost;
      }
    block.losses_empty().wait(phase ^ 1U);
#pragma unroll
    for (int n = 0; n < count; ++n) {
      const int i = static_cast<int>(threadIdx.x) - 32 + n * 96;
      sum[n].lost *= 0x1p22F;
      if (i < Layout::sides) block.loss()[i] = sum[n];
    }
    block.losses_full().arrive();
    phase ^= 1U;
  }
}

/// What one thread has of a tile.
template <int Units>
struct TensorSums {
  float unit[Units][64];
};

/// Adds the products of one stage.
template <int Units>
__device__ __forceinline__ void multiply_stage(const TensorBlock<Units>& block, int stage, int slot, int warpgroup,
                                               TensorSums<Units>& sums) {
  using Layout = TensorLayout<Units>;
  const std::uint32_t at = matrix_descriptor(block.address) + static_cast<unsigned>(stage * Layout::stage_bytes / 16);
  const float* const units = block.unit(slot);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32 % 4;
#pragma unroll
  for (int u = 0; u < Units; ++u) {
    const int row = (warpgroup * Units + u) * 64;
    // Told to be the same for all threads, and made anew for each unit, descriptors stay in uniform registers.
    const std::uint32_t b_high = __shfl_sync(0xffffffffU, at + Layout::b_high / 16, 0);
    const std::uint32_t a_high = __shfl_sync(0xffffffffU, at + static_cast<unsigned>(row * line / 16), 0);
    const std::uint32_t b_low = b_high + (Layout::b_low - Layout::b_high) / 16;
    const std::uint32_t a_low = a_high + Layout::low / 16;
    float sum[64];
    fence_products();
    multiply_64x128<false>(sum, a_low, b_high);
    multiply_64x128<true>(sum, a_high, b_low);
#pragma unroll
    for (int k = 1; k < 4; ++k) {
      multiply_64x128<true>(sum, a_low + 2 * k, b_high + 2 * k);
      multiply_64x128<true>(sum, a_high + 2 * k, b_low + 2 * k);
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) multiply_64x128<true>(sum, a_high + 2 * k, b_high + 2 * k);
    end_products();
    const float unit_0 = units[row + warp * 16 + lane / 4];
    const float unit_1 = units[row + warp * 16 + lane / 4 + 8];
    wait_for_products();
    pin(sum);
    if (u == Units - 1 && lane == 0) block.empty(stage).arrive();
    const float2* const column = reinterpret_cast<const float2*>(units + Layout::rows) + lane % 4;
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
template <int Units, class Visit>
__device__ __forceinline__ void with_limits(const TensorBlock<Units>& block, int row, TensorSums<Units>& sums,
                                            const Visit& visit) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const HalvesLoss* const loss = block.loss();
#pragma unroll
  for (int u = 0; u < Units; ++u) {
    const int first = row + u * 64 + lane / 4;
    const HalvesLoss below[2] = {loss[first], loss[first + 8]};
#pragma unroll
    for (int j = 0; j < 16; ++j) {
      const int column = j * 8 + lane % 4 * 2;
      const auto pair = *reinterpret_cast<const float4*>(loss + TensorLayout<Units>::rows + column);
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
template <int Units>
__device__ __forceinline__ bool seems_lossy(const TensorBlock<Units>& block, int row, TensorSums<Units>& sums) {
  bool any = false;
  with_limits<Units>(block, row, sums, [&](const float& sum, float limit, int, int) { any |= !(fabsf(sum) >= limit); });
  return any;
}

template <int Units>
__device__ __forceinline__ void mark_lossy(const TensorParameters& p, const TensorBlock<Units>& block,
                                           const GemmTiling::Tile& tile, int row, TensorSums<Units>& sums) {
  with_limits<Units>(block, row, sums, [&](float& sum, float limit, int i, int j) {
    if (!(fabsf(sum) >= limit) && is_summed(p.gemm, tile.row + i, tile.column + j)) sum = __uint_as_float(left_out);
  });
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
template <int Pass, int Units>
__device__ __forceinline__ void stage_sums(const TensorSums<Units>& sums, float* staging) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  constexpr int pitch = TensorLayout<Units>::staging_pitch;
  float* const to = staging + lane / 4 * pitch + lane % 4 * 2;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    const float* const from = sums.unit[Pass / 4] + (Pass % 4 * 4 + j) * 4;
    *reinterpret_cast<float2*>(to + j * 8) = make_float2(from[0], from[1]);
    *reinterpret_cast<float2*>(to + 8 * pitch + j * 8) = make_float2(from[2], from[3]);
  }
}

template <int Units, bool Chained>
__device__ __forceinline__ void store_tile(const TensorParameters& p, const TensorBlock<Units>& block,
                                           const GemmTiling::Tile& tile, std::int64_t index, int row, bool is_listed,
                                           const TensorSums<Units>& sums) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float* const staging = block.staging(static_cast<int>(threadIdx.x) / 32 - 4);
#pragma unroll 1
  for (int pass = 0; pass < 4 * Units; ++pass) {
    switch (pass) {
#define MYLOS_CASE(n)                                                 \
  case n:                                                             \
    if constexpr (n < 4 * Units) stage_sums<n, Units>(sums, staging); \
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
      for (int i = 0; i < count; ++i) v[i] = staging[(begin + i) * TensorLayout<Units>::staging_pitch + lane];
      unsigned stored = (1U << count) - 1U;
      const int first = row + pass / 4 * 64 + begin;
      if (is_listed) {
        unsigned own = 0;  // lane i keeps the word of row i
#pragma unroll
        for (int i = 0; i < count; ++i) {
          const bool is_left = __float_as_uint(v[i]) == left_out;
          const unsigned word = __ballot_sync(0xffffffffU, is_left);
          if (is_left) stored &= ~(1U << i);
          if (lane == i) own = word;
        }
        if (lane < count) p.rest.bits[(index * p.tiling.tile_rows + first + lane) * 4 + pass % 4] = own;
      }
      store_sums<Chained>(p.gemm, tile.batch, tile.row + first, tile.column + pass % 4 * 32 + lane, stored, v);
    }
    __syncwarp();
  }
}

template <int Units, bool Chained>
__device__ __forceinline__ void consume(const TensorParameters& p, const TensorBlock<Units>& block) {
  using Layout = TensorLayout<Units>;
  const int warpgroup = __shfl_sync(0xffffffffU, static_cast<int>(threadIdx.x) / 128, 0) - 1;
  const int warp = static_cast<int>(threadIdx.x) / 32 % 4;
  const int row = warpgroup * Units * 64 + warp * 16;  // this warp's first one of a unit
  Turn<Layout::stages> stage;
  Turn<Layout::slots> slot;
  TileWalk<Units> walk{block};
  unsigned losses_phase = 0;
  while (true) {
    const std::int64_t t = walk.next();
    if (t >= p.tiling.count) return;
    TensorSums<Units> sums;
#pragma unroll
    for (int u = 0; u < Units; ++u)
#pragma unroll
      for (int i = 0; i < 64; ++i) sums.unit[u][i] = 0.F;
    const GemmTiling::Tile tile = p.tiling.at(t);
    const TensorDepth depth = depth_of<Units>(p, tile);
#pragma unroll 1
    for (std::int64_t k = depth.first; k < depth.end; ++k) {
      block.full(stage.index).wait(stage.phase);
      multiply_stage<Units>(block, stage.index, slot.index, warpgroup, sums);
      stage.next();
      slot.next();
    }
    block.losses_full().wait(losses_phase);
    losses_phase ^= 1U;
    const bool is_listed = any_consumer(seems_lossy<Units>(block, row, sums));
    if (is_listed) mark_lossy<Units>(p, block, tile, row, sums);
    block.losses_empty().arrive();
    if (is_listed && threadIdx.x == 128) p.rest.tile[atomicAdd(p.rest.count, 1U)] = static_cast<unsigned>(t);
    store_tile<Units, Chained>(p, block, tile, t, row, is_listed, sums);
  }
}

template <int Units, bool Chained>
__global__ void __launch_bounds__(tensor_threads, 1) tensor_kernel(const __grid_constant__ TensorParameters p) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  using Layout = TensorLayout<Units>;
  extern __shared__ unsigned char memory[];
  const std::uint32_t begin = shared_address(memory);
  const std::uint32_t address = (begin + Layout::alignment - 1) / Layout::alignment * Layout::alignment;
  const TensorBlock<Units> block{memory + (address - begin), address};
  if (threadIdx.x == 0) {
    for (int s = 0; s < Layout::stages; ++s) {
      block.full(s).init(1);
      block.empty(s).init(tensor_consumers / 32);
    }
    block.losses_full().init(96);
    block.losses_empty().init(tensor_consumers);
    for (int turn = 0; turn < Layout::turns; ++turn) {
      block.tile_full(turn).init(1);
      block.tile_empty(turn).init(tensor_consumers + 96);
    }
    publish_mbarriers();
    fence_shared_writes();
  }
  __syncthreads();
  if (__shfl_sync(0xffffffffU, static_cast<int>(threadIdx.x) / 128, 0) == 0) {
    give_registers<40>();
    if (threadIdx.x == 0)
      fill_stages<Units>(p, block);
    else if (threadIdx.x >= 32)
      fill_losses<Units>(p, block);
  } else {
    take_registers<232>();
    consume<Units, Chained>(p, block);
  }
#endif
}

template <int Units, bool Chained>
void launch_tensor(const TensorParameters& parameters, void* stream) {
  const int blocks = device_attribute(cudaDevAttrMultiProcessorCount);
  launch(tensor_kernel<Units, Chained>, parameters.tiling.count < blocks ? parameters.tiling.count : blocks,
         tensor_threads, stream, parameters, TensorLayout<Units>::bytes + TensorLayout<Units>::alignment);
}

}  // namespace mylos::cuda
