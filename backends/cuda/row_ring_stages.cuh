// The machinery of row_ring.cuh: where a row's chunks are, and a block's ring of chunks in shared memory.
#pragma once

#include "cuda/primitives/mbarrier.cuh"
#include "cuda/row_ring_rows.cuh"
#include "cuda/row_tile.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

template <class T>
struct RingParameters {
  RowParameters<T> row;
  int blocks_per_row;
  std::int64_t row_step;         // rows that are worked on at once
  unsigned long long* next_row;  // the counter of RingRows
  std::int64_t run;              // consecutive elements; a row is one or more runs
  bool in_run;                   // they lie within the axis' fastest dimension
  detail::Divider chunks_per_run;
  std::int64_t chunks;      // per row
  unsigned char* exchange;  // global memory of a GridExchange
  int exchange_bytes;       // of shared memory, that the exchange has
};

/// A chunk's place in memory: its elements `begin` to `end`, counted from its start, which is on a line of y and on 16
/// bytes of x; element `first` of the row would be there.
template <class S>
struct RingChunk {
  static constexpr int elements = ring_chunk_bytes / static_cast<int>(sizeof(S));
  static constexpr int vector = 16 / static_cast<int>(sizeof(S));
  const S* x;
  S* y;
  std::int64_t first;
  int begin;
  int end;

  __device__ __forceinline__ bool is_whole() const { return begin == 0 && end == elements; }
  /// Its whole vectors, which the copy engine brings.
  __device__ __forceinline__ int from() const { return (begin + vector - 1) & -vector; }
  __device__ __forceinline__ int to() const { return end & -vector; }
};

/// A block's part of a row, as a sequence of chunks.
template <class S, class T>
class RingRow {
  static constexpr int elements = RingChunk<S>::elements;

 public:
  /// Chunk 0 here is chunk `first_chunk` of the row.
  __device__ __forceinline__ RingRow(const RingParameters<T>& parameters, std::int64_t first_chunk, int chunks)
      : parameters_(parameters), first_chunk_(first_chunk), chunks_(chunks) {}

  __device__ __forceinline__ void move_to(std::int64_t row) {
    row_ = row;
    seek(0);
  }

  /// Chunks of one run, all whole, every `step`-th from chunk `offset` on: numbers `begin` to `end`.
  struct Whole {
    S* y;
    std::int64_t first;
    int begin;
    int end;
    __device__ __forceinline__ bool has(int i) const { return i >= begin && i < end; }
    template <int Step>
    __device__ __forceinline__ RingChunk<S> chunk(int i) const {
      return {nullptr, y + i * (Step * elements), first + i * (Step * elements), 0, elements};
    }
  };
  /// Those of the run that chunk() was last in.
  template <int Step>
  __device__ __forceinline__ Whole whole(int offset) const {
    const int begin = (lead_ > 0 && head_ >= 0 ? run_begin_ + 1 : run_begin_) - offset;
    const int last = rest_ / elements;
    const int end = (last < run_end_ ? last : run_end_) - offset;
    return {y_ + offset * elements, first_ + offset * elements, begin <= 0 ? 0 : (begin + Step - 1) / Step,
            end <= 0 ? 0 : (end + Step - 1) / Step};
  }

  /// Beyond the last one, a chunk without elements.
  __device__ __forceinline__ RingChunk<S> chunk(int index) {
    if (index >= chunks_) return {x_, y_, first_, 0, 0};
    if (index < run_begin_ || index >= run_end_) seek(index);
    const int shift = index * elements;
    const int rest = rest_ - shift;
    const int begin = index == head_ ? lead_ : 0;
    const int end = rest < elements ? rest : elements;
    return {x_ + shift, y_ + shift, first_ + shift, begin, end < begin ? begin : end};
  }

 private:
  /// To the run that has the chunk. The members are such that only the chunk's number has to be added.
  __device__ __forceinline__ void seek(int index) {
    const RowParameters<T>& p = parameters_.row;
    const auto chunks_per_run = static_cast<std::int64_t>(parameters_.chunks_per_run.divisor);
    std::int64_t run = 0;
    if (chunks_per_run < parameters_.chunks)
      run = static_cast<std::int64_t>(
          parameters_.chunks_per_run.divide(static_cast<std::uint64_t>(first_chunk_ + index)));
    const std::int64_t element = run * parameters_.run;
    const std::int64_t start = run * chunks_per_run - first_chunk_;  // chunk number of the run's first
    const bool is_plain = p.rows_rank <= 1 && run == 0;
    S* const y =
        static_cast<S*>(p.y) + (is_plain ? row_ * p.y_stride[0] : element_offset(p, p.y_stride, row_, element));
    const S* const x =
        static_cast<const S*>(p.x) + (is_plain ? row_ * p.x_stride[0] : element_offset(p, p.x_stride, row_, element));
    lead_ = lead_of<line_bytes>(y);
    const std::int64_t shift = lead_ + start * elements;
    x_ = x - shift;
    y_ = y - shift;
    first_ = element - shift;
    head_ = start < 0 ? -1 : static_cast<int>(start);
    run_begin_ = start < 0 ? 0 : static_cast<int>(start);
    run_end_ = start + chunks_per_run < chunks_ ? static_cast<int>(start + chunks_per_run) : chunks_;
    const std::int64_t rest = parameters_.run + shift;
    const std::int64_t most = (static_cast<std::int64_t>(chunks_) + 1) * elements;
    rest_ = static_cast<int>(rest < most ? rest : most);
  }

