// Products of f32 as three of tf32: x = high + low, 11 bits each, and low high + high low + high high. A product is off
// by 8 units of 2^-24 at most: each factor by two, for what is rounded off its low half, and four are low low. The
// accumulator truncates, which takes up to two more of 16 products.
#pragma once

#include "cuda/primitives/mma.cuh"

namespace mylos::cuda {

/// Of K at least: of sums of fewer products more is asked (gemm.hpp: k + 8 units).
inline constexpr int split_least_depth = 4;

/// Splits elements, and knows whether that was right for all of them: not for those that are so small, but not 0, that
/// their low halves lose bits. Infinities and NaN, and what rounds to infinity, give sums that are not finite.
class SplitTf32 {
 public:
  __device__ __forceinline__ void operator()(float v, std::uint32_t& high, std::uint32_t& low) {
    constexpr std::uint32_t half_place = 0x1000;  // products cut what is below the last place
    least_ = ::min(least_, __float_as_uint(v) * 2U - 1U);
    high = round_to_tf32(v);
    low = __float_as_uint(v - __uint_as_float(high)) + half_place;
  }
  __device__ __forceinline__ bool fits() const {
    constexpr std::uint32_t smallest = (127U - 100U) << 24;  // 2^-100
    return least_ >= smallest - 1U;
  }

 private:
  std::uint32_t least_ = ~0U;  // twice an element's bits, less one
};

/// sum += 16 rows times 8 columns, 16 of K: a lane (g, t) has of rows `upper` and `lower` and of column g four
/// neighbours along K, from 4 t on. The accumulator truncates, so the small products come first.
__device__ __forceinline__ void multiply_split(float (&sum)[4], const std::uint32_t (&upper_high)[4],
                                               const std::uint32_t (&lower_high)[4],
                                               const std::uint32_t (&upper_low)[4], const std::uint32_t (&lower_low)[4],
                                               const std::uint32_t (&b_high)[4], const std::uint32_t (&b_low)[4]) {
#pragma unroll
  for (int e = 0; e < 4; e += 2) {
    multiply_add(sum, {upper_low[e], lower_low[e], upper_low[e + 1], lower_low[e + 1]}, b_high[e], b_high[e + 1], sum);
    multiply_add(sum, {upper_high[e], lower_high[e], upper_high[e + 1], lower_high[e + 1]}, b_low[e], b_low[e + 1],
                 sum);
  }
#pragma unroll
  for (int e = 0; e < 4; e += 2)
    multiply_add(sum, {upper_high[e], lower_high[e], upper_high[e + 1], lower_high[e + 1]}, b_high[e], b_high[e + 1],
                 sum);
}

}  // namespace mylos::cuda
