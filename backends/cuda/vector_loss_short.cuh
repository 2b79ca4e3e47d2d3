// Cross entropy of few classes along the fastest dimension: a block reads the scores of many rows as aligned vectors,
// whatever the rows' own alignment, and a few threads take each row from shared memory. Rows far from each other are
// read directly, in the same order.
#pragma once

#include "cuda/reduce_short.cuh"
#include "cuda/vector_loss.hpp"
#include "cuda/vector_loss_values.cuh"

namespace mylos::cuda {

template <class T>
struct LossShortParameters {
  VectorLossParameters<T> v;
  std::int64_t pitch;  // of x between neighbouring rows, where a block reads all between them
  std::int64_t step;   // and along the axis
  Span span;           // of x
  LossSum* sums;
  int count;     // classes
  int team_log;  // of the number of threads that share a row
  int rows;      // of a block
  bool is_half;
};

/// Scores at positions 4 * lane, ... of one row; load(position) fetches a unit.
template <class Stored, class T, class Load>
__device__ __forceinline__ typename VectorReducer<VectorLoss::scores, T>::State reduce_short_scores(
    const LossShortParameters<T>& k, int lane, const Load& load) {
  using R = VectorReducer<VectorLoss::scores, T>;
  typename R::State state = R::identity();
  const int team = 1 << k.team_log;
  const int whole = k.count & ~3;
  for (int at = 4 * lane; at < whole; at += 4 * team) {
    typename Stored::Unit unit[4];
    MYLOS_UNROLL
    for (int j = 0; j < 4; ++j) unit[j] = load(at + j);
    T v[4];
    widen_units<Stored, 4>(k.is_half, unit, v);
    R::template take<4>(state, k.v.o, v, v, v);
  }
  if (whole == k.count || lane != (whole / 4 & (team - 1))) return state;
  // -inf stands for those that are missing.
  typename Stored::Unit unit[3];
  MYLOS_UNROLL
  for (int j = 0; j < 3; ++j) unit[j] = whole + j < k.count ? load(whole + j) : typename Stored::Unit(0);
  T rest[3];
  widen_units<Stored, 3>(k.is_half, unit, rest);
  T v[4];
  MYLOS_UNROLL
  for (int j = 0; j < 4; ++j) v[j] = j < 3 && whole + j < k.count ? rest[j < 3 ? j : 0] : detail::lowest_value<T>();
  R::template take<4>(state, k.v.o, v, v, v);
  return state;
}

/// Rows of a block where several threads share one.
inline constexpr int most_shared_rows = short_rows_bytes / 2 / 8;

template <bool Staged, class Stored, class T>
__global__ void __launch_bounds__(256, 4) loss_short_kernel(const __grid_constant__ LossShortParameters<T> k) {
  using State = typename VectorReducer<VectorLoss::scores, T>::State;
  __shared__ std::conditional_t<Staged, StagedTile<Stored>, char> tile;
  __shared__ alignas(16) unsigned char storage[most_shared_rows * sizeof(State)];
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * k.rows;
  const std::int64_t left = k.v.box.outputs - first;
  const int rows = left < k.rows ? static_cast<int>(left) : k.rows;
  for (int row = thread; row < rows; row += 256) prefetch_target(k.v, first + row);
  int skipped = 0;
  if constexpr (Staged)
    skipped = stage_tile(tile, k.span, static_cast<const typename Stored::Unit*>(k.v.box.x) + first * k.pitch,
                         (rows - 1) * static_cast<int>(k.pitch) + k.count);
  const auto load = [&](int row, int at) {
    if constexpr (Staged)
      return tile.load(skipped + row * static_cast<int>(k.pitch) + at);
    else
      return load_unit<Stored>(k.v.box.x, detail::kept_offset(k.v.box, k.v.box.x_stride, first + row) + at * k.step);
  };
  ThreadSum<T> sum{};
  const auto end = [&](int row, const State& state) {
    const auto score = [&](const ReduceParameters<T>&, std::int64_t, std::int64_t at) {
      const typename Stored::Unit unit[1] = {load(row, static_cast<int>(at))};
      T v[1];
      widen_units<Stored, 1>(k.is_half, unit, v);
      return v[0];
    };
    put_row(k.v, first + row, detail::row_loss<VectorLoss::scores>(k.v, state, first + row, score), sum);
  };
  const int lane = thread & ((1 << k.team_log) - 1);
  const int first_row = thread >> k.team_log;
  auto* states = reinterpret_cast<State*>(storage);
  for (int row = first_row; row - first_row < rows; row += 256 >> k.team_log) {
    State state = VectorReducer<VectorLoss::scores, T>::identity();
    if (row < rows) state = reduce_short_scores<Stored>(k, lane, [&](int at) { return load(row, at); });
    if (k.team_log != 0) combine_loss_warp<VectorLoss::scores, T>(k.v.o, state, 1 << k.team_log);
    if (lane != 0 || row >= rows) continue;
    if (k.team_log == 0)
      end(row, state);
    else
      states[row] = state;
  }
  if (k.team_log != 0) {
    // The ends of rows take all threads.
    __syncthreads();
    for (int row = thread; row < rows; row += 256) end(row, states[row]);
  }
  if (k.sums != nullptr) store_block_sum(sum, k.sums + blockIdx.x);
}

/// Null, or why the kernel does not serve a problem.
inline const char* refuse_loss_short(const detail::VectorLossProblem& problem) {
  const detail::ReduceProblem& box = problem.box;
  const int width = static_cast<int>(16 / size_of(box.x.dtype));
  if (problem.options.loss != VectorLoss::scores || !box.before->empty()) return "there is more to read than scores";
  return box.axis.count <= vector_loss_short_longest(width) ? nullptr : "a row has more values than a few threads take";
}

inline void launch_loss_short(const detail::VectorLossProblem& problem, const detail::Queue& queue) {
  with_loss_stored(problem, [&](auto stored, auto value) {
    using Stored = decltype(stored);
    using T = decltype(value);
    LossShortParameters<T> k;
    k.v = detail::make_vector_loss_parameters<T>(problem);
    k.pitch = staged_pitch(problem.box);
    k.span = span_of(problem.box.x);
    k.count = static_cast<int>(problem.box.axis.count);
    k.team_log = short_rows_team_log(k.count, Stored::width);
    k.step = problem.box.axis.rank == 0 ? 0 : problem.box.x_step();
    k.rows = short_rows_results(k.pitch != 0 ? k.pitch : k.count, Stored::width);
    k.is_half = problem.box.x.dtype == DType::f16;
    const std::int64_t blocks = (k.v.box.outputs + k.rows - 1) / k.rows;
    launch_stages<VectorLoss::scores>(k.v, 1, blocks, queue.stream, [&](auto*, LossSum* sums) {
      k.sums = sums;
      launch(k.pitch != 0 ? loss_short_kernel<true, Stored, T> : loss_short_kernel<false, Stored, T>, blocks, 256,
             queue.stream, k);
    });
  });
}

}  // namespace mylos::cuda
