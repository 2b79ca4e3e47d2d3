// What mylos::map calls per block on the host and the user's compiler would not vectorise with the user's flags:
// conversions of 16-bit types, and streaming stores.
#include <cstdint>
#include <cstring>
#include <mylos/types.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// The declarations are in mylos/detail/map_blocks.hpp, which needs Kokkos.
namespace mylos::detail {
void widen_block(const half* from, float* to, int n);
void widen_block(const bfloat16* from, float* to, int n);
void narrow_block(const float* from, half* to, int n);
void narrow_block(const float* from, bfloat16* to, int n);
void copy_streaming(void* to, const void* from, std::int64_t bytes);

namespace {

template <class S>
MYLOS_FUNCTION void widen_all(const S* from, float* to, int n) {
  for (int k = 0; k < n; ++k) to[k] = static_cast<float>(from[k]);
}
template <class S>
MYLOS_FUNCTION void narrow_all(const float* from, S* to, int n) {
  for (int k = 0; k < n; ++k) to[k] = S(from[k]);
}

#if defined(__x86_64__)
template <class S>
__attribute__((target("avx2"))) void widen_avx2(const S* from, float* to, int n) {
  widen_all(from, to, n);
}
template <class S>
__attribute__((target("avx2"))) void narrow_avx2(const float* from, S* to, int n) {
  narrow_all(from, to, n);
}
bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2");
  return has;
}
#else
template <class S>
void widen_avx2(const S*, float*, int) {}
template <class S>
void narrow_avx2(const float*, S*, int) {}
constexpr bool has_avx2() { return false; }
#endif

template <class S>
void widen(const S* from, float* to, int n) {
  has_avx2() ? widen_avx2(from, to, n) : widen_all(from, to, n);
}
template <class S>
void narrow(const float* from, S* to, int n) {
  has_avx2() ? narrow_avx2(from, to, n) : narrow_all(from, to, n);
}

}  // namespace

void widen_block(const half* from, float* to, int n) { widen(from, to, n); }
void widen_block(const bfloat16* from, float* to, int n) { widen(from, to, n); }
void narrow_block(const float* from, half* to, int n) { narrow(from, to, n); }
void narrow_block(const float* from, bfloat16* to, int n) { narrow(from, to, n); }

void copy_streaming(void* to, const void* from, std::int64_t bytes) {
  auto* target = static_cast<char*>(to);
  const auto* source = static_cast<const char*>(from);
#if defined(__x86_64__)
  const auto head = static_cast<std::int64_t>((16 - reinterpret_cast<std::uintptr_t>(to) % 16) % 16);
  if (bytes >= 128) {
    std::memcpy(target, source, static_cast<std::size_t>(head));
    std::int64_t done = head;
    for (; done + 16 <= bytes; done += 16) {
      __m128i line;
      std::memcpy(&line, source + done, sizeof(line));
      _mm_stream_si128(reinterpret_cast<__m128i*>(target + done), line);
    }
    _mm_sfence();
    target += done;
    source += done;
    bytes -= done;
  }
#endif
  std::memcpy(target, source, static_cast<std::size_t>(bytes));
}

}  // namespace mylos::detail
