// Data types: the enumeration that descriptors carry, and 16-bit storage types that are two bytes on every machine.
#pragma once

#include <cstdint>
#include <type_traits>

#include <mylos/macros.hpp>

// Declared, not included: CUDA's types convert to and from ours when the user has included CUDA's own headers.
struct __half;
struct __nv_bfloat16;

namespace mylos {

enum class DType : std::uint8_t { f64, f32, f16, bf16, u8, i32, i64 };

MYLOS_HOST_DEVICE constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::u8:
      return 1;
  }
  return 0;
}

constexpr const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "f64";
    case DType::f32:
      return "f32";
    case DType::f16:
      return "f16";
    case DType::bf16:
      return "bf16";
    case DType::u8:
      return "u8";
    case DType::i32:
      return "i32";
    case DType::i64:
      return "i64";
  }
  return "unknown";
}

MYLOS_HOST_DEVICE constexpr bool is_floating(DType dtype) {
  return dtype == DType::f64 || dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

MYLOS_HOST_DEVICE constexpr bool is_sixteen_bit(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

namespace detail {

template <class To, class From>
MYLOS_FUNCTION To bits_as(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(static_cast<void*>(&to), &from, sizeof(To));  // as bytes: not all are trivial types
  return to;
}

MYLOS_FUNCTION float f16_to_f32(std::uint16_t h) {
#if defined(__CUDA_ARCH__)
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
  return f;
#elif defined(__HIP_DEVICE_COMPILE__)
  return static_cast<float>(bits_as<_Float16>(h));
#else
  const std::uint32_t magnitude = h & 0x7fffu;
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
  const std::uint32_t normal = (magnitude << 13) + (112u << 23);
  // Subnormals: place the bits as a fraction of 2^-14 and subtract the implicit one, which is exact.
  const float subnormal = bits_as<float>((magnitude << 13) + (113u << 23)) - bits_as<float>(113u << 23);
  std::uint32_t bits = magnitude >= 0x7c00u ? normal + (112u << 23) : normal;
  bits = magnitude < 0x0400u ? bits_as<std::uint32_t>(subnormal) : bits;
  return bits_as<float>(bits | sign);
#endif
}

/// Round to nearest even, overflow to infinity, NaN stays NaN (quiet).
MYLOS_FUNCTION std::uint16_t f32_to_f16(float f) {
#if defined(__CUDA_ARCH__)
  std::uint16_t h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
#elif defined(__HIP_DEVICE_COMPILE__)
  return bits_as<std::uint16_t>(static_cast<_Float16>(f));
#else
  const std::uint32_t bits = bits_as<std::uint32_t>(f);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  const std::uint32_t normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  // Below 2^-14: adding 0.5 aligns the fraction so that the hardware's own rounding does the work.
  const float shifted = bits_as<float>(magnitude) + 0.5f;
  const std::uint32_t subnormal = bits_as<std::uint32_t>(shifted) - 0x3f000000u;
  std::uint32_t result = magnitude < 0x38800000u ? subnormal : normal;
  result = magnitude >= 0x477ff000u ? 0x7c00u : result;
  result = magnitude > 0x7f800000u ? 0x7e00u : result;
  return static_cast<std::uint16_t>(result | sign);
#endif
}

MYLOS_FUNCTION float bf16_to_f32(std::uint16_t b) { return bits_as<float>(static_cast<std::uint32_t>(b) << 16); }

/// Round to nearest even, overflow to infinity, NaN stays NaN (quiet).
MYLOS_FUNCTION std::uint16_t f32_to_bf16(float f) {
#if defined(__CUDA_ARCH__)
  std::uint16_t b;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(b) : "f"(f));
  return b;
#else
  const std::uint32_t bits = bits_as<std::uint32_t>(f);
  const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const std::uint32_t quiet = (bits >> 16) | 0x0040u;
  return static_cast<std::uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
#endif
}

/// A double that is about to be rounded again keeps its sticky bit (round to odd), so that f64 -> f32 -> 16 bits
/// rounds once, as a direct conversion would.
MYLOS_FUNCTION float round_to_odd(double x) {
  const float nearest = static_cast<float>(x);
  const double back = static_cast<double>(nearest);
  std::uint32_t bits = bits_as<std::uint32_t>(nearest);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  const bool away = x > 0 ? back > x : back < x;  // rounded away from zero: step back first
  bits = (back != x && away) ? bits - 1u : bits;
  bits = (back != x && x == x) ? bits | 1u : bits;
  return magnitude == 0u && x == 0 ? nearest : bits_as<float>(bits);
}

/// Foreign 16-bit types that hold the same bits; view.hpp adds those of Kokkos.
template <class T>
struct SameBitsAs {};

}  // namespace detail

#define MYLOS_DEFINE_SIXTEEN_BIT(name, to_f32, from_f32, about)                                                       \
  about struct alignas(2) name {                                                                                      \
    std::uint16_t bits;                                                                                               \
    name() = default;                                                                                                 \
    MYLOS_FUNCTION explicit name(float x) : bits(detail::from_f32(x)) {}                                              \
    MYLOS_FUNCTION explicit name(double x) : bits(detail::from_f32(detail::round_to_odd(x))) {}                       \
    template <class T, class = std::enable_if_t<std::is_same_v<typename detail::SameBitsAs<T>::type, name>>>          \
    MYLOS_FUNCTION name(const T& x) : bits(detail::bits_as<std::uint16_t>(x)) {}                                      \
    MYLOS_FUNCTION operator float() const { return detail::to_f32(bits); }                                            \
    template <class T, class = std::enable_if_t<std::is_same_v<typename detail::SameBitsAs<T>::type, name>>, int = 0> \
    MYLOS_FUNCTION operator T() const {                                                                               \
      return detail::bits_as<T>(bits);                                                                                \
    }                                                                                                                 \
  }

/// IEEE 754 binary16, a storage type: arithmetic happens in float.
MYLOS_DEFINE_SIXTEEN_BIT(half, f16_to_f32, f32_to_f16, );
/// bfloat16 (upper half of an IEEE 754 binary32), a storage type: arithmetic happens in float.
MYLOS_DEFINE_SIXTEEN_BIT(bfloat16, bf16_to_f32, f32_to_bf16, );
#undef MYLOS_DEFINE_SIXTEEN_BIT

namespace detail {
template <>
struct SameBitsAs<::__half> {
  using type = half;
};
template <>
struct SameBitsAs<::__nv_bfloat16> {
  using type = bfloat16;
};

/// DTypeOf<T>::value is the DType of a C++ type; types without one have no `value`.
template <class T, class = void>
struct DTypeOf {};
template <DType D>
using DTypeConstant = std::integral_constant<DType, D>;
template <>
struct DTypeOf<double> : DTypeConstant<DType::f64> {};
template <>
struct DTypeOf<float> : DTypeConstant<DType::f32> {};
template <>
struct DTypeOf<half> : DTypeConstant<DType::f16> {};
template <>
struct DTypeOf<bfloat16> : DTypeConstant<DType::bf16> {};
template <>
struct DTypeOf<std::uint8_t> : DTypeConstant<DType::u8> {};
template <>
struct DTypeOf<bool> : DTypeConstant<DType::u8> {};
template <>
struct DTypeOf<std::int32_t> : DTypeConstant<DType::i32> {};
template <>
struct DTypeOf<std::int64_t> : DTypeConstant<DType::i64> {};
template <>
struct DTypeOf<long long> : DTypeConstant<DType::i64> {};
template <class T>
struct DTypeOf<T, std::void_t<typename SameBitsAs<T>::type>> : DTypeOf<typename SameBitsAs<T>::type> {};

template <class T, class = void>
inline constexpr bool has_dtype = false;
template <class T>
inline constexpr bool has_dtype<T, std::void_t<decltype(DTypeOf<T>::value)>> = true;
}  // namespace detail

/// The DType of a C++ element type (const ignored).
template <class T>
inline constexpr DType dtype_of = detail::DTypeOf<std::remove_cv_t<T>>::value;

}  // namespace mylos
