// Barriers for some of a block's warps, numbered 1 to 15.
#pragma once

namespace mylos::cuda {

/// Waits until `threads` have come, those that went on included.
__device__ __forceinline__ void meet_at(int number, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
/// Comes, and goes on.
__device__ __forceinline__ void arrive_at(int number, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(number), "r"(threads) : "memory");
}

}  // namespace mylos::cuda
