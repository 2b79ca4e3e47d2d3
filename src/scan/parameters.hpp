// A scan as kernels see it: parameters in the compute type, strides over the rows. Plain data.
#pragma once

#include <mylos/detail/divider.hpp>

#include "core/access.hpp"
#include "core/lowered.hpp"
#include "scan/problem.hpp"

namespace mylos::detail {

struct ScanView {
  void* data;
  DType dtype;
  std::int64_t step;  // along the axis, in the order of the scan
  std::int64_t stride[max_rank - 1];
};

template <class T>
struct ScanParameters {
  ScanView x;
  ScanView y;
  ScanView indices;
  ScanView mask;
  bool mask_scales;  // ScanProblem
  int rank;          // of the rows
  Divider extent[max_rank - 1];
  std::int64_t rows;
  std::int64_t length;
  bool negated;
  bool reverse;
  bool exclusive;
  int before_operands;
  LoweredChain<T> before;
  LoweredChain<T> after;
  ScanView operand[max_operands];

  bool has_chains() const { return before.size + after.size != 0; }

  /// Where a row of a tensor begins.
  MYLOS_FUNCTION std::int64_t row_offset(const ScanView& view, std::int64_t row) const {
    std::int64_t offset = 0;
    auto rest = static_cast<std::uint64_t>(row);
    for (int d = rank - 1; d > 0; --d) {
      const std::uint64_t next = extent[d].divide(rest);
      offset += static_cast<std::int64_t>(rest - next * extent[d].divisor) * view.stride[d];
      rest = next;
    }
    return rank == 0 ? 0 : offset + static_cast<std::int64_t>(rest) * view.stride[0];
  }
  /// An index as it is stored.
  MYLOS_FUNCTION std::int64_t index_of(std::int64_t position) const {
    return position < 0 || !reverse ? position : length - 1 - position;
  }
};

template <class T>
ScanParameters<T> make_scan_parameters(const ScanProblem& problem) {
  ScanParameters<T> p{};
  p.rank = problem.rows.rank;
  const auto set = [&](ScanView& to, const ScanTensor& from) {
    to.data = from.data;
    to.dtype = from.dtype;
    to.step = from.step;
    for (int d = 0; d < p.rank; ++d) to.stride[d] = from.rows.stride[d];
  };
  set(p.x, problem.x);
  set(p.y, problem.y);
  set(p.indices, problem.indices);
  set(p.mask, problem.mask);
  p.mask_scales = problem.mask_scales;
  for (int d = 0; d < p.rank; ++d) p.extent[d] = Divider(problem.rows.extent[d]);
  p.rows = problem.rows.count;
  p.length = problem.length;
  p.negated = problem.negated;
  p.reverse = problem.reverse;
  p.exclusive = problem.exclusive;
  p.before_operands = problem.before->operand_count();
  if constexpr (std::is_floating_point_v<T>) {
    p.before = lower<T>(*problem.before);
    p.after = lower<T>(*problem.after);
  }
  for (int o = 0; o < problem.operand_count(); ++o) set(p.operand[o], problem.operand[o]);
  return p;
}

/// Stores one result: in the integer dtypes, which store_element() lacks, too.
template <class T>
MYLOS_FUNCTION void store_scanned(DType dtype, void* data, std::int64_t offset, T v) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    if (dtype == DType::i64) static_cast<std::int64_t*>(data)[offset] = v;
    if (dtype == DType::i32) static_cast<std::int32_t*>(data)[offset] = static_cast<std::int32_t>(v);
  } else {
    store_element<T>(dtype, data, offset, v);
  }
}

}  // namespace mylos::detail
