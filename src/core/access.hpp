// Typed loads and stores of single elements and of short vectors, the dtype chosen at run time and uniformly.
//
// An Access policy says how bytes move: access.hpp brings PlainAccess; backends add streaming ones.
#pragma once

#include <mylos/types.hpp>

namespace mylos::detail {

/// N elements that move as one: at most 16 bytes, aligned to their size.
template <class S, int N>
struct alignas(sizeof(S) * N) Pack {
  S value[N];
  static_assert(sizeof(S) * N <= 16);
};

struct PlainAccess {
  template <class P>
  static MYLOS_FUNCTION P load(const P* p) {
    return *p;
  }
  template <class P>
  static MYLOS_FUNCTION void store(P* p, const P& value) {
    *p = value;
  }
};

template <class T, class S>
MYLOS_FUNCTION T widen(const S& stored) {
  if constexpr (std::is_same_v<S, half> || std::is_same_v<S, bfloat16>)
    return static_cast<T>(static_cast<float>(stored));
  else
    return static_cast<T>(stored);
}

template <class S, class T>
MYLOS_FUNCTION S narrow(const T& value) {
  return S(value);
}

/// Asks for the cache lines of n values that will be read soon. By itself a processor reads ahead to the end of a page,
/// and not at all where runs of memory are short and far apart. Addresses past the end of an allocation do no harm.
template <class S>
MYLOS_FUNCTION void fetch_ahead([[maybe_unused]] const S* x, [[maybe_unused]] std::int64_t n) {
#if !defined(__CUDA_ARCH__) && !defined(__HIP_DEVICE_COMPILE__)
  constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(S));
  for (std::int64_t k = 0; k < n; k += line) __builtin_prefetch(x + k);
#endif
}

template <class S>
inline constexpr bool is_sixteen_bit_type = std::is_same_v<S, half> || std::is_same_v<S, bfloat16>;

#if defined(__CUDA_ARCH__)
// NVIDIA GPUs convert 16-bit values in pairs.
template <class S>
MYLOS_FUNCTION void widen_pair(const S* stored, float* v) {
  const auto word = bits_as<std::uint32_t>(*reinterpret_cast<const Pack<S, 2>*>(stored));
  if constexpr (std::is_same_v<S, half>) {
    asm("{.reg .f16 low, high;\n mov.b32 {low, high}, %2;\n cvt.f32.f16 %0, low;\n cvt.f32.f16 %1, high;}"
        : "=f"(v[0]), "=f"(v[1])
        : "r"(word));
  } else {
    v[0] = bits_as<float>(word << 16);
    v[1] = bits_as<float>(word & 0xffff0000u);
  }
}
template <class S>
MYLOS_FUNCTION void narrow_pair(const float* v, S* stored) {
  std::uint32_t word;
  if constexpr (std::is_same_v<S, half>)
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(v[1]), "f"(v[0]));
  else
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(v[1]), "f"(v[0]));
  *reinterpret_cast<Pack<S, 2>*>(stored) = bits_as<Pack<S, 2>>(word);
}
inline constexpr bool converts_pairs = true;
#else
template <class S>
MYLOS_FUNCTION void widen_pair(const S*, float*) {}
template <class S>
MYLOS_FUNCTION void narrow_pair(const float*, S*) {}
inline constexpr bool converts_pairs = false;
#endif

template <class S, int N, class T>
MYLOS_FUNCTION void unpack(const Pack<S, N>& pack, T* v) {
  if constexpr (converts_pairs && is_sixteen_bit_type<S> && std::is_same_v<T, float> && N % 2 == 0) {
    MYLOS_UNROLL
    for (int k = 0; k < N; k += 2) widen_pair(pack.value + k, v + k);
  } else {
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) v[k] = widen<T>(pack.value[k]);
  }
}

template <class S, int N, class T>
MYLOS_FUNCTION Pack<S, N> pack_up(const T* v) {
  Pack<S, N> pack;
  if constexpr (converts_pairs && is_sixteen_bit_type<S> && std::is_same_v<T, float> && N % 2 == 0) {
    MYLOS_UNROLL
    for (int k = 0; k < N; k += 2) narrow_pair(v + k, pack.value + k);
  } else {
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) pack.value[k] = narrow<S>(v[k]);
  }
  return pack;
}

/// Elements that move at once.
template <class S, int E>
inline constexpr int piece_of = sizeof(S) * E <= 16 ? E : 16 / static_cast<int>(sizeof(S));

template <class Access, class S, int E, class T>
MYLOS_FUNCTION void load_vector_as(const void* data, std::int64_t offset, T* v) {
  constexpr int piece = piece_of<S, E>;
  const auto* from = reinterpret_cast<const Pack<S, piece>*>(static_cast<const S*>(data) + offset);
  MYLOS_UNROLL
  for (int i = 0; i < E / piece; ++i) unpack(Access::load(from + i), v + i * piece);
}

template <class Access, class S, int E, class T>
MYLOS_FUNCTION void store_vector_as(void* data, std::int64_t offset, const T* v) {
  constexpr int piece = piece_of<S, E>;
  auto* to = reinterpret_cast<Pack<S, piece>*>(static_cast<S*>(data) + offset);
  MYLOS_UNROLL
  for (int i = 0; i < E / piece; ++i) Access::store(to + i, pack_up<S, piece>(v + i * piece));
}

/// E consecutive elements; the address is aligned to E elements, or to 16 bytes where that is less.
template <class Access, int E, class T>
MYLOS_FUNCTION void load_vector(DType dtype, const void* data, std::int64_t offset, T* v) {
  switch (dtype) {
#define MYLOS_CASE(D, S) \
  case DType::D:         \
    return load_vector_as<Access, S, E>(data, offset, v);
    MYLOS_CASE(f64, double)
    MYLOS_CASE(f32, float)
    MYLOS_CASE(f16, half)
    MYLOS_CASE(bf16, bfloat16)
    MYLOS_CASE(u8, std::uint8_t)
    MYLOS_CASE(i32, std::int32_t)
    MYLOS_CASE(i64, std::int64_t)
#undef MYLOS_CASE
  }
}

template <class Access, int E, class T>
MYLOS_FUNCTION void store_vector(DType dtype, void* data, std::int64_t offset, const T* v) {
  switch (dtype) {
    case DType::f64:
      return store_vector_as<Access, double, E>(data, offset, v);
    case DType::f32:
      return store_vector_as<Access, float, E>(data, offset, v);
    case DType::f16:
      return store_vector_as<Access, half, E>(data, offset, v);
    case DType::bf16:
      return store_vector_as<Access, bfloat16, E>(data, offset, v);
    default:
      return;
  }
}

template <class T>
MYLOS_FUNCTION T load_element(DType dtype, const void* data, std::int64_t offset) {
  T v{};
  load_vector<PlainAccess, 1>(dtype, data, offset, &v);
  return v;
}

template <class T>
MYLOS_FUNCTION void store_element(DType dtype, void* data, std::int64_t offset, T v) {
  store_vector<PlainAccess, 1>(dtype, data, offset, &v);
}

}  // namespace mylos::detail
