// Short chains whose steps are known when a kernel is compiled. A chain of any steps pays a switch for each step and
// each few values, and the switch's registers; the frequent ones have kernels without.
#pragma once

#include "core/apply.hpp"

namespace mylos::cuda {

/// log x for positive normal numbers, with the bits of CUDA's logf, which spends a third of its instructions on others.
__device__ __forceinline__ float log_of_normal(float x) {
  const int bits = __float_as_int(x);
  const int exponent = (bits - 0x3f2aaaab) & static_cast<int>(0xff800000U);
  const float f = __int_as_float(bits - exponent) - 1.0F;
  float p = -0.13018856942653656006F;
  p = fmaf(f, p, 0.14084610342979431152F);
  p = fmaf(f, p, -0.12148627638816833496F);
  p = fmaf(f, p, 0.13980610668659210205F);
  p = fmaf(f, p, -0.16684235632419586182F);
  p = fmaf(f, p, 0.20012299716472625732F);
  p = fmaf(f, p, -0.24999669194221496582F);
  p = fmaf(f, p, 0.33333182334899902344F);
  p = fmaf(f, p, -0.5F);
  const float log_mantissa = fmaf(f, f * p, f);
  return fmaf(static_cast<float>(exponent) * 1.1920928955078125e-07F, 0.69314718246459960938F, log_mantissa);
}

/// v = log(x), N at a time: whether all of them are positive normal numbers is asked once.
template <int N>
__device__ __forceinline__ void log_values(const float* x, float* v) {
  constexpr unsigned smallest = 0x00800000U;
  constexpr unsigned infinity = 0x7f800000U;
  unsigned farthest = 0;
  MYLOS_UNROLL
  for (int k = 0; k < N; ++k) farthest = ::max(farthest, __float_as_uint(x[k]) - smallest);
  if (farthest < infinity - smallest) {
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) v[k] = log_of_normal(x[k]);
  } else {
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) v[k] = math::Precise::log(x[k]);
  }
}

/// The steps `Ids`, in turn. Tensors: as many as the first step has operands, 0 or 1, are tensors; the others' are
/// numbers.
template <int Tensors, StepId... Ids>
struct FixedSteps {
  static constexpr int size = sizeof...(Ids);

  /// Whether a chain is this one.
  static bool matches(const Chain& chain) {
    if (chain.size() != size || chain.operand_count() != Tensors) return false;
    int s = 0;
    const bool same = ((chain.step(s++).id == Ids) && ...);
    return same && (Tensors == 0 || chain.step(0).tensor[0] == 0);
  }

  /// N at once; `a` is the tensor's values.
  template <int N, class M = math::Precise, class T>
  static __device__ __forceinline__ void apply(const detail::LoweredChain<T>& chain, detail::RegisterTile<T, N>& v,
                                               const detail::RegisterTile<T, N>& a) {
    [[maybe_unused]] int s = 0;
    (apply_one<Ids, M>(chain, s++, v, a), ...);
  }

 private:
  template <StepId Id, class M, int N, class T>
  static __device__ __forceinline__ void apply_one(const detail::LoweredChain<T>& chain, int s,
                                                   detail::RegisterTile<T, N>& v, const detail::RegisterTile<T, N>& a) {
    if constexpr (Id == StepId::log && std::is_same_v<M, math::Precise> && sizeof(T) == 4) {
      log_values<N>(v.value, v.value);
    } else if constexpr (Id == StepId::mul && Tensors == 0) {
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) v[k] = M::product(v[k], chain.step[s].scalar[0]);
    } else {
      detail::LoweredStep<T> step = chain.step[s];
      step.id = Id;  // a constant: what is left of the switch is one case
      if (Tensors == 1 && s == 0)
        detail::apply_step<M>(step, v, v, a);
      else
        detail::apply_step<M>(step, v, v);
    }
  }
};

}  // namespace mylos::cuda
