// Long rows, held in the shared memory of a cluster of blocks: read once, written once.
//
// Each warp has a run of a row, in chunks of 2 KB, and a ring of stages that the copy engine fills ahead of it. Chunks
// are looked at as they land; the statistic of each warp goes to all blocks of the cluster by asynchronous stores; then
// the chunks are read again from shared memory, mapped and stored, and each stage is refilled at once with a chunk of
// the cluster's next row. There is no block-wide barrier, and the blocks stay for all rows.
//
// Measured and slower on H200 at 393216 elements (3.13 ms for 12.9 GB; copy 3.02): exchange through global memory 3.4
// to 4.0, bulk stores 3.16 to 3.36, evict-first loads with plain stores 3.22, two passes with the second from L2 4.06.
#pragma once

#include "cuda/primitives/check.hpp"
#include "cuda/primitives/cluster.cuh"
#include "cuda/row_tile.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

inline constexpr int ring_chunk_bytes = 2048;

template <class T>
struct RingParameters {
  RowParameters<T> row;
  int blocks_per_row;
  int stages;        // per warp; at least the chunks that a warp has of a row
  int longest_lead;  // elements by which a row may start behind a boundary of 16 bytes
};

template <class State>
struct RingLayout {
  static constexpr int words = (sizeof(State) + 7) / 8;
  static constexpr int slot_bytes = words * 8;
  /// Two sets of slots: a fast block may send its next row's before a slow one has read this row's.
  static constexpr int exchange_bytes(int blocks_per_row) {
    return 2 * blocks_per_row * ring_tuning().warps * slot_bytes;
  }
  static constexpr int bytes(int blocks_per_row, int stages) {
    const int warps = ring_tuning().warps;
    return warps * stages * (ring_chunk_bytes + 8) + 16 + exchange_bytes(blocks_per_row);
  }
};

/// One warp's chunks of all its rows, in the order in which they go through its ring.
template <class S, class T>
class Ring {
 public:
  static constexpr int chunk_elements = ring_chunk_bytes / static_cast<int>(sizeof(S));

  __device__ __forceinline__ Ring(const RowParameters<T>& p, unsigned char* stages, std::uint32_t barriers,
                                  int stage_count, int first_chunk, int chunks, std::int64_t first_row,
                                  std::int64_t row_step)
      : p_(p),
        stages_(stages),
        barriers_(barriers),
        stage_count_(stage_count),
        first_chunk_(first_chunk),
        chunks_(chunks),
        row_step_(row_step),
        load_row_(first_row),
        policy_(evict_first_policy()) {
    if (lane() != 0) return;
    for (int i = 0; i < stage_count_; ++i) barrier(i).init();
    publish_mbarriers();
    for (int i = 0; i < stage_count_; ++i) load_next();
  }

