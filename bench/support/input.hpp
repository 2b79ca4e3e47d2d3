// Inputs that are the same in every run and on every machine: element i of a tensor is a function of i alone.
#pragma once

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <mylos/types.hpp>

namespace mylos::bench {

/// splitmix64 as a counter-based generator (Steele, Lea and Flood 2014).
KOKKOS_INLINE_FUNCTION std::uint64_t random_bits(std::uint64_t counter) {
  std::uint64_t z = (counter + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Standard normal, by Box and Muller. In f64 the low digits are random too, hence 53 bits for each uniform.
template <class T>
KOKKOS_INLINE_FUNCTION T random_normal(std::uint64_t counter) {
  const std::uint64_t a = random_bits(2 * counter);
  T u;
  T v;
  if constexpr (sizeof(T) == 8) {
    u = (static_cast<T>(a >> 11) + T(0.5)) * T(0x1p-53);
    v = static_cast<T>(random_bits(2 * counter + 1) >> 11) * T(0x1p-53);
  } else {
    u = (static_cast<T>(static_cast<std::uint32_t>(a)) + T(0.5)) * T(0x1p-32);
    v = static_cast<T>(static_cast<std::uint32_t>(a >> 32)) * T(0x1p-32);
  }
  return Kokkos::sqrt(T(-2) * Kokkos::log(u)) * Kokkos::cos(T(6.283185307179586) * v);
}

enum class Values { normal, positive, mask };

/// The absolute value for `positive`; zero or one for `mask`.
template <class S>
struct Fill {
  S* data;
  std::uint64_t seed;
  Values values;

  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    const std::uint64_t counter = seed + static_cast<std::uint64_t>(i);
    if constexpr (std::is_same_v<S, std::uint8_t>) {
      data[i] = static_cast<std::uint8_t>(random_bits(counter) & 1u);
    } else {
      using Compute = std::conditional_t<sizeof(S) == 8, double, float>;
      const Compute value = random_normal<Compute>(counter);
      data[i] = static_cast<S>(values == Values::positive ? Kokkos::abs(value) : value);
    }
  }
};

template <class Exec>
void fill(const Exec& exec, void* data, DType dtype, std::int64_t count, Values values, std::uint64_t seed = 0) {
  const Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>> range(exec, 0, count);
  const auto fill_as = [&](auto* typed) {
    using S = std::remove_pointer_t<decltype(typed)>;
    Kokkos::parallel_for("mylos bench: fill", range, Fill<S>{typed, seed << 40, values});
  };
  switch (dtype) {
    case DType::f64:
      return fill_as(static_cast<double*>(data));
    case DType::f32:
      return fill_as(static_cast<float*>(data));
    case DType::f16:
      return fill_as(static_cast<half*>(data));
    case DType::bf16:
      return fill_as(static_cast<bfloat16*>(data));
    case DType::u8:
      return fill_as(static_cast<std::uint8_t*>(data));
    default:
      Kokkos::abort("mylos bench: fill: no values for this dtype");
  }
}

}  // namespace mylos::bench
