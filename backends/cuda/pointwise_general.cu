#include "cuda/pointwise_map.cuh"
#include "pointwise/chunk.hpp"

namespace mylos::cuda {
namespace {

struct General : NumberedChunks<General> {
  static constexpr MYLOS_HOST_DEVICE MapTuning tuning(int e) { return general_tuning(e); }
  template <int E, class T>
  static detail::ChunkParameters<T> make(const detail::PointwiseProblem& problem) {
    return detail::make_chunks<E, T>(problem);
  }
  template <class M, int E, class T>
  static __device__ __forceinline__ void map_from(const detail::ChunkParameters<T>& p, std::int64_t first) {
    detail::map_chunks<M, StreamingAccess, E, tuning(E).chunks, tuning(E).passes>(p, first, tuning(E).threads);
  }
};

}  // namespace

void run_general(const detail::PointwiseProblem& problem, const detail::Queue& queue) {
  run_map<General>(problem, queue);
}

}  // namespace mylos::cuda
