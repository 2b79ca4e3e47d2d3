// The inner loops of matrix products in vectors, and what else a host thread does, for each instruction set.
#pragma once

#include <memory>

#include "gemm/blocks.hpp"
#include "isa.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

namespace mylos::host {

// A kernel of `rows` times two vectors of results, which stay in registers; k is walked once. Written with intrinsics:
// ISO C++ does not let the compiler fuse a product and a sum by itself.
#define MYLOS_DEFINE_GEMM_KERNEL(Name, attribute, T, Vector, lanes, count, prefix, suffix)                    \
  struct Name {                                                                                               \
    static constexpr int rows = count;                                                                        \
    static constexpr int columns = 2 * lanes;                                                                 \
    attribute static void run(std::int64_t k, const T* a, const T* b, T* c, std::int64_t ld) {                \
      Vector low[rows];                                                                                       \
      Vector high[rows];                                                                                      \
      _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r) low[r] = high[r] = prefix##setzero_##suffix();  \
      for (std::int64_t q = 0; q < k; ++q, a += rows, b += columns) {                                         \
        const Vector left = prefix##loadu_##suffix(b);                                                        \
        const Vector right = prefix##loadu_##suffix(b + lanes);                                               \
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r) {                                             \
          const Vector factor = prefix##set1_##suffix(a[r]);                                                  \
          low[r] = prefix##fmadd_##suffix(factor, left, low[r]);                                              \
          high[r] = prefix##fmadd_##suffix(factor, right, high[r]);                                           \
        }                                                                                                     \
      }                                                                                                       \
      _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r, c += ld) {                                      \
        prefix##storeu_##suffix(c, prefix##add_##suffix(prefix##loadu_##suffix(c), low[r]));                  \
        prefix##storeu_##suffix(c + lanes, prefix##add_##suffix(prefix##loadu_##suffix(c + lanes), high[r])); \
      }                                                                                                       \
    }                                                                                                         \
    static constexpr detail::GemmKernel<T> kernel() { return {rows, columns, run}; }                          \
  };
MYLOS_DEFINE_GEMM_KERNEL(Avx512Float, MYLOS_ISA_AVX512, float, __m512, 16, 14, _mm512_, ps)
MYLOS_DEFINE_GEMM_KERNEL(Avx512Double, MYLOS_ISA_AVX512, double, __m512d, 8, 14, _mm512_, pd)
MYLOS_DEFINE_GEMM_KERNEL(Avx2Float, MYLOS_ISA_AVX2, float, __m256, 8, 6, _mm256_, ps)
MYLOS_DEFINE_GEMM_KERNEL(Avx2Double, MYLOS_ISA_AVX2, double, __m256d, 4, 6, _mm256_, pd)
#undef MYLOS_DEFINE_GEMM_KERNEL

// What workers do, compiled for each instruction set.
#define MYLOS_DEFINE_GEMM_ISA(Isa, attribute)                                                                        \
  struct Isa {                                                                                                       \
    template <class T>                                                                                               \
    static constexpr detail::GemmKernel<T> kernel() {                                                                \
      if constexpr (std::is_same_v<T, double>)                                                                       \
        return Isa##Double::kernel();                                                                                \
      else                                                                                                           \
        return Isa##Float::kernel();                                                                                 \
    }                                                                                                                \
    template <class T>                                                                                               \
    attribute static void product(const detail::BlockGemm<T>& g, const detail::GemmTile& tile, T* result, T* work) { \
      detail::packed_product(g, tile, result, work);                                                                 \
    }                                                                                                                \
    template <class T>                                                                                               \
    attribute static void pack(const detail::GemmParameters<T>& p, const detail::GemmView& view,                     \
                               MatrixStructure structure, const detail::GemmPanel& panel, T* to) {                   \
      detail::pack(p, view, structure, panel, to);                                                                   \
    }                                                                                                                \
    template <class T>                                                                                               \
    attribute static void transform(const detail::GemmParameters<T>& p, const detail::GemmPanel* panel,              \
                                    const detail::GemmSegment& segment, T* v, T* room) {                             \
      detail::transform_values(p, panel, segment, v, room);                                                          \
    }                                                                                                                \
    template <class T>                                                                                               \
    attribute static void worker(const void* context, std::int64_t index) {                                          \
      detail::gemm_worker(*static_cast<const detail::BlockGemm<T>*>(context), index);                                \
    }                                                                                                                \
    template <class T>                                                                                               \
    attribute static void rows(const void* context, std::int64_t line) {                                             \
      detail::add_gemm_parts(*static_cast<const detail::BlockGemm<T>*>(context), line);                              \
    }                                                                                                                \
  };
MYLOS_DEFINE_GEMM_ISA(Avx512, MYLOS_ISA_AVX512)
MYLOS_DEFINE_GEMM_ISA(Avx2, MYLOS_ISA_AVX2)
#undef MYLOS_DEFINE_GEMM_ISA

/// Runs a product on the queue's threads with what `Isa` has.
template <class Isa, class T>
void run_blocks(detail::BlockGemm<T>& g, const detail::Queue& queue, const char* label) {
  std::unique_ptr<T[]> memory;
  const auto parallel = [&](std::int64_t count, detail::Queue::Body body) {
    queue.parallel_for(queue, label, count, body, &g);
  };
  const auto scratch = [&](std::int64_t elements) {
    if (elements != 0) memory.reset(new T[static_cast<std::size_t>(elements)]);
    return memory.get();
  };
  detail::run_block_gemm(g, parallel, scratch, Isa::template worker<T>, Isa::template rows<T>);
}

}  // namespace mylos::host

#endif
