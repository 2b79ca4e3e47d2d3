// Products of small matrices by a warp (mma.sync): d += a b for a of 16 x 8, b of 8 x 8; of f16 also 16 x 16, 16 x 8.
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

// Of f16: a register has two neighbours along K, the first one low. a: rows g, g + 8 and columns 2 t, 2 t + 1 are the
// first two registers, columns 8 further on the next two; b: rows 2 t, 2 t + 1 of column g, then rows 8 further on.
// So what two products of f32 leave for columns 8 j and 8 j + 8, rounded to f16, is the left side of the next one.

/// Two numbers, rounded to the nearest f16; `even` is the low one. Beyond the range: infinity. With Relu, negative ones
/// are 0; NaN stays.
template <bool Relu = false>
__device__ __forceinline__ std::uint32_t round_to_halves(float even, float odd) {
  std::uint32_t both;
  if constexpr (Relu)
    asm("cvt.rn.relu.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(odd), "f"(even));
  else
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(odd), "f"(even));
  return both;
}
/// Two numbers cut to f16, negative ones 0. Beyond the range: the largest f16; NaN stays.
__device__ __forceinline__ std::uint32_t cut_to_positive_halves(float even, float odd) {
  std::uint32_t both;
  asm("cvt.rz.relu.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(odd), "f"(even));
  return both;
}
__device__ __forceinline__ float low_half(std::uint32_t both) {
  float low;
  asm("{.reg .b16 l, h;\n mov.b32 {l, h}, %1;\n cvt.f32.f16 %0, l;}" : "=f"(low) : "r"(both));
  return low;
}
__device__ __forceinline__ float high_half(std::uint32_t both) {
  float high;
  asm("{.reg .b16 l, h;\n mov.b32 {l, h}, %1;\n cvt.f32.f16 %0, h;}" : "=f"(high) : "r"(both));
  return high;
}
/// The largest ones of three pairs that are not negative; NaN is larger than all.
__device__ __forceinline__ std::uint32_t largest_halves(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  return __vimax3_s16x2(a, b, c);
}
__device__ __forceinline__ std::uint32_t multiply_halves(std::uint32_t a, std::uint32_t b) {
  std::uint32_t d;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));
  return d;
}

/// d = c + a b of f16, 16 of K; d may be c.
__device__ __forceinline__ void multiply_add_halves(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                                                    std::uint32_t b1, const float (&c)[4]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
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
