// c = a b of f32 matrices straight from memory: gemm_tensor.cuh's products, of halves that are made while the factors
// are loaded. For factors of which few tiles use each element, where a pass of its own would take long.
//
// A producing warp has its own 32 rows of each stage: it copies them, as they are, to where their halves will be (both
// take 256 bytes a row), reads them into registers, one row a lane, and writes the halves over them. The products run
// at half the speed of those of halves that are there, and at a third where a factor's rows are neighbours in memory.
//
// Tried and slower on H200 (256 x 256 x 524288, both factors along K, 0.59 ms): tiles of 256 rows, of which two stages
// fit (0.96 ms); elements loaded to registers a stage ahead (1.57 ms: some that are on their way get moved, which waits
// for them).
#pragma once

#include "cuda/gemm_direct.hpp"
#include "cuda/gemm_split.cuh"
#include "cuda/gemm_tensor_sums.cuh"
#include "cuda/primitives/async.cuh"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/launch.cuh"

namespace mylos::cuda {

using DirectLayout = TensorLayout<1, tensor_tuning(1).stages, direct_tuning().producers>;
using DirectBlock = TensorBlock<DirectLayout>;
static_assert(DirectLayout::sides == DirectLayout::producers * 32);
static_assert(DirectLayout::b_low - DirectLayout::b_high == DirectLayout::low);
static_assert(DirectLayout::slots == 2 * DirectLayout::stages);

/// Where 64 elements of 32 rows lie before they are split: those below 32 where the high halves will be, the others
/// where the low ones will be, so that what lies at piece p, of 16 bytes, of the lines of 128 (at p ^ line % 8) is
/// split into piece p of both halves. Lines are rows, or four rows for each of four elements. Piece p has the elements
/// 4 p to 4 p + 3 and those 32 further; the order of elements along K is the same in both factors, and otherwise of no
/// interest.
template <bool AlongRows>
struct DirectPlace {
  /// Of element k < 32 of a row, piece 0; piece p is at this ^ p * 16.
  static __device__ __forceinline__ unsigned of(unsigned row, unsigned k) {
    return AlongRows ? (k % 4 * 8 + row / 4) * line + (row / 4 << 4) + row % 4 * 4
                     : row * line + (row % 8 << 4) + k % 4 * 4;
  }
};

/// 32 rows of a factor on their way to a stage.
template <DirectLoading Loading>
struct DirectSource {
  static constexpr bool along_rows =
      Loading == DirectLoading::along_rows || Loading == DirectLoading::vectors_along_rows;
  static constexpr bool vectors =
      Loading == DirectLoading::vectors_along_rows || Loading == DirectLoading::vectors_along_depth;
  // Neighbouring lanes have neighbouring elements, in vectors or one by one; they advance by so many in the other
  // direction.
  static constexpr int lanes = vectors ? (along_rows ? 8 : 16) : 32;
  static constexpr int advance = 32 / lanes;

  const GemmFactor& factor;
  const float* base = nullptr;  // an element that exists
  const float* from = nullptr;  // this lane's first
  int rows = 0;                 // that exist, of 32
  std::int64_t left = 0;        // elements along K

