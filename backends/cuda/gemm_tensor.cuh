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

#include "cuda/gemm_tensor_sums.cuh"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/flag.cuh"
#include "cuda/primitives/launch.cuh"

namespace mylos::cuda {

template <int Units>
using QueuedLayout = TensorLayout<Units, tensor_tuning(Units).stages, 4>;

/// Triangles leave blocks out.
template <class Layout>
__device__ __forceinline__ TensorDepth depth_of(const TensorParameters& p, const GemmTiling::Tile& tile) {
  TensorDepth depth{0, p.halves[0].blocks};
#pragma unroll
  for (int f = 0; f < 2; ++f) {
    const std::int64_t row = f == 0 ? tile.row : tile.column;
    const int rows = f == 0 ? Layout::rows : tensor_columns;
    if (p.gemm.factor[f].structure == MatrixStructure::lower) depth.end = ::min(depth.end, (row + rows) / halves_depth);
    if (p.gemm.factor[f].structure == MatrixStructure::upper) depth.first = ::max(depth.first, row / halves_depth);
  }
  return depth;
}

/// One thread: until the halves of a tile are there.
template <class Layout>
__device__ __forceinline__ void wait_for_halves(const TensorParameters& p, const GemmTiling::Tile& tile) {
#pragma unroll
  for (int f = 0; f < 2; ++f) {
    const HalvesProgress& progress = p.progress[f];
    if (progress.done == nullptr) continue;
    const unsigned* const done = progress.done + p.gemm.batch.offset(p.halves[f].batch, tile.batch) * progress.slabs;
    const std::int64_t first = (f == 0 ? tile.row : tile.column) / 128;
    const std::int64_t end = ::min(progress.slabs, first + (f == 0 ? Layout::rows : tensor_columns) / 128);
    for (std::int64_t slab = first; slab < end; ++slab)
      wait_for_count(done + slab, static_cast<unsigned>(progress.height(slab) * progress.stretches));
  }
  acquire();
  fence_bulk_copies();
}

/// One thread. Tiles differ in depth where there are triangles, so blocks take them as they come.
template <class Layout>
__device__ __forceinline__ void fill_stages(const TensorParameters& p, const TensorBlock<Layout>& block) {
  TileWalk<Layout> walk{block};
  Turn<Layout::stages> stage;
  Turn<Layout::slots> slot;
  // Blocks that have to wait for a multiprocessor must not keep a tile until then.
  const bool is_overlapped = p.is_overlapped();
  const std::int64_t taken = is_overlapped ? 0 : gridDim.x;
  std::int64_t t = is_overlapped ? static_cast<std::int64_t>(atomicAdd(p.next_tile, 1U)) : blockIdx.x;
  while (true) {
    if (t >= p.tiling.count) return walk.publish(t);
    const std::int64_t next = taken + static_cast<std::int64_t>(atomicAdd(p.next_tile, 1U));
    const GemmTiling::Tile tile = p.tiling.at(t);
    if (is_overlapped) wait_for_halves<Layout>(p, tile);
    walk.publish(t);
    const TensorSide a(p, 0, tile, Layout::rows);
    const TensorSide b(p, 1, tile, tensor_columns);
    const TensorDepth depth = depth_of<Layout>(p, tile);
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

/// Three warps: what each row and column of a tile loses in all; 0 outside.
template <class Layout>
__device__ __forceinline__ void fill_losses(const TensorParameters& p, const TensorBlock<Layout>& block) {
  TileWalk<Layout> walk{block};
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
      if (i < Layout::sides) block.loss()[i] = sum[n];
    }
    block.losses_full().arrive();
    phase ^= 1U;
  }
}
template <int Units, bool Chained>
__global__ void __launch_bounds__(QueuedLayout<Units>::threads, 1)
    tensor_kernel(const __grid_constant__ TensorParameters p) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  using Layout = QueuedLayout<Units>;
  extern __shared__ unsigned char memory[];
  const std::uint32_t begin = shared_address(memory);
  const std::uint32_t address = (begin + Layout::alignment - 1) / Layout::alignment * Layout::alignment;
  const TensorBlock<Layout> block{memory + (address - begin), address};
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
    if (threadIdx.x == 0) {
      fill_stages<Layout>(p, block);
      if (p.is_overlapped()) wait_for_kernel_before();
    } else if (threadIdx.x >= 32)
      fill_losses<Layout>(p, block);
  } else {
    take_registers<232>();
    TileWalk<Layout> walk{block};
    consume<Layout, Chained>(p, block, walk, [&](const GemmTiling::Tile& tile) {
      const TensorDepth depth = depth_of<Layout>(p, tile);
      return depth.end - depth.first;
    });
  }
#endif
}

template <int Units, bool Chained>
void launch_tensor(const TensorParameters& parameters, void* stream) {
  const int blocks = device_attribute(cudaDevAttrMultiProcessorCount);
  launch(tensor_kernel<Units, Chained>, parameters.tiling.count < blocks ? parameters.tiling.count : blocks,
         QueuedLayout<Units>::threads, stream, parameters, QueuedLayout<Units>::bytes + QueuedLayout<Units>::alignment,
         parameters.is_overlapped());
}

}  // namespace mylos::cuda
