// Scan along an axis whose elements are neighbours: read once, written once. A group of threads, some lanes of a warp,
// a warp or a block by the row's length, walks along its row tile by tile and carries the state of what is behind it;
// then along its next row. While a tile is worked on the next ones, be they of the next row, are on their way to shared
// memory.
//
// A thread has chunks of 16 bytes, a warp's next to each other. Chunks are scanned within, then across the warp's
// lanes, then across warps. Where there are too few rows for the GPU, pieces of them are walked side by side, in three
// steps.
#pragma once

#include "cuda/scan.hpp"
#include "cuda/scan_stages.cuh"

namespace mylos::cuda {

template <class T>
struct ScanRowsParameters {
  ScanParameters<T> p;
  void* totals;
  std::int64_t units;   // of work: rows, or pieces of them
  std::int64_t pieces;  // of a row
  int tiles_per_piece;
  int row_tiles;  // of rows that some lanes share
  int rounds;     // units of each group of threads
  ScanStage stage;
  int lanes;        // of a warp that share a row: a power of two
  int warps;        // that do: 1, or all of the block, and then 32 lanes
  bool backward;    // the step is -1
  bool vectors;     // rows of x and y are aligned alike
  bool mask_bytes;  // and the mask's step is that of x
};

inline constexpr int scan_threads = scan_rows_tuning().threads;
inline constexpr int scan_stages = scan_rows_tuning().stages;

/// Chunks of 16 bytes in a thread's tile; fewer with chains, which work on values twice as wide.
template <class S, bool Chained>
inline constexpr int scan_chunks = Chained && sizeof(S) == 2 ? 2 : 4;

/// The chunks of a group's tile in shared memory, in the order of the scan, and a byte of the mask for each value.
/// Which of eight neighbours lies where depends on the eight, so that lanes meet different banks whichever way they go.
template <class S, int E, int N>
struct GroupStages {
  unsigned char* chunks;
  unsigned char* masks;

  static constexpr int bytes(bool masked) { return scan_stages * N * scan_threads * (16 + (masked ? E : 0)); }
  __device__ __forceinline__ GroupStages(unsigned char* memory, int first_thread)
      : chunks(memory + first_thread * (N * 16)),
        masks(memory + scan_stages * N * scan_threads * 16 + first_thread * (N * E)) {}
  __device__ __forceinline__ S* chunk(int stage, int c) const {
    return reinterpret_cast<S*>(chunks + stage * (N * scan_threads * 16) + (c ^ (c >> 3 & 7)) * 16);
  }
  __device__ __forceinline__ Pack<S, E>& pack(int stage, int c) const {
    return *reinterpret_cast<Pack<S, E>*>(chunk(stage, c));
  }
  __device__ __forceinline__ unsigned char* mask(int stage, int c) const {
    return masks + stage * (N * scan_threads * E) + c * E;
  }
};

/// What a kernel knows of its rows.
template <ScanMonoid M, class S, bool Chained>
struct ScanRows {
  using T = ScanValue<S>;
  using R = ScanArithmetic<M, T>;
  using State = typename R::State;
  static constexpr int E = 16 / static_cast<int>(sizeof(S));
  static constexpr int N = scan_chunks<S, Chained>;
  using Run = ScanRun<M, S, E>;
  using Stages = GroupStages<S, E, N>;

  const ScanRowsParameters<T>& k;
  int lane;
  int first_in_tile;  // position of the group's part, which is a warp's where a block walks along a row

