// Applying a chain to a block of values: one `switch` per step and block, not per element.
//
// A Block has value_type, size() and operator[]: a register tile on a GPU, an array in the L1 cache on the host. A step
// reads the values `x` and writes `v`, which may be the same block. load(tensor, block) fills a block with a
// tensor operand's values.
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

/// n values in memory that no other block shares.
template <class T>
struct MemoryBlock {
  using value_type = T;
  T* __restrict__ value;
  int n;
  MYLOS_FUNCTION int size() const { return n; }
  MYLOS_FUNCTION T& operator[](int k) const { return value[k]; }
};

/// The same with room for two more blocks of `Capacity` values behind them, for apply().
template <class T, int Capacity>
struct WorkBlock : MemoryBlock<T> {
  MYLOS_FUNCTION WorkBlock(T* values, int count) : MemoryBlock<T>{values, count} {}
  MYLOS_FUNCTION WorkBlock like(int i) const { return {this->value + (i + 1) * Capacity, this->n}; }
};

#define MYLOS_EACH(...)                  \
  {                                      \
    MYLOS_UNROLL                         \
    for (int k = 0; k < v.size(); ++k) { \
      v[k] = __VA_ARGS__;                \
    }                                    \
  }                                      \
  break;

/// v = step(x), a step without tensor operands.
template <class M, class T, class Block>
MYLOS_FUNCTION void apply_step(const LoweredStep<T>& step, const Block& x, Block& v) {
  switch (step.id) {
#define MYLOS_STEP(name, ...) \
  case StepId::name:          \
    MYLOS_EACH(op::name<M>(x[k]))
#define MYLOS_STEP_1(name, ...) \
  case StepId::name:            \
    MYLOS_EACH(op::name<M>(x[k], step.parameter[0]))
#define MYLOS_STEP_2(name, ...) \
  case StepId::name:            \
    MYLOS_EACH(op::name<M>(x[k], step.parameter[0], step.parameter[1]))
#define MYLOS_STEP_OPERAND(name, ...) \
  case StepId::name:                  \
    MYLOS_EACH(op::name<M>(x[k], step.scalar[0]))
#define MYLOS_STEP_OPERAND_1(name, ...) \
  case StepId::name:                    \
    MYLOS_EACH(op::name<M>(x[k], step.scalar[0], step.parameter[0]))
#define MYLOS_STEP_OPERANDS(name, ...) \
  case StepId::name:                   \
    MYLOS_EACH(op::name<M>(x[k], step.scalar[0], step.scalar[1]))
#define MYLOS_STEP_OPERANDS_1(name, ...) \
  case StepId::name:                     \
    MYLOS_EACH(op::name<M>(x[k], step.scalar[0], step.scalar[1], step.parameter[0]))
#include <mylos/steps.def>
    case StepId::count:
      break;
  }
}

/// With one operand, a tensor.
template <class M, class T, class Block>
MYLOS_FUNCTION void apply_step(const LoweredStep<T>& step, const Block& x, Block& v, const Block& a) {
  switch (step.id) {
#define MYLOS_STEP_OPERAND(name, ...) \
  case StepId::name:                  \
    MYLOS_EACH(op::name<M>(x[k], a[k]))
#define MYLOS_STEP_OPERAND_1(name, ...) \
  case StepId::name:                    \
    MYLOS_EACH(op::name<M>(x[k], a[k], step.parameter[0]))
#include <mylos/steps.def>
    default:
      break;
  }
}

/// With two operands, at least one of them a tensor.
template <class M, class T, class Block>
MYLOS_FUNCTION void apply_step(const LoweredStep<T>& step, const Block& x, Block& v, const Block& a, const Block& b) {
  switch (step.id) {
#define MYLOS_STEP_OPERANDS(name, ...) \
  case StepId::name:                   \
    MYLOS_EACH(op::name<M>(x[k], a[k], b[k]))
#define MYLOS_STEP_OPERANDS_1(name, ...) \
  case StepId::name:                     \
    MYLOS_EACH(op::name<M>(x[k], a[k], b[k], step.parameter[0]))
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
  for (int s = 0; s < chain.size; ++s) apply_step<M>(chain.step[s], v, v);
}

template <class T, class Block, class Load>
MYLOS_FUNCTION void fill_operand(const LoweredStep<T>& step, int i, Block& block, const Load& load) {
  if (step.tensor[i] >= 0) return load(step.tensor[i], block);
  const T scalar = step.scalar[i];
  MYLOS_UNROLL
  for (int k = 0; k < block.size(); ++k) block[k] = scalar;
}

/// v = chain(v), in registers or in a WorkBlock. M: math::Precise or math::Reduced.
template <class M, class T, class Block, class Load>
MYLOS_FUNCTION void apply(const LoweredChain<T>& chain, Block& v, const Load& load) {
  for (int s = 0; s < chain.size; ++s) {
    const LoweredStep<T>& step = chain.step[s];
    if (!step.has_tensors) {
      apply_step<M>(step, v, v);
      continue;
    }
    Block a = v.like(0);
    fill_operand(step, 0, a, load);
    if (static_cast<int>(step.id) < steps_without_operand + steps_with_one_operand) {
      apply_step<M>(step, v, v, a);
    } else {
      Block b = v.like(1);
      fill_operand(step, 1, b, load);
      apply_step<M>(step, v, v, a, b);
    }
  }
}

}  // namespace mylos::detail
