// From a problem to the instance of the kernel of short rows.
#pragma once

#include "cuda/row.hpp"
#include "cuda/row_families.cuh"
#include "cuda/row_staged.cuh"

namespace mylos::cuda {

template <class S>
void RowKernels<S>::run_staged(const RowProblem& problem, const detail::Queue& queue) {
  using T = ValueOf<S>;
  with_family<T>(problem, [&](auto family) { launch_staged<decltype(family), S, MathFor<S>, T>(problem, queue); });
}

}  // namespace mylos::cuda
