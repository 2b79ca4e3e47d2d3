// The statistic of a row from those of all warps of the blocks that share it: in a cluster through its shared memory,
// beyond that through global memory. The same parts are combined in the same order, by every block of a cluster, or by
// one for all. The warps of a block give their parts and go on; what they are given back is the row's constants.
#pragma once

#include "cuda/primitives/cluster.cuh"
#include "cuda/primitives/flag.cuh"
#include "cuda/primitives/named_barrier.cuh"
#include "cuda/row_statistics.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

/// Inside a block: from the lanes' parts to the block's in its first warp, and from that warp's result to all. The
/// producer does not take part.
template <class F, class T>
class BlockExchange {
 public:
  using State = typename F::State;
  static constexpr int warps = ring_tuning().warps;
  static constexpr int most_searchers = 8;
  static constexpr int bytes = (2 * warps + most_searchers) * static_cast<int>((sizeof(State) + 7) / 8 * 8) +
                               2 * static_cast<int>(sizeof(RowConstants<T>));

  explicit __device__ __forceinline__ BlockExchange(unsigned char* shared)
      : parts_(reinterpret_cast<State*>(shared)),
        result_(reinterpret_cast<RowConstants<T>*>(parts_ + 2 * warps + most_searchers)) {}

  static __device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x) % 32; }
  static __device__ __forceinline__ int warp() { return static_cast<int>(threadIdx.x) / 32; }

  /// True in the first warp, which then has the block's part in every lane. The others may come with the next row's
  /// before that one has looked: rows take turns with the slots and the barrier.
  template <class M>
  __device__ __forceinline__ bool gather(const RowParameters<T>& p, int turn, State* state) const {
    State* const parts = parts_ + (turn & 1) * warps;
    *state = combine_lanes<F, M>(p, *state);
    if (lane() == 0) parts[warp()] = *state;
    if (warp() > 0) {
      arrive_at(1 + (turn & 1), warps * 32);
      return false;
    }
    meet_at(1 + (turn & 1), warps * 32);
    *state = combine_lanes<F, M>(p, lane() < warps ? parts[lane()] : F::empty());
    return true;
  }
  /// The result of the first warp in all.
  template <class Finish>
  __device__ __forceinline__ RowConstants<T> spread(int turn, const Finish& finish) const {
    if (warp() == 0) {
      const RowConstants<T> constants = finish();
      if (lane() == 0) result_[turn & 1] = constants;
    }
    meet_at(3, warps * 32);
    return result_[turn & 1];
  }
  __device__ __forceinline__ State& searched(int i) const { return parts_[2 * warps + i]; }

 private:
  State* parts_;
  RowConstants<T>* result_;
};

/// A block may leave its part of the next row before it collects this row's statistic. Until it leaves the one after,
/// all blocks have left the next one, but some may still read this row's parts: so many sets of slots there are.
inline constexpr int exchange_sets = 4;

/// Each block sends its part to all blocks of the cluster.
template <class F, class T>
class ClusterExchange {
  using State = typename F::State;
  using Block = BlockExchange<F, T>;
  static constexpr int words = (static_cast<int>(sizeof(State)) + 7) / 8;

 public:
  static constexpr bool is_cluster = true;
  static int shared_bytes(int blocks) { return 8 * exchange_sets + exchange_sets * blocks * words * 8 + Block::bytes; }
  static std::size_t global_bytes(std::int64_t, int) { return 0; }

  __device__ __forceinline__ ClusterExchange(unsigned char* shared, unsigned char*, int blocks, int)
      : slots_(shared + 8 * exchange_sets),
        barriers_(shared_address(shared)),
        blocks_(blocks),
        block_(shared + 8 * exchange_sets + exchange_sets * blocks * words * 8) {
    if (threadIdx.x != 0) return;
    for (int set = 0; set < exchange_sets; ++set) barrier(set).init(1);
    publish_mbarriers();
  }

  static __device__ __forceinline__ int rank() { return cluster_rank(); }

  /// By all threads: the barriers are there, those of the other blocks too.
  __device__ __forceinline__ void start() const {
    __syncwarp();
    cluster_arrive();
    cluster_wait();
  }

  /// Gives the lanes' parts of a row. By all warps but the producer, as collect() is.
  template <class M>
  __device__ __forceinline__ void leave(const RowParameters<T>& p, State state) {
    const int turn = left_++;
    if (!block_.template gather<M>(p, turn, &state)) return;
    if (blocks_ == 1) {
      if (block_.lane() == 0) {
        memcpy(slot(turn, 0), &state, sizeof(State));
        barrier(turn).arrive();
      }
      return;
    }
    if (block_.lane() == 0) barrier(turn).expect(blocks_ * words * 8);
    if (block_.lane() >= blocks_) return;
    std::uint64_t word[words] = {};
    memcpy(word, &state, sizeof(State));
#pragma unroll
    for (int i = 0; i < words; ++i)
      send_to_block(block_.lane(), shared_address(slot(turn, rank()) + 8 * i), word[i], barrier(turn));
  }
  /// finish(statistic) of that row.
  template <class M, class Finish>
  __device__ __forceinline__ RowConstants<T> collect(const RowParameters<T>& p, const Finish& finish) {
    const RowConstants<T> constants = block_.spread(collected_, [&] {
      barrier(collected_).wait_cluster(static_cast<unsigned>(collected_ / exchange_sets) & 1);
      State part = F::empty();
      if (block_.lane() < blocks_) memcpy(&part, slot(collected_, block_.lane()), sizeof(State));
      return finish(combine_lanes<F, M>(p, part));
    });
    ++collected_;
    return constants;
  }

  /// A block's shared memory must live until the others have sent their last.
  __device__ __forceinline__ void finish() const {
    cluster_arrive();
    cluster_wait();
  }

