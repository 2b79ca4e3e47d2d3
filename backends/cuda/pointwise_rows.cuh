// The map over rows (pointwise/rows.hpp) as a Variant of the map kernel; Self says how many elements a chunk has.
#pragma once

#include "cuda/pointwise_map.cuh"
#include "pointwise/rows.hpp"

namespace mylos::cuda {

template <class Self>
struct RowsVariant {
  template <int E, class T>
  static detail::RowsParameters<T> make(const detail::PointwiseProblem& problem) {
    static_assert(Self::tuning(E).threads == detail::rows_threads);
    return detail::make_rows<Self::elements(E), Self::tuning(E).chunks, T>(problem);
  }
  template <class T>
  static std::int64_t blocks(const detail::RowsParameters<T>& p, int) {
    return p.shape.blocks;
  }
  template <class M, int E, class T>
  static __device__ __forceinline__ void map(const detail::RowsParameters<T>& p) {
    constexpr MapTuning tuning = Self::tuning(E);
    detail::map_rows<M, GlobalAccess, Self::elements(E), tuning.chunks, tuning.passes>(p, blockIdx.x,
                                                                                       static_cast<int>(threadIdx.x));
  }
};

}  // namespace mylos::cuda
