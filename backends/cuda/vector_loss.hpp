// The shapes of a loss of vectors, each for one loss; the losses are spread over several sources so that they compile
// side by side.
#pragma once

#include "vector_loss/problem.hpp"

namespace mylos::cuda {

/// The axis is the fastest dimension: a part of a warp, a warp or a block for each row, or for each piece of it.
template <detail::VectorLoss L>
void run_vector_loss_rows(const detail::VectorLossProblem& problem, const detail::Queue& queue);

/// The same for cross entropy of few classes.
const char* refuse_vector_loss_short(const detail::VectorLossProblem& problem);
void run_vector_loss_short(const detail::VectorLossProblem& problem, const detail::Queue& queue);

/// Another dimension is: neighbouring threads have neighbouring rows.
template <detail::VectorLoss L>
void run_vector_loss_columns(const detail::VectorLossProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
