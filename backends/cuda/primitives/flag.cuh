// Words in global memory by which blocks that run at once tell each other something: half data, half a mark that says
// that the data is there. Both halves are written and read together, so that no fence is needed.
#pragma once

#include <cstdint>

namespace mylos::cuda {

__device__ __forceinline__ void store_whole(std::uint64_t* to, std::uint32_t data, std::uint32_t mark) {
  asm volatile("st.relaxed.gpu.global.u64 [%0], %1;" ::"l"(to), "l"(static_cast<std::uint64_t>(mark) << 32 | data)
               : "memory");
}
/// Returns the mark.
__device__ __forceinline__ std::uint32_t load_whole(const std::uint64_t* from, std::uint32_t* data) {
  std::uint64_t word;
  asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(word) : "l"(from) : "memory");
  *data = static_cast<std::uint32_t>(word);
  return static_cast<std::uint32_t>(word >> 32);
}

/// Adds 1 to a counter, after all that this thread has seen written; returns nothing.
__device__ __forceinline__ void count_released(unsigned* counter) {
  asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counter) : "memory");
}
/// What was written before a counter reached a value can be read after this and acquire().
__device__ __forceinline__ void wait_for_count(const unsigned* counter, unsigned value) {
  while (true) {
    unsigned count;
    asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(count) : "l"(counter) : "memory");
    if (count >= value) return;
    __nanosleep(64);
  }
}
__device__ __forceinline__ void acquire() { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }

}  // namespace mylos::cuda
