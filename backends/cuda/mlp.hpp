// The network kernel for each compute type; spread over two sources so that they compile side by side.
#pragma once

#include "mlp/problem.hpp"

namespace mylos::cuda {

/// T: float or double.
template <class T>
void run_mlp_tiles(const detail::MlpProblem& problem, const detail::Queue& queue);

}  // namespace mylos::cuda
