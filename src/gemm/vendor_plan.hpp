// What a vendor's matrix product is given, and what is copied before and collected behind it: plain C++, the same for
// every library that counts by columns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemm/problem.hpp"

namespace mylos::detail {

/// Of one library. The depths: of K at most in one call, by what the factors are.
struct VendorLimits {
  std::size_t workspace_bytes;  // that it is given
  std::int64_t depth_f64;
  std::int64_t depth_f32;
  std::int64_t depth_narrow;    // 16 bits, or f32 that may be rounded
  std::int64_t slice_elements;  // of partial results at most, where parts of K are taken side by side
  std::int64_t panel = 1024;    // rows at least that a triangle is cut into
};

/// A matrix as the library takes it, column by column: its transpose where `is_transposed`.
struct VendorMatrix {
  bool is_transposed;
  std::int64_t leading;
};

/// Of rows x columns; leading is 0 where the library does not take it.
inline VendorMatrix vendor_matrix(const GemmMatrix& matrix, std::int64_t rows, std::int64_t columns) {
  const bool row_step = matrix.row == 1 || rows == 1;
  const bool column_step = matrix.column == 1 || columns == 1;
  if (row_step && (columns == 1 || matrix.column >= rows)) return {false, columns == 1 ? rows : matrix.column};
  if (column_step && (rows == 1 || matrix.row >= columns)) return {true, rows == 1 ? columns : matrix.row};
  return {false, 0};
}

inline bool is_narrow(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

/// Null where the libraries have such a product, else why they do not.
inline const char* refuse_vendor(const GemmProblem& problem) {
  if (!problem.is_general() && !problem.before->empty()) return "before(a), and a or b is triangular or symmetric";
  if (problem.a.dtype != problem.b.dtype) return "a and b differ in dtype";
  if (problem.c.dtype != problem.a.dtype && !(is_narrow(problem.a.dtype) && problem.c.dtype == DType::f32))
    return "the library has no such combination of dtypes";
  if (problem.determinism == Determinism::batch_invariant) return "the library chooses by the number of rows";
  if (problem.k == 0) return "there is nothing to sum";
  if (!problem.before->empty() && is_narrow(problem.a.dtype)) return "before(a) would be rounded to 16 bits";
  const bool a_is_copied = !problem.before->empty() || problem.a.structure != MatrixStructure::general;
  if (!a_is_copied && vendor_matrix(problem.a, problem.m, problem.k).leading == 0)
    return "neither rows nor columns of a are neighbours";
  if (problem.b.structure == MatrixStructure::general && vendor_matrix(problem.b, problem.k, problem.n).leading == 0)
    return "neither rows nor columns of b are neighbours";
  if (vendor_matrix(problem.c, problem.m, problem.n).leading == 0)
    return "neither rows nor columns of c are neighbours";
  return nullptr;
}

/// A dense copy of a factor: row by row, for each batch in which it or one of the `operands` differs.
struct DenseCopy {
  GemmMatrix matrix;
  std::int64_t elements = 0;  // 0: there is none

  DenseCopy(const GemmProblem& problem, const GemmMatrix& from, std::int64_t rows, std::int64_t columns, int operands)
      : matrix(from), elements(rows * columns) {
    matrix.structure = MatrixStructure::general;
    matrix.row = columns;
    matrix.column = 1;
    for (int d = problem.batch.rank - 1; d >= 0; --d) {
      bool varies = from.batch.stride[d] != 0;
      for (int o = 0; o < operands; ++o) varies = varies || problem.operand[o].batch.stride[d] != 0;
      matrix.batch.stride[d] = varies ? elements : 0;
      if (varies) elements *= problem.batch.extent[d];
    }
  }
  std::size_t bytes() const { return (static_cast<std::size_t>(elements) * size_of(matrix.dtype) + 255) / 256 * 256; }
};

/// The addresses that a tensor's elements lie between.
struct AddressRange {
  std::uintptr_t begin;
  std::uintptr_t end;

  AddressRange(const void* data, DType dtype)
      : begin(reinterpret_cast<std::uintptr_t>(data)), end(begin + size_of(dtype)), size_(size_of(dtype)) {}
  void extend(std::int64_t extent, std::int64_t stride) {
    const auto reach = static_cast<std::uintptr_t>((extent - 1) * (stride < 0 ? -stride : stride)) * size_;
    (stride < 0 ? begin : end) += stride < 0 ? std::uintptr_t{0} - reach : reach;
  }

 private:
  std::uintptr_t size_;
};

/// Whether an operand of `after` may be c itself.
inline bool after_reads_c(const GemmProblem& problem) {
  AddressRange c(problem.c.data, problem.c.dtype);
  c.extend(problem.m, problem.c.row);
  c.extend(problem.n, problem.c.column);
  for (int d = 0; d < problem.batch.rank; ++d) c.extend(problem.batch.extent[d], problem.c.batch.stride[d]);
  for (int o = 0; o < problem.after->operand_count(); ++o) {
    const Tensor& tensor = problem.after->operand(o);
    AddressRange range(tensor.data, tensor.dtype);
    for (int d = 0; d < tensor.rank; ++d) range.extend(tensor.extent[d], tensor.stride[d]);
    if (range.begin < c.end && c.begin < range.end) return true;
  }
  return false;
}

/// Of K in one call: libraries may add products one after the other, so long sums are put together from shorter ones.
inline std::int64_t vendor_depth(const GemmProblem& problem, const VendorLimits& limits) {
  if (problem.computes_in_f64()) return limits.depth_f64;
  return problem.a.dtype == DType::f32 && problem.precision == Precision::standard ? limits.depth_f32
                                                                                   : limits.depth_narrow;
}

inline std::int64_t parts_of_k(const GemmProblem& problem, const VendorLimits& limits) {
  const std::int64_t depth = vendor_depth(problem, limits);
  return problem.k / depth + (problem.k % depth == 0 ? 0 : 1);
}

/// Where results are collected before they go to c: as c lies, dense, in the type of the sums.
inline GemmMatrix wide_like(const GemmProblem& problem) {
  GemmMatrix wide = problem.c;
  wide.dtype = problem.computes_in_f64() ? DType::f64 : DType::f32;
  const bool by_rows = problem.c.column == 1;
  wide.row = by_rows ? problem.n : 1;
  wide.column = by_rows ? 1 : problem.m;
  std::int64_t step = problem.m * problem.n;
  for (int d = problem.batch.rank - 1; d >= 0; --d) {
    wide.batch.stride[d] = step;
    step *= problem.batch.extent[d];
  }
  return wide;
}

/// Partial results, each a matrix alike, so many elements apart; their sum is taken in order.
struct GemmSlices {
  std::int64_t count = 1;
  std::int64_t step = 0;
};

/// What is copied before the library is called, and what its results are collected in.
struct VendorPlan {
  DenseCopy a;
  DenseCopy b;
  bool is_wide;  // results do not go to c at once: what is 16-bit is rounded once, and operands may be in c's place
  std::int64_t slices;   // parts of K side by side
  std::int64_t results;  // of each

  VendorPlan(const GemmProblem& problem, const VendorLimits& limits)
      : a(problem, problem.a, problem.m, problem.k, problem.before->operand_count()),
        b(problem, problem.b, problem.k, problem.n, 0),
        workspace_bytes_(limits.workspace_bytes) {
    const std::int64_t parts = parts_of_k(problem, limits);
    results = problem.batch.count * problem.m * problem.n;
    const bool fits = problem.batch.count == 1 && problem.is_general() && parts * results <= limits.slice_elements;
    slices = fits ? parts : 1;
    const bool goes_on = !problem.after->empty() || parts > 1;
    is_wide =
        sliced() || (is_narrow(problem.c.dtype) && goes_on) || (!problem.after->empty() && after_reads_c(problem));
    if (problem.before->empty() && problem.a.structure == MatrixStructure::general) a.elements = 0;
    if (problem.b.structure == MatrixStructure::general) b.elements = 0;
    if (is_wide) wide_bytes_ = static_cast<std::size_t>(slices * results) * size_of(wide_like(problem).dtype);
  }

  /// The parts of K are a batch: a small result does not fill a device otherwise.
  bool sliced() const { return slices > 1; }
  /// The library's work space, a, b, results.
  std::size_t bytes() const { return workspace_bytes_ + a.bytes() + b.bytes() + wide_bytes_; }

 private:
  std::size_t workspace_bytes_;
  std::size_t wide_bytes_ = 0;
};

}  // namespace mylos::detail
