// Long rows, held in the shared memory of the blocks that share them: read once, written once.
//
// Each block has a part of a row, in slabs of a chunk of 2 KB for each warp, and a ring of stages that a producer warp
// and the copy engine fill ahead of the others. Chunks are looked at as they land; the blocks exchange their
// statistics; then the chunks are read again from shared memory, mapped and stored, and each stage is refilled at once
// with a slab of the next row. The blocks stay for all rows.
// A row has the blocks of a cluster, or up to half of those of the device.
#pragma once

#include "cuda/primitives/device.hpp"
#include "cuda/primitives/scratch.cuh"
#include "cuda/row_affine.cuh"
#include "cuda/row_exchange.cuh"
#include "cuda/row_ring_stages.cuh"
#include "cuda/row_runs.hpp"

namespace mylos::cuda {

inline constexpr int ring_threads = (ring_tuning().warps + 1) * 32;

/// Values of a lane, vectors of 16 bytes of all lanes in turn.
template <int V, class S, class T>
__device__ __forceinline__ void load_values(const S* data, T* v) {
  constexpr int E = 16 / static_cast<int>(sizeof(S));
  using Chunk = detail::Pack<S, E>;
#pragma unroll
  for (int q = 0; q < V / E; ++q)
    detail::unpack(reinterpret_cast<const Chunk*>(data)[q * 32 + static_cast<int>(threadIdx.x) % 32], v + q * E);
}
template <class Access, int V, class S, class T>
__device__ __forceinline__ void store_values(S* data, const T* v) {
  constexpr int E = 16 / static_cast<int>(sizeof(S));
  using Chunk = detail::Pack<S, E>;
#pragma unroll
  for (int q = 0; q < V / E; ++q)
    Access::store(reinterpret_cast<Chunk*>(data) + q * 32 + static_cast<int>(threadIdx.x) % 32,
                  detail::pack_up<S, E>(v + q * E));
}

/// A chunk in shared memory through a chain without operands.
template <class M, int V, class S>
__device__ __noinline__ void chain_chunk(const detail::LoweredChain<S>& chain, S* data) {
  detail::RegisterTile<S, V> tile;
  load_values<V>(data, tile.value);
  detail::apply_plain<M>(chain, tile);
  store_values<detail::PlainAccess, V>(data, tile.value);
}

/// What a warp does with a chunk. RowKind::chained: what the chains give goes back to shared memory.
template <class F, class S, class M, RowKind Kind, class T>
struct RingWork {
  using State = typename F::State;
  static constexpr int E = 16 / static_cast<int>(sizeof(S));
  static constexpr int chunk_values = ring_chunk_bytes / static_cast<int>(sizeof(S)) / 32;
  static constexpr int look_values = chunk_values < 16 ? chunk_values : 16;
  static constexpr bool is_full = Kind == RowKind::full;
  static constexpr bool is_chained = Kind == RowKind::chained;
  static constexpr bool has_affine = (Kind == RowKind::affine || is_full) && F::has_affine;
  /// What takes registers of its own takes fewer values at a time.
  static constexpr int map_values = Kind == RowKind::full ? 8 : look_values;
  /// Values that a chain changed go back to shared memory, where they fit.
  static constexpr bool can_write_back = sizeof(S) == sizeof(T) && (is_full || is_chained);

  const RowParameters<T>& p;
  std::int64_t row;
  bool in_run;           // chunks lie within the axis' fastest dimension
  RunAffine<T>* affine;  // in shared memory: in registers it would make others spill

  /// The lane's columns from value i on, counted from the chunk's first element in the row.
  static __device__ __forceinline__ Columns<E, 32> columns(const RingChunk<S>& chunk, int i) {
    return Columns<E, 32>::of_lane(static_cast<int>(threadIdx.x) % 32, 32).from(i * 32 - chunk.begin);
  }
  static __device__ __forceinline__ int length(const RingChunk<S>& chunk) { return chunk.end - chunk.begin; }
  /// The row's element that is column 0.
  static __device__ __forceinline__ std::int64_t start(const RingChunk<S>& chunk) { return chunk.first + chunk.begin; }

  __device__ __forceinline__ bool has_before() const { return p.before.size > 0 || p.is_causal; }

