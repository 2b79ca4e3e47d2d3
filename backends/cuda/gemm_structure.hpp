// Triangular and symmetric matrices as dense ones, for kernels that know of no others.
#pragma once

#include "gemm/problem.hpp"

namespace mylos::cuda {

/// to = from with its zeros and its mirror image written out: n x n elements of f16, bf16 or f64, for each batch that
/// `to` tells apart.
void expand_structure(const detail::GemmMatrix& from, const detail::GemmMatrix& to, std::int64_t n,
                      const detail::Box& batch, void* stream);

}  // namespace mylos::cuda
