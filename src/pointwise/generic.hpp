// The pointwise kernel in Kokkos, written once: chunks in registers on a device, blocks in L1 on the host. Serves every
// problem.
#pragma once

#include <Kokkos_Core.hpp>

#include "pointwise/block.hpp"
#include "pointwise/rows.hpp"

namespace mylos::detail {

/// 16-bit tensors take the reduced elementary functions.
template <int E>
using MathOf = std::conditional_t<E == 8, math::Reduced, math::Precise>;

/// Each index takes several chunks, far apart: their loads are in flight together, neighbours are still consecutive.
template <class T, int E>
struct GenericFlat {
  static constexpr int per_index = 6;
  static constexpr int passes = E == 8 ? 3 : 2;
  FlatParameters<T> p;
  std::int64_t indices;
  explicit GenericFlat(const PointwiseProblem& problem)
      : p(make_flat<E, T>(problem)), indices((p.chunks + per_index - 1) / per_index) {}
  KOKKOS_FUNCTION void operator()(std::int64_t index) const {
    map_flat<MathOf<E>, PlainAccess, E, per_index, passes>(p, index, indices);
  }
};

/// Chunks of Vector elements: E, or 1 where rows do not allow vectors.
template <class T, int E, int Vector>
struct GenericRows {
  static constexpr int per_index = Vector == 1 ? 8 : 4;
  RowsParameters<T> p;
  std::int64_t indices;
  explicit GenericRows(const PointwiseProblem& problem)
      : p(make_rows<Vector, per_index, T>(problem)), indices(p.shape.blocks * rows_threads) {}
  KOKKOS_FUNCTION void operator()(std::int64_t index) const {
    map_rows<MathOf<E>, PlainAccess, Vector, per_index, Vector == 8 ? 4 : 2>(
        p, static_cast<unsigned>(index / rows_threads), static_cast<int>(index % rows_threads));
  }
};

template <class T>
struct GenericBlocks {
  BlockParameters<T> p;
  void operator()(std::int64_t block) const { map_block<PlainWrite>(p, block); }
};

template <class Exec, class Functor>
void run_generic_functor(const Exec& exec, const std::string& label, const Functor& functor) {
  // As kernel parameters: without the hint, and above 4 KB, Kokkos copies functors through constant memory and waits
  // for the previous use of it.
  static_assert(sizeof(Functor) <= 4096);
  using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
  Kokkos::parallel_for(label,
                       Kokkos::Experimental::require(Policy(exec, 0, functor.indices),
                                                     Kokkos::Experimental::WorkItemProperty::HintLightWeight),
                       functor);
}

template <class Exec, class T, int E>
void run_generic_chunks(const Exec& exec, const std::string& label, const PointwiseProblem& problem) {
  if (refuse_flat(problem) == nullptr) return run_generic_functor(exec, label, GenericFlat<T, E>(problem));
  if (refuse_rows(problem) == nullptr) return run_generic_functor(exec, label, GenericRows<T, E, E>(problem));
  run_generic_functor(exec, label, GenericRows<T, E, 1>(problem));
}

template <class Exec, class T>
void run_generic_blocks(const Exec& exec, const std::string& label, const PointwiseProblem& problem) {
  const GenericBlocks<T> functor{make_blocks<T>(problem)};
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, block_count(functor.p)), functor);
}

template <class Exec>
void run_generic(const Exec& exec, const std::string& label, const PointwiseProblem& problem) {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    if (problem.computes_in_f64()) return run_generic_blocks<Exec, double>(exec, label, problem);
    return run_generic_blocks<Exec, float>(exec, label, problem);
  } else {
    switch (chunk_elements(problem.x_dtype, problem.y_dtype)) {
      case 2:
        return run_generic_chunks<Exec, double, 2>(exec, label, problem);
      case 4:
        return run_generic_chunks<Exec, float, 4>(exec, label, problem);
      default:
        return run_generic_chunks<Exec, float, 8>(exec, label, problem);
    }
  }
}

}  // namespace mylos::detail
