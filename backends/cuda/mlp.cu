// Networks on NVIDIA GPUs: which kernel serves which problem.
#include <cmath>
#include <iterator>

#include "cuda/mlp.hpp"
#include "cuda/mlp_shape.hpp"
#include "cuda/primitives/device.hpp"
#include "mlp/candidates.hpp"
#include "mlp/pack.hpp"

namespace mylos::cuda {
namespace {

using detail::MlpProblem;

/// Whether a step makes NaN of NaN, whatever its operands are.
bool keeps_nan(const Step& step) {
  switch (step.id) {
    case StepId::where:
    case StepId::masked_fill:
    case StepId::pow:
      return false;
    default:
      break;
  }
  detail::MlpStep<double> one{};
  one.id = step.id;
  for (int i = 0; i < 2; ++i) {
    one.parameter[i] = step.parameter[i];
    one.scalar[i] = 1;
  }
  return std::isnan(detail::apply_mlp_step<math::Precise>(one, 0, std::nan("")));
}

const char* refuse_tiles(const MlpProblem& problem) {
  if (problem.samples.rank > 1) return "the samples are not evenly spaced";
  for (int l = 0; l < problem.network->size(); ++l) {
    const Chain& chain = (*problem.network)[l].chain;
    for (int s = 0; s < chain.size(); ++s)
      if (!keeps_nan(chain.step(s))) return "a chain may hide NaN, by which samples with infinities are found";
  }
  return nullptr;
}

void run_tiles(const MlpProblem& problem, const detail::Queue& queue) {
  if (problem.f64) return run_mlp_tiles<double>(problem, queue);
  run_mlp_tiles<float>(problem, queue);
}

const char* refuse_halves(const MlpProblem& problem, MlpSide side) {
  const Mlp& network = *problem.network;
  const int layers = network.size();
  if (problem.f64) return "f64";
  if (layers < 2) return "one layer: no values stay between layers";
  if (layers > mlp_halves_layers) return "more than 32 layers";
  if (problem.widest > 64) return "layers of more than 64 features";
  if (const char* reason = refuse_tiles(problem)) return reason;
  const int unit = mlp_unit(problem.widest);
  int bytes = 0;
  int work = 0;
  int needed = 0;
  for (int l = 0; l < layers; ++l) {
    const int in = static_cast<int>(network[l].weight.extent[1]);
    const int out = static_cast<int>(network[l].weight.extent[0]);
    const MlpLayerTiles tiles = mlp_layer_tiles(l, layers, in, out, unit, side);
    bytes += tiles.bytes();
    work += tiles.in * tiles.out;
    needed += mlp_feature_tiles(in, unit) * mlp_feature_tiles(out, unit);
  }
  if (bytes > device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)) return "the weights exceed shared memory";
  return work > 2 * needed ? "hidden layers are of very different widths" : nullptr;
}

const char* refuse_tensor(const MlpProblem& problem) { return refuse_halves(problem, MlpSide::lanes); }

const char* refuse_group(const MlpProblem& problem) {
  if (!has_mlp_group_kernel()) return "the device is no sm_90a, or the library was not built for it";
  if (problem.x.dtype != DType::f32 || problem.y.dtype != DType::f32) return "x or y is not f32";
  for (int l = 0; l < problem.network->size(); ++l)
    if (mlp_activation((*problem.network)[l].chain) == MlpActivation::any)
      return "a chain is not one of tanh, relu, gelu, silu and sigmoid";
  return refuse_halves(problem, MlpSide::pieces);
}

void run_group(const MlpProblem& problem, const detail::Queue& queue) {
  if (problem.widest <= 32) return run_mlp_group_of<32>(problem, queue);
  run_mlp_group_of<64>(problem, queue);
}

void run_tensor(const MlpProblem& problem, const detail::Queue& queue) {
  if (problem.widest <= 32) return run_mlp_tensor_of<32>(problem, queue);
  run_mlp_tensor_of<64>(problem, queue);
}

constexpr detail::Candidate<MlpProblem> list[] = {
    {"cuda/group", refuse_group, run_group},
    {"cuda/tensor", refuse_tensor, run_tensor},
    {"cuda/tiles", refuse_tiles, run_tiles},
};

}  // namespace

detail::CandidateList<MlpProblem> mlp_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
