// Rows that the registers and the shared memory of a few blocks hold, a row a cluster: read once, written once.
//
// Two blocks share a multiprocessor and know nothing of each other: while one waits for its row, or for the other
// blocks' parts of the statistic, the other one loads or stores. A thread has a tile of values in registers and, of
// rows that need more, pieces of 16 bytes in shared memory, which no other thread sees.
#pragma once

#include "cuda/primitives/async.cuh"
#include "cuda/primitives/cluster.cuh"
#include "cuda/primitives/kernel_settings.hpp"
#include "cuda/row_registers.cuh"
#include "cuda/row_runs.hpp"

namespace mylos::cuda {

template <class T>
struct ClusterParameters {
  RowParameters<T> row;
  int blocks;  // of a cluster, which share a row
  int pieces;  // that a thread has in shared memory
};

/// The statistic of a row that a cluster's blocks share, in every thread. Where there are several, all of their threads
/// have arrived at the cluster's barrier.
template <class F, class M, class T>
__device__ __forceinline__ typename F::State combine_blocks(const RowParameters<T>& p, typename F::State state,
                                                            int blocks) {
  using State = typename F::State;
  constexpr int words = (static_cast<int>(sizeof(State)) + 7) / 8;
  __shared__ std::uint64_t parts[cluster_tuning().blocks][words];
  state = combine_warps<F, M>(p, state, cluster_tuning().threads / 32);
  if (blocks == 1) return state;
  cluster_wait();  // the other blocks have begun
  if (static_cast<int>(threadIdx.x) < blocks) {
    std::uint64_t word[words] = {};
    memcpy(word, &state, sizeof(State));
#pragma unroll
    for (int i = 0; i < words; ++i)
      store_to_block(static_cast<int>(threadIdx.x), shared_address(&parts[cluster_rank()][i]), word[i]);
  }
  cluster_arrive();
  cluster_wait();
  const int lane = static_cast<int>(threadIdx.x) % 32;
  State part = F::empty();
  if (lane < blocks) memcpy(&part, parts[lane], sizeof(State));
  return combine_lanes<F, M>(p, part);
}

/// A thread's pieces of E elements: its columns' values V to V + count * E.
template <class S, int E, int V>
struct ClusterPieces {
  static constexpr int threads = cluster_tuning().threads;
  using Piece = detail::Pack<S, E>;
  Piece* own;  // piece k is own[k * threads]
  int count;

  static __device__ __forceinline__ Columns<E, 32> columns_of(int k, const Columns<E, 32>& columns) {
    return columns.from(32 * (V + k * E));
  }
  __device__ __forceinline__ void load(const S* row, const Columns<E, 32>& columns, int length) const {
#pragma unroll 1
    for (int k = 0; k < count; ++k) {
      const auto at = columns_of(k, columns);
      Piece* const to = own + k * threads;
      if (at.has_chunk(0, length)) {
        copy_async<16>(to, row + at.first);
      } else {
#pragma unroll
        for (int i = 0; i < E; ++i)
          if (at.has(i, length)) to->value[i] = row[at.first + i];
      }
    }
  }
  /// N values from piece k on.
  template <int N, class T>
  __device__ __forceinline__ void get(int k, T* v) const {
#pragma unroll
    for (int q = 0; q < N / E; ++q) detail::unpack(own[(k + q) * threads], v + q * E);
  }
};

template <class F, class S, class M, class T>
__global__ void __launch_bounds__(cluster_tuning().threads, 2)
    row_cluster_kernel(const __grid_constant__ ClusterParameters<T> parameters) {
  constexpr int E = 16 / static_cast<int>(sizeof(S));
  constexpr int V = cluster_tuning().bytes / static_cast<int>(sizeof(T));
  constexpr int N = cluster_group_values;
  constexpr int warps = cluster_tuning().threads / 32;
  extern __shared__ __align__(16) unsigned char storage[];
  const RowParameters<T>& p = parameters.row;
  const int blocks = parameters.blocks;
  const int rank = blocks == 1 ? 0 : cluster_rank();
  const std::int64_t row = blockIdx.x / static_cast<unsigned>(blocks);
  const int length = static_cast<int>(p.length);
  const S* const x = static_cast<const S*>(p.x) + p.row_offset(p.x_stride, row);
  S* const y = static_cast<S*>(p.y) + p.row_offset(p.y_stride, row);

  // Each warp has consecutive elements.
  const int warp = rank * warps + static_cast<int>(threadIdx.x) / 32;
  const auto columns = Columns<E, 32>::of_lane(static_cast<int>(threadIdx.x) % 32, 32)
                           .from(warp * (32 * (V + parameters.pieces * E)) - lead_of<line_bytes>(y));
  using Pieces = ClusterPieces<S, E, V>;
  const Pieces pieces{reinterpret_cast<typename Pieces::Piece*>(storage) + threadIdx.x, parameters.pieces};
  T v[V];
  pieces.load(x, columns, length);
  end_copies();
  load_row<GlobalAccess, V>(x, columns, length, v);
  if (blocks > 1) cluster_arrive();

  const auto held = hold_values<F, M, V>(p, columns, length, v);
  auto state = held;
  wait_for_copies<0>();
#pragma unroll 1
  for (int k = 0; k < pieces.count; k += N / E) {
    T u[N];
    pieces.template get<N>(k, u);
    const auto at = Pieces::columns_of(k, columns);
    if (__all_sync(0xffffffffu, at.all(N, length)))
      state = F::template add<M>(p, state, value_tile<N>(u, [](int) { return true; }));
    else
      state = F::template merge<M>(p, state, statistic_of<F, M, N>(p, at, length, u));
  }
  state = combine_blocks<F, M>(p, state, blocks);

  const RowConstants<T> constants = F::template finish<M>(p, state);
  F::template map_held<M, V>(p, constants, held, v);
  store_row<GlobalAccess, V>(y, columns, length, v);
#pragma unroll 1
  for (int k = 0; k < pieces.count; k += N / E) {
    T u[N];
    pieces.template get<N>(k, u);
    F::template map<M, N>(p, constants, u);
    store_row<GlobalAccess, N>(y, Pieces::columns_of(k, columns), length, u);
  }
  if (rank == 0 && threadIdx.x == 0 && p.has_statistics()) store_statistics(p, row, state, constants);
}

/// Without weight, bias, mask and chains.
template <class F, class S, class M, class T>
void launch_cluster(const RowProblem& problem, const detail::Queue& queue) {
  const auto kernel = row_cluster_kernel<F, S, M, T>;
  const ClusterShape shape = cluster_shape(problem);
  if (shape.bytes() > 0) allow_shared_memory(reinterpret_cast<const void*>(kernel), shape.bytes());
  if (problem.rows.count > 0x7fffffff / shape.blocks) throw Error("mylos: launch: more than 2^31 - 1 blocks");

  cudaLaunchAttribute together = {};
  together.id = cudaLaunchAttributeClusterDimension;
  together.val.clusterDim.x = static_cast<unsigned>(shape.blocks);
  together.val.clusterDim.y = 1;
  together.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(problem.rows.count * shape.blocks));
  config.blockDim = dim3(cluster_tuning().threads);
  config.dynamicSmemBytes = static_cast<std::size_t>(shape.bytes());
  config.stream = static_cast<cudaStream_t>(queue.stream);
  config.attrs = &together;
  config.numAttrs = shape.blocks > 1 ? 1 : 0;
  const ClusterParameters<T> parameters{make_row_parameters<T>(problem), shape.blocks, shape.pieces};
  MYLOS_CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, parameters));
}

}  // namespace mylos::cuda
