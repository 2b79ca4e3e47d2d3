// What a reduction accumulates: a state, how values enter it four at a time, and how two states become one. Free of
// Kokkos and vendor headers; the same code runs in every kernel.
//
// Values of type float enter in groups of four, summed as a tree in f32, and go into an accumulator of type double: two
// roundings to f32 whatever the length. Values of type double go into a compensated accumulator (two doubles).
#pragma once

#include <cstdint>
#include <limits>

#include <mylos/math.hpp>

namespace mylos::detail {

enum class Monoid : std::uint8_t { sum, sum_of_squares, product, maximum, arg_maximum, log_sum_exp, moments };

inline constexpr std::int64_t no_index = std::numeric_limits<std::int64_t>::max();

/// hi + lo: Knuth's exact sum of two, the errors summed apart.
struct CompensatedSum {
  double hi;
  double lo;
  MYLOS_FUNCTION void add(double x) {
    const double sum = hi + x;
    const double other = sum - hi;
    lo += (hi - (sum - other)) + (x - other);
    hi = sum;
  }
  /// Of infinities and NaN, the errors mean nothing.
  MYLOS_FUNCTION double value() const { return hi - hi == 0.0 ? hi + lo : hi; }
};

MYLOS_FUNCTION void accumulate(double& sum, float x) { sum += static_cast<double>(x); }
MYLOS_FUNCTION void accumulate(double& sum, double x) { sum += x; }
MYLOS_FUNCTION void accumulate(CompensatedSum& sum, double x) { sum.add(x); }
MYLOS_FUNCTION void accumulate(std::int64_t& sum, std::int64_t x) {
  sum = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) + static_cast<std::uint64_t>(x));  // wraps
}
MYLOS_FUNCTION void accumulate(CompensatedSum& sum, const CompensatedSum& other) {
  sum.add(other.hi);
  sum.lo += other.lo;
}
MYLOS_FUNCTION double value_of(double sum) { return sum; }
MYLOS_FUNCTION double value_of(const CompensatedSum& sum) { return sum.value(); }
MYLOS_FUNCTION std::int64_t value_of(std::int64_t sum) { return sum; }

template <class T>
struct SumOf;
template <>
struct SumOf<float> {
  using type = double;
};
template <>
struct SumOf<double> {
  using type = CompensatedSum;
};
template <>
struct SumOf<std::int64_t> {
  using type = std::int64_t;
};

template <class T>
MYLOS_FUNCTION constexpr T lowest_value() {
  if constexpr (std::is_same_v<T, std::int64_t>) return INT64_MIN;
  return static_cast<T>(-__builtin_huge_val());
}

template <Monoid M, class T>
struct Reducer;

template <class T>
struct Reducer<Monoid::sum, T> {
  using State = typename SumOf<T>::type;
  static MYLOS_FUNCTION State identity() { return State{}; }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t) { accumulate(s, v); }
  static MYLOS_FUNCTION void take4(State& s, T a, T b, T c, T d, std::int64_t, std::int64_t) {
    if constexpr (std::is_same_v<T, float>) {
      accumulate(s, (a + b) + (c + d));
    } else {
      accumulate(s, a);
      accumulate(s, b);
      accumulate(s, c);
      accumulate(s, d);
    }
  }
  static MYLOS_FUNCTION void combine(State& s, const State& t) { accumulate(s, t); }
};

/// Squares of f32 are exact in f64 and do not overflow there.
template <class T>
struct Reducer<Monoid::sum_of_squares, T> {
  using State = typename SumOf<T>::type;
  static MYLOS_FUNCTION State identity() { return State{}; }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t) {
    accumulate(s, static_cast<double>(v) * static_cast<double>(v));
  }
  static MYLOS_FUNCTION void take4(State& s, T a, T b, T c, T d, std::int64_t, std::int64_t) {
    take(s, a, 0);
    take(s, b, 0);
    take(s, c, 0);
    take(s, d, 0);
  }
  static MYLOS_FUNCTION void combine(State& s, const State& t) { accumulate(s, t); }
};

