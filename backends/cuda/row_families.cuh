// From a problem to what its kernels are instances of: the type they compute in, their mathematics, the family.
#pragma once

#include "cuda/row_statistics.cuh"

namespace mylos::cuda {

template <class S>
using ValueOf = std::conditional_t<std::is_same_v<S, double>, double, float>;
/// 16-bit tensors take the reduced elementary functions.
template <class S>
using MathFor = std::conditional_t<sizeof(S) == 2, math::Reduced, math::Precise>;

/// Calls launch(F()) with the family that has the operator.
template <class T, class Launch>
void with_family(const RowProblem& problem, const Launch& launch) {
  switch (problem.op) {
    case RowOperator::softmax:
    case RowOperator::log_softmax:
      return launch(ExponentialFamily<T, T>());
    case RowOperator::standardize:
      return launch(MomentFamily<T, T>());
    default:
      return launch(NormFamily<T, T>());
  }
}

}  // namespace mylos::cuda
