// Sums whose `before` chain is one frequent step.
#include "cuda/reduce_columns.cuh"
#include "cuda/reduce_rows.cuh"
#include "cuda/reduce_short.cuh"

namespace mylos::cuda {

#define MYLOS_INSTANTIATE(name)                                                                                        \
  template void run_reduce_short_rows<Monoid::sum, Through::name>(const detail::ReduceProblem&, const detail::Queue&); \
  template void run_reduce_rows<Monoid::sum, Through::name>(const detail::ReduceProblem&, const detail::Queue&);       \
  template void run_reduce_columns<Monoid::sum, Through::name>(const detail::ReduceProblem&, const detail::Queue&);
MYLOS_FIXED_STEPS(MYLOS_INSTANTIATE)
#undef MYLOS_INSTANTIATE

}  // namespace mylos::cuda
