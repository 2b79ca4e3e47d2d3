// c = a b of f32 matrices straight from memory: gemm_tensor.cuh's products, of halves that are made while the factors
// are loaded. For factors of which few tiles use each element, where a pass of its own would take long.
//
// A producing warp has its own 32 rows of each stage: it copies them, as they are, to where their halves will be (both
// take 256 bytes a row), reads them into registers, one row a lane or four rows of some elements of K, and writes the
// halves over them. Halves lie along K or along rows as the elements do: the tensor cores take both, and nothing is
// turned round. The products run at half the speed of those of halves that are there, and at 0.4 to 0.45 of it where a
// factor's rows are neighbours in memory.
//
// Tried and slower on H200 (256 x 256 x 524288, both factors along K, 0.58 ms): tiles of 256 rows, of which two stages
// fit (0.96 ms); elements loaded a stage ahead to registers that are free as soon as they are split (0.71 ms, 1.57
// where registers spill: who waits for one of a warp's loads waits for all of them); a copy of the code for each factor
// (0.69 ms). Warps that run different code seem to wait for instructions: with one factor along rows, code for two
// pieces in place of eight takes 0.64 ms in place of 0.75.
#pragma once

#include "cuda/gemm_direct_source.cuh"
#include "cuda/gemm_split.cuh"
#include "cuda/gemm_tensor_sums.cuh"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/launch.cuh"

