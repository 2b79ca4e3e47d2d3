// Losses of vectors on the host, compiled for AVX2 and AVX-512 beside the baseline and chosen when they run; threads
// over rows, or over the pieces of long ones.
#include "vector_math.hpp"

#include <memory>

#include "isa.hpp"
#include "vector_loss/blocks.hpp"
#include "vector_loss/candidates.hpp"

namespace mylos::host {
namespace {

using detail::BlockReduction;
using detail::BlockVectorLoss;
using detail::LossSum;
using detail::Queue;
using detail::VectorLoss;
using detail::VectorLossProblem;

#if defined(__x86_64__)

#define MYLOS_VECTORS_OF "reduce_vectors.hpp"
#include "each_isa.hpp"

// One body per instruction set, loss and type; the transformation apart, since a chain's steps are many.
#define MYLOS_DEFINE_BODIES(isa, attribute)                                                                     \
  struct isa {                                                                                                  \
    template <VectorLoss L, class T>                                                                            \
    attribute static void item(const void* context, std::int64_t index) {                                       \
      detail::vector_loss_item<L, T, isa##Vectors>(*static_cast<const BlockVectorLoss<T>*>(context), index);    \
    }                                                                                                           \
    template <VectorLoss L, class T>                                                                            \
    attribute static void combine(const void* context, std::int64_t index) {                                    \
      detail::combine_vector_pieces<L>(*static_cast<const BlockVectorLoss<T>*>(context), index);                \
    }                                                                                                           \
    template <class T>                                                                                          \
    attribute static void total(const void* context, std::int64_t) {                                            \
      detail::store_sums(*static_cast<const BlockVectorLoss<T>*>(context));                                     \
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
void run_with(const VectorLossProblem& problem, const Queue& queue, const char* label) {
  detail::with_vector_loss(problem, [&](auto loss, auto value) {
    constexpr VectorLoss L = decltype(loss)::value;
    using T = decltype(value);
    using State = typename detail::VectorReducer<L, T>::State;
    BlockVectorLoss<T> v = detail::make_block_vector_loss<T>(problem);
    if (v.r.p.before.size != 0) v.r.transform = Isa::template transform<T>;
    std::unique_ptr<State[]> states;
    std::unique_ptr<LossSum[]> sums;
    if (v.r.pieces.count > 1) states.reset(new State[static_cast<std::size_t>(v.r.pieces.count * v.r.p.outputs)]);
    if (!v.o.per_row()) sums.reset(new LossSum[static_cast<std::size_t>(v.sum_count())]);
    v.r.partial = states.get();
    v.sums = sums.get();
    queue.parallel_for(queue, label, v.r.items(), Isa::template item<L, T>, &v);
    if (v.r.pieces.count > 1) queue.parallel_for(queue, label, v.r.p.outputs, Isa::template combine<L, T>, &v);
    if (!v.o.per_row()) queue.parallel_for(queue, label, 1, Isa::template total<T>, &v);
  });
}

void run_sse2(const VectorLossProblem& p, const Queue& q) { run_with<Sse2>(p, q, "mylos::vector_loss[host/sse2]"); }
void run_avx2(const VectorLossProblem& p, const Queue& q) { run_with<Avx2>(p, q, "mylos::vector_loss[host/avx2]"); }
void run_avx512(const VectorLossProblem& p, const Queue& q) {
  run_with<Avx512>(p, q, "mylos::vector_loss[host/avx512]");
}

#endif  // __x86_64__

}  // namespace

detail::CandidateList<VectorLossProblem> vector_loss_candidates() {
#if defined(__x86_64__)
  return isa_candidates<VectorLossProblem, run_avx512, run_avx2, run_sse2>();
#else
  return {};
#endif
}

}  // namespace mylos::host
