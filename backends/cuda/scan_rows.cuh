// Scan along an axis whose elements are neighbours: read once, written once. A group of threads, some lanes of a warp,
// a warp or a block by the row's length, walks along its row tile by tile, and carries the state of what is behind it.
//
// A thread has chunks of 16 bytes, a warp's next to each other. Chunks are scanned within, then across the warp's
// lanes, then across warps. While a tile is worked on the next ones are on
// their way to shared memory, where each thread finds its own. Where there are too few rows for the GPU,
// pieces of them are walked side by side, in three steps.
#pragma once

#include "cuda/primitives/async.cuh"
#include "cuda/scan.hpp"
#include "cuda/scan_values.cuh"

namespace mylos::cuda {

template <class T>
struct ScanRowsParameters {
  ScanParameters<T> p;
  void* totals;
  std::int64_t pieces;
  std::int64_t tiles_per_piece;
  ScanStage stage;
  int lanes;        // of a warp that share a row: a power of two
  int warps;        // that do: 1, or all of the block, and then 32 lanes
  bool backward;    // the step is -1
  bool vectors;     // rows of x and y are aligned alike
  bool mask_bytes;  // and the mask's step is that of x
};

/// Chunks of 16 bytes in a thread's tile; fewer with chains, which work on values twice as wide.
template <class S, bool Chained>
inline constexpr int scan_chunks = Chained && sizeof(S) == 2 ? 2 : 4;

/// Where a thread's chunks of a tile lie, in the order of the scan: chunk i holds positions at(i) on.
template <int E>
struct ScanColumns {
  std::int64_t first;
  int distance;  // of neighbouring chunks of the thread
  __device__ __forceinline__ std::int64_t at(int i) const { return first + i * distance; }
};

/// Threads of a block and the tiles that each has in shared memory: the one that is worked on and those on their way.
inline constexpr int scan_threads = scan_rows_tuning().threads;
inline constexpr int scan_stages = scan_rows_tuning().stages;

/// A thread's own places in shared memory: N chunks of E values for each stage, and a byte of the mask for each value.
template <class S, int E, int N>
struct ScanStages {
  static constexpr int mask_size = E < 4 ? 4 : E;
  unsigned char* chunks;
  unsigned char* masks;

  static constexpr int bytes(bool masked) { return scan_stages * N * scan_threads * (16 + (masked ? mask_size : 0)); }
  __device__ __forceinline__ explicit ScanStages(unsigned char* memory)
      : chunks(memory + threadIdx.x * 16),
        masks(memory + scan_stages * N * scan_threads * 16 + threadIdx.x * mask_size) {}
  __device__ __forceinline__ Pack<S, E>* chunk(int stage, int i) const {
    return reinterpret_cast<Pack<S, E>*>(chunks + (stage * N + i) * (scan_threads * 16));
  }
  __device__ __forceinline__ unsigned char* mask(int stage, int i) const {
    return masks + (stage * N + i) * (scan_threads * mask_size);
  }
};

template <class S>
__device__ __forceinline__ void swap_values(S& a, S& b) {
  const S c = a;
  a = b;
  b = c;
}

/// One row as a group of threads sees it.
template <ScanMonoid M, class S, bool Chained>
struct ScanRow {
  using T = ScanValue<S>;
  using R = Scanner<M, T>;
  using State = typename R::State;
  static constexpr int E = 16 / static_cast<int>(sizeof(S));
  static constexpr int N = scan_chunks<S, Chained>;
  using Run = ScanRun<M, S, E>;
  using Stages = ScanStages<S, E, N>;
  using Columns = ScanColumns<E>;

  const ScanRowsParameters<T>& k;
  std::int64_t row;
  std::int64_t length;  // 0 for a group without a row
  const S* x;           // where the scan begins
  S* y;
  const std::uint8_t* mask;
  std::int64_t* indices;
  int skip;  // positions before the row in its first chunk
  bool mask_bytes;

  __device__ __forceinline__ ScanRow(const ScanRowsParameters<T>& parameters, std::int64_t row_)
      : k(parameters), row(row_ < parameters.p.rows ? row_ : 0), length(row_ < parameters.p.rows ? k.p.length : 0) {
    x = static_cast<const S*>(k.p.x.data) + k.p.row_offset(k.p.x, row);
    y = static_cast<S*>(k.p.y.data) + k.p.row_offset(k.p.y, row);
    const auto element = static_cast<int>(reinterpret_cast<std::uintptr_t>(y) / sizeof(S) % E);
    skip = k.backward ? E - 1 - element : element;
    mask = nullptr;
    mask_bytes = false;
    if (k.p.mask.data != nullptr) {
      mask = static_cast<const std::uint8_t*>(k.p.mask.data) + k.p.row_offset(k.p.mask, row);
      const auto byte = static_cast<int>(reinterpret_cast<std::uintptr_t>(mask) % E);
      mask_bytes = k.mask_bytes && (k.backward ? E - 1 - byte : byte) == skip;
    }
    indices = nullptr;
    if constexpr (M == ScanMonoid::arg_maximum)
      indices = static_cast<std::int64_t*>(k.p.indices.data) + k.p.row_offset(k.p.indices, row);
  }

