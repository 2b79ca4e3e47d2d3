#include "cuda/pointwise_rows.cuh"

namespace mylos::cuda {
namespace {

struct Vectors : RowsVariant<Vectors> {
  static constexpr MYLOS_HOST_DEVICE MapTuning tuning(int e) { return rows_tuning(e); }
  static constexpr MYLOS_HOST_DEVICE int elements(int e) { return e; }
};

}  // namespace

void run_rows(const detail::PointwiseProblem& problem, const detail::Queue& queue) { run_map<Vectors>(problem, queue); }

}  // namespace mylos::cuda
