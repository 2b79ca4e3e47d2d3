// What a loss of vectors accumulates along its axis: a state, how values enter it, and how two states become one. Free
// of Kokkos and vendor headers. take<N>() gets N values each of x and of the other inputs, N being 1 or
// a multiple of 4, or any number in f64.
#pragma once

#include "reduce/monoid.hpp"
#include "vector_loss/problem.hpp"

namespace mylos::detail {

template <VectorLoss L, class T>
struct VectorReducer;

template <class T>
struct VectorReducer<VectorLoss::nothing, T> {
  static constexpr int inputs = 0;  // read along the axis
  struct State {
    double unused;
  };
  static MYLOS_FUNCTION State identity() { return {0.0}; }
  static MYLOS_FUNCTION void combine(State&, const State&) {}
  template <int N>
  static MYLOS_FUNCTION void take(State&, const VectorLossOptions&, const T*, const T*, const T*) {}
};

template <class T>
struct VectorReducer<VectorLoss::scores, T> {
  static constexpr int inputs = 1;
  using Scores = Reducer<Monoid::log_sum_exp, T>;
  using State = typename Scores::State;
  static MYLOS_FUNCTION State identity() { return Scores::identity(); }
  static MYLOS_FUNCTION void combine(State& s, const State& t) { Scores::combine(s, t); }
  /// To a shift that is no smaller. In T: one rounding, of what shrinks.
  static MYLOS_FUNCTION void raise(State& s, T shift) {
    if (s.sum != 0.0)
      s.sum *= static_cast<double>(math::Precise::exp(Scores::reference(s.shift) - Scores::reference(shift)));
    s.shift = shift;
  }
  /// One look at the reference for all values, then groups of four. The reference is at most 2 below the largest value,
  /// so that the arguments of those exponentials that count are small, and the approximate exponential will do: it errs
  /// by the rounding of its argument.
  template <int N>
  static MYLOS_FUNCTION void take(State& s, const VectorLossOptions&, const T* x, const T*, const T*) {
    T largest = x[0];
    MYLOS_UNROLL
    for (int k = 1; k < N; ++k) largest = math::Precise::maximum(largest, x[k]);
    if (largest > s.shift + T(2)) raise(s, largest);
    const T r = Scores::reference(s.shift);
    T e[N];
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) e[k] = math::Reduced::exp(x[k] - r);
    if constexpr (N % 4 == 0) {
      MYLOS_UNROLL
      for (int k = 0; k < N; k += 4) s.sum += static_cast<double>((e[k] + e[k + 1]) + (e[k + 2] + e[k + 3]));
    } else {
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) s.sum += static_cast<double>(e[k]);
    }
  }
};

template <class T>
struct VectorReducer<VectorLoss::weighted_scores, T> {
  static constexpr int inputs = 3;
  using Scores = VectorReducer<VectorLoss::scores, T>;
  struct State {
    typename Scores::State scores;
    double weight;    // sum of the classes' factors
    double weighted;  // of factors times scores
  };
  static MYLOS_FUNCTION State identity() { return {Scores::identity(), 0.0, 0.0}; }
  static MYLOS_FUNCTION void combine(State& s, const State& t) {
    Scores::combine(s.scores, t.scores);
    s.weight += t.weight;
    s.weighted += t.weighted;
  }
  static MYLOS_FUNCTION double factor(const VectorLossOptions& o, T a, T b) {
    return (static_cast<double>(a) * o.share + o.spread) * static_cast<double>(b);
  }
  template <int N>
  static MYLOS_FUNCTION void take(State& s, const VectorLossOptions& o, const T* x, const T* a, const T* b) {
    Scores::template take<N>(s.scores, o, x, nullptr, nullptr);
    if (o.a < 0 && o.b < 0) {
      const double f = factor(o, T(1), T(1));
      s.weight += f * N;
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) s.weighted += f * static_cast<double>(x[k]);
      return;
    }
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) {
      const double f = factor(o, a[k], b[k]);
      s.weight += f;
      s.weighted += f * static_cast<double>(x[k]);
    }
  }
};

