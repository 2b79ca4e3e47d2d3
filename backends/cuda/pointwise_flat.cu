#include "cuda/pointwise_map.cuh"
#include "pointwise/flat.hpp"

namespace mylos::cuda {
namespace {

struct Flat : NumberedChunks<Flat> {
  static constexpr MYLOS_HOST_DEVICE MapTuning tuning(int e) { return flat_tuning(e); }
  template <int E, class T>
  static detail::FlatParameters<T> make(const detail::PointwiseProblem& problem) {
    return detail::make_flat<E, T>(problem);
  }
  template <class M, int E, class T>
  static __device__ __forceinline__ void map_from(const detail::FlatParameters<T>& p, std::int64_t first) {
    detail::map_flat<M, GlobalAccess, E, tuning(E).chunks, tuning(E).passes>(p, first, tuning(E).threads);
  }
};

}  // namespace

void run_flat(const detail::PointwiseProblem& problem, const detail::Queue& queue) { run_map<Flat>(problem, queue); }

}  // namespace mylos::cuda
