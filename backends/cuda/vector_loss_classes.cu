// Cross entropy with class indices, negative log likelihood.
#include "cuda/vector_loss_columns.cuh"
#include "cuda/vector_loss_rows.cuh"
#include "cuda/vector_loss_short.cuh"

namespace mylos::cuda {

template void run_vector_loss_rows<VectorLoss::scores>(const detail::VectorLossProblem&, const detail::Queue&);
template void run_vector_loss_columns<VectorLoss::scores>(const detail::VectorLossProblem&, const detail::Queue&);
template void run_vector_loss_columns<VectorLoss::nothing>(const detail::VectorLossProblem&, const detail::Queue&);

const char* refuse_vector_loss_short(const detail::VectorLossProblem& problem) { return refuse_loss_short(problem); }
void run_vector_loss_short(const detail::VectorLossProblem& problem, const detail::Queue& queue) {
  launch_loss_short(problem, queue);
}

}  // namespace mylos::cuda