  /// The state with a chunk.
  __device__ __forceinline__ State look(State state, const RingChunk<S>& chunk, S* data) const {
    bool by_parts = is_full && has_before();
    if constexpr (can_write_back) {
      if (p.before.size > 0 && (is_chained || (p.operands == 0 && !p.is_causal))) {
        chain_chunk<M, chunk_values>(p.before, data);
        by_parts = false;
      }
    }
    if (!by_parts) {
#pragma unroll
      for (int i = 0; i < chunk_values; i += look_values) {
        T v[look_values];
        load_values<look_values>(data + i * 32, v);
        state = add<look_values>(state, chunk, i, v);
      }
      return state;
    }
    if constexpr (is_full) {
#pragma unroll 1
      for (int i = 0; i < chunk_values; i += map_values) {
        T v[map_values];
        load_values<map_values>(data + i * 32, v);
        apply_before<M, map_values>(p, row, columns(chunk, i), length(chunk), v, start(chunk));
        if (can_write_back) store_values<detail::PlainAccess, map_values>(data + i * 32, v);
        state = add<map_values>(state, chunk, i, v);
      }
    }
    return state;
  }

  /// The results through `after`, which has no operands, in their places in shared memory.
  __device__ __forceinline__ void chain_results(const RowConstants<T>& constants, S* data) const {
    constexpr int V = map_values;
#pragma unroll
    for (int i = 0; i < chunk_values; i += V) {
      T v[V];
      load_values<V>(data + i * 32, v);
      F::template map<M, V>(p, constants, v);
      store_values<detail::PlainAccess, V>(data + i * 32, v);
    }
    chain_chunk<M, chunk_values>(p.after, data);
  }

  /// The result of a whole chunk, where *affine is simple. is_done: it is in shared memory already.
  __device__ __forceinline__ void finish_whole(const RowConstants<T>& constants, const RingChunk<S>& chunk,
                                               const S* data, bool is_done) const {
    constexpr int V = map_values;
#pragma unroll
    for (int i = 0; i < chunk_values; i += V) {
      T v[V];
      load_values<V>(data + i * 32, v);
      if (!is_done) F::template map<M, V>(p, constants, v);
      if constexpr (has_affine) affine->template apply<V>(chunk.first, columns(chunk, i), chunk.end, true, v);
      store_values<GlobalAccess, V>(chunk.y + i * 32, v);
    }
  }
  /// Of any other, and with chains.
  __device__ __forceinline__ void finish(const RowConstants<T>& constants, const RingChunk<S>& chunk, const S* data,
                                         bool is_done) const {
    constexpr int V = has_affine ? 8 : map_values;
    if (length(chunk) == 0) return;
#pragma unroll 1
    for (int i = 0; i < chunk_values; i += V) {
      T v[V];
      load_values<V>(data + i * 32, v);
      if constexpr (is_full && !can_write_back) {
        if (has_before()) apply_before<M, V>(p, row, columns(chunk, i), length(chunk), v, start(chunk));
      }
      if (!is_done) F::template map<M, V>(p, constants, v);
      if constexpr (has_affine) apply_affine_tile<V>(p, row, columns(chunk, i), length(chunk), v, start(chunk), in_run);
      if constexpr (is_full) apply_chain<M, V>(p, p.after, row, columns(chunk, i), length(chunk), v, start(chunk));
      if (chunk.is_whole())
        store_values<GlobalAccess, V>(chunk.y + i * 32, v);
      else
        store_row<GlobalAccess, V>(chunk.y + chunk.begin, columns(chunk, i), length(chunk), v);
    }
  }

