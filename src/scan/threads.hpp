// The scan by single threads, for the generic kernel on a device: each takes a piece of a row. One kernel for the
// pieces' totals, one to scan them, one for the results; a single kernel where a row is one piece.
#pragma once

#include "core/apply.hpp"
#include "scan/parameters.hpp"

namespace mylos::detail {

/// Elements of a piece at least, and pieces of a row at most.
inline constexpr std::int64_t thread_piece = 32;
inline constexpr std::int64_t most_thread_pieces = 1024;

enum class ScanStage : std::uint8_t { whole, totals, results };

template <ScanMonoid M, class T>
struct ScanThreads {
  using S = Scanner<M, T>;
  using State = typename S::State;
  static constexpr int V = 4;  // values taken at once
  using Tile = RegisterTile<T, V>;

  ScanParameters<T> p;
  ScanPieces pieces;
  ScanStage stage;
  bool across;
  State* totals;  // rows x pieces; for `results` what comes before each piece

  /// Threads side by side take neighbours in memory.
  MYLOS_FUNCTION void operator()(std::int64_t index) const {
    const std::int64_t row = across ? index % p.rows : index / pieces.count;
    const std::int64_t piece = across ? index / p.rows : index % pieces.count;
    const std::int64_t begin = piece * pieces.length;
    const std::int64_t end = begin + pieces.length < p.length ? begin + pieces.length : p.length;
    State base = S::identity();
    if (stage == ScanStage::results) base = totals[row * pieces.count + piece];
    State state = S::identity();
    const std::int64_t x = p.row_offset(p.x, row);
    for (std::int64_t at = begin; at < end; at += V) {
      const int n = end - at < V ? static_cast<int>(end - at) : V;
      Tile v;
      MYLOS_UNROLL
      for (int k = 0; k < V; ++k)
        v[k] = k < n ? load_element<T>(p.x.dtype, p.x.data, x + (at + k) * p.x.step) : S::neutral();
      transform(p.before, 0, row, at, n, v);
      take(row, at, n, base, state, v);
    }
    if (stage == ScanStage::totals) totals[row * pieces.count + piece] = state;
  }

 private:
  MYLOS_FUNCTION void transform(const LoweredChain<T>& chain, int first, std::int64_t row, std::int64_t at, int n,
                                Tile& v) const {
    if constexpr (std::is_floating_point_v<T>) {
      apply<math::Precise>(chain, v, [&](int o, Tile& to) {
        const ScanView& operand = p.operand[first + o];
        const std::int64_t offset = p.row_offset(operand, row);
        MYLOS_UNROLL
        for (int k = 0; k < V; ++k)
          to[k] = load_element<T>(operand.dtype, operand.data, offset + (at + (k < n ? k : 0)) * operand.step);
      });
    }
  }

  MYLOS_FUNCTION void take(std::int64_t row, std::int64_t at, int n, const State& base, State& state, Tile& v) const {
    const std::int64_t mask = p.mask.data == nullptr ? 0 : p.row_offset(p.mask, row);
    Tile result = v;
    std::int64_t index[V] = {};
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k) {
      if (k >= n) break;
      const bool hidden =
          p.mask.data != nullptr && static_cast<const std::uint8_t*>(p.mask.data)[mask + (at + k) * p.mask.step] == 0;
      const T value = hidden ? S::neutral() : (p.negated ? T(-v[k]) : v[k]);
      if (p.exclusive) put(base, state, result[k], index[k]);
      S::take(state, value, hidden ? -1 : at + k);
      if (!p.exclusive) put(base, state, result[k], index[k]);
    }
    if (stage == ScanStage::totals) return;
    transform(p.after, p.before_operands, row, at, n, result);
    const std::int64_t y = p.row_offset(p.y, row);
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k)
      if (k < n) store_scanned<T>(p.y.dtype, p.y.data, y + (at + k) * p.y.step, result[k]);
    if (p.indices.data == nullptr) return;
    const std::int64_t to = p.row_offset(p.indices, row);
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k)
      if (k < n) static_cast<std::int64_t*>(p.indices.data)[to + (at + k) * p.indices.step] = index[k];
  }

  MYLOS_FUNCTION void put(const State& base, const State& state, T& result, std::int64_t& index) const {
    State whole = base;
    S::combine(whole, state);
    const T value = S::value_of(whole);
    result = p.negated ? T(-value) : value;
    if constexpr (M == ScanMonoid::arg_maximum) index = p.index_of(whole.position);
  }
};

/// The totals of a row's pieces become what comes before each of them.
template <ScanMonoid M, class T>
struct ScanTotals {
  using State = typename Scanner<M, T>::State;
  State* totals;
  std::int64_t pieces;
  MYLOS_FUNCTION void operator()(std::int64_t row) const {
    State before = Scanner<M, T>::identity();
    for (std::int64_t i = row * pieces; i < (row + 1) * pieces; ++i) {
      const State total = totals[i];
      totals[i] = before;
      Scanner<M, T>::combine(before, total);
    }
  }
};

}  // namespace mylos::detail
