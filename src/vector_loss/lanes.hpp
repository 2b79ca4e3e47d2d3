// Tiles of values on the host: 16 lanes by some rows, of x and of what is read beside it, and how one enters the
// states. Along a fast axis the lanes are neighbours of one vector and the rows follow each other; across one the lanes
// are neighbouring vectors. The loops over lanes vectorise.
#pragma once

#include "row/block_kernels.hpp"
#include "vector_loss/row_end.hpp"

namespace mylos::detail {

inline constexpr int loss_lanes = 16;

/// Row r of input i begins at value[i] + r * pitch[i].
template <class T>
struct LaneTile {
  const T* value[3];
  std::int64_t pitch[3];
  int rows;
  MYLOS_FUNCTION const T* row(int input, int r) const { return value[input] + r * pitch[input]; }
};

/// Sums of the lanes into the states: one each, or all of them into the first.
template <bool Across, class State, class Add>
MYLOS_FUNCTION void add_lanes(State* s, const double* sum, int valid, const Add& add) {
  if constexpr (Across) {
    for (int l = 0; l < valid; ++l) add(s[l], sum[l]);
  } else {
    double tree[loss_lanes];
    for (int l = 0; l < loss_lanes; ++l) tree[l] = l < valid ? sum[l] : 0.0;
    // Of a length that the compiler knows each.
    for (int l = 0; l < 8; ++l) tree[l] += tree[l + 8];
    for (int l = 0; l < 4; ++l) tree[l] += tree[l + 4];
    add(*s, (tree[0] + tree[2]) + (tree[1] + tree[3]));
  }
}

/// Sums of term(r, l) over the rows, f32 in groups of four.
template <class T, class Term>
MYLOS_FUNCTION void sum_rows(int rows, double* sum, const Term& term) {
  for (int l = 0; l < loss_lanes; ++l) sum[l] = 0.0;
  int r = 0;
  if constexpr (std::is_same_v<T, float>) {
    for (; r + 4 <= rows; r += 4)
      for (int l = 0; l < loss_lanes; ++l)
        sum[l] += static_cast<double>((term(r, l) + term(r + 1, l)) + (term(r + 2, l) + term(r + 3, l)));
  }
  for (; r < rows; ++r)
    for (int l = 0; l < loss_lanes; ++l) sum[l] += static_cast<double>(term(r, l));
}
/// Of terms of type double.
template <class Term>
MYLOS_FUNCTION void sum_wide(int rows, double* sum, const Term& term) {
  for (int l = 0; l < loss_lanes; ++l) sum[l] = 0.0;
  for (int r = 0; r < rows; ++r)
    for (int l = 0; l < loss_lanes; ++l) sum[l] += term(r, l);
}

/// The largest values enter the shifts first: after that all exponentials of the tile have one argument each.
template <bool Across, class T, class StateOf>
MYLOS_FUNCTION void take_scores(const LaneTile<T>& tile, int valid, const StateOf& state_of) {
  using R = Reducer<Monoid::log_sum_exp, T>;
  T largest[loss_lanes];
  for (int l = 0; l < loss_lanes; ++l) largest[l] = lowest_value<T>();
  for (int r = 0; r < tile.rows; ++r) {
    const T* x = tile.row(0, r);
    for (int l = 0; l < loss_lanes; ++l) largest[l] = x[l] > largest[l] ? x[l] : largest[l];
  }
  T shift[loss_lanes];
  if constexpr (Across) {
    for (int l = 0; l < loss_lanes; ++l) {
      if (l < valid && largest[l] > state_of(l).shift + T(4)) R::raise(state_of(l), largest[l]);
      shift[l] = l < valid ? R::reference(state_of(l).shift) : T(0);
    }
  } else {
    T most = lowest_value<T>();
    for (int l = 0; l < valid; ++l) most = largest[l] > most ? largest[l] : most;
    if (most > state_of(0).shift + T(4)) R::raise(state_of(0), most);
    for (int l = 0; l < loss_lanes; ++l) shift[l] = R::reference(state_of(0).shift);
  }
  double sum[loss_lanes];
  sum_rows<T>(tile.rows, sum, [&](int r, int l) { return HostMath::exp(tile.row(0, r)[l] - shift[l]); });
  if constexpr (Across) {
    for (int l = 0; l < valid; ++l) state_of(l).sum += sum[l];
  } else {
    add_lanes<false>(&state_of(0), sum, valid, [](auto& s, double v) { s.sum += v; });
  }
}

/// A tile enters `s`: the states of its lanes, or one state for all of it. Lanes from `valid` on count nothing.
template <bool Across, VectorLoss L, class T>
MYLOS_FUNCTION void take_tile(const VectorLossOptions& o, typename VectorReducer<L, T>::State* s,
                              const LaneTile<T>& tile, int valid) {
  using State = typename VectorReducer<L, T>::State;
  double sum[loss_lanes];
  const auto wide = [&](int input, int r, int l) { return static_cast<double>(tile.row(input, r)[l]); };
  if constexpr (L == VectorLoss::scores) {
    take_scores<Across>(tile, valid, [s](int l) -> State& { return s[l]; });
  } else if constexpr (L == VectorLoss::weighted_scores) {
    take_scores<Across>(
        tile, valid, [s](int l) -> auto& { return s[l].scores; });
    const auto factor = [&](int r, int l) {
      return VectorReducer<L, T>::factor(o, tile.row(1, r)[l], tile.row(2, r)[l]);
    };
    sum_wide(tile.rows, sum, factor);
    add_lanes<Across>(s, sum, valid, [](State& state, double v) { state.weight += v; });
    sum_wide(tile.rows, sum, [&](int r, int l) { return factor(r, l) * wide(0, r, l); });
    add_lanes<Across>(s, sum, valid, [](State& state, double v) { state.weighted += v; });
  } else if constexpr (L == VectorLoss::cosine) {
    sum_wide(tile.rows, sum, [&](int r, int l) { return wide(0, r, l) * wide(1, r, l); });
    add_lanes<Across>(s, sum, valid, [](State& state, double v) { state.product += v; });
    sum_wide(tile.rows, sum, [&](int r, int l) { return wide(0, r, l) * wide(0, r, l); });
    add_lanes<Across>(s, sum, valid, [](State& state, double v) { state.x_squares += v; });
    sum_wide(tile.rows, sum, [&](int r, int l) { return wide(1, r, l) * wide(1, r, l); });
    add_lanes<Across>(s, sum, valid, [](State& state, double v) { state.a_squares += v; });
  } else if constexpr (L == VectorLoss::triplet) {
    const auto with_norm = [&](auto norm) {
      constexpr NormKind kind = decltype(norm)::value;
      const auto add = [&](int one, int other, double State::*member) {
        const T p = static_cast<T>(o.p);
        const T eps = static_cast<T>(o.eps);
        const auto term = [&](int r, int l) {
          return distance_term(kind, p, eps, tile.row(one, r)[l], tile.row(other, r)[l]);
        };
        if constexpr (kind != NormKind::infinite) {
          sum_wide(tile.rows, sum, term);
        } else {
          for (int l = 0; l < loss_lanes; ++l) sum[l] = 0.0;
          for (int r = 0; r < tile.rows; ++r)
            for (int l = 0; l < loss_lanes; ++l) sum[l] = add_terms(kind, sum[l], term(r, l));
        }
        if (Across || kind == NormKind::infinite) {
          for (int l = 0; l < valid; ++l) {
            double& to = s[Across ? l : 0].*member;
            to = add_terms(kind, to, sum[l]);
          }
        } else {
          add_lanes<false>(s, sum, valid, [member](State& state, double v) { state.*member += v; });
        }
      };
      add(0, 1, &State::positive);
      add(0, 2, &State::negative);
      if (o.swap) add(1, 2, &State::swapped);
    };
    switch (o.norm) {
      case NormKind::one:
        return with_norm(std::integral_constant<NormKind, NormKind::one>());
      case NormKind::two:
        return with_norm(std::integral_constant<NormKind, NormKind::two>());
      case NormKind::infinite:
        return with_norm(std::integral_constant<NormKind, NormKind::infinite>());
      case NormKind::power:
        return with_norm(std::integral_constant<NormKind, NormKind::power>());
    }
  }
}

}  // namespace mylos::detail