  /// Whether all chunks of the tile lie in the row, as vectors.
  __device__ __forceinline__ bool is_whole(const Columns& c) const {
    return k.vectors && c.first >= 0 && c.at(N - 1) + E <= length;
  }
  /// The lowest address of a chunk, `p` being where the scan begins.
  template <class P>
  __device__ __forceinline__ P* lowest(P* p, std::int64_t at) const {
    return k.backward ? p - at - (E - 1) : p + at;
  }
  /// Which of a chunk's values, in the order of the scan, the e-th in memory is.
  __device__ __forceinline__ int in_memory(int e) const { return k.backward ? E - 1 - e : e; }
  __device__ __forceinline__ std::int64_t offset(std::int64_t at) const { return k.backward ? -at : at; }

  /// Sends a tile on its way.
  __device__ __forceinline__ void load(const Columns& c, const Stages& stages, int stage) const {
    const bool whole = is_whole(c);
    if (whole) {
#pragma unroll
      for (int i = 0; i < N; ++i) copy_async<16>(stages.chunk(stage, i), lowest(x, c.at(i)));
    } else {
#pragma unroll 1
      for (int i = 0; i < N; ++i) load_elements(c.at(i), *stages.chunk(stage, i));
    }
    if (mask == nullptr) return;
    if (whole && mask_bytes) {
#pragma unroll
      for (int i = 0; i < N; ++i) load_mask_bytes(lowest(mask, c.at(i)), stages.mask(stage, i));
    } else {
#pragma unroll 1
      for (int i = 0; i < N; ++i) load_mask_elements(c.at(i), stages.mask(stage, i));
    }
  }

  /// The values of chunk i in the order of the scan, neutral where they are hidden; their bits.
  __device__ __forceinline__ unsigned values(const Stages& stages, int stage, int i, std::int64_t at, T (&v)[E]) const {
    detail::unpack(*stages.chunk(stage, i), v);
    unsigned hidden = 0;
    if (mask != nullptr) {
      const unsigned char* const bytes = stages.mask(stage, i);
#pragma unroll
      for (int w = 0; w < (E + 3) / 4; ++w) {
        const std::uint32_t word = reinterpret_cast<const std::uint32_t*>(bytes)[w];
#pragma unroll
        for (int e = 4 * w; e < 4 * w + 4 && e < E; ++e)
          if ((word >> (e % 4 * 8) & 255U) == 0) hidden |= 1U << e;
      }
    }
    if (k.backward) {
#pragma unroll
      for (int e = 0; e < E / 2; ++e) swap_values(v[e], v[E - 1 - e]);
      if (mask != nullptr) hidden = __brev(hidden) >> (32 - E);
    }
    if constexpr (Chained) apply_chain<ScanMath<S>>(k.p, false, row, at, v);
    if (k.p.negated) {
#pragma unroll
      for (int e = 0; e < E; ++e) v[e] = T(-v[e]);
    }
    if (mask != nullptr) {
#pragma unroll
      for (int e = 0; e < E; ++e) v[e] = (hidden >> e & 1U) != 0 ? R::neutral() : v[e];
    }
    if (Chained || M == ScanMonoid::arg_maximum) {
      // Beyond the row's ends a chain may have made something of what was neutral.
      if (at < 0 || at + E > length) {
#pragma unroll
        for (int e = 0; e < E; ++e) {
          if (at + e >= 0 && at + e < length) continue;
          v[e] = R::neutral();
          hidden |= 1U << e;
        }
      }
    }
    return hidden;
  }

  /// Results of chunk i, in the order of the scan.
  __device__ __forceinline__ void store(const Columns& c, bool whole, int i, T (&out)[E],
                                        const std::int64_t (&index)[E]) const {
    const std::int64_t at = c.at(i);
    if (k.p.negated) {
#pragma unroll
      for (int e = 0; e < E; ++e) out[e] = T(-out[e]);
    }
    if constexpr (Chained) apply_chain<ScanMath<S>>(k.p, true, row, at, out);
    if constexpr (M == ScanMonoid::arg_maximum) {
#pragma unroll
      for (int e = 0; e < E; ++e)
        if (at + e >= 0 && at + e < length) indices[(at + e) * k.p.indices.step] = k.p.index_of(index[e]);
    }
    if (k.backward) {
#pragma unroll
      for (int e = 0; e < E / 2; ++e) swap_values(out[e], out[E - 1 - e]);
    }
    const Pack<S, E> chunk = detail::pack_up<S, E>(out);
    if (whole) return StreamingAccess::store(reinterpret_cast<Pack<S, E>*>(lowest(y, at)), chunk);
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const std::int64_t to = at + in_memory(e);
      if (to >= 0 && to < length) y[offset(to)] = chunk.value[e];
    }
  }