 private:
  __device__ __forceinline__ Mbarrier barrier(int turn) const {
    return {barriers_ + 8 * static_cast<unsigned>(turn % exchange_sets)};
  }
  __device__ __forceinline__ unsigned char* slot(int turn, int rank) const {
    return slots_ + (turn % exchange_sets * blocks_ + rank) * words * 8;
  }

  unsigned char* slots_;
  std::uint32_t barriers_;
  int blocks_;
  Block block_;
  int left_ = 0;
  int collected_ = 0;
};

/// Each block leaves its part in global memory; the first block of the row looks for all of them and leaves the
/// constants for the others. All blocks of the grid run at once. If each looked for the parts of all, as many words
/// would be read as there are pairs of blocks: softmax of 4.3 GB in rows of 2 million f32 2.93 ms, so 2.51 to 2.68, of
/// 1 million 2.70 and 2.64, but of 1.6 million 2.88 and 3.02 (H200, copy 2.03). What is left travels in words of 8
/// bytes, which are written and read whole: half of each is data, the other half says of which row. So no fence has to
/// wait for the stores of results.
template <class F, class T>
class GridExchange {
  using State = typename F::State;
  using Constants = RowConstants<T>;
  using Block = BlockExchange<F, T>;
  static constexpr int words = (static_cast<int>(sizeof(State)) + 3) / 4;
  static constexpr int answers = (static_cast<int>(sizeof(Constants)) + 3) / 4;
  /// Of the parts of `blocks`, and of an answer, which has lines of its own.
  static __host__ __device__ constexpr int set_words(int blocks) {
    constexpr int line = line_bytes / static_cast<int>(sizeof(std::uint64_t));
    return (words * blocks + line - 1) / line * line + line;
  }
  static_assert(answers * static_cast<int>(sizeof(std::uint64_t)) <= line_bytes);

 public:
  static constexpr bool is_cluster = false;
  static int shared_bytes(int) { return Block::bytes; }
  /// To be zero when the kernel starts.
  static std::size_t global_bytes(std::int64_t groups, int blocks) {
    return static_cast<std::size_t>(groups * exchange_sets * set_words(blocks)) * sizeof(std::uint64_t);
  }

  __device__ __forceinline__ GridExchange(unsigned char* shared, unsigned char* global, int blocks, int rank)
      : sets_(reinterpret_cast<std::uint64_t*>(global) +
              static_cast<std::size_t>(blockIdx.x / static_cast<unsigned>(blocks)) *
                  static_cast<unsigned>(exchange_sets * set_words(blocks))),
        blocks_(blocks),
        rank_(rank),
        block_(shared) {}

  __device__ __forceinline__ int rank() const { return rank_; }
  __device__ __forceinline__ void start() const { __syncthreads(); }

  template <class M>
  __device__ __forceinline__ void leave(const RowParameters<T>& p, State state) {
    const int turn = left_++;
    if (!block_.template gather<M>(p, turn, &state)) return;
    store<words>(set(turn) + rank_, blocks_, state, mark(turn));
  }

  template <class M, class Finish>
  __device__ __forceinline__ Constants collect(const RowParameters<T>& p, const Finish& finish) {
    const std::uint64_t* const parts = set(collected_);
    std::uint64_t* const answer = set(collected_) + set_words(blocks_) - line_bytes / 8;
    // As many warps of the first block search, each for the parts of 32 blocks.
    const int searchers = (blocks_ + 31) / 32;
    if (rank_ == 0 && block_.warp() < searchers) {
      const int rank = block_.warp() * 32 + block_.lane();
      const State found = combine_lanes<F, M>(
          p, rank < blocks_ ? find<words, State>(parts + rank, blocks_, mark(collected_)) : F::empty());
      if (block_.lane() == 0) block_.searched(block_.warp()) = found;
      if (block_.warp() > 0) arrive_at(4, searchers * 32);
    }
    const Constants constants = block_.spread(collected_, [&] {
      if (rank_ != 0) return find<answers, Constants>(answer, 1, mark(collected_));
      meet_at(4, searchers * 32);
      const int i = block_.lane();
      const Constants result = finish(combine_lanes<F, M>(p, i < searchers ? block_.searched(i) : F::empty()));
      store<answers>(answer, 1, result, mark(collected_));
      return result;
    });
    ++collected_;
    return constants;
  }

  __device__ __forceinline__ void finish() const {}

 private:
  static __device__ __forceinline__ std::uint32_t mark(int turn) { return static_cast<std::uint32_t>(turn) + 1; }
  __device__ __forceinline__ std::uint64_t* set(int turn) const {
    return sets_ + turn % exchange_sets * set_words(blocks_);
  }
  /// By a warp whose lanes have the same value: word i of it goes to to[i * step].
  template <int Words, class Value>
  __device__ __forceinline__ void store(std::uint64_t* to, int step, const Value& value, std::uint32_t mark) const {
    std::uint32_t word[Words] = {};
    memcpy(word, &value, sizeof(Value));
#pragma unroll
    for (int i = 0; i < Words; ++i)
      if (block_.lane() == i) store_whole(to + i * step, word[i], mark);
  }
  template <int Words, class Value>
  static __device__ __forceinline__ Value find(const std::uint64_t* from, int step, std::uint32_t mark) {
    std::uint32_t word[Words];
    for (bool all = false; !all;) {
      all = true;
#pragma unroll
      for (int i = 0; i < Words; ++i) all = load_whole(from + i * step, &word[i]) == mark && all;
    }
    Value value;
    memcpy(&value, word, sizeof(Value));
    return value;
  }

  std::uint64_t* sets_;
  int blocks_;
  int rank_;
  Block block_;
  int left_ = 0;
  int collected_ = 0;
};

}  // namespace mylos::cuda
