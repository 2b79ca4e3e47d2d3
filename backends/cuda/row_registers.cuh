// Rows that registers hold: read once, written once. Some lanes of a warp share a short row, the warps of a block a
// long one.
#pragma once

#include "cuda/primitives/launch.cuh"
#include "cuda/row_affine.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

template <class T>
struct RegistersParameters {
  RowParameters<T> row;
  int lanes;  // threads that share a row: a power of two up to 32, or all of the block
};

template <RowKind Kind>
inline constexpr WarpsTuning warps_tuning_of = warps_tuning(Kind == RowKind::affine, Kind == RowKind::full);

/// The statistic of a row that the warps of a block share, in every thread.
template <class F, class M, class T>
__device__ __forceinline__ typename F::State combine_warps(const RowParameters<T>& p, typename F::State state,
                                                           int warps) {
  using State = typename F::State;
  state = combine_lanes<F, M>(p, state);
  if (warps == 1) return state;
  __shared__ alignas(16) unsigned char storage[sizeof(State) * 32];
  State* const warp_state = reinterpret_cast<State*>(storage);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  if (lane == 0) warp_state[threadIdx.x / 32] = state;
  __syncthreads();
  return combine_lanes<F, M>(p, lane < warps ? warp_state[lane] : F::empty());
}

/// A thread's values, from load to store. combine: from the thread's statistic to the row's.
template <class F, class S, class M, int V, RowKind Kind, class T, int E, int Lanes, class Combine>
__device__ __forceinline__ void register_row(const RowParameters<T>& p, std::int64_t row,
                                             const Columns<E, Lanes>& from_boundary, const Combine& combine) {
  // Lanes without a row go along, with no elements.
  const bool is_row = row < p.rows;
  const int length = is_row ? static_cast<int>(p.length) : 0;
  const S* const x = static_cast<const S*>(p.x) + (is_row ? p.row_offset(p.x_stride, row) : 0);
  S* const y = static_cast<S*>(p.y) + (is_row ? p.row_offset(p.y_stride, row) : 0);
  // Single elements need no boundary; a few lanes would spend too many of their values on a wide one.
  constexpr int boundary = E == 1 ? static_cast<int>(sizeof(S)) : Lanes == 0 ? 16 : sector_bytes;
  const auto columns = from_boundary.from(-lead_of<boundary>(y));
  T v[V];
  load_row<GlobalAccess, V>(x, columns, length, v);
  if constexpr (Kind == RowKind::full) apply_before<M, V>(p, row, columns, length, v);
  const auto held = hold_values<F, M, V>(p, columns, length, v);
  const auto state = combine(held);
  const RowConstants<T> constants = F::template finish<M>(p, state);
  F::template map_held<M, V>(p, constants, held, v);
  apply_rest<Kind, M, V>(p, row, columns, length, v, 0, false);
  store_row<GlobalAccess, V>(y, columns, length, v);
  if (from_boundary.first == 0 && is_row && p.has_statistics()) store_statistics(p, row, state, constants);
}

/// Up to 32 lanes a row.
template <class F, class S, class M, int E, int V, RowKind Kind, class T>
__global__ void __launch_bounds__(lanes_tuning(Kind == RowKind::full).threads,
                                  lanes_tuning(Kind == RowKind::full).blocks)
    row_lanes_kernel(const __grid_constant__ RegistersParameters<T> parameters) {
  const int lanes = parameters.lanes;
  const int shift = __ffs(lanes) - 1;
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * (blockDim.x >> shift) + (threadIdx.x >> shift);
  const auto columns = Columns<E, 0>::of_lane(static_cast<int>(threadIdx.x) & (lanes - 1), lanes);
  register_row<F, S, M, V, Kind>(parameters.row, row, columns, [&](const typename F::State& state) {
    return combine_lanes<F, M>(parameters.row, state, LaneGroup<>{lanes});
  });
}

/// One warp a row and several rows a block, or a block a row. Each warp has consecutive elements.
template <class F, class S, class M, int E, int V, RowKind Kind, class T>
__global__ void __launch_bounds__(warps_tuning_of<Kind>.longest,
                                  warps_tuning_of<Kind>.threads / warps_tuning_of<Kind>.longest)
    row_warps_kernel(const __grid_constant__ RegistersParameters<T> parameters) {
  const int warps = parameters.lanes / 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const std::int64_t row =
      warps > 1 ? blockIdx.x : static_cast<std::int64_t>(blockIdx.x) * (blockDim.x / 32) + static_cast<unsigned>(warp);
  const auto columns =
      Columns<E, 32>::of_lane(static_cast<int>(threadIdx.x) % 32, 32).from(warps > 1 ? warp * (32 * V) : 0);
  register_row<F, S, M, V, Kind>(parameters.row, row, columns, [&](const typename F::State& state) {
    return combine_warps<F, M>(parameters.row, state, warps);
  });
}

/// By the row's length alone: how many rows there are must not show in the result.
template <class F, class S, class M, int E, RowKind Kind, class T>
void launch_registers_of(const RowProblem& problem, const detail::Queue& queue) {
  constexpr int few = lanes_tuning(Kind == RowKind::full).bytes / static_cast<int>(sizeof(T));
  constexpr int tiny = few / 4;
  constexpr int many = warps_tuning_of<Kind>.bytes / static_cast<int>(sizeof(T));
  constexpr int threads = lanes_tuning(Kind == RowKind::full).threads;
  RegistersParameters<T> parameters{make_row_parameters<T>(problem), 1};
  const int length = static_cast<int>(problem.length());
  const auto run = [&](auto kernel, int rows_per_block, int block) {
    launch(kernel, (problem.rows.count + rows_per_block - 1) / rows_per_block, block, queue.stream, parameters);
  };
  const auto share_among_lanes = [&](int values, int elements) {
    while (parameters.lanes * values < elements) parameters.lanes *= 2;
    return threads / parameters.lanes;
  };
  if (length <= registers_tiny_length(sizeof(T)))
    return run(row_lanes_kernel<F, S, M, 1, tiny, Kind, T>, share_among_lanes(tiny, length), threads);
  // With the longest lead.
  const auto reach = [&](int boundary) { return length + longest_lead(problem, boundary); };
  // With half of the values, where all lanes have them: the loads of two lanes lie apart.
  if (reach(16) == 2 * few)
    return run(row_lanes_kernel<F, S, M, E, few / 2, Kind, T>, share_among_lanes(few / 2, reach(16)), threads);
  if (reach(16) <= 32 * few)
    return run(row_lanes_kernel<F, S, M, E, few, Kind, T>, share_among_lanes(few, reach(16)), threads);
  const int warps = (reach(sector_bytes) + 32 * many - 1) / (32 * many);
  parameters.lanes = 32 * warps;
  const int rows_per_block = warps > 1 ? 1 : 4;
  const int block = 32 * warps * rows_per_block;
  run(row_warps_kernel<F, S, M, E, many, Kind, T>, rows_per_block, block);
}

template <class F, class S, class M, int E, class T>
void launch_registers(const RowProblem& problem, const detail::Queue& queue) {
  if (problem.has_chains() || problem.is_causal)
    return launch_registers_of<F, S, M, E, RowKind::full, T>(problem, queue);
  if constexpr (F::has_affine) {
    if (problem.has_affine()) return launch_registers_of<F, S, M, E, RowKind::affine, T>(problem, queue);
  }
  launch_registers_of<F, S, M, E, RowKind::light, T>(problem, queue);
}

}  // namespace mylos::cuda
