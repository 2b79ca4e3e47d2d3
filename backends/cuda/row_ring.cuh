// Long rows, held in the shared memory of a cluster of blocks: read once, written once.
//
// Each warp has a run of a row, in chunks of 2 KB, and a ring of stages that the copy engine fills ahead of it. Chunks
// are looked at as they land; the statistic of each warp goes to all blocks of the cluster by asynchronous stores; then
// the chunks are read again from shared memory, mapped and stored, and each stage is refilled at once with a chunk of
// the cluster's next row. There is no block-wide barrier, and the blocks stay for all rows.
//
// Softmax of 4096 x 393216 f32 on H200: 3.24 to 3.29 ms (copy 3.01). Two blocks of 8 warps per multiprocessor: 3.27.
// In a probe, slower by the factor: exchange through global memory 1.09 to 1.28, stores by the copy engine 1.01
// to 1.07, two passes with the second from L2 1.30.
#pragma once

#include "cuda/primitives/check.hpp"
#include "cuda/row_passes.cuh"
#include "cuda/row_ring_stages.cuh"

namespace mylos::cuda {

/// A lane's share of a chunk in shared memory.
template <int V, class S, class T>
__device__ __forceinline__ void load_chunk(const S* data, T* v) {
  constexpr int E = 16 / static_cast<int>(sizeof(S));
  using Chunk = detail::Pack<S, E>;
#pragma unroll
  for (int q = 0; q < V / E; ++q)
    detail::unpack(reinterpret_cast<const Chunk*>(data)[q * 32 + static_cast<int>(threadIdx.x) % 32], v + q * E);
}
template <int V, class S, class T>
__device__ __forceinline__ void store_chunk(S* data, const T* v) {
  constexpr int E = 16 / static_cast<int>(sizeof(S));
  using Chunk = detail::Pack<S, E>;
#pragma unroll
  for (int q = 0; q < V / E; ++q)
    reinterpret_cast<Chunk*>(data)[q * 32 + static_cast<int>(threadIdx.x) % 32] = detail::pack_up<S, E>(v + q * E);
}

/// What a warp does with the chunks of one row.
template <class F, class S, class M, bool Chained, class T>
struct RingRow {
  using State = typename F::State;
  static constexpr int E = 16 / static_cast<int>(sizeof(S));
  static constexpr int V = ring_chunk_bytes / static_cast<int>(sizeof(S)) / 32;
  /// Values that the chain changed go back to shared memory, where they fit.
  static constexpr bool write_back = Chained && sizeof(S) == sizeof(T);
  using Place = Columns<E, 32>;

  const RowParameters<T>& p;
  std::int64_t row;
  const S* x;
  S* y;
  int lead;
  int first_chunk;

  __device__ __forceinline__ RingRow(const RowParameters<T>& parameters, std::int64_t number, int first)
      : p(parameters),
        row(number),
        x(static_cast<const S*>(p.x) + p.row_offset(p.x_stride, number)),
        y(static_cast<S*>(p.y) + p.row_offset(p.y_stride, number)),
        lead(lead_of<line_bytes>(y)),
        first_chunk(first) {}

