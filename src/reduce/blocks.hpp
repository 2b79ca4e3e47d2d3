// The reduction over blocks of values staged in the L1 cache: what one host thread does, for the generic kernel and,
// compiled for wider vectors, for backends/host.
//
// Along a fast axis, 16 lanes take the values of a result in turn. Across one, a block is a row of up to 1024 results,
// and the axis is walked row by row. Values that need no conversion and no chain are taken where they are, and what
// comes next is asked for. Either way a lane takes four values at a time (monoid.hpp).
#pragma once

#include "pointwise/block.hpp"
#include "reduce/block_rows.hpp"
#include "reduce/result.hpp"

namespace mylos::detail {

inline constexpr int reduce_columns = 1024;
inline constexpr int reduce_column_rows = 8;  // that enter the states at once
inline constexpr int reduce_block = 1024;

/// Where a block of values lies: from `position` along the axes of one result, or one position of several neighbouring
/// results from `output`.
struct BlockPlace {
  std::int64_t output;
  std::int64_t position;
  bool along_axis;
};

template <class T>
struct BlockReduction {
  /// Applies `before` and `prepare` to the first n of v, which has room for the operands' blocks behind it.
  using Transform = void (*)(const BlockReduction& r, const BlockPlace& place, T* v, int n);

  ReduceParameters<T> p;
  Box axis;
  Pieces pieces;
  bool along_axis;
  std::int64_t per_item;       // results of an item of work (pieces of one result, where there are several)
  std::int64_t column_blocks;  // across an axis: blocks of columns in the fastest kept dimension
  Transform transform;         // null where there is nothing to do
  void* partial;               // states, pieces.count for each result
  bool is_signed = false;      // `prepare` is done as values enter the states
  Signs<T> signs = {};

  /// Whether there is something to do for `transform`.
  bool transforms() const { return p.transforms() && !is_signed; }