  __device__ __forceinline__ int tile() const { return k.warps * k.lanes * N * E; }
  /// From a group's unit to its next.
  __device__ __forceinline__ std::int64_t stride() const {
    return static_cast<std::int64_t>(gridDim.x) * (k.warps > 1 ? 1 : scan_threads / k.lanes);
  }
  /// Positions before the row in its first chunk: chunks stand on vectors of y.
  __device__ __forceinline__ int skip_of(const S* y) const {
    const auto element = static_cast<int>(reinterpret_cast<std::uintptr_t>(y) / sizeof(S) % E);
    return k.backward ? E - 1 - element : element;
  }
  /// Whether all of the group's part of a tile lies in the row.
  __device__ __forceinline__ bool holds(std::int64_t first, std::int64_t length) const {
    return first >= 0 && first + k.lanes * (N * E) <= length;
  }
  /// Which of a chunk's values, in the order of the scan, the e-th in memory is.
  __device__ __forceinline__ int in_memory(int e) const { return k.backward ? E - 1 - e : e; }
  __device__ __forceinline__ std::int64_t offset(std::int64_t at) const { return k.backward ? -at : at; }
  /// The lowest address of the chunk at a position, `p` being where the scan begins.
  template <class P>
  __device__ __forceinline__ P* lowest(P* p, std::int64_t at) const {
    return k.backward ? p - at - (E - 1) : p + at;
  }
};

/// The tiles of a unit of work, which begins `begin` tiles into its row. All threads that walk together have as many.
template <class Rows>
struct ScanPlaceOf {
  std::int64_t row;
  std::int64_t length;  // 0 where there is no such unit
  int begin;
  int end;

  __device__ __forceinline__ void find(const Rows& rows, std::int64_t unit) {
    const auto& k = rows.k;
    const bool shared = k.stage != ScanStage::whole;
    const bool is = unit < k.units;
    row = is ? (shared ? unit / k.pieces : unit) : 0;
    length = is ? k.p.length : 0;
    begin = shared && is ? static_cast<int>(unit - row * k.pieces) * k.tiles_per_piece : 0;
  }
  __device__ __forceinline__ void measure(const Rows& rows, int skip) {
    const auto& k = rows.k;
    // Lanes of one warp have as many for all of their rows.
    const auto tiles = k.lanes < 32 ? k.row_tiles : static_cast<int>((skip + length + rows.tile() - 1) / rows.tile());
    end = k.stage != ScanStage::whole && begin + k.tiles_per_piece < tiles ? begin + k.tiles_per_piece : tiles;
    if (end <= begin) end = begin + 1;
  }
};

/// Sends the tiles of unit after unit on their way.
template <class Rows, class S>
struct ScanSource {
  static constexpr int E = Rows::E;
  static constexpr int N = Rows::N;
  using Stages = typename Rows::Stages;
  const Rows& rows;
  ScanPlaceOf<Rows> place;
  const S* x;
  const std::uint8_t* mask;
  bool mask_bytes;
  std::int64_t first;  // position of the group's next tile
  std::int64_t unit;
  int left;  // units

  __device__ __forceinline__ void open() {
    const auto& k = rows.k;
    place.find(rows, unit);
    x = static_cast<const S*>(k.p.x.data) + k.p.row_offset(k.p.x, place.row);
    const int skip = rows.skip_of(static_cast<const S*>(k.p.y.data) + k.p.row_offset(k.p.y, place.row));
    place.measure(rows, skip);
    first = static_cast<std::int64_t>(place.begin) * rows.tile() - skip + rows.first_in_tile;
    if (k.p.mask.data == nullptr) return;
    mask = static_cast<const std::uint8_t*>(k.p.mask.data) + k.p.row_offset(k.p.mask, place.row);
    const auto byte = static_cast<int>(reinterpret_cast<std::uintptr_t>(mask) % E);
    mask_bytes = k.mask_bytes && (k.backward ? E - 1 - byte : byte) == skip;
  }

  __device__ __forceinline__ void next(const Stages& stages, int stage) {
    if (left > 0) {
      load(stages, stage);
      first += rows.tile();
      if (++place.begin == place.end) {
        unit += rows.stride();
        if (--left > 0) open();
      }
    }
    end_copies();
  }

