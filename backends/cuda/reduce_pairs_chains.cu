// Frequent chains before losses, and frequent chains with a tensor.
#include "cuda/reduce_pairs.cuh"

namespace mylos::cuda {

using detail::Prepare;

const PairsEntry* find_chained_pairs(const detail::ReduceProblem& problem) {
  static constexpr PairsEntry list[] = {
      pairs_entry<FixedPairs<Prepare::kl_div, StepId::log>>(),
      pairs_entry<FixedPairs<Prepare::bce, StepId::sigmoid>>(),
      pairs_entry<FixedPairs<Prepare::mse, StepId::relu>>(),
      pairs_entry<FixedPairs<Prepare::mse, StepId::sigmoid>>(),
      pairs_entry<FixedPairs<Prepare::mse, StepId::tanh>>(),
      pairs_entry<FixedPairs<Prepare::none, StepId::mul>>(),
      pairs_entry<FixedPairs<Prepare::none, StepId::sub, StepId::abs>>(),
      pairs_entry<FixedPairs<Prepare::none, StepId::sub, StepId::square>>(),
      pairs_entry<FixedPairs<Prepare::none, StepId::mul, StepId::rsub, StepId::relu>>(),
      pairs_entry<FixedPairs<Prepare::none, StepId::mul, StepId::rsub, StepId::clamp>>(),
  };
  return find_pairs(list, problem);
}

}  // namespace mylos::cuda
