// Scan along any axis: neighbouring threads have neighbouring rows. A block walks along the axis tile by tile, read
// once and written once: up to eight lanes of threads share a tile's positions, each with eight that follow each other,
// and a state per row is carried from tile to tile. How many lanes depends on the axis alone, and so does the order of
// a sum. It serves every geometry; where neighbouring rows are neighbours in memory, a thread has a vector of them.
#pragma once

#include "cuda/scan.hpp"
#include "cuda/scan_values.cuh"

namespace mylos::cuda {

inline constexpr int scan_column_threads = 256;

template <class T>
struct ScanColumnsParameters {
  ScanParameters<T> p;
  void* totals;
  ScanPieces pieces;  // of the axis, in positions
  ScanStage stage;
  detail::Divider columns;  // extent of the rows' fastest dimension
  detail::Divider blocks;   // blocks of threads along it
  std::int64_t slabs;       // rows of such, times pieces
  int across;               // threads along the columns
  int lanes;                // along the axis
  int gap;                  // rows between those of one thread that are not a vector
};

/// What a thread of a block is to do: `Width` rows, `Positions` of a tile of each.
template <ScanMonoid M, class S, bool Vectors, int Width, bool Chained>
struct ScanColumn {
  using T = ScanValue<S>;
  using R = Scanner<M, T>;
  using State = typename R::State;
  static constexpr int K = scan_columns_tuning().rows;
  using Run = ScanRun<M, S, K>;
  /// As they are stored, or as the chain before left them.
  using Kept = std::conditional_t<Chained, T, S>;
  struct alignas(16) Tile {
    Kept value[K][Width];
  };

  const ScanColumnsParameters<T>& k;
  std::int64_t row;  // the first
  std::int64_t x;
  std::int64_t y;
  std::int64_t mask;
  int valid;  // rows that exist
  int gap;

  /// Distance of a thread's rows in a tensor.
  __device__ __forceinline__ std::int64_t apart(const ScanView& view) const {
    return k.p.rank == 0 ? 0 : gap * view.stride[k.p.rank - 1];
  }

  __device__ __forceinline__ void load(std::int64_t at, std::int64_t end, Tile& tile) const {
    const S neutral = detail::narrow<S>(k.p.negated ? T(-R::neutral()) : R::neutral());
    const S* const from = static_cast<const S*>(k.p.x.data) + x + at * k.p.x.step;
    Pack<S, Width> loaded[K];
    if constexpr (Vectors) {
#pragma unroll
      for (int r = 0; r < K; ++r) {
        if (at + r < end && valid > 0) {
          loaded[r] = StreamingAccess::load(reinterpret_cast<const Pack<S, Width>*>(from + r * k.p.x.step));
        } else {
#pragma unroll
          for (int c = 0; c < Width; ++c) loaded[r].value[c] = neutral;
        }
      }
    } else {
      const std::int64_t next = apart(k.p.x);
#pragma unroll
      for (int r = 0; r < K; ++r)
#pragma unroll
        for (int c = 0; c < Width; ++c) {
          loaded[r].value[c] = neutral;
          if (at + r < end && c < valid) loaded[r].value[c] = from[r * k.p.x.step + c * next];
        }
    }
#pragma unroll
    for (int c = 0; c < Width; ++c) {
      if constexpr (Chained) {
        T v[K];
#pragma unroll
        for (int r = 0; r < K; ++r) v[r] = detail::widen<T>(loaded[r].value[c]);
        if (c < valid) apply_chain<ScanMath<S>>(k.p, false, row + c * gap, at, v);
          // A chain may have made something of what was neutral.
#pragma unroll
        for (int r = 0; r < K; ++r)
          tile.value[r][c] = at + r < end ? v[r] : (k.p.negated ? T(-R::neutral()) : R::neutral());
      } else {
#pragma unroll
        for (int r = 0; r < K; ++r) tile.value[r][c] = loaded[r].value[c];
      }
    }
  }

