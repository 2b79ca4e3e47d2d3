// Which rows the blocks of row_ring.cuh work on, one after the other. Clusters are not equally fast, and where each has
// its share of the rows all wait for the slowest. So a cluster may take its next row when it comes to it.
#pragma once

#include "cuda/primitives/cluster.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

/// Rows by turns. Claimed: but for the first two, a cluster's first block takes the next one of a counter and tells the
/// others, a row ahead of all of their work; else, or without a counter, every `step`-th one.
template <bool Claimed>
class RingRows {
  static constexpr int ahead = 2;
  /// Turns that may be told before the slowest block has read the first of them: a ring holds a row for each of its
  /// stages at most, and blocks are apart by one row.
  static constexpr int slots = 16;

 public:
  static constexpr int shared_bytes = Claimed ? slots * 16 : 0;
  static_assert(ring_tuning().stages + ahead + 2 <= slots);

  /// The counter is 0 when the kernel starts.
  __device__ __forceinline__ RingRows(unsigned char* shared, unsigned long long* counter, std::int64_t first,
                                      std::int64_t step)
      : shared_(shared_address(shared)), counter_(counter), first_(first), step_(step) {}

  /// By one thread, before the blocks of the cluster meet.
  __device__ __forceinline__ void init() const {
    if constexpr (Claimed)
      for (int turn = ahead; turn < ahead + slots; ++turn) barrier(turn).init(1);
  }
  /// The row of a turn; `rows` or more: there are none left.
  __device__ __forceinline__ std::int64_t operator[](int turn) const {
    if (!is_claimed() || turn < ahead) return first_ + turn * step_;
    barrier(turn).wait_cluster(static_cast<unsigned>((turn - ahead) / slots) & 1);
    std::uint32_t low;
    std::uint32_t high;
    load_shared(slot(turn), low, high);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(high) << 32 | low);
  }
  /// By the producer of each block, before it fills the stages with the row of a turn.
  __device__ __forceinline__ void ask(int lane) {
    if (is_claimed() && lane == 0 && cluster_rank() == 0) asked_ = atomicAdd(counter_, 1ULL);
  }
  /// And after: what was asked for is the row of turn + ahead.
  __device__ __forceinline__ void tell(int lane, int turn, int blocks) const {
    if (is_claimed()) {
      const Mbarrier told = barrier(turn + ahead);
      if (lane == 0) told.expect(8);
      if (cluster_rank() != 0) return;
      const auto row = static_cast<std::uint64_t>(ahead * step_) + __shfl_sync(0xffffffffu, asked_, 0);
      if (lane < blocks) send_to_block(lane, slot(turn + ahead), row, told);
    }
  }

 private:
  __device__ __forceinline__ bool is_claimed() const { return Claimed && counter_ != nullptr; }
  __device__ __forceinline__ std::uint32_t slot(int turn) const {
    return shared_ + static_cast<unsigned>((turn - ahead) % slots) * 8;
  }
  __device__ __forceinline__ Mbarrier barrier(int turn) const { return {slot(turn) + slots * 8}; }

  std::uint32_t shared_;
  unsigned long long* counter_;
  std::int64_t first_;
  std::int64_t step_;
  unsigned long long asked_ = 0;
};

}  // namespace mylos::cuda
