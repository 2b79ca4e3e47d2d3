// Panels of neighbouring rows: where they and their values lie.
#pragma once

#include "row/schedule.hpp"

namespace mylos::detail {

/// Neighbouring rows: their number and the place of the first.
struct RowPanel {
  std::int64_t first;  // number of the first row
  int rows;
  std::int64_t coordinate[max_rank];
};

/// A problem and how its rows are taken.
struct RowPanels {
  const RowProblem& problem_;
  RowSchedule schedule_;

  RowPanel panel_at(std::int64_t index) const {
    RowPanel panel;
    const std::int64_t start = index % schedule_.panels_in_inner * schedule_.panel_rows;
    std::int64_t rest = index / schedule_.panels_in_inner;
    panel.first = rest * schedule_.inner + start;
    panel.rows = static_cast<int>(std::min<std::int64_t>(schedule_.panel_rows, schedule_.inner - start));
    const Box& rows = problem_.rows;
    if (rows.rank > 0) panel.coordinate[rows.rank - 1] = start;
    for (int d = rows.rank - 2; d >= 0; --d) {
      panel.coordinate[d] = rest % rows.extent[d];
      rest /= rows.extent[d];
    }
    return panel;
  }

  std::int64_t row_offset(const Strides& strides, const RowPanel& panel) const {
    std::int64_t offset = 0;
    for (int d = 0; d < problem_.rows.rank; ++d) offset += panel.coordinate[d] * strides.stride[d];
    return offset;
  }
  std::int64_t row_step(const Strides& strides) const {
    return problem_.rows.rank == 0 ? 0 : strides.stride[problem_.rows.rank - 1];
  }
  const std::int64_t* axis_strides(const Strides& strides) const { return strides.stride + problem_.rows.rank; }

  static const void* element(const void* data, DType dtype, std::int64_t offset) {
    return static_cast<const char*>(data) + offset * static_cast<std::int64_t>(size_of(dtype));
  }

  /// visit(first, count, offset, step) for the parts of elements [begin, begin + n) with one stride each.
  template <class Visit>
  void for_each_axis_run(const Strides& strides, std::int64_t begin, int n, const Visit& visit) const {
    const std::int64_t* stride = axis_strides(strides);
    if (problem_.axis.rank == 1) return visit(0, n, begin * stride[0], stride[0]);
    for_each_row_run(problem_.axis, stride, begin, n, visit);
  }

  /// Whether a tensor, if there is one, has one value for n values of a row: it does not vary along the fastest
  /// dimension of the axis, and they lie within one run of that.
  bool is_constant(const RowTensor& t, std::int64_t begin, int n) const {
    if (!t.given() || problem_.axis.rank == 0) return true;
    const int inner = problem_.axis.rank - 1;
    if (axis_strides(t.strides)[inner] != 0) return false;
    const std::int64_t extent = problem_.axis.extent[inner];
    return inner == 0 || begin / extent == (begin + n - 1) / extent;
  }
};

}  // namespace mylos::detail
