#include "cuda/gemm_overlap.hpp"

#include "cuda/gemm_cost.hpp"
#include "cuda/gemm_direct.hpp"
#include "cuda/gemm_split.cuh"
#include "cuda/primitives/async.cuh"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/flag.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {
namespace {

constexpr int group_rows = 16;  // of a warp's unit, which has a stretch of K
constexpr int slab_groups = 128 / group_rows;
constexpr int threads = overlap_tuning().threads;
constexpr int ring_bytes = overlap_tuning().ring_bytes / (threads / 32);  // of a warp

struct OverlapSide {
  GemmFactor factor;
  Halves halves;
  HalvesProgress progress;
  int parts;  // of a stretch
  bool along_rows;
  bool is_split;

  MYLOS_HOST_DEVICE std::int64_t units() const { return progress.groups * progress.stretches; }
  std::size_t counters() const { return static_cast<std::size_t>(halves.matrices * progress.slabs); }
};

struct OverlapParameters {
  GemmParameters gemm;
  OverlapSide side[2];
  std::int64_t units;  // of all matrices, in the order in which tiles need them
  std::int64_t first;  // of them, of the first matrices
  std::int64_t later;  // of each of the others
  unsigned splitters;  // blocks that split until nothing is left; each warp of the others splits one unit
  unsigned* next;      // unit that no warp has taken
};

/// What a warp splits at once: a group of rows, a stretch of K.
struct OverlapUnit {
  int factor;
  std::int64_t matrix;
  std::int64_t slab;
  int group;    // of the slab
  int stretch;  // of K

  __device__ __forceinline__ OverlapUnit(const OverlapParameters& p, std::int64_t index) {
    const bool is_first = index < p.first;
    if (!is_first) index -= p.first;
    matrix = is_first ? 0 : 1 + index / p.later;
    if (!is_first) index -= (matrix - 1) * p.later;
    const auto units = [&](const OverlapSide& side) {
      return side.is_split && (is_first || side.halves.matrices > 1) ? side.units() : 0;
    };
    // The rows of the first tiles, all columns, all other rows.
    const std::int64_t rows = units(p.side[0]);
    const std::int64_t columns = units(p.side[1]);
    const std::int64_t lead = ::min(rows, tensor_group_rows / group_rows * p.side[0].progress.stretches);
    factor = index >= lead && index < lead + columns ? 1 : 0;
    if (index >= lead) index -= factor == 1 ? lead : columns;
    // Neighbours, which are split at about the same time, share long stretches of memory where rows are neighbours.
    const HalvesProgress& progress = p.side[factor].progress;
    const std::int64_t whole = slab_groups * progress.stretches;
    slab = index / whole;
    const auto in_slab = static_cast<int>(index - slab * whole);
    const int height = progress.height(slab);
    stretch = in_slab / height;
    group = in_slab - stretch * height;
  }
};

/// 16 rows and blocks of 64 along K on their way through shared memory, vector by vector: a lane copies neighbours of
/// those that the lanes around it copy, and takes 8 along K of each of 4 rows. Where a vector lies keeps both from
/// waiting for banks.
template <bool AlongRows>
struct OverlapSource {
  static constexpr int block_bytes = group_rows * halves_depth * 4;
  static constexpr int turns = ring_bytes / block_bytes;  // there or on their way
  const float* from;                                      // this lane's first vector of the block that is copied next
  std::int64_t step;                                      // from one of its vectors to the next
  std::int64_t depth;                                     // elements along K from `from` on
  int rows;                                               // likewise
  std::uint32_t to;                                       // where its first vector goes
  std::uint32_t taken[2];

  __device__ __forceinline__ OverlapSource(const GemmFactor& factor, const float* matrix, std::int64_t first_row,
                                           std::int64_t first, std::int64_t end, std::uint32_t ring)
      : step(AlongRows ? 8 * factor.depth : 2 * factor.row) {
    const unsigned lane = threadIdx.x % 32;
    // Along rows: 4 vectors of each of 8 elements of K at once; else 16 of each of 2 rows.
    const unsigned own_row = AlongRows ? lane % 4 * 4 : lane / 16;
    const unsigned own_k = AlongRows ? lane / 4 : lane % 16 * 4;
    from = matrix + (first_row + own_row) * factor.row + (first + own_k) * factor.depth;
    rows = static_cast<int>(::min(factor.rows - first_row, std::int64_t{group_rows})) - static_cast<int>(own_row);
    depth = end - first - own_k;
    to = ring + (AlongRows ? 0U : (lane / 16 * 16 + (lane % 16 ^ lane % 16 / 8)) * 16U);
    const unsigned piece = lane % 8;
#pragma unroll
    for (unsigned i = 0; i < 2; ++i)
      taken[i] = ring + (AlongRows ? piece * 512 + ((i * 4 + lane / 8) ^ piece) * 16
                                   : lane / 8 * 256 + ((piece * 2 + i) ^ piece / 4) * 16);
  }

