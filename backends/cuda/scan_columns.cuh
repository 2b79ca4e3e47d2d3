// Scan along any axis: neighbouring threads have neighbouring rows. A block walks along the axis tile by tile, read
// once and written once: up to eight lanes of threads share a tile's positions, each with eight that follow each other,
// and a state per row is carried from tile to tile. How many lanes depends on the axis alone, and so does the order of
// a sum. It serves every geometry; where neighbouring rows are neighbours in memory, a thread has a vector of them.
#pragma once

#include "cuda/scan.hpp"
#include "cuda/scan_stages.cuh"

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
  bool mask_vectors;        // the mask's bytes come in vectors too
};

/// What a thread of a block is to do: `Width` rows, `Positions` of a tile of each.
template <ScanMonoid M, class S, bool Vectors, int Width, bool Chained>
struct ScanColumn {
  using T = ScanValue<S>;
  using R = ScanArithmetic<M, T>;
  using State = typename R::State;
  static constexpr int K = scan_columns_tuning().rows;
  using Run = ScanRun<M, S, K>;
  using Stages = OwnStages<S, Width, K, scan_column_threads, scan_columns_tuning().stages>;
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

  /// Sends positions at, at + 1, ... of the thread's rows on their way.
  __device__ __forceinline__ void load(std::int64_t at, std::int64_t end, const Stages& stages, int stage) const {
    const S* from = static_cast<const S*>(k.p.x.data) + x + at * k.p.x.step;
    const std::int64_t next = apart(k.p.x);
#pragma unroll
    for (int r = 0; r < K; ++r, from += k.p.x.step) {
      auto* const to = reinterpret_cast<Pack<S, Width>*>(stages.chunk(stage, r));
      if (Vectors && at + r < end && valid > 0) {
        copy_async<16>(to, from);
        continue;
      }
#pragma unroll
      for (int c = 0; c < Width; ++c) {
        const bool is = !Vectors && at + r < end && c < valid;
        if constexpr (!Vectors && sizeof(S) >= 4) {
          if (is) copy_async<static_cast<int>(sizeof(S))>(&to->value[c], from + c * next);
        } else if constexpr (!Vectors) {
          if (is) to->value[c] = from[c * next];
        }
        if (!is) to->value[c] = neutral_of<R, S>(k.p);
      }
    }
    if (k.p.mask.data != nullptr) load_mask(at, end, stages, stage);
  }

  __device__ __forceinline__ void load_mask(std::int64_t at, std::int64_t end, const Stages& stages, int stage) const {
    const auto* from = static_cast<const std::uint8_t*>(k.p.mask.data) + mask + at * k.p.mask.step;
    const std::int64_t next = apart(k.p.mask);
#pragma unroll
    for (int r = 0; r < K; ++r, from += k.p.mask.step) {
      unsigned char* const to = stages.mask(stage, r);
      if constexpr (Vectors && Width >= 4) {
        if (at + r < end && valid > 0 && k.mask_vectors) {
          copy_async<Width>(to, from);
          continue;
        }
      }
#pragma unroll
      for (int c = 0; c < Width; ++c) to[c] = at + r < end && c < valid ? from[c * next] : 0;
    }
  }

  /// The tile that has come; hidden: bit r of [c], where positions count.
  __device__ __forceinline__ void take(std::int64_t at, std::int64_t end, const Stages& stages, int stage, Tile& tile,
                                       unsigned (&hidden)[Width]) const {
    unsigned by_row[K];
#pragma unroll
    for (int r = 0; r < K; ++r)
      by_row[r] = prepare_chunk<R>(k.p, false, *reinterpret_cast<Pack<S, Width>*>(stages.chunk(stage, r)),
                                   stages.mask(stage, r));
#pragma unroll
    for (int c = 0; c < Width; ++c) {
      hidden[c] = 0;
#pragma unroll
      for (int r = 0; r < K; ++r) hidden[c] |= at + r < end ? (by_row[r] >> c & 1U) << r : 1U << r;
    }
    if constexpr (Chained) {
      Pack<S, Width> chunk[K];
#pragma unroll
      for (int r = 0; r < K; ++r) chunk[r] = *reinterpret_cast<const Pack<S, Width>*>(stages.chunk(stage, r));
#pragma unroll
      for (int c = 0; c < Width; ++c) {
        T v[K];
#pragma unroll
        for (int r = 0; r < K; ++r) v[r] = detail::widen<T>(chunk[r].value[c]);
        if (c < valid) apply_chain<ScanMath<S>>(k.p, false, row + c * gap, at, v);
          // A chain may have made something of what was neutral.
#pragma unroll
        for (int r = 0; r < K; ++r)
          tile.value[r][c] = (hidden[c] >> r & 1U) == 0 ? v[r] : (k.p.negated ? T(-R::neutral()) : R::neutral());
      }
    } else {
      again(stages, stage, tile);
    }
  }
  __device__ __forceinline__ void again(const Stages& stages, int stage, Tile& tile) const {
    if constexpr (!Chained) {
#pragma unroll
      for (int r = 0; r < K; ++r) {
        const auto chunk = *reinterpret_cast<const Pack<S, Width>*>(stages.chunk(stage, r));
#pragma unroll
        for (int c = 0; c < Width; ++c) tile.value[r][c] = chunk.value[c];
      }
    }
  }