  __device__ __forceinline__ Place columns(int chunk) const {
    return Place::of_lane(static_cast<int>(threadIdx.x) % 32, 32)
        .from((first_chunk + chunk) * (ring_chunk_bytes / static_cast<int>(sizeof(S))) - lead);
  }
  __device__ __forceinline__ void before(int chunk, T* v) const {
    if constexpr (Chained) apply_before<M, V>(p, row, columns(chunk), static_cast<int>(p.length), v);
  }
  __device__ __forceinline__ State add(const State& state, int chunk, T* v) const {
    return F::template merge<M>(p, state, statistic_of<F, M, V>(p, columns(chunk), static_cast<int>(p.length), v));
  }
  __device__ __forceinline__ void finish(const RowConstants<T>& constants, int chunk, T* v) const {
    F::template map<M, V>(p, constants, v);
    if constexpr (Chained) apply_after<M, V>(p, row, columns(chunk), static_cast<int>(p.length), v);
    store_row<StreamingAccess, V>(y, columns(chunk), static_cast<int>(p.length), v);
  }
};

/// Held: chunks of a row that each warp keeps in registers, for rows that shared memory alone does not hold.
template <class F, class S, class M, int Held, bool Chained, class T>
__global__ void __launch_bounds__(ring_tuning().warps * 32, ring_tuning().blocks)
    row_ring_kernel(const __grid_constant__ RingParameters<T> parameters) {
  using State = typename F::State;
  using Row = RingRow<F, S, M, Chained, T>;
  extern __shared__ __align__(16) unsigned char storage[];
  constexpr int warps = ring_tuning().warps;
  constexpr int V = Row::V;
  const RowParameters<T>& p = parameters.row;
  const int blocks = parameters.blocks_per_row;
  const int stages = parameters.stages;
  const int rank = static_cast<int>(blockIdx.x) % blocks;
  const int warp = static_cast<int>(threadIdx.x) / 32;

  // This warp's run of each row.
  constexpr int chunk_elements = Ring<S, T>::chunk_elements;
  const std::int64_t all = (p.length + parameters.longest_lead + chunk_elements - 1) / chunk_elements;
  const int first_chunk = static_cast<int>(all * (rank * warps + warp) / (blocks * warps));
  const int chunks = static_cast<int>(all * (rank * warps + warp + 1) / (blocks * warps)) - first_chunk;

  const std::int64_t first_row = blockIdx.x / static_cast<unsigned>(blocks);
  const std::int64_t row_step = gridDim.x / static_cast<unsigned>(blocks);
  unsigned char* const barriers = storage + warps * stages * ring_chunk_bytes;
  Ring<S, T> ring(p, storage + warp * stages * ring_chunk_bytes,
                  shared_address(barriers) + 8u * static_cast<unsigned>(warp * stages), stages, first_chunk, chunks,
                  first_row, row_step);
  RingExchange<F, T> exchange(barriers + 8 * warps * stages, blocks);
  __syncwarp();
  cluster_arrive();
  cluster_wait();

  for (std::int64_t number = first_row; number < p.rows; number += row_step) {
    const Row row(p, number, first_chunk);
    State state = F::empty();
    T held[Held > 0 ? Held : 1][V];
#pragma unroll
    for (int chunk = 0; chunk < Held; ++chunk) {
      if (chunk >= chunks) continue;
      load_chunk<V>(ring.wait(row.x, row.lead, first_chunk + chunk), held[chunk]);
      ring.release(false);
      row.before(chunk, held[chunk]);
      state = row.add(state, chunk, held[chunk]);
    }
#pragma unroll 1
    for (int chunk = Held; chunk < chunks; ++chunk) {
      S* const data = ring.wait(row.x, row.lead, first_chunk + chunk);
      T v[V];
      load_chunk<V>(data, v);
      row.before(chunk, v);
      if constexpr (Row::write_back) store_chunk<V>(data, v);
      state = row.add(state, chunk, v);
    }
    state = exchange.template operator()<M>(p, combine_lanes<F, M>(p, state), rank);
    const RowConstants<T> constants = F::template finish<M>(p, state);
#pragma unroll 1
    for (int chunk = Held; chunk < chunks; ++chunk) {
      T v[V];
      load_chunk<V>(ring.again(), v);
      ring.release(Row::write_back);
      if constexpr (!Row::write_back) row.before(chunk, v);
      row.finish(constants, chunk, v);
    }
#pragma unroll
    for (int chunk = 0; chunk < Held; ++chunk)
      if (chunk < chunks) row.finish(constants, chunk, held[chunk]);
    if (rank == 0 && threadIdx.x == 0 && p.has_statistics()) store_statistics(p, number, state, constants);
  }
  // A block's shared memory must live until the others have sent their last.
  cluster_arrive();
  cluster_wait();
}

/// How a row is cut: as few blocks as hold it, by its length alone.
struct RingShape {
  int blocks_per_row;  // 0: no cluster holds the row
  int held;            // chunks of each warp in registers
};
inline RingShape ring_shape(std::int64_t row_bytes) {
  constexpr RingTuning tuning = ring_tuning();
  const std::int64_t chunks = (row_bytes + ring_chunk_bytes - 1) / ring_chunk_bytes;
  const auto holds = [&](int blocks, int held) { return blocks * tuning.warps * (tuning.stages + held) >= chunks; };
  for (int blocks = 1; blocks <= tuning.max_cluster; blocks *= 2)
    if (holds(blocks, 0)) return {blocks, 0};
  if (holds(tuning.max_cluster, tuning.held)) return {tuning.max_cluster, tuning.held};
  return {0, 0};
}
inline RingShape ring_shape(const RowProblem& problem) {
  return ring_shape((problem.length() + longest_lead(problem, line_bytes)) *
                    static_cast<std::int64_t>(size_of(problem.x.dtype)));
}

/// Clusters that run at once; 0 where the device does not grant them.
template <class Kernel>
int resident_clusters(Kernel kernel, cudaLaunchConfig_t config) {
  int clusters = 0;
  if (cudaOccupancyMaxActiveClusters(&clusters, kernel, &config) == cudaSuccess) return clusters;
  cudaGetLastError();
  return 0;
}

template <class F, class S, class M, int Held, bool Chained, class T>
void launch_ring_of(const RowProblem& problem, const detail::Queue& queue, int blocks_per_row) {
  const auto kernel = row_ring_kernel<F, S, M, Held, Chained, T>;
  const RingParameters<T> parameters{make_row_parameters<T>(problem), blocks_per_row, ring_tuning().stages,
                                     longest_lead(problem, line_bytes)};
  const int bytes = RingLayout<typename F::State>::bytes(blocks_per_row, ring_tuning().stages);
  MYLOS_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  if (blocks_per_row > 8)
    MYLOS_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1));

  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.x = static_cast<unsigned>(blocks_per_row);
  cluster.val.clusterDim.y = 1;
  cluster.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(cluster.val.clusterDim.x);
  config.blockDim = dim3(ring_tuning().warps * 32);
  config.dynamicSmemBytes = static_cast<std::size_t>(bytes);
  config.stream = static_cast<cudaStream_t>(queue.stream);
  config.attrs = &cluster;
  config.numAttrs = 1;
  const std::int64_t clusters = resident_clusters(kernel, config);
  // Clusters above 8 are for the device to grant.
  if (clusters == 0) return launch_passes<F, S, M, Chained, T>(problem, queue);
  config.gridDim.x *= static_cast<unsigned>(problem.rows.count < clusters ? problem.rows.count : clusters);
  MYLOS_CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, parameters));
}

template <class F, class S, class M, bool Chained, class T>
void launch_ring(const RowProblem& problem, const detail::Queue& queue) {
  const RingShape shape = ring_shape(problem);
  if (shape.held == 0) return launch_ring_of<F, S, M, 0, Chained, T>(problem, queue, shape.blocks_per_row);
  launch_ring_of<F, S, M, ring_tuning().held, Chained, T>(problem, queue, shape.blocks_per_row);
}

}  // namespace mylos::cuda
