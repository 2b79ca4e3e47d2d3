// What a scan carries: a state, how values enter it in their order, and how two states become one. Free of Kokkos and
// vendor headers; the same code runs in every kernel.
#pragma once

#include <cstdint>

#include <mylos/math.hpp>

namespace mylos::detail {

enum class ScanMonoid : std::uint8_t { sum, product, maximum, arg_maximum, log_sum_exp };

template <class T>
MYLOS_FUNCTION constexpr T infinity_of() {
  return static_cast<T>(__builtin_huge_val());
}

/// State; neutral(): the value that changes no state; identity(); take(state, value, position): the value enters;
/// combine(state, later); value_of(state).
template <ScanMonoid M, class T>
struct Scanner;

/// f32 in f64.
template <>
struct Scanner<ScanMonoid::sum, float> {
  using State = double;
  static MYLOS_FUNCTION float neutral() { return 0.0f; }
  static MYLOS_FUNCTION State identity() { return 0.0; }
  static MYLOS_FUNCTION void take(State& s, float v, std::int64_t) { s += static_cast<double>(v); }
  static MYLOS_FUNCTION void combine(State& s, const State& later) { s += later; }
  static MYLOS_FUNCTION float value_of(const State& s) { return static_cast<float>(s); }
};

/// f64 in two doubles: Knuth's exact sum of two, the errors summed apart.
template <>
struct Scanner<ScanMonoid::sum, double> {
  struct State {
    double high;
    double low;
  };
  static MYLOS_FUNCTION double neutral() { return 0.0; }
  static MYLOS_FUNCTION State identity() { return {0.0, 0.0}; }
  static MYLOS_FUNCTION void take(State& s, double v, std::int64_t) {
    const double sum = s.high + v;
    const double other = sum - s.high;
    s.low += (s.high - (sum - other)) + (v - other);
    s.high = sum;
  }
  static MYLOS_FUNCTION void combine(State& s, const State& later) {
    take(s, later.high, 0);
    s.low += later.low;
  }
  /// Of infinities and NaN, the errors mean nothing.
  static MYLOS_FUNCTION double value_of(const State& s) { return s.high - s.high == 0.0 ? s.high + s.low : s.high; }
};

/// In 64 bits, wrapping.
template <>
struct Scanner<ScanMonoid::sum, std::int64_t> {
  using State = std::uint64_t;
  static MYLOS_FUNCTION std::int64_t neutral() { return 0; }
  static MYLOS_FUNCTION State identity() { return 0; }
  static MYLOS_FUNCTION void take(State& s, std::int64_t v, std::int64_t) { s += static_cast<State>(v); }
  static MYLOS_FUNCTION void combine(State& s, State later) { s += later; }
  static MYLOS_FUNCTION std::int64_t value_of(State s) { return static_cast<std::int64_t>(s); }
};

template <>
struct Scanner<ScanMonoid::product, std::int64_t> {
  using State = std::uint64_t;
  static MYLOS_FUNCTION std::int64_t neutral() { return 1; }
  static MYLOS_FUNCTION State identity() { return 1; }
  static MYLOS_FUNCTION void take(State& s, std::int64_t v, std::int64_t) { s *= static_cast<State>(v); }
  static MYLOS_FUNCTION void combine(State& s, State later) { s *= later; }
  static MYLOS_FUNCTION std::int64_t value_of(State s) { return static_cast<std::int64_t>(s); }
};

/// number * 2^exponent. A product of pieces, each of which may be far out of f64's range, comes out as that of the
/// elements one by one would with unbounded exponents: 0 times what has overflowed is no NaN. Settled: the number is
/// within 2^-300 to 2^300, or 0, infinite or NaN; the exponent within 2^30, more than 7 million of the largest f32.
struct ScaledNumber {
  double number;
  int exponent;

