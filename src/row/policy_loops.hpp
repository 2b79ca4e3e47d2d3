// The inner loops of block.hpp that depend on the operator: statistics and maps of up to 1024 consecutive values of a
// row, as functions that a backend compiles for an instruction set of its choice.
#pragma once

#include <algorithm>

#include "core/access.hpp"
#include "row/policy.hpp"
#include "row/transpose.hpp"

namespace mylos::detail {

/// Values of a row that are worked on at once. Statistics are those of such blocks, merged in order, so this number is
/// part of the result's last bits.
inline constexpr int row_block = 1024;
/// Blocks are padded to a multiple of this, which is also the number of partial sums in a ragged block.
inline constexpr int row_padding = 16;
/// Rows that are worked on together, at most.
inline constexpr int max_panel_rows = 64;

MYLOS_FUNCTION int padded(int n) { return (n + row_padding - 1) / row_padding * row_padding; }

/// The exponential of policies on the host, for x <= 0 or NaN: no call, so that loops vectorise with every compiler.
/// 1 ulp; below the smallest normal number 0.
struct HostMath : math::Precise {
  using math::Precise::exp;
  MYLOS_FUNCTION static float exp(float x) {
    constexpr float shifter = 12582912.0f;  // 1.5 * 2^23: the sum's last bits are the nearest integer
    const float shifted = x * 1.44269504f + shifter;
    const float n = shifted - shifter;
    // ln 2 in two parts, the first short enough for its product with n to be exact.
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;  // minimax for |r| <= ln(2) / 2 (Cephes, expf)
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const float y = (p * (r * r) + r) + 1.0f;
    const std::uint32_t power = (bits_as<std::uint32_t>(shifted) + 127u) << 23;
    return x < -87.3365448f ? 0.0f : y * bits_as<float>(power);
  }
};

/// A policy's state, whichever it is.
struct RowState {
  alignas(double) unsigned char bytes[3 * sizeof(double)];
};

/// Whole rows, of n <= row_block values, from where they lie to other memory or in place.
template <class T>
struct ShortRows {
  const T* from;
  std::int64_t from_pitch;
  T* to;  // padded
  std::int64_t to_pitch;
  int rows;
  int n;
  std::int64_t ahead;  // what is fetched meanwhile lies so many elements behind each row; 0: nothing
};

/// What depends on the operator, for n <= row_block values of each of some rows, `pitch` apart.
template <class T>
struct PolicyKernels {
  /// The statistic of these values, merged into those before them; `first`: there are none before.
  void (*add)(RowState* states, bool first, const T* values, std::int64_t pitch, int rows, int n,
              const RowNumbers<T>& numbers);
  void (*merge)(RowState& state, const RowState& other);
  RowConstants<T> (*finish)(const RowState& state, const RowNumbers<T>& numbers);
  /// All of the above and map() for whole rows. Of each row padded(n) values can be read.
  void (*all)(const ShortRows<T>& span, const RowNumbers<T>& numbers, RowState* states, RowConstants<T>* constants);
  void (*map)(T* values, std::int64_t pitch, int rows, int n, const RowConstants<T>* constants);
  /// From other memory than `to`, n a multiple of row_padding.
  void (*map_from)(const T* from, std::int64_t from_pitch, T* to, std::int64_t to_pitch, int rows, int n,
                   const RowConstants<T>* constants);
  /// Null where the policy keeps nothing. add() of one row's values, n a multiple of held_lanes, that leaves its part
  /// of the map's work in `held`, and what belongs to them in `tile`; and the rest of the map.
  void (*hold)(RowState& state, bool first, const T* values, T* held, int n, RowState& tile);
  void (*map_held)(T* held, int n, const RowState& tile, const RowConstants<T>& constants);
  bool batches;  // all() takes several rows at once
};
inline constexpr int held_lanes = 4 * row_padding;
/// Values of rows that all() takes at once, so that they and what becomes of them stay in an L1.
inline constexpr int batch_values = 4 * row_block;

// ---- the loops; always inlined into functions that carry a target attribute

/// Values in the cache as a tile; `Whole`: their number is a multiple of the lanes, and all count.
template <class T, bool Whole>
struct BlockTile {
  const T* __restrict__ value;
  int n;
  MYLOS_FUNCTION int size() const { return Whole ? n : padded(n); }
  MYLOS_FUNCTION T operator[](int k) const { return value[k]; }
  MYLOS_FUNCTION bool valid(int k) const { return Whole || k < n; }
  MYLOS_FUNCTION int count() const { return n; }
  MYLOS_FUNCTION T first() const { return value[0]; }
};

/// The statistics of some rows of n <= row_block values at once, in a Memory's vectors where it has them: row by row
/// most of the time goes into folding lanes, and into waiting for one result after the other.
template <class P, class T, class Memory>
struct BatchOf {
  static constexpr bool sums_exponentials = std::is_base_of_v<ExponentialSum<T, double>, P>;
  static constexpr bool standardizes = std::is_same_v<P, StandardizePolicy<T, double>>;
  static constexpr bool sums_squares =
      std::is_same_v<P, RmsPolicy<T, double>> || std::is_same_v<P, L2Policy<T, double>>;
  static constexpr bool sums_sizes = std::is_same_v<P, L1Policy<T, double>>;
  static constexpr bool available =
      Memory::vectors && std::is_same_v<T, float> && (sums_exponentials || standardizes || sums_squares || sums_sizes);
  static constexpr int rows = available ? 16 : 1;

