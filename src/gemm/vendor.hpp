// A matrix product by calls of a vendor's library, with chains and structures in passes of their own: the order of
// things, the same for every library.
#pragma once

#include <algorithm>
#include <utility>

#include "gemm/vendor_plan.hpp"

namespace mylos::detail {

/// A factor of a VendorProduct, column by column with columns `leading` elements apart, or its transpose so.
struct VendorFactor {
  const void* data;
  bool is_transposed;
  std::int64_t leading;
  std::int64_t step;  // to the next of the batch; 0 where it is the same
};

/// What a library does in one call, for each of `batch` matrices: c = alpha left right + beta c, where c is
/// rows x columns and lies column by column, and left and right are transposed where they are stored so.
struct VendorProduct {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t k;
  std::int64_t batch;
  VendorFactor left;
  VendorFactor right;
  void* c;
  std::int64_t c_leading;
  std::int64_t c_step;
  DType dtype;  // of both factors
  DType c_dtype;
  double alpha;
  double beta;  // 0: c is not read
};

inline void advance(GemmMatrix& matrix, std::int64_t elements) {
  matrix.data = static_cast<unsigned char*>(matrix.data) + elements * static_cast<std::int64_t>(size_of(matrix.dtype));
}

/// Calls library(VendorProduct) for the last dimension of the batch box at once, and for each index of the others and
/// each part of K.
template <class Library>
void multiply(const GemmProblem& problem, const VendorLimits& limits, const Library& library) {
  const VendorMatrix a = vendor_matrix(problem.a, problem.m, problem.k);
  const VendorMatrix b = vendor_matrix(problem.b, problem.k, problem.n);
  const VendorMatrix c = vendor_matrix(problem.c, problem.m, problem.n);
  const int rank = problem.batch.rank;
  const std::int64_t inner = rank == 0 ? 1 : problem.batch.extent[rank - 1];
  const std::int64_t calls = problem.batch.count / inner;
  const std::int64_t depth = vendor_depth(problem, limits);
  const std::int64_t parts = parts_of_k(problem, limits);
  for (std::int64_t call = 0; call < calls * parts; ++call) {
    const std::int64_t first = call / calls * depth;  // of K
    const auto at = [&](GemmMatrix matrix, std::int64_t step_of_k) {
      std::int64_t rest = call % calls;
      std::int64_t offset = first * step_of_k;
      for (int d = rank - 2; d >= 0; --d) {
        offset += rest % problem.batch.extent[d] * matrix.batch.stride[d];
        rest /= problem.batch.extent[d];
      }
      advance(matrix, offset);
      return matrix.data;
    };
    const auto step = [&](const GemmMatrix& matrix) { return rank == 0 ? 0 : matrix.batch.stride[rank - 1]; };
    const auto factor = [&](const GemmMatrix& matrix, const VendorMatrix& as, std::int64_t step_of_k) {
      return VendorFactor{at(matrix, step_of_k), as.is_transposed != c.is_transposed, as.leading, step(matrix)};
    };
    VendorProduct product{};
    product.rows = problem.m;
    product.columns = problem.n;
    product.left = factor(problem.a, a, problem.a.column);
    product.right = factor(problem.b, b, problem.b.row);
    if (c.is_transposed) {  // c^T = b^T a^T
      std::swap(product.rows, product.columns);
      std::swap(product.left, product.right);
    }
    product.k = std::min(depth, problem.k - first);
    product.batch = inner;
    product.c = at(problem.c, 0);
    product.c_leading = c.leading;
    product.c_step = step(problem.c);
    product.dtype = problem.a.dtype;
    product.c_dtype = problem.c.dtype;
    product.alpha = problem.alpha;
    product.beta = first == 0 ? problem.beta : 1.0;
    library(product);
  }
}

/// The parts of K side by side, results one behind the other from c on. Their number is parts_of_k().
template <class Library>
void multiply_sliced(const GemmProblem& problem, const VendorLimits& limits, const Library& library) {
  const std::int64_t depth = vendor_depth(problem, limits);
  GemmProblem full = problem;
  full.k = depth;
  full.batch.rank = 1;
  full.batch.count = full.batch.extent[0] = problem.k / depth;
  full.a.batch.stride[0] = depth * problem.a.column;
  full.b.batch.stride[0] = depth * problem.b.row;
  full.c.batch.stride[0] = problem.m * problem.n;
  multiply(full, limits, library);
  GemmProblem rest = problem;
  rest.k = problem.k % depth;
  if (rest.k == 0) return;
  advance(rest.a, full.batch.count * full.a.batch.stride[0]);
  advance(rest.b, full.batch.count * full.b.batch.stride[0]);
  advance(rest.c, full.batch.count * full.c.batch.stride[0]);
  multiply(rest, limits, library);
}

/// Calls visit(part) for parts of a product whose a or b was triangular and is written out, side by side in c, each
/// without the part of K in which that factor is zero.
template <class Visit>
void for_each_panel(const GemmProblem& dense, MatrixStructure a, MatrixStructure b, std::int64_t least,
                    const Visit& visit) {
  const auto is_triangle = [](MatrixStructure s) { return s == MatrixStructure::lower || s == MatrixStructure::upper; };
  if (!is_triangle(a) && !is_triangle(b)) return visit(dense);
  const bool by_rows = is_triangle(a);
  const std::int64_t extent = by_rows ? dense.m : dense.n;
  // Enough to fill a device, and at most 5/8 of the work of the whole for four of them.
  const std::int64_t quarter = (extent + least - 1) / least * (least / 4);
  const std::int64_t panel = std::max(least, quarter);
  for (std::int64_t first = 0; first < extent; first += panel) {
    GemmProblem part = dense;
    const std::int64_t end = std::min(first + panel, extent);
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

/// The product by a backend, in `memory` of VendorPlan::bytes(). The backend has
///   library(problem, memory, bytes)                a function of a VendorProduct, with that as its work space
///   pass_before(problem, to)                       to = before(a), for each batch that `to` tells apart
///   expand_structure(from, to, n, batch)           to = from with its zeros and its mirror image written out, likewise
///   pass_after(problem, from, slices, beta)        c = after(sum of the slices from `from` on + beta c); from may be c
template <class Backend>
void run_vendor(const GemmProblem& problem, const VendorLimits& limits, void* memory, const Backend& backend) {
  const VendorPlan plan(problem, limits);
  GemmProblem inner = problem;
  if (plan.is_wide) inner.c = wide_like(problem);
  unsigned char* free = static_cast<unsigned char*>(memory) + limits.workspace_bytes;
  const auto copy = [&](const DenseCopy& dense, GemmMatrix& factor) {
    if (dense.elements == 0) return;
    GemmMatrix to = dense.matrix;
    to.data = free;
    free += dense.bytes();
    if (factor.structure == MatrixStructure::general)
      backend.pass_before(problem, to);
    else
      backend.expand_structure(factor, to, problem.k, problem.batch);
    factor = to;
  };
  copy(plan.a, inner.a);
  copy(plan.b, inner.b);
  if (plan.is_wide) {
    inner.c.data = free;
    inner.beta = 0;  // the pass adds what is there
  }
  {
    const auto& library = backend.library(problem, memory, limits.workspace_bytes);
    if (plan.sliced())
      multiply_sliced(inner, limits, library);
    else
      for_each_panel(inner, problem.a.structure, problem.b.structure, limits.panel,
                     [&](const GemmProblem& panel) { multiply(panel, limits, library); });
  }
  if (plan.is_wide || !problem.after->empty())
    backend.pass_after(problem, inner.c, GemmSlices{plan.slices, plan.results}, plan.is_wide ? problem.beta : 0.0);
}

}  // namespace mylos::detail
