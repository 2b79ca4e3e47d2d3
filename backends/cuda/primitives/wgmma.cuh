// Products on a warpgroup's tensor cores (wgmma): both factors in shared memory, sums in registers. sm_90a alone; what
// is compiled for other targets has empty bodies.
#pragma once

#include "cuda/primitives/mbarrier.cuh"

namespace mylos::cuda {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define MYLOS_SM90A(...) __VA_ARGS__
#else
#define MYLOS_SM90A(...)
#endif

/// A factor in shared memory, its first byte at a multiple of 1024, as the lower half of its descriptor; a distance of
/// so many bytes adds a 16th of them. Along K: 64 f16 of each row in 128 bytes, whose pieces of 16 bytes lie at (piece
/// ^ row % 8). Along rows: 64 f16 of each k in 128 bytes, 64 k of 64 rows after those of the 64 rows before, pieces at
/// (piece ^ k % 8). The upper half is the same for all (0x40000040: groups of eight lines 1024 bytes apart, this order
/// of pieces).
template <bool AlongRows>
__device__ __forceinline__ std::uint32_t matrix_descriptor(std::uint32_t shared) {
  constexpr std::uint32_t between_groups_of_rows = 64 * 128 / 16;
  return (shared & 0x3ffffU) >> 4 | (AlongRows ? between_groups_of_rows : 1U) << 16;
}
/// From 16 elements of K to the next.
template <bool AlongRows>
inline constexpr std::uint32_t matrix_step = AlongRows ? 16 * 128 / 16 : 16 * 2 / 16;

/// Between registers that were touched and the first product that uses them.
__device__ __forceinline__ void fence_products() {
  MYLOS_SM90A(asm volatile("wgmma.fence.sync.aligned;" ::: "memory");)
}
__device__ __forceinline__ void end_products() {
  MYLOS_SM90A(asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");)
}
__device__ __forceinline__ void wait_for_products() {
  MYLOS_SM90A(asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");)
}
/// Keeps the compiler from moving uses of the sums across.
template <int N>
__device__ __forceinline__ void pin(float (&d)[N]) {
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

/// Registers per thread of the calling warpgroup, more or fewer.
template <int N>
__device__ __forceinline__ void take_registers() {
  MYLOS_SM90A(asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N));)
}
template <int N>
__device__ __forceinline__ void give_registers() {
  MYLOS_SM90A(asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N));)
}

// 64 sums as operands, written or added to.
#define MYLOS_SUMS_8(how, i) \
  how(d[i]), how(d[i + 1]), how(d[i + 2]), how(d[i + 3]), how(d[i + 4]), how(d[i + 5]), how(d[i + 6]), how(d[i + 7])
#define MYLOS_SUMS(how)                                                                                            \
  MYLOS_SUMS_8(how, 0), MYLOS_SUMS_8(how, 8), MYLOS_SUMS_8(how, 16), MYLOS_SUMS_8(how, 24), MYLOS_SUMS_8(how, 32), \
      MYLOS_SUMS_8(how, 40), MYLOS_SUMS_8(how, 48), MYLOS_SUMS_8(how, 56)
#define MYLOS_PRODUCT(how, adds)                                                                           \
  asm volatile(                                                                                            \
      "{.reg .pred p;\n .reg .b64 a, b;\n mov.b64 a, {%64, 0x40000040};\n mov.b64 b, {%65, 0x40000040};\n" \
      "setp.ne.b32 p, " #adds                                                                              \
      ", 0;\n wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {"                                       \
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                             \
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "                   \
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "                   \
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "                  \
      "a, b, p, 1, 1, %66, %67;}"                                                                          \
      : MYLOS_SUMS(how)                                                                                    \
      : "r"(a), "r"(b), "n"(AAlongRows ? 1 : 0), "n"(BAlongRows ? 1 : 0))
#define MYLOS_WRITTEN(x) "=f"(x)
#define MYLOS_ADDED_TO(x) "+f"(x)

/// d = a b^T, or d += a b^T where it adds: 64 rows of a, 128 of b, 16 elements of K. Thread t of the warpgroup has the
/// rows t / 32 * 16 + t % 32 / 4 and the one 8 below; d[4 j + c] is column 8 j + t % 4 * 2 + c % 2, of the second row
/// where c > 1. What is only written has no value before: the compiler need not make one.
template <bool Adds, bool AAlongRows = false, bool BAlongRows = false>
__device__ __forceinline__ void multiply_64x128(float (&d)[64], std::uint32_t a, std::uint32_t b) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  if constexpr (Adds)
    MYLOS_PRODUCT(MYLOS_ADDED_TO, 1);
  else
    MYLOS_PRODUCT(MYLOS_WRITTEN, 0);
#endif
}
#undef MYLOS_ADDED_TO
#undef MYLOS_WRITTEN
#undef MYLOS_PRODUCT
#undef MYLOS_SUMS
#undef MYLOS_SUMS_8

}  // namespace mylos::cuda
