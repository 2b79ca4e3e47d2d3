// Cross entropy with probabilities or label smoothing.
#include "cuda/vector_loss_columns.cuh"
#include "cuda/vector_loss_rows.cuh"

namespace mylos::cuda {

template void run_vector_loss_rows<VectorLoss::weighted_scores>(const detail::VectorLossProblem&, const detail::Queue&);
template void run_vector_loss_columns<VectorLoss::weighted_scores>(const detail::VectorLossProblem&,
                                                                   const detail::Queue&);

}  // namespace mylos::cuda
