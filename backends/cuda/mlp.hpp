// The network kernels, spread over several sources so that they compile side by side.
#pragma once

#include "mlp/problem.hpp"

namespace mylos::cuda {

/// T: float or double.
template <class T>
void run_mlp_tiles(const detail::MlpProblem& problem, const detail::Queue& queue);

/// f32; Width: 32 or 64, of the widest layer at least.
template <int Width>
void run_mlp_tensor_of(const detail::MlpProblem& problem, const detail::Queue& queue);

/// Likewise, on sm_90a alone, for x and y of f32 and chains that mlp_activation() knows.
template <int Width>
void run_mlp_group_of(const detail::MlpProblem& problem, const detail::Queue& queue);
/// Whether the current device and what the library was built for have it.
bool has_mlp_group_kernel();

/// A layer's chain in the kernels of halves, where it is nothing or one step without tensors.
enum class MlpActivation : std::uint8_t { none, relu, tanh, gelu, silu, sigmoid, any };

inline MlpActivation mlp_activation(const Chain& chain) {
  if (chain.empty()) return MlpActivation::none;
  if (chain.size() != 1) return MlpActivation::any;
  switch (chain.step(0).id) {
    case StepId::relu:
      return MlpActivation::relu;
    case StepId::tanh:
      return MlpActivation::tanh;
    case StepId::gelu:
      return MlpActivation::gelu;
    case StepId::silu:
      return MlpActivation::silu;
    case StepId::sigmoid:
      return MlpActivation::sigmoid;
    default:
      return MlpActivation::any;
  }
}

}  // namespace mylos::cuda
