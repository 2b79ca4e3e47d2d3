// Chains of a matrix product that run over a whole matrix, before or after the product.
#pragma once

#include "gemm/problem.hpp"

namespace mylos::cuda {

/// to = before(a), for each batch that `to` tells apart.
void pass_before(const detail::GemmProblem& problem, const detail::GemmMatrix& to, void* stream);
/// Partial results, each a matrix like `from`, so many elements apart; their sum is taken in order.
struct GemmSlices {
  std::int64_t count = 1;
  std::int64_t step = 0;
};
/// c = after(alpha * from + beta * c); `from` may be c.
void pass_after(const detail::GemmProblem& problem, const detail::GemmMatrix& from, const GemmSlices& slices,
                double alpha, double beta, void* stream);

}  // namespace mylos::cuda
