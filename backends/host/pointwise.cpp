// The map on the host, compiled for AVX2 and AVX-512 beside the baseline and chosen when it runs, with vector forms of
// the elementary functions (math_f32.hpp; else glibc's libmvec, where the compiler can call it from a loop) and
// streaming stores for outputs that the cache would not keep.
//
// Chosen at run time rather than by -march: one binary serves every node of a site, and the compiler's flags for the
// rest of the library stay those of the user. Functions carry a target attribute instead of the file carrying flags, so
// that no inline function compiled here can reach a machine without these instructions through the linker.
#include "vector_math.hpp"

#include "isa.hpp"
#include "pointwise/block.hpp"
#include "pointwise/candidates.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mylos::host {
namespace {

using detail::BlockParameters;
using detail::PointwiseProblem;
using detail::Queue;

#if defined(__x86_64__)

/// A fence after each index makes the stores visible to whoever waits for the kernel. It also waits for them, so an
/// index is that many blocks.
constexpr int streaming_blocks_per_index = 16;

// Stores of whole vectors, streaming past the caches. `to` is aligned to the vector.
inline void stream(char* to, const char* from) {
  __m128i vector;
  __builtin_memcpy(&vector, from, sizeof(vector));
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), vector);
}
struct StreamSse2 {
  static void copy(char* to, const char* from, int bytes) {
    for (int k = 0; k < bytes; k += 64)
      for (int part = 0; part < 64; part += 16) stream(to + k + part, from + k + part);
  }
};
struct StreamAvx2 {
  MYLOS_ISA_AVX2 static void copy(char* to, const char* from, int bytes) {
    for (int k = 0; k < bytes; k += 32)
      _mm256_stream_si256(reinterpret_cast<__m256i*>(to + k),
                          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + k)));
  }
};
struct StreamAvx512 {
  MYLOS_ISA_AVX512 static void copy(char* to, const char* from, int bytes) {
    for (int k = 0; k < bytes; k += 64)
      _mm512_stream_si512(reinterpret_cast<__m512i*>(to + k), _mm512_loadu_si512(from + k));
  }
};

/// Whole cache lines streamed, by Stream::copy(to, from, bytes), the ends stored as ever.
template <class Stream>
struct StreamingWrite {
  template <class S>
  static MYLOS_FUNCTION void copy(S* to, const S* from, int n) {
    constexpr int per_line = 64 / static_cast<int>(sizeof(S));
    int k = 0;
    for (; k < n && reinterpret_cast<std::uintptr_t>(to + k) % 64 != 0; ++k) to[k] = from[k];
    const int lines = (n - k) / per_line;
    Stream::copy(reinterpret_cast<char*>(to + k), reinterpret_cast<const char*>(from + k), lines * 64);
    for (k += lines * per_line; k < n; ++k) to[k] = from[k];
  }
};

// One body per instruction set, dtype and kind of store: function pointers of the type that Queue::parallel_for takes.
#define MYLOS_DEFINE_BODY(isa, attribute)                                              \
  template <class Write, class T>                                                      \
  attribute void body_##isa(const void* context, std::int64_t index) {                 \
    detail::map_block<Write>(*static_cast<const BlockParameters<T>*>(context), index); \
    if constexpr (!std::is_same_v<Write, detail::PlainWrite>) _mm_sfence();            \
  }
MYLOS_DEFINE_BODY(sse2, )
MYLOS_DEFINE_BODY(avx2, MYLOS_ISA_AVX2)
MYLOS_DEFINE_BODY(avx512, MYLOS_ISA_AVX512)
#undef MYLOS_DEFINE_BODY

template <class T>
void run(const PointwiseProblem& problem, const Queue& queue, const char* label, Queue::Body plain,
         Queue::Body streaming) {
  BlockParameters<T> p = detail::make_blocks<T>(problem);
  const auto bytes = problem.geometry.box.count * static_cast<std::int64_t>(size_of(problem.y_dtype));
  // In place the lines are in the cache already: streaming would only evict them.
  const bool stream = bytes >= streaming_bytes && problem.x != problem.y;
  if (stream) p.blocks_per_index = streaming_blocks_per_index;
  queue.parallel_for(queue, label, detail::block_count(p), stream ? streaming : plain, &p);
}

#define MYLOS_DEFINE_RUN(isa, Stream)                                                   \
  void run_##isa(const PointwiseProblem& problem, const Queue& queue) {                 \
    constexpr const char* label = "mylos::pointwise[host/" #isa "]";                    \
    if (problem.computes_in_f64())                                                      \
      return run<double>(problem, queue, label, body_##isa<detail::PlainWrite, double>, \
                         body_##isa<StreamingWrite<Stream>, double>);                   \
    run<float>(problem, queue, label, body_##isa<detail::PlainWrite, float>,            \
               body_##isa<StreamingWrite<Stream>, float>);                              \
  }
MYLOS_DEFINE_RUN(sse2, StreamSse2)
MYLOS_DEFINE_RUN(avx2, StreamAvx2)
MYLOS_DEFINE_RUN(avx512, StreamAvx512)
#undef MYLOS_DEFINE_RUN

#endif  // __x86_64__

}  // namespace

detail::CandidateList<PointwiseProblem> pointwise_candidates() {
#if defined(__x86_64__)
  return isa_candidates<PointwiseProblem, run_avx512, run_avx2, run_sse2>();
#else
  return {};
#endif
}

}  // namespace mylos::host