  /// Bit r of [c]: position at + r of row c is hidden.
  __device__ __forceinline__ void load_mask(std::int64_t at, std::int64_t end, unsigned (&hidden)[Width]) const {
#pragma unroll
    for (int c = 0; c < Width; ++c) hidden[c] = 0;
    if (k.p.mask.data == nullptr) {
      if constexpr (M == ScanMonoid::arg_maximum) {
#pragma unroll
        for (int c = 0; c < Width; ++c)
#pragma unroll
          for (int r = 0; r < K; ++r) hidden[c] |= at + r < end ? 0U : 1U << r;
      }
      return;
    }
    const auto* const from = static_cast<const std::uint8_t*>(k.p.mask.data) + mask + at * k.p.mask.step;
    const std::int64_t next = apart(k.p.mask);
#pragma unroll
    for (int r = 0; r < K; ++r)
#pragma unroll
      for (int c = 0; c < Width; ++c)
        if (!(at + r < end && c < valid && from[r * k.p.mask.step + c * next] != 0)) hidden[c] |= 1U << r;
  }

  __device__ __forceinline__ void values(const Tile& tile, int c, unsigned hidden, T (&v)[K]) const {
#pragma unroll
    for (int r = 0; r < K; ++r) {
      v[r] = detail::widen<T>(tile.value[r][c]);
      if (k.p.negated) v[r] = T(-v[r]);
      if (k.p.mask.data != nullptr && (hidden >> r & 1U) != 0) v[r] = R::neutral();
    }
  }

  /// Results take the values' place.
  __device__ __forceinline__ void finish(std::int64_t at, std::int64_t end, int c, const std::int64_t (&index)[K],
                                         T (&out)[K]) const {
    if (k.p.negated) {
#pragma unroll
      for (int r = 0; r < K; ++r) out[r] = T(-out[r]);
    }
    if constexpr (Chained)
      if (c < valid) apply_chain<ScanMath<S>>(k.p, true, row + c * gap, at, out);
    if constexpr (M == ScanMonoid::arg_maximum) {
      const ScanView& view = k.p.indices;
      auto* const to =
          static_cast<std::int64_t*>(view.data) + k.p.row_offset(view, row) + c * apart(view) + at * view.step;
#pragma unroll
      for (int r = 0; r < K; ++r)
        if (at + r < end && c < valid) to[r * view.step] = k.p.index_of(index[r]);
    }
  }