 private:
  template <int N>
  __device__ __forceinline__ State add(const State& state, const RingChunk<S>& chunk, int i, T* v) const {
    if (chunk.is_whole()) return F::template add<M>(p, state, value_tile<N>(v, [](int) { return true; }));
    return F::template merge<M>(p, state, statistic_of<F, M, N>(p, columns(chunk, i), length(chunk), v));
  }
};

template <class F, class S, class M, class Exchange, RowKind Kind, class T>
__global__ void __launch_bounds__(ring_threads, 1)
    row_ring_kernel(const __grid_constant__ RingParameters<T> parameters) {
  using Work = RingWork<F, S, M, Kind, T>;
  extern __shared__ __align__(16) unsigned char storage[];
  constexpr int warps = ring_tuning().warps;
  const RowParameters<T>& p = parameters.row;
  const int blocks = parameters.blocks_per_row;
  const int rank = static_cast<int>(blockIdx.x) % blocks;
  const int warp = static_cast<int>(threadIdx.x) / 32;

  // This block's part of each row, and its rows.
  const std::int64_t first_chunk = parameters.chunks * rank / blocks;
  const int chunks = static_cast<int>(parameters.chunks * (rank + 1) / blocks - first_chunk);
  const int slabs = (chunks + warps - 1) / warps;
  const std::int64_t first_row = blockIdx.x / static_cast<unsigned>(blocks);
  const std::int64_t row_step = gridDim.x / static_cast<unsigned>(blocks);

  const RingStages<S> stages(storage);
  Exchange exchange(storage + RingStages<S>::bytes, parameters.exchange, blocks, rank);
  if (threadIdx.x == 0) stages.init();
  __syncthreads();
  exchange.start();
  if (warp == warps) {
    fill_stages<S, T>(parameters, stages, first_chunk, chunks, first_row, row_step);
    return exchange.finish();
  }

  const bool in_run =
      p.axis_rank > 0 && static_cast<std::int64_t>(p.extent[p.rows_rank + p.axis_rank - 1].divisor) == parameters.run;
  // So many slabs of the next row fit beside a row: they are looked at while its statistic is on its way.
  const int ahead = slabs < stages.stages - slabs ? slabs : stages.stages - slabs;
  RingView<S> ring(stages, warp);
  RingRow<S, T> row(parameters, first_chunk, chunks);
  __shared__ RunAffine<T> affine_of[Kind == RowKind::affine ? warps : 1];
  Work work{p, first_row, in_run, &affine_of[Kind == RowKind::affine ? warp : 0]};
  bool is_simple = !Work::has_affine;
  typename Work::State state = F::empty();
  // Most chunks are whole, and what they need is known once for all.
  typename RingRow<S, T>::Whole whole;
  const auto move_to = [&](std::int64_t number) {
    work.row = number;
    row.move_to(number);
    whole = row.template whole<warps>(warp);
  };
  const auto ragged_chunk = [&](int i) {
    const RingChunk<S> chunk = row.chunk(i * warps + warp);
    whole = row.template whole<warps>(warp);
    return chunk;
  };
  const auto is_whole = [&](int i) { return !Work::is_full && whole.has(i); };
  const auto find_affine = [&] {
    if constexpr (Work::has_affine && !Work::is_full) {
      const std::int64_t element = whole.template chunk<warps>(whole.begin).first;
      RunAffine<T> found;
      is_simple = whole.has(whole.begin) && found.template locate<Work::E>(p, work.row, element, element, in_run);
      __syncwarp();
      if (threadIdx.x % 32 == 0) *work.affine = found;
      __syncwarp();
    }
  };
  const auto look = [&](std::int64_t number, int from, int to) {
    if (number >= p.rows || from >= to) return;
    move_to(number);
#pragma unroll 1
    for (int i = from; i < to; ++i) {
      const auto look_at = [&](const RingChunk<S>& chunk) { state = work.look(state, chunk, ring.wait(chunk)); };
      if (is_whole(i))
        look_at(whole.template chunk<warps>(i));
      else
        look_at(ragged_chunk(i));
    }
  };
  const auto look_and_leave = [&](std::int64_t number, int from) {
    if (number >= p.rows) return;
    look(number, from, slabs);
    exchange.template leave<M>(p, state);
    state = F::empty();
  };
  if (first_row < p.rows) look_and_leave(first_row, 0);
#pragma unroll 1
  for (std::int64_t number = first_row; number < p.rows; number += row_step) {
    if (ahead == slabs)
      look_and_leave(number + row_step, 0);
    else
      look(number + row_step, 0, ahead);
    move_to(number);
    find_affine();  // on its way while the blocks' parts are
    const RowConstants<T> constants = exchange.template collect<M>(p, [&](const typename Work::State& statistic) {
      const RowConstants<T> result = F::template finish<M>(p, statistic);
      if (rank == 0 && threadIdx.x == 0 && p.has_statistics()) store_statistics(p, number, statistic, result);
      return result;
    });
#pragma unroll 1
    for (int i = 0; i < slabs; ++i) {
      const bool is_done = Work::is_chained && p.after.size > 0;
      if constexpr (Work::is_chained)
        if (is_done) work.chain_results(constants, ring.oldest());
      if (is_whole(i) && is_simple) {
        work.finish_whole(constants, whole.template chunk<warps>(i), ring.oldest(), is_done);
      } else {
        // Most often the next run begins: with its weight and bias at hand the chunk is like any other.
        const RingChunk<S> chunk = ragged_chunk(i);
        if (is_whole(i)) find_affine();
        if (is_whole(i) && is_simple) {
          work.finish_whole(constants, chunk, ring.oldest(), is_done);
        } else {
          work.finish(constants, chunk, ring.oldest(), is_done);
          if (i + 1 < slabs) find_affine();
        }
      }
      ring.release(Work::can_write_back);
    }
    if (ahead < slabs) look_and_leave(number + row_step, ahead);
  }
  exchange.finish();
}

/// False where the device has no room for a cluster of so many blocks.
template <class F, class S, class M, class Exchange, RowKind Kind, class T>
bool launch_ring_of(const RowProblem& problem, const detail::Queue& queue, const RingShape& shape) {
  const auto kernel = row_ring_kernel<F, S, M, Exchange, Kind, T>;
  const int blocks = shape.blocks_per_row;
  RingParameters<T> parameters;
  parameters.row = make_row_parameters<T>(problem);
  parameters.blocks_per_row = blocks;
  parameters.run = shape.run;
  parameters.chunks = shape.chunks;
  parameters.chunks_per_run = detail::Divider(shape.chunks / (problem.length() / shape.run));
  const int bytes = RingStages<S>::bytes + Exchange::shared_bytes(blocks);
  MYLOS_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));

  cudaLaunchAttribute together = {};
  if (Exchange::is_cluster) {
    together.id = cudaLaunchAttributeClusterDimension;
    together.val.clusterDim.x = static_cast<unsigned>(blocks);
    together.val.clusterDim.y = 1;
    together.val.clusterDim.z = 1;
  } else {
    together.id = cudaLaunchAttributeCooperative;
    together.val.cooperative = 1;
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(ring_threads);
  config.dynamicSmemBytes = static_cast<std::size_t>(bytes);
  config.stream = static_cast<cudaStream_t>(queue.stream);
  config.attrs = &together;
  config.numAttrs = 1;
  std::int64_t groups = device_attribute(cudaDevAttrMultiProcessorCount) / blocks;
  if (Exchange::is_cluster) {
    int clusters = 0;
    if (blocks > ring_tuning().max_cluster)
      MYLOS_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
    MYLOS_CUDA_CHECK(cudaOccupancyMaxActiveClusters(&clusters, kernel, &config));
    if (clusters == 0) return false;
    groups = clusters;
  }
  if (problem.rows.count < groups) groups = problem.rows.count;
  const Scratch scratch(queue.stream, Exchange::global_bytes(groups, blocks));
  parameters.exchange = static_cast<unsigned char*>(scratch.data());
  if (scratch.data() != nullptr)
    MYLOS_CUDA_CHECK(cudaMemsetAsync(scratch.data(), 0, Exchange::global_bytes(groups, blocks), config.stream));
  config.gridDim.x *= static_cast<unsigned>(groups);
  MYLOS_CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, parameters));
  return true;
}

