// What a row operator computes, once for every kernel of every backend: a statistic of the row, which is a monoid, then
// a map of each value. Free of Kokkos and vendor headers.
//
// T is the type of the values (float or double), A the type that sums are kept in: double on the host and wherever a
// row is cut into many parts, T where a kernel adds few parts as a tree. A policy P has
//   P::State                        the statistic of a part of the row
//   P::empty()                      of no values
//   P::of<M, Lanes>(tile, numbers)  of the values of a tile
//   P::merge<M>(a, b)               of two parts; the order of merging decides the last bits, so it must not depend on
//                                   how many rows there are
//   P::add<M, Lanes>(state, tile, numbers)  where adds_tiles<P>: merge(state, of(tile)), at less cost
//   P::combine<M>(state, group)     of the parts of a group of threads, in each of them; group.reduce(v, f) and
//                                   group.sum(v) combine their values
//   P::finish<M>(state, numbers)    the row's constants, from the statistic of the whole row
//   P::map<M>(value, constants)     the result, before the affine part
// M has the elementary functions (math.hpp). A tile has size(), operator[](k), valid(k), count() (of valid values) and
// first() (any of them; 0 if there is none): RowTile in registers, or a block in the cache. What is not valid changes
// nothing, whatever it is. Lanes is how many partial sums run beside each other, for loops that are to vectorise;
// size() is a multiple of it.
#pragma once

#include <mylos/math.hpp>

#include "row/problem.hpp"
#include "row/tile.hpp"

namespace mylos::detail {

/// What a statistic needs to know besides the values.
template <class T>
struct RowNumbers {
  T length;
  T eps;
  T exponent;
};

template <class T>
RowNumbers<T> numbers_of(const RowProblem& problem) {
  return {static_cast<T>(problem.length()), static_cast<T>(problem.eps), static_cast<T>(problem.exponent)};
}

/// What the map needs to know of a row.
template <class T>
struct RowConstants {
  T shift;
  T low;  // continues shift: the mean is shift + low; log_softmax: the log of the sum
  T scale;
};

template <class T>
MYLOS_FUNCTION constexpr T minus_infinity() {
  return -T(INFINITY);  // not std::numeric_limits, whose functions device code may not call
}

/// The largest value and the sum of exp(value - largest), "online" as parts come in: Milakov and Gimelshein 2018, arXiv
/// 1805.02867. NaN is not looked for: it reaches the sum through its exponential, and so do infinities.
template <class T, class A>
struct ExponentialSum {
  struct State {
    T max;
    A sum;
  };
  MYLOS_FUNCTION static State empty() { return {minus_infinity<T>(), A(0)}; }
  /// What is subtracted in the exponent: 0 where all values are -inf, so that their exponentials are 0 and not NaN.
  MYLOS_FUNCTION static T origin(T max) { return max == minus_infinity<T>() ? T(0) : max; }

