// What the shapes of a loss of vectors share: the inputs' values, the chain, the combination of a team's states, and
// the sums of rows.
#pragma once

#include "cuda/reduce_values.cuh"
#include "vector_loss/row_end.hpp"

namespace mylos::cuda {

using detail::LossSum;
using detail::RowLoss;
using detail::ThreadSum;
using detail::VectorLoss;
using detail::VectorLossParameters;
using detail::VectorReducer;

/// An input that is read along the axis.
struct LossInput {
  const void* data;
  const std::int64_t* stride;  // over the box
  DType dtype;
};

/// Input i: x, a, b. The latter may be missing and stand for 1: their data is then null.
template <class T>
__device__ __forceinline__ LossInput loss_input(const VectorLossParameters<T>& v, int i) {
  if (i == 0) return {v.box.x, v.box.x_stride, v.box.x_dtype};
  const int operand = i == 1 ? v.o.a : v.o.b;
  if (operand < 0) return {nullptr, nullptr, DType::f32};
  return {v.box.operand[operand].data, v.box.operand[operand].stride, v.box.operand[operand].dtype};
}

/// Up to four elements of any dtype and stride, `valid` of them; apart, since the dtype is asked for.
template <class T>
__device__ __noinline__ FourValues<T> load_any(DType dtype, const void* data, std::int64_t offset, std::int64_t step,
                                               int valid) {
  FourValues<T> values;
  MYLOS_UNROLL
  for (int j = 0; j < 4; ++j) values.v[j] = j < valid ? detail::load_element<T>(dtype, data, offset + j * step) : T(0);
  return values;
}

/// `before` for N values, 1 or 4, of one row.
template <int N, class T>
__device__ __forceinline__ void apply_before(const ReduceParameters<T>& p, std::int64_t row, std::int64_t at,
                                             std::int64_t step, T* x) {
  FourValues<T> values;
  MYLOS_UNROLL
  for (int j = 0; j < 4; ++j) values.v[j] = x[N == 4 ? j : 0];
  values = transform<T>(p, false, row, at, N == 4 ? step : 0, values);
  MYLOS_UNROLL
  for (int j = 0; j < N; ++j) x[j] = values.v[j];
}

/// The scores of a team's states come to one reference, so that putting them together takes no more exponentials.
template <class T>
__device__ __forceinline__ void level(typename detail::Reducer<Monoid::log_sum_exp, T>::State& scores, int team) {
  T most = scores.shift;
  for (int distance = team / 2; distance > 0; distance /= 2) {
    const T other = __shfl_xor_sync(0xffffffffU, most, distance);
    most = other > most ? other : most;
  }
  VectorReducer<VectorLoss::scores, T>::raise(scores, most);
}

template <VectorLoss L, class T, class State>
__device__ __forceinline__ void combine_loss_warp(const detail::VectorLossOptions& o, State& state, int team) {
  if constexpr (L == VectorLoss::scores) level<T>(state, team);
  if constexpr (L == VectorLoss::weighted_scores) level<T>(state.scores, team);
  for (int distance = team / 2; distance > 0; distance /= 2)
    detail::combine_vectors<L, T>(o, state, shuffle_down(state, distance));
}

/// The states of a team, a part of a warp or a whole block of 256 threads. The result is the first thread's.
template <VectorLoss L, class T, class State>
__device__ __forceinline__ void combine_loss_team(const detail::VectorLossOptions& o, State& state, int team) {
  combine_loss_warp<L, T>(o, state, team < 32 ? team : 32);
  if (team <= 32) return;
  __shared__ alignas(16) unsigned char storage[8 * sizeof(State)];
  auto* states = reinterpret_cast<State*>(storage);
  if (threadIdx.x % 32 == 0) states[threadIdx.x / 32] = state;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int warp = 1; warp < 8; ++warp) detail::combine_vectors<L, T>(o, state, states[warp]);
  __syncthreads();  // the next row uses them again
}

/// A row's target on its way, since it is asked for when all else is done.
template <class T>
__device__ __forceinline__ void prefetch_target(const VectorLossParameters<T>& v, std::int64_t row) {
  if (v.o.target < 0) return;
  const auto& target = v.box.operand[v.o.target];
  const auto size = static_cast<std::int64_t>(size_of(target.dtype));
  const auto* const at = static_cast<const char*>(target.data) + detail::kept_offset(v.box, target.stride, row) * size;
  asm volatile("prefetch.global.L1 [%0];" ::"l"(at));
}

/// A row's loss by a function of its own, and so its score through the chain.
template <VectorLoss L, bool Chained, class T>
__device__ __noinline__ RowLoss end_row(const VectorLossParameters<T>& v, std::int64_t row,
                                        typename VectorReducer<L, T>::State state) {
  return detail::row_loss<L>(v, state, row, [](const ReduceParameters<T>& p, std::int64_t r, std::int64_t at) {
    T x[1] = {detail::load_element<T>(
        p.x_dtype, p.x, detail::kept_offset(p, p.x_stride, r) + detail::position_offset(p, p.x_stride, at))};
    if constexpr (Chained)
      if (p.before.size != 0) apply_before<1>(p, r, at, 0, x);
    return x[0];
  });
}

