// A reduction as its candidates see it: checked, canonical, plain data, free of Kokkos and vendor headers.
#pragma once

#include "core/axes.hpp"
#include "core/selection.hpp"
#include "reduce/finish.hpp"
#include "reduce/prepare.hpp"

namespace mylos::detail {

/// The type that values, chains and results have inside; sums are wider (monoid.hpp).
enum class Compute : std::uint8_t { f32, f64, i64 };

/// What is reduced and how; `p`, `q` and `b` belong to `prepare` (b: its second operand where that is a number),
/// `finish_p` to `finish`.
struct Reduction {
  Monoid monoid = Monoid::sum;
  Prepare prepare = Prepare::none;
  Finish finish = Finish::sum;
  double p = 0;
  double q = 0;
  double finish_p = 0;
  double b = 1;
};

/// Tensors beside x and y: operands of `before`, then those of `prepare`, then those of `after`.
inline constexpr int max_reduce_operands = 16;

/// The box: first the kept dimensions, then those along the axes, each part canonical (core/axes.hpp).
struct ReduceProblem {
  Reduction reduction;
  Compute compute = Compute::f32;
  Tensor x;
  Tensor y[2];                    // of x's rank; the second has no data where there is one output
  const Chain* before = nullptr;  // they live while the call lasts
  const Chain* after = nullptr;
  Tensor operand[max_reduce_operands];
  int operands = 0;
  int first_prepare = 0;  // where prepare's operands begin, and those of `after`
  int first_after = 0;

  Box kept;
  Box axis;
  Strides x_kept, x_axis;
  Strides y_kept[2];
  Strides operand_kept[max_reduce_operands];
  Strides operand_axis[max_reduce_operands];

  std::int64_t x_step() const { return axis.rank == 0 ? 0 : x_axis.stride[axis.rank - 1]; }
  /// Along the axes neighbours lie closer together in memory than those of different results.
  bool axis_is_fastest() const {
    if (kept.rank == 0 || axis.rank == 0) return true;
    const std::int64_t along = x_step();
    const std::int64_t across = x_kept.stride[kept.rank - 1];
    return (along < 0 ? -along : along) <= (across < 0 ? -across : across) || across == 0;
  }
};

/// Where a long axis is cut: `pieces` of `length` units, the last one shorter. It depends on the axis alone, and so
/// does the order in which a result's values are added up, however many results there are.
struct Pieces {
  std::int64_t count;
  std::int64_t length;
};

/// One piece up to `whole` units; beyond, at most 8192 pieces of at least `least` units, a multiple of it.
MYLOS_HOST_DEVICE constexpr Pieces cut(std::int64_t units, std::int64_t whole, std::int64_t least) {
  if (units <= whole) return {1, units};
  const std::int64_t even = (units + 8191) / 8192;
  const std::int64_t length = (even + least - 1) / least * least;
  return {(units + length - 1) / length, length};
}

}  // namespace mylos::detail