 private:
  __device__ __forceinline__ void load(const Stages& stages, int stage) const {
    const int lanes = rows.k.lanes;
    const bool inside = rows.holds(first, place.length);
    if (inside && rows.k.vectors) {
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const int c = i * lanes + rows.lane;
        copy_async<16>(stages.chunk(stage, c), rows.lowest(x, first + c * E));
      }
    } else if (rows.k.vectors) {
#pragma unroll 1
      for (int i = 0; i < N; ++i) load_part(stages, stage, i * lanes + rows.lane);
    } else {
#pragma unroll 1
      for (int i = 0; i < N; ++i) load_elements(stages, stage, i * lanes);
    }
    if (rows.k.p.mask.data == nullptr) return;
    if (inside && mask_bytes) {
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const int c = i * lanes + rows.lane;
        load_mask_bytes(rows.lowest(mask, first + c * E), stages.mask(stage, c));
      }
    } else {
#pragma unroll 1
      for (int i = 0; i < N; ++i) load_mask_elements(stages, stage, i * lanes);
    }
  }
  /// A chunk of which some values may lie outside of the row.
  __device__ __forceinline__ void load_part(const Stages& stages, int stage, int c) const {
    const std::int64_t at = first + c * E;
    if (at >= 0 && at + E <= place.length) return copy_async<16>(stages.chunk(stage, c), rows.lowest(x, at));
    S* const slot = stages.chunk(stage, c);
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const std::int64_t position = at + rows.in_memory(e);
      const bool is = position >= 0 && position < place.length;
      slot[e] = is ? x[rows.offset(position)] : neutral_of<typename Rows::R, S>(rows.k.p);
    }
  }
  /// As many chunks as there are lanes, neighbouring elements by neighbouring lanes.
  __device__ __forceinline__ void load_elements(const Stages& stages, int stage, int chunk) const {
    const S neutral = neutral_of<typename Rows::R, S>(rows.k.p);
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const int element = e * rows.k.lanes + rows.lane;
      const int c = chunk + element / E;
      const std::int64_t at = first + c * E + rows.in_memory(element % E);
      S* const slot = stages.chunk(stage, c) + element % E;
      const bool is = at >= 0 && at < place.length;
      if constexpr (sizeof(S) >= 4) {
        if (is)
          copy_async<static_cast<int>(sizeof(S))>(slot, x + rows.offset(at));
        else
          *slot = neutral;
      } else {
        *slot = is ? x[rows.offset(at)] : neutral;
      }
    }
  }
  static __device__ __forceinline__ void load_mask_bytes(const std::uint8_t* from, unsigned char* to) {
    if constexpr (E == 2)
      *reinterpret_cast<std::uint16_t*>(to) = *reinterpret_cast<const std::uint16_t*>(from);
    else
      copy_async<E>(to, from);
  }
  __device__ __forceinline__ void load_mask_elements(const Stages& stages, int stage, int chunk) const {
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const int element = e * rows.k.lanes + rows.lane;
      const int c = chunk + element / E;
      const std::int64_t at = first + c * E + rows.in_memory(element % E);
      stages.mask(stage, c)[element % E] = at >= 0 && at < place.length ? mask[at * rows.k.p.mask.step] : 0;
    }
  }
};

/// Where the results of a unit go.
template <class Rows, class S>
struct ScanTarget {
  using T = typename Rows::T;
  static constexpr int E = Rows::E;
  static constexpr int N = Rows::N;
  const Rows& rows;
  ScanPlaceOf<Rows> place;
  S* y;
  std::int64_t first;  // position of the group's tile

  __device__ __forceinline__ void open(std::int64_t unit) {
    const auto& k = rows.k;
    place.find(rows, unit);
    y = static_cast<S*>(k.p.y.data) + k.p.row_offset(k.p.y, place.row);
    const int skip = rows.skip_of(y);
    place.measure(rows, skip);
    first = static_cast<std::int64_t>(place.begin) * rows.tile() - skip + rows.first_in_tile;
  }
  /// Results of a lane's chunk, to where others find them.
  __device__ __forceinline__ void put(const T (&out)[E], Pack<S, E>& to) const {
    if (!rows.k.backward) {
      to = detail::pack_up<S, E>(out);
    } else {
      T turned[E];
#pragma unroll
      for (int e = 0; e < E; ++e) turned[e] = out[E - 1 - e];
      to = detail::pack_up<S, E>(turned);
    }
  }
  __device__ __forceinline__ void store(const typename Rows::Stages& stages, int stage) const {
    const int lanes = rows.k.lanes;
    if (rows.holds(first, place.length)) {
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const int c = i * lanes + rows.lane;
        StreamingAccess::store(reinterpret_cast<Pack<S, E>*>(rows.lowest(y, first + c * E)), stages.pack(stage, c));
      }
      return;
    }
#pragma unroll 1
    for (int i = 0; i < N; ++i) {
      const int c = i * lanes + rows.lane;
      const std::int64_t at = first + c * E;
      const Pack<S, E> chunk = stages.pack(stage, c);
      if (at >= 0 && at + E <= place.length) {
        StreamingAccess::store(reinterpret_cast<Pack<S, E>*>(rows.lowest(y, at)), chunk);
        continue;
      }
#pragma unroll
      for (int e = 0; e < E; ++e) {
        const std::int64_t position = at + rows.in_memory(e);
        if (position >= 0 && position < place.length) y[rows.offset(position)] = chunk.value[e];
      }
    }
  }
  __device__ __forceinline__ void store_indices(std::int64_t at, const std::int64_t (&index)[E]) const {
    const ScanView& view = rows.k.p.indices;
    auto* const to = static_cast<std::int64_t*>(view.data) + rows.k.p.row_offset(view, place.row);
#pragma unroll
    for (int e = 0; e < E; ++e)
      if (at + e >= 0 && at + e < place.length) to[(at + e) * view.step] = rows.k.p.index_of(index[e]);
  }
};

