// Scan along an axis whose elements are neighbours: read once, written once. A group of threads, some lanes of a warp,
// a warp or a block by the row's length, walks along its row tile by tile and carries the state of what is behind it;
// then along its next row. While a tile is worked on the next ones, be they of the next row, are on their way to shared
// memory.
//
// A thread has chunks of 16 bytes, a warp's next to each other. Chunks are scanned within, then across the warp's
// lanes, then across warps. Where there are too few rows for the GPU, pieces of them are walked side by side, in three
// steps.
#pragma once

#include "cuda/scan_row_source.cuh"
#include "cuda/scan_row_target.cuh"

namespace mylos::cuda {

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
  ScanTarget<Rows, S> target{rows, {}, nullptr, nullptr, 0};
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
      constexpr bool levels = M == ScanMonoid::log_sum_exp && std::is_same_v<T, float>;
      T kept[N][Chained || levels ? E : 1];
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
        if constexpr (Chained) chain_before<Rows, S>(rows, target.place, at + i * E, hidden[i], v);
        if constexpr (Chained || levels) {
#pragma unroll
          for (int e = 0; e < E; ++e) kept[i][e] = v[e];
        }
        if constexpr (levels) continue;
        negate_if<M>(k.p.negated, v);
        part[i] = Rows::Run::of(v, at + i * E, hidden[i]);
        R::combine(own, part[i]);
      }
      [[maybe_unused]] LevelScan<N, E> level;
      bool is_level = false;  // of all lanes alike
      State scanned[1];
      if constexpr (levels) {
        is_level = k.lanes == 32 && level.find(kept, state.shift);
        if (is_level) scanned[0] = level.scan(kept, lane);
#pragma unroll
        for (int i = 0; i < N; ++i) {
          if (is_level) continue;
          part[i] = Rows::Run::of(kept[i], at + i * E, hidden[i]);
          R::combine(own, part[i]);
        }
      }
      if (!is_level) {
        R::tidy(own);
        scanned[0] = own;
        scan_lanes<R>(scanned, lane, k.lanes);
      }
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
        if constexpr (levels)
          if (is_level) level.begin(before);
#pragma unroll
        for (int i = 0; i < N; ++i) {
          Pack<S, E>& chunk = stages.pack(stage, lane * N + i);
          T v[E];
          T out[E];
          std::int64_t index[E];
          if constexpr (Chained || levels) {
#pragma unroll
            for (int e = 0; e < E; ++e) v[e] = kept[i][e];
          } else {
            detail::unpack(chunk, v);
          }
          negate_if<M>(k.p.negated, v);
          if constexpr (levels)
            if (is_level) level.emit(k.p.exclusive, i, out);
          if (!is_level) {
            Rows::Run::emit(before, k.p.exclusive, at + i * E, hidden[i], v, out, index);
            R::combine(before, part[i]);
          }
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

/// Whether the indices of whole chunks are whole sectors of 32 bytes, two lanes with neighbouring chunks being at hand.
inline bool has_index_vectors(const detail::ScanProblem& problem, int lanes) {
  const detail::ScanTensor& indices = problem.indices;
  if (!indices.given() || lanes < 2 || indices.step != problem.y.step) return false;
  const auto element = [](const detail::ScanTensor& t) {
    return reinterpret_cast<std::intptr_t>(t.data) / static_cast<std::intptr_t>(size_of(t.dtype));
  };
  bool alike = indices.dtype == DType::i64 && reinterpret_cast<std::uintptr_t>(indices.data) % 8 == 0 &&
               (element(indices) - element(problem.y)) % 4 == 0;
  for (int d = 0; d < problem.rows.rank; ++d)
    alike = alike && (indices.rows.stride[d] - problem.y.rows.stride[d]) % 4 == 0;
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
  k.index_vectors = has_index_vectors(problem, k.lanes);
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
