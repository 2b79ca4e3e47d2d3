// Sums, means, counts and norms.
#include "cuda/reduce_columns.cuh"
#include "cuda/reduce_rows.cuh"
#include "cuda/reduce_short.cuh"

namespace mylos::cuda {

template void run_reduce_short_rows<Monoid::sum, Through::nothing>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_rows<Monoid::sum, Through::nothing>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_columns<Monoid::sum, Through::nothing>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_short_rows<Monoid::sum_of_squares, Through::nothing>(const detail::ReduceProblem&,
                                                                              const detail::Queue&);
template void run_reduce_rows<Monoid::sum_of_squares, Through::nothing>(const detail::ReduceProblem&,
                                                                        const detail::Queue&);
template void run_reduce_columns<Monoid::sum_of_squares, Through::nothing>(const detail::ReduceProblem&,
                                                                           const detail::Queue&);

}  // namespace mylos::cuda
