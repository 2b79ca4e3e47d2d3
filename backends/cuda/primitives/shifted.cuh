// Vectors of 16 bytes that neighbouring threads of a warp take from any address aligned to its elements: each thread
// loads the aligned vector that its own begins in, and gets the rest from its neighbour.
#pragma once

#include <cstdint>

namespace mylos::cuda {

/// The bytes of `low` and `high`, 16 each, from byte `shift` on; shift is even, 0 to 14.
__device__ __forceinline__ uint4 shift_bytes(uint4 low, uint4 high, unsigned shift) {
  const bool eight = (shift & 8U) != 0;
  const std::uint32_t a0 = eight ? low.z : low.x;
  const std::uint32_t a1 = eight ? low.w : low.y;
  const std::uint32_t a2 = eight ? high.x : low.z;
  const std::uint32_t a3 = eight ? high.y : low.w;
  const std::uint32_t a4 = eight ? high.z : high.x;
  const std::uint32_t a5 = eight ? high.w : high.y;
  const bool four = (shift & 4U) != 0;
  const std::uint32_t b0 = four ? a1 : a0;
  const std::uint32_t b1 = four ? a2 : a1;
  const std::uint32_t b2 = four ? a3 : a2;
  const std::uint32_t b3 = four ? a4 : a3;
  const std::uint32_t b4 = four ? a5 : a4;
  const unsigned bits = (shift & 3U) * 8U;
  return make_uint4(__funnelshift_r(b0, b1, bits), __funnelshift_r(b1, b2, bits), __funnelshift_r(b2, b3, bits),
                    __funnelshift_r(b3, b4, bits));
}

/// F vectors of each thread of a team (a power of two up to a warp), `team` apart, in aligned ones: vector f begins
/// `shift` bytes into a[f] and ends in a[f] of the next thread, or in a[f + 1] of the team's first one, who alone needs
/// a[F]. All threads of the team call this together.
template <int F>
__device__ __forceinline__ uint4 shifted_vector(const uint4 (&a)[F + 1], int f, int team, unsigned shift) {
  const int lane = static_cast<int>(threadIdx.x) & (team - 1);
  const uint4 own = a[f];
  const uint4 given = lane == 0 ? a[f + 1] : own;
  const int from = (lane + 1) & (team - 1);
  const unsigned whole = 0xffffffffU >> (32 - team) << (threadIdx.x % 32 - static_cast<unsigned>(lane));
  uint4 next;
  next.x = __shfl_sync(whole, given.x, from, team);
  next.y = __shfl_sync(whole, given.y, from, team);
  next.z = __shfl_sync(whole, given.z, from, team);
  next.w = __shfl_sync(whole, given.w, from, team);
  return shift_bytes(own, next, shift);
}

}  // namespace mylos::cuda
