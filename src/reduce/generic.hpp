// The reduction in Kokkos, written once: lanes on a device (lanes.hpp), blocks in L1 on the host (blocks.hpp). Serves
// every problem.
#pragma once

#include <Kokkos_Core.hpp>

#include "core/queue.hpp"
#include "core/scratch.hpp"
#include "reduce/blocks.hpp"
#include "reduce/dispatch.hpp"
#include "reduce/lanes.hpp"

namespace mylos::detail {

template <Monoid M, class T>
MYLOS_FUNCTION void finish_result(const ReduceParameters<T>& p, std::int64_t output,
                                  const typename Reducer<M, T>::State& state) {
  store_result<M, T>(p, output, state, [](const auto& q, std::int64_t o, T v) { return apply_after(q, o, v); });
}

/// One lane. Neighbouring threads are neighbouring lanes where the axis is the fastest dimension, else neighbouring
/// results; states lie in the same order.
template <Monoid M, class T>
struct ReduceLanes {
  using State = typename Reducer<M, T>::State;
  ReduceParameters<T> p;
  State* partial;
  std::int64_t lanes;
  bool along_axis;
  KOKKOS_FUNCTION void operator()(std::int64_t index) const {
    const std::int64_t output = along_axis ? index / lanes : index % p.outputs;
    const std::int64_t lane = along_axis ? index % lanes : index / p.outputs;
    const State state = reduce_lane<M, T>(p, output, lane, lanes);
    if (lanes == 1)
      finish_result<M, T>(p, output, state);
    else
      partial[index] = state;
  }
};

/// Up to 256 states of one result, `stride` apart, into the first of them, or into the result.
template <Monoid M, class T>
struct CombineLanes {
  using State = typename Reducer<M, T>::State;
  ReduceParameters<T> p;
  State* partial;
  std::int64_t lanes;
  std::int64_t groups;
  std::int64_t distance;  // of the states that are left
  bool along_axis;
  KOKKOS_FUNCTION void operator()(std::int64_t index) const {
    const std::int64_t output = along_axis ? index / groups : index % p.outputs;
    const std::int64_t group = along_axis ? index % groups : index / p.outputs;
    const auto place = [&](std::int64_t lane) {
      return along_axis ? output * lanes + lane : lane * p.outputs + output;
    };
    const std::int64_t first = group * distance * combined_lanes;
    State state = partial[place(first)];
    for (int i = 1; i < combined_lanes; ++i) {
      const std::int64_t lane = first + i * distance;
      if (lane >= lanes) break;
      Reducer<M, T>::combine(state, partial[place(lane)]);
    }
    if (groups == 1)
      finish_result<M, T>(p, output, state);
    else
      partial[place(first)] = state;
  }
};

template <class Exec, class Functor>
void run_reduce_functor(const Exec& exec, const std::string& label, std::int64_t count, const Functor& functor) {
  static_assert(sizeof(Functor) <= 4096, "as kernel parameters: see pointwise/generic.hpp");
  using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
  Kokkos::parallel_for(
      label,
      Kokkos::Experimental::require(Policy(exec, 0, count), Kokkos::Experimental::WorkItemProperty::HintLightWeight),
      functor);
}

template <Monoid M, class Exec, class T>
void run_generic_lanes(const Exec& exec, const std::string& label, const ReduceProblem& problem) {
  using State = typename Reducer<M, T>::State;
  const auto p = make_reduce_parameters<T>(problem);
  const bool along = problem.axis_is_fastest();
  const std::int64_t lanes = lanes_for(p.count);
  const Scratch<Exec> scratch(exec, lanes == 1 ? 0 : static_cast<std::size_t>(lanes * p.outputs) * sizeof(State));
  auto* partial = static_cast<State*>(scratch.data());
  run_reduce_functor(exec, label, lanes * p.outputs, ReduceLanes<M, T>{p, partial, lanes, along});
  for (std::int64_t distance = 1, left = lanes; left > 1; distance *= combined_lanes) {
    left = (left + combined_lanes - 1) / combined_lanes;
    run_reduce_functor(exec, label, left * p.outputs, CombineLanes<M, T>{p, partial, lanes, left, distance, along});
  }
}

template <class T>
void transform_plain(const BlockReduction<T>& r, const BlockPlace& place, T* v, int n) {
  transform_block(r, place, v, n);
}

template <Monoid M, class Exec, class T>
void run_generic_blocks(const Exec& exec, const std::string& label, const ReduceProblem& problem) {
  using State = typename Reducer<M, T>::State;
  using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
  BlockReduction<T> r = make_block_reduction<T>(problem);
  if (r.transforms()) r.transform = transform_plain<T>;
  const bool single = r.pieces.count == 1;
  const Scratch<Exec> scratch(exec,
                              single ? 0 : static_cast<std::size_t>(r.pieces.count * r.p.outputs) * sizeof(State));
  r.partial = scratch.data();
  Kokkos::parallel_for(label, Policy(exec, 0, r.items()), [&r](std::int64_t item) { reduce_item<M, T>(r, item); });
  if (single) return;
  Kokkos::parallel_for(label, Policy(exec, 0, r.p.outputs), [&r](std::int64_t o) { combine_pieces<M, T>(r, o); });
}

/// Of the problems that are computed in T.
template <class T>
void run_generic(const Execution& execution, const std::string& label, const ReduceProblem& problem) {
  with_instance(execution, [&](const auto& exec) {
    using Exec = std::decay_t<decltype(exec)>;
    with_monoid<T>(problem, [&](auto type) {
      constexpr Monoid monoid = decltype(type)::monoid;
      if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible)
        run_generic_blocks<monoid, Exec, T>(exec, label, problem);
      else
        run_generic_lanes<monoid, Exec, T>(exec, label, problem);
    });
  });
}

}  // namespace mylos::detail
