// A matrix product as its candidates see it: checked, canonical, plain data, free of Kokkos and vendor headers.
#pragma once

#include <mylos/matrix_structure.hpp>
#include <mylos/precision.hpp>

#include "core/geometry.hpp"
#include "core/selection.hpp"

namespace mylos::detail {

/// A stack of matrices over the batch box of a problem: element (i, j) of batch b is at
/// data + offset(b, batch) + i * row + j * column. A stride is 0 where the matrix is the same all along.
struct GemmMatrix {
  void* data = nullptr;
  DType dtype = DType::f32;
  MatrixStructure structure = MatrixStructure::general;  // of a square a or b; c is general
  std::int64_t row = 0;
  std::int64_t column = 0;
  Strides batch{};
};

/// A tensor operand of a chain over [batch, rows, columns] of the matrix that the chain runs over.
struct GemmOperand {
  std::int64_t row = 0;
  std::int64_t column = 0;
  Strides batch{};
};

/// c = after(alpha * before(a) b + beta * c), for each matrix of the batch: a is m x k, b is k x n, c is m x n.
/// No count but k is 0; c is not read where beta is 0. Sums are f32, f64 where one of the three is f64.
struct GemmProblem {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  Box batch;  // canonical: merged wherever a, b, c and every operand allow it; c's fastest last; rank 0 for one matrix
  GemmMatrix a;
  GemmMatrix b;
  GemmMatrix c;
  /// What the backend's preparation (candidates.hpp) left of b, or null. Where it is given a candidate may read it in
  /// place of b, which is there in any case.
  const void* prepared_b = nullptr;
  double alpha = 1;
  double beta = 0;
  Precision precision = Precision::standard;
  Determinism determinism = Determinism::run_to_run;

  const Chain* before = nullptr;      // on a, as it is read; both live while the call lasts
  const Chain* after = nullptr;       // on what is stored
  GemmOperand operand[max_operands];  // those of `before` over a, then those of `after` over c; together at most 16

  bool computes_in_f64() const { return a.dtype == DType::f64 || b.dtype == DType::f64 || c.dtype == DType::f64; }
  bool is_general() const { return a.structure == MatrixStructure::general && b.structure == MatrixStructure::general; }
  int operand_count() const { return before->operand_count() + after->operand_count(); }
  const Tensor& operand_tensor(int o) const {
    const int first = before->operand_count();
    return o < first ? before->operand(o) : after->operand(o - first);
  }
};

}  // namespace mylos::detail
