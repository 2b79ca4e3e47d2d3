// The map on the host, compiled for AVX2 and AVX-512 beside the baseline and chosen when it runs, with vector forms of
// the elementary functions (glibc's libmvec, where the compiler can call them from a loop) and streaming stores for
// outputs that the cache would not keep.
//
// Chosen at run time rather than by -march: one binary serves every node of a site, and the compiler's flags for the
// rest of the library stay those of the user. Functions carry a target attribute instead of the file carrying flags, so
// that no inline function compiled here can reach a machine without these instructions through the linker.
#include "vector_math.hpp"

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

/// Above this size an output leaves the caches before it is read again, and reading its lines first is wasted.
constexpr std::int64_t streaming_bytes = std::int64_t{8} << 20;

struct StreamingWrite {
  template <class S>
  static MYLOS_FUNCTION void copy(S* to, const S* from, int n) {
    constexpr int per_line = 16 / static_cast<int>(sizeof(S));
    int k = 0;
    for (; k < n && reinterpret_cast<std::uintptr_t>(to + k) % 16 != 0; ++k) to[k] = from[k];
    for (; k + per_line <= n; k += per_line) {
      __m128i line;
      __builtin_memcpy(&line, from + k, 16);
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + k), line);
    }
    for (; k < n; ++k) to[k] = from[k];
  }
};

#if defined(__clang__)
#define MYLOS_AVX2 __attribute__((target("avx2,fma,f16c")))
#define MYLOS_AVX512 __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")))
#else
#define MYLOS_AVX2 __attribute__((target("avx2,fma,f16c")))
#define MYLOS_AVX512 \
  __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,prefer-vector-width=512")))
#endif

// One body per instruction set, dtype and kind of store: function pointers of the type that Queue::parallel_for takes.
#define MYLOS_DEFINE_BODY(isa, attribute)                                              \
  template <class Write, class T>                                                      \
  attribute void body_##isa(const void* context, std::int64_t block) {                 \
    detail::map_block<Write>(*static_cast<const BlockParameters<T>*>(context), block); \
    if constexpr (std::is_same_v<Write, StreamingWrite>) _mm_sfence();                 \
  }
MYLOS_DEFINE_BODY(sse2, )
MYLOS_DEFINE_BODY(avx2, MYLOS_AVX2)
MYLOS_DEFINE_BODY(avx512, MYLOS_AVX512)
#undef MYLOS_DEFINE_BODY

template <class T>
void run(const PointwiseProblem& problem, const Queue& queue, const char* label, Queue::Body plain,
         Queue::Body streaming) {
  const BlockParameters<T> p = detail::make_blocks<T>(problem);
  const auto bytes = problem.geometry.box.count * static_cast<std::int64_t>(size_of(problem.y_dtype));
  // In place the lines are in the cache already: streaming would only evict them.
  const bool stream = bytes >= streaming_bytes && problem.x != problem.y;
  queue.parallel_for(queue, label, detail::block_count(p), stream ? streaming : plain, &p);
}

#define MYLOS_DEFINE_RUN(isa)                                                                                    \
  void run_##isa(const PointwiseProblem& problem, const Queue& queue) {                                          \
    constexpr const char* label = "mylos::pointwise[host/" #isa "]";                                             \
    if (problem.computes_in_f64())                                                                               \
      return run<double>(problem, queue, label, body_##isa<detail::PlainWrite, double>,                          \
                         body_##isa<StreamingWrite, double>);                                                    \
    run<float>(problem, queue, label, body_##isa<detail::PlainWrite, float>, body_##isa<StreamingWrite, float>); \
  }
MYLOS_DEFINE_RUN(sse2)
MYLOS_DEFINE_RUN(avx2)
MYLOS_DEFINE_RUN(avx512)
#undef MYLOS_DEFINE_RUN

const char* refuse_avx512(const PointwiseProblem&) {
  static const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                                __builtin_cpu_supports("avx512cd");
  return supported ? nullptr : "this processor has no AVX-512";
}

const char* refuse_avx2(const PointwiseProblem&) {
  static const bool supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return supported ? nullptr : "this processor has no AVX2";
}

const char* refuse_nothing(const PointwiseProblem&) { return nullptr; }

constexpr detail::Candidate<PointwiseProblem> list[] = {
    {"host/avx512", refuse_avx512, run_avx512},
    {"host/avx2", refuse_avx2, run_avx2},
    {"host/sse2", refuse_nothing, run_sse2},
};

#endif  // __x86_64__

}  // namespace

detail::CandidateList<PointwiseProblem> pointwise_candidates() {
#if defined(__x86_64__)
  return {list, static_cast<int>(sizeof(list) / sizeof(list[0]))};
#else
  return {};
#endif
}

}  // namespace mylos::host