namespace mylos::cuda {

/// A row of a stage, and what it loses in a tile.
struct DirectBook {
  float unit;
  HalvesLoss loss;
};

/// From elements to halves in place, of the lane's row. `AtOnce`: pieces; all of them stay in registers, or they are
/// read twice by little code.
template <int AtOnce>
__device__ __forceinline__ void split_along_depth(std::uint32_t high, bool compensates, DirectBook& book) {
  const std::uint32_t row = high + PlaceAlongDepth::of(threadIdx.x % 32U, 0);
  float v[AtOnce][8];
  const auto load = [&](int first) {
#pragma unroll
    for (int i = 0; i < AtOnce; ++i) {
      const std::uint32_t at = row ^ static_cast<unsigned>((first + i) << 4);
      load_shared(at, v[i]);
      load_shared(at + DirectStages::low, v[i] + 4);
    }
  };
  float largest[4] = {};  // NaN is left out: it goes through, and spoils its sums
#pragma unroll 1
  for (int first = 0; first < 8; first += AtOnce) {
    load(first);
#pragma unroll
    for (int i = 0; i < AtOnce * 8; ++i) largest[i % 4] = fmaxf(largest[i % 4], fabsf(v[i / 8][i % 8]));
  }
  const HalvesScale scale =
      halves_scale(__float_as_uint(fmaxf(fmaxf(largest[0], largest[1]), fmaxf(largest[2], largest[3]))));
  float lost = 0;
  bool has_low = false;
#pragma unroll 1
  for (int first = 0; first < 8; first += AtOnce) {
    if (AtOnce < 8) load(first);
#pragma unroll
    for (int i = 0; i < AtOnce; ++i) {
      float(&x)[8] = v[i];
#pragma unroll
      for (float& one : x) one *= scale.scale;
      const HalvesPiece halves = split_piece(x);
      if (may_lose(halves)) lost += lost_by(x, halves);
      has_low |= halves.has_low();
      const std::uint32_t at = row ^ static_cast<unsigned>((first + i) << 4);
      store_shared(at, halves.high.value);
      store_shared(at + DirectStages::low, halves.low.value);
    }
  }
  book.unit = compensates && has_low ? compensated(scale.unit) : scale.unit;
  book.loss.largest = fmaxf(book.loss.largest, scale.largest);
  book.loss.lost += scale.scale != 0.F ? lost * book.unit : scale.largest;
}

/// Of four lanes that have the same rows.
template <class Combine>
__device__ __forceinline__ auto across_lanes(float v, const Combine& combine) {
  v = combine(v, __shfl_xor_sync(0xffffffffU, v, 8));
  return combine(v, __shfl_xor_sync(0xffffffffU, v, 16));
}

/// Likewise where lines are elements of K; each of the four lanes keeps the books of one of their rows.
__device__ __forceinline__ void split_along_rows(std::uint32_t high, unsigned warp_row, bool compensates,
                                                 DirectBook& book) {
  float v[8][8];
#pragma unroll
  for (unsigned i = 0; i < 16; ++i)
    load_shared(high + PlaceAlongRows::whole(warp_row, i % 2) + i / 2 * 8 * line, v[i / 2] + i % 2 * 4);
  __syncwarp();  // all have read what is overwritten now
  const unsigned own = threadIdx.x % 32U / 8;
  float scales[4];
  bool fits = true;
#pragma unroll
  for (unsigned e = 0; e < 4; ++e) {
    float largest = 0;
#pragma unroll
    for (int i = 0; i < 16; ++i) largest = fmaxf(largest, fabsf(v[i / 2][i % 2 * 4 + e]));
    largest = across_lanes(largest, [](float x, float y) { return fmaxf(x, y); });
    const HalvesScale scale = halves_scale(__float_as_uint(largest));
    scales[e] = scale.scale;
    if (own == e) {
      book.unit = scale.unit;
      book.loss.largest = fmaxf(book.loss.largest, scale.largest);
      fits = scale.scale != 0.F;
    }
  }
  if (!fits) book.loss.lost = __uint_as_float(0x7f800000U);
  unsigned low_bits[2] = {};
#pragma unroll
  for (unsigned group = 0; group < 8; ++group) {
    float(&x)[8] = v[group];
#pragma unroll
    for (int e = 0; e < 8; ++e) x[e] *= scales[e % 4];
    HalvesPiece halves = split_piece(x);
#pragma unroll
    for (unsigned i = 0; i < 2; ++i) {
      const std::uint32_t at = high + PlaceAlongRows::split(warp_row, i) + group * 8 * line;
      store_shared(at, halves.high.value[2 * i], halves.high.value[2 * i + 1]);
      store_shared(at + DirectStages::low, halves.low.value[2 * i], halves.low.value[2 * i + 1]);
      low_bits[i] |= halves.low.value[i] | halves.low.value[i + 2];
    }
    if (!__any_sync(0xffffffffU, may_lose(halves))) continue;
#pragma unroll
    for (unsigned i = 0; i < 2; ++i) {  // rather than to keep them in registers
      const std::uint32_t at = high + PlaceAlongRows::split(warp_row, i) + group * 8 * line;
      load_shared(at, halves.high.value[2 * i], halves.high.value[2 * i + 1]);
      load_shared(at + DirectStages::low, halves.low.value[2 * i], halves.low.value[2 * i + 1]);
    }
    float lost[8];
    lost_by(x, halves, lost);
#pragma unroll
    for (unsigned e = 0; e < 4; ++e) {
      const float sum = across_lanes(lost[e] + lost[e + 4], [](float x, float y) { return x + y; });
      if (own == e) book.loss.lost += sum * book.unit;
    }
  }
  if (!compensates) return;
#pragma unroll
  for (unsigned& bits : low_bits) {
    bits |= __shfl_xor_sync(0xffffffffU, bits, 8);
    bits |= __shfl_xor_sync(0xffffffffU, bits, 16);
  }
  if ((low_bits[own / 2] >> own % 2 * 16 & 0x7fffU) != 0) book.unit = compensated(book.unit);
}

/// A block's tiles, evenly apart.
struct StridedWalk {
  std::int64_t tile;
  __device__ __forceinline__ std::int64_t next() {
    const std::int64_t now = tile;
    tile += gridDim.x;
    return now;
  }
};

__device__ __forceinline__ std::int64_t direct_blocks(const GemmParameters& p, std::int64_t batch) {
  return (p.depth(batch) + halves_depth - 1) / halves_depth;
}

/// A producing warp: its rows of all stages, copied one stage before they are split.
template <class Layout, DirectLoading Loading>
__device__ __forceinline__ void fill_stages(const DirectParameters& p, const TensorBlock<Layout>& block, int warp) {
  using Source = DirectSource<Loading>;
  const GemmParameters& gemm = p.tensor.gemm;
  const GemmTiling& tiling = p.tensor.tiling;
  const int row = warp * 32;  // rows and columns of a tile, one after the other
  const bool is_column = row >= Layout::rows;
  // Along rows, 64 of them share their lines.
  const unsigned warp_row = Source::along_rows ? static_cast<unsigned>(row % 64) : 0U;
  const std::uint32_t high =
      block.address + (static_cast<unsigned>(row + (is_column ? Layout::rows : 0)) - warp_row) * line;
  const auto place = [&](int stage) { return high + static_cast<unsigned>(stage * Layout::stage_bytes); };
  Source source{gemm.factor[is_column ? 1 : 0]};
  StridedWalk walk{blockIdx.x};
  Turn<Layout::stages> copied;
  const auto copy_next = [&] {
    if (source.left <= 0) {
      const std::int64_t t = walk.next();
      if (t < tiling.count) {
        const GemmTiling::Tile tile = tiling.at(t);
        source.begin(gemm, tile, is_column ? tile.column + row - Layout::rows : tile.row + row);
      }
    }
    if (source.left > 0) {
      block.empty(copied.index).wait(copied.phase ^ 1U);
      source.copy(place(copied.index), warp_row);
      copied.next();
    }
    end_copies();
  };
  copy_next();
  Turn<Layout::stages> stage;
  unsigned losses_phase = 0;
  const int lane = Source::lane();
  const int own = row + (Source::along_rows ? Source::first_row() + lane / 8 : lane);
  for (std::int64_t t = blockIdx.x; t < tiling.count; t += gridDim.x) {
    DirectBook book{};
#pragma unroll 1
    for (auto blocks = static_cast<int>(direct_blocks(gemm, tiling.at(t).batch)); blocks > 0; --blocks) {
      copy_next();
      wait_for_copies<1>();
      __syncwarp();
      if constexpr (Source::along_rows)
        split_along_rows(place(stage.index), warp_row, source.factor.is_a, book);
      else
        split_along_depth<Layout::a_along_rows == Layout::b_along_rows ? 8 : 2>(place(stage.index), source.factor.is_a,
                                                                                book);
      block.unit(stage.index + static_cast<int>(stage.phase) * Layout::stages)[own] = book.unit;
      fence_shared_writes();
      __syncwarp();
      if (lane == 0) block.full(stage.index).arrive();
      stage.next();
    }
    block.losses_empty().wait(losses_phase ^ 1U);
    block.loss()[own] = book.loss;
    block.losses_full().arrive();
    losses_phase ^= 1U;
  }
  wait_for_copies<0>();
}

/// Warps of factors along rows or along K.
template <class Layout, bool AlongRows>
__device__ __forceinline__ void fill_stages(const DirectParameters& p, const TensorBlock<Layout>& block, int warp) {
  constexpr DirectLoading vectors = AlongRows ? DirectLoading::vectors_along_rows : DirectLoading::vectors_along_depth;
  constexpr DirectLoading single = AlongRows ? DirectLoading::along_rows : DirectLoading::along_depth;
  if (p.loading[warp * 32 < Layout::rows ? 0 : 1] == vectors)
    fill_stages<Layout, vectors>(p, block, warp);
  else
    fill_stages<Layout, single>(p, block, warp);
}

template <class Layout, bool Chained>
__global__ void __launch_bounds__(Layout::threads, 1) direct_kernel(const __grid_constant__ DirectParameters p) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ unsigned char memory[];
  const std::uint32_t begin = shared_address(memory);
  const std::uint32_t address = (begin + Layout::alignment - 1) / Layout::alignment * Layout::alignment;
  const TensorBlock<Layout> block{memory + (address - begin), address};
  if (threadIdx.x == 0) {
    for (int s = 0; s < Layout::stages; ++s) {
      block.full(s).init(Layout::producers);
      block.empty(s).init(tensor_consumers / 32);
    }
    block.losses_full().init(Layout::producers * 32);
    block.losses_empty().init(tensor_consumers);
    publish_mbarriers();
    fence_shared_writes();
  }
  __syncthreads();
  const int warp = __shfl_sync(0xffffffffU, static_cast<int>(threadIdx.x) / 32, 0);
  if (warp < Layout::producers) {
    give_registers<direct_tuning().producer_registers>();
    if (Layout::a_along_rows == Layout::b_along_rows || warp * 32 < Layout::rows)
      fill_stages<Layout, Layout::a_along_rows>(p, block, warp);
    else
      fill_stages<Layout, Layout::b_along_rows>(p, block, warp);
  } else {
    take_registers<direct_tuning().consumer_registers>();
    StridedWalk walk{blockIdx.x};
    consume<Layout, Chained>(p.tensor, block, walk,
                             [&](const GemmTiling::Tile& tile) { return direct_blocks(p.tensor.gemm, tile.batch); });
  }
#endif
}

template <bool AAlongRows, bool BAlongRows, bool Chained>
void launch_layout(const DirectParameters& p, void* stream) {
  using Layout = DirectLayout<AAlongRows, BAlongRows>;
  const std::int64_t blocks = device_attribute(cudaDevAttrMultiProcessorCount);
  const std::int64_t count = p.tensor.tiling.count;
  launch(direct_kernel<Layout, Chained>, count < blocks ? count : blocks, Layout::threads, stream, p,
         Layout::bytes + Layout::alignment);
}

template <bool Chained>
void launch_direct_as(const DirectParameters& p, void* stream) {
  const bool a = is_along_rows(p.loading[0]);
  const bool b = is_along_rows(p.loading[1]);
  if (a && b)
    launch_layout<true, true, Chained>(p, stream);
  else if (a)
    launch_layout<true, false, Chained>(p, stream);
  else if (b)
    launch_layout<false, true, Chained>(p, stream);
  else
    launch_layout<false, false, Chained>(p, stream);
}

}  // namespace mylos::cuda
