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
inline constexpr std::int64_t short_vector = 128;

template <class T>
BlockVectorLoss<T> make_block_vector_loss(const VectorLossProblem& problem) {
  BlockVectorLoss<T> v{make_block_reduction<T>(problem.box), problem.options, nullptr};
  if (v.r.p.count <= short_vector) v.r.along_axis = false;
  if (problem.options.loss == VectorLoss::nothing) v.r.pieces = {1, v.r.p.count};
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
  const int fastest = place.along_axis ? p.kept_rank : p.kept_rank - 1;
  const bool single = place.along_axis ? p.rank == p.kept_rank + 1 : p.kept_rank > 0;
  if (dtype == dtype_of<T> && single && stride[fastest] == 1)
    return static_cast<const T*>(data) + kept_offset(p, stride, place.output) + axis_offset(p, stride, place.position);
  gather_block(v.r, place, dtype, data, stride, n, staged);
  return staged;
}

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
      const int n = end - at < reduce_block ? static_cast<int>(end - at) : reduce_block;
      LaneTile<T> tile{};
      for (int i = 0; i < inputs; ++i) {
        tile.value[i] = at > begin && is_one(v.o, i) ? staged[i] : loss_input(v, i, {row, at, true}, n, staged[i]);
        tile.pitch[i] = lanes;
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
template <VectorLoss L, class T>
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
    for (std::int64_t row = first; row < last; ++row) put(row, vector_along<L>(v, row, begin, end));
  } else {
    const std::int64_t in_row = group % r.column_blocks * reduce_columns;
    const std::int64_t first = group / r.column_blocks * r.columns() + in_row;
    const int n = r.columns() - in_row < reduce_columns ? static_cast<int>(r.columns() - in_row) : reduce_columns;
    State state[reduce_columns];
    vectors_across<L>(v, first, n, begin, end, state);
    for (int c = 0; c < n; ++c) put(first + c, state[c]);
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
