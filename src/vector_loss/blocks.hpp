// Losses of vectors on the host: what one thread does, for the generic kernel and, compiled for wider vectors, for
// backends/host. Blocks of values are staged in the L1 cache unless they lie as tiles want them.
#pragma once

#include "reduce/blocks.hpp"
#include "vector_loss/lanes.hpp"

namespace mylos::detail {

template <class T>
struct BlockVectorLoss {
  BlockReduction<T> r;  // its partial: states, where vectors are cut in pieces
  VectorLossOptions o;
  LossSum* sums;  // of the items' rows, or of the rows where they are cut

  MYLOS_FUNCTION std::int64_t groups() const { return r.items() / r.pieces.count; }
  MYLOS_FUNCTION std::int64_t sum_count() const { return r.pieces.count > 1 ? r.p.outputs : groups(); }
  MYLOS_FUNCTION VectorLossParameters<T> parameters() const { return {r.p, o}; }
};

/// Vectors of at most so many values are taken side by side even where each lies in one place: it would not fill lanes.
inline constexpr std::int64_t short_vector = 48;

template <class T>
BlockVectorLoss<T> make_block_vector_loss(const VectorLossProblem& problem) {
  BlockVectorLoss<T> v{make_block_reduction<T>(problem.box), problem.options, nullptr};
  if (v.r.p.count <= short_vector) v.r.along_axis = false;
  // Their states are large.
  v.r.pieces = problem.options.loss == VectorLoss::nothing ? Pieces{1, v.r.p.count}
                                                           : cut(v.r.p.count, 4 * host_piece, host_piece);
  return v;
}

/// Whether input i is not given and stands for 1.
MYLOS_FUNCTION bool is_one(const VectorLossOptions& o, int i) { return i > 0 && (i == 1 ? o.a : o.b) < 0; }

/// Input i (x, a, b) of n values: where they are, or gathered into `staged`, which has room for the chain's operands.
template <class T>
MYLOS_FUNCTION const T* loss_input(const BlockVectorLoss<T>& v, int i, const BlockPlace& place, int n, T* staged) {
  const ReduceParameters<T>& p = v.r.p;
  const int operand = i == 1 ? v.o.a : v.o.b;
  if (is_one(v.o, i)) {
    for (int k = 0; k < n; ++k) staged[k] = T(1);
    return staged;
  }
  if (i == 0 && v.r.transform != nullptr) {
    load_values(v.r, place, n, staged);
    return staged;
  }
  const DType dtype = i == 0 ? p.x_dtype : p.operand[operand].dtype;
  const void* data = i == 0 ? p.x : p.operand[operand].data;
  const std::int64_t* stride = i == 0 ? p.x_stride : p.operand[operand].stride;
  if (const T* in_place = values_in_place(v.r, place, dtype, data, stride)) {
    fetch_ahead(in_place + (place.along_axis ? n : reduce_column_rows * stride[p.kept_rank]), n);
    return in_place;
  }
  gather_block(v.r, place, dtype, data, stride, n, staged);
  return staged;
}

/// Up to so many scores are filled up to whole lanes, with such that count nothing.
inline constexpr int padded_scores = 512;

/// Positions [begin, end) of one row.
template <VectorLoss L, class T>
MYLOS_FUNCTION typename VectorReducer<L, T>::State vector_along(const BlockVectorLoss<T>& v, std::int64_t row,
                                                                std::int64_t begin, std::int64_t end) {
  constexpr int inputs = VectorReducer<L, T>::inputs;
  constexpr int lanes = loss_lanes;
  auto state = VectorReducer<L, T>::identity();
  if constexpr (inputs > 0) {
    alignas(64) T staged[inputs][3 * reduce_block];
    for (std::int64_t at = begin; at < end; at += reduce_block) {
      int n = end - at < reduce_block ? static_cast<int>(end - at) : reduce_block;
      LaneTile<T> tile{};
      for (int i = 0; i < inputs; ++i) {
        tile.value[i] = at > begin && is_one(v.o, i) ? staged[i] : loss_input(v, i, {row, at, true}, n, staged[i]);
        tile.pitch[i] = lanes;
      }
      if (L == VectorLoss::scores && n % lanes != 0 && n <= padded_scores) {
        // A second tile would cost as much as the first.
        for (int k = 0; k < n; ++k) staged[0][k] = tile.value[0][k];
        tile.value[0] = staged[0];
        for (; n % lanes != 0; ++n) staged[0][n] = lowest_value<T>();
      }
      tile.rows = n / lanes;
      if (tile.rows > 0) take_tile<false, L>(v.o, &state, tile, lanes);
      if (n % lanes == 0) continue;
      alignas(64) T rest[3][lanes] = {};
      for (int i = 0; i < inputs; ++i) {
        for (int k = n / lanes * lanes; k < n; ++k) rest[i][k % lanes] = tile.value[i][k];
        tile.value[i] = rest[i];
      }
      tile.rows = 1;
      take_tile<false, L>(v.o, &state, tile, n % lanes);
    }
  }
  return state;
}

inline constexpr int across_rows = 8;

/// Positions [begin, end) of n <= reduce_columns neighbouring rows.
template <VectorLoss L, class T>
MYLOS_FUNCTION void vectors_across(const BlockVectorLoss<T>& v, std::int64_t first, int n, std::int64_t begin,
                                   std::int64_t end, typename VectorReducer<L, T>::State* state) {
  constexpr int inputs = VectorReducer<L, T>::inputs;
  for (int c = 0; c < n; ++c) state[c] = VectorReducer<L, T>::identity();
  if constexpr (inputs > 0) {
    alignas(64) T staged[inputs][across_rows][reduce_columns];
    alignas(64) T block[3 * reduce_block];
    for (std::int64_t at = begin; at < end; at += across_rows) {
      const int rows = end - at < across_rows ? static_cast<int>(end - at) : across_rows;
      const T* from[inputs][across_rows];
      for (int i = 0; i < inputs; ++i)
        for (int r = 0; r < rows; ++r) {
          from[i][r] = loss_input(v, i, {first, at + r, false}, n, block);
          if (from[i][r] != block) continue;
          for (int c = 0; c < n; ++c) staged[i][r][c] = block[c];
          from[i][r] = staged[i][r];
        }
      for (int c = 0; c < n; c += loss_lanes) {
        const int valid = n - c < loss_lanes ? n - c : loss_lanes;
        alignas(64) T edge[inputs][across_rows][loss_lanes] = {};
        LaneTile<T> tile{};
        tile.rows = rows;
        for (int i = 0; i < inputs; ++i) {
          tile.value[i] = from[i][0] + c;
          tile.pitch[i] = rows > 1 ? from[i][1] - from[i][0] : 0;
          bool regular = valid == loss_lanes;
          for (int r = 1; r < rows; ++r) regular = regular && from[i][r] - from[i][0] == r * tile.pitch[i];
          if (regular) continue;
          for (int r = 0; r < rows; ++r)
            for (int l = 0; l < valid; ++l) edge[i][r][l] = from[i][r][c + l];
          tile.value[i] = edge[i][0];
          tile.pitch[i] = loss_lanes;
        }
        take_tile<true, L>(v.o, state + c, tile, valid);
      }
    }
  }
}

/// Scores of n <= reduce_columns neighbouring rows, `sub` of them at a time: those whose vectors lie in one place are
/// gathered while they are in the L1 cache.
template <class Kernels, class T>
MYLOS_FUNCTION void scores_across(const BlockVectorLoss<T>& v, std::int64_t first, int n, std::int64_t begin,
                                  std::int64_t end, LaneStates<Monoid::log_sum_exp, T, reduce_columns>& states) {
  constexpr int lanes = reduce_lanes;
  constexpr int most = reduce_column_rows;
  const ReduceParameters<T>& p = v.r.p;
  states.clear((n + lanes - 1) / lanes * lanes);
  const bool in_one_place = p.rank == p.kept_rank + 1 && p.x_stride[p.kept_rank] == 1;
  const std::int64_t fitting = 16384 / (static_cast<std::int64_t>(sizeof(T)) * (p.count + 1)) / lanes * lanes;
  const int sub = !in_one_place || fitting > reduce_columns ? reduce_columns
                  : fitting < lanes                         ? lanes
                                                            : static_cast<int>(fitting);
  alignas(64) T staged[most][reduce_columns];
  alignas(64) T block[3 * reduce_block];
  alignas(64) T missing[lanes];
  for (int l = 0; l < lanes; ++l) missing[l] = lowest_value<T>();
  for (int c = 0; c < n; c += sub) {
    const int m = n - c < sub ? n - c : sub;
    for (std::int64_t at = begin; at < end; at += most) {
      const int rows = end - at < most ? static_cast<int>(end - at) : most;
      const T* from[most];
      for (int r = 0; r < rows; ++r) {
        const bool is_plain = v.r.transform == nullptr;
        from[r] = loss_input(v, 0, {first + c, at + r, false}, m, is_plain ? staged[r] : block);
        if (is_plain) continue;
        for (int k = 0; k < m; ++k) staged[r][k] = block[k];
        from[r] = staged[r];
      }
      const int whole = (rows + 3) / 4 * 4;
      for (int k = 0; k < m; k += lanes) {
        alignas(64) T edge[most][lanes] = {};
        const T* row[most];
        for (int r = 0; r < whole; ++r) row[r] = r < rows ? from[r] + k : missing;
        if (m - k < lanes) {  // in the same way: how many rows there are must not show
          for (int r = 0; r < rows; ++r) {
            for (int l = 0; l < m - k; ++l) edge[r][l] = row[r][l];
            row[r] = edge[r];
          }
        }
        states.template take<Kernels>(c + k, StagedRows<T>{row, whole, 0}, 0, 0, 0);
      }
    }
  }
}

/// One element of each of n neighbouring rows, of any dtype.
template <class To, class T>
MYLOS_FUNCTION void load_of_rows(const ReduceParameters<T>& p, int operand, std::int64_t first, int n, To* to) {
  const LoweredOperand<max_rank>& t = p.operand[operand];
  const std::int64_t base = kept_offset(p, t.stride, first);
  const std::int64_t step = p.kept_rank == 0 ? 0 : t.stride[p.kept_rank - 1];
  if (t.dtype == DType::i64) {
    for (int c = 0; c < n; ++c) to[c] = static_cast<To>(static_cast<const std::int64_t*>(t.data)[base + c * step]);
  } else {
    for (int c = 0; c < n; ++c) to[c] = load_element<To>(t.dtype, t.data, base + c * step);
  }
}

/// Ends n <= reduce_columns neighbouring rows of scores: the logarithms side by side.
template <class T>
MYLOS_FUNCTION void end_scores(const VectorLossParameters<T>& k, std::int64_t first, int n,
                               const LaneStates<Monoid::log_sum_exp, T, reduce_columns>& states, LossSum& sum) {
  using R = Reducer<Monoid::log_sum_exp, T>;
  const ReduceParameters<T>& p = k.box;
  alignas(64) T log_sum[reduce_columns];
  std::int64_t target[reduce_columns];
  const int whole = (n + reduce_lanes - 1) / reduce_lanes * reduce_lanes;
  for (int c = 0; c < whole; ++c) log_sum[c] = static_cast<T>(states.get(c).sum);
  for (int c = 0; c < whole; ++c) log_sum[c] = math::Precise::log(log_sum[c]);
  load_of_rows(p, k.o.target, first, n, target);
  const bool direct = p.x_dtype == dtype_of<T> && p.before.size == 0 && p.rank == p.kept_rank + 1;
  const T* const x = static_cast<const T*>(p.x);
  const std::int64_t base = kept_offset(p, p.x_stride, first);
  const std::int64_t step = p.kept_rank == 0 ? 0 : p.x_stride[p.kept_rank - 1];
  const std::int64_t along = direct ? p.x_stride[p.kept_rank] : 0;
  ThreadSum<T> block{};
  for (int c = 0; c < n; ++c) {
    RowLoss loss{0.0, 0.0};
    if (target[c] < 0 || target[c] >= p.count) {
      loss = class_loss<VectorLoss::scores>(k, states.get(c), first + c, [](const auto&, auto, auto) { return T(0); });
    } else if (target[c] != k.o.ignore_index) {
      const double value = static_cast<double>(log_sum[c]) + static_cast<double>(R::reference(states.get(c).shift));
      const double weight =
          k.o.weight < 0 ? 1.0 : static_cast<double>(row_operand(p, k.o.weight, first + c, target[c]));
      const auto score =
          static_cast<double>(direct ? x[base + c * step + target[c] * along] : score_at(p, first + c, target[c]));
      loss = {weight * ((value - value == 0.0 ? value : __builtin_nan("")) - score), weight};
    }
    if (k.o.per_row())
      store_row(p, first + c, loss);
    else
      block.add(loss);
  }
  sum.add(block.sum());
}

/// One row is done: its loss is stored or counted.
template <VectorLoss L, class T>
MYLOS_FUNCTION void end_row(const VectorLossParameters<T>& k, std::int64_t row,
                            const typename VectorReducer<L, T>::State& state, LossSum& sum) {
  const RowLoss loss = row_loss<L>(
      k, state, row, [](const ReduceParameters<T>& p, std::int64_t r, std::int64_t at) { return score_at(p, r, at); });
  if (k.o.per_row())
    store_row(k.box, row, loss);
  else
    sum.add(loss);
}

/// Item of work `item`: some rows, or one piece of one row or of a block of columns.
template <VectorLoss L, class T, class Kernels = OneByOne>
MYLOS_FUNCTION void vector_loss_item(const BlockVectorLoss<T>& v, std::int64_t item) {
  using State = typename VectorReducer<L, T>::State;
  const BlockReduction<T>& r = v.r;
  const std::int64_t piece = item % r.pieces.count;
  const std::int64_t group = item / r.pieces.count;
  const std::int64_t begin = piece * r.pieces.length;
  const std::int64_t end = begin + r.pieces.length < r.p.count ? begin + r.pieces.length : r.p.count;
  const VectorLossParameters<T> k = v.parameters();
  LossSum sum{};
  const auto put = [&](std::int64_t row, const State& state) {
    if (r.pieces.count > 1)
      static_cast<State*>(r.partial)[row * r.pieces.count + piece] = state;
    else
      end_row<L>(k, row, state, sum);
  };
  if (r.along_axis) {
    const std::int64_t first = group * r.per_item;
    const std::int64_t last = first + r.per_item < r.p.outputs ? first + r.per_item : r.p.outputs;
    if constexpr (L == VectorLoss::scores) {
      std::int64_t row = first;
      while (row < last && r.pieces.count == 1) {
        const std::int64_t left_in_row = r.columns() - row % r.columns();
        const auto n = static_cast<int>(last - row < left_in_row ? last - row : left_in_row);
        LaneStates<Monoid::log_sum_exp, T, reduce_columns> states;
        states.clear((n + reduce_lanes - 1) / reduce_lanes * reduce_lanes);
        for (int c = 0; c < n; ++c) states.put(c, vector_along<L>(v, row + c, begin, end));
        end_scores(k, row, n, states, sum);
        row += n;
      }
      for (; row < last; ++row) put(row, vector_along<L>(v, row, begin, end));
    } else {
      for (std::int64_t row = first; row < last; ++row) put(row, vector_along<L>(v, row, begin, end));
    }
  } else {
    const std::int64_t in_row = group % r.column_blocks * reduce_columns;
    const std::int64_t first = group / r.column_blocks * r.columns() + in_row;
    const int n = r.columns() - in_row < reduce_columns ? static_cast<int>(r.columns() - in_row) : reduce_columns;
    if constexpr (L == VectorLoss::scores) {
      LaneStates<Monoid::log_sum_exp, T, reduce_columns> states;
      scores_across<Kernels>(v, first, n, begin, end, states);
      if (r.pieces.count == 1)
        end_scores(k, first, n, states, sum);
      else
        for (int c = 0; c < n; ++c) put(first + c, states.get(c));
    } else {
      State state[reduce_columns];
      vectors_across<L>(v, first, n, begin, end, state);
      for (int c = 0; c < n; ++c) put(first + c, state[c]);
    }
  }
  if (r.pieces.count == 1 && v.sums != nullptr) v.sums[group] = sum;
}

/// The second stage: the pieces of one row, in their order.
template <VectorLoss L, class T>
MYLOS_FUNCTION void combine_vector_pieces(const BlockVectorLoss<T>& v, std::int64_t row) {
  using State = typename VectorReducer<L, T>::State;
  const auto* piece = static_cast<const State*>(v.r.partial) + row * v.r.pieces.count;
  State state = piece[0];
  for (std::int64_t i = 1; i < v.r.pieces.count; ++i) combine_vectors<L, T>(v.o, state, piece[i]);
  LossSum sum{};
  end_row<L>(v.parameters(), row, state, sum);
  if (v.sums != nullptr) v.sums[row] = sum;
}

/// The last stage: all sums, in their order.
template <class T>
MYLOS_FUNCTION void store_sums(const BlockVectorLoss<T>& v) {
  LossSum sum{};
  for (std::int64_t i = 0; i < v.sum_count(); ++i) sum.add(v.sums[i]);
  store_total(v.parameters(), sum);
}

}  // namespace mylos::detail
