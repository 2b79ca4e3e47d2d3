// From a problem to the instance of a kernel: family, storage type, vectors or single elements, with chains or without.
#pragma once

#include "cuda/row.hpp"
#include "cuda/row_columns.cuh"
#include "cuda/row_passes.cuh"
#include "cuda/row_registers.cuh"
#include "cuda/row_ring.cuh"

namespace mylos::cuda {

template <class S>
using ValueOf = std::conditional_t<std::is_same_v<S, double>, double, float>;
/// 16-bit tensors take the reduced elementary functions.
template <class S>
using MathFor = std::conditional_t<sizeof(S) == 2, math::Reduced, math::Precise>;

/// Calls launch(F(), Chained()) with the family that has the operator.
template <class T, class Launch>
void with_instance(const RowProblem& problem, const Launch& launch) {
  const auto with_family = [&](auto family) {
    if (problem.has_chains() || problem.has_affine() || problem.is_causal) return launch(family, std::true_type());
    return launch(family, std::false_type());
  };
  switch (problem.op) {
    case RowOperator::softmax:
    case RowOperator::log_softmax:
      return with_family(ExponentialFamily<T, T>());
    case RowOperator::standardize:
      return with_family(MomentFamily<T, T>());
    default:
      return with_family(NormFamily<T, T>());
  }
}

template <class S>
void RowKernels<S>::run_registers(const RowProblem& problem, const detail::Queue& queue) {
  using T = ValueOf<S>;
  with_instance<T>(problem, [&](auto family, auto chained) {
    launch_registers<decltype(family), S, MathFor<S>, 16 / static_cast<int>(sizeof(S)), decltype(chained)::value, T>(
        problem, queue);
  });
}

template <class S>
void RowKernels<S>::run_ring(const RowProblem& problem, const detail::Queue& queue) {
  using T = ValueOf<S>;
  with_instance<T>(problem, [&](auto family, auto chained) {
    launch_ring<decltype(family), S, MathFor<S>, decltype(chained)::value, T>(problem, queue);
  });
}

template <class S>
void RowKernels<S>::run_columns(const RowProblem& problem, const detail::Queue& queue) {
  using T = ValueOf<S>;
  with_instance<T>(problem, [&](auto family, auto chained) {
    launch_columns<decltype(family), S, MathFor<S>, 16 / static_cast<int>(sizeof(S)), decltype(chained)::value, T>(
        problem, queue);
  });
}

template <class S>
void RowKernels<S>::run_passes(const RowProblem& problem, const detail::Queue& queue) {
  using T = ValueOf<S>;
  with_instance<T>(problem, [&](auto family, auto chained) {
    launch_passes<decltype(family), S, MathFor<S>, decltype(chained)::value, T>(problem, queue);
  });
}

}  // namespace mylos::cuda
