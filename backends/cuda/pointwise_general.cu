#include "cuda/pointwise_rows.cuh"

namespace mylos::cuda {
namespace {

struct Elements : RowsVariant<Elements> {
  static constexpr MYLOS_HOST_DEVICE MapTuning tuning(int e) { return general_tuning(e); }
  static constexpr MYLOS_HOST_DEVICE int elements(int) { return 1; }
};

}  // namespace

void run_general(const detail::PointwiseProblem& problem, const detail::Queue& queue) {
  run_map<Elements>(problem, queue);
}

}  // namespace mylos::cuda
