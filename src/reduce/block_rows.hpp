// How rows of staged values enter the states of neighbouring results or lanes, on the host: loops of one operation each
// over 16 states, so that compilers make vectors of them.
#pragma once

#include "reduce/monoid.hpp"

namespace mylos::detail {

inline constexpr int reduce_lanes = 16;

// GCC unrolls loops of 16 before it looks for vectors, and then finds none.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define MYLOS_KEEP_LOOP _Pragma("GCC unroll 1")
#else
#define MYLOS_KEEP_LOOP
#endif

/// Rows that are taken at once: a multiple of four.
template <class T>
struct StagedRows {
  const T* const* row;  // of 16 values from `first` on
  int count;
  int first;
  MYLOS_FUNCTION const T* at(int r) const { return row[r] + first; }
};

template <Monoid M, class T>
struct RowsTaker {
  using R = Reducer<M, T>;
  /// Row r is position `position` + r * step.
  static MYLOS_FUNCTION void take(typename R::State* s, const StagedRows<T>& v, std::int64_t position,
                                  std::int64_t step, std::int64_t lane_step) {
    for (int r = 0; r < v.count; r += 4)
      for (int l = 0; l < reduce_lanes; ++l)
        R::take4(s[l], v.at(r)[l], v.at(r + 1)[l], v.at(r + 2)[l], v.at(r + 3)[l], position + r * step + l * lane_step,
                 step);
  }
};

// Vectors by name: the choice between two values is a branch to GCC 12 where it finds the loop among others.
#if defined(__GNUC__) && !defined(__CUDACC__) && !defined(__HIPCC__)
#define MYLOS_VECTOR_MAXIMA 1
#endif

template <class T>
struct RowsTaker<Monoid::maximum, T> {
  static MYLOS_FUNCTION void take(T* s, const StagedRows<T>& v, std::int64_t, std::int64_t, std::int64_t) {
#ifdef MYLOS_VECTOR_MAXIMA
    if constexpr (std::is_floating_point_v<T>) return take_vectors(s, v);
#endif
    for (int r = 0; r < v.count; ++r) {
      const T* row = v.at(r);
      MYLOS_KEEP_LOOP
      for (int l = 0; l < reduce_lanes; ++l) s[l] = math::Precise::maximum(s[l], row[l]);
    }
  }

#ifdef MYLOS_VECTOR_MAXIMA
 private:
  static MYLOS_FUNCTION void take_vectors(T* s, const StagedRows<T>& v) {
    using Vector __attribute__((vector_size(16), aligned(sizeof(T)), may_alias)) = T;
    constexpr int width = 16 / static_cast<int>(sizeof(T));
    constexpr int vectors = reduce_lanes / width;
    Vector largest[vectors];
    for (int q = 0; q < vectors; ++q) largest[q] = *reinterpret_cast<const Vector*>(s + q * width);
    for (int r = 0; r < v.count; ++r) {
      const T* row = v.at(r);
      for (int q = 0; q < vectors; ++q) {  // math::Precise::maximum
        const Vector x = *reinterpret_cast<const Vector*>(row + q * width);
        largest[q] = ((x >= largest[q]) | (x != x)) ? x : largest[q];
      }
    }
    for (int q = 0; q < vectors; ++q) *reinterpret_cast<Vector*>(s + q * width) = largest[q];
  }
#endif
};
#undef MYLOS_VECTOR_MAXIMA

/// The shift is raised once for all rows, where it has to be.
template <class T>
struct RowsTaker<Monoid::log_sum_exp, T> {
  using R = Reducer<Monoid::log_sum_exp, T>;
  static MYLOS_FUNCTION void take(typename R::State* s, const StagedRows<T>& v, std::int64_t, std::int64_t,
                                  std::int64_t) {
    alignas(64) T largest[reduce_lanes];
    for (int l = 0; l < reduce_lanes; ++l) largest[l] = s[l].shift;
    RowsTaker<Monoid::maximum, T>::take(largest, v, 0, 0, 0);
    for (int l = 0; l < reduce_lanes; ++l)
      if (largest[l] > s[l].shift + T(4)) R::raise(s[l], largest[l]);
    alignas(64) T shift[reduce_lanes];
    alignas(64) double sum[reduce_lanes];
    for (int l = 0; l < reduce_lanes; ++l) {
      shift[l] = R::reference(s[l].shift);
      sum[l] = s[l].sum;
    }
    for (int r = 0; r < v.count; r += 4) {
      alignas(64) T part[reduce_lanes] = {};
      for (int i = r; i < r + 4; ++i) {
        const T* row = v.at(i);
        for (int l = 0; l < reduce_lanes; ++l) part[l] += math::Precise::exp(row[l] - shift[l]);
      }
      for (int l = 0; l < reduce_lanes; ++l) sum[l] += static_cast<double>(part[l]);
    }
    for (int l = 0; l < reduce_lanes; ++l) s[l].sum = sum[l];
  }
};

#undef MYLOS_KEEP_LOOP

}  // namespace mylos::detail
