// A chain as kernels see it: parameters in the compute type, operands as strides over the canonical box. Plain data.
#pragma once

#include <mylos/chain.hpp>

#include "core/geometry.hpp"

namespace mylos::detail {

template <class T>
struct LoweredStep {
  T parameter[2];
  T scalar[2];
  StepId id;
  bool has_tensors;
  std::int8_t tensor[2];  // -1: the scalar
};

/// How many steps have no operand, and how many have at most one: the step numbers are in that order.
enum StepGroups : int {
#define MYLOS_STEP(...) +1
#define MYLOS_STEP_1(...) +1
#define MYLOS_STEP_2(...) +1
  steps_without_operand = 0
#include <mylos/steps.def>
  ,
#define MYLOS_STEP_OPERAND(...) +1
#define MYLOS_STEP_OPERAND_1(...) +1
  steps_with_one_operand = 0
#include <mylos/steps.def>
  ,
};
#undef MYLOS_STEP_ANY

template <class T>
struct LoweredChain {
  int size;
  LoweredStep<T> step[max_steps];
};

/// A tensor operand over the canonical box of `Rank` dimensions.
template <int Rank>
struct LoweredOperand {
  const void* data;
  DType dtype;
  std::int64_t stride[Rank];
};

template <class T>
LoweredChain<T> lower(const Chain& chain) {
  LoweredChain<T> lowered;
  lowered.size = chain.size();
  for (int s = 0; s < chain.size(); ++s) {
    const Step& from = chain.step(s);
    LoweredStep<T>& to = lowered.step[s];
    to.id = from.id;
    to.has_tensors = from.tensor[0] >= 0 || from.tensor[1] >= 0;
    for (int i = 0; i < 2; ++i) {
      to.parameter[i] = static_cast<T>(from.parameter[i]);
      to.scalar[i] = static_cast<T>(from.scalar[i]);
      to.tensor[i] = from.tensor[i];
    }
  }
  return lowered;
}

}  // namespace mylos::detail
