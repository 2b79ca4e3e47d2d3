// Which kernel takes pairs.
#include "cuda/reduce_pairs.cuh"

namespace mylos::cuda {

const char* refuse_reduce_pairs(const detail::ReduceProblem& problem) {
  if (problem.reduction.monoid != Monoid::sum || problem.compute != detail::Compute::f32)
    return "not a sum that is computed in f32";
  const int width = static_cast<int>(16 / size_of(problem.x.dtype));
  return has_vectors(problem, width) && has_pairs(problem, width)
             ? nullptr
             : "x and one tensor beside it are not vectors of 16 bytes alike";
}

void run_reduce_pairs(const detail::ReduceProblem& problem, const detail::Queue& queue) {
  const PairsEntry* entry = problem.before->empty() ? find_loss(problem) : find_chained_pairs(problem);
  entry != nullptr ? entry->run(problem, queue) : run_pairs<AnyPairs>(problem, queue);
}

}  // namespace mylos::cuda
