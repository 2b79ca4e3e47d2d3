// Thread-block clusters: their barrier, and words sent to another block's shared memory. sm_90 and later.
#pragma once

#include "cuda/primitives/mbarrier.cuh"

namespace mylos::cuda {

__device__ __forceinline__ void cluster_arrive() {
  MYLOS_SM90(asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");)
}
__device__ __forceinline__ void cluster_wait() {
  MYLOS_SM90(asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");)
}

/// This block's number in its cluster, read anew each time: it takes no register meanwhile.
__device__ __forceinline__ int cluster_rank() {
  int rank = 0;
  MYLOS_SM90(asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));)
  return rank;
}

/// Stores 8 bytes at the place that `to` has in block `rank` of the cluster; they count on that block's barrier.
__device__ __forceinline__ void send_to_block(int rank, std::uint32_t to, std::uint64_t word, Mbarrier barrier) {
  MYLOS_SM90(
      std::uint32_t remote; std::uint32_t remote_barrier; asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                                                                       : "=r"(remote)
                                                                       : "r"(to), "r"(rank));
      asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                   : "=r"(remote_barrier)
                   : "r"(barrier.address), "r"(rank));
      asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b64 [%0], %1, [%2];" ::"r"(remote),
                   "l"(word), "r"(remote_barrier)
                   : "memory");)
}

/// Stores 8 bytes there; seen behind a barrier of the cluster.
__device__ __forceinline__ void store_to_block(int rank, std::uint32_t to, std::uint64_t word) {
  MYLOS_SM90(std::uint32_t remote; asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                                                : "=r"(remote)
                                                : "r"(to), "r"(rank));
             asm volatile("st.shared::cluster.b64 [%0], %1;" ::"r"(remote), "l"(word)
                          : "memory");)
}

}  // namespace mylos::cuda
