// Products of small matrices by a warp (mma.sync): d += a b for a of 16 x 8, b of 8 x 8.
//
// A lane is (g, t) = (lane / 4, lane % 4). It holds a of rows g and g + 8, columns t and t + 4, as (g, t), (g + 8, t),
// (g, t + 4), (g + 8, t + 4); b of rows t and t + 4, column g; d of rows g and g + 8, columns 2 t and 2 t + 1.
#pragma once

#include <cstdint>

namespace mylos::cuda {

/// A number cut to 11 significant bits (TensorFloat-32), which is what the products take of an f32.
__device__ __forceinline__ std::uint32_t cut_to_tf32(float v) { return __float_as_uint(v) & 0xffffe000U; }
/// The nearest one.
__device__ __forceinline__ std::uint32_t round_to_tf32(float v) {
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(v));
  return bits;
}

/// d = c + a b; d may be c.
__device__ __forceinline__ void multiply_add(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                                             std::uint32_t b1, const float (&c)[4]) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%10, %11, %12, %13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}

/// In f64 each product is fused with its addition, one after another.
__device__ __forceinline__ void multiply_add(double (&d)[4], const double (&a)[4], double b0, double b1,
                                             const double (&c)[4]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm("mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%10, %11, %12, %13};"
      : "=d"(d[0]), "=d"(d[1]), "=d"(d[2]), "=d"(d[3])
      : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(b0), "d"(b1), "d"(c[0]), "d"(c[1]), "d"(c[2]), "d"(c[3]));
#else
  const auto part = [](double& d0, double& d1, double x, double b, double c0, double c1) {
    asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%4, %5};"
        : "=d"(d0), "=d"(d1)
        : "d"(x), "d"(b), "d"(c0), "d"(c1));
  };
  part(d[0], d[1], a[0], b0, c[0], c[1]);
  part(d[2], d[3], a[1], b0, c[2], c[3]);
  part(d[0], d[1], a[2], b1, d[0], d[1]);
  part(d[2], d[3], a[3], b1, d[2], d[3]);
#endif
}

}  // namespace mylos::cuda
