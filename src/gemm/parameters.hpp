// A matrix product as kernels see it: parameters in the compute type, the result's rows along its faster stride. Plain
// data.
#pragma once

#include <mylos/detail/divider.hpp>

#include "core/access.hpp"
#include "core/lowered.hpp"
#include "gemm/problem.hpp"

namespace mylos::detail {

inline constexpr int max_batch_rank = max_rank - 2;

/// Products are added in windows of so many, along k, and then the windows.
inline constexpr int gemm_window = 256;

struct GemmView {
  void* data;
  DType dtype;
  std::int64_t row;
  std::int64_t column;
  std::int64_t batch[max_batch_rank];
};

/// One of the two factors as a row of vectors along k: element (i, q) of the left one is in row i, of the right one in
/// column i. So both are loaded alike.
struct GemmFactor : GemmView {
  MatrixStructure structure;  // of the elements (i, q)
};

/// Where the terms of a sum for rows and columns of the result begin and end: what a triangle leaves of k.
struct GemmRange {
  std::int64_t begin;
  std::int64_t end;
};

template <class T>
struct GemmParameters {
  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
  int rank;  // of the batch
  Divider extent[max_batch_rank];
  std::int64_t batches;
  GemmFactor factor[2];  // (i, q): i is a row, or a column, of the result
  GemmView c;
  T alpha;
  T beta;
  int before_side;  // the factor that `before` acts on
  int before_operands;
  LoweredChain<T> before;
  LoweredChain<T> after;
  GemmView operand[max_operands];  // those of `before` as (i, q) of their factor, those of `after` over c

  MYLOS_FUNCTION std::int64_t batch_offset(const GemmView& view, std::int64_t index) const {
    if (rank == 0) return 0;
    std::int64_t offset = 0;
    auto rest = static_cast<std::uint64_t>(index);
    for (int d = rank - 1; d > 0; --d) {
      const std::uint64_t next = extent[d].divide(rest);
      offset += static_cast<std::int64_t>(rest - next * extent[d].divisor) * view.batch[d];
      rest = next;
    }
    return offset + static_cast<std::int64_t>(rest) * view.batch[0];
  }

  /// For rows [i, i_end) and columns [j, j_end).
  MYLOS_FUNCTION GemmRange range(std::int64_t i, std::int64_t i_end, std::int64_t j, std::int64_t j_end) const {
    GemmRange r{0, k};
    const auto limit = [&r](MatrixStructure s, std::int64_t first, std::int64_t end) {
      if (s == MatrixStructure::lower && end < r.end) r.end = end;
      if (s == MatrixStructure::upper && first > r.begin) r.begin = first;
    };
    limit(factor[0].structure, i, i_end);
    limit(factor[1].structure, j, j_end);
    return r;
  }
  MYLOS_FUNCTION bool is_general() const {
    return factor[0].structure == MatrixStructure::general && factor[1].structure == MatrixStructure::general;
  }
};

/// Element (i, q) of a factor that is not general, as it is stored: exchanged where its mirror image is; false where it
/// is zero.
MYLOS_FUNCTION bool locate_structured(MatrixStructure structure, std::int64_t& i, std::int64_t& q) {
  const bool outside = structure == MatrixStructure::lower || structure == MatrixStructure::symmetric_lower ? q > i
                       : structure == MatrixStructure::general                                              ? false
                                                                                                            : q < i;
  if (!outside) return true;
  if (structure == MatrixStructure::lower || structure == MatrixStructure::upper) return false;
  const std::int64_t other = i;
  i = q;
  q = other;
  return true;
}

template <class T>
GemmParameters<T> make_gemm_parameters(const GemmProblem& problem) {
  GemmParameters<T> p{};
  // Results are written along the columns of a tile: where rows are c's faster dimension all is transposed.
  const auto magnitude = [](std::int64_t stride) { return stride < 0 ? -stride : stride; };
  const bool by_rows =
      problem.n == 1 ? problem.m > 1 : problem.m > 1 && magnitude(problem.c.row) < magnitude(problem.c.column);
  p.rank = problem.batch.rank;
  p.batches = problem.batch.count;
  for (int d = 0; d < p.rank; ++d) p.extent[d] = Divider(problem.batch.extent[d]);
  const auto set = [&](GemmView& to, const void* data, DType dtype, std::int64_t row, std::int64_t column,
                       const Strides& batch) {
    to.data = const_cast<void*>(data);
    to.dtype = dtype;
    to.row = row;
    to.column = column;
    for (int d = 0; d < max_batch_rank; ++d) to.batch[d] = d < p.rank ? batch.stride[d] : 0;
  };
  p.m = by_rows ? problem.n : problem.m;
  p.n = by_rows ? problem.m : problem.n;
  p.k = problem.k;
  GemmFactor& left = p.factor[by_rows ? 1 : 0];
  GemmFactor& right = p.factor[by_rows ? 0 : 1];
  set(left, problem.a.data, problem.a.dtype, problem.a.row, problem.a.column, problem.a.batch);
  set(right, problem.b.data, problem.b.dtype, problem.b.column, problem.b.row, problem.b.batch);
  left.structure = problem.a.structure;
  right.structure = transposed(problem.b.structure);
  const auto set_result = [&](GemmView& to, const void* data, DType dtype, const auto& from) {
    set(to, data, dtype, by_rows ? from.column : from.row, by_rows ? from.row : from.column, from.batch);
  };
  set_result(p.c, problem.c.data, problem.c.dtype, problem.c);
  p.alpha = static_cast<T>(problem.alpha);
  p.beta = static_cast<T>(problem.beta);
  p.before_side = by_rows ? 1 : 0;
  p.before_operands = problem.before->operand_count();
  p.before = lower<T>(*problem.before);
  p.after = lower<T>(*problem.after);
  for (int o = 0; o < problem.operand_count(); ++o) {
    const Tensor& tensor = problem.operand_tensor(o);
    const GemmOperand& operand = problem.operand[o];
    if (o < p.before_operands)
      set(p.operand[o], tensor.data, tensor.dtype, operand.row, operand.column, operand.batch);
    else
      set_result(p.operand[o], tensor.data, tensor.dtype, operand);
  }
  return p;
}

}  // namespace mylos::detail
