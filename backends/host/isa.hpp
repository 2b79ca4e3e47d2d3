// Instruction sets for functions that are compiled several times and chosen when they run (see pointwise.cpp for why
// the functions carry attributes instead of the files carrying flags).
#pragma once

#include "core/selection.hpp"

#if defined(__x86_64__)

#define MYLOS_ISA_AVX2 __attribute__((target("avx2,fma,f16c")))
#if defined(__clang__)
#define MYLOS_ISA_AVX512 __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")))
#else
#define MYLOS_ISA_AVX512 \
  __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,prefer-vector-width=512")))
#endif

// Which of them are compiled: MYLOS_HOST_ISA of the build.
#if !defined(MYLOS_HOST_ISA_CHOSEN)
#define MYLOS_HOST_ISA_avx512 1
#define MYLOS_HOST_ISA_avx2 1
#define MYLOS_HOST_ISA_sse2 1
#endif

namespace mylos::host {

/// Null, or why this processor cannot.
inline const char* refuse_avx512() {
  static const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                                __builtin_cpu_supports("avx512cd");
  return supported ? nullptr : "this processor has no AVX-512";
}

inline const char* refuse_avx2() {
  static const bool supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return supported ? nullptr : "this processor has no AVX2";
}

template <class Problem>
const char* refuse_none(const Problem&) {
  return nullptr;
}

/// The same operator for each instruction set that is compiled, the widest first. Refuse: what none of them does.
template <class Problem, void (*Avx512)(const Problem&, const detail::Queue&),
          void (*Avx2)(const Problem&, const detail::Queue&), void (*Sse2)(const Problem&, const detail::Queue&),
          const char* (*Refuse)(const Problem&) = refuse_none<Problem>>
detail::CandidateList<Problem> isa_candidates() {
  static constexpr auto either = [](const char* reason, const Problem& p) { return reason ? reason : Refuse(p); };
  static constexpr detail::Candidate<Problem> list[] = {
#if MYLOS_HOST_ISA_avx512
    {"host/avx512", [](const Problem& p) { return either(refuse_avx512(), p); }, Avx512},
#endif
#if MYLOS_HOST_ISA_avx2
    {"host/avx2", [](const Problem& p) { return either(refuse_avx2(), p); }, Avx2},
#endif
#if MYLOS_HOST_ISA_sse2
    {"host/sse2", Refuse, Sse2},
#endif
  };
  return {list, static_cast<int>(sizeof(list) / sizeof(list[0]))};
}

/// Above this size an output leaves the caches before it is read again, and reading its lines first is wasted.
inline constexpr std::int64_t streaming_bytes = std::int64_t{8} << 20;

}  // namespace mylos::host

#endif