  const RingParameters<T>& parameters_;
  std::int64_t first_chunk_;
  int chunks_;
  std::int64_t row_ = 0;
  const S* x_ = nullptr;
  S* y_ = nullptr;
  std::int64_t first_ = 0;
  int lead_ = 0;
  int head_ = 0;  // the chunk that begins with the run; -1: it is another block's
  int rest_ = 0;
  int run_begin_ = 0;
  int run_end_ = 0;
};

/// The stages in shared memory, each with a slab: a chunk for each warp; and their barriers.
template <class S>
class RingStages {
 public:
  static constexpr int stages = ring_tuning().stages;
  static constexpr int warps = ring_tuning().warps;
  static constexpr int bytes = stages * (warps * ring_chunk_bytes + 16);

  explicit __device__ __forceinline__ RingStages(unsigned char* data)
      : data_(data), barriers_(shared_address(data + stages * warps * ring_chunk_bytes)) {}

  /// By one thread.
  __device__ __forceinline__ void init() const {
    for (int i = 0; i < stages; ++i) {
      full(i).init(32);
      empty(i).init(warps);
    }
    publish_mbarriers();
  }
  /// Every lane of the producer arrives on it with its chunk; every warp on the other when it is done with its chunk.
  __device__ __forceinline__ Mbarrier full(int stage) const { return {barriers_ + 16 * static_cast<unsigned>(stage)}; }
  __device__ __forceinline__ Mbarrier empty(int stage) const {
    return {barriers_ + 16 * static_cast<unsigned>(stage) + 8};
  }
  __device__ __forceinline__ S* at(int stage, int warp) const {
    return reinterpret_cast<S*>(data_ + (stage * warps + warp) * ring_chunk_bytes);
  }

 private:
  unsigned char* data_;
  std::uint32_t barriers_;
};

/// Goes round the stages.
struct RingPosition {
  int stage = 0;
  unsigned phase = 0;
  __device__ __forceinline__ void advance() {
    if (++stage < ring_tuning().stages) return;
    stage = 0;
    phase ^= 1;
  }
};

/// The producer: a warp that fills the stages with the slabs of all rows of the block, a lane for each chunk.
template <class S, class T, class Rows>
__device__ __forceinline__ void fill_stages(const RingParameters<T>& parameters, const RingStages<S>& stages,
                                            std::int64_t first_chunk, int chunks, Rows rows) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  RingRow<S, T> row(parameters, first_chunk, chunks);
  RingPosition position;
  position.phase = 1;  // the stages are empty
  std::int64_t number = rows[0];
  int turn = 0;
  for (; number < parameters.row.rows; number = rows[++turn]) {
    rows.ask(lane);
    row.move_to(number);
#pragma unroll 1
    for (int first = 0; first < chunks; first += RingStages<S>::warps) {
      stages.empty(position.stage).wait(position.phase);
      const Mbarrier full = stages.full(position.stage);
      int bytes = 0;
      if (lane < RingStages<S>::warps && first + lane < chunks) {
        const RingChunk<S> chunk = row.chunk(first + lane);
        bytes = (chunk.to() - chunk.from()) * static_cast<int>(sizeof(S));
        if (bytes > 0) {
          full.expect(bytes);
          copy_bulk(shared_address(stages.at(position.stage, lane) + chunk.from()), chunk.x + chunk.from(), bytes,
                    full);
        }
      }
      if (bytes <= 0) full.arrive();
      __syncwarp();
      position.advance();
    }
    rows.tell(lane, turn, parameters.blocks_per_row);
  }
  rows[turn + 1];  // the last that is told: the block must live until then
}

/// What a warp sees of the stages: its chunk of each slab.
template <class S>
class RingView {
 public:
  __device__ __forceinline__ RingView(const RingStages<S>& stages, int warp) : stages_(stages), warp_(warp) {}

  static __device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x) % 32; }

  /// Waits until the next slab has landed. The chunk's elements are at the address returned.
  __device__ __forceinline__ S* wait(const RingChunk<S>& chunk) {
    stages_.full(next_.stage).wait(next_.phase);
    S* const data = stages_.at(next_.stage, warp_);
    if (!chunk.is_whole() && (chunk.begin != chunk.from() || chunk.end != chunk.to()))
      patch_ends(data, chunk.x, chunk.begin, chunk.end);
    next_.advance();
    return data;
  }
  /// The oldest chunk that was waited for and not released.
  __device__ __forceinline__ S* oldest() const { return stages_.at(oldest_, warp_); }
  /// Every lane is done with the oldest chunk.
  __device__ __forceinline__ void release(bool written) {
    if (written) fence_shared_writes();
    __syncwarp();
    if (lane() == 0) stages_.empty(oldest_).arrive();
    if (++oldest_ == RingStages<S>::stages) oldest_ = 0;
  }

 private:
  /// Brings what the copy engine did not: the ends of a run that share 16 bytes with others.
  static __device__ __noinline__ void patch_ends(S* data, const S* x, int begin, int end) {
    const RingChunk<S> chunk{x, nullptr, 0, begin, end};
    const int head = begin + lane();
    const int tail = (chunk.to() > chunk.from() ? chunk.to() : chunk.from()) + lane();
    if (head < chunk.from() && head < end) data[head] = x[head];
    if (tail < end) data[tail] = x[tail];
    fence_shared_writes();
    __syncwarp();
  }

  RingStages<S> stages_;
  int warp_;
  RingPosition next_;
  int oldest_ = 0;
};

}  // namespace mylos::cuda
