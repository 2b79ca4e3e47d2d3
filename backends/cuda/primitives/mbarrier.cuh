// Barriers in shared memory that count arrivals and bytes (mbarrier), and copies from global memory that complete on
// them. sm_90 and later; on older architectures the bodies are empty, and nothing there calls them.
#pragma once

#include <cstdint>

namespace mylos::cuda {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define MYLOS_SM90(...) __VA_ARGS__
#else
#define MYLOS_SM90(...)
#endif

/// An address in this block's shared memory as instructions take it.
__device__ __forceinline__ std::uint32_t shared_address(const void* p) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(p));
}

/// 8 or 16 bytes at such an address.
__device__ __forceinline__ void load_shared(std::uint32_t at, float* v) {
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(v[0]), "=f"(v[1]), "=f"(v[2]), "=f"(v[3])
               : "r"(at)
               : "memory");
}
__device__ __forceinline__ void load_shared(std::uint32_t at, std::uint32_t& v0, std::uint32_t& v1) {
  asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(v0), "=r"(v1) : "r"(at) : "memory");
}
__device__ __forceinline__ void store_shared(std::uint32_t at, const std::uint32_t (&v)[4]) {
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(at), "r"(v[0]), "r"(v[1]), "r"(v[2]), "r"(v[3])
               : "memory");
}

__device__ __forceinline__ void store_shared(std::uint32_t at, std::uint32_t v0, std::uint32_t v1) {
  asm volatile("st.shared.v2.u32 [%0], {%1, %2};" ::"r"(at), "r"(v0), "r"(v1) : "memory");
}

/// A barrier of some arrivals and the bytes they announce.
struct Mbarrier {
  std::uint32_t address;

  __device__ __forceinline__ void init(int arrivals) const {
    MYLOS_SM90(asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(address), "r"(arrivals) : "memory");)
  }
  __device__ __forceinline__ void arrive() const {
    MYLOS_SM90(asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(address) : "memory");)
  }
  /// Arrives, and makes the phase wait for `bytes` more.
  __device__ __forceinline__ void expect(int bytes) const {
    MYLOS_SM90(asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(address), "r"(bytes)
                            : "memory");)
  }
  __device__ __forceinline__ void wait(unsigned parity) const {
    MYLOS_SM90(asm volatile("{\n.reg .pred done;\n"
                            "again: mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
                            "@!done bra again;\n}" ::"r"(address),
                            "r"(parity)
                            : "memory");)
  }
  /// For bytes that other blocks of the cluster wrote.
  __device__ __forceinline__ void wait_cluster(unsigned parity) const {
    MYLOS_SM90(asm volatile("{\n.reg .pred done;\n"
                            "again: mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [%0], %1;\n"
                            "@!done bra again;\n}" ::"r"(address),
                            "r"(parity)
                            : "memory");)
  }
};

/// Makes initialised barriers visible to the copy engine and to the cluster.
__device__ __forceinline__ void publish_mbarriers() {
  MYLOS_SM90(asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");)
}

/// `bytes`, a multiple of 16, between addresses aligned to 16; completes on the barrier, which expects them. Without a
/// hint to the L2: rows that were marked as the first to go lost 7 % where other work had filled it (H200).
__device__ __forceinline__ void copy_bulk(std::uint32_t to_shared, const void* from, int bytes, Mbarrier barrier) {
  MYLOS_SM90(
      asm volatile(
          "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to_shared),
          "l"(from), "r"(bytes), "r"(barrier.address)
          : "memory");)
}

/// Orders this thread's writes to shared memory before later copies into it.
__device__ __forceinline__ void fence_shared_writes() {
  MYLOS_SM90(asm volatile("fence.proxy.async.shared::cta;" ::: "memory");)
}

/// Between ordinary accesses to global memory and those of copy_bulk, in either order: by the threads that wrote,
/// before they tell, and by the thread that copies, after it was told.
__device__ __forceinline__ void fence_bulk_copies() {
  MYLOS_SM90(asm volatile("fence.proxy.async.global;" ::: "memory");)
}

}  // namespace mylos::cuda
