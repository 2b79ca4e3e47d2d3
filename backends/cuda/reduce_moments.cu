// Products, logarithms of sums, variances.
#include "cuda/reduce_columns.cuh"
#include "cuda/reduce_rows.cuh"
#include "cuda/reduce_short.cuh"

namespace mylos::cuda {

template void run_reduce_short_rows<Monoid::product, Through::nothing>(const detail::ReduceProblem&,
                                                                       const detail::Queue&);
template void run_reduce_rows<Monoid::product, Through::nothing>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_columns<Monoid::product, Through::nothing>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_short_rows<Monoid::log_sum_exp, Through::nothing>(const detail::ReduceProblem&,
                                                                           const detail::Queue&);
template void run_reduce_rows<Monoid::log_sum_exp, Through::nothing>(const detail::ReduceProblem&,
                                                                     const detail::Queue&);
template void run_reduce_columns<Monoid::log_sum_exp, Through::nothing>(const detail::ReduceProblem&,
                                                                        const detail::Queue&);
template void run_reduce_short_rows<Monoid::moments, Through::nothing>(const detail::ReduceProblem&,
                                                                       const detail::Queue&);
template void run_reduce_rows<Monoid::moments, Through::nothing>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_columns<Monoid::moments, Through::nothing>(const detail::ReduceProblem&, const detail::Queue&);

}  // namespace mylos::cuda
