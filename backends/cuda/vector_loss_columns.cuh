// Losses of vectors across the fastest dimension: neighbouring threads have neighbouring rows, and the axis is shared
// by up to eight lanes of threads, which take its positions in turn. It serves every geometry.
#pragma once

#include "cuda/vector_loss.hpp"
#include "cuda/vector_loss_values.cuh"

namespace mylos::cuda {

template <class T>
struct LossColumnsParameters {
  VectorLossParameters<T> v;
  Pieces pieces;            // of the axis
  detail::Divider columns;  // the extent of the fastest kept dimension
  detail::Divider blocks;   // blocks of threads along it
  std::int64_t slabs;       // the other rows times pieces
  void* states;
  LossSum* sums;
  int across;  // threads along the columns
  int lanes;   // along the axis
  int turns;   // blocks of columns that a block of threads takes; 1 where lanes share them
  bool is_half;
};

/// N positions of one input, `step` apart, of a row that begins at `base`.
template <int N, class Stored, class T>
__device__ __forceinline__ void column_values(const LossColumnsParameters<T>& k, const LossInput& input,
                                              std::int64_t base, std::int64_t at, T* v) {
  if (input.data == nullptr) {
    MYLOS_UNROLL
    for (int n = 0; n < N; ++n) v[n] = T(1);
    return;
  }
  const std::int64_t stride = k.v.box.rank > k.v.box.kept_rank ? input.stride[k.v.box.kept_rank] : 0;
  const std::int64_t step = k.lanes * stride;
  const std::int64_t offset = base + at * stride;
  if (input.dtype == k.v.box.x_dtype) {
    typename Stored::Unit unit[N];
    MYLOS_UNROLL
    for (int n = 0; n < N; ++n) unit[n] = load_unit<Stored>(input.data, offset + n * step);
    widen_units<Stored, N>(k.is_half, unit, v);
    return;
  }
  MYLOS_UNROLL
  for (int q = 0; q < N; q += 4) {
    const FourValues<T> values = load_any<T>(input.dtype, input.data, offset + q * step, step, N - q);
    MYLOS_UNROLL
    for (int n = q; n < N && n < q + 4; ++n) v[n] = values.v[n - q];
  }
}

/// Batches of N positions from `at` while whole ones are left.
template <int N, VectorLoss L, bool Chained, class Stored, class T>
__device__ __forceinline__ void take_positions(const LossColumnsParameters<T>& k, std::int64_t row,
                                               const std::int64_t (&base)[3], std::int64_t& at, std::int64_t end,
                                               typename VectorReducer<L, T>::State& state) {
  using R = VectorReducer<L, T>;
  constexpr int group = N < 4 ? 1 : 4;
  for (; at + (N - 1) * k.lanes < end; at += N * k.lanes) {
    T v[R::inputs][N];
    MYLOS_UNROLL
    for (int i = 0; i < R::inputs; ++i) column_values<N, Stored>(k, loss_input(k.v, i), base[i], at, v[i]);
    MYLOS_UNROLL
    for (int n = 0; n < N; n += group) {
      if constexpr (Chained) apply_before<group>(k.v.box, row, at + n * k.lanes, k.lanes, v[0] + n);
      R::template take<group>(state, k.v.o, v[0] + n, v[R::inputs > 1 ? 1 : 0] + n, v[R::inputs > 2 ? 2 : 0] + n);
    }
  }
}

/// The last scores, fewer than four: they are loaded together, and -inf stands for those that are missing.
template <bool Chained, class Stored, class T>
__device__ __forceinline__ void take_last_scores(const LossColumnsParameters<T>& k, std::int64_t row, std::int64_t base,
                                                 std::int64_t at, std::int64_t end,
                                                 typename VectorReducer<VectorLoss::scores, T>::State& state) {
  if (at >= end) return;
  T v[4];
  MYLOS_UNROLL
  for (int n = 0; n < 4; ++n) {
    v[n] = detail::lowest_value<T>();
    if (at + n * k.lanes < end) column_values<1, Stored>(k, loss_input(k.v, 0), base, at + n * k.lanes, v + n);
  }
  if constexpr (Chained) {
    MYLOS_UNROLL
    for (int n = 0; n < 4; ++n)
      if (at + n * k.lanes < end) apply_before<1>(k.v.box, row, at + n * k.lanes, k.lanes, v + n);
  }
  VectorReducer<VectorLoss::scores, T>::template take<4>(state, k.v.o, v, v, v);
}

template <VectorLoss L, bool Chained, class Stored, class T>
__global__ void __launch_bounds__(256, vector_loss_blocks(Chained, 1))
    loss_columns_kernel(const __grid_constant__ LossColumnsParameters<T> k) {
  using R = VectorReducer<L, T>;
  using State = typename R::State;
  const int thread = static_cast<int>(threadIdx.x);
  const int column_thread = thread % k.across;
  const int lane = thread / k.across % k.lanes;
  const int depth = thread / (k.across * k.lanes);
  const int depths = 256 / (k.across * k.lanes);
  const auto slab_block = static_cast<std::int64_t>(k.blocks.divide(blockIdx.x));
  const std::int64_t column_block = blockIdx.x - slab_block * static_cast<std::int64_t>(k.blocks.divisor);
  const std::int64_t slab = slab_block * depths + depth;
  const auto columns = static_cast<std::int64_t>(k.columns.divisor);
  const std::int64_t outer = k.pieces.count == 1 ? slab : slab / k.pieces.count;
  const std::int64_t piece = slab - outer * k.pieces.count;
  ThreadSum<T> sum{};
  for (int turn = 0; turn < k.turns; ++turn) {
    const std::int64_t column = (column_block * k.turns + turn) * k.across + column_thread;
    const std::int64_t row = outer * columns + column;
    const bool active = slab < k.slabs && column < columns;
    State state = R::identity();
    if constexpr (R::inputs > 0) {
      if (active) {
        if (lane == 0) prefetch_target(k.v, row);
        const std::int64_t begin = piece * k.pieces.length;
        const std::int64_t end = begin + k.pieces.length < k.v.box.count ? begin + k.pieces.length : k.v.box.count;
        std::int64_t base[3] = {};
        MYLOS_UNROLL
        for (int i = 0; i < R::inputs; ++i) {
          const LossInput input = loss_input(k.v, i);
          if (input.data != nullptr) base[i] = detail::kept_offset(k.v.box, input.stride, row);
        }
        std::int64_t at = begin + lane;
        if constexpr (R::inputs == 1 && !Chained)
          take_positions<16, L, Chained, Stored>(k, row, base, at, end, state);
        else
          take_positions<8, L, Chained, Stored>(k, row, base, at, end, state);
        take_positions<4, L, Chained, Stored>(k, row, base, at, end, state);
        if constexpr (L == VectorLoss::scores)
          take_last_scores<Chained, Stored>(k, row, base[0], at, end, state);
        else
          take_positions<1, L, Chained, Stored>(k, row, base, at, end, state);
      }
    }
    if (k.lanes > 1) {
      __shared__ alignas(16) unsigned char storage[256 * sizeof(State)];
      auto* states = reinterpret_cast<State*>(storage);
      states[thread] = state;
      __syncthreads();
      for (int other = 1; lane == 0 && other < k.lanes; ++other)
        detail::combine_vectors<L, T>(k.v.o, state, states[thread + other * k.across]);
    }
    if (lane == 0 && active) {
      if (k.pieces.count == 1)
        put_row(k.v, row, end_row<L, Chained>(k.v, row, state), sum);
      else
        static_cast<State*>(k.states)[row * k.pieces.count + piece] = state;
    }
  }
  if (k.pieces.count == 1 && k.sums != nullptr) store_block_sum(sum, k.sums + blockIdx.x);
}

template <VectorLoss L>
void run_vector_loss_columns(const detail::VectorLossProblem& problem, const detail::Queue& queue) {
  with_loss_stored(problem, [&](auto stored, auto value) {
    using Stored = decltype(stored);
    using T = decltype(value);
    LossColumnsParameters<T> k;
    k.v = detail::make_vector_loss_parameters<T>(problem);
    k.is_half = problem.box.x.dtype == DType::f16;
    const detail::Box& kept = problem.box.kept;
    const std::int64_t columns = kept.rank == 0 ? 1 : kept.extent[kept.rank - 1];
    const ReduceTuning tuning = reduce_tuning();
    const std::int64_t count = VectorReducer<L, T>::inputs == 0 ? 1 : k.v.box.count;
    k.pieces = detail::cut(count, tuning.whole_rows, tuning.piece_rows);
    k.columns = detail::Divider(columns);
    k.lanes = count >= vector_loss_rows_for_lanes ? 8 : 1;
    k.across = 1;
    while (k.across < columns && k.across * k.lanes < 256) k.across *= 2;
    k.turns = k.lanes == 1 ? vector_loss_turns(count, columns / k.across) : 1;
    const std::int64_t at_once = static_cast<std::int64_t>(k.across) * k.turns;
    const std::int64_t column_blocks = (columns + at_once - 1) / at_once;
    k.blocks = detail::Divider(column_blocks);
    k.slabs = k.v.box.outputs / columns * k.pieces.count;
    const int depths = 256 / (k.across * k.lanes);
    const std::int64_t blocks = (k.slabs + depths - 1) / depths * column_blocks;
    launch_stages<L>(k.v, k.pieces.count, blocks, queue.stream, [&](auto* states, LossSum* sums) {
      k.states = states;
      k.sums = sums;
      auto kernel = loss_columns_kernel<L, false, Stored, T>;
      if constexpr (L == VectorLoss::scores || L == VectorLoss::weighted_scores)
        if (k.v.box.before.size != 0) kernel = loss_columns_kernel<L, true, Stored, T>;
      launch(kernel, blocks, 256, queue.stream, k);
    });
  });
}

}  // namespace mylos::cuda