 private:
  __device__ __forceinline__ void load_elements(std::int64_t first, Pack<S, E>& to) const {
    const S neutral = detail::narrow<S>(k.p.negated ? T(-R::neutral()) : R::neutral());
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const std::int64_t at = first + in_memory(e);
      const bool inside = at >= 0 && at < length;
      if constexpr (sizeof(S) >= 4) {
        if (inside)
          copy_async<static_cast<int>(sizeof(S))>(&to.value[e], x + offset(at));
        else
          to.value[e] = neutral;
      } else {
        to.value[e] = inside ? x[offset(at)] : neutral;
      }
    }
  }
  static __device__ __forceinline__ void load_mask_bytes(const std::uint8_t* from, unsigned char* to) {
    if constexpr (E == 2)
      *reinterpret_cast<std::uint16_t*>(to) = *reinterpret_cast<const std::uint16_t*>(from);
    else
      copy_async<E>(to, from);
  }
  __device__ __forceinline__ void load_mask_elements(std::int64_t first, unsigned char* to) const {
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const std::int64_t at = first + in_memory(e);
      to[e] = at >= 0 && at < length ? mask[at * k.p.mask.step] : 0;
    }
  }
};

/// The state before this warp's part of a tile, and that of the whole tile, from the states of the warps' parts.
template <class R, class State>
__device__ __forceinline__ State across_warps(const State& own, int warps, int turn, State& all) {
  constexpr int most = scan_threads / 32;
  __shared__ alignas(16) unsigned char storage[2 * most * sizeof(State)];
  // Two places in turn: when one is written again, all have passed the barrier behind its last use.
  State* const part = reinterpret_cast<State*>(storage) + (turn & 1) * most;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  if (threadIdx.x % 32 == 0) part[warp] = own;
  __syncthreads();
  State before = R::identity();
  all = R::identity();
  for (int w = 0; w < warps; ++w) {
    if (w == warp) before = all;
    R::combine(all, part[w]);
  }
  return before;
}