template <class F, class S, class M, RowKind Kind, class T>
void launch_ring_kind(const RowProblem& problem, const detail::Queue& queue) {
  const int multiprocessors = device_attribute(cudaDevAttrMultiProcessorCount);
  RingShape shape = ring_shape(problem, multiprocessors);
  if (shape.is_cluster && launch_ring_of<F, S, M, ClusterExchange<F, T>, Kind, T>(problem, queue, shape)) return;
  if (shape.is_cluster) shape = ring_shape(problem, multiprocessors, false);
  launch_ring_of<F, S, M, GridExchange<F, T>, Kind, T>(problem, queue, shape);
}

template <class F, class S, class M, class T>
void launch_ring(const RowProblem& problem, const detail::Queue& queue) {
  const bool apart = problem.has_chains() && (sizeof(S) < sizeof(T) || problem.has_affine());
  if (apart || problem.is_causal || problem.operand_count() > 0)
    return launch_ring_kind<F, S, M, RowKind::full, T>(problem, queue);
  if constexpr (sizeof(S) == sizeof(T))
    if (problem.has_chains()) return launch_ring_kind<F, S, M, RowKind::chained, T>(problem, queue);
  if constexpr (F::has_affine)
    if (problem.has_affine()) return launch_ring_kind<F, S, M, RowKind::affine, T>(problem, queue);
  launch_ring_kind<F, S, M, RowKind::light, T>(problem, queue);
}

}  // namespace mylos::cuda
