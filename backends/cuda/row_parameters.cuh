// A row problem as the kernels see it, and offsets in it.
#pragma once

#include <mylos/detail/divider.hpp>

#include "core/access.hpp"
#include "core/apply.hpp"
#include "row/problem.hpp"

namespace mylos::cuda {

using detail::RowOperator;
using detail::RowProblem;

/// A chain's operand over the box: dimensions of the rows, then those of the axis.
struct RowOperand {
  const void* data;
  DType dtype;
  bool is_run;        // one stride all along the axis
  std::int64_t step;  // that stride; else the stride of the axis' last dimension
  std::int64_t stride[max_rank];
};

/// One value per row.
struct RowValue {
  void* data;
  DType dtype;
  std::int64_t stride[max_rank];
};

template <class T>
struct RowParameters {
  const void* x;
  void* y;
  DType x_dtype;
  DType y_dtype;
  RowOperator op;
  bool is_causal;
  int rows_rank;
  int axis_rank;
  std::int64_t rows;
  std::int64_t length;
  detail::Divider extent[max_rank];
  std::int64_t x_stride[max_rank];
  std::int64_t y_stride[max_rank];
  std::int64_t causal_limit;
  std::int64_t causal_stride[max_rank];
  T eps;
  T exponent;
  T momentum;
  RowValue mean;
  RowValue rstd;
  RowValue running_mean;
  RowValue running_variance;
  RowOperand weight;  // null: none
  RowOperand bias;
  detail::LoweredChain<T> before;
  detail::LoweredChain<T> after;
  RowOperand operand[max_operands];
  int operands;

  /// Of a row in a tensor of these strides.
  __device__ __forceinline__ std::int64_t row_offset(const std::int64_t* stride, std::int64_t row) const {
    if (rows_rank <= 1) return row * stride[0];
    return box_offset(stride, row, 0, rows_rank);
  }
  /// Of an element in its row.
  __device__ __forceinline__ std::int64_t axis_offset(const std::int64_t* stride, std::int64_t column) const {
    return box_offset(stride, column, rows_rank, axis_rank);
  }
  /// How many of a row's first elements count.
  __device__ __forceinline__ std::int64_t limit(std::int64_t row) const {
    return is_causal ? causal_limit + row_offset(causal_stride, row) : length;
  }
  __device__ __forceinline__ bool has_statistics() const {
    return mean.data != nullptr || rstd.data != nullptr || running_mean.data != nullptr;
  }

 private:
  __device__ __forceinline__ std::int64_t box_offset(const std::int64_t* stride, std::int64_t index, int first,
                                                     int rank) const {
    std::int64_t sum = 0;
    auto rest = static_cast<std::uint64_t>(index);
#pragma unroll 1
    for (int d = first + rank - 1; d > first; --d) {
      const std::uint64_t quotient = extent[d].divide(rest);
      sum += static_cast<std::int64_t>(rest - quotient * extent[d].divisor) * stride[d];
      rest = quotient;
    }
    return rank == 0 ? 0 : sum + static_cast<std::int64_t>(rest) * stride[first];
  }
};

/// An element's place in a tensor.
template <class T>
__device__ __noinline__ std::int64_t element_offset(const RowParameters<T>& p, const std::int64_t* stride,
                                                    std::int64_t row, std::int64_t element) {
  return p.row_offset(stride, row) + (element == 0 ? 0 : p.axis_offset(stride, element));
}

/// Elements of a chunk: 16 bytes of the wider of x and y.
inline int row_chunk_elements(const RowProblem& problem) {
  const std::size_t x = size_of(problem.x.dtype);
  const std::size_t y = size_of(problem.y.dtype);
  return static_cast<int>(16 / (x > y ? x : y));
}

/// Whether every row starts on a boundary of vectors of `e` elements.
inline bool rows_are_aligned(const RowProblem& problem, const detail::RowTensor& tensor, int e) {
  const std::size_t bytes = size_of(tensor.dtype) * static_cast<std::size_t>(e);
  bool aligned = reinterpret_cast<std::uintptr_t>(tensor.data) % bytes == 0;
  for (int d = 0; d < problem.rows.rank; ++d) aligned = aligned && tensor.strides.stride[d] % e == 0;
  return aligned;
}

/// Elements by which a row may start behind a boundary of so many bytes in y: 0, or the most possible. By the length
/// first: a single row must be cut like one of many.
inline int longest_lead(const RowProblem& problem, int boundary) {
  const int e = boundary / static_cast<int>(size_of(problem.y.dtype));
  return problem.length() % e == 0 && rows_are_aligned(problem, problem.y, e) ? 0 : e - 1;
}

/// Whether each row starts equally far behind a boundary of 16 bytes in x and in y.
inline bool rows_are_aligned_alike(const RowProblem& problem) {
  const int e = row_chunk_elements(problem);
  const auto difference =
      reinterpret_cast<std::uintptr_t>(problem.x.data) - reinterpret_cast<std::uintptr_t>(problem.y.data);
  bool alike = difference % 16 == 0;
  for (int d = 0; d < problem.rows.rank; ++d)
    alike = alike && (problem.x.strides.stride[d] - problem.y.strides.stride[d]) % e == 0;
  return alike;
}

template <class T>
RowParameters<T> make_row_parameters(const RowProblem& problem);

}  // namespace mylos::cuda