template <class T>
struct VectorReducer<VectorLoss::cosine, T> {
  static constexpr int inputs = 2;
  struct State {
    double product;
    double x_squares;
    double a_squares;
  };
  static MYLOS_FUNCTION State identity() { return {0.0, 0.0, 0.0}; }
  static MYLOS_FUNCTION void combine(State& s, const State& t) {
    s.product += t.product;
    s.x_squares += t.x_squares;
    s.a_squares += t.a_squares;
  }
  template <int N>
  static MYLOS_FUNCTION void take(State& s, const VectorLossOptions&, const T* x, const T* a, const T*) {
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) {
      const auto p = static_cast<double>(x[k]);
      const auto q = static_cast<double>(a[k]);
      s.product += p * q;
      s.x_squares += p * p;
      s.a_squares += q * q;
    }
  }
};

/// One coordinate's part of a distance, and how parts are put together.
template <class T>
MYLOS_FUNCTION double distance_term(NormKind norm, T p, T eps, T x, T y) {
  const T d = (x - y) + eps;
  const auto wide = static_cast<double>(d);
  if (norm == NormKind::two) return wide * wide;
  if (norm != NormKind::power) return wide < 0.0 ? -wide : wide;
  return static_cast<double>(math::Precise::pow(math::Precise::abs(d), p));
}
MYLOS_FUNCTION double add_terms(NormKind norm, double s, double t) {
  if (norm != NormKind::infinite) return s + t;
  return t > s || t != t ? t : s;  // NaN stays: s > NaN is false
}

/// Sums of powers of differences, or their maximum.
template <class T>
struct VectorReducer<VectorLoss::triplet, T> {
  static constexpr int inputs = 3;
  struct State {
    double positive;  // anchor and positive
    double negative;  // anchor and negative
    double swapped;   // positive and negative
  };
  static MYLOS_FUNCTION State identity() { return {0.0, 0.0, 0.0}; }
  static MYLOS_FUNCTION void combine(NormKind norm, State& s, const State& t) {
    s.positive = add_terms(norm, s.positive, t.positive);
    s.negative = add_terms(norm, s.negative, t.negative);
    s.swapped = add_terms(norm, s.swapped, t.swapped);
  }
  template <int N, NormKind Norm>
  static MYLOS_FUNCTION void take_norm(State& s, const VectorLossOptions& o, const T* x, const T* a, const T* b) {
    const T p = static_cast<T>(o.p);
    const T eps = static_cast<T>(o.eps);
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) {
      s.positive = add_terms(Norm, s.positive, distance_term(Norm, p, eps, x[k], a[k]));
      s.negative = add_terms(Norm, s.negative, distance_term(Norm, p, eps, x[k], b[k]));
    }
    if (!o.swap) return;
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) s.swapped = add_terms(Norm, s.swapped, distance_term(Norm, p, eps, a[k], b[k]));
  }
  template <int N>
  static MYLOS_FUNCTION void take(State& s, const VectorLossOptions& o, const T* x, const T* a, const T* b) {
    switch (o.norm) {
      case NormKind::one:
        return take_norm<N, NormKind::one>(s, o, x, a, b);
      case NormKind::two:
        return take_norm<N, NormKind::two>(s, o, x, a, b);
      case NormKind::infinite:
        return take_norm<N, NormKind::infinite>(s, o, x, a, b);
      case NormKind::power:
        return take_norm<N, NormKind::power>(s, o, x, a, b);
    }
  }
};

template <VectorLoss L, class T>
MYLOS_FUNCTION void combine_vectors(const VectorLossOptions& o, typename VectorReducer<L, T>::State& s,
                                    const typename VectorReducer<L, T>::State& t) {
  if constexpr (L == VectorLoss::triplet)
    VectorReducer<L, T>::combine(o.norm, s, t);
  else
    VectorReducer<L, T>::combine(s, t);
}

}  // namespace mylos::detail
