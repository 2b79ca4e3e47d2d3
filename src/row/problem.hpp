// A row problem as its candidates see it: checked, canonical, plain data, free of Kokkos and vendor headers.
//
// A row is everything that one statistic is taken of: a softmax over channels of NCHW has rows N x HW of C values, a
// batch norm has C rows of N x HW values. Kept dimensions number the rows, the others number a row's values.
#pragma once

#include <optional>

#include <mylos/detail/row_call.hpp>

#include "core/lowered.hpp"
#include "core/selection.hpp"

namespace mylos::detail {

/// A tensor over the box of a problem. stride[d] belongs to dimension d of the rows for d < rows.rank, and to dimension
/// d - rows.rank of the axis from there on; 0 where the tensor is constant.
struct RowTensor {
  void* data = nullptr;  // null: the problem has no such tensor
  DType dtype = DType::f32;
  Strides strides{};

  bool given() const { return data != nullptr; }
};

struct RowProblem {
  RowOperator op = RowOperator::softmax;

  // rows.rank + axis.rank <= max_rank. Dimensions of extent 1 are dropped, the others ordered within each box so that
  // y's fastest comes last, and neighbours merged where every tensor below allows it. Neither count is 0.
  Box rows;
  Box axis;
  RowTensor x;
  RowTensor y;

  // After the map: value * weight + bias, each optional.
  RowTensor weight;
  RowTensor bias;

  // Written where given, one value per row (axis strides 0): the mean, and 1 / sqrt(variance + eps) or, for rms,
  // 1 / sqrt(mean square + eps). standardize and rms only.
  RowTensor mean;
  RowTensor rstd;

  // Batch norm in training, where given: read and written once per row,
  //   running = (1 - momentum) running + momentum * (mean | variance * length / (length - 1)).
  RowTensor running_mean;
  RowTensor running_variance;
  double momentum = 0;
  // Batch norm in inference, on the host only: there is no statistic to find, the running ones are read.
  bool is_given = false;

  double eps = 0;
  double exponent = 0;  // p of lp

  const Chain* before = nullptr;  // on x, before the statistic; both live while the call lasts
  const Chain* after = nullptr;   // on what is stored
  // Over the box, the operands of `before` and then those of `after`; together at most max_operands.
  Strides operand[max_operands];

  // Causal mask: value number i of a row counts only if i < limit, limit = causal_limit + sum_d coordinate_d *
  // causal.stride[d] over the rows' dimensions; a masked value is -inf after `before`. The axis has one dimension then.
  bool is_causal = false;
  std::int64_t causal_limit = 0;
  Strides causal{};

  std::int64_t length() const { return axis.count; }
  bool computes_in_f64() const { return x.dtype == DType::f64 || y.dtype == DType::f64; }
  bool has_affine() const { return weight.given() || bias.given(); }
  bool has_chains_or_mask() const { return has_chains() || is_causal; }
  bool has_chains() const { return !before->empty() || !after->empty(); }
  int operand_count() const { return before->operand_count() + after->operand_count(); }
  const Tensor& operand_tensor(int o) const {
    const int first = before->operand_count();
    return o < first ? before->operand(o) : after->operand(o - first);
  }

  /// The stride between a row's neighbours, where it is the same all along the row.
  std::optional<std::int64_t> axis_stride(const Strides& strides) const {
    if (axis.rank == 0) return 1;
    const std::int64_t* stride = strides.stride + rows.rank;
    for (int d = axis.rank - 1; d > 0; --d)
      if (stride[d - 1] != stride[d] * axis.extent[d]) return std::nullopt;
    return stride[axis.rank - 1];
  }
  /// Whether x and y have each row in consecutive elements.
  bool is_consecutive() const { return axis_stride(x.strides) == 1 && axis_stride(y.strides) == 1; }
};

}  // namespace mylos::detail
