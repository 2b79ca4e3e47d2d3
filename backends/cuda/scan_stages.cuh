// Tiles on their way to shared memory: where they lie, and what becomes of them before they are scanned.
#pragma once

#include "cuda/primitives/async.cuh"
#include "cuda/scan_values.cuh"

namespace mylos::cuda {

/// A thread's own places in shared memory: N chunks of E values for each of `Count`
/// stages, and a byte of the mask for each value.
template <class S, int E, int N, int Threads, int Count>
struct OwnStages {
  static constexpr int mask_size = E < 4 ? 4 : E;
  unsigned char* chunks;
  unsigned char* masks;

  static constexpr int bytes(bool masked) { return Count * N * Threads * (16 + (masked ? mask_size : 0)); }
  __device__ __forceinline__ explicit OwnStages(unsigned char* memory)
      : chunks(memory + threadIdx.x * 16), masks(memory + Count * N * Threads * 16 + threadIdx.x * mask_size) {}
  __device__ __forceinline__ unsigned char* chunk(int stage, int i) const {
    return chunks + (stage * N + i) * (Threads * 16);
  }
  __device__ __forceinline__ unsigned char* mask(int stage, int i) const {
    return masks + (stage * N + i) * (Threads * mask_size);
  }
};

/// The element that stands for no value.
template <class R, class S, class T>
__device__ __forceinline__ S neutral_of(const ScanParameters<T>& p) {
  return detail::narrow<S>(p.negated ? T(-R::neutral()) : R::neutral());
}

/// The bytes of the mask beside a chunk, whole words at a time, in the order of memory: visit(e, byte).
template <int E, class Visit>
__device__ __forceinline__ void for_mask_bytes(const unsigned char* bytes, const Visit& visit) {
#pragma unroll
  for (int w = 0; w < (E + 3) / 4; ++w) {
    const unsigned word = E == 2 ? *reinterpret_cast<const std::uint16_t*>(bytes)
                                 : reinterpret_cast<const std::uint32_t*>(bytes)[E == 2 ? 0 : w];
#pragma unroll
    for (int e = 4 * w; e < 4 * w + 4 && e < E; ++e) visit(e, word >> (e % 4 * 8) & 255U);
  }
}

/// A chunk into the order of the scan, hidden values neutral, in its place. Whole words, without a conversion.
template <class R, class S, int E, class T>
__device__ __forceinline__ unsigned prepare_chunk(const ScanParameters<T>& p, bool backward, Pack<S, E>& chunk,
                                                  const unsigned char* mask) {
  const bool masked = p.mask.data != nullptr;
  if (!masked && !backward) return 0;
  unsigned hidden = 0;
  Pack<S, E> pack = chunk;
  if (masked && p.mask_scales) {
    if constexpr (std::is_same_v<S, T>)
      for_mask_bytes<E>(mask, [&](int e, unsigned byte) { pack.value[e] *= static_cast<T>(byte); });
  } else if (masked) {
    const S neutral = neutral_of<R, S>(p);
    for_mask_bytes<E>(mask, [&](int e, unsigned byte) {
      if (byte != 0) return;
      hidden |= 1U << e;
      pack.value[e] = neutral;
    });
  }
  if (backward) {
    Pack<S, E> turned;
#pragma unroll
    for (int e = 0; e < E; ++e) turned.value[e] = pack.value[E - 1 - e];
    pack = turned;
    hidden = __brev(hidden) >> (32 - E);
  }
  chunk = pack;
  return hidden;
}

}  // namespace mylos::cuda
