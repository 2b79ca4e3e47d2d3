// Cosine and triplet losses.
#include "cuda/vector_loss_columns.cuh"
#include "cuda/vector_loss_rows.cuh"

namespace mylos::cuda {

template void run_vector_loss_rows<VectorLoss::cosine>(const detail::VectorLossProblem&, const detail::Queue&);
template void run_vector_loss_columns<VectorLoss::cosine>(const detail::VectorLossProblem&, const detail::Queue&);
template void run_vector_loss_rows<VectorLoss::triplet>(const detail::VectorLossProblem&, const detail::Queue&);
template void run_vector_loss_columns<VectorLoss::triplet>(const detail::VectorLossProblem&, const detail::Queue&);

}  // namespace mylos::cuda