/// The sums of a block's 256 threads into one of `to`, in a fixed order.
template <class Sum>
__device__ __forceinline__ void store_block_sum(Sum sum, LossSum* to) {
  __shared__ alignas(16) unsigned char storage[8 * sizeof(Sum)];
  auto* sums = reinterpret_cast<Sum*>(storage);
  for (int distance = 16; distance > 0; distance /= 2) sum.merge(shuffle_down(sum, distance));
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int warp = 1; warp < 8; ++warp) sum.merge(sums[warp]);
  *to = sum.sum();
}

template <class T>
struct TotalParameters {
  VectorLossParameters<T> v;
  const LossSum* sums;
  std::int64_t count;
  std::int64_t per_block;
  LossSum* to;  // null: this is the last stage
};

template <class T>
__global__ void __launch_bounds__(256) total_kernel(const __grid_constant__ TotalParameters<T> k) {
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * k.per_block;
  const std::int64_t end = begin + k.per_block < k.count ? begin + k.per_block : k.count;
  ThreadSum<double> sum{};
#pragma unroll 4
  for (std::int64_t i = begin + threadIdx.x; i < end; i += 256) sum.LossSum::add(k.sums[i]);
  __shared__ LossSum all;
  store_block_sum(sum, k.to != nullptr ? k.to + blockIdx.x : &all);
  if (k.to == nullptr && threadIdx.x == 0) detail::store_total(k.v, all);
}

/// All sums, and room behind them for those of a second stage.
inline constexpr std::int64_t sums_per_block = 4096;
inline std::int64_t sums_with_stages(std::int64_t count) {
  std::int64_t all = count;
  while (count > sums_per_block) {
    count = (count + sums_per_block - 1) / sums_per_block;
    all += count;
  }
  return all;
}

template <class T>
void launch_total(const VectorLossParameters<T>& v, LossSum* sums, std::int64_t count, void* stream) {
  while (count > sums_per_block) {
    const std::int64_t blocks = (count + sums_per_block - 1) / sums_per_block;
    launch(total_kernel<T>, blocks, 256, stream, TotalParameters<T>{v, sums, count, sums_per_block, sums + count});
    sums += count;
    count = blocks;
  }
  launch(total_kernel<T>, 1, 256, stream, TotalParameters<T>{v, sums, count, count, nullptr});
}

/// What a row comes to: its loss is stored or counted.
template <class T>
__device__ __forceinline__ void put_row(const VectorLossParameters<T>& v, std::int64_t row, const RowLoss& loss,
                                        ThreadSum<T>& sum) {
  if (v.o.per_row())
    detail::store_row(v.box, row, loss);
  else
    sum.add(loss);
}

// ---- rows that were cut ---------------------------------------------------------------------------------------------

template <class T>
struct PiecesParameters {
  VectorLossParameters<T> v;
  const void* states;
  std::int64_t pieces;
  LossSum* sums;
};

/// A warp for each row: the states of its pieces in a fixed order.
template <VectorLoss L, class T>
__global__ void __launch_bounds__(256) pieces_kernel(const __grid_constant__ PiecesParameters<T> k) {
  using R = VectorReducer<L, T>;
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * 8 + threadIdx.x / 32;
  ThreadSum<T> sum{};
  if (row < k.v.box.outputs) {  // a whole warp
    const auto* states = static_cast<const typename R::State*>(k.states) + row * k.pieces;
    typename R::State state = R::identity();
    for (std::int64_t i = threadIdx.x % 32; i < k.pieces; i += 32)
      detail::combine_vectors<L, T>(k.v.o, state, states[i]);
    combine_loss_warp<L, T>(k.v.o, state, 32);
    if (threadIdx.x % 32 == 0) put_row(k.v, row, end_row<L, true>(k.v, row, state), sum);
  }
  if (k.sums != nullptr) store_block_sum(sum, k.sums + blockIdx.x);
}

/// Calls main(states, sums) between the allocation of scratch and the last stages: `blocks` is how many sums it writes
/// where rows are whole.
template <VectorLoss L, class T, class Main>
void launch_stages(const VectorLossParameters<T>& v, std::int64_t pieces, std::int64_t blocks, void* stream,
                   const Main& main) {
  using State = typename VectorReducer<L, T>::State;
  const std::int64_t rows = v.box.outputs;
  const std::int64_t count = pieces > 1 ? (rows + 7) / 8 : blocks;
  const std::size_t states = pieces > 1 ? static_cast<std::size_t>(rows * pieces) : 0;
  const std::size_t all = v.o.per_row() ? 0 : static_cast<std::size_t>(sums_with_stages(count));
  const Scratch state_memory(stream, states * sizeof(State));
  const Scratch sum_memory(stream, all * sizeof(LossSum));
  auto* sums = static_cast<LossSum*>(sum_memory.data());
  if (rows != 0) main(static_cast<State*>(state_memory.data()), sums);
  if (pieces > 1 && rows != 0)
    launch(pieces_kernel<L, T>, count, 256, stream, PiecesParameters<T>{v, state_memory.data(), pieces, sums});
  if (!v.o.per_row()) launch_total(v, sums, count, stream);
}

/// Calls run(Stored(), T()) for what x is stored as.
template <class Run>
void with_loss_stored(const detail::VectorLossProblem& problem, const Run& run) {
  if (problem.box.x.dtype == DType::f64) return run(StoredF64(), double());
  if (problem.box.x.dtype == DType::f32) return run(StoredF32(), float());
  run(Stored16(), float());
}

}  // namespace mylos::cuda
