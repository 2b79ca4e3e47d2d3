// From a problem to the instance of a kernel: family, storage type, vectors or single elements, with chains or without.
#pragma once

#include "cuda/row.hpp"
#include "cuda/row_columns.cuh"
#include "cuda/row_families.cuh"
#include "cuda/row_passes.cuh"
#include "cuda/row_registers.cuh"
#include "cuda/row_ring.cuh"

namespace mylos::cuda {

/// Calls launch(F(), Chained()).
template <class T, class Launch>
void with_instance(const RowProblem& problem, const Launch& launch) {
  with_family<T>(problem, [&](auto family) {
    if (problem.has_chains() || problem.has_affine() || problem.is_causal)
      launch(family, std::true_type());
    else
      launch(family, std::false_type());
  });
}

template <class S>
void RowKernels<S>::run_registers(const RowProblem& problem, const detail::Queue& queue) {
  using T = ValueOf<S>;
  with_family<T>(problem, [&](auto family) {
    launch_registers<decltype(family), S, MathFor<S>, 16 / static_cast<int>(sizeof(S)), T>(problem, queue);
  });
}

template <class S>
void RowKernels<S>::run_ring(const RowProblem& problem, const detail::Queue& queue) {
  using T = ValueOf<S>;
  with_family<T>(problem, [&](auto family) { launch_ring<decltype(family), S, MathFor<S>, T>(problem, queue); });
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
  with_family<T>(problem, [&](auto family) { launch_passes<decltype(family), S, MathFor<S>, T>(problem, queue); });
}

}  // namespace mylos::cuda
