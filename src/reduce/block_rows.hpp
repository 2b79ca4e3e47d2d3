// How rows of staged values enter the states of neighbouring results or lanes, on the host: loops of one operation each
// over 16 states, so that compilers make vectors of them.
#pragma once

#include <limits>

#include "core/vector_kernels.hpp"
#include "reduce/monoid.hpp"
#include "reduce/prepare.hpp"
#include "row/block_kernels.hpp"

namespace mylos::detail {

inline constexpr int reduce_lanes = 16;

// GCC unrolls loops of 16 before it looks for vectors, and then finds none.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define MYLOS_KEEP_LOOP _Pragma("GCC unroll 1")
#else
#define MYLOS_KEEP_LOOP
#endif

/// What steps of a sign make of values, on their bits: -x, |x|, -|x|; of integers ~x, which turns the order round.
template <class T>
struct Signs {
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  Bits kept = ~Bits(0);
  Bits turned = 0;

  static Signs of(Prepare prepare) {
    constexpr Bits sign = std::is_floating_point_v<T> ? Bits(1) << (8 * sizeof(T) - 1) : ~Bits(0);
    Signs s;
    if (prepare == Prepare::abs || prepare == Prepare::negate_abs) s.kept = ~sign;
    if (prepare == Prepare::negate || prepare == Prepare::negate_abs) s.turned = sign;
    return s;
  }
  MYLOS_FUNCTION T operator()(T v) const { return bits_as<T>((bits_as<Bits>(v) & kept) ^ turned); }
};

/// Rows that are taken at once: a multiple of four. Signed: their values go through `signs`.
template <class T, bool Signed = false>
struct StagedRows {
  const T* const* row;  // of 16 values from `first` on
  int count;
  int first;
  Signs<T> signs = {};
  MYLOS_FUNCTION const T* at(int r) const { return row[r] + first; }
  MYLOS_FUNCTION T value(int r, int l) const {
    if constexpr (Signed) return signs(at(r)[l]);
    return at(r)[l];
  }
};

/// As kernels for vectors take them: signs that change nothing where there are none.
template <class T, bool Signed>
MYLOS_FUNCTION StagedRows<T, true> with_signs(const StagedRows<T, Signed>& v) {
  return {v.row, v.count, v.first, Signed ? v.signs : Signs<T>{}};
}

template <Monoid M, class T>
struct RowsTaker {
  using R = Reducer<M, T>;
  /// Row r of lane l is position `position` + r * step + l * lane_step.
  template <class Kernels, bool Signed>
  static MYLOS_FUNCTION void take(typename R::State* s, const StagedRows<T, Signed>& v, std::int64_t position,
                                  std::int64_t step, std::int64_t lane_step) {
    if constexpr (Kernels::vectors && std::is_same_v<T, float>) {
      if constexpr (M == Monoid::sum) return Kernels::sums(with_signs(v), s);
      if constexpr (M == Monoid::sum_of_squares) return Kernels::squares(with_signs(v), s);
      if constexpr (M == Monoid::product) return Kernels::products(with_signs(v), s);
    }
    for (int r = 0; r < v.count; r += 4)
      for (int l = 0; l < reduce_lanes; ++l)
        R::take4(s[l], v.value(r, l), v.value(r + 1, l), v.value(r + 2, l), v.value(r + 3, l),
                 position + r * step + l * lane_step, step);
  }
};

// Vectors by name: the choice between two values is a branch to GCC 12 where it finds the loop among others.
#if defined(__GNUC__) && !defined(__CUDACC__) && !defined(__HIPCC__)
#define MYLOS_VECTOR_MAXIMA 1
#endif

template <class T>
struct RowsTaker<Monoid::maximum, T> {
  template <class Kernels, bool Signed>
  static MYLOS_FUNCTION void take(T* s, const StagedRows<T, Signed>& v, std::int64_t, std::int64_t, std::int64_t) {
    if constexpr (Kernels::vectors && std::is_same_v<T, float>) return Kernels::maxima(with_signs(v), s);
#ifdef MYLOS_VECTOR_MAXIMA
    if constexpr (std::is_floating_point_v<T>) return take_vectors(s, v);
#endif
    for (int r = 0; r < v.count; ++r) {
      MYLOS_KEEP_LOOP
      for (int l = 0; l < reduce_lanes; ++l) s[l] = math::Precise::maximum(s[l], v.value(r, l));
    }
  }

#ifdef MYLOS_VECTOR_MAXIMA
 private:
  template <bool Signed>
  static MYLOS_FUNCTION void take_vectors(T* s, const StagedRows<T, Signed>& v) {
    using Vector __attribute__((vector_size(16), aligned(sizeof(T)), may_alias)) = T;
    using Integer = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;
    using Mask __attribute__((vector_size(16))) = Integer;
    constexpr int width = 16 / static_cast<int>(sizeof(T));
    constexpr int vectors = reduce_lanes / width;
    const Mask kept = Mask{} + static_cast<Integer>(v.signs.kept);
    const Mask turned = Mask{} + static_cast<Integer>(v.signs.turned);
    Vector largest[vectors];
    for (int q = 0; q < vectors; ++q) largest[q] = *reinterpret_cast<const Vector*>(s + q * width);
    for (int r = 0; r < v.count; ++r) {
      const T* row = v.at(r);
      for (int q = 0; q < vectors; ++q) {  // math::Precise::maximum
        Vector x = *reinterpret_cast<const Vector*>(row + q * width);
        if constexpr (Signed) x = reinterpret_cast<Vector>((reinterpret_cast<Mask>(x) & kept) ^ turned);
        largest[q] = ((x >= largest[q]) | (x != x)) ? x : largest[q];
      }
    }
    for (int q = 0; q < vectors; ++q) *reinterpret_cast<Vector*>(s + q * width) = largest[q];
  }
#endif
};
#undef MYLOS_VECTOR_MAXIMA

/// N states side by side.
template <Monoid M, class T, int N>
class LaneStates {
 public:
  using R = Reducer<M, T>;
  using State = typename R::State;