  /// Returns whether half of the map's work is left in `to`, as by hold().
  MYLOS_ROW_HOST static bool find(const T* from, std::int64_t from_pitch, std::int64_t ahead, T* to,
                                  std::int64_t to_pitch, int count, int n, typename P::State* state) {
    if constexpr (available) {
      using Term = typename Memory::Term;
      alignas(64) T shift[rows];
      alignas(64) T low[rows];
      alignas(64) T sum[rows];
      if constexpr (sums_exponentials) {
        Memory::maxima(from, from_pitch, count, n, low);
        for (int r = 0; r < rows; ++r) shift[r] = P::origin(low[r]);
        Memory::template sums<Term::exponential>(from, from_pitch, count, n, ahead, shift, nullptr,
                                                 holds_values<P> ? to : nullptr, to_pitch, sum);
        for (int r = 0; r < count; ++r) state[r] = {low[r], sum[r]};
      } else if constexpr (standardizes) {
        for (int r = 0; r < count; ++r) shift[r] = from[r * from_pitch];
        Memory::template sums<Term::value>(from, from_pitch, count, n, 0, shift, nullptr, nullptr, 0, low);
        for (int r = 0; r < rows; ++r) low[r] /= static_cast<T>(n);
        Memory::template sums<Term::deviation>(from, from_pitch, count, n, ahead, shift, low, nullptr, 0, sum);
        for (int r = 0; r < count; ++r)
          state[r] = {static_cast<double>(shift[r]) + static_cast<double>(low[r]), sum[r], static_cast<double>(n)};
      } else {
        Memory::template sums<sums_squares ? Term::square : Term::absolute>(from, from_pitch, count, n, ahead, nullptr,
                                                                            nullptr, nullptr, 0, sum);
        for (int r = 0; r < count; ++r) state[r] = {sum[r]};
      }
    }
    return available && holds_values<P>;
  }
};

template <class P, class T>
struct PolicyLoops {
  using State = typename P::State;
  static_assert(sizeof(State) <= sizeof(RowState) && std::is_trivially_copyable_v<State>);
  MYLOS_FUNCTION static State read(const RowState& state) {
    State s;
    __builtin_memcpy(&s, state.bytes, sizeof(s));
    return s;
  }
  MYLOS_FUNCTION static void write(RowState& state, const State& s) { __builtin_memcpy(state.bytes, &s, sizeof(s)); }

