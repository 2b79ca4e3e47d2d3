// A scan as its candidates see it: checked, canonical, plain data, free of Kokkos and vendor headers.
//
// A row is what lies along the axis, one of those that the kept dimensions number.
#pragma once

#include <mylos/chain.hpp>

#include "core/axes.hpp"
#include "core/selection.hpp"
#include "scan/monoid.hpp"

namespace mylos::detail {

enum class ScanCompute : std::uint8_t { f32, f64, i64 };

/// A tensor over the rows, and its step along the axis in the order of the scan: where that is reversed, `data` is the
/// last element and the step is negative.
struct ScanTensor {
  void* data = nullptr;  // null: the problem has no such tensor
  DType dtype = DType::f32;
  Strides rows{};
  std::int64_t step = 0;

  bool given() const { return data != nullptr; }
};

struct ScanProblem {
  ScanMonoid monoid = ScanMonoid::sum;
  ScanCompute compute = ScanCompute::f32;
  bool negated = false;  // cummin: the maximum of -x, negated
  bool reverse = false;  // for the indices alone: see ScanTensor
  bool exclusive = false;

  Box rows;                 // rank <= 7, merged where every tensor below allows it; y's fastest dimension last
  std::int64_t length = 1;  // of the axis; neither this nor rows.count is 0

  ScanTensor x;
  ScanTensor y;
  ScanTensor indices;  // arg_maximum only
  ScanTensor mask;
  bool mask_scales = false;  // a candidate's own: x is multiplied by the mask's bytes, and nothing is hidden

  const Chain* before = nullptr;  // both live while the call lasts
  const Chain* after = nullptr;
  // The operands of `before`, then those of `after`: together at most max_operands.
  ScanTensor operand[max_operands];

  bool has_chains() const { return !before->empty() || !after->empty(); }
  int operand_count() const { return before->operand_count() + after->operand_count(); }
  /// Whether rows are taken side by side. By the axis alone: a single row must come out as one of many does.
  bool runs_across() const { return y.step != 1 && y.step != -1 && length > 1; }
};

/// Where a long axis is cut, for threads to share a row: `count` pieces of `length` elements, the last one shorter. It
/// depends on the axis alone. A piece is scanned from the identity on, and what the pieces before it come to is
/// combined with each of its results, also where one thread takes all pieces: so the bits are the same either way.
struct ScanPieces {
  std::int64_t count;
  std::int64_t length;
};

/// At most `most` pieces, of a multiple of `least` elements.
MYLOS_HOST_DEVICE constexpr ScanPieces scan_pieces(std::int64_t n, std::int64_t least, std::int64_t most) {
  const std::int64_t even = (n + most - 1) / most;
  const std::int64_t length = (even + least - 1) / least * least;
  return n <= length ? ScanPieces{1, n} : ScanPieces{(n + length - 1) / length, length};
}

}  // namespace mylos::detail
