// The map kernel, for a Variant that says what a thread does: each thread loads several 16-byte chunks, then
// applies the chain in registers.
//
// Tried and slower on H200: a persistent grid that loads the next tile into registers (0.89 of copy) or into shared
// memory by cp.async (0.77 to 0.91) while the present one is worked on, against 0.98 for this.
#pragma once

#include "cuda/pointwise.hpp"
#include "cuda/primitives/access.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/tuning.hpp"
#include "pointwise/flat.hpp"

namespace mylos::cuda {

template <class Variant, class M, int E, class Parameters>
__global__ void __launch_bounds__(Variant::tuning(E).threads, Variant::tuning(E).blocks)
    map_kernel(const __grid_constant__ Parameters p) {
  Variant::template map<M, E>(p);
}

/// What variants share whose chunks are numbered throughout: thread t of block b starts with chunk b * per_block + t,
/// and its further ones are a block's threads apart.
template <class Self>
struct NumberedChunks {
  template <class Parameters>
  static std::int64_t blocks(const Parameters& p, int e) {
    const int per_block = Self::tuning(e).threads * Self::tuning(e).chunks;
    return (p.chunks + per_block - 1) / per_block;
  }
  template <class M, int E, class Parameters>
  static __device__ __forceinline__ void map(const Parameters& p) {
    constexpr MapTuning tuning = Self::tuning(E);
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * (tuning.threads * tuning.chunks) + threadIdx.x;
    Self::template map_from<M, E>(p, first);
  }
};

template <class Variant, class M, int E, class T>
void run_chunks(const detail::PointwiseProblem& problem, const detail::Queue& queue) {
  const auto p = Variant::template make<E, T>(problem);
  const auto kernel = map_kernel<Variant, M, E, std::decay_t<decltype(p)>>;
  launch(kernel, Variant::blocks(p, E), Variant::tuning(E).threads, queue.stream, p);
}

/// 16-bit tensors take the reduced elementary functions.
template <class Variant>
void run_map(const detail::PointwiseProblem& problem, const detail::Queue& queue) {
  switch (detail::chunk_elements(problem.x_dtype, problem.y_dtype)) {
    case 2:
      return run_chunks<Variant, math::Precise, 2, double>(problem, queue);
    case 4:
      return run_chunks<Variant, math::Precise, 4, float>(problem, queue);
    default:
      return run_chunks<Variant, math::Reduced, 8, float>(problem, queue);
  }
}

}  // namespace mylos::cuda
