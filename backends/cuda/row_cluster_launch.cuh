// From a problem to the instance of the kernel of rows that a few blocks hold.
#pragma once

#include "cuda/row.hpp"
#include "cuda/row_cluster.cuh"
#include "cuda/row_families.cuh"

namespace mylos::cuda {

template <class S>
void RowKernels<S>::run_cluster(const RowProblem& problem, const detail::Queue& queue) {
  using T = ValueOf<S>;
  if (problem.op == RowOperator::softmax || problem.op == RowOperator::log_softmax)
    return launch_cluster<ExponentialFamily<T, T>, S, MathFor<S>, T>(problem, queue);
  launch_cluster<NormFamily<T, T>, S, MathFor<S>, T>(problem, queue);
}

}  // namespace mylos::cuda