  MYLOS_FUNCTION void clear(int n) {
    for (int l = 0; l < n; ++l) state_[l] = R::identity();
  }
  /// Rows of 16 values into the states from `first` on.
  template <class Kernels, bool Signed>
  MYLOS_FUNCTION void take(int first, const StagedRows<T, Signed>& v, std::int64_t position, std::int64_t step,
                           std::int64_t lane_step) {
    RowsTaker<M, T>::template take<Kernels>(state_ + first, v, position, step, lane_step);
  }
  MYLOS_FUNCTION void take(int l, T v, std::int64_t position) { R::take(state_[l], v, position); }
  MYLOS_FUNCTION State get(int l) const { return state_[l]; }

 private:
  State state_[N];
};

/// Values and indices apart, for vectors.
template <class T, int N>
class LaneStates<Monoid::arg_maximum, T, N> {
 public:
  using R = Reducer<Monoid::arg_maximum, T>;
  using State = typename R::State;

  MYLOS_FUNCTION void clear(int n) {
    for (int l = 0; l < n; ++l) put(l, R::identity());
  }
  template <class Kernels, bool Signed>
  MYLOS_FUNCTION void take(int first, const StagedRows<T, Signed>& v, std::int64_t position, std::int64_t step,
                           std::int64_t lane_step) {
    if constexpr (Kernels::vectors && std::is_same_v<T, float>) {
      std::int32_t row[reduce_lanes];
      // All 16 have taken something or none has.
      Kernels::positions(with_signs(v), index_[first] == no_index, value_ + first, row);
      for (int l = 0; l < reduce_lanes; ++l)
        index_[first + l] = row[l] < 0 ? index_[first + l] : position + row[l] * step + l * lane_step;
    } else {
      for (int r = 0; r < v.count; ++r)
        for (int l = 0; l < reduce_lanes; ++l) take(first + l, v.value(r, l), position + r * step + l * lane_step);
    }
  }
  MYLOS_FUNCTION void take(int l, T v, std::int64_t position) {
    State s = get(l);
    R::take(s, v, position);
    put(l, s);
  }
  MYLOS_FUNCTION State get(int l) const { return {value_[l], index_[l]}; }

 private:
  MYLOS_FUNCTION void put(int l, const State& s) {
    value_[l] = s.value;
    index_[l] = s.index;
  }

  alignas(64) T value_[N];
  alignas(64) std::int64_t index_[N];
};

/// Pivots and sums apart, for vectors.
template <int N>
class LaneStates<Monoid::moments, float, N> {
 public:
  using R = Reducer<Monoid::moments, float>;
  using State = R::State;