/// Values of a chunk through the chain before; what is hidden or outside of the row becomes neutral again.
template <class Rows, class S, int E, class T>
__device__ __forceinline__ void chain_before(const Rows& rows, const ScanPlaceOf<Rows>& place, std::int64_t at,
                                             unsigned hidden, T (&v)[E]) {
  apply_chain<ScanMath<S>>(rows.k.p, false, place.row, at, v);
#pragma unroll
  for (int e = 0; e < E; ++e) {
    const bool outside = at + e < 0 || at + e >= place.length;
    if (outside || (hidden >> e & 1U) != 0) v[e] = rows.k.p.negated ? T(-Rows::R::neutral()) : Rows::R::neutral();
  }
}

/// The state before this warp's part of a tile, and that of the whole tile, from the states of the warps' parts.
template <class R, class State>
__device__ __forceinline__ State across_warps(const State& own, int turn, State& all) {
  constexpr int warps = scan_threads / 32;
  __shared__ alignas(16) unsigned char storage[2 * warps * sizeof(State)];
  // Two places in turn: when one is written again, all have passed the barrier behind its last use.
  State* const part = reinterpret_cast<State*>(storage) + turn * warps;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  if (threadIdx.x % 32 == 0) part[warp] = own;
  __syncthreads();
  State before = R::identity();
  all = part[0];
#pragma unroll
  for (int w = 1; w < warps; ++w) {
    if (w == warp) before = all;
    R::combine(all, part[w]);
  }
  return before;
}