  static constexpr int range = 300;
  static MYLOS_FUNCTION int field_of(double v) { return static_cast<int>(bits_as<std::uint64_t>(v) >> 52) & 0x7ff; }
  /// 2^e, -1022 <= e <= 1023.
  static MYLOS_FUNCTION double power_of_two(int e) {
    return bits_as<double>(static_cast<std::uint64_t>(1023 + e) << 52);
  }
  MYLOS_FUNCTION bool is_settled() const {
    return static_cast<unsigned>(field_of(number) - (1023 - range)) <= 2u * range;
  }
  /// The number to 1 <= |number| < 2, unless it is 0, infinite or NaN.
  MYLOS_FUNCTION void normalize() {
    if (number == 0.0 || number - number != 0.0) return;
    if (field_of(number) == 0) {
      number *= 18014398509481984.0;  // 2^54: of a subnormal number
      exponent -= 54;
    }
    const int power = field_of(number) - 1023;
    number *= power > 1000 ? power_of_two(-1000) * power_of_two(1000 - power) : power_of_two(-power);
    exponent += power;
  }
  MYLOS_FUNCTION void settle() {
    if (is_settled()) return;
    normalize();
    constexpr int most = 1 << 30;
    exponent = exponent > most ? most : (exponent < -most ? -most : exponent);
  }
  /// As an f64 that up to four f32 may still be multiplied with: clamped where they leave 0 or infinity as f32 anyway.
  MYLOS_FUNCTION double scaled() const {
    if (exponent == 0) return number;
    // Far out, most often: nothing to work out.
    if (exponent < -1100 && is_settled()) return number < 0.0 ? -power_of_two(-1000) : power_of_two(-1000);
    if (exponent > 1100 && is_settled()) return number < 0.0 ? -power_of_two(1000) : power_of_two(1000);
    ScaledNumber s = *this;
    s.normalize();
    const int e = s.exponent > 730 ? 730 : (s.exponent < -700 ? -700 : s.exponent);
    return s.number * power_of_two(e);
  }
  MYLOS_FUNCTION double rounded() const {
    if (exponent == 0) return number;
    ScaledNumber s = *this;
    s.normalize();
    const int e = s.exponent > 1100 ? 1100 : (s.exponent < -1100 ? -1100 : s.exponent);
    return s.number * power_of_two(e / 2) * power_of_two(e - e / 2);  // rounded at most once
  }
};

template <class T>
struct Scanner<ScanMonoid::product, T> {
  using State = ScaledNumber;
  static MYLOS_FUNCTION T neutral() { return T(1); }
  static MYLOS_FUNCTION State identity() { return {1.0, 0}; }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t) {
    if constexpr (std::is_same_v<T, float>) {
      s.number *= static_cast<double>(v);
      s.settle();
    } else {
      ScaledNumber factor{v, 0};
      factor.settle();
      combine(s, factor);
    }
  }
  static MYLOS_FUNCTION void combine(State& s, const State& later) {
    s.number *= later.number;
    s.exponent += later.exponent;
    s.settle();
  }
  static MYLOS_FUNCTION T value_of(const State& s) {
    if constexpr (std::is_same_v<T, float>) return static_cast<float>(s.scaled());
    return static_cast<T>(s.rounded());
  }
};

template <class T>
struct Scanner<ScanMonoid::maximum, T> {
  using State = T;
  static MYLOS_FUNCTION T neutral() { return -infinity_of<T>(); }
  static MYLOS_FUNCTION State identity() { return neutral(); }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t) { s = math::Precise::maximum(s, v); }
  static MYLOS_FUNCTION void combine(State& s, T later) { s = math::Precise::maximum(s, later); }
  static MYLOS_FUNCTION T value_of(T s) { return s; }
};

/// The last of the largest, NaN being the largest. Positions count in the order of the scan; -1: no element.
template <class T>
struct Scanner<ScanMonoid::arg_maximum, T> {
  struct State {
    T value;
    std::int64_t position;
  };
  static MYLOS_FUNCTION T neutral() { return -infinity_of<T>(); }
  static MYLOS_FUNCTION State identity() { return {neutral(), -1}; }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t position) { combine(s, {v, position}); }
  static MYLOS_FUNCTION void combine(State& s, const State& later) {
    const bool replaced = (later.value >= s.value) | (later.value != later.value);
    // What has not a single element is -inf and replaces nothing but -inf.
    const std::int64_t last = later.position > s.position ? later.position : s.position;
    s.value = replaced ? later.value : s.value;
    s.position = replaced ? last : s.position;
  }
  static MYLOS_FUNCTION T value_of(const State& s) { return s.value; }
};

/// sum e^(x - shift). The shift follows the largest x in steps of at least 4, so that rescaling errs a few times at
/// most, however the values rise. Infinities come out by themselves: their reference is 0.
template <class T>
struct Scanner<ScanMonoid::log_sum_exp, T> {
  struct State {
    T shift;
    double sum;
  };
  static MYLOS_FUNCTION T neutral() { return -infinity_of<T>(); }
  static MYLOS_FUNCTION State identity() { return {neutral(), 0.0}; }
  static MYLOS_FUNCTION T reference(T shift) { return shift - shift == T(0) ? shift : T(0); }
  static MYLOS_FUNCTION void raise(State& s, T shift) {
    if (s.sum != 0.0) s.sum *= static_cast<double>(math::Precise::exp(reference(s.shift) - reference(shift)));
    s.shift = shift;
  }
  static MYLOS_FUNCTION void take(State& s, T v, std::int64_t) {
    if (v > s.shift + T(4)) raise(s, v);
    s.sum += static_cast<double>(math::Precise::exp(v - reference(s.shift)));
  }
  static MYLOS_FUNCTION void combine(State& s, const State& later) {
    State u = later;
    if (u.shift > s.shift) raise(s, u.shift);
    if (s.shift > u.shift) raise(u, s.shift);
    s.sum += u.sum;
  }
  static MYLOS_FUNCTION T value_of(const State& s) {
    return reference(s.shift) + math::Precise::log(static_cast<T>(s.sum));
  }
};

}  // namespace mylos::detail
