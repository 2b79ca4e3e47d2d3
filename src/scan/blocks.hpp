// The scan over blocks of values staged in the L1 cache: what one host thread does, for the generic kernel and,
// compiled for wider vectors, for backends/host.
//
// Along an axis whose elements are neighbours, blocks of a row follow each other. Else a block is up to 512
// neighbouring rows at one position of the axis, each with a state of its own. Long axes are cut in pieces
// (problem.hpp), which threads share where there are few rows.
#pragma once

#include "core/apply.hpp"
#include "scan/block_kernels.hpp"
#include "scan/parameters.hpp"

namespace mylos::detail {

inline constexpr int scan_columns = 512;
inline constexpr std::int64_t host_scan_piece = 16384;
inline constexpr std::int64_t host_scan_columns_piece = 512;
inline constexpr std::int64_t most_host_scan_pieces = 1024;

/// Where a block of values lies: from `position` along one row, or at one position of several rows from `row` on.
struct ScanPlace {
  std::int64_t row;
  std::int64_t position;
};

template <class T>
struct BlockScan {
  /// Applies a chain to the first n of v, which has room for the operands' blocks behind it.
  using Transform = void (*)(const BlockScan& s, const LoweredChain<T>& chain, int first_operand,
                             const ScanPlace& place, T* v, int n);

  ScanParameters<T> p;
  bool across;
  ScanPieces pieces;
  bool shared;                 // each piece is an item of work of its own
  std::int64_t per_item;       // rows of an item
  std::int64_t column_blocks;  // across: blocks of rows along the rows' fastest dimension
  Transform transform;
  void (*stream)(void* to, const void* from, std::int64_t bytes);  // past the caches; null: as usual
  void* totals;                                                    // shared: states, pieces.count for each row

