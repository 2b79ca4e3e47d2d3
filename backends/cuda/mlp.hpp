// The network kernels, spread over several sources so that they compile side by side.
#pragma once

#include "mlp/problem.hpp"

namespace mylos::cuda {

/// T: float or double.
template <class T>
void run_mlp_tiles(const detail::MlpProblem& problem, const detail::Queue& queue);

/// f32; Width: 32 or 64, of the widest layer at least.
template <int Width>
void run_mlp_tensor_of(const detail::MlpProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
