// Applying a chain to a block of values: one `switch` per step and block, not per element.
//
// A Block has value_type, size() and operator[], and like(i), another block of the same size (i = 0, 1): a register
// tile on a GPU, an L1-sized array on the host. load(tensor, block) fills a block with a tensor operand's values.
#pragma once

#include <mylos/op.hpp>

#include "core/lowered.hpp"

namespace mylos::detail {

/// V values in registers.
template <class T, int V>
struct RegisterTile {
  using value_type = T;
  T value[V];
  static constexpr MYLOS_FUNCTION int size() { return V; }
  MYLOS_FUNCTION T& operator[](int k) { return value[k]; }
  MYLOS_FUNCTION const T& operator[](int k) const { return value[k]; }
  MYLOS_FUNCTION RegisterTile like(int) const { return RegisterTile(); }
};

/// n values in memory, with room for two more blocks of `capacity` values behind them.
template <class T, int Capacity>
struct MemoryBlock {
  using value_type = T;
  T* __restrict__ value;
  int n;
  MYLOS_FUNCTION int size() const { return n; }
  MYLOS_FUNCTION T& operator[](int k) const { return value[k]; }
  MYLOS_FUNCTION MemoryBlock like(int i) const { return {value + (i + 1) * Capacity, n}; }
};

#define MYLOS_EACH(...)                  \
  {                                      \
    MYLOS_UNROLL                         \
    for (int k = 0; k < v.size(); ++k) { \
      v[k] = __VA_ARGS__;                \
    }                                    \
  }                                      \
  break;

/// A step without tensor operands.
template <class M, class T, class Block>
MYLOS_FUNCTION void apply_step(const LoweredStep<T>& step, Block& v) {
  switch (step.id) {
#define MYLOS_STEP(name, ...) \
  case StepId::name:          \
    MYLOS_EACH(op::name<M>(v[k]))
#define MYLOS_STEP_1(name, ...) \
  case StepId::name:            \
    MYLOS_EACH(op::name<M>(v[k], step.parameter[0]))
#define MYLOS_STEP_2(name, ...) \
  case StepId::name:            \
    MYLOS_EACH(op::name<M>(v[k], step.parameter[0], step.parameter[1]))
#define MYLOS_STEP_OPERAND(name, ...) \
  case StepId::name:                  \
    MYLOS_EACH(op::name<M>(v[k], step.scalar[0]))
#define MYLOS_STEP_OPERAND_1(name, ...) \
  case StepId::name:                    \
    MYLOS_EACH(op::name<M>(v[k], step.scalar[0], step.parameter[0]))
#define MYLOS_STEP_OPERANDS(name, ...) \
  case StepId::name:                   \
    MYLOS_EACH(op::name<M>(v[k], step.scalar[0], step.scalar[1]))
#define MYLOS_STEP_OPERANDS_1(name, ...) \
  case StepId::name:                     \
    MYLOS_EACH(op::name<M>(v[k], step.scalar[0], step.scalar[1], step.parameter[0]))
#include <mylos/steps.def>
    case StepId::count:
      break;
  }
}

/// A step with one operand, a tensor.
template <class M, class T, class Block>
MYLOS_FUNCTION void apply_step(const LoweredStep<T>& step, Block& v, const Block& a) {
  switch (step.id) {
#define MYLOS_STEP_OPERAND(name, ...) \
  case StepId::name:                  \
    MYLOS_EACH(op::name<M>(v[k], a[k]))
#define MYLOS_STEP_OPERAND_1(name, ...) \
  case StepId::name:                    \
    MYLOS_EACH(op::name<M>(v[k], a[k], step.parameter[0]))
#include <mylos/steps.def>
    default:
      break;
  }
}

/// A step with two operands, at least one of them a tensor.
template <class M, class T, class Block>
MYLOS_FUNCTION void apply_step(const LoweredStep<T>& step, Block& v, const Block& a, const Block& b) {
  switch (step.id) {
#define MYLOS_STEP_OPERANDS(name, ...) \
  case StepId::name:                   \
    MYLOS_EACH(op::name<M>(v[k], a[k], b[k]))
#define MYLOS_STEP_OPERANDS_1(name, ...) \
  case StepId::name:                     \
    MYLOS_EACH(op::name<M>(v[k], a[k], b[k], step.parameter[0]))
#include <mylos/steps.def>
    default:
      break;
  }
}
#undef MYLOS_STEP_ANY
#undef MYLOS_EACH

/// v = chain(v) for a chain without tensor operands: less code and fewer registers than apply().
template <class M, class T, class Block>
MYLOS_FUNCTION void apply_plain(const LoweredChain<T>& chain, Block& v) {
  for (int s = 0; s < chain.size; ++s) apply_step<M>(chain.step[s], v);
}

template <class T, class Block, class Load>
MYLOS_FUNCTION void fill_operand(const LoweredStep<T>& step, int i, Block& block, const Load& load) {
  if (step.tensor[i] >= 0) return load(step.tensor[i], block);
  const T scalar = step.scalar[i];
  MYLOS_UNROLL
  for (int k = 0; k < block.size(); ++k) block[k] = scalar;
}

/// v = chain(v). M: math::Precise or math::Reduced.
template <class M, class T, class Block, class Load>
MYLOS_FUNCTION void apply(const LoweredChain<T>& chain, Block& v, const Load& load) {
  for (int s = 0; s < chain.size; ++s) {
    const LoweredStep<T>& step = chain.step[s];
    if (!step.has_tensors) {
      apply_step<M>(step, v);
      continue;
    }
    Block a = v.like(0);
    fill_operand(step, 0, a, load);
    if (static_cast<int>(step.id) < steps_without_operand + steps_with_one_operand) {
      apply_step<M>(step, v, a);
    } else {
      Block b = v.like(1);
      fill_operand(step, 1, b, load);
      apply_step<M>(step, v, a, b);
    }
  }
}

}  // namespace mylos::detail
