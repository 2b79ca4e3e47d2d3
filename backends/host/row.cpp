// Row operators on the host, their inner loops compiled for AVX2 and AVX-512 beside the baseline and chosen when they
// run, as in pointwise.cpp.
#include <algorithm>

#include "isa.hpp"
#include "vector_math.hpp"

#include "row/block.hpp"
#include "row/candidates.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mylos::host {
namespace {

using detail::Queue;
using detail::RowProblem;

#if defined(__x86_64__)

#define MYLOS_VECTORS_OF "row_vectors.hpp"
#include "each_isa.hpp"

template <class Vectors>
using TilesOf = std::conditional_t<Vectors::vectors, Vectors, detail::PlainTiles>;

// Past the caches, in the widest stores there are. Functions of their own: the loops around them carry no attribute
// that would let an intrinsic be inlined.
#define MYLOS_DEFINE_STREAM(Isa, attribute, Vector, store)                                                          \
  struct Isa##Memory : TilesOf<Isa##Vectors> {                                                                      \
    attribute static void stream(char* to, const char* from, std::int64_t bytes) {                                  \
      constexpr auto width = static_cast<std::int64_t>(sizeof(Vector));                                             \
      const std::int64_t misaligned = reinterpret_cast<std::intptr_t>(to) % width;                                  \
      std::int64_t k = misaligned == 0 ? 0 : std::min(bytes, width - misaligned);                                   \
      if (k > 0) __builtin_memcpy(to, from, static_cast<std::size_t>(k));                                           \
      for (; k + width <= bytes; k += width) {                                                                      \
        Vector line;                                                                                                \
        __builtin_memcpy(&line, from + k, sizeof(line));                                                            \
        store(reinterpret_cast<Vector*>(to + k), line);                                                             \
      }                                                                                                             \
      if (k < bytes) __builtin_memcpy(to + k, from + k, static_cast<std::size_t>(bytes - k));                       \
    }                                                                                                               \
    template <class S>                                                                                              \
    static MYLOS_FUNCTION void copy(S* to, const S* from, int n, bool streaming) {                                  \
      const std::size_t bytes = static_cast<std::size_t>(n) * sizeof(S);                                            \
      if (streaming)                                                                                                \
        stream(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(from), static_cast<std::int64_t>(bytes)); \
      else                                                                                                          \
        __builtin_memcpy(to, from, bytes);                                                                          \
    }                                                                                                               \
  };
MYLOS_DEFINE_STREAM(Sse2, , __m128i, _mm_stream_si128)
MYLOS_DEFINE_STREAM(Avx2, MYLOS_ISA_AVX2, __m256i, _mm256_stream_si256)
MYLOS_DEFINE_STREAM(Avx512, MYLOS_ISA_AVX512, __m512i, _mm512_stream_si512)
#undef MYLOS_DEFINE_STREAM

MYLOS_DEFINE_ROW_KERNELS(Sse2, , Sse2Memory)
MYLOS_DEFINE_ROW_KERNELS(Avx2, MYLOS_ISA_AVX2, Avx2Memory)
MYLOS_DEFINE_ROW_KERNELS(Avx512, MYLOS_ISA_AVX512, Avx512Memory)

/// Runs body(i) through the queue.
template <class Body>
void parallel_for(const Queue& queue, const char* label, std::int64_t count, const Body& body) {
  queue.parallel_for(
      queue, label, count,
      [](const void* context, std::int64_t i) {
        (*static_cast<const Body*>(context))(i);
        _mm_sfence();  // streaming stores, if there were any
      },
      &body);
}

template <class T>
void run(const RowProblem& problem, const Queue& queue, const char* label, const detail::RowKernels<T>& kernels) {
  const std::int64_t bytes =
      problem.rows.count * problem.length() * static_cast<std::int64_t>(size_of(problem.y.dtype));
  // In place the lines are in the cache already: streaming would only evict them.
  const bool streaming = bytes >= streaming_bytes && problem.x.data != problem.y.data;
  detail::run_row_blocks<T>(problem, kernels, streaming, queue.threads,
                            [&](std::int64_t count, const auto& body) { parallel_for(queue, label, count, body); });
}

#define MYLOS_DEFINE_RUN(isa, Isa)                                  \
  void run_##isa(const RowProblem& problem, const Queue& queue) {   \
    constexpr const char* label = "mylos::row[host/" #isa "]";      \
    if (problem.computes_in_f64()) {                                \
      run<double>(problem, queue, label, Isa##Rows<double>::table); \
    } else {                                                        \
      run<float>(problem, queue, label, Isa##Rows<float>::table);   \
    }                                                               \
  }
MYLOS_DEFINE_RUN(sse2, Sse2)
MYLOS_DEFINE_RUN(avx2, Avx2)
MYLOS_DEFINE_RUN(avx512, Avx512)
#undef MYLOS_DEFINE_RUN

#endif  // __x86_64__

}  // namespace

detail::CandidateList<RowProblem> row_candidates() {
#if defined(__x86_64__)
  return isa_candidates<RowProblem, run_avx512, run_avx2, run_sse2>();
#else
  return {};
#endif
}

}  // namespace mylos::host
