// Several 16-byte chunks per thread, moved as bytes: all loads are issued before anything converts and so waits for the
// first. The dtype is then a choice per tile, not per chunk.
#pragma once

#include "core/access.hpp"

namespace mylos::detail {

/// N chunks as bytes; a chunk of a narrower dtype leaves the rest of its 16 bytes unset.
template <int N>
struct RawChunks {
  Pack<std::uint32_t, 4> chunk[N];
};

/// `Words` words of 4 bytes from an address aligned to them.
template <class Access, int Words>
MYLOS_FUNCTION void load_words(const void* from, Pack<std::uint32_t, 4>& chunk) {
  const auto loaded = Access::load(static_cast<const Pack<std::uint32_t, Words>*>(from));
  MYLOS_UNROLL
  for (int w = 0; w < Words; ++w) chunk.value[w] = loaded.value[w];
}

/// A whole chunk of 4, 8 or 16 bytes.
template <class Access>
MYLOS_FUNCTION void load_chunk(const void* from, int bytes, Pack<std::uint32_t, 4>& chunk) {
  switch (bytes) {
    case 16:
      return load_words<Access, 4>(from, chunk);
    case 8:
      return load_words<Access, 2>(from, chunk);
    default:
      return load_words<Access, 1>(from, chunk);
  }
}

/// Loads Q whole chunks of E elements, each at offset_of(q). The size is asked for once.
template <class Access, int E, int Q, class OffsetOf>
MYLOS_FUNCTION void load_raw(DType dtype, const void* data, RawChunks<Q>& raw, const OffsetOf& offset_of) {
  const int size = static_cast<int>(size_of(dtype));
  const auto load_all = [&](auto words) {
    MYLOS_UNROLL
    for (int q = 0; q < Q; ++q)
      load_words<Access, decltype(words)::value>(static_cast<const char*>(data) + offset_of(q) * size, raw.chunk[q]);
  };
  switch (size * E) {
    case 16:
      return load_all(std::integral_constant<int, 4>());
    case 8:
      return load_all(std::integral_constant<int, 2>());
    default:
      return load_all(std::integral_constant<int, 1>());
  }
}

/// Loads N single elements, each at offset_of(q), as bytes.
template <int N, int Q, class OffsetOf>
MYLOS_FUNCTION void load_raw_elements(DType dtype, const void* data, RawChunks<Q>& raw, const OffsetOf& offset_of) {
  const auto load_all = [&](auto unit) {
    using Unit = decltype(unit);
    MYLOS_UNROLL
    for (int q = 0; q < N; ++q) {
      const Unit bits = static_cast<const Unit*>(data)[offset_of(q)];
      raw.chunk[q].value[0] = static_cast<std::uint32_t>(bits);
      if constexpr (sizeof(Unit) == 8) raw.chunk[q].value[1] = static_cast<std::uint32_t>(bits >> 32);
    }
  };
  switch (size_of(dtype)) {
    case 8:
      return load_all(std::uint64_t());
    case 4:
      return load_all(std::uint32_t());
    case 2:
      return load_all(std::uint16_t());
    default:
      return load_all(std::uint8_t());
  }
}

/// The first N of them, each repeated E times.
template <int E, int N, int Q, class T>
MYLOS_FUNCTION void unpack_repeated(DType dtype, const RawChunks<Q>& raw, T* v) {
  T value[N];
  switch (dtype) {
#define MYLOS_CASE(D, S)                                                                              \
  case DType::D:                                                                                      \
    MYLOS_UNROLL                                                                                      \
    for (int q = 0; q < N; ++q) value[q] = widen<T>(*reinterpret_cast<const S*>(raw.chunk[q].value)); \
    break;
    MYLOS_CASE(f64, double)
    MYLOS_CASE(f32, float)
    MYLOS_CASE(f16, half)
    MYLOS_CASE(bf16, bfloat16)
    MYLOS_CASE(u8, std::uint8_t)
    MYLOS_CASE(i32, std::int32_t)
    MYLOS_CASE(i64, std::int64_t)
#undef MYLOS_CASE
  }
  MYLOS_UNROLL
  for (int q = 0; q < N; ++q) MYLOS_UNROLL
  for (int k = 0; k < E; ++k) v[q * E + k] = value[q];
}

/// The first N chunks of E elements, converted.
template <int E, int N, int Q, class T>
MYLOS_FUNCTION void unpack_raw(DType dtype, const RawChunks<Q>& raw, T* v) {
  switch (dtype) {
#define MYLOS_CASE(D, S)                                                                                       \
  case DType::D:                                                                                               \
    if constexpr (sizeof(S) * E <= 16) {                                                                       \
      MYLOS_UNROLL                                                                                             \
      for (int q = 0; q < N; ++q) unpack(*reinterpret_cast<const Pack<S, E>*>(raw.chunk[q].value), v + q * E); \
    }                                                                                                          \
    return;
    MYLOS_CASE(f64, double)
    MYLOS_CASE(f32, float)
    MYLOS_CASE(f16, half)
    MYLOS_CASE(bf16, bfloat16)
    MYLOS_CASE(u8, std::uint8_t)
    MYLOS_CASE(i32, std::int32_t)
    MYLOS_CASE(i64, std::int64_t)
#undef MYLOS_CASE
    default:
      return;
  }
}

/// Stores N whole chunks of E elements, each at offset_of(q).
template <class Access, int E, int N, class T, class OffsetOf>
MYLOS_FUNCTION void store_chunks(DType dtype, void* data, const T* v, const OffsetOf& offset_of) {
  switch (dtype) {
#define MYLOS_CASE(D, S)                                                                        \
  case DType::D:                                                                                \
    if constexpr (sizeof(S) * E <= 16) {                                                        \
      MYLOS_UNROLL                                                                              \
      for (int q = 0; q < N; ++q) store_vector_as<Access, S, E>(data, offset_of(q), v + q * E); \
    }                                                                                           \
    return;
    MYLOS_CASE(f64, double)
    MYLOS_CASE(f32, float)
    MYLOS_CASE(f16, half)
    MYLOS_CASE(bf16, bfloat16)
#undef MYLOS_CASE
    default:
      return;
  }
}

/// Those of the E elements at `offset` that lie in [begin, end): two bytes at a time, so that no dtype is asked for.
template <int E>
MYLOS_FUNCTION void load_part(DType dtype, const void* data, std::int64_t offset, std::int64_t begin, std::int64_t end,
                              Pack<std::uint32_t, 4>& chunk) {
  const int units = static_cast<int>(size_of(dtype)) / 2;
  const auto* from = static_cast<const std::uint16_t*>(data) + offset * units;
  MYLOS_UNROLL
  for (int i = 0; i < 8; ++i) {
    const std::int64_t element = offset + i / units;
    const bool inside = i < E * units && element >= begin && element < end;
    const std::uint32_t unit = inside ? from[i] : 0u;
    chunk.value[i / 2] = i % 2 == 0 ? unit : chunk.value[i / 2] | unit << 16;
  }
}

template <int E, class T>
MYLOS_FUNCTION void store_part(DType dtype, void* data, std::int64_t offset, std::int64_t begin, std::int64_t end,
                               const T* v) {
  MYLOS_UNROLL
  for (int k = 0; k < E; ++k)
    if (offset + k >= begin && offset + k < end) store_element<T>(dtype, data, offset + k, v[k]);
}

}  // namespace mylos::detail