  MYLOS_FUNCTION std::int64_t columns() const {
    return p.rank == 0 ? 1 : static_cast<std::int64_t>(p.extent[p.rank - 1].divisor);
  }
  std::int64_t groups() const {
    return across ? p.rows / columns() * column_blocks : (p.rows + per_item - 1) / per_item;
  }
  std::int64_t items() const { return groups() * (shared ? pieces.count : 1); }
};

template <class T>
BlockScan<T> make_block_scan(const ScanProblem& problem, int threads) {
  BlockScan<T> s{};
  s.p = make_scan_parameters<T>(problem);
  s.across = problem.runs_across();
  s.pieces = scan_pieces(s.p.length, s.across ? host_scan_columns_piece : host_scan_piece, most_host_scan_pieces);
  s.per_item = s.across || s.p.length >= 8192 ? 1 : 8192 / s.p.length;
  s.column_blocks = (s.columns() + scan_columns - 1) / scan_columns;
  s.shared = s.pieces.count > 1 && s.groups() < 2 * threads;
  return s;
}

/// Positions that values are asked for ahead of their use, where rows lie side by side.
inline constexpr std::int64_t scan_ahead = 4;

/// n values of a tensor.
template <class T>
MYLOS_FUNCTION void gather_block(const BlockScan<T>& s, const ScanView& view, const ScanPlace& place, int n, T* v) {
  const ScanParameters<T>& p = s.p;
  const std::int64_t offset = p.row_offset(view, place.row) + place.position * view.step;
  const std::int64_t step = !s.across ? view.step : (p.rank == 0 ? 0 : view.stride[p.rank - 1]);
  const auto copy = [&](auto stored) {
    using S = decltype(stored);
    const S* from = static_cast<const S*>(view.data) + offset;
    if (step == 1) {
      fetch_ahead(from + (s.across ? scan_ahead * view.step : n), n);
      for (int k = 0; k < n; ++k) v[k] = widen<T>(from[k]);
    } else if (step == -1) {
      for (int k = 0; k < n; ++k) v[k] = widen<T>(from[-k]);
    } else {
      for (int k = 0; k < n; ++k) v[k] = widen<T>(from[k * step]);
    }
  };
  switch (view.dtype) {
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

/// n results to a tensor.
template <class T>
MYLOS_FUNCTION void scatter_block(const BlockScan<T>& s, const ScanView& view, const ScanPlace& place, int n,
                                  const T* v) {
  const ScanParameters<T>& p = s.p;
  const std::int64_t offset = p.row_offset(view, place.row) + place.position * view.step;
  const std::int64_t step = !s.across ? view.step : (p.rank == 0 ? 0 : view.stride[p.rank - 1]);
  const auto copy = [&](auto stored) {
    using S = decltype(stored);
    S* to = static_cast<S*>(view.data) + offset;
    if (step == 1) {
      if constexpr (std::is_same_v<S, T>)
        if (s.stream != nullptr) return s.stream(to, v, n * static_cast<std::int64_t>(sizeof(S)));
      for (int k = 0; k < n; ++k) to[k] = narrow<S>(v[k]);
    } else if (step == -1) {
      for (int k = 0; k < n; ++k) to[-k] = narrow<S>(v[k]);
    } else {
      for (int k = 0; k < n; ++k) to[k * step] = narrow<S>(v[k]);
    }
  };
  if constexpr (std::is_same_v<T, std::int64_t>) {
    view.dtype == DType::i64 ? copy(std::int64_t()) : copy(std::int32_t());
  } else {
    switch (view.dtype) {
      case DType::f64:
        return copy(double());
      case DType::f32:
        return copy(float());
      case DType::f16:
        return copy(half());
      default:
        return copy(bfloat16());
    }
  }
}

/// A body for BlockScan::transform. The loops run over whole vectors, as in the map: with the remainder in scalar forms
/// of the elementary functions, a value's bits would depend on where it stands.
template <class T>
MYLOS_FUNCTION void transform_block(const BlockScan<T>& s, const LoweredChain<T>& chain, int first_operand,
                                    const ScanPlace& place, T* v, int n) {
  if constexpr (std::is_floating_point_v<T>) {
    const int whole = (n + 15) / 16 * 16;
    for (int k = n; k < whole; ++k) v[k] = T(1);
    WorkBlock<T, scan_block> block{v, whole};
    apply<math::Precise>(chain, block, [&](int o, WorkBlock<T, scan_block>& to) {
      gather_block(s, s.p.operand[first_operand + o], place, n, to.value);
      for (int k = n; k < whole; ++k) to.value[k] = T(1);
    });
  }
}

/// A thread's memory.
template <ScanMonoid M, class T>
struct ScanBuffers {
  alignas(64) T value[3 * scan_block];        // with room for operands
  alignas(64) T result[3 * scan_block + 64];  // of the scan, one place further on; likewise
  alignas(64) T hidden[scan_block];           // the mask's values
  std::int64_t position[M == ScanMonoid::arg_maximum ? scan_block : 1];
  std::int64_t index[M == ScanMonoid::arg_maximum ? scan_block + 1 : 1];
};

/// Whether values enter the scan as they are and where they are.
template <ScanMonoid M, class T>
MYLOS_FUNCTION bool are_in_place(const BlockScan<T>& s) {
  const bool as_they_are = s.p.before.size == 0 && !s.p.negated && s.p.mask.data == nullptr;
  return M != ScanMonoid::arg_maximum && as_they_are && s.p.x.dtype == dtype_of<T> && s.p.x.step == 1;
}

/// Where n values are, if they enter the scan from there in whole vectors; else null.
template <ScanMonoid M, class T>
MYLOS_FUNCTION T* values_in_place(const BlockScan<T>& s, const ScanPlace& place, int n) {
  const ScanView& x = s.p.x;
  if (!are_in_place<M>(s) || n % scan_padding != 0) return nullptr;
  T* const v = static_cast<T*>(x.data) + s.p.row_offset(x, place.row) + place.position;
  fetch_ahead(v + n, n);
  return v;
}

/// n values as they enter the scan. Positions begin at `first`, all the same where rows lie side by side.
template <ScanMonoid M, class T>
MYLOS_FUNCTION void load_block(const BlockScan<T>& s, const ScanPlace& place, int n, ScanBuffers<M, T>& b) {
  gather_block(s, s.p.x, place, n, b.value);
  if (s.p.before.size != 0) s.transform(s, s.p.before, 0, place, b.value, n);
  if (s.p.negated)
    for (int k = 0; k < n; ++k) b.value[k] = T(-b.value[k]);
  if constexpr (M == ScanMonoid::arg_maximum)
    for (int k = 0; k < n; ++k) b.position[k] = place.position + (s.across ? 0 : k);
  if (s.p.mask.data == nullptr) return;
  gather_block(s, s.p.mask, place, n, b.hidden);
  for (int k = 0; k < n; ++k) b.value[k] = b.hidden[k] != T(0) ? b.value[k] : Scanner<M, T>::neutral();
  if constexpr (M == ScanMonoid::arg_maximum)
    for (int k = 0; k < n; ++k) b.position[k] = b.hidden[k] != T(0) ? b.position[k] : -1;
}

/// Results to y, and to the indices.
template <ScanMonoid M, class T>
MYLOS_FUNCTION void store_block(const BlockScan<T>& s, const ScanPlace& place, int n, T* result, std::int64_t* index) {
  if (s.p.negated)
    for (int k = 0; k < n; ++k) result[k] = T(-result[k]);
  if (s.p.after.size != 0) s.transform(s, s.p.after, s.p.before_operands, place, result, n);
  scatter_block(s, s.p.y, place, n, result);
  if constexpr (M == ScanMonoid::arg_maximum) {
    if (s.p.indices.data == nullptr) return;
    const ScanView& view = s.p.indices;
    const std::int64_t step = !s.across ? view.step : (s.p.rank == 0 ? 0 : view.stride[s.p.rank - 1]);
    auto* to = static_cast<std::int64_t*>(view.data) + s.p.row_offset(view, place.row) + place.position * view.step;
    for (int k = 0; k < n; ++k) to[k * step] = s.p.index_of(index[k]);
  }
}

/// Positions [begin, end) of one row. `base`: what comes before them, null for nothing. Writes unless `only_total`.
template <ScanMonoid M, class T, class Kernels>
MYLOS_FUNCTION typename Scanner<M, T>::State scan_along(const BlockScan<T>& s, std::int64_t row, std::int64_t begin,
                                                        std::int64_t end, const typename Scanner<M, T>::State* base,
                                                        bool only_total) {
  using R = Scanner<M, T>;
  ScanBuffers<M, T> b;
  typename R::State state = R::identity();
  // results[1] on a vector's boundary
  T* const result = b.result + 16;
  for (std::int64_t at = begin; at < end; at += scan_block) {
    const int n = end - at < scan_block ? static_cast<int>(end - at) : scan_block;
    T* v = values_in_place<M>(s, {row, at}, n);
    if (v == nullptr) {
      load_block<M, T>(s, {row, at}, n, b);
      v = b.value;
    }
    T* const r = s.p.exclusive ? result : result - 1;
    if constexpr (M == ScanMonoid::arg_maximum) {
      scan_positions(v, b.position, n, state, base, r, b.index);
    } else {
      scan_values<M, T, Kernels>(v, n, state, base, r);
    }
    if (only_total) continue;
    store_block<M, T>(s, {row, at}, n, result, b.index + (M == ScanMonoid::arg_maximum && !s.p.exclusive ? 1 : 0));
  }
  return state;
}

/// Whether several rows fit a buffer, whose results go to one run of memory as they are.
template <ScanMonoid M, class T>
MYLOS_FUNCTION bool has_short_rows(const BlockScan<T>& s) {
  const ScanView& y = s.p.y;
  const bool in_one_run = s.p.rank == 1 && y.step == 1 && y.stride[0] == s.p.length;
  return M != ScanMonoid::arg_maximum && in_one_run && s.p.length <= scan_block && !s.p.negated && s.p.after.size == 0;
}

/// Rows [first, last), whole.
template <ScanMonoid M, class T, class Kernels>
MYLOS_FUNCTION void scan_short_rows(const BlockScan<T>& s, std::int64_t first, std::int64_t last) {
  using R = Scanner<M, T>;
  ScanBuffers<M, T> b;
  T* const result = b.result + 16;
  const auto n = static_cast<int>(s.p.length);
  const int most = 2 * scan_block / n;
  // What follows a row may fill its last vector, and only that, but for the last rows, which nothing follows. Which
  // way products take depends on all values of a vector.
  const int whole = (n + scan_padding - 1) / scan_padding * scan_padding;
  const bool in_place = Kernels::vectors && M != ScanMonoid::product && are_in_place<M>(s) && s.p.x.stride[0] == n;
  const std::int64_t followed = in_place ? s.p.rows - (whole - 1) / n : 0;
  T* const x = static_cast<T*>(s.p.x.data);
  for (std::int64_t row = first; row < last; row += most) {
    const int rows = last - row < most ? static_cast<int>(last - row) : most;
    if (in_place) fetch_ahead(x + (row + rows) * n, rows * n);
    for (int i = 0; i < rows; ++i) {
      typename R::State state = R::identity();
      T* const r = result + i * n - (s.p.exclusive ? 0 : 1);
      const T before = r[0];
      if (row + i < followed) {
        scan_values<M, T, Kernels>(x + (row + i) * n, whole, state, nullptr, r);
      } else {
        load_block<M, T>(s, {row + i, 0}, n, b);
        scan_values<M, T, Kernels>(b.value, n, state, nullptr, r);
      }
      if (!s.p.exclusive) r[0] = before;  // the last result of the row above
    }
    scatter_block(s, s.p.y, {row, 0}, rows * n, result);
  }
}

/// The result of column c into the buffers.
template <ScanMonoid M, class T>
MYLOS_FUNCTION void put_column(ScanBuffers<M, T>& b, int c, const typename Scanner<M, T>::State* state,
                               const typename Scanner<M, T>::State* base) {
  const typename Scanner<M, T>::State whole = behind<M, T>(base == nullptr ? nullptr : base + c, state[c]);
  b.result[c] = Scanner<M, T>::value_of(whole);
  if constexpr (M == ScanMonoid::arg_maximum) b.index[c] = whole.position;
}

inline constexpr int scan_group = 16;

/// f(c) for c < n, a multiple of scan_group: in loops of one length that the compiler knows. Where it vectorises them
/// it leaves no remainder to scalar forms of the elementary functions, with which a row's bits would depend on its
/// neighbours.
template <class F>
MYLOS_FUNCTION void for_groups(int n, const F& f) {
  for (int first = 0; first < n; first += scan_group)
    for (int k = 0; k < scan_group; ++k) f(first + k);
}

/// Likewise of n neighbouring rows; `state` and `base` have one for each, and for as many more as make whole groups.
template <ScanMonoid M, class T>
MYLOS_FUNCTION void scan_across(const BlockScan<T>& s, std::int64_t row, int n, std::int64_t begin, std::int64_t end,
                                typename Scanner<M, T>::State* state, const typename Scanner<M, T>::State* base,
                                bool only_total) {
  using R = Scanner<M, T>;
  ScanBuffers<M, T> b;
  const int whole = (n + scan_group - 1) / scan_group * scan_group;
  for (int c = 0; c < whole; ++c) state[c] = R::identity();
  for (std::int64_t at = begin; at < end; ++at) {
    load_block<M, T>(s, {row, at}, n, b);
    for (int c = n; c < whole; ++c) {
      b.value[c] = R::neutral();
      if constexpr (M == ScanMonoid::arg_maximum) b.position[c] = -1;
    }
    if (s.p.exclusive) for_groups(whole, [&](int c) { put_column(b, c, state, base); });
    for_groups(whole, [&](int c) {
      R::take(state[c], b.value[c],
              M == ScanMonoid::arg_maximum ? b.position[M == ScanMonoid::arg_maximum ? c : 0] : 0);
    });
    if (!s.p.exclusive) for_groups(whole, [&](int c) { put_column(b, c, state, base); });
    if (!only_total) store_block<M, T>(s, {row, at}, n, b.result, b.index);
  }
}

/// In a loop: keeps it from being vectorised.
MYLOS_FUNCTION void one_by_one() { __asm__ volatile("" ::: "memory"); }

/// An item of work: rows and, where they are shared, a piece of them. Of a first pass only the totals are asked for.
template <ScanMonoid M, class T, class Kernels = OneByOne>
MYLOS_FUNCTION void scan_item(const BlockScan<T>& s, std::int64_t item, bool only_total) {
  using R = Scanner<M, T>;
  using State = typename R::State;
  auto* const totals = static_cast<State*>(s.totals);
  const std::int64_t group = s.shared ? item / s.pieces.count : item;
  const std::int64_t first_piece = s.shared ? item % s.pieces.count : 0;
  const std::int64_t last_piece = s.shared ? first_piece + 1 : s.pieces.count;
  const auto end_of = [&](std::int64_t piece) {
    const std::int64_t end = (piece + 1) * s.pieces.length;
    return end < s.p.length ? end : s.p.length;
  };
  if (!s.across) {
    const std::int64_t first = group * s.per_item;
    const std::int64_t last = first + s.per_item < s.p.rows ? first + s.per_item : s.p.rows;
    if (has_short_rows<M>(s) && s.pieces.count == 1) return scan_short_rows<M, T, Kernels>(s, first, last);
    for (std::int64_t row = first; row < last; ++row) {
      State base = R::identity();
      if (s.shared && !only_total) base = totals[row * s.pieces.count + first_piece];
      for (std::int64_t piece = first_piece; piece < last_piece; ++piece) {
        const State total = scan_along<M, T, Kernels>(s, row, piece * s.pieces.length, end_of(piece),
                                                      piece == 0 ? nullptr : &base, only_total);
        if (only_total) totals[row * s.pieces.count + piece] = total;
        R::combine(base, total);
      }
    }
    return;
  }
  const std::int64_t in_row = group % s.column_blocks * scan_columns;
  const std::int64_t row = group / s.column_blocks * s.columns() + in_row;
  const int n = s.columns() - in_row < scan_columns ? static_cast<int>(s.columns() - in_row) : scan_columns;
  State state[scan_columns];
  State base[scan_columns];
  for (int c = 0; c < scan_columns; ++c) base[c] = R::identity();
  for (int c = 0; c < n && s.shared && !only_total; ++c) base[c] = totals[(row + c) * s.pieces.count + first_piece];
  for (std::int64_t piece = first_piece; piece < last_piece; ++piece) {
    scan_across<M, T>(s, row, n, piece * s.pieces.length, end_of(piece), state, piece == 0 ? nullptr : base,
                      only_total);
    for (int c = 0; c < n; ++c) {
      if (only_total) totals[(row + c) * s.pieces.count + piece] = state[c];
      R::combine(base[c], state[c]);
      one_by_one();  // as ScanTotals does
    }
  }
}

}  // namespace mylos::detail
