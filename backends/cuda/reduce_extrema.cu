// Extrema and their indices.
#include "cuda/reduce_columns.cuh"
#include "cuda/reduce_rows.cuh"
#include "cuda/reduce_short.cuh"

namespace mylos::cuda {

template void run_reduce_short_rows<Monoid::maximum, Through::nothing>(const detail::ReduceProblem&,
                                                                       const detail::Queue&);
template void run_reduce_rows<Monoid::maximum, Through::nothing>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_columns<Monoid::maximum, Through::nothing>(const detail::ReduceProblem&, const detail::Queue&);
template void run_reduce_short_rows<Monoid::arg_maximum, Through::nothing>(const detail::ReduceProblem&,
                                                                           const detail::Queue&);
template void run_reduce_rows<Monoid::arg_maximum, Through::nothing>(const detail::ReduceProblem&,
                                                                     const detail::Queue&);
template void run_reduce_columns<Monoid::arg_maximum, Through::nothing>(const detail::ReduceProblem&,
                                                                        const detail::Queue&);

}  // namespace mylos::cuda