  MYLOS_FUNCTION std::int64_t items() const {
    if (along_axis) return (p.outputs + per_item - 1) / per_item * pieces.count;
    return p.outputs / columns() * column_blocks * pieces.count;
  }
  /// Where the state of a piece lies: beside those that the same item writes.
  MYLOS_FUNCTION std::int64_t partial_place(std::int64_t output, std::int64_t piece) const {
    return along_axis ? output * pieces.count + piece : piece * p.outputs + output;
  }
  /// Extent of the fastest kept dimension.
  MYLOS_FUNCTION std::int64_t columns() const {
    return p.kept_rank == 0 ? 1 : static_cast<std::int64_t>(p.extent[p.kept_rank - 1].divisor);
  }
};

/// Along an axis, one piece up to 65536 values.
inline constexpr std::int64_t host_piece = 16384;
/// Across one, one piece up to 4096 rows of results; joining pieces costs as much as some hundred rows.
inline constexpr std::int64_t host_columns_piece = 2048;

/// Monoids that take values through Signs.
MYLOS_FUNCTION constexpr bool has_signs(Monoid monoid) {
  return monoid == Monoid::sum || monoid == Monoid::maximum || monoid == Monoid::arg_maximum;
}

template <class T>
BlockReduction<T> make_block_reduction(const ReduceProblem& problem) {
  BlockReduction<T> r{
      make_reduce_parameters<T>(problem), problem.axis, {}, problem.axis_is_fastest(), 1, 0, nullptr, nullptr};
  r.pieces = r.along_axis ? cut(r.p.count, 4 * host_piece, host_piece)
                          : cut(r.p.count, 2 * host_columns_piece, host_columns_piece);
  if (r.along_axis && r.p.count < 4096) r.per_item = 4096 / (r.p.count + 1) + 1;
  r.column_blocks = (r.columns() + reduce_columns - 1) / reduce_columns;
  r.signs = Signs<T>::of(r.p.prepare);
  r.is_signed = has_signs(problem.reduction.monoid) && r.p.before.size == 0 &&
                (r.p.prepare == Prepare::negate || r.p.prepare == Prepare::abs || r.p.prepare == Prepare::negate_abs);
  return r;
}

/// Where the values of a block lie as its states want them, or null.
template <class T>
MYLOS_FUNCTION const T* values_in_place(const BlockReduction<T>& r, const BlockPlace& place, DType dtype,
                                        const void* data, const std::int64_t* stride) {
  const ReduceParameters<T>& p = r.p;
  const int fastest = place.along_axis ? p.kept_rank : p.kept_rank - 1;
  const bool single = place.along_axis ? p.rank == p.kept_rank + 1 : p.kept_rank > 0;
  if (dtype != dtype_of<T> || !single || stride[fastest] != 1) return nullptr;
  return static_cast<const T*>(data) + kept_offset(p, stride, place.output) + axis_offset(p, stride, place.position);
}

template <class T>
MYLOS_FUNCTION void gather_block(const BlockReduction<T>& r, const BlockPlace& place, DType dtype, const void* data,
                                 const std::int64_t* stride, int n, T* v) {
  const ReduceParameters<T>& p = r.p;
  const std::int64_t kept = kept_offset(p, stride, place.output);
  const std::int64_t ahead = p.rank == p.kept_rank + 1 ? reduce_column_rows * stride[p.kept_rank] : 0;
  const auto copy = [&](auto stored) {
    using S = decltype(stored);
    const auto run = [&](int first, int count, std::int64_t offset, std::int64_t step) {
      const S* from = static_cast<const S*>(data) + kept + offset;
      T* to = v + first;
      if (step == 1) {
        fetch_ahead(from + (place.along_axis ? count : ahead), count);
        for (int k = 0; k < count; ++k) to[k] = widen<T>(from[k]);
      } else {
        for (int k = 0; k < count; ++k) to[k] = widen<T>(from[k * step]);
      }
    };
    if (!place.along_axis)
      run(0, n, axis_offset(p, stride, place.position), p.kept_rank == 0 ? 0 : stride[p.kept_rank - 1]);
    else if (r.axis.rank <= 1)
      run(0, n, r.axis.rank == 0 ? 0 : place.position * stride[p.kept_rank],
          r.axis.rank == 0 ? 0 : stride[p.kept_rank]);
    else
      for_each_run(r.axis, stride + p.kept_rank, BoxPosition(r.axis, place.position), n, run);
  };
  switch (dtype) {
    case DType::f64:
      return copy(double());
    case DType::f32:
      return copy(float());
    case DType::f16:
      return copy(half());
    case DType::bf16:
      return copy(bfloat16());
    case DType::u8:
      return copy(std::uint8_t());
    case DType::i32:
      return copy(std::int32_t());
    case DType::i64:
      return copy(std::int64_t());
  }
}

/// A body for BlockReduction::transform. The loops run over whole vectors, as in the map: with the remainder in scalar
/// forms of the elementary functions, a value's bits would depend on where it stands.
template <class T>
MYLOS_FUNCTION void transform_block(const BlockReduction<T>& r, const BlockPlace& place, T* v, int n) {
  const ReduceParameters<T>& p = r.p;
  const int whole = (n + 15) / 16 * 16;
  for (int k = n; k < whole; ++k) v[k] = T(1);
  const auto load = [&](int o, T* to) {
    const LoweredOperand<max_rank>& operand = p.operand[o];
    gather_block(r, place, operand.dtype, operand.data, operand.stride, n, to);
    for (int k = n; k < whole; ++k) to[k] = T(1);
  };
  if constexpr (std::is_floating_point_v<T>) {
    WorkBlock<T, reduce_block> block{v, whole};
    apply<math::Precise>(p.before, block, [&](int o, WorkBlock<T, reduce_block>& to) { load(o, to.value); });
  }
  const int operands = p.prepare_count();
  if (operands == 0) {
    // One loop for each, so that it vectorises.
    switch (p.prepare) {
#define MYLOS_CASE(name)                                                         \
  case Prepare::name:                                                            \
    for (int k = 0; k < whole; ++k) v[k] = prepare<T>(Prepare::name, v[k], p.p); \
    return;
      MYLOS_CASE(negate)
      MYLOS_CASE(abs)
      MYLOS_CASE(negate_abs)
      MYLOS_CASE(nonzero)
      MYLOS_CASE(power)
      default:
        return;
    }
  }
  if constexpr (std::is_floating_point_v<T>) {
    T* a = v + reduce_block;
    T* b = a + reduce_block;
    load(p.first_prepare, a);
    if (operands == 2)
      load(p.first_prepare + 1, b);
    else
      for (int k = 0; k < whole; ++k) b[k] = p.b;
    switch (p.prepare) {
#define MYLOS_CASE_2(name)                                                                        \
  case Prepare::name:                                                                             \
    for (int k = 0; k < whole; ++k) v[k] = prepare<T>(Prepare::name, v[k], a[k], b[k], p.p, p.q); \
    return;
#define MYLOS_CASE_1(name)                                                                        \
  case Prepare::name:                                                                             \
    for (int k = 0; k < whole; ++k) v[k] = prepare<T>(Prepare::name, v[k], a[k], T(1), p.p, p.q); \
    return;
      MYLOS_CASE_1(mse)
      MYLOS_CASE_1(l1)
      MYLOS_CASE_1(smooth_l1)
      MYLOS_CASE_1(huber)
      MYLOS_CASE_2(bce)
      MYLOS_CASE_2(bce_logits)
      MYLOS_CASE_1(kl_div)
      MYLOS_CASE_1(kl_div_log)
      MYLOS_CASE_1(hinge)
      MYLOS_CASE_1(hinge_embedding)
      MYLOS_CASE_1(poisson_nll)
      MYLOS_CASE_1(poisson_nll_log)
      MYLOS_CASE_2(gaussian_nll)
      default:
        return;
    }
#undef MYLOS_CASE
#undef MYLOS_CASE_1
#undef MYLOS_CASE_2
  }
}

template <class T>
MYLOS_FUNCTION void load_values(const BlockReduction<T>& r, const BlockPlace& place, int n, T* v) {
  gather_block(r, place, r.p.x_dtype, r.p.x, r.p.x_stride, n, v);
  if (r.transform != nullptr) r.transform(r, place, v, n);
}

/// The values of a block where they are, or in `staged`.
template <class T>
MYLOS_FUNCTION const T* block_values(const BlockReduction<T>& r, const BlockPlace& place, int n, T* staged) {
  if (r.transform == nullptr) {
    const T* v = values_in_place(r, place, r.p.x_dtype, r.p.x, r.p.x_stride);
    if (v != nullptr) return v;
  }
  load_values(r, place, n, staged);
  return staged;
}

/// The 16 lanes of one result take positions [begin, end).
template <Monoid M, class Kernels, bool Signed, class T>
MYLOS_FUNCTION typename Reducer<M, T>::State reduce_along(const BlockReduction<T>& r, std::int64_t output,
                                                          std::int64_t begin, std::int64_t end) {
  using R = Reducer<M, T>;
  constexpr int lanes = reduce_lanes;
  alignas(64) T staged[3 * reduce_block];
  LaneStates<M, T, lanes> states;
  states.clear(lanes);
  for (std::int64_t at = begin; at < end; at += reduce_block) {
    const int n = end - at < reduce_block ? static_cast<int>(end - at) : reduce_block;
    const T* const v = block_values(r, {output, at, true}, n, staged);
    if (v != staged) fetch_ahead(v + n, n);
    const T* row[reduce_block / lanes];
    const int rows = n / (4 * lanes) * 4;
    for (int i = 0; i < rows; ++i) row[i] = v + i * lanes;
    states.template take<Kernels>(0, StagedRows<T, Signed>{row, rows, 0, r.signs}, at, lanes, 1);
    for (int k = rows * lanes; k < n; ++k) states.take(k % lanes, Signed ? r.signs(v[k]) : v[k], at + k);
  }
  typename R::State lane[lanes];
  for (int l = 0; l < lanes; ++l) lane[l] = states.get(l);
  for (int half_lanes = lanes / 2; half_lanes > 0; half_lanes /= 2)
    for (int l = 0; l < half_lanes; ++l) R::combine(lane[l], lane[l + half_lanes]);
  return lane[0];
}

template <Monoid M, class T>
MYLOS_FUNCTION void put_state(const BlockReduction<T>& r, std::int64_t output, std::int64_t piece,
                              const typename Reducer<M, T>::State& state) {
  using State = typename Reducer<M, T>::State;
  if (r.pieces.count > 1)
    static_cast<State*>(r.partial)[r.partial_place(output, piece)] = state;
  else
    store_result<M, T>(r.p, output, state, [](const auto& p, std::int64_t o, T v) { return apply_after(p, o, v); });
}

/// Item of work `item` along a fast axis.
template <Monoid M, class Kernels, bool Signed, class T>
MYLOS_FUNCTION void reduce_rows(const BlockReduction<T>& r, std::int64_t item) {
  const std::int64_t piece = item % r.pieces.count;
  const std::int64_t first = item / r.pieces.count * r.per_item;
  const std::int64_t last = first + r.per_item < r.p.outputs ? first + r.per_item : r.p.outputs;
  const std::int64_t begin = piece * r.pieces.length;
  const std::int64_t end = begin + r.pieces.length < r.p.count ? begin + r.pieces.length : r.p.count;
  for (std::int64_t output = first; output < last; ++output)
    put_state<M, T>(r, output, piece, reduce_along<M, Kernels, Signed>(r, output, begin, end));
}

/// n neighbouring results' values at one position of the axis: where they are, or in `staged`.
template <class T>
MYLOS_FUNCTION const T* columns_at(const BlockReduction<T>& r, std::int64_t output, std::int64_t position, int n,
                                   T* staged) {
  const BlockPlace place{output, position, false};
  if (r.transform == nullptr || r.p.first_after == 0) return block_values(r, place, n, staged);
  alignas(64) T block[3 * reduce_block];  // with room for the operands
  load_values(r, place, n, block);
  for (int c = 0; c < n; ++c) staged[c] = block[c];
  return staged;
}

/// Item of work `item` across an axis: a block of columns, walked along the axis.
template <Monoid M, class Kernels, bool Signed, class T>
MYLOS_FUNCTION void reduce_across(const BlockReduction<T>& r, std::int64_t item) {
  constexpr int width = reduce_columns;
  const std::int64_t piece = item % r.pieces.count;
  const std::int64_t block = item / r.pieces.count;
  const std::int64_t in_row = block % r.column_blocks * width;
  const std::int64_t first = block / r.column_blocks * r.columns() + in_row;
  const int n = r.columns() - in_row < width ? static_cast<int>(r.columns() - in_row) : width;
  const std::int64_t begin = piece * r.pieces.length;
  const std::int64_t end = begin + r.pieces.length < r.p.count ? begin + r.pieces.length : r.p.count;
  constexpr int most = reduce_column_rows;
  alignas(64) T staged[most * width];
  LaneStates<M, T, width> states;
  states.clear((n + reduce_lanes - 1) / reduce_lanes * reduce_lanes);
  std::int64_t at = begin;
  while (at + 4 <= end) {
    const int rows = at + most <= end ? most : 4;
    const T* v[most];
    for (int row = 0; row < rows; ++row) v[row] = columns_at(r, first, at + row, n, staged + row * width);
    const std::int64_t ahead = v[0] == staged ? 0 : rows * r.p.x_stride[r.p.kept_rank];
    int c = 0;
    for (; c + reduce_lanes <= n; c += reduce_lanes) {
      for (int row = 0; row < rows && ahead != 0; ++row) fetch_ahead(v[row] + c + ahead, reduce_lanes);
      states.template take<Kernels>(c, StagedRows<T, Signed>{v, rows, c, r.signs}, at, 1, 0);
    }
    if (c < n) {  // in the same way: how many columns there are must not show
      alignas(64) T tail[most][reduce_lanes] = {};
      const T* from[most];
      for (int row = 0; row < rows; ++row) {
        for (int k = c; k < n; ++k) tail[row][k - c] = v[row][k];
        from[row] = tail[row];
      }
      states.template take<Kernels>(c, StagedRows<T, Signed>{from, rows, 0, r.signs}, at, 1, 0);
    }
    at += rows;
  }
  for (; at < end; ++at) {
    const T* v = columns_at(r, first, at, n, staged);
    for (int c = 0; c < n; ++c) states.take(c, Signed ? r.signs(v[c]) : v[c], at);
  }
  for (int c = 0; c < n; ++c) put_state<M, T>(r, first + c, piece, states.get(c));
}

template <Monoid M, class T, class Kernels = OneByOne>
MYLOS_FUNCTION void reduce_item(const BlockReduction<T>& r, std::int64_t item) {
  if constexpr (has_signs(M)) {
    if (r.is_signed)
      return r.along_axis ? reduce_rows<M, Kernels, true>(r, item) : reduce_across<M, Kernels, true>(r, item);
  }
  r.along_axis ? reduce_rows<M, Kernels, false>(r, item) : reduce_across<M, Kernels, false>(r, item);
}

/// The second stage: the pieces of one result, in their order.
template <Monoid M, class T>
MYLOS_FUNCTION void combine_pieces(const BlockReduction<T>& r, std::int64_t output) {
  using R = Reducer<M, T>;
  const auto* partial = static_cast<const typename R::State*>(r.partial);
  typename R::State state = partial[r.partial_place(output, 0)];
  for (std::int64_t i = 1; i < r.pieces.count; ++i) R::combine(state, partial[r.partial_place(output, i)]);
  store_result<M, T>(r.p, output, state, [](const auto& p, std::int64_t o, T v) { return apply_after(p, o, v); });
}

}  // namespace mylos::detail