template <ScanMonoid M, class S, bool Chained, class T>
__global__ void __launch_bounds__(scan_rows_tuning().threads,
                                  scan_rows_tuning().blocks(M == ScanMonoid::product, Chained))
    scan_rows_kernel(const __grid_constant__ ScanRowsParameters<T> k) {
  using Rows = ScanRows<M, S, Chained>;
  using R = typename Rows::R;
  using State = typename R::State;
  constexpr int E = Rows::E;
  constexpr int N = Rows::N;
  const int thread = static_cast<int>(threadIdx.x);
  const bool block_row = k.warps > 1;
  const int lane = thread & (k.lanes - 1);
  const Rows rows{k, lane, block_row ? thread / 32 * (32 * N * E) : 0};
  std::int64_t unit =
      block_row ? blockIdx.x : static_cast<std::int64_t>(blockIdx.x) * (scan_threads / k.lanes) + thread / k.lanes;
  int rounds = k.rounds;

  extern __shared__ __align__(16) unsigned char memory[];
  const typename Rows::Stages stages(memory, thread - lane);
  ScanSource<Rows, S> source{rows, {}, nullptr, nullptr, false, 0, unit, rounds};
  source.open();
#pragma unroll
  for (int ahead = 0; ahead < scan_stages - 1; ++ahead) source.next(stages, ahead);
  int stage = 0;
  int turn = 0;
  ScanTarget<Rows, S> target{rows, {}, nullptr, 0};
  for (; rounds > 0; --rounds, unit += rows.stride()) {
    target.open(unit);
    State base = R::identity();
    State state = R::identity();
    if (k.stage == ScanStage::results && target.place.length != 0) base = static_cast<const State*>(k.totals)[unit];
    int left = k.tiles_per_piece;
    for (int t = target.place.begin; t < target.place.end; ++t, turn ^= 1) {
      if (left == 0) {
        R::combine(base, state);
        R::tidy(base);
        state = R::identity();
        left = k.tiles_per_piece;
      }
      --left;
      __syncwarp();  // the lanes have read what was there
      source.next(stages, stage == 0 ? scan_stages - 1 : stage - 1);
      wait_for_copies<scan_stages - 1>();
      __syncwarp();

      // This lane's chunks.
      const std::int64_t at = target.first + lane * (N * E);
      State part[N];
      unsigned hidden[N];
      T kept[N][Chained ? E : 1];
      State own = R::identity();
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const int c = lane * N + i;
        Pack<S, E>& chunk = stages.pack(stage, c);
        hidden[i] = prepare_chunk<R>(k.p, k.backward, chunk, stages.mask(stage, c));
        if constexpr (M == ScanMonoid::arg_maximum) {
#pragma unroll
          for (int e = 0; e < E; ++e)
            if (at + i * E + e < 0 || at + i * E + e >= target.place.length) hidden[i] |= 1U << e;
        }
        T v[E];
        detail::unpack(chunk, v);
        if constexpr (Chained) {
          chain_before<Rows, S>(rows, target.place, at + i * E, hidden[i], v);
#pragma unroll
          for (int e = 0; e < E; ++e) kept[i][e] = v[e];
        }
        negate_if<M>(k.p.negated, v);
        part[i] = Rows::Run::of(v, at + i * E, hidden[i]);
        R::combine(own, part[i]);
      }
      R::tidy(own);
      State scanned[1] = {own};
      scan_lanes<R>(scanned, lane, k.lanes);
      State tile_total = shuffle_from(scanned[0], k.lanes - 1, k.lanes);
      R::tidy(tile_total);
      const State of_lanes = shuffle_up(scanned[0], 1, k.lanes);
      State before = base;
      R::combine(before, state);
      if (block_row) {
        const State of_warps = across_warps<R>(tile_total, turn, tile_total);
        R::combine(before, of_warps);
      }
      if (lane > 0) R::combine(before, of_lanes);
      R::combine(state, tile_total);
      R::tidy(state);
      if (k.stage != ScanStage::totals) {
#pragma unroll
        for (int i = 0; i < N; ++i) {
          Pack<S, E>& chunk = stages.pack(stage, lane * N + i);
          T v[E];
          T out[E];
          std::int64_t index[E];
          if constexpr (Chained) {
#pragma unroll
            for (int e = 0; e < E; ++e) v[e] = kept[i][e];
          } else {
            detail::unpack(chunk, v);
          }
          negate_if<M>(k.p.negated, v);
          Rows::Run::emit(before, k.p.exclusive, at + i * E, hidden[i], v, out, index);
          R::combine(before, part[i]);
          negate_if<M>(k.p.negated, out);
          if constexpr (Chained) apply_chain<ScanMath<S>>(k.p, true, target.place.row, at + i * E, out);
          if constexpr (M == ScanMonoid::arg_maximum) target.store_indices(at + i * E, index);
          target.put(out, chunk);
        }
        __syncwarp();
        target.store(stages, stage);
      }
      target.first += rows.tile();
      stage = stage + 1 == scan_stages ? 0 : stage + 1;
    }
    if (k.stage == ScanStage::totals && target.place.length != 0 && thread == 0)
      static_cast<State*>(k.totals)[unit] = state;
  }
}

/// Whether every row of a tensor begins as many elements behind a vector's boundary as that of y.
inline bool scan_rows_aligned_alike(const detail::ScanProblem& problem) {
  const std::size_t size = size_of(problem.x.dtype);
  const auto elements = static_cast<std::int64_t>(16 / size);
  const auto apart = reinterpret_cast<std::intptr_t>(problem.x.data) - reinterpret_cast<std::intptr_t>(problem.y.data);
  bool alike = apart % 16 == 0 && reinterpret_cast<std::uintptr_t>(problem.y.data) % size == 0;
  for (int d = 0; d < problem.rows.rank; ++d)
    alike = alike && (problem.x.rows.stride[d] - problem.y.rows.stride[d]) % elements == 0;
  return alike;
}

