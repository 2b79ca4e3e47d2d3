// Triangular and symmetric matrices as dense ones, for kernels that know of no others.
#pragma once

#include "gemm/problem.hpp"

namespace mylos::cuda {

/// to = from with its zeros and its mirror image written out: n x n elements of f16, bf16 or f64, for each batch that
/// `to` tells apart.
void expand_structure(const detail::GemmMatrix& from, const detail::GemmMatrix& to, std::int64_t n,
                      const detail::Box& batch, void* stream);

/// Calls visit(part) for parts of a product whose a or b was triangular and is written out, side by side in c, each
/// without the part of K in which that factor is zero.
template <class Visit>
void for_each_panel(const detail::GemmProblem& dense, MatrixStructure a, MatrixStructure b, const Visit& visit) {
  const auto is_triangle = [](MatrixStructure s) { return s == MatrixStructure::lower || s == MatrixStructure::upper; };
  if (!is_triangle(a) && !is_triangle(b)) return visit(dense);
  const bool by_rows = is_triangle(a);
  const std::int64_t extent = by_rows ? dense.m : dense.n;
  // Enough to fill a device, and at most 5/8 of the work of the whole for four of them.
  constexpr std::int64_t least = 1024;
  const std::int64_t quarter = (extent + 1023) / 1024 * 256;
  const std::int64_t panel = quarter < least ? least : quarter;
  const auto advance = [](detail::GemmMatrix& matrix, std::int64_t elements) {
    matrix.data =
        static_cast<unsigned char*>(matrix.data) + elements * static_cast<std::int64_t>(size_of(matrix.dtype));
  };
  for (std::int64_t first = 0; first < extent; first += panel) {
    detail::GemmProblem part = dense;
    const std::int64_t end = first + panel < extent ? first + panel : extent;
    (by_rows ? part.m : part.n) = end - first;
    advance(by_rows ? part.a : part.b, first * (by_rows ? part.a.row : part.b.column));
    advance(part.c, first * (by_rows ? part.c.row : part.c.column));
    if (by_rows ? a == MatrixStructure::lower : b == MatrixStructure::upper) {
      part.k = end;
    } else {
      part.k -= first;
      advance(part.a, first * part.a.column);
      advance(part.b, first * part.b.row);
    }
    visit(part);
  }
}

}  // namespace mylos::cuda
