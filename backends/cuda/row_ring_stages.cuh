// The machinery of row_ring.cuh: a warp's ring of chunks in shared memory, and the exchange of statistics in a cluster.
#pragma once

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

}  // namespace mylos::cuda
