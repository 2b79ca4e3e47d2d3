// Reductions on the host, compiled for AVX2 and AVX-512 beside the baseline and chosen when they run; threads over
// results, or over the pieces of long ones.
#include "vector_math.hpp"

#include <memory>

#include "isa.hpp"
#include "reduce/blocks.hpp"
#include "reduce/candidates.hpp"
#include "reduce/dispatch.hpp"

namespace mylos::host {
namespace {

using detail::BlockReduction;
using detail::Monoid;
using detail::Queue;
using detail::ReduceProblem;

#if defined(__x86_64__)

#define MYLOS_VECTORS_OF "reduce_vectors.hpp"
#include "each_isa.hpp"

// One body per instruction set, monoid and type; the transformation apart, since a chain's steps are many.
#define MYLOS_DEFINE_BODIES(isa, attribute)                                                                     \
  struct isa {                                                                                                  \
    template <Monoid M, class T>                                                                                \
    attribute static void item(const void* context, std::int64_t index) {                                       \
      detail::reduce_item<M, T, isa##Vectors>(*static_cast<const BlockReduction<T>*>(context), index);          \
    }                                                                                                           \
    template <Monoid M, class T>                                                                                \
    attribute static void combine(const void* context, std::int64_t index) {                                    \
      detail::combine_pieces<M, T>(*static_cast<const BlockReduction<T>*>(context), index);                     \
    }                                                                                                           \
    template <class T>                                                                                          \
    attribute static void transform(const BlockReduction<T>& r, const detail::BlockPlace& place, T* v, int n) { \
      detail::transform_block(r, place, v, n);                                                                  \
    }                                                                                                           \
  };
MYLOS_DEFINE_BODIES(Sse2, )
MYLOS_DEFINE_BODIES(Avx2, MYLOS_ISA_AVX2)
MYLOS_DEFINE_BODIES(Avx512, MYLOS_ISA_AVX512)
#undef MYLOS_DEFINE_BODIES

template <class Isa>
void run_with(const ReduceProblem& problem, const Queue& queue, const char* label) {
  detail::with_reduction_type(problem, [&](auto type) {
    using Type = decltype(type);
    using T = typename Type::Value;
    using State = typename detail::Reducer<Type::monoid, T>::State;
    BlockReduction<T> r = detail::make_block_reduction<T>(problem);
    if (r.transforms()) r.transform = Isa::template transform<T>;
    std::unique_ptr<State[]> partial;
    if (r.pieces.count > 1) {
      partial.reset(new State[static_cast<std::size_t>(r.pieces.count * r.p.outputs)]);
      r.partial = partial.get();
    }
    queue.parallel_for(queue, label, r.items(), Isa::template item<Type::monoid, T>, &r);
    if (r.pieces.count > 1) queue.parallel_for(queue, label, r.p.outputs, Isa::template combine<Type::monoid, T>, &r);
  });
}

void run_sse2(const ReduceProblem& p, const Queue& q) { run_with<Sse2>(p, q, "mylos::reduce[host/sse2]"); }
void run_avx2(const ReduceProblem& p, const Queue& q) { run_with<Avx2>(p, q, "mylos::reduce[host/avx2]"); }
void run_avx512(const ReduceProblem& p, const Queue& q) { run_with<Avx512>(p, q, "mylos::reduce[host/avx512]"); }

#endif  // __x86_64__

}  // namespace

detail::CandidateList<ReduceProblem> reduce_candidates() {
#if defined(__x86_64__)
  return isa_candidates<ReduceProblem, run_avx512, run_avx2, run_sse2>();
#else
  return {};
#endif
}

}  // namespace mylos::host
