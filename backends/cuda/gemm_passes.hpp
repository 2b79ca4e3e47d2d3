// Chains of a matrix product that run over a whole matrix, before or after the product.
#pragma once

#include "gemm/problem.hpp"

namespace mylos::cuda {

/// to = before(a), for each batch that `to` tells apart.
void pass_before(const detail::GemmProblem& problem, const detail::GemmMatrix& to, void* stream);
/// c = after(from + beta * c); `from` may be c.
void pass_after(const detail::GemmProblem& problem, const detail::GemmMatrix& from, double beta, void* stream);

}  // namespace mylos::cuda
