// Splitting itself, of elements that a thread has in registers: gemm_halves.cuh says what the two halves are.
#pragma once

#include "core/access.hpp"
#include "core/apply.hpp"
#include "cuda/gemm_halves.cuh"

namespace mylos::cuda {

/// 2^exponent.
__device__ __forceinline__ float power_of_two(int exponent) {
  return __uint_as_float(static_cast<unsigned>(exponent + 127) << 23);
}

/// What 64 elements share. Where they do not fit they are scaled to 0.
struct HalvesScale {
  float unit;
  float scale;
  float largest;  // infinite where they do not fit
};
/// `largest`: the bits of the largest magnitude.
__device__ __forceinline__ HalvesScale halves_scale(unsigned largest) {
  constexpr unsigned largest_scaled = (127U + 55U) << 23;
  const bool fits = largest < largest_scaled;
  const int exponent = fits ? ::max(static_cast<int>(largest >> 23) - 127, -60) - 14 : 0;
  return {power_of_two(exponent), fits ? power_of_two(-exponent) : 0.F, __uint_as_float(fits ? largest : 0x7f800000U)};
}
/// Of a row of a that has low halves: gemm_halves.cuh.
__device__ __forceinline__ float compensated(float unit) { return __uint_as_float(__float_as_uint(unit) | 1U); }

/// Eight elements.
struct HalvesPiece {
  detail::Pack<std::uint32_t, 4> high;
  detail::Pack<std::uint32_t, 4> low;

  __device__ __forceinline__ bool has_low() const {  // other than -0
    return ((low.value[0] | low.value[1] | low.value[2] | low.value[3]) & 0x7fff7fffU) != 0;
  }
};

__device__ __forceinline__ void widen_halves(std::uint32_t pair, float (&v)[2]) {
  const auto halves = detail::bits_as<detail::Pack<half, 2>>(pair);
  detail::widen_pair(halves.value, v);
}
__device__ __forceinline__ std::uint32_t narrow_halves(const float (&v)[2]) {
  detail::Pack<half, 2> pair;
  detail::narrow_pair(v, pair.value);
  return detail::bits_as<std::uint32_t>(pair);
}

/// Both halves of eight elements in units.
__device__ __forceinline__ HalvesPiece split_piece(const float* y) {
  HalvesPiece piece;
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    const float pair[2] = {y[2 * e], y[2 * e + 1]};
    float left[2];
    piece.high.value[e] = narrow_halves(pair);
    widen_halves(piece.high.value[e], left);
#pragma unroll
    for (int i = 0; i < 2; ++i) left[i] = pair[i] - left[i];  // exact
    piece.low.value[e] = narrow_halves(left);
  }
  return piece;
}

/// What each of them loses, in units.
__device__ __forceinline__ void lost_by(const float* y, const HalvesPiece& piece, float (&lost)[8]) {
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    float high[2];
    float low[2];
    widen_halves(piece.high.value[e], high);
    widen_halves(piece.low.value[e], low);
#pragma unroll
    for (int i = 0; i < 2; ++i)
      lost[2 * e + i] = fabsf(y[2 * e + i]) < 0.125F ? fabsf(y[2 * e + i] - high[i] - low[i]) : 0.F;
  }
}
/// All together.
__device__ __forceinline__ float lost_by(const float* y, const HalvesPiece& piece) {
  float lost[8];
  lost_by(y, piece, lost);
  float sum = 0;
#pragma unroll
  for (const float one : lost) sum += one;
  return sum;
}

/// Whether they may lose something: one of them is below 2^-3 units, or was rounded to that.
__device__ __forceinline__ bool may_lose(const HalvesPiece& piece) {
  constexpr unsigned exact = 0x3000;  // 2^-3
  std::uint32_t smallest = 0x7fff7fffU;
#pragma unroll
  for (int e = 0; e < 4; ++e) smallest = __vminu2(smallest, piece.high.value[e] & 0x7fff7fffU);
  return (smallest & 0xffffU) <= exact || smallest >> 16 <= exact;
}

/// Eight elements of one row, whose 64 are those of eight neighbouring lanes.
struct SplitSpan {
  HalvesPiece piece;
  float unit;
};

/// What a lane knows of a row.
struct SplitSum {
  unsigned largest;  // bits of the largest magnitude
  float lost;        // of what fits
};

/// The larger magnitude; NaN if there is one.
__device__ __forceinline__ float larger(float a, float b) {
  float c;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(c) : "f"(fabsf(a)), "f"(fabsf(b)));
  return c;
}

/// The bits of the largest magnitude of a row's 64 elements. The eight lanes of a row call this together, and so do all
/// others of the warp.
__device__ __forceinline__ unsigned largest_of_row(const detail::RegisterTile<float, 8>& x) {
  const float magnitude =
      larger(larger(larger(x[0], x[1]), larger(x[2], x[3])), larger(larger(x[4], x[5]), larger(x[6], x[7])));
  unsigned largest = __float_as_uint(magnitude);  // as an integer, so that NaN is larger than all else
#pragma unroll
  for (int distance = 4; distance > 0; distance /= 2)
    largest = ::max(largest, __shfl_xor_sync(0xffffffffU, largest, distance));
  return largest;
}

/// Likewise. `compensates`: gemm_halves.cuh.
__device__ __forceinline__ SplitSpan split_span(const detail::RegisterTile<float, 8>& x, unsigned largest,
                                                bool compensates, SplitSum& sum) {
  const HalvesScale scale = halves_scale(largest);
  float y[8];
#pragma unroll
  for (int e = 0; e < 8; ++e) y[e] = x[e] * scale.scale;
  SplitSpan s;
  s.piece = split_piece(y);
  const unsigned row_has_low = __ballot_sync(0xffffffffU, s.piece.has_low()) >> (threadIdx.x % 32 / 8 * 8) & 0xffU;
  s.unit = compensates && row_has_low != 0 ? compensated(scale.unit) : scale.unit;
  sum.largest = ::max(sum.largest, largest);
  if (may_lose(s.piece)) sum.lost += __fmul_rn(lost_by(y, s.piece), s.unit);
  return s;
}

/// What a row loses in all, from what its eight lanes know.
__device__ __forceinline__ HalvesLoss loss_of_row(const SplitSum& sum) {
  float lost = sum.lost;
#pragma unroll
  for (int distance = 4; distance > 0; distance /= 2) lost += __shfl_xor_sync(0xffffffffU, lost, distance);
  const float largest = halves_scale(sum.largest).largest;
  return {largest, largest == __uint_as_float(0x7f800000U) ? largest : lost};
}

/// Writes what a lane has of a block, at once with its neighbours: lines of 128 bytes. `high`: where the row's high
/// halves begin, `row`: its number, `low`: the distance to the low ones.
__device__ __forceinline__ void store_piece(unsigned char* high, std::int64_t row, std::int64_t low,
                                            const HalvesPiece& piece) {
  unsigned char* const to = high + (threadIdx.x % 8 ^ static_cast<unsigned>(row & 7)) * 16;
  *reinterpret_cast<detail::Pack<std::uint32_t, 4>*>(to) = piece.high;
  *reinterpret_cast<detail::Pack<std::uint32_t, 4>*>(to + low) = piece.low;
}

}  // namespace mylos::cuda