  /// Of the 16, those that this lane takes.
  static __device__ __forceinline__ int row(int u) {
    const auto group = static_cast<int>(threadIdx.x % 32 / 8);
    return AlongRows ? group * 4 + u : group + u * 4;
  }
  __device__ __forceinline__ std::uint32_t place(int turn, unsigned i) const {
    const std::uint32_t begin = to + static_cast<unsigned>(turn * block_bytes) + i * 512;
    return AlongRows ? begin + (threadIdx.x % 32 ^ i) * 16 : begin;
  }

  /// `exists`: an element that does.
  __device__ __forceinline__ void copy(int turn, const float* exists) {
    const bool is_whole = AlongRows ? rows >= 4 && depth >= 57 : rows >= 15 && depth >= 4;
    const float* at = from;
    if (__all_sync(0xffffffffU, is_whole)) {
#pragma unroll
      for (unsigned i = 0; i < 8; ++i) {
        copy_async<16>(place(turn, i), at, 16);
        at += step;
      }
    } else {
#pragma unroll 1
      for (int i = 0; i < 8; ++i) {
        const int left_rows = rows - (AlongRows ? 0 : 2 * i);
        const std::int64_t left_depth = depth - (AlongRows ? 8 * i : 0);
        const std::int64_t left = left_rows > 0 && left_depth > 0 ? (AlongRows ? left_rows : left_depth) : 0;
        copy_async<16>(place(turn, static_cast<unsigned>(i)), left > 0 ? at : exists,
                       static_cast<int>(::min(left, std::int64_t{4})) * 4);
        at += step;
      }
    }
    from += AlongRows ? 8 * step : halves_depth;
    depth -= halves_depth;
  }
  __device__ __forceinline__ void take(int turn, detail::RegisterTile<float, 8> (&v)[4]) const {
    const auto begin = static_cast<unsigned>(turn * block_bytes);
#pragma unroll
    for (unsigned i = 0; i < 8; ++i) {
      float vector[4];
      load_shared(taken[i % 2] + begin + i / 2 * (AlongRows ? 128U : 1024U), vector);
#pragma unroll
      for (unsigned e = 0; e < 4; ++e) v[AlongRows ? e : i / 2][AlongRows ? i : i % 2 * 4 + e] = vector[e];
    }
  }
};

template <bool AlongRows>
__device__ __forceinline__ void split_unit(const OverlapParameters& p, const OverlapUnit& unit, std::uint32_t ring) {
  using Source = OverlapSource<AlongRows>;
  const OverlapSide& side = p.side[unit.factor];
  const Halves& h = side.halves;
  const std::int64_t first_row = unit.slab * 128 + unit.group * group_rows;
  const auto per_part = static_cast<int>(h.blocks_per_part());
  const int first_part = unit.stretch * side.parts;
  const int end_part = ::min(first_part + side.parts, h.parts);
  const auto blocks = static_cast<int>(h.blocks);
  const int begin = ::min(blocks, first_part * per_part);
  int to_copy = ::min(blocks, end_part * per_part) - begin;
  Source source(side.factor, side.factor.data + p.gemm.batch.offset(side.factor.batch, unit.matrix), first_row,
                std::int64_t{begin} * halves_depth, p.gemm.depth(unit.matrix), ring);
  int turn_to = 0;
  const auto copy_next = [&] {
    if (to_copy-- > 0) source.copy(turn_to, side.factor.data);
    turn_to = turn_to + 1 == Source::turns ? 0 : turn_to + 1;
    end_copies();
  };
  __syncwarp();  // all have taken what is overwritten now
#pragma unroll 1
  for (int i = 1; i < Source::turns; ++i) copy_next();
  const bool compensates = side.factor.is_a;
  const std::int64_t index = unit.matrix * h.blocks + begin;
  const std::int64_t low = h.pitch * 128;
  const std::int64_t block_bytes = h.block_bytes();
  const std::int64_t pitch = h.pitch;
  // Lanes know one of their rows: the others are at fixed distances.
  constexpr int apart = AlongRows ? 1 : 4;
  const int own = Source::row(0);
  const int left = static_cast<int>(::min(pitch - first_row, std::int64_t{group_rows})) - own;
  unsigned char* data = h.data + index * block_bytes + (first_row + own) * 128;
  float* units = h.unit + index * pitch + first_row + own;
  HalvesLoss* losses = h.loss + (unit.matrix * h.parts + first_part) * pitch + first_row + own;
  int turn = 0;
  int block = begin;
  for (int part = first_part; part < end_part; ++part) {
    SplitSum sum[4] = {};
    const int end = ::min(blocks, (part + 1) * per_part);
#pragma unroll 1
    for (; block < end; ++block) {
      __syncwarp();  // all have taken what is overwritten now
      copy_next();
      wait_for_copies<Source::turns - 1>();
      __syncwarp();
      detail::RegisterTile<float, 8> v[4];
      source.take(turn, v);
      turn = turn + 1 == Source::turns ? 0 : turn + 1;
#pragma unroll
      for (int u = 0; u < 4; ++u) {
        const SplitSpan s = split_span(v[u], largest_of_row(v[u]), compensates, sum[u]);
        if (u * apart < left) {
          store_piece(data + u * apart * 128, own + u * apart, low, s.piece);
          if (threadIdx.x % 8 == 0) units[u * apart] = s.unit;
        }
      }
      data += block_bytes;
      units += pitch;
    }
#pragma unroll
    for (int u = 0; u < 4; ++u) {
      const HalvesLoss loss = loss_of_row(sum[u]);
      if (threadIdx.x % 8 == 0 && u * apart < left) losses[u * apart] = loss;
    }
    losses += pitch;
  }
  fence_bulk_copies();
  __syncwarp();
  if (threadIdx.x % 32 == 0) count_released(side.progress.done + unit.matrix * side.progress.slabs + unit.slab);
}

__global__ void __launch_bounds__(threads, 1) overlap_kernel(const __grid_constant__ OverlapParameters p) {
  extern __shared__ __align__(128) unsigned char ring[];
  let_next_kernel_begin();
  const std::uint32_t own = shared_address(ring) + threadIdx.x / 32 * ring_bytes;
  do {
    unsigned index = 0;
    if (threadIdx.x % 32 == 0) index = atomicAdd(p.next, 1U);
    index = __shfl_sync(0xffffffffU, index, 0);
    if (index >= p.units) break;
    const OverlapUnit unit(p, index);
    if (p.side[unit.factor].along_rows)
      split_unit<true>(p, unit, own);
    else
      split_unit<false>(p, unit, own);
  } while (blockIdx.x < p.splitters);
}

OverlapSide make_side(const TensorParameters& parameters, int factor, bool is_split) {
  const Halves& h = parameters.halves[factor];
  OverlapSide side{parameters.gemm.factor[factor], h, {}, 1, false, is_split};
  side.progress.groups = (h.rows + group_rows - 1) / group_rows;
  side.progress.slabs = (h.rows + 127) / 128;
  const std::int64_t fit = overlap_tuning().blocks / h.blocks_per_part();
  side.parts = static_cast<int>(fit < 1 ? 1 : fit < h.parts ? fit : h.parts);
  side.progress.stretches = (h.parts + side.parts - 1) / side.parts;
  side.along_rows = is_along_rows(direct_loading(parameters.gemm, factor));
  return side;
}

}  // namespace