  __device__ __forceinline__ void store(std::int64_t at, std::int64_t end, const Tile& tile) const {
    S* const to = static_cast<S*>(k.p.y.data) + y + at * k.p.y.step;
    const std::int64_t next = apart(k.p.y);
#pragma unroll
    for (int r = 0; r < K; ++r) {
      Pack<S, Width> out;
#pragma unroll
      for (int c = 0; c < Width; ++c) out.value[c] = detail::narrow<S>(detail::widen<T>(tile.value[r][c]));
      if constexpr (Vectors) {
        if (at + r < end && valid > 0)
          StreamingAccess::store(reinterpret_cast<Pack<S, Width>*>(to + r * k.p.y.step), out);
      } else {
#pragma unroll
        for (int c = 0; c < Width; ++c)
          if (at + r < end && c < valid) to[r * k.p.y.step + c * next] = out.value[c];
      }
    }
  }
};

template <ScanMonoid M, class S, bool Vectors, int Width, bool Chained, class T>
__global__ void __launch_bounds__(scan_column_threads, scan_columns_tuning().blocks(Chained))
    scan_columns_kernel(const __grid_constant__ ScanColumnsParameters<T> k) {
  using Column = ScanColumn<M, S, Vectors, Width, Chained>;
  using R = typename Column::R;
  using State = typename R::State;
  constexpr int K = Column::K;
  const int thread = static_cast<int>(threadIdx.x);
  const int column_thread = thread % k.across;
  const int lane = thread / k.across % k.lanes;
  const int depth = thread / (k.across * k.lanes);
  const int depths = scan_column_threads / (k.across * k.lanes);
  const auto slab_block = static_cast<std::int64_t>(k.blocks.divide(blockIdx.x));
  const std::int64_t column_block = blockIdx.x - slab_block * static_cast<std::int64_t>(k.blocks.divisor);
  const std::int64_t slab = slab_block * depths + depth;
  const std::int64_t column = column_block * k.across * Width + column_thread * (Vectors ? Width : 1);
  const auto columns = static_cast<std::int64_t>(k.columns.divisor);
  const bool shared = k.stage != ScanStage::whole;
  const std::int64_t line = shared ? slab / k.pieces.count : slab;
  const std::int64_t piece = shared ? slab - line * k.pieces.count : 0;
  const int gap = Vectors ? 1 : k.gap;
  const bool active = slab < k.slabs && column < columns;
  Column own{k, active ? line * columns + column : 0, 0, 0, 0, 0, gap};
  own.x = k.p.row_offset(k.p.x, own.row);
  own.y = k.p.row_offset(k.p.y, own.row);
  own.mask = k.p.mask.data == nullptr ? 0 : k.p.row_offset(k.p.mask, own.row);
  if (active) {
#pragma unroll
    for (int c = 0; c < Width; ++c) own.valid += column + c * gap < columns ? 1 : 0;
  }
  State base[Width];
  State state[Width];
#pragma unroll
  for (int c = 0; c < Width; ++c) {
    state[c] = R::identity();
    base[c] = R::identity();
    if (k.stage == ScanStage::results && c < own.valid)
      base[c] = static_cast<const State*>(k.totals)[(own.row + c * gap) * k.pieces.count + piece];
  }
  // By threads, so that neighbours have neighbouring words.
  __shared__ alignas(16) unsigned char storage[sizeof(State) * Width * scan_column_threads];
  State* const states = reinterpret_cast<State*>(storage);
  const int place = thread - lane * k.across;  // of lane 0

  const std::int64_t tile_length = static_cast<std::int64_t>(k.lanes) * K;
  const std::int64_t first = piece * k.pieces.length;
  const std::int64_t last = shared && first + k.pieces.length < k.p.length ? first + k.pieces.length : k.p.length;
  std::int64_t left = k.pieces.length;
  for (std::int64_t tile = first; tile < last; tile += tile_length) {
    if (left == 0) {
#pragma unroll
      for (int c = 0; c < Width; ++c) {
        R::combine(base[c], state[c]);
        state[c] = R::identity();
      }
      left = k.pieces.length;
    }
    left -= tile_length;
    const std::int64_t at = tile + lane * K;
    typename Column::Tile held;
    unsigned hidden[Width];
    own.load(at, last, held);
    own.load_mask(at, last, hidden);
    if (k.lanes > 1 && tile != first) __syncthreads();  // the others have read the last tile's states
#pragma unroll
    for (int c = 0; c < Width; ++c) {
      typename Column::T v[K];
      own.values(held, c, hidden[c], v);
      states[c * scan_column_threads + thread] = Column::Run::of(v, at, hidden[c]);
    }
    if (k.lanes > 1) __syncthreads();
#pragma unroll
    for (int c = 0; c < Width; ++c) {
      State before = R::identity();
      State all = R::identity();
      for (int l = 0; l < k.lanes; ++l) {
        if (l == lane) before = all;
        R::combine(all, states[c * scan_column_threads + place + l * k.across]);
      }
      State whole = base[c];
      R::combine(whole, state[c]);
      R::combine(whole, before);
      R::combine(state[c], all);
      if (k.stage == ScanStage::totals) continue;
      typename Column::T v[K];
      typename Column::T out[K];
      std::int64_t index[K];
      own.values(held, c, hidden[c], v);
      Column::Run::emit(whole, k.p.exclusive, at, hidden[c], v, out, index);
      own.finish(at, last, c, index, out);
#pragma unroll
      for (int r = 0; r < K; ++r) held.value[r][c] = detail::narrow<typename Column::Kept>(out[r]);
    }
    if (k.stage != ScanStage::totals) own.store(at, last, held);
  }
  if (k.stage != ScanStage::totals || lane != 0) return;
#pragma unroll
  for (int c = 0; c < Width; ++c)
    if (c < own.valid) static_cast<State*>(k.totals)[(own.row + c * gap) * k.pieces.count + piece] = state[c];
}

/// Whether neighbouring rows come in whole, aligned vectors of 16 bytes in x and y.
inline bool has_scan_vectors(const detail::ScanProblem& problem, int width) {
  const int rank = problem.rows.rank;
  if (rank == 0 || problem.rows.extent[rank - 1] % width != 0) return false;
  const auto aligned = [&](const detail::ScanTensor& t) {
    bool is = t.rows.stride[rank - 1] == 1 && reinterpret_cast<std::uintptr_t>(t.data) % 16 == 0 &&
              (problem.length == 1 || t.step % width == 0);
    for (int d = 0; d + 1 < rank; ++d) is = is && t.rows.stride[d] % width == 0;
    return is;
  };
  return aligned(problem.x) && aligned(problem.y);
}

template <ScanMonoid M, class S, bool Vectors, int Width, bool Chained>
void launch_scan_columns(const detail::ScanProblem& problem, const detail::Queue& queue) {
  using T = ScanValue<S>;
  constexpr ScanColumnsTuning tuning = scan_columns_tuning();
  ScanColumnsParameters<T> k{};
  k.p = detail::make_scan_parameters<T>(problem);
  const std::int64_t columns = problem.rows.rank == 0 ? 1 : problem.rows.extent[problem.rows.rank - 1];
  k.columns = detail::Divider(columns);
  k.lanes = 1;
  while (k.lanes < tuning.lanes && k.lanes * tuning.rows < k.p.length) k.lanes *= 2;
  const std::int64_t groups = (columns + Width - 1) / Width;
  k.across = 1;
  while (k.across < groups && k.across * k.lanes < scan_column_threads) k.across *= 2;
  k.gap = k.across;
  k.blocks = detail::Divider((groups + k.across - 1) / k.across);
  const std::int64_t tile = static_cast<std::int64_t>(k.lanes) * tuning.rows;
  k.pieces = detail::scan_pieces(k.p.length, tile * tuning.piece_tiles, tuning.most_pieces);
  if (k.pieces.count == 1) k.pieces.length = (k.p.length + tile - 1) / tile * tile;
  const int depths = scan_column_threads / (k.across * k.lanes);
  const auto blocks_for = [&](std::int64_t slabs) {
    return (slabs + depths - 1) / depths * static_cast<std::int64_t>(k.blocks.divisor);
  };
  const std::int64_t lines = k.p.rows / columns;
  const bool shared = k.pieces.count > 1 && blocks_for(lines) < tuning.enough_blocks;
  k.slabs = lines * (shared ? k.pieces.count : 1);
  launch_stages<M, T>(k.p.rows, k.pieces.count, shared, queue.stream, [&](ScanStage stage, auto* totals) {
    k.stage = stage;
    k.totals = totals;
    launch(scan_columns_kernel<M, S, Vectors, Width, Chained, T>, blocks_for(k.slabs), scan_column_threads,
           queue.stream, k);
  });
}

template <ScanMonoid M>
void run_scan_columns(const detail::ScanProblem& problem, const detail::Queue& queue) {
  with_scan_storage<M>(problem, [&](auto stored) {
    using S = decltype(stored);
    constexpr int width = 16 / static_cast<int>(sizeof(S));
    constexpr int single = width < 4 ? width : 4;
    // With a chain single elements do: the arithmetic hides their loads.
    if constexpr (std::is_floating_point_v<ScanValue<S>>)
      if (problem.has_chains()) return launch_scan_columns<M, S, false, single, true>(problem, queue);
    if (has_scan_vectors(problem, width)) return launch_scan_columns<M, S, true, width, false>(problem, queue);
    launch_scan_columns<M, S, false, single, false>(problem, queue);
  });
}

}  // namespace mylos::cuda
