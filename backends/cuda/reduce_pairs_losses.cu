// Pointwise losses, without a chain before them.
#include "cuda/reduce_pairs.cuh"

namespace mylos::cuda {

using detail::Prepare;

const PairsEntry* find_loss(const detail::ReduceProblem& problem) {
  static constexpr PairsEntry list[] = {
      pairs_entry<FixedPairs<Prepare::mse>>(),         pairs_entry<FixedPairs<Prepare::l1>>(),
      pairs_entry<FixedPairs<Prepare::smooth_l1>>(),   pairs_entry<FixedPairs<Prepare::huber>>(),
      pairs_entry<FixedPairs<Prepare::bce>>(),         pairs_entry<FixedPairs<Prepare::bce_logits>>(),
      pairs_entry<FixedPairs<Prepare::kl_div>>(),      pairs_entry<FixedPairs<Prepare::kl_div_log>>(),
      pairs_entry<FixedPairs<Prepare::hinge>>(),       pairs_entry<FixedPairs<Prepare::hinge_embedding>>(),
      pairs_entry<FixedPairs<Prepare::poisson_nll>>(), pairs_entry<FixedPairs<Prepare::poisson_nll_log>>(),
  };
  return find_pairs(list, problem);
}

}  // namespace mylos::cuda
