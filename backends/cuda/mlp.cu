// Networks on NVIDIA GPUs: which kernel serves which problem.
#include <cmath>
#include <iterator>

#include "cuda/mlp.hpp"
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

constexpr detail::Candidate<MlpProblem> list[] = {
    {"cuda/tiles", refuse_tiles, run_tiles},
};

}  // namespace

detail::CandidateList<MlpProblem> mlp_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