template <class T>
struct Reducer<Monoid::product, T> {
  using State = std::conditional_t<std::is_same_v<T, std::int64_t>, std::uint64_t, double>;
  static MYLOS_FUNCTION State identity() { return State(1); }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t) { s *= static_cast<State>(v); }
  static MYLOS_FUNCTION void take4(State& s, T a, T b, T c, T d, std::int64_t, std::int64_t) {
    s *= (static_cast<State>(a) * static_cast<State>(b)) * (static_cast<State>(c) * static_cast<State>(d));
  }
  static MYLOS_FUNCTION void combine(State& s, State t) { s *= t; }
};

template <class T>
struct Reducer<Monoid::maximum, T> {
  using State = T;
  static MYLOS_FUNCTION State identity() { return lowest_value<T>(); }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t) { s = math::Precise::maximum(s, v); }
  static MYLOS_FUNCTION void take4(State& s, T a, T b, T c, T d, std::int64_t, std::int64_t) {
    using math::Precise;
    s = Precise::maximum(s, Precise::maximum(Precise::maximum(a, b), Precise::maximum(c, d)));
  }
  static MYLOS_FUNCTION void combine(State& s, T t) { take(s, t, 0); }
};

/// The first of the largest; NaN is larger than anything.
template <class T>
struct Reducer<Monoid::arg_maximum, T> {
  struct State {
    T value;
    std::int64_t index;
  };
  static MYLOS_FUNCTION State identity() { return {lowest_value<T>(), no_index}; }
  /// Of values in rising order of their indices.
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t index) {
    const bool larger = (!(v <= s.value) && s.value == s.value) || s.index == no_index;
    s.value = larger ? v : s.value;
    s.index = larger ? index : s.index;
  }
  static MYLOS_FUNCTION void take4(State& s, T a, T b, T c, T d, std::int64_t index, std::int64_t step) {
    take(s, a, index);
    take(s, b, index + step);
    take(s, c, index + 2 * step);
    take(s, d, index + 3 * step);
  }
  static MYLOS_FUNCTION void combine(State& s, const State& t) {
    const bool s_nan = s.value != s.value;
    const bool t_nan = t.value != t.value;
    const bool same = s_nan ? t_nan : s.value == t.value;
    const bool other = same ? t.index < s.index : (t_nan || t.value > s.value);
    // One of no values at all has no index and loses, whatever it holds.
    if ((other && t.index != no_index) || s.index == no_index) s = t;
  }
};

/// sum e^(x - shift). The shift follows the largest x in steps of at least 4, so that rescaling errs a few times at
/// most, however the values rise; what is left out of it, e^4 or less, is harmless. Infinities come out by themselves.
template <class T>
struct Reducer<Monoid::log_sum_exp, T> {
  struct State {
    T shift;  // lowest_value() before the first finite value
    double sum;
  };
  static MYLOS_FUNCTION State identity() { return {lowest_value<T>(), 0.0}; }
  /// What is subtracted: 0 for infinities, which then become e^inf = inf and e^-inf = 0.
  static MYLOS_FUNCTION T reference(T shift) { return shift - shift == T(0) ? shift : T(0); }
  static MYLOS_FUNCTION void raise(State& s, T shift) {
    if (s.sum != 0.0) s.sum *= ::exp(static_cast<double>(reference(s.shift)) - static_cast<double>(reference(shift)));
    s.shift = shift;
  }
  /// On a GPU the approximate one of f32, which errs by the rounding of its argument.
  static MYLOS_FUNCTION T exponential(T x) { return math::Reduced::exp(x); }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t) {
    if (v > s.shift + T(4)) raise(s, v);
    s.sum += static_cast<double>(exponential(v - reference(s.shift)));
  }
  static MYLOS_FUNCTION void take4(State& s, T a, T b, T c, T d, std::int64_t, std::int64_t) {
    using math::Precise;
    const T largest = Precise::maximum(Precise::maximum(a, b), Precise::maximum(c, d));
    if (largest > s.shift + T(4)) raise(s, largest);
    const T r = reference(s.shift);
    s.sum += static_cast<double>((exponential(a - r) + exponential(b - r)) + (exponential(c - r) + exponential(d - r)));
  }
  static MYLOS_FUNCTION void combine(State& s, const State& t) {
    State u = t;
    if (t.shift > s.shift) raise(s, t.shift);
    if (s.shift > u.shift) raise(u, s.shift);
    s.sum += u.sum;
  }
};

