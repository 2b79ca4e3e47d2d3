// Networks on the host, compiled for AVX2 and AVX-512 beside the baseline and chosen when they run; threads over blocks
// of samples.
#include "vector_math.hpp"

#include <memory>

#include "isa.hpp"
#include "mlp/blocks.hpp"
#include "mlp/candidates.hpp"

namespace mylos::host {
namespace {

using detail::BlockMlp;
using detail::MlpProblem;
using detail::MlpRecord;
using detail::Queue;

#if defined(__x86_64__)

#define MYLOS_MLP_ATTRIBUTE
#define MYLOS_MLP_BYTES 16
#define MYLOS_MLP_SUMS Sse2SumsF32
#define MYLOS_MLP_TYPE float
#include "mlp_vectors.hpp"
#define MYLOS_MLP_SUMS Sse2SumsF64
#define MYLOS_MLP_TYPE double
#include "mlp_vectors.hpp"
#undef MYLOS_MLP_ATTRIBUTE
#undef MYLOS_MLP_BYTES

#define MYLOS_MLP_ATTRIBUTE MYLOS_ISA_AVX2
#define MYLOS_MLP_BYTES 32
#define MYLOS_MLP_SUMS Avx2SumsF32
#define MYLOS_MLP_TYPE float
#include "mlp_vectors.hpp"
#define MYLOS_MLP_SUMS Avx2SumsF64
#define MYLOS_MLP_TYPE double
#include "mlp_vectors.hpp"
#undef MYLOS_MLP_ATTRIBUTE
#undef MYLOS_MLP_BYTES

#define MYLOS_MLP_ATTRIBUTE MYLOS_ISA_AVX512
#define MYLOS_MLP_BYTES 64
#define MYLOS_MLP_SUMS Avx512SumsF32
#define MYLOS_MLP_TYPE float
#include "mlp_vectors.hpp"
#define MYLOS_MLP_SUMS Avx512SumsF64
#define MYLOS_MLP_TYPE double
#include "mlp_vectors.hpp"
#undef MYLOS_MLP_ATTRIBUTE
#undef MYLOS_MLP_BYTES

// What differs between the instruction sets; the chains apart, since their steps are many.
#define MYLOS_DEFINE_BODIES(Isa, attribute)                                                \
  struct Isa {                                                                             \
    template <class T>                                                                     \
    using Sums = std::conditional_t<std::is_same_v<T, float>, Isa##SumsF32, Isa##SumsF64>; \
    template <class T>                                                                     \
    attribute static void chain(const MlpRecord<T>& record, T* v) {                        \
      detail::chain_mlp_lines(record, v);                                                  \
    }                                                                                      \
    template <class T>                                                                     \
    attribute static void block(const void* context, std::int64_t index) {                 \
      detail::run_mlp_block(*static_cast<const BlockMlp<T>*>(context), index);             \
    }                                                                                      \
  };
MYLOS_DEFINE_BODIES(Sse2, )
MYLOS_DEFINE_BODIES(Avx2, MYLOS_ISA_AVX2)
MYLOS_DEFINE_BODIES(Avx512, MYLOS_ISA_AVX512)
#undef MYLOS_DEFINE_BODIES

template <class Isa, class T>
void run_as(const MlpProblem& problem, const Queue& queue, const char* label) {
  const Mlp& network = *problem.network;
  struct alignas(16) Unit {
    unsigned char bytes[16];
  };
  const std::unique_ptr<Unit[]> memory(new Unit[detail::mlp_packed_bytes<T>(network) / sizeof(Unit)]);
  detail::pack_mlp<T>(network, memory.get(), [](const detail::MlpPack<T>& pack) {
    for (std::int64_t i = 0, n = pack.count(); i < n; ++i) pack(i);
  });
  const BlockMlp<T> blocks{detail::make_mlp_samples(problem),
                           problem.samples.count,
                           reinterpret_cast<const MlpRecord<T>*>(memory.get()),
                           network.size(),
                           Isa::template Sums<T>::sums,
                           Isa::template chain<T>};
  queue.parallel_for(queue, label, blocks.blocks(), Isa::template block<T>, &blocks);
}

template <class Isa>
void run_with(const MlpProblem& problem, const Queue& queue, const char* label) {
  if (problem.f64) return run_as<Isa, double>(problem, queue, label);
  run_as<Isa, float>(problem, queue, label);
}

void run_sse2(const MlpProblem& p, const Queue& q) { run_with<Sse2>(p, q, "mylos::mlp[host/sse2]"); }
void run_avx2(const MlpProblem& p, const Queue& q) { run_with<Avx2>(p, q, "mylos::mlp[host/avx2]"); }
void run_avx512(const MlpProblem& p, const Queue& q) { run_with<Avx512>(p, q, "mylos::mlp[host/avx512]"); }

#endif  // __x86_64__

}  // namespace

detail::CandidateList<MlpProblem> mlp_candidates() {
#if defined(__x86_64__)
  return isa_candidates<MlpProblem, run_avx512, run_avx2, run_sse2>();
#else
  return {};
#endif
}

}  // namespace mylos::host
