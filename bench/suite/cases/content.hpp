// What tensors of the suites hold, and how single elements of them come back to the host: the same code for memory of a
// device and of the host.
#pragma once

#include <cstdint>
#include <vector>

#include <Kokkos_Core.hpp>

#include <mylos/tensor.hpp>

namespace mylos::bench {

using Exec = Kokkos::DefaultExecutionSpace;
constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;

/// normal: shift + scale times a standard normal number; positive: the absolute value of that; mask: 0 or 1; signs: -1
/// or 1; labels: 0 to classes - 1. A function of the element's place alone, which repeats after 4194301 elements (a
/// prime, so that no two rows of a matrix are alike): gigabytes are there in seconds.
struct Content {
  enum class Kind : std::uint8_t { normal, positive, mask, signs, labels };
  Kind kind = Kind::normal;
  double scale = 1;
  double shift = 0;
  std::int64_t classes = 0;
};

/// `count` elements from `data` on; another `seed` is another sequence.
void fill_content(const Exec& exec, void* data, DType dtype, std::int64_t count, const Content& content,
                  std::uint64_t seed);

/// From one place of the execution space's memory to another.
void copy_bytes(const Exec& exec, const void* from, void* to, std::int64_t bytes);

/// NaN in every element of t, the largest value of integers.
void spoil(const Exec& exec, const Tensor& t);

/// A sum over all elements of a mix of their bits and their place: order does not matter, every bit does. Waits.
std::uint64_t digest(const Exec& exec, const Tensor& t);

/// All elements of t in row-major order, as fp64. Waits.
std::vector<double> read(const Exec& exec, const Tensor& t);

/// Those at these offsets from t's first, counted in elements of memory. Waits.
std::vector<double> read_at(const Exec& exec, const Tensor& t, const std::vector<std::int64_t>& offsets);

/// Turns the lowest bit of one element over, at an offset as above: for tests of what finds that out.
void flip(const Exec& exec, const Tensor& t, std::int64_t offset);

/// Neighbouring dimensions that lie in memory as one become one: fewer divisions per element.
Tensor merged(const Tensor& t);

/// Where element i, counted in row-major order, lies.
KOKKOS_INLINE_FUNCTION std::int64_t offset_at(const Tensor& t, std::int64_t i) {
  if (t.rank == 0) return 0;
  std::int64_t offset = 0;
  for (int d = t.rank - 1; d > 0; --d) {
    offset += i % t.extent[d] * t.stride[d];
    i /= t.extent[d];
  }
  return offset + i * t.stride[0];
}

/// t from one of its elements on.
inline Tensor moved(Tensor t, std::int64_t offset) {
  t.data = static_cast<char*>(t.data) + offset * static_cast<std::int64_t>(size_of(t.dtype));
  return t;
}

/// f(pointer to the element type of dtype), as fits.
template <class F>
auto with_type(DType dtype, const F& f) {
  switch (dtype) {
    case DType::f64:
      return f(static_cast<double*>(nullptr));
    case DType::f16:
      return f(static_cast<half*>(nullptr));
    case DType::bf16:
      return f(static_cast<bfloat16*>(nullptr));
    case DType::u8:
      return f(static_cast<std::uint8_t*>(nullptr));
    case DType::i32:
      return f(static_cast<std::int32_t*>(nullptr));
    case DType::i64:
      return f(static_cast<std::int64_t*>(nullptr));
    default:
      return f(static_cast<float*>(nullptr));
  }
}

}  // namespace mylos::bench
