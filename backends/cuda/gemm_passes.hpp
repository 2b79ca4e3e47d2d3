// Chains of a matrix product that run over a whole matrix, before or after the product.
#pragma once

#include "gemm/vendor_plan.hpp"

namespace mylos::cuda {

using detail::GemmSlices;

/// to = before(a), for each batch that `to` tells apart.
void pass_before(const detail::GemmProblem& problem, const detail::GemmMatrix& to, void* stream);
/// c = after(alpha * from + beta * c); `from` may be c.
void pass_after(const detail::GemmProblem& problem, const detail::GemmMatrix& from, const GemmSlices& slices,
                double alpha, double beta, void* stream);

}  // namespace mylos::cuda