/// Positions before a row of y in its first chunk, at most.
inline std::int64_t longest_skip(const detail::ScanProblem& problem) {
  const auto elements = static_cast<std::int64_t>(16 / size_of(problem.y.dtype));
  const std::int64_t bytes = problem.y.step < 0 ? 16 - static_cast<std::int64_t>(size_of(problem.y.dtype)) : 0;
  bool aligned = reinterpret_cast<std::uintptr_t>(problem.y.data) % 16 == static_cast<std::uintptr_t>(bytes);
  for (int d = 0; d < problem.rows.rank; ++d) aligned = aligned && problem.y.rows.stride[d] % elements == 0;
  return aligned ? 0 : elements - 1;
}

/// By the row's length alone, but for whether pieces are shared and for empty tiles, which do not show in the result.
template <ScanMonoid M, class S, bool Chained>
void launch_scan_rows(const detail::ScanProblem& problem, const detail::Queue& queue) {
  using T = ScanValue<S>;
  constexpr int E = 16 / static_cast<int>(sizeof(S));
  constexpr int values = E * scan_chunks<S, Chained>;
  constexpr ScanRowsTuning tuning = scan_rows_tuning();
  ScanRowsParameters<T> k{};
  k.p = detail::make_scan_parameters<T>(problem);
  k.backward = problem.y.step < 0;
  k.vectors = scan_rows_aligned_alike(problem);
  k.mask_bytes = problem.mask.given() && problem.mask.step == problem.y.step;
  k.warps = k.p.length > 32 * values * tuning.warp_tiles ? tuning.threads / 32 : 1;
  k.lanes = 1;
  while (k.lanes < 32 && k.lanes * values < k.p.length) k.lanes *= 2;
  const std::int64_t tile = static_cast<std::int64_t>(k.warps) * k.lanes * values;
  k.row_tiles = static_cast<int>((k.p.length + longest_skip(problem) + tile - 1) / tile);
  const ScanPieces pieces =
      detail::scan_pieces((k.p.length + E - 2) / tile + 1, tuning.piece_tiles, tuning.most_pieces);
  k.pieces = pieces.count;
  k.tiles_per_piece = static_cast<int>(pieces.length);
  const bool shared = k.warps > 1 && k.pieces > 1 && k.p.rows < tuning.enough_rows;
  k.units = k.p.rows * (shared ? k.pieces : 1);
  const int groups = k.warps == 1 ? tuning.threads / k.lanes : 1;
  const std::int64_t needed = (k.units + groups - 1) / groups;
  const int bytes = ScanRows<M, S, Chained>::Stages::bytes(problem.mask.given());
  // Of short rows as many as run at once: each group goes on to its next rows, whose tiles are on their way. Long rows
  // a block each: blocks that went on from row to row would stay in step, and meet in the same channels of the memory.
  const auto kernel = scan_rows_kernel<M, S, Chained, T>;
  const std::int64_t at_once = resident_blocks(kernel, tuning.threads, bytes);
  const std::int64_t blocks = needed < at_once || k.warps > 1 ? needed : at_once;
  k.rounds = static_cast<int>((needed + blocks - 1) / blocks);
  launch_stages<M, T>(k.p.rows, k.pieces, shared, queue.stream, [&](ScanStage stage, auto* totals) {
    k.stage = stage;
    k.totals = totals;
    launch(kernel, blocks, tuning.threads, queue.stream, k, bytes);
  });
}

template <ScanMonoid M>
void run_scan_rows(const detail::ScanProblem& problem, const detail::Queue& queue) {
  with_scan_storage<M>(problem, [&](auto stored) {
    using S = decltype(stored);
    if constexpr (std::is_floating_point_v<ScanValue<S>>)
      if (problem.has_chains()) return launch_scan_rows<M, S, true>(problem, queue);
    launch_scan_rows<M, S, false>(problem, queue);
  });
}

}  // namespace mylos::cuda