  template <class M, int Lanes = 1, class Tile>
  MYLOS_FUNCTION static State of(const Tile& v, const RowNumbers<T>&) {
    const T max =
        max_of<Lanes>(v.size(), minus_infinity<T>(), [&](int k) { return v.valid(k) ? T(v[k]) : minus_infinity<T>(); });
    const T zero = origin(max);
    const T sum = sum_of<Lanes, T>(v.size(), [&](int k) {
      const T e = M::exp(v[k] - zero);
      return v.valid(k) ? e : T(0);
    });
    return {max, A(sum)};
  }
  template <class M>
  MYLOS_FUNCTION static State merge(const State& a, const State& b) {
    const T max = a.max < b.max ? b.max : a.max;
    const T zero = origin(max);
    return {max, a.sum * A(M::exp(a.max - zero)) + b.sum * A(M::exp(b.max - zero))};
  }
  /// The exponentials, relative to the common maximum at once, may err by more than those of the results: what the
  /// exponent's rounding costs counts twice here.
  template <class M, int Lanes, class Tile>
  MYLOS_FUNCTION static State add(const State& state, const Tile& v, const RowNumbers<T>&) {
    const T max = max_of<Lanes>(v.size(), state.max, [&](int k) { return v.valid(k) ? T(v[k]) : minus_infinity<T>(); });
    const T zero = origin(max);
    const T sum = sum_of<Lanes, T>(v.size(), [&](int k) {
      const T e = math::Reduced::exp(v[k] - zero);
      return v.valid(k) ? e : T(0);
    });
    return {max, state.sum * A(M::exp(state.max - zero)) + A(sum)};
  }
  template <class M, class Group>
  MYLOS_FUNCTION static State combine(const State& part, const Group& group) {
    const T max = group.reduce(part.max, [](T a, T b) { return a < b ? b : a; });
    return {max, group.sum(part.sum * A(M::exp(part.max - origin(max))))};
  }
};

template <class T, class A>
struct SoftmaxPolicy : ExponentialSum<T, A> {
  using State = typename ExponentialSum<T, A>::State;
  template <class M>
  MYLOS_FUNCTION static RowConstants<T> finish(const State& state, const RowNumbers<T>&) {
    return {state.max, T(0), T(1) / T(state.sum)};
  }
  template <class M>
  MYLOS_FUNCTION static T map(T value, const RowConstants<T>& c) {
    return M::product(M::exp(value - c.shift), c.scale);
  }
  /// of(), with the exponentials kept: a result is one of them times the factor of its tile.
  template <class M, int Lanes, class Tile>
  MYLOS_FUNCTION static State hold(const Tile& v, T* __restrict__ held) {
    const T max = max_of<Lanes>(v.size(), minus_infinity<T>(), [&](int k) { return T(v[k]); });
    const T zero = ExponentialSum<T, A>::origin(max);
    const T sum = sum_of<Lanes, T>(v.size(), [&](int k) {
      const T e = M::exp(v[k] - zero);
      held[k] = e;
      return e;
    });
    return {max, A(sum)};
  }
  template <class M>
  MYLOS_FUNCTION static T held_factor(const State& tile, const RowConstants<T>& c) {
    return M::exp(tile.max - c.shift) * c.scale;  // 0 where all of the tile is -inf
  }
};

template <class P>
inline constexpr bool holds_values = false;
template <class T, class A>
inline constexpr bool holds_values<SoftmaxPolicy<T, A>> = true;

template <class T, class A>
struct LogSoftmaxPolicy : ExponentialSum<T, A> {
  using State = typename ExponentialSum<T, A>::State;
  template <class M>
  MYLOS_FUNCTION static RowConstants<T> finish(const State& state, const RowNumbers<T>&) {
    return {state.max, M::log(T(state.sum)), T(1)};
  }
  template <class M>
  MYLOS_FUNCTION static T map(T value, const RowConstants<T>& c) {
    return (value - c.shift) - c.low;
  }
};

/// Mean and sum of squared deviations. A tile's are found in two passes over it, relative to its first value, and tiles
/// are merged pairwise (Chan, Golub and LeVeque 1983): nothing cancels, whatever the mean. With A = double the mean is
/// known beyond T's last digit, and the map subtracts it in two parts.
template <class T, class A>
struct StandardizePolicy {
  struct State {
    A mean;
    A squares;  // sum of (value - mean)^2
    A count;
  };
  MYLOS_FUNCTION static State empty() { return {A(0), A(0), A(0)}; }

