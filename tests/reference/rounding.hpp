// What a number becomes when it is stored, and what stored bits mean: by the definitions of IEEE 754 (scale, round to
// an integer, scale back), not by bit tricks, so that types.hpp is held to something else than itself.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mylos/types.hpp>

namespace mylos::test::reference {

struct Format {
  int precision;     // significant bits
  int min_exponent;  // of the smallest normal number
  int max_exponent;  // of the largest number
};

constexpr Format format_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return {53, -1022, 1023};
    case DType::f16:
      return {11, -14, 15};
    case DType::bf16:
      return {8, -126, 127};
    default:
      return {24, -126, 127};
  }
}

/// Distance between neighbours of v in the format, the format's exponents taken as unbounded above.
template <class R>
R ulp_of(R v, const Format& format) {
  int exponent = format.min_exponent;
  if (v != 0) {
    std::frexp(v, &exponent);
    exponent = exponent - 1 > format.min_exponent ? exponent - 1 : format.min_exponent;
  }
  return std::ldexp(R(1), exponent - format.precision + 1);
}

/// Nearest number of the format, halves to even, infinity beyond the largest number and half a unit.
template <class R>
R round_to(R v, const Format& format) {
  if (!std::isfinite(v) || v == 0) return v;
  const R ulp = ulp_of(v, format);
  const R rounded = std::nearbyint(v / ulp) * ulp;
  const R beyond = std::ldexp(R(1), format.max_exponent);  // half of the first power of two that does not fit
  return std::fabs(rounded) / 2 >= beyond ? std::copysign(std::numeric_limits<R>::infinity(), v) : rounded;
}

/// The value that v has once it is stored as a floating dtype; R must be wider than the dtype, or equal to it.
template <class R>
double round_to(R v, DType dtype) {
  if (dtype == DType::f64) return static_cast<double>(v);
  if (dtype == DType::f32) return static_cast<double>(static_cast<float>(v));
  return static_cast<double>(round_to(v, format_of(dtype)));
}

/// The value of a 16-bit pattern: sign, exponent field, fraction.
inline double value_of_bits(std::uint16_t bits, const Format& format) {
  const int fraction_bits = format.precision - 1;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int field = (bits & 0x7fff) >> fraction_bits;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (field == 2 * format.max_exponent + 1)
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  const int implicit = field == 0 ? 0 : 1 << fraction_bits;
  const int exponent = field == 0 ? format.min_exponent : field - format.max_exponent;
  return sign * std::ldexp(static_cast<double>(implicit + fraction), exponent - fraction_bits);
}

/// The value of one stored element (an i64 must be below 2^53).
inline double value_at(DType dtype, const void* element) {
  const auto read = [element](auto value) {
    std::memcpy(&value, element, sizeof(value));
    return value;
  };
  switch (dtype) {
    case DType::f64:
      return read(double());
    case DType::f32:
      return static_cast<double>(read(float()));
    case DType::f16:
    case DType::bf16:
      return value_of_bits(read(std::uint16_t()), format_of(dtype));
    case DType::u8:
      return read(std::uint8_t());
    case DType::i32:
      return read(std::int32_t());
    case DType::i64:
      return static_cast<double>(read(std::int64_t()));
  }
  return std::numeric_limits<double>::quiet_NaN();
}

/// Stores v, which must be representable, as one element.
inline void store_at(DType dtype, void* element, double v) {
  const auto write = [element](auto value) { std::memcpy(element, &value, sizeof(value)); };
  switch (dtype) {
    case DType::f64:
      return write(v);
    case DType::f32:
      return write(static_cast<float>(v));
    case DType::u8:
      return write(static_cast<std::uint8_t>(v));
    case DType::i32:
      return write(static_cast<std::int32_t>(v));
    case DType::i64:
      return write(static_cast<std::int64_t>(v));
    default:
      break;
  }
  // 16 bits: the fields, put together from frexp.
  const Format format = format_of(dtype);
  const int fraction_bits = format.precision - 1;
  const int sign = std::signbit(v) ? 0x8000 : 0;
  const int top = (2 * format.max_exponent + 1) << fraction_bits;
  if (std::isnan(v)) return write(static_cast<std::uint16_t>(sign | top | (1 << (fraction_bits - 1))));
  if (std::isinf(v)) return write(static_cast<std::uint16_t>(sign | top));
  const double ulp = ulp_of(v, format);
  const auto significand = static_cast<int>(std::fabs(v) / ulp);  // with the implicit one, unless subnormal
  int exponent = 0;
  std::frexp(ulp, &exponent);
  const int field = exponent - 1 + fraction_bits + format.max_exponent;  // at least 1
  const int bits =
      significand < (1 << fraction_bits) ? significand : (field << fraction_bits) + significand - (1 << fraction_bits);
  write(static_cast<std::uint16_t>(sign | bits));
}

}  // namespace mylos::test::reference