  static __device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x % 32U); }
  static __device__ __forceinline__ int own() { return lane() % lanes * (vectors ? 4 : 1); }  // along the lanes
  static __device__ __forceinline__ int other() { return lane() / lanes; }

  __device__ __forceinline__ void begin(const GemmParameters& p, const GemmTiling::Tile& tile, std::int64_t first) {
    base = factor.data + p.batch.offset(factor.batch, tile.batch);
    const std::int64_t exist = factor.rows - first;
    rows = static_cast<int>(exist < 0 ? 0 : exist < 32 ? exist : 32);
    left = p.depth(tile.batch);
    from = base + (first + (along_rows ? own() : other())) * factor.row + (along_rows ? other() : own()) * factor.depth;
  }
  /// The next 64 elements; `high`: the line of the first row's high halves.
  __device__ __forceinline__ void copy(std::uint32_t high) {
    if (rows == 32 && left >= halves_depth)
      copy<true>(high);
    else
      copy<false>(high);
    from += halves_depth * factor.depth;
    left -= halves_depth;
  }

 private:
  template <bool Whole>
  __device__ __forceinline__ void copy(std::uint32_t high) const {
    const float* next = from;
    const int depth = static_cast<int>(left < halves_depth ? left : halves_depth);
    if constexpr (along_rows) {
      const std::uint32_t to =
          high + DirectPlace<true>::of(static_cast<unsigned>(own()), static_cast<unsigned>(other()));
#pragma unroll
      for (int k = 0; k < halves_depth; k += advance, next += advance * factor.depth)
        copy_one<Whole>((to ^ static_cast<unsigned>(k % 32 / 4 << 4)) +
                            static_cast<unsigned>(k % 4 * 8 * line + k / 32 * DirectLayout::low),
                        next, k + other() < depth ? rows - own() : 0);
    } else {
      const unsigned piece = static_cast<unsigned>(own() % 32 / 4) << 4;
      const std::uint32_t to =
          high + DirectPlace<false>::of(static_cast<unsigned>(other()), static_cast<unsigned>(own()));
#pragma unroll
      for (int row = 0; row < 32; row += advance, next += advance * factor.row) {
        const std::uint32_t at = (to ^ piece ^ static_cast<unsigned>(row % 8 << 4)) + static_cast<unsigned>(row * line);
        const int exist = row + other() < rows ? depth - own() : 0;
        if (vectors) {
          copy_one<Whole>(at + (own() < 32 ? 0U : static_cast<unsigned>(DirectLayout::low)), next, exist);
        } else {
          copy_one<Whole>(at, next, exist);
          copy_one<Whole>(at + DirectLayout::low, next + 32 * factor.depth, exist - 32);
        }
      }
    }
  }
  /// Of the elements that a lane copies at once, so many or more exist.
  template <bool Whole>
  __device__ __forceinline__ void copy_one(std::uint32_t to, const float* next, int exist) const {
    constexpr int most = vectors ? 4 : 1;
    const int count = Whole ? most : ::min(::max(exist, 0), most);
    copy_async<most * 4>(to, count != 0 ? next : base, count * 4);
  }
};

/// A row of a stage, and what it loses in a tile.
struct DirectBook {
  float unit;
  HalvesLoss loss;
};