template <ScanMonoid M, class S, bool Chained, class T>
__global__ void __launch_bounds__(scan_rows_tuning().threads, scan_rows_tuning().blocks(Chained))
    scan_rows_kernel(const __grid_constant__ ScanRowsParameters<T> k) {
  using Row = ScanRow<M, S, Chained>;
  using R = typename Row::R;
  using State = typename R::State;
  constexpr int E = Row::E;
  constexpr int N = Row::N;
  const int lanes = k.lanes;
  const int lane = static_cast<int>(threadIdx.x) & (lanes - 1);
  const int warp = k.warps == 1 ? 0 : static_cast<int>(threadIdx.x) / 32;
  const bool shared = k.stage != ScanStage::whole;
  const std::int64_t block = shared ? blockIdx.x / k.pieces : blockIdx.x;
  const std::int64_t piece = shared ? blockIdx.x - block * k.pieces : 0;
  const int rows_per_block = k.warps == 1 ? static_cast<int>(blockDim.x) / lanes : 1;
  const Row row(k, block * rows_per_block + (k.warps == 1 ? static_cast<int>(threadIdx.x) / lanes : 0));

  const int tile = k.warps * lanes * N * E;
  const std::int64_t tiles = (row.skip + k.p.length + tile - 1) / tile;
  std::int64_t t = piece * k.tiles_per_piece;
  const std::int64_t end = shared && t + k.tiles_per_piece < tiles ? t + k.tiles_per_piece : tiles;
  State base = R::identity();
  State state = R::identity();
  if (k.stage == ScanStage::results) base = static_cast<const State*>(k.totals)[block * k.pieces + piece];
  // Rows that lanes share have one tile, whether the chunk before their first element is there or not.
  typename Row::Columns columns{t * tile - row.skip + (warp * N * lanes + lane) * E, lanes * E};
  extern __shared__ __align__(16) unsigned char memory[];
  const typename Row::Stages stages(memory);
#pragma unroll
  for (int ahead = 0; ahead < scan_stages - 1; ++ahead) {
    if (t + ahead < end) row.load({columns.first + ahead * tile, columns.distance}, stages, ahead);
    end_copies();
  }
  std::int64_t left = k.tiles_per_piece;
  int stage = 0;
  for (int turn = 0; t < end; ++t, ++turn) {
    if (left == 0) {
      R::combine(base, state);
      state = R::identity();
      left = k.tiles_per_piece;
    }
    --left;
    if (t + scan_stages - 1 < end)
      row.load({columns.first + (scan_stages - 1) * tile, columns.distance}, stages,
               stage == 0 ? scan_stages - 1 : stage - 1);
    end_copies();
    wait_for_copies<scan_stages - 1>();

    State part[N];
    unsigned hidden[N];
    T kept[N][Chained ? E : 1];
#pragma unroll
    for (int i = 0; i < N; ++i) {
      T v[E];
      hidden[i] = row.values(stages, stage, i, columns.at(i), v);
      part[i] = Row::Run::of(v, columns.at(i), hidden[i]);
      if constexpr (Chained) {
#pragma unroll
        for (int e = 0; e < E; ++e) kept[i][e] = v[e];
      }
    }
    scan_lanes<R>(part, lane, lanes);
    State warp_total = R::identity();
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const State total = shuffle_from(part[i], lanes - 1, lanes);
      State before = shuffle_up(part[i], 1, lanes);
      part[i] = warp_total;
      if (lane > 0) R::combine(part[i], before);
      R::combine(warp_total, total);
    }
    State tile_total = warp_total;
    State before = base;
    R::combine(before, state);
    if (k.warps > 1) {
      const State of_warps = across_warps<R>(warp_total, k.warps, turn, tile_total);
      R::combine(before, of_warps);
    }
    if (k.stage != ScanStage::totals) {
      const bool whole = row.is_whole(columns);
#pragma unroll
      for (int i = 0; i < N; ++i) {
        State place = before;
        R::combine(place, part[i]);
        T v[E];
        T out[E];
        std::int64_t index[E];
        if constexpr (Chained) {
#pragma unroll
          for (int e = 0; e < E; ++e) v[e] = kept[i][e];
        } else {
          hidden[i] = row.values(stages, stage, i, columns.at(i), v);
        }
        Row::Run::emit(place, k.p.exclusive, columns.at(i), hidden[i], v, out, index);
        row.store(columns, whole, i, out, index);
      }
    }
    R::combine(state, tile_total);
    columns.first += tile;
    stage = stage + 1 == scan_stages ? 0 : stage + 1;
  }
  if (k.stage == ScanStage::totals && threadIdx.x == 0) static_cast<State*>(k.totals)[block * k.pieces + piece] = state;
}

/// Whether every row of x begins as many elements behind a vector's boundary as that of y.
inline bool scan_rows_aligned_alike(const detail::ScanProblem& problem) {
  const std::size_t size = size_of(problem.x.dtype);
  const auto elements = static_cast<std::int64_t>(16 / size);
  const auto apart = reinterpret_cast<std::intptr_t>(problem.x.data) - reinterpret_cast<std::intptr_t>(problem.y.data);
  bool alike = apart % 16 == 0 && reinterpret_cast<std::uintptr_t>(problem.y.data) % size == 0;
  for (int d = 0; d < problem.rows.rank; ++d)
    alike = alike && (problem.x.rows.stride[d] - problem.y.rows.stride[d]) % elements == 0;
  return alike;
}

/// By the row's length alone, but for whether pieces are shared, which does not show in the result.
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
  const std::int64_t reach = k.p.length + E - 1;
  k.warps = reach > 32 * values * tuning.warp_tiles ? tuning.threads / 32 : 1;
  k.lanes = 1;
  while (k.lanes < 32 && k.lanes * values < reach) k.lanes *= 2;
  const std::int64_t tile = static_cast<std::int64_t>(k.warps) * k.lanes * values;
  const std::int64_t tiles = (reach + tile - 1) / tile;
  const ScanPieces pieces = detail::scan_pieces(tiles, tuning.piece_tiles, tuning.most_pieces);
  k.pieces = pieces.count;
  k.tiles_per_piece = pieces.length;
  const bool shared = k.warps > 1 && k.pieces > 1 && k.p.rows < tuning.enough_rows;
  const int rows_per_block = k.warps == 1 ? tuning.threads / k.lanes : 1;
  const std::int64_t blocks = (k.p.rows + rows_per_block - 1) / rows_per_block * (shared ? k.pieces : 1);
  const int bytes = ScanStages<S, E, scan_chunks<S, Chained>>::bytes(problem.mask.given());
  launch_stages<M, T>(k.p.rows, k.pieces, shared, queue.stream, [&](ScanStage stage, auto* totals) {
    k.stage = stage;
    k.totals = totals;
    launch(scan_rows_kernel<M, S, Chained, T>, blocks, tuning.threads, queue.stream, k, bytes);
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
