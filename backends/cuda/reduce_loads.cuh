// How values reach a kernel of the reductions and losses: vectors of 16 bytes or single elements, anywhere in a tensor,
// as bits, and the same widened.
#pragma once

#include "core/raw.hpp"
#include "cuda/primitives/access.cuh"
#include "cuda/primitives/shifted.cuh"
#include "reduce/parameters.hpp"

namespace mylos::cuda {

/// What x is stored as: f32, f64, or either 16-bit type, of which a kernel asks once for each vector.
struct StoredF32 {
  using Unit = std::uint32_t;
  static constexpr int width = 4;
};
struct StoredF64 {
  using Unit = std::uint64_t;
  static constexpr int width = 2;
};
struct Stored16 {
  using Unit = std::uint16_t;
  static constexpr int width = 8;
};

/// One vector of x as bits.
struct RawVector {
  uint4 bits;
};

template <class Stored>
__device__ __forceinline__ const uint4* vector_at(const void* x, std::int64_t offset) {
  return reinterpret_cast<const uint4*>(static_cast<const typename Stored::Unit*>(x) + offset);
}
template <class Stored>
__device__ __forceinline__ RawVector load_raw_vector(const void* x, std::int64_t offset) {
  return {__ldcs(vector_at<Stored>(x, offset))};
}

/// One that takes no place in the L1 cache, and one that is wanted again.
__device__ __forceinline__ RawVector load_passing_vector(const uint4* vector) {
  RawVector v;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
      : "=r"(v.bits.x), "=r"(v.bits.y), "=r"(v.bits.z), "=r"(v.bits.w)
      : "l"(vector));
  return v;
}
template <class Stored>
__device__ __forceinline__ RawVector load_kept_vector(const void* x, std::int64_t offset) {
  return {__ldg(vector_at<Stored>(x, offset))};
}

template <class Stored>
__device__ __forceinline__ typename Stored::Unit load_unit(const void* x, std::int64_t offset) {
  return static_cast<const typename Stored::Unit*>(x)[offset];
}

/// The first `valid` of a vector's elements, `step` apart; zeros behind them.
template <class Stored>
__device__ __forceinline__ RawVector load_raw_elements(const void* x, std::int64_t offset, std::int64_t step,
                                                       int valid) {
  struct Units {
    typename Stored::Unit unit[Stored::width];
  } units;
  if (step == 1) {
    MYLOS_UNROLL
    for (int j = 0; j < Stored::width; ++j)
      units.unit[j] = j < valid ? load_unit<Stored>(x, offset + j) : typename Stored::Unit(0);
  } else {
    MYLOS_UNROLL
    for (int j = 0; j < Stored::width; ++j)
      units.unit[j] = j < valid ? load_unit<Stored>(x, offset + j * step) : typename Stored::Unit(0);
  }
  return {detail::bits_as<uint4>(units)};
}

/// The bytes that a tensor's elements lie in.
struct Span {
  std::uintptr_t begin;
  std::uintptr_t end;
};
inline Span span_of(const Tensor& x) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  for (int d = 0; d < x.rank; ++d) {
    const std::int64_t reach = (x.extent[d] - 1) * x.stride[d];
    (reach < 0 ? low : high) += reach;
  }
  const auto size = static_cast<std::int64_t>(size_of(x.dtype));
  const auto address = reinterpret_cast<std::intptr_t>(x.data);
  return {static_cast<std::uintptr_t>(address + low * size), static_cast<std::uintptr_t>(address + (high + 1) * size)};
}

/// The parts of an aligned vector that lie in the span, by elements; zeros elsewhere.
template <class Stored>
__device__ __noinline__ RawVector load_partial(const Span& span, const uint4* vector) {
  struct Units {
    typename Stored::Unit unit[Stored::width];
  } units;
  const auto* from = reinterpret_cast<const typename Stored::Unit*>(vector);
  MYLOS_UNROLL
  for (int j = 0; j < Stored::width; ++j) {
    const auto address = reinterpret_cast<std::uintptr_t>(from + j);
    units.unit[j] =
        address >= span.begin && address + sizeof(units.unit[j]) <= span.end ? from[j] : typename Stored::Unit(0);
  }
  return {detail::bits_as<uint4>(units)};
}

/// An aligned vector, part of which may lie outside the span.
template <class Stored>
__device__ __forceinline__ RawVector load_within(const Span& span, const uint4* vector) {
  const auto address = reinterpret_cast<std::uintptr_t>(vector);
  if (address >= span.begin && address + 16 <= span.end) return {__ldcs(vector)};
  return load_partial<Stored>(span, vector);
}

/// The aligned vectors of a run of elements that begins anywhere.
struct AlignedVectors {
  const uint4* first;  // the run begins in this one
  unsigned shift;      // so many bytes into it
  /// Whether vectors [begin, end) lie in the span.
  __device__ __forceinline__ bool inside(const Span& span, std::int64_t begin, std::int64_t end) const {
    return reinterpret_cast<std::uintptr_t>(first + begin) >= span.begin &&
           reinterpret_cast<std::uintptr_t>(first + end) <= span.end;
  }
};
template <class Stored>
__device__ __forceinline__ AlignedVectors aligned_vectors(const void* x, std::int64_t offset) {
  const auto address = reinterpret_cast<std::uintptr_t>(static_cast<const typename Stored::Unit*>(x) + offset);
  return {reinterpret_cast<const uint4*>(address & ~std::uintptr_t{15}), static_cast<unsigned>(address & 15U)};
}

/// N values of type T from their bits, N whole units in `bits`.
template <class Stored, int N, class T>
__device__ __forceinline__ void widen_units(bool is_half, const typename Stored::Unit* bits, T* v) {
  if constexpr (std::is_same_v<Stored, Stored16>) {
    if (is_half) {
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) v[k] = detail::f16_to_f32(bits[k]);
    } else {
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) v[k] = detail::bf16_to_f32(bits[k]);
    }
  } else {
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) v[k] = detail::bits_as<T>(bits[k]);
  }
}

template <class Stored, class T>
__device__ __forceinline__ void widen_vector(bool is_half, const RawVector& raw, T* v) {
  struct Units {
    typename Stored::Unit unit[Stored::width];
  };
  const auto units = detail::bits_as<Units>(raw.bits);
  widen_units<Stored, Stored::width>(is_half, units.unit, v);
}

}  // namespace mylos::cuda
