// Each loop is compiled for the baseline, AVX2 and AVX-512 and chosen when it runs, as those of backends/host are.
#include "suite/host_kernels.hpp"

#if !defined(KOKKOS_ENABLE_CUDA) && !defined(KOKKOS_ENABLE_HIP)

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>

#include "host/isa.hpp"
#endif

namespace mylos::bench {
namespace {

/// Keeps the compiler from leaving out what computed x.
template <class T>
void use(const T& x) {
  asm volatile("" : : "m"(x) : "memory");
}

struct MoveArguments {
  void* a;
  const void* b;
  const void* c;
  std::int64_t bytes;
};

template <class T, int width>
struct Vector {
  typedef T type __attribute__((vector_size(width)));
};

// One set of loops per instruction set: vectors of `width` bytes, `Stream` stores one past the caches.
#define MYLOS_DEFINE_LOOPS(Name, attribute, width, Stream)                                        \
  struct Name {                                                                                   \
    template <class T, Move kind, bool streaming>                                                 \
    attribute static void move(const MoveArguments& m) {                                          \
      using V = typename Vector<T, width>::type;                                                  \
      const char* b = static_cast<const char*>(m.b);                                              \
      const char* c = static_cast<const char*>(m.c);                                              \
      char* a = static_cast<char*>(m.a);                                                          \
      V sum[4] = {};                                                                              \
      for (std::int64_t i = 0; i < m.bytes; i += 4 * width) {                                     \
        const int count = m.bytes - i >= 4 * width ? 4 : static_cast<int>((m.bytes - i) / width); \
        for (int u = 0; u < 4 && u < count; ++u) {                                                \
          V x;                                                                                    \
          V y;                                                                                    \
          const std::int64_t at = i + u * width;                                                  \
          if constexpr (kind == Move::read) {                                                     \
            __builtin_memcpy(&x, a + at, width);                                                  \
            sum[u] += x;                                                                          \
            continue;                                                                             \
          }                                                                                       \
          if constexpr (kind == Move::write) x = V{} + T(3);                                      \
          if constexpr (kind == Move::copy) __builtin_memcpy(&x, b + at, width);                  \
          if constexpr (kind == Move::triad) {                                                    \
            __builtin_memcpy(&x, b + at, width);                                                  \
            __builtin_memcpy(&y, c + at, width);                                                  \
            x += T(3) * y;                                                                        \
          }                                                                                       \
          if constexpr (streaming)                                                                \
            Stream(a + at, &x);                                                                   \
          else                                                                                    \
            __builtin_memcpy(a + at, &x, width);                                                  \
        }                                                                                         \
      }                                                                                           \
      use(sum);                                                                                   \
    }                                                                                             \
    template <class T>                                                                            \
    attribute static double fma(std::int64_t steps) {                                             \
      using V = typename Vector<T, width>::type;                                                  \
      V x0 = V{} + T(1), x1 = x0, x2 = x0, x3 = x0, x4 = x0, x5 = x0, x6 = x0, x7 = x0;           \
      V x8 = x0, x9 = x0, xa = x0, xb = x0;                                                       \
      T half = T(0.5);                                                                            \
      asm volatile("" : "+m"(half));                                                              \
      const V p = V{} + half;                                                                     \
      for (std::int64_t step = 0; step < steps; ++step) {                                         \
        x0 = x0 * p + p, x1 = x1 * p + p, x2 = x2 * p + p, x3 = x3 * p + p;                       \
        x4 = x4 * p + p, x5 = x5 * p + p, x6 = x6 * p + p, x7 = x7 * p + p;                       \
        x8 = x8 * p + p, x9 = x9 * p + p, xa = xa * p + p, xb = xb * p + p;                       \
        MYLOS_OPAQUE(x0, x1, x2, x3, x4, x5) MYLOS_OPAQUE(x6, x7, x8, x9, xa, xb)                 \
      }                                                                                           \
      const V sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + xa + xb;                    \
      use(sum);                                                                                   \
      return 2.0 * 12 * (width / static_cast<int>(sizeof(T))) * static_cast<double>(steps);       \
    }                                                                                             \
  };

#if defined(__x86_64__)
// Equal chains are one chain to a compiler that may look at them.
#define MYLOS_OPAQUE(a, b, c, d, e, f) asm volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f));

template <class V>
inline void stream_16(char* to, const V* from) {
  __m128i vector;
  __builtin_memcpy(&vector, from, sizeof(vector));
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), vector);
}
#define MYLOS_STREAM_32(to, from) \
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))
#define MYLOS_STREAM_64(to, from) \
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_loadu_si512(reinterpret_cast<const void*>(from)))

MYLOS_DEFINE_LOOPS(Baseline, , 16, stream_16)
MYLOS_DEFINE_LOOPS(Avx2, MYLOS_ISA_AVX2, 32, MYLOS_STREAM_32)
MYLOS_DEFINE_LOOPS(Avx512, MYLOS_ISA_AVX512, 64, MYLOS_STREAM_64)
#else
#define MYLOS_OPAQUE(a, b, c, d, e, f) use(a), use(b), use(c), use(d), use(e), use(f);
template <class V>
inline void store_16(char* to, const V* from) {
  __builtin_memcpy(to, from, sizeof(V));
}
MYLOS_DEFINE_LOOPS(Baseline, , 16, store_16)
#endif

template <class Loops, class T, bool streaming>
void move_in(Move kind, const MoveArguments& m) {
  switch (kind) {
    case Move::copy:
      return Loops::template move<T, Move::copy, streaming>(m);
    case Move::read:
      return Loops::template move<T, Move::read, false>(m);
    case Move::write:
      return Loops::template move<T, Move::write, streaming>(m);
    case Move::triad:
      return Loops::template move<T, Move::triad, streaming>(m);
  }
}

template <class T, bool streaming>
void move_widest(Move kind, const MoveArguments& m) {
#if defined(__x86_64__)
  if (host::refuse_avx512() == nullptr) return move_in<Avx512, T, streaming>(kind, m);
  if (host::refuse_avx2() == nullptr) return move_in<Avx2, T, streaming>(kind, m);
#endif
  move_in<Baseline, T, streaming>(kind, m);
}

template <class T>
void move_all(Move kind, bool streaming, const MoveArguments& m, int passes) {
  for (int pass = 0; pass < passes; ++pass) streaming ? move_widest<T, true>(kind, m) : move_widest<T, false>(kind, m);
#if defined(__x86_64__)
  if (streaming) _mm_sfence();
#endif
}

template <class T>
double fma_widest(std::int64_t steps) {
#if defined(__x86_64__)
  if (host::refuse_avx512() == nullptr) return Avx512::fma<T>(steps);
  if (host::refuse_avx2() == nullptr) return Avx2::fma<T>(steps);
#endif
  return Baseline::fma<T>(steps);
}

}  // namespace

void host_move(Move kind, DType dtype, bool streaming, void* a, const void* b, const void* c, std::int64_t bytes,
               int passes) {
  const MoveArguments m{a, b, c, bytes};
  if (dtype == DType::f64) return move_all<double>(kind, streaming, m, passes);
  if (dtype == DType::f32) return move_all<float>(kind, streaming, m, passes);
  move_all<std::uint16_t>(kind, streaming, m, passes);
}

bool host_can_stream() {
#if defined(__x86_64__)
  return true;
#else
  return false;
#endif
}

double host_fma(DType dtype, std::int64_t steps) {
  if (dtype == DType::f64) return fma_widest<double>(steps);
  if (dtype == DType::f32) return fma_widest<float>(steps);
  return 0;
}

}  // namespace mylos::bench

#endif