  /// Merged into `state` unless `first`.
  MYLOS_FUNCTION static void add_row(State& state, bool first, const T* values, int n, const RowNumbers<T>& numbers) {
    constexpr int lanes = held_lanes;
    const int head = n / lanes * lanes;
    if (head > 0) {
      const State part = P::template of<HostMath, lanes>(BlockTile<T, true>{values, head}, numbers);
      state = first ? part : P::template merge<HostMath>(state, part);
    }
    if (head < n) {
      const State part = P::template of<HostMath, row_padding>(BlockTile<T, false>{values + head, n - head}, numbers);
      state = first && head == 0 ? part : P::template merge<HostMath>(state, part);
    }
  }
  /// Through the cache: a policy's hold() does not work in place.
  MYLOS_ROW_HOST static void hold_row(State& state, const T* values, T* to, int n) {
    if constexpr (holds_values<P>) {
      alignas(64) T held[row_block];
      state = P::template hold<HostMath, held_lanes>(BlockTile<T, true>{values, n}, held);
      for (int k = 0; k < n; ++k) to[k] = held[k];
    }
  }
  MYLOS_FUNCTION static void add(RowState* states, bool first, const T* values, std::int64_t pitch, int rows, int n,
                                 const RowNumbers<T>& numbers) {
    for (int r = 0; r < rows; ++r, values += pitch) {
      State state = first ? P::empty() : read(states[r]);
      add_row(state, first, values, n, numbers);
      write(states[r], state);
    }
  }
  template <class Memory>
  MYLOS_ROW_HOST static void all(const ShortRows<T>& span, const RowNumbers<T>& numbers, RowState* states,
                                 RowConstants<T>* constants) {
    constexpr int most = BatchOf<P, T, Memory>::rows;
    const int batch = std::min(most, batch_values / span.n);
    for (int first = 0; first < span.rows; first += batch) {
      const int rows = span.rows - first < batch ? span.rows - first : batch;
      const T* const from = span.from + first * span.from_pitch;
      T* const to = span.to + first * span.to_pitch;
      State state[most];
      bool held = false;
      if (most > 1) {
        held = BatchOf<P, T, Memory>::find(from, span.from_pitch, span.ahead, to, span.to_pitch, rows, span.n, state);
      } else {
        held = holds_values<P> && span.n % held_lanes == 0;
        for (int r = 0; r < rows; ++r) {
          const T* const v = from + r * span.from_pitch;
          if (span.ahead != 0) fetch_ahead(v + span.ahead, span.n);
          state[r] = P::empty();
          if (held)
            hold_row(state[r], v, to + r * span.to_pitch, span.n);
          else
            add_row(state[r], true, v, span.n, numbers);
        }
      }
      for (int r = 0; r < rows; ++r) {
        const RowConstants<T> c = P::template finish<HostMath>(state[r], numbers);
        const T* const v = from + r * span.from_pitch;
        T* const w = to + r * span.to_pitch;
        if (held) {
          for (int k = 0, end = padded(span.n); k < end; ++k) w[k] *= c.scale;
        } else {
          for (int k = 0, end = padded(span.n); k < end; ++k) w[k] = P::template map<HostMath>(v[k], c);
        }
        write(states[first + r], state[r]);
        constants[first + r] = c;
      }
    }
  }
  MYLOS_FUNCTION static void merge(RowState& state, const RowState& other) {
    write(state, P::template merge<HostMath>(read(state), read(other)));
  }
  MYLOS_FUNCTION static RowConstants<T> finish(const RowState& state, const RowNumbers<T>& numbers) {
    return P::template finish<HostMath>(read(state), numbers);
  }
  MYLOS_FUNCTION static void map(T* values, std::int64_t pitch, int rows, int n, const RowConstants<T>* constants) {
    for (int r = 0; r < rows; ++r) {
      const RowConstants<T> c = constants[r];
      T* __restrict__ v = values + r * pitch;
      for (int k = 0, end = padded(n); k < end; ++k) v[k] = P::template map<HostMath>(v[k], c);
    }
  }
  MYLOS_FUNCTION static void map_from(const T* from, std::int64_t from_pitch, T* to, std::int64_t to_pitch, int rows,
                                      int n, const RowConstants<T>* constants) {
    for (int r = 0; r < rows; ++r) {
      const RowConstants<T> c = constants[r];
      const T* __restrict__ v = from + r * from_pitch;
      T* __restrict__ w = to + r * to_pitch;
      for (int k = 0; k < n; ++k) w[k] = P::template map<HostMath>(v[k], c);
    }
  }
};

template <class P, class T>
struct HeldLoops {
  using Loops = PolicyLoops<P, T>;
  MYLOS_FUNCTION static void hold(RowState& state, bool first, const T* values, T* held, int n, RowState& tile) {
    const auto part = P::template hold<HostMath, held_lanes>(BlockTile<T, true>{values, n}, held);
    Loops::write(tile, part);
    Loops::write(state, first ? part : P::template merge<HostMath>(Loops::read(state), part));
  }
  MYLOS_FUNCTION static void map_held(T* held, int n, const RowState& tile, const RowConstants<T>& constants) {
    const T factor = P::template held_factor<HostMath>(Loops::read(tile), constants);
    T* __restrict__ v = held;
    for (int k = 0; k < n; ++k) v[k] *= factor;
  }
};

}  // namespace mylos::detail