const char* refuse_overlap(const GemmParameters& parameters, const Halves (&halves)[2], const bool (&is_split)[2]) {
  for (int f = 0; f < 2; ++f) {
    if (!is_split[f]) continue;
    const DirectLoading loading = direct_loading(parameters, f);
    if (loading != DirectLoading::vectors_along_depth && loading != DirectLoading::vectors_along_rows)
      return "a factor that is not read in vectors";
    if (halves[f].matrices != 1 && halves[f].matrices != parameters.batches)
      return "a factor that is the same for some of the batch";
  }
  return nullptr;
}

std::size_t overlap_counters(const TensorParameters& parameters, const bool (&is_split)[2]) {
  std::size_t count = 1;
  for (int f = 0; f < 2; ++f)
    if (is_split[f]) count += make_side(parameters, f, true).counters();
  return count;
}

void split_beside(TensorParameters& parameters, const bool (&is_split)[2], unsigned* counters, void* stream) {
  OverlapParameters p{};
  p.gemm = parameters.gemm;
  p.next = counters++;
  double split = 0;
  for (int f = 0; f < 2; ++f) {
    OverlapSide& side = p.side[f];
    side = make_side(parameters, f, is_split[f]);
    if (!is_split[f]) continue;
    side.progress.done = counters;
    parameters.progress[f] = side.progress;
    counters += side.counters();
    p.first += side.units();
    if (side.halves.matrices > 1) p.later += side.units();
    split += static_cast<double>(side.halves.bytes() / 4) * overlap_tuning().element;
  }
  p.units = p.first + p.later * (parameters.gemm.batches - 1);
  const int blocks = device_attribute(cudaDevAttrMultiProcessorCount);
  const GemmCost cost{static_cast<double>(blocks)};
  p.splitters = static_cast<unsigned>(cost.splitters(parameters.tiling, parameters.gemm.k, split));
  launch(overlap_kernel, blocks, threads, stream, p, overlap_tuning().ring_bytes);
}

}  // namespace mylos::cuda