  template <class M, int Lanes = 1, class Tile>
  MYLOS_FUNCTION static State of(const Tile& v, const RowNumbers<T>&) {
    const T count = T(v.count());
    if (count == T(0)) return empty();
    const T first = v.first();
    const T sum = sum_of<Lanes, T>(v.size(), [&](int k) { return v.valid(k) ? v[k] - first : T(0); });
    const T mean = sum / count;
    const T squares = sum_of<Lanes, T>(v.size(), [&](int k) {
      const T d = v.valid(k) ? (v[k] - first) - mean : T(0);
      return d * d;
    });
    return {A(first) + A(mean), A(squares), A(count)};
  }
  template <class M>
  MYLOS_FUNCTION static State merge(const State& a, const State& b) {
    if (a.count == A(0)) return b;
    if (b.count == A(0)) return a;
    const A count = a.count + b.count;
    const A share = b.count / count;
    const A d = b.mean - a.mean;
    return {a.mean + d * share, a.squares + b.squares + d * d * (a.count * share), count};
  }
  /// The share is rounded to T: the means differ by no more than the values do.
  template <class M, int Lanes, class Tile>
  MYLOS_FUNCTION static State add(const State& state, const Tile& v, const RowNumbers<T>& numbers) {
    const State part = of<M, Lanes>(v, numbers);
    const A count = state.count + part.count;
    const A share = A(T(part.count) / (count > A(0) ? T(count) : T(1)));
    const A d = part.mean - state.mean;
    return {state.mean + d * share, state.squares + part.squares + d * d * (state.count * share), count};
  }
  /// By the common mean, which needs no division for each part.
  template <class M, class Group>
  MYLOS_FUNCTION static State combine(const State& part, const Group& group) {
    const A count = group.sum(part.count);
    const A mean = group.sum(part.mean * part.count) / (count > A(0) ? count : A(1));
    const A d = part.mean - mean;
    return {mean, group.sum(part.count > A(0) ? part.squares + d * d * part.count : A(0)), count};
  }
  template <class M>
  MYLOS_FUNCTION static RowConstants<T> finish(const State& state, const RowNumbers<T>& numbers) {
    const T high = T(state.mean);
    const T variance = T(state.squares) / numbers.length;
    return {high, T(state.mean - A(high)), M::rsqrt(variance + numbers.eps)};
  }
  template <class M>
  MYLOS_FUNCTION static T map(T value, const RowConstants<T>& c) {
    return M::product((value - c.shift) - c.low, c.scale);
  }
};

/// A sum over the row of something that each value gives, then a factor.
template <class T, class A>
struct ScalePolicy {
  struct State {
    A sum;
  };
  MYLOS_FUNCTION static State empty() { return {A(0)}; }
  template <class M>
  MYLOS_FUNCTION static State merge(const State& a, const State& b) {
    return {a.sum + b.sum};
  }
  template <class M, class Group>
  MYLOS_FUNCTION static State combine(const State& part, const Group& group) {
    return {group.sum(part.sum)};
  }
  template <class M>
  MYLOS_FUNCTION static T map(T value, const RowConstants<T>& c) {
    return M::product(value, c.scale);
  }
  template <int Lanes, class Tile, class F>
  MYLOS_FUNCTION static State sum_over(const Tile& v, const F& f) {
    return {A(sum_of<Lanes, T>(v.size(), [&](int k) { return v.valid(k) ? f(v[k]) : T(0); }))};
  }
  /// 1 / max(norm, eps); NaN stays.
  MYLOS_FUNCTION static RowConstants<T> divide_by(T norm, T eps) {
    return {T(0), T(0), T(1) / (norm < eps ? eps : norm)};
  }
};

template <class T, class A>
struct RmsPolicy : ScalePolicy<T, A> {
  using State = typename ScalePolicy<T, A>::State;
  template <class M, int Lanes = 1, class Tile>
  MYLOS_FUNCTION static State of(const Tile& v, const RowNumbers<T>&) {
    return ScalePolicy<T, A>::template sum_over<Lanes>(v, [](T x) { return x * x; });
  }
  template <class M>
  MYLOS_FUNCTION static RowConstants<T> finish(const State& state, const RowNumbers<T>& numbers) {
    return {T(0), T(0), M::rsqrt(T(state.sum) / numbers.length + numbers.eps)};
  }
};

template <class T, class A>
struct L1Policy : ScalePolicy<T, A> {
  using State = typename ScalePolicy<T, A>::State;
  template <class M, int Lanes = 1, class Tile>
  MYLOS_FUNCTION static State of(const Tile& v, const RowNumbers<T>&) {
    return ScalePolicy<T, A>::template sum_over<Lanes>(v, [](T x) { return M::abs(x); });
  }
  template <class M>
  MYLOS_FUNCTION static RowConstants<T> finish(const State& state, const RowNumbers<T>& numbers) {
    return ScalePolicy<T, A>::divide_by(T(state.sum), numbers.eps);
  }
};

template <class T, class A>
struct L2Policy : ScalePolicy<T, A> {
  using State = typename ScalePolicy<T, A>::State;
  template <class M, int Lanes = 1, class Tile>
  MYLOS_FUNCTION static State of(const Tile& v, const RowNumbers<T>&) {
    return ScalePolicy<T, A>::template sum_over<Lanes>(v, [](T x) { return x * x; });
  }
  template <class M>
  MYLOS_FUNCTION static RowConstants<T> finish(const State& state, const RowNumbers<T>& numbers) {
    return ScalePolicy<T, A>::divide_by(T(M::sqrt(state.sum)), numbers.eps);
  }
};

template <class T, class A>
struct LpPolicy : ScalePolicy<T, A> {
  using State = typename ScalePolicy<T, A>::State;
  template <class M, int Lanes = 1, class Tile>
  MYLOS_FUNCTION static State of(const Tile& v, const RowNumbers<T>& numbers) {
    const T exponent = numbers.exponent;
    return ScalePolicy<T, A>::template sum_over<Lanes>(v, [=](T x) { return M::pow(M::abs(x), exponent); });
  }
  template <class M>
  MYLOS_FUNCTION static RowConstants<T> finish(const State& state, const RowNumbers<T>& numbers) {
    return ScalePolicy<T, A>::divide_by(M::pow(T(state.sum), T(1) / numbers.exponent), numbers.eps);
  }
};

/// The sum is the largest |value|; NaN stays.
template <class T, class A>
struct LinfPolicy : ScalePolicy<T, A> {
  using State = typename ScalePolicy<T, A>::State;
  template <class M, int Lanes = 1, class Tile>
  MYLOS_FUNCTION static State of(const Tile& v, const RowNumbers<T>&) {
    T max[Lanes] = {};
    MYLOS_UNROLL
    for (int k = 0; k < v.size(); k += Lanes) {
      MYLOS_UNROLL
      for (int l = 0; l < Lanes; ++l) max[l] = M::maximum(max[l], v.valid(k + l) ? M::abs(v[k + l]) : T(0));
    }
    fold<Lanes / 2>(max, [](T a, T b) { return M::maximum(a, b); });
    return {A(max[0])};
  }
  template <class M>
  MYLOS_FUNCTION static State merge(const State& a, const State& b) {
    return {M::maximum(a.sum, b.sum)};
  }
  template <class M, class Group>
  MYLOS_FUNCTION static State combine(const State& part, const Group& group) {
    return {group.reduce(part.sum, [](A a, A b) { return M::maximum(a, b); })};
  }
  template <class M>
  MYLOS_FUNCTION static RowConstants<T> finish(const State& state, const RowNumbers<T>& numbers) {
    return ScalePolicy<T, A>::divide_by(T(state.sum), numbers.eps);
  }
};

template <class P>
inline constexpr bool adds_tiles = false;
template <class T, class A>
inline constexpr bool adds_tiles<SoftmaxPolicy<T, A>> = true;
template <class T, class A>
inline constexpr bool adds_tiles<LogSoftmaxPolicy<T, A>> = true;
template <class T, class A>
inline constexpr bool adds_tiles<StandardizePolicy<T, A>> = true;

/// merge(state, of(tile)).
template <class P, class M, int Lanes, class Tile, class T>
MYLOS_FUNCTION typename P::State add_tile(const typename P::State& state, const Tile& tile,
                                          const RowNumbers<T>& numbers) {
  if constexpr (adds_tiles<P>)
    return P::template add<M, Lanes>(state, tile, numbers);
  else
    return P::template merge<M>(state, P::template of<M, Lanes>(tile, numbers));
}

/// Calls visit(policy) with an object of the operator's policy.
template <class T, class A, class Visit>
void visit_policy(RowOperator op, const Visit& visit) {
  switch (op) {
    case RowOperator::softmax:
      return visit(SoftmaxPolicy<T, A>());
    case RowOperator::log_softmax:
      return visit(LogSoftmaxPolicy<T, A>());
    case RowOperator::standardize:
      return visit(StandardizePolicy<T, A>());
    case RowOperator::rms:
      return visit(RmsPolicy<T, A>());
    case RowOperator::l1:
      return visit(L1Policy<T, A>());
    case RowOperator::l2:
      return visit(L2Policy<T, A>());
    case RowOperator::lp:
      return visit(LpPolicy<T, A>());
    case RowOperator::linf:
      return visit(LinfPolicy<T, A>());
  }
}

}  // namespace mylos::detail
