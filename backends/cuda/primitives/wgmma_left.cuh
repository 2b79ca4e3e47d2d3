// Products on a warpgroup's tensor cores (wgmma) whose left side is in registers, for matrices that follow each other:
// what one product leaves is laid out as the next one takes it. sm_90a alone, as in wgmma.cuh.
//
// Each warp has 16 of the 64 rows, laid out as in mma.cuh: d[4 n + i] is what d[i] is there of columns 8 n to 8 n + 7.
// The right side is in shared memory, in pieces of 128 bytes: 8 columns of 16 bytes of K (8 of f16, 4 of f32). Piece
// 2 n + i has columns 8 n and the first (0) or second (1) half of K.
#pragma once

#include "cuda/primitives/wgmma.cuh"

namespace mylos::cuda {

/// The lower half of a right side's descriptor, of its address: a distance of so many bytes adds a 16th of them.
__device__ __forceinline__ std::uint32_t pieces_descriptor(std::uint32_t shared) {
  return (shared & 0x3ffffU) >> 4 | 8U << 16;
}

// Of the right side: 128 bytes from the first half of K to the second, 256 from 8 columns to the next.
#define MYLOS_LEFT_PRODUCT(count, shape, sums, left, right, ...)                                                  \
  MYLOS_SM90A(asm volatile("{.reg .b64 b;\n mov.b64 b, {%" right ", 16};\n"                                       \
                           "wgmma.mma_async.sync.aligned." shape " {" sums "}, {" left "}, b, 1, 1, 1" count ";}" \
                           : __VA_ARGS__                                                                          \
                           : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b));)
#define MYLOS_8_SUMS(i)                                                                                       \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
      "+f"(d[i + 7])
#define MYLOS_16_NAMES "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define MYLOS_32_NAMES MYLOS_16_NAMES ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"

/// d += a b for 32 columns, `b` being a descriptor's lower half; of f16 (K = 16) or of TensorFloat-32 (K = 8).
template <bool Halves>
__device__ __forceinline__ void multiply_add_left(float (&d)[16], const std::uint32_t (&a)[4], std::uint32_t b) {
  if constexpr (Halves) {
    MYLOS_LEFT_PRODUCT(", 0", "m64n32k16.f32.f16.f16", MYLOS_16_NAMES, "%16, %17, %18, %19", "20", MYLOS_8_SUMS(0),
                       MYLOS_8_SUMS(8))
  } else {
    MYLOS_LEFT_PRODUCT("", "m64n32k8.f32.tf32.tf32", MYLOS_16_NAMES, "%16, %17, %18, %19", "20", MYLOS_8_SUMS(0),
                       MYLOS_8_SUMS(8))
  }
}
/// For 64 columns.
template <bool Halves>
__device__ __forceinline__ void multiply_add_left(float (&d)[32], const std::uint32_t (&a)[4], std::uint32_t b) {
  if constexpr (Halves) {
    MYLOS_LEFT_PRODUCT(", 0", "m64n64k16.f32.f16.f16", MYLOS_32_NAMES, "%32, %33, %34, %35", "36", MYLOS_8_SUMS(0),
                       MYLOS_8_SUMS(8), MYLOS_8_SUMS(16), MYLOS_8_SUMS(24))
  } else {
    MYLOS_LEFT_PRODUCT("", "m64n64k8.f32.tf32.tf32", MYLOS_32_NAMES, "%32, %33, %34, %35", "36", MYLOS_8_SUMS(0),
                       MYLOS_8_SUMS(8), MYLOS_8_SUMS(16), MYLOS_8_SUMS(24))
  }
}
#undef MYLOS_32_NAMES
#undef MYLOS_16_NAMES
#undef MYLOS_8_SUMS
#undef MYLOS_LEFT_PRODUCT

}  // namespace mylos::cuda
