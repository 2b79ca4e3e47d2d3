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
#include "cuda/row_exchange.cuh"
#include "cuda/row_ring_stages.cuh"
#include "cuda/row_ring_work.cuh"
#include "cuda/row_runs.hpp"

namespace mylos::cuda {

inline constexpr int ring_threads = (ring_tuning().warps + 1) * 32;

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

  const RingStages<S> stages(storage);
  Exchange exchange(storage + RingStages<S>::bytes, parameters.exchange, blocks, rank);
  using Rows = RingRows<Exchange::is_cluster>;
  const Rows rows(storage + RingStages<S>::bytes + parameters.exchange_bytes, parameters.next_row,
                  blockIdx.x / static_cast<unsigned>(blocks), parameters.row_step);
  if (threadIdx.x == 0) {
    rows.init();
    stages.init();
  }
  __syncthreads();
  exchange.start();
  if (warp == warps) {
    fill_stages<S, T>(parameters, stages, first_chunk, chunks, rows);
    return exchange.finish();
  }

  // So many slabs of the next row fit beside a row: they are looked at while its statistic is on its way.
  const int ahead = slabs < stages.stages - slabs ? slabs : stages.stages - slabs;
  RingView<S> ring(stages, warp);
  RingRow<S, T> row(parameters, first_chunk, chunks);
  __shared__ RunAffine<T> affine_of[Work::finds_affine ? warps : 1];
  Work work{p, rows[0], parameters.in_run, &affine_of[Work::finds_affine ? warp : 0]};
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
    if constexpr (Work::finds_affine) {
      const std::int64_t element = whole.template chunk<warps>(whole.begin).first;
      RunAffine<T> found;
      is_simple =
          whole.has(whole.begin) && found.template locate<Work::E>(p, work.row, element, element, parameters.in_run);
      __syncwarp();
      if (threadIdx.x % 32 == 0) *work.affine = found;
      __syncwarp();
    }
  };
  // Frequent steps are inlined where most chunks come by: with more code than that the compiler would no longer inline
  // these functions, and keep what they share in memory.
  using Rare = std::false_type;
  using Often = std::bool_constant<Exchange::is_cluster>;
  const auto look = [&](auto often, std::int64_t number, int from, int to) {
    if (number >= p.rows || from >= to) return;
    move_to(number);
#pragma unroll 1
    for (int i = from; i < to; ++i) {
      const auto look_at = [&](auto fixed, const RingChunk<S>& chunk) {
        state = work.template look<decltype(fixed)::value>(state, chunk, ring.wait(chunk));
      };
      if (is_whole(i))
        look_at(often, whole.template chunk<warps>(i));
      else
        look_at(Rare(), ragged_chunk(i));
    }
  };
  const auto look_and_leave = [&](auto often, std::int64_t number, int from) {
    if (number >= p.rows) return;
    look(often, number, from, slabs);
    exchange.template leave<M>(p, state);
    state = F::empty();
  };
  std::int64_t next = rows[0];
  look_and_leave(Rare(), next, 0);
#pragma unroll 1
  for (int turn = 0; next < p.rows; ++turn) {
    const std::int64_t number = next;
    next = rows[turn + 1];
    if (ahead == slabs)
      look_and_leave(Often(), next, 0);
    else
      look(Often(), next, 0, ahead);
    move_to(number);
    find_affine();  // on its way while the blocks' parts are
    const RowConstants<T> constants = exchange.template collect<M>(p, [&](const typename Work::State& statistic) {
      const RowConstants<T> result = F::template finish<M>(p, statistic);
      if (threadIdx.x == 0 && p.has_statistics() && exchange.rank() == 0)
        store_statistics(p, number, statistic, result);
      return result;
    });
#pragma unroll 1
    for (int i = 0; i < slabs; ++i) {
      if (is_whole(i) && is_simple) {
        work.template finish_whole<Often::value>(constants, whole.template chunk<warps>(i), ring.oldest());
      } else {
        // Most often the next run begins: with its weight and bias at hand the chunk is like any other.
        const RingChunk<S> chunk = ragged_chunk(i);
        if (is_whole(i)) find_affine();
        if (is_whole(i) && is_simple) {
          work.template finish_whole<Rare::value>(constants, chunk, ring.oldest());
        } else {
          work.finish(constants, chunk, ring.oldest());
          if (i + 1 < slabs) find_affine();
        }
      }
      ring.release(Work::can_write_back);
    }
    if (ahead < slabs) look_and_leave(Often(), next, ahead);
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
  parameters.in_run = problem.axis.rank > 0 && problem.axis.extent[problem.axis.rank - 1] == shape.run;
  parameters.chunks = shape.chunks;
  parameters.chunks_per_run = detail::Divider(shape.chunks / (problem.length() / shape.run));
  parameters.exchange_bytes = Exchange::shared_bytes(blocks);
  const int bytes = RingStages<S>::bytes + parameters.exchange_bytes + RingRows<Exchange::is_cluster>::shared_bytes;
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
  parameters.row_step = groups;
  const bool claims = Exchange::is_cluster && problem.rows.count > 2 * groups && ring_claims_rows(problem, shape);
  const std::size_t scratch_bytes = claims ? sizeof(unsigned long long) : Exchange::global_bytes(groups, blocks);
  const Scratch scratch(queue.stream, scratch_bytes);
  parameters.exchange = static_cast<unsigned char*>(scratch.data());
  parameters.next_row = claims ? static_cast<unsigned long long*>(scratch.data()) : nullptr;
  if (scratch.data() != nullptr) MYLOS_CUDA_CHECK(cudaMemsetAsync(scratch.data(), 0, scratch_bytes, config.stream));
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
  if (problem.is_causal || problem.operand_count() > 0)
    return launch_ring_kind<F, S, M, RowKind::full, T>(problem, queue);
  if constexpr (F::has_affine)
    if (problem.has_chains() && problem.has_affine())
      return launch_ring_kind<F, S, M, RowKind::chained_affine, T>(problem, queue);
  if (problem.has_chains()) return launch_ring_kind<F, S, M, RowKind::chained, T>(problem, queue);
  if constexpr (F::has_affine)
    if (problem.has_affine()) return launch_ring_kind<F, S, M, RowKind::affine, T>(problem, queue);
  launch_ring_kind<F, S, M, RowKind::light, T>(problem, queue);
}

}  // namespace mylos::cuda
