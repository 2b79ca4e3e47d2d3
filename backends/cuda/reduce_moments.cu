// Products, logarithms of sums, variances.
#include "cuda/reduce_columns.cuh"
#include "cuda/reduce_rows.cuh"
#include "cuda/reduce_short.cuh"

namespace mylos::cuda {

template void run_reduce_short_rows<Monoid::product, false>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_rows<Monoid::product, false>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_columns<Monoid::product, false>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_short_rows<Monoid::log_sum_exp, false>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_rows<Monoid::log_sum_exp, false>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_columns<Monoid::log_sum_exp, false>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_short_rows<Monoid::moments, false>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_rows<Monoid::moments, false>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_columns<Monoid::moments, false>(const detail::ReduceProblem&, const detail::Queue&);

}  // namespace mylos::cuda
