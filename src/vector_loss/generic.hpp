// Losses of vectors in Kokkos, written once: lanes of single threads on a device, blocks in L1 on the host. Serves
// every problem.
#pragma once

#include <Kokkos_Core.hpp>

#include "core/scratch.hpp"
#include "reduce/generic.hpp"
#include "vector_loss/blocks.hpp"

namespace mylos::detail {

/// Threads that share a vector.
constexpr std::int64_t vector_lanes(const VectorLossProblem& problem) {
  if (problem.options.loss == VectorLoss::nothing) return 1;
  const std::int64_t lanes = lanes_for(problem.box.axis.count);
  return lanes < 256 ? lanes : 256;
}

/// Input i (x, a, b) at N positions of a row.
template <int N, class T>
MYLOS_FUNCTION void load_loss_input(const VectorLossParameters<T>& k, int i, std::int64_t row, std::int64_t at,
                                    std::int64_t step, RegisterTile<T, N>& v) {
  const ReduceParameters<T>& p = k.box;
  const int operand = i == 1 ? k.o.a : k.o.b;
  MYLOS_UNROLL
  for (int n = 0; n < N; ++n) {
    if (i == 0)
      v[n] = load_element<T>(p.x_dtype, p.x,
                             kept_offset(p, p.x_stride, row) + position_offset(p, p.x_stride, at + n * step));
    else
      v[n] = operand < 0 ? T(1) : row_operand(p, operand, row, at + n * step);
  }
  if (i == 0 && p.before.size != 0) transform_values<N>(p, false, row, at, step, v);
}

/// One lane of one row: its state.
template <VectorLoss L, class T>
struct VectorLanes {
  using R = VectorReducer<L, T>;
  VectorLossParameters<T> k;
  typename R::State* states;
  std::int64_t lanes;
  bool along_axis;

  template <int N>
  MYLOS_FUNCTION void take(typename R::State& state, std::int64_t row, std::int64_t at) const {
    if constexpr (R::inputs > 0) {
      RegisterTile<T, N> v[R::inputs];
      MYLOS_UNROLL
      for (int i = 0; i < R::inputs; ++i) load_loss_input<N>(k, i, row, at, lanes, v[i]);
      R::template take<N>(state, k.o, v[0].value, v[R::inputs > 1 ? 1 : 0].value, v[R::inputs > 2 ? 2 : 0].value);
    }
  }
  KOKKOS_FUNCTION void operator()(std::int64_t index) const {
    const std::int64_t row = along_axis ? index / lanes : index % k.box.outputs;
    const std::int64_t lane = along_axis ? index % lanes : index / k.box.outputs;
    typename R::State state = R::identity();
    std::int64_t at = lane;
    if constexpr (R::inputs > 0) {
      for (; at + 3 * lanes < k.box.count; at += 4 * lanes) take<4>(state, row, at);
      for (; at < k.box.count; at += lanes) take<1>(state, row, at);
    }
    states[row * lanes + lane] = state;
  }
};

/// One row: its lanes in their order.
template <VectorLoss L, class T>
struct VectorRows {
  using State = typename VectorReducer<L, T>::State;
  VectorLossParameters<T> k;
  const State* states;
  LossSum* sums;
  std::int64_t lanes;
  KOKKOS_FUNCTION void operator()(std::int64_t row) const {
    State state = states[row * lanes];
    for (std::int64_t lane = 1; lane < lanes; ++lane) combine_vectors<L, T>(k.o, state, states[row * lanes + lane]);
    LossSum sum{};
    end_row<L>(k, row, state, sum);
    if (sums != nullptr) sums[row] = sum;
  }
};

/// Up to 256 sums, `distance` apart, into the first of them, or into the result.
template <class T>
struct VectorTotals {
  VectorLossParameters<T> k;
  LossSum* sums;
  std::int64_t count;
  std::int64_t distance;
  bool is_last;
  KOKKOS_FUNCTION void operator()(std::int64_t group) const {
    const std::int64_t first = group * distance * combined_lanes;
    LossSum sum{};
    for (std::int64_t i = 0; i < combined_lanes && first + i * distance < count; ++i)
      sum.add(sums[first + i * distance]);
    if (is_last)
      store_total(k, sum);
    else
      sums[first] = sum;
  }
};

template <VectorLoss L, class Exec, class T>
void run_vector_lanes(const Exec& exec, const std::string& label, const VectorLossProblem& problem) {
  using State = typename VectorReducer<L, T>::State;
  const auto k = make_vector_loss_parameters<T>(problem);
  const std::int64_t rows = k.box.outputs;
  const std::int64_t lanes = vector_lanes(problem);
  const Scratch<Exec> states(exec, static_cast<std::size_t>(rows * lanes) * sizeof(State));
  const Scratch<Exec> totals(exec, k.o.per_row() ? 0 : static_cast<std::size_t>(rows) * sizeof(LossSum));
  auto* state = static_cast<State*>(states.data());
  auto* sums = static_cast<LossSum*>(totals.data());
  if (rows != 0) {
    run_reduce_functor(exec, label, rows * lanes, VectorLanes<L, T>{k, state, lanes, problem.box.axis_is_fastest()});
    run_reduce_functor(exec, label, rows, VectorRows<L, T>{k, state, sums, lanes});
  }
  if (k.o.per_row()) return;
  std::int64_t left = rows;
  for (std::int64_t distance = 1;; distance *= combined_lanes) {
    left = left == 0 ? 1 : (left + combined_lanes - 1) / combined_lanes;
    run_reduce_functor(exec, label, left, VectorTotals<T>{k, sums, rows, distance, left == 1});
    if (left == 1) return;
  }
}

template <VectorLoss L, class Exec, class T>
void run_vector_blocks(const Exec& exec, const std::string& label, const VectorLossProblem& problem) {
  using State = typename VectorReducer<L, T>::State;
  using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
  BlockVectorLoss<T> v = make_block_vector_loss<T>(problem);
  if (v.r.p.before.size != 0) v.r.transform = transform_plain<T>;
  const bool single = v.r.pieces.count == 1;
  const Scratch<Exec> states(exec,
                             single ? 0 : static_cast<std::size_t>(v.r.pieces.count * v.r.p.outputs) * sizeof(State));
  const Scratch<Exec> sums(exec, v.o.per_row() ? 0 : static_cast<std::size_t>(v.sum_count()) * sizeof(LossSum));
  v.r.partial = states.data();
  v.sums = static_cast<LossSum*>(sums.data());
  Kokkos::parallel_for(label, Policy(exec, 0, v.r.items()), [&v](std::int64_t i) { vector_loss_item<L>(v, i); });
  if (!single)
    Kokkos::parallel_for(label, Policy(exec, 0, v.r.p.outputs),
                         [&v](std::int64_t row) { combine_vector_pieces<L>(v, row); });
  if (!v.o.per_row()) Kokkos::parallel_for(label, Policy(exec, 0, 1), [&v](std::int64_t) { store_sums(v); });
}

template <class Exec>
void run_generic(const Exec& exec, const std::string& label, const VectorLossProblem& problem) {
  with_vector_loss(problem, [&](auto loss, auto value) {
    constexpr VectorLoss L = decltype(loss)::value;
    using T = decltype(value);
    if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible)
      run_vector_blocks<L, Exec, T>(exec, label, problem);
    else
      run_vector_lanes<L, Exec, T>(exec, label, problem);
  });
}

}  // namespace mylos::detail