  static __device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x) % 32; }

  /// Waits until the next chunk has landed. Its elements start at the address returned.
  __device__ __forceinline__ S* wait(const S* row, int lead, int chunk) {
    barrier(stage_).wait(phase_);
    S* const data = at(stage_);
    patch_ends(data, row, lead, chunk);
    if (++stage_ == stage_count_) {
      stage_ = 0;
      phase_ ^= 1;
    }
    return data;
  }
  /// The chunks again that were waited for.
  __device__ __forceinline__ S* again() const { return at(drained_); }
  /// Every lane is done with the oldest chunk.
  __device__ __forceinline__ void release(bool written) {
    if (written) fence_shared_writes();
    __syncwarp();
    if (lane() == 0) load_next();
    if (++drained_ == stage_count_) drained_ = 0;
  }

 private:
  __device__ __forceinline__ Mbarrier barrier(int stage) const {
    return {barriers_ + 8 * static_cast<unsigned>(stage)};
  }
  __device__ __forceinline__ S* at(int stage) const { return reinterpret_cast<S*>(stages_ + stage * ring_chunk_bytes); }
  /// A chunk's elements and those that the copy engine brings, in whole 16 bytes of the row: elements from the boundary
  /// at or before the row's start.
  struct Span {
    int begin;
    int end;
    int from;
    int to;
  };
  __device__ __forceinline__ Span span_of(int lead, int chunk) const {
    constexpr int vector = 16 / static_cast<int>(sizeof(S));
    const int row_end = lead + static_cast<int>(p_.length);
    const int first = chunk * chunk_elements;
    const int last = first + chunk_elements;
    Span span;
    span.begin = chunk == 0 ? lead : first;
    span.end = last < row_end ? last : row_end;
    span.from = chunk == 0 ? (lead + vector - 1) / vector * vector : first;
    span.to = last < row_end ? last : row_end / vector * vector;
    if (span.to < span.from) span.to = span.from;  // also where the row ends before the chunk
    return span;
  }

  __device__ __forceinline__ void load_next() {
    if (load_row_ >= p_.rows || chunks_ == 0) return;
    const S* const row = static_cast<const S*>(p_.x) + p_.row_offset(p_.x_stride, load_row_);
    const int chunk = first_chunk_ + load_chunk_;
    const int lead = lead_of<line_bytes>(static_cast<const S*>(p_.y) + p_.row_offset(p_.y_stride, load_row_));
    const Span span = span_of(lead, chunk);
    const int bytes = (span.to - span.from) * static_cast<int>(sizeof(S));
    const Mbarrier landed = barrier(load_stage_);
    landed.expect(bytes);
    if (bytes > 0)
      copy_bulk(shared_address(at(load_stage_) + (span.from - chunk * chunk_elements)), row + (span.from - lead), bytes,
                landed, policy_);
    if (++load_stage_ == stage_count_) load_stage_ = 0;
    if (++load_chunk_ == chunks_) {
      load_chunk_ = 0;
      load_row_ += row_step_;
    }
  }

  /// Brings what the copy engine did not: the ends of a row that share 16 bytes with others.
  __device__ __forceinline__ void patch_ends(S* data, const S* row, int lead, int chunk) const {
    const Span span = span_of(lead, chunk);
    if (span.from == span.begin && span.to >= span.end) return;
    S* const to = data - chunk * chunk_elements;
    const S* const from = row - lead;
    const int head = span.begin + lane();
    const int tail = span.to + lane();
    if (head < span.from && head < span.end) to[head] = from[head];
    if (tail < span.end) to[tail] = from[tail];
    fence_shared_writes();
    __syncwarp();
  }

  const RowParameters<T>& p_;
  unsigned char* stages_;
  std::uint32_t barriers_;
  int stage_count_;
  int first_chunk_;
  int chunks_;
  std::int64_t row_step_;
  std::int64_t load_row_;
  int load_chunk_ = 0;
  int load_stage_ = 0;
  int stage_ = 0;
  unsigned phase_ = 0;
  int drained_ = 0;
  std::uint64_t policy_;
};

/// The statistics of all warps of a row, exchanged among its blocks.
template <class F, class T>
class RingExchange {
  using State = typename F::State;
  using Layout = RingLayout<State>;

 public:
  __device__ __forceinline__ RingExchange(unsigned char* storage, int blocks)
      : slots_(storage + 16), barriers_(shared_address(storage)), blocks_(blocks) {
    if (threadIdx.x != 0) return;
    barrier(0).init();
    barrier(1).init();
    publish_mbarriers();
  }

  /// The row's statistic in every lane, from the warp's.
  template <class M>
  __device__ __forceinline__ State operator()(const RowParameters<T>& p, const State& state, int rank) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int warp = static_cast<int>(threadIdx.x) / 32;
    constexpr int warps = ring_tuning().warps;
    const int set = turn_ & 1;
    unsigned char* const slots = slots_ + set * (blocks_ * warps * Layout::slot_bytes);
    if (threadIdx.x == 0) barrier(set).expect(blocks_ * warps * Layout::slot_bytes);
    if (lane < blocks_) {
      std::uint64_t word[Layout::words] = {};
      memcpy(word, &state, sizeof(State));
#pragma unroll
      for (int i = 0; i < Layout::words; ++i)
        send_to_block(lane, shared_address(slots + (rank * warps + warp) * Layout::slot_bytes + 8 * i), word[i],
                      barrier(set));
    }
    barrier(set).wait_cluster(static_cast<unsigned>(turn_ >> 1) & 1);
    ++turn_;
    constexpr int most = ring_tuning().max_cluster * warps / 32;
    State part[most];
#pragma unroll
    for (int i = 0; i < most; ++i) {
      part[i] = F::empty();
      if (i * 32 + lane < blocks_ * warps)
        memcpy(&part[i], slots + (i * 32 + lane) * Layout::slot_bytes, sizeof(State));
    }
    return F::template combine<M>(p, part, LaneGroup{32});
  }

 private:
  __device__ __forceinline__ Mbarrier barrier(int set) const { return {barriers_ + 8 * static_cast<unsigned>(set)}; }
  unsigned char* slots_;
  std::uint32_t barriers_;
  int blocks_;
  int turn_ = 0;
};

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
  if (clusters == 0) throw Error("mylos: the device grants no cluster of " + std::to_string(blocks_per_row));
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
