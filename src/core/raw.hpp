// Several chunks per thread, moved as bytes: all loads are issued before anything converts and so waits for the first.
// The dtype is then a choice per tile, not per chunk.
#pragma once

#include "core/access.hpp"

namespace mylos::detail {

/// N chunks as bytes, of at most `Words` words of 4 bytes each; a chunk of a narrower dtype leaves the rest unset.
template <int N, int Words = 4>
struct RawChunks {
  Pack<std::uint32_t, Words> chunk[N];
};

/// Loads `Bytes` bytes, 2 to 16, from an address aligned to them.
template <class Access, int Bytes, int Words>
MYLOS_FUNCTION void load_bytes(const void* from, Pack<std::uint32_t, Words>& chunk) {
  if constexpr (Bytes == 2) {
    chunk.value[0] = Access::load(static_cast<const Pack<std::uint16_t, 1>*>(from)).value[0];
  } else {
    const auto loaded = Access::load(static_cast<const Pack<std::uint32_t, Bytes / 4>*>(from));
    MYLOS_UNROLL
    for (int w = 0; w < Bytes / 4; ++w) chunk.value[w] = loaded.value[w];
  }
}

/// A number known to the compiler, as a value.
template <int N>
struct Constant {
  static constexpr int value = N;
  constexpr MYLOS_HOST_DEVICE operator int() const { return N; }
};

/// Loads Q whole chunks of E elements, of a floating dtype of `size` bytes. address_of(q, bytes) gives their addresses,
/// where `bytes` is the Constant of a chunk's bytes; it is asked in order.
template <class Access, int E, int Q, int Words, class AddressOf>
MYLOS_FUNCTION void load_raw(int size, Pack<std::uint32_t, Words>* chunk, AddressOf address_of) {
  const auto load_all = [&](auto bytes) {
    MYLOS_UNROLL
    for (int q = 0; q < Q; ++q) load_bytes<Access, decltype(bytes)::value>(address_of(q, bytes), chunk[q]);
  };
  if (size == 4) {
    if constexpr (4 * E <= Words * 4) load_all(Constant<4 * E>());
  } else if (size == 2) {
    load_all(Constant<2 * E>());
  } else {
    if constexpr (8 * E <= Words * 4) load_all(Constant<8 * E>());
  }
}

/// For `exists`, where all do.
struct Always {
  MYLOS_FUNCTION bool operator()(int) const { return true; }
};

/// A chunk's bytes as elements; by value, so that chunks stay in registers.
template <class S, int E, int Words>
MYLOS_FUNCTION Pack<S, E> elements_of(const Pack<std::uint32_t, Words>& chunk) {
  constexpr int bytes = static_cast<int>(sizeof(S)) * E;
  if constexpr (bytes == 2) {
    return bits_as<Pack<S, E>>(static_cast<std::uint16_t>(chunk.value[0]));
  } else {
    Pack<std::uint32_t, bytes / 4> words;
    MYLOS_UNROLL
    for (int w = 0; w < bytes / 4; ++w) words.value[w] = chunk.value[w];
    return bits_as<Pack<S, E>>(words);
  }
}

/// The first N chunks of E elements, converted.
template <int E, int N, int Q, int Words, class T>
MYLOS_FUNCTION void unpack_raw(DType dtype, const RawChunks<Q, Words>& raw, T* v) {
  switch (dtype) {
#define MYLOS_CASE(D, S)                                                              \
  case DType::D:                                                                      \
    if constexpr (sizeof(S) * E <= Words * 4) {                                       \
      MYLOS_UNROLL                                                                    \
      for (int q = 0; q < N; ++q) unpack(elements_of<S, E>(raw.chunk[q]), v + q * E); \
    }                                                                                 \
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

/// Stores those of N whole chunks of E elements for which exists(q); addresses as in load_raw.
template <class Access, int E, int N, class T, class AddressOf, class Exists>
MYLOS_FUNCTION void store_chunks(DType dtype, const T* v, const AddressOf& address_of, const Exists& exists) {
  switch (dtype) {
#define MYLOS_CASE(D, S)                                                                                           \
  case DType::D:                                                                                                   \
    if constexpr (sizeof(S) * E <= 16) {                                                                           \
      MYLOS_UNROLL                                                                                                 \
      for (int q = 0; q < N; ++q)                                                                                  \
        if (exists(q))                                                                                             \
          Access::store(reinterpret_cast<Pack<S, E>*>(address_of(q, Constant<static_cast<int>(sizeof(S)) * E>())), \
                        pack_up<S, E>(v + q * E));                                                                 \
    }                                                                                                              \
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