  MYLOS_FUNCTION void clear(int n) {
    for (int l = 0; l < n; ++l) put(l, R::identity());
  }
  template <class Kernels, bool Signed>
  MYLOS_FUNCTION void take(int first, const StagedRows<float, Signed>& v, std::int64_t, std::int64_t, std::int64_t) {
    if constexpr (Kernels::vectors) {
      for (int r = 0; r < v.count;) {
        // All 16 have taken as many.
        const double count = count_[first];
        if (count == 0.0)
          for (int l = 0; l < reduce_lanes; ++l) pivot_[first + l] = static_cast<double>(v.value(r, l));
        const bool settles = count < R::settled && count + (v.count - r) >= R::settled;
        const int end = settles ? r + static_cast<int>(R::settled - count) : v.count;
        Kernels::deviations(with_signs(v), r, end, pivot_ + first, first_ + first, second_ + first);
        for (int l = 0; l < reduce_lanes; ++l) count_[first + l] = count + (end - r);
        for (int l = 0; l < reduce_lanes && settles; ++l) put(first + l, R::moved(get(first + l)));
        r = end;
      }
    } else {
      for (int r = 0; r < v.count; r += 4)
        for (int l = 0; l < reduce_lanes; ++l) {
          State s = get(first + l);
          R::take4(s, v.value(r, l), v.value(r + 1, l), v.value(r + 2, l), v.value(r + 3, l), 0, 0);
          put(first + l, s);
        }
    }
  }
  MYLOS_FUNCTION void take(int l, float v, std::int64_t position) {
    State s = get(l);
    R::take(s, v, position);
    put(l, s);
  }
  MYLOS_FUNCTION State get(int l) const { return {count_[l], pivot_[l], first_[l], second_[l]}; }

 private:
  MYLOS_FUNCTION void put(int l, const State& s) {
    count_[l] = s.count;
    pivot_[l] = s.pivot;
    first_[l] = s.first;
    second_[l] = s.second;
  }

  alignas(64) double count_[N];
  alignas(64) double pivot_[N];
  alignas(64) double first_[N];
  alignas(64) double second_[N];
};

/// Shifts and sums apart, for vectors; a shift is raised once for all rows, where it has to be.
template <class T, int N>
class LaneStates<Monoid::log_sum_exp, T, N> {
 public:
  using R = Reducer<Monoid::log_sum_exp, T>;
  using State = typename R::State;

  MYLOS_FUNCTION void clear(int n) {
    for (int l = 0; l < n; ++l) put(l, R::identity());
  }
  template <class Kernels, bool Signed>
  MYLOS_FUNCTION void take(int first, const StagedRows<T, Signed>& v, std::int64_t, std::int64_t, std::int64_t) {
    alignas(64) T largest[reduce_lanes];
    for (int l = 0; l < reduce_lanes; ++l) largest[l] = shift_[first + l];
    RowsTaker<Monoid::maximum, T>::template take<Kernels>(largest, v, 0, 0, 0);
    int raised = 0;
    for (int l = 0; l < reduce_lanes; ++l) raised += largest[l] > shift_[first + l] + T(4) ? 1 : 0;
    if (raised != 0) raise(first, largest);
    if constexpr (Kernels::vectors && std::is_same_v<T, float>)
      return Kernels::exponentials(with_signs(v), shift_ + first, sum_ + first);
    alignas(64) T shift[reduce_lanes];
    for (int l = 0; l < reduce_lanes; ++l) shift[l] = R::reference(shift_[first + l]);
    for (int r = 0; r < v.count; r += 4) {
      alignas(64) T part[reduce_lanes] = {};
      for (int i = r; i < r + 4; ++i)
        for (int l = 0; l < reduce_lanes; ++l) part[l] += exponential(v.value(i, l) - shift[l]);
      for (int l = 0; l < reduce_lanes; ++l) sum_[first + l] += static_cast<double>(part[l]);
    }
  }
  MYLOS_FUNCTION void take(int l, T v, std::int64_t position) {
    State s = get(l);
    R::take(s, v, position);
    put(l, s);
  }
  MYLOS_FUNCTION State get(int l) const { return {shift_[l], sum_[l]}; }
  MYLOS_FUNCTION void put(int l, const State& s) {
    shift_[l] = s.shift;
    sum_[l] = s.sum;
  }

 private:
  /// Of numbers up to 4, infinities and NaN.
  static MYLOS_FUNCTION T exponential(T x) {
    if constexpr (std::is_same_v<T, float>) return HostMath::exp(x > 89.0F ? 89.0F : x);
    return math::Precise::exp(x);
  }
  MYLOS_FUNCTION void raise(int first, const T* largest) {
    int begun = 0;
    for (int l = 0; l < reduce_lanes; ++l) begun += sum_[first + l] != 0.0 ? 1 : 0;
    if (begun == 0) {
      for (int l = 0; l < reduce_lanes; ++l)
        shift_[first + l] = largest[l] > shift_[first + l] + T(4) ? largest[l] : shift_[first + l];
      return;
    }
    for (int l = 0; l < reduce_lanes; ++l) {
      if (!(largest[l] > shift_[first + l] + T(4))) continue;
      State s = get(first + l);
      R::raise(s, largest[l]);
      put(first + l, s);
    }
  }

  alignas(64) T shift_[N];
  alignas(64) double sum_[N];
};

#undef MYLOS_KEEP_LOOP

}  // namespace mylos::detail
