// Copies from global to shared memory that do not wait and need no registers (cp.async): each thread sees its own once
// it has waited for them.
#pragma once

#include "cuda/primitives/mbarrier.cuh"

namespace mylos::cuda {

/// 4, 8 or 16 bytes between addresses aligned to them.
template <int Bytes>
__device__ __forceinline__ void copy_async(void* to_shared, const void* from) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
  if constexpr (Bytes == 16)  // past the L1 cache
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to_shared)), "l"(from) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(shared_address(to_shared)), "l"(from), "n"(Bytes)
                 : "memory");
}
/// To a given address; of the bytes the first `valid` are copied, the others are 0. `from` must exist in any case.
template <int Bytes>
__device__ __forceinline__ void copy_async(std::uint32_t to_shared, const void* from, int valid) {
  static_assert(Bytes == 4 || Bytes == 16);
  if constexpr (Bytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to_shared), "l"(from), "r"(valid) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to_shared), "l"(from), "r"(valid) : "memory");
}
/// Ends a group of copies, which may be empty.
__device__ __forceinline__ void end_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits until all groups but the last `Left` are there.
template <int Left>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Left) : "memory");
}

}  // namespace mylos::cuda