/// From elements to halves in place, of the lane's row.
template <bool AlongRows>
__device__ __forceinline__ void split_row(std::uint32_t high, bool compensates, DirectBook& book) {
  constexpr int held = direct_tuning().held;
  const unsigned lane = threadIdx.x % 32U;
  const std::uint32_t from = high + DirectPlace<AlongRows>::of(lane, 0);
  const std::uint32_t to = high + DirectPlace<false>::of(lane, 0);
  const auto load = [&](int piece, float* v) {
    const std::uint32_t at = from ^ static_cast<unsigned>(piece << 4);
    if (AlongRows) {
#pragma unroll
      for (int e = 0; e < 8; ++e)
        v[e] = load_shared(at + static_cast<unsigned>(e % 4 * 8 * line + e / 4 * DirectLayout::low));
    } else {
      load_shared(at, v);
      load_shared(at + DirectLayout::low, v + 4);
    }
  };
  float v[held][8];
  float largest[4] = {};  // NaN is left out: it goes through, and spoils its sums
#pragma unroll
  for (int part = 8; part > 0; part -= held) {
#pragma unroll
    for (int i = 0; i < held; ++i) load(part - held + i, v[i]);
#pragma unroll
    for (int i = 0; i < held * 8; ++i) largest[i % 4] = fmaxf(largest[i % 4], fabsf(v[i / 8][i % 8]));
  }
  const HalvesScale scale =
      halves_scale(__float_as_uint(fmaxf(fmaxf(largest[0], largest[1]), fmaxf(largest[2], largest[3]))));
  float lost = 0;
  bool has_low = false;
#pragma unroll
  for (int piece = 0; piece < 8; ++piece) {
    if (AlongRows && piece % held == 0) __syncwarp();  // all have read what is overwritten now
    float(&x)[8] = v[piece % held];
    const HalvesPiece halves = split_piece(x, scale.scale);
    if (may_lose(halves)) lost += lost_by(x, scale.scale, halves);
    if (piece + held < 8) load(piece + held, x);
    has_low |= halves.has_low();
    const std::uint32_t at = to ^ static_cast<unsigned>(piece << 4);
    store_shared(at, halves.high.value);
    store_shared(at + DirectLayout::low, halves.low.value);
  }
  book.unit = compensates && has_low ? compensated(scale.unit) : scale.unit;
  book.loss.largest = fmaxf(book.loss.largest, scale.largest);
  book.loss.lost += scale.scale != 0.F ? lost * book.unit : scale.largest;
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
template <DirectLoading Loading>
__device__ __forceinline__ void fill_stages(const DirectParameters& p, const DirectBlock& block, int warp) {
  using Layout = DirectLayout;
  using Source = DirectSource<Loading>;
  const GemmParameters& gemm = p.tensor.gemm;
  const GemmTiling& tiling = p.tensor.tiling;
  const int row = warp * 32;  // rows and columns of a tile, one after the other
  const bool is_column = row >= Layout::rows;
  const std::uint32_t high = block.address + static_cast<unsigned>((row + (is_column ? Layout::rows : 0)) * line);
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
      source.copy(place(copied.index));
      copied.next();
    }
    end_copies();
  };
  copy_next();
  Turn<Layout::stages> stage;
  unsigned losses_phase = 0;
  const int lane = Source::lane();
  for (std::int64_t t = blockIdx.x; t < tiling.count; t += gridDim.x) {
    DirectBook book{};
#pragma unroll 1
    for (auto blocks = static_cast<int>(direct_blocks(gemm, tiling.at(t).batch)); blocks > 0; --blocks) {
      copy_next();
      wait_for_copies<1>();
      __syncwarp();
      split_row<Source::along_rows>(place(stage.index), source.factor.is_a, book);
      block.unit(stage.index + static_cast<int>(stage.phase) * Layout::stages)[row + lane] = book.unit;
      fence_shared_writes();
      __syncwarp();
      if (lane == 0) block.full(stage.index).arrive();
      stage.next();
    }
    block.losses_empty().wait(losses_phase ^ 1U);
    block.loss()[row + lane] = book.loss;
    block.losses_full().arrive();
    losses_phase ^= 1U;
  }
  wait_for_copies<0>();
}

template <bool Chained>
__global__ void __launch_bounds__(DirectLayout::threads, 1) direct_kernel(const __grid_constant__ DirectParameters p) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  using Layout = DirectLayout;
  extern __shared__ unsigned char memory[];
  const std::uint32_t begin = shared_address(memory);
  const std::uint32_t address = (begin + Layout::alignment - 1) / Layout::alignment * Layout::alignment;
  const DirectBlock block{memory + (address - begin), address};
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
    switch (p.loading[warp * 32 < Layout::rows ? 0 : 1]) {
      case DirectLoading::vectors_along_depth:
        fill_stages<DirectLoading::vectors_along_depth>(p, block, warp);
        break;
      case DirectLoading::vectors_along_rows:
        fill_stages<DirectLoading::vectors_along_rows>(p, block, warp);
        break;
      case DirectLoading::along_depth:
        fill_stages<DirectLoading::along_depth>(p, block, warp);
        break;
      case DirectLoading::along_rows:
        fill_stages<DirectLoading::along_rows>(p, block, warp);
        break;
    }
  } else {
    take_registers<direct_tuning().consumer_registers>();
    StridedWalk walk{blockIdx.x};
    consume<Layout, Chained>(p.tensor, block, walk,
                             [&](const GemmTiling::Tile& tile) { return direct_blocks(p.tensor.gemm, tile.batch); });
  }
#endif
}

template <bool Chained>
void launch_direct_as(const DirectParameters& p, void* stream) {
  const std::int64_t blocks = device_attribute(cudaDevAttrMultiProcessorCount);
  const std::int64_t count = p.tensor.tiling.count;
  launch(direct_kernel<Chained>, count < blocks ? count : blocks, DirectLayout::threads, stream, p,
         DirectLayout::bytes + DirectLayout::alignment);
}

}  // namespace mylos::cuda
