// A layer of a network for one sample, as plain data and a function: what the generic kernel and a kernel of the user's
// own share.
#pragma once

#include <cstdint>

#include <mylos/chain.hpp>
#include <mylos/op.hpp>

namespace mylos::detail {

/// A step of a layer's chain. An operand is a number, or one per feature.
template <class T>
struct MlpStep {
  const T* operand[2];  // null: the scalar
  std::int64_t stride[2];
  T parameter[2];
  T scalar[2];
  StepId id;

  MYLOS_FUNCTION T operand_of(int i, int feature) const {
    return operand[i] == nullptr ? scalar[i] : operand[i][feature * stride[i]];
  }
};

template <class T>
struct MlpLayer {
  const T* weight;  // (out, in)
  std::int64_t row;
  std::int64_t column;
  const T* bias;  // null: none
  std::int64_t bias_stride;
  int in;
  int out;
  int steps;
};

/// step(v) of one feature.
template <class M, class T>
MYLOS_FUNCTION T apply_mlp_step(const MlpStep<T>& step, int feature, T v) {
  const T a = step.operand_of(0, feature);
  const T b = step.operand_of(1, feature);
  switch (step.id) {
#define MYLOS_STEP(name, ...) \
  case StepId::name:          \
    return op::name<M>(v);
#define MYLOS_STEP_1(name, ...) \
  case StepId::name:            \
    return op::name<M>(v, step.parameter[0]);
#define MYLOS_STEP_2(name, ...) \
  case StepId::name:            \
    return op::name<M>(v, step.parameter[0], step.parameter[1]);
#define MYLOS_STEP_OPERAND(name, ...) \
  case StepId::name:                  \
    return op::name<M>(v, a);
#define MYLOS_STEP_OPERAND_1(name, ...) \
  case StepId::name:                    \
    return op::name<M>(v, a, step.parameter[0]);
#define MYLOS_STEP_OPERANDS(name, ...) \
  case StepId::name:                   \
    return op::name<M>(v, a, b);
#define MYLOS_STEP_OPERANDS_1(name, ...) \
  case StepId::name:                     \
    return op::name<M>(v, a, b, step.parameter[0]);
#include <mylos/steps.def>
    case StepId::count:
      break;
  }
  return v;
}

/// Up to so many features are kept in registers: loops over them are unrolled.
inline constexpr int mlp_register_width = 32;

/// visit(k) for 0 <= k < n: unrolled where the values may stay in registers.
template <int Width, class Visit>
MYLOS_FUNCTION void for_each_mlp_feature(int n, const Visit& visit) {
  if constexpr (Width <= mlp_register_width) {
    MYLOS_UNROLL
    for (int k = 0; k < Width; ++k)
      if (k < n) visit(k);
  } else {
    for (int k = 0; k < n; ++k) visit(k);
  }
}

template <int Width, class T>
MYLOS_FUNCTION void mlp_sums(const MlpLayer<T>& layer, const T* x, T* y) {
  for_each_mlp_feature<Width>(layer.out, [&](int i) {
    const T* const w = layer.weight + i * layer.row;
    T sum = layer.bias == nullptr ? T(0) : layer.bias[i * layer.bias_stride];
    for_each_mlp_feature<Width>(layer.in, [&](int k) { sum += w[k * layer.column] * x[k]; });
    y[i] = sum;
  });
}

/// y = layer(x), both of Width values of which the layer's `in` and `out` count; they may not be the same.
template <int Width, class T>
MYLOS_FUNCTION void run_mlp_layer(const MlpLayer<T>& layer, const MlpStep<T>* step, const T* x, T* y) {
  mlp_sums<Width>(layer, x, y);
  if (layer.steps == 0) return;
  if (layer.steps == 1 && step[0].id == StepId::relu)
    return for_each_mlp_feature<Width>(layer.out, [&](int i) { y[i] = op::relu(y[i]); });
  // A loop that is not unrolled, since a step has much code: on a copy, so that y may stay in registers.
  T v[Width];
  for_each_mlp_feature<Width>(layer.out, [&](int i) { v[i] = y[i]; });
  MYLOS_NO_UNROLL
  for (int i = 0; i < layer.out; ++i)
    for (int s = 0; s < layer.steps; ++s) v[i] = apply_mlp_step<math::Precise>(step[s], i, v[i]);
  for_each_mlp_feature<Width>(layer.out, [&](int i) { y[i] = v[i]; });
}

}  // namespace mylos::detail
