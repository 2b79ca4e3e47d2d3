#include "cuda/pointwise_map.cuh"
#include "pointwise/rows.hpp"

namespace mylos::cuda {
namespace {

struct Rows {
  static constexpr MYLOS_HOST_DEVICE MapTuning tuning(int e) { return rows_tuning(e); }
  template <int E, class T>
  static detail::RowsParameters<T> make(const detail::PointwiseProblem& problem) {
    constexpr int threads_shift = 7;
    static_assert(tuning(E).threads == 1 << threads_shift);
    return detail::make_rows<E, tuning(E).chunks, T>(problem, threads_shift);
  }
  template <class T>
  static std::int64_t blocks(const detail::RowsParameters<T>& p, int) {
    return p.blocks;
  }
  template <class M, int E, class T>
  static __device__ __forceinline__ void map(const detail::RowsParameters<T>& p) {
    detail::map_rows<M, StreamingAccess, E, tuning(E).chunks, tuning(E).passes>(p, blockIdx.x,
                                                                                static_cast<int>(threadIdx.x));
  }
};

}  // namespace

void run_rows(const detail::PointwiseProblem& problem, const detail::Queue& queue) { run_map<Rows>(problem, queue); }

}  // namespace mylos::cuda
