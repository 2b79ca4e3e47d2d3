// Scans on the host, compiled for AVX2 and AVX-512 beside the baseline and chosen when they run; threads over rows, or
// over the pieces of few long ones.
#include "vector_math.hpp"

#include <memory>

#include "isa.hpp"
#include "scan/blocks.hpp"
#include "scan/candidates.hpp"
#include "scan/dispatch.hpp"
#include "scan/threads.hpp"

namespace mylos::detail {
void copy_streaming(void* to, const void* from, std::int64_t bytes);  // map_blocks.cpp
}

namespace mylos::host {
namespace {

using detail::BlockScan;
using detail::Queue;
using detail::ScanMonoid;
using detail::ScanProblem;

#if defined(__x86_64__)

#define MYLOS_VECTORS_OF "scan_vectors.hpp"
#include "each_isa.hpp"

template <ScanMonoid M, class T>
MYLOS_FUNCTION void combine_totals(const BlockScan<T>& s, std::int64_t row) {
  using State = typename detail::Scanner<M, T>::State;
  detail::ScanTotals<M, T>{static_cast<State*>(s.totals), s.pieces.count}(row);
}

// One body per instruction set, monoid and type; the chains apart, since their steps are many.
#define MYLOS_DEFINE_BODIES(isa, attribute)                                                                 \
  struct isa {                                                                                              \
    template <ScanMonoid M, class T>                                                                        \
    attribute static void total(const void* context, std::int64_t item) {                                   \
      detail::scan_item<M, T, isa##Vectors>(*static_cast<const BlockScan<T>*>(context), item, true);        \
    }                                                                                                       \
    template <ScanMonoid M, class T>                                                                        \
    attribute static void result(const void* context, std::int64_t item) {                                  \
      detail::scan_item<M, T, isa##Vectors>(*static_cast<const BlockScan<T>*>(context), item, false);       \
    }                                                                                                       \
    template <ScanMonoid M, class T>                                                                        \
    attribute static void combine(const void* context, std::int64_t row) {                                  \
      combine_totals<M, T>(*static_cast<const BlockScan<T>*>(context), row);                                \
    }                                                                                                       \
    template <class T>                                                                                      \
    attribute static void transform(const BlockScan<T>& s, const detail::LoweredChain<T>& chain, int first, \
                                    const detail::ScanPlace& place, T* v, int n) {                          \
      detail::transform_block(s, chain, first, place, v, n);                                                \
    }                                                                                                       \
  };
MYLOS_DEFINE_BODIES(Sse2, )
MYLOS_DEFINE_BODIES(Avx2, MYLOS_ISA_AVX2)
MYLOS_DEFINE_BODIES(Avx512, MYLOS_ISA_AVX512)
#undef MYLOS_DEFINE_BODIES

template <class Isa>
void run_with(const ScanProblem& problem, const Queue& queue, const char* label) {
  detail::with_scan_type(problem, [&](auto type) {
    using Type = decltype(type);
    using T = typename Type::Value;
    using State = typename detail::Scanner<Type::monoid, T>::State;
    BlockScan<T> s = detail::make_block_scan<T>(problem, queue.threads);
    s.transform = Isa::template transform<T>;
    const std::int64_t bytes =
        problem.rows.count * problem.length * static_cast<std::int64_t>(size_of(problem.y.dtype));
    // In place the lines are in the cache already: streaming would only evict them.
    if (bytes >= streaming_bytes && problem.x.data != problem.y.data) s.stream = detail::copy_streaming;
    std::unique_ptr<State[]> totals;
    if (s.shared) {
      totals.reset(new State[static_cast<std::size_t>(s.pieces.count * s.p.rows)]);
      s.totals = totals.get();
      queue.parallel_for(queue, label, s.items(), Isa::template total<Type::monoid, T>, &s);
      queue.parallel_for(queue, label, s.p.rows, Isa::template combine<Type::monoid, T>, &s);
    }
    queue.parallel_for(queue, label, s.items(), Isa::template result<Type::monoid, T>, &s);
  });
}

void run_sse2(const ScanProblem& p, const Queue& q) { run_with<Sse2>(p, q, "mylos::scan[host/sse2]"); }
void run_avx2(const ScanProblem& p, const Queue& q) { run_with<Avx2>(p, q, "mylos::scan[host/avx2]"); }
void run_avx512(const ScanProblem& p, const Queue& q) { run_with<Avx512>(p, q, "mylos::scan[host/avx512]"); }

#endif  // __x86_64__

}  // namespace

detail::CandidateList<ScanProblem> scan_candidates() {
#if defined(__x86_64__)
  return isa_candidates<ScanProblem, run_avx512, run_avx2, run_sse2>();
#else
  return {};
#endif
}

}  // namespace mylos::host