  __device__ __forceinline__ void values(const Tile& tile, int c, T (&v)[K]) const {
#pragma unroll
    for (int r = 0; r < K; ++r) v[r] = detail::widen<T>(tile.value[r][c]);
    negate_if<M>(k.p.negated, v);
  }

  /// Results take the values' place.
  __device__ __forceinline__ void finish(std::int64_t at, std::int64_t end, int c, const std::int64_t (&index)[K],
                                         T (&out)[K]) const {
    negate_if<M>(k.p.negated, out);
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
    S* to = static_cast<S*>(k.p.y.data) + y + at * k.p.y.step;
    const std::int64_t next = apart(k.p.y);
#pragma unroll
    for (int r = 0; r < K; ++r, to += k.p.y.step) {
      Pack<S, Width> out;
#pragma unroll
      for (int c = 0; c < Width; ++c) out.value[c] = detail::narrow<S>(detail::widen<T>(tile.value[r][c]));
      if constexpr (Vectors) {
        if (at + r < end && valid > 0) GlobalAccess::store(reinterpret_cast<Pack<S, Width>*>(to), out);
      } else {
#pragma unroll
        for (int c = 0; c < Width; ++c)
          if (at + r < end && c < valid) to[c * next] = out.value[c];
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
  extern __shared__ __align__(16) unsigned char memory[];
  const typename Column::Stages stages(memory);
  constexpr int count = scan_columns_tuning().stages;
#pragma unroll
  for (int ahead = 0; ahead < count - 1; ++ahead) {
    own.load(first + ahead * tile_length + lane * K, last, stages, ahead);
    end_copies();
  }
  int stage = 0;
  for (std::int64_t tile = first; tile < last; tile += tile_length) {
    if (left == 0) {
#pragma unroll
      for (int c = 0; c < Width; ++c) {
        R::combine(base[c], state[c]);
        R::tidy(base[c]);
        state[c] = R::identity();
      }
      left = k.pieces.length;
    }
    left -= tile_length;
    const std::int64_t at = tile + lane * K;
    own.load(at + (count - 1) * tile_length, last, stages, stage == 0 ? count - 1 : stage - 1);
    end_copies();
    wait_for_copies<count - 1>();
    typename Column::Tile held;
    unsigned hidden[Width];
    own.take(at, last, stages, stage, held, hidden);
    if (k.lanes > 1 && tile != first) __syncthreads();  // the others have read the last tile's states
#pragma unroll
    for (int c = 0; c < Width; ++c) {
      typename Column::T v[K];
      own.values(held, c, v);
      states[c * scan_column_threads + thread] = Column::Run::of(v, at, hidden[c]);
    }
    if (k.lanes > 1) __syncthreads();
    own.again(stages, stage, held);
    stage = stage + 1 == count ? 0 : stage + 1;
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
      R::tidy(state[c]);
      if (k.stage == ScanStage::totals) continue;
      typename Column::T v[K];
      typename Column::T out[K];
      std::int64_t index[K];
      own.values(held, c, v);
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
/// Likewise for the bytes of the mask, as many as there are elements in such a vector.
inline bool has_mask_vectors(const detail::ScanProblem& problem, int width) {
  const detail::ScanTensor& t = problem.mask;
  const int rank = problem.rows.rank;
  bool is = t.given() && rank > 0 && t.rows.stride[rank - 1] == 1 && t.step % width == 0 &&
            reinterpret_cast<std::uintptr_t>(t.data) % static_cast<unsigned>(width) == 0;
  for (int d = 0; d + 1 < rank; ++d) is = is && t.rows.stride[d] % width == 0;
  return is;
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
  k.mask_vectors = has_mask_vectors(problem, Width);
  const int bytes = ScanColumn<M, S, Vectors, Width, Chained>::Stages::bytes(problem.mask.given());
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
           queue.stream, k, bytes);
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
