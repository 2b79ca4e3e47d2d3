// A reduction as kernels see it: parameters in the compute type, strides over one box of at most eight dimensions.
#pragma once

#include <mylos/detail/divider.hpp>
#include "core/lowered.hpp"
#include "reduce/problem.hpp"

namespace mylos::detail {

template <class T>
struct ReduceParameters {
  const void* x;
  void* y[2];
  DType x_dtype;
  DType y_dtype[2];
  Prepare prepare;
  Finish finish;
  bool plain_end;  // one value of type T, or one i64 index, is stored as it is
  std::int8_t kept_rank;
  std::int8_t rank;
  std::int8_t first_prepare;
  std::int8_t first_after;
  T p;
  T q;
  T b;
  double finish_p;
  std::int64_t outputs;
  std::int64_t count;  // along the axes
  std::int64_t x_stride[max_rank];
  std::int64_t y_stride[2][max_rank];
  Divider extent[max_rank];  // of the box: the kept dimensions, then the axes
  LoweredOperand<max_rank> operand[max_reduce_operands];
  LoweredChain<T> before;
  LoweredChain<T> after;

  MYLOS_FUNCTION int prepare_count() const { return first_after - first_prepare; }
  bool transforms() const { return before.size != 0 || prepare != Prepare::none; }
};

/// Calls visit(d, coordinate) for each dimension of [first, last), coordinates of `index` in that part of the box.
template <class T, class Visit>
MYLOS_FUNCTION void for_coordinates(const ReduceParameters<T>& p, int first, int last, std::int64_t index,
                                    const Visit& visit) {
  auto rest = static_cast<std::uint64_t>(index);
  for (int d = last - 1; d > first; --d) {
    const std::uint64_t next = p.extent[d].divide(rest);
    visit(d, static_cast<std::int64_t>(rest - next * p.extent[d].divisor));
    rest = next;
  }
  if (last > first) visit(first, static_cast<std::int64_t>(rest));
}

/// Where the values of result `output` begin, for strides over the box.
template <class T>
MYLOS_FUNCTION std::int64_t kept_offset(const ReduceParameters<T>& p, const std::int64_t* stride, std::int64_t output) {
  std::int64_t offset = 0;
  for_coordinates(p, 0, p.kept_rank, output, [&](int d, std::int64_t c) { offset += c * stride[d]; });
  return offset;
}

/// From there to position `position` along the axes.
template <class T>
MYLOS_FUNCTION std::int64_t axis_offset(const ReduceParameters<T>& p, const std::int64_t* stride,
                                        std::int64_t position) {
  std::int64_t offset = 0;
  for_coordinates(p, p.kept_rank, p.rank, position, [&](int d, std::int64_t c) { offset += c * stride[d]; });
  return offset;
}

inline void join_strides(const ReduceProblem& problem, const Strides& kept, const Strides& axis, std::int64_t* to) {
  for (int d = 0; d < problem.kept.rank; ++d) to[d] = kept.stride[d];
  for (int d = 0; d < problem.axis.rank; ++d) to[problem.kept.rank + d] = axis.stride[d];
}

template <class T>
ReduceParameters<T> make_reduce_parameters(const ReduceProblem& problem) {
  ReduceParameters<T> p;
  p.x = problem.x.data;
  p.x_dtype = problem.x.dtype;
  const Strides none = {};
  join_strides(problem, problem.x_kept, problem.x_axis, p.x_stride);
  for (int i = 0; i < 2; ++i) {
    p.y[i] = problem.y[i].data;
    p.y_dtype[i] = problem.y[i].dtype;
    join_strides(problem, problem.y_kept[i], none, p.y_stride[i]);
  }
  p.prepare = problem.reduction.prepare;
  p.finish = problem.reduction.finish;
  p.kept_rank = static_cast<std::int8_t>(problem.kept.rank);
  p.rank = static_cast<std::int8_t>(problem.kept.rank + problem.axis.rank);
  p.first_prepare = static_cast<std::int8_t>(problem.first_prepare);
  p.first_after = static_cast<std::int8_t>(problem.first_after);
  p.p = static_cast<T>(problem.reduction.p);
  p.q = static_cast<T>(problem.reduction.q);
  p.b = static_cast<T>(problem.reduction.b);
  p.finish_p = problem.reduction.finish_p;
  p.outputs = problem.kept.count;
  p.count = problem.axis.count;
  for (int d = 0; d < p.rank; ++d) {
    const bool kept = d < problem.kept.rank;
    p.extent[d] = Divider(kept ? problem.kept.extent[d] : problem.axis.extent[d - problem.kept.rank]);
  }
  for (int o = 0; o < problem.operands; ++o) {
    p.operand[o].data = problem.operand[o].data;
    p.operand[o].dtype = problem.operand[o].dtype;
    join_strides(problem, problem.operand_kept[o], problem.operand_axis[o], p.operand[o].stride);
  }
  const Finish f = p.finish;
  p.plain_end = problem.after->empty() && p.y[1] == nullptr &&
                (f == Finish::index
                     ? p.y_dtype[0] == DType::i64
                     : p.y_dtype[0] == DType::f32 && std::is_same_v<T, float> &&
                           (f == Finish::sum || f == Finish::mean || f == Finish::maximum || f == Finish::minimum));
  p.before.size = 0;
  p.after.size = 0;
  if constexpr (std::is_floating_point_v<T>) {
    p.before = lower<T>(*problem.before);
    p.after = lower<T>(*problem.after);
  }
  return p;
}

}  // namespace mylos::detail