/// Number, mean and sum of squared deviations; two sets become one as in Chan, Golub and LeVeque 1983.
template <class T>
struct Reducer<Monoid::moments, T> {
  struct State {
    double count;
    double mean;
    double squares;
  };
  static MYLOS_FUNCTION State identity() { return {0.0, 0.0, 0.0}; }
  static MYLOS_FUNCTION double mean(const State& s) { return s.mean; }
  static MYLOS_FUNCTION double squares(const State& s) { return s.squares; }
  static MYLOS_FUNCTION void combine(State& s, const State& t) {
    const double count = s.count + t.count;
    const double share = t.count == 0.0 ? 0.0 : t.count / count;
    const double delta = t.mean - s.mean;
    s.squares += t.squares + (share == 0.0 ? 0.0 : delta * delta * (s.count * share));
    s.mean += share == 0.0 ? 0.0 : delta * share;
    s.count = count;
  }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t) { combine(s, {1.0, static_cast<double>(v), 0.0}); }
  /// The four's own mean is rounded; what it is off by, the deviations from it say.
  static MYLOS_FUNCTION void take4(State& s, T a, T b, T c, T d, std::int64_t, std::int64_t) {
    constexpr T quarter = T(0.25);
    const T mean = (a * quarter + b * quarter) + (c * quarter + d * quarter);
    const T p = a - mean;
    const T q = b - mean;
    const T r = c - mean;
    const T t = d - mean;
    const T off = ((p + q) + (r + t)) * quarter;
    const T squares = (p * p + q * q) + (r * r + t * t);
    combine(s, {4.0, static_cast<double>(mean) + static_cast<double>(off),
                static_cast<double>(squares) - 4.0 * static_cast<double>(off) * static_cast<double>(off)});
  }
};

/// Of f32, in f64: sums of the deviations from a pivot and of their squares. The pivot is the first value, and after
/// `settled` values the mean of those: what cancels at the end is then at most n / settled times what stays, whatever
/// the first value was.
template <>
struct Reducer<Monoid::moments, float> {
  struct State {
    double count;
    double pivot;
    double first;
    double second;
  };
  static constexpr double settled = 1024.0;
  static MYLOS_FUNCTION State identity() { return {0.0, 0.0, 0.0, 0.0}; }
  static MYLOS_FUNCTION double mean(const State& s) { return s.pivot + (s.count == 0.0 ? 0.0 : s.first / s.count); }
  static MYLOS_FUNCTION double squares(const State& s) {
    const double squares = s.second - (s.count == 0.0 ? 0.0 : s.first * (s.first / s.count));
    return squares < 0.0 ? 0.0 : squares;  // NaN stays
  }
  static MYLOS_FUNCTION void add(State& s, float v) {
    const double d = static_cast<double>(v) - s.pivot;
    s.first += d;
    s.second += d * d;
  }
  static MYLOS_FUNCTION void take(State& s, float v, std::int64_t) {
    s.pivot = s.count == 0.0 ? static_cast<double>(v) : s.pivot;
    add(s, v);
    s.count += 1.0;
  }
  static MYLOS_FUNCTION void take4(State& s, float a, float b, float c, float d, std::int64_t, std::int64_t) {
    s.pivot = s.count == 0.0 ? static_cast<double>(a) : s.pivot;
    add(s, a);
    add(s, b);
    add(s, c);
    add(s, d);
    s.count += 4.0;
    if (s.count == settled) s = moved(s);
  }
  /// The same with its mean for a pivot.
  static MYLOS_FUNCTION State moved(const State& s) { return {s.count, mean(s), 0.0, squares(s)}; }
  /// As in Chan, Golub and LeVeque 1983.
  static MYLOS_FUNCTION void combine(State& s, const State& t) {
    if (t.count == 0.0) return;
    const double count = s.count + t.count;
    const double share = t.count / count;
    const double delta = mean(t) - mean(s);
    const bool is_first = s.count == 0.0;
    const double rest = is_first ? 0.0 : delta * delta * (s.count * share);
    s = {count, is_first ? mean(t) : mean(s) + delta * share, 0.0, squares(s) + squares(t) + rest};
  }
};

}  // namespace mylos::detail
