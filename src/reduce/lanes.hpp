// The reduction by single threads, for the generic kernel on a device: each thread is a lane that takes every L-th
// value of one result, four at a time; the lanes' states are then combined, 256 by one thread, until one is left.
#pragma once

#include "core/apply.hpp"
#include "reduce/result.hpp"

namespace mylos::detail {

inline constexpr int combined_lanes = 256;

/// Lanes for `count` values: of the axis alone, so that the order of a sum is.
constexpr std::int64_t lanes_for(std::int64_t count) {
  const std::int64_t lanes = (count / 64 + 31) / 32 * 32;
  return count < 256 ? 1 : (lanes < 65536 ? lanes : 65536);
}

template <class T>
MYLOS_FUNCTION std::int64_t position_offset(const ReduceParameters<T>& p, const std::int64_t* stride,
                                            std::int64_t position) {
  return p.rank == p.kept_rank + 1 ? position * stride[p.kept_rank] : axis_offset(p, stride, position);
}

/// `before` and `prepare` for N values of one result at positions `at`, `at + step`, ...; or `after`, whose operands
/// have stride 0 along the axes.
template <int N, class T>
MYLOS_FUNCTION void transform_values(const ReduceParameters<T>& p, bool is_after, std::int64_t output, std::int64_t at,
                                     std::int64_t step, RegisterTile<T, N>& v) {
  if constexpr (std::is_floating_point_v<T>) {
    const int first = is_after ? p.first_after : 0;
    const auto load = [&](int o, RegisterTile<T, N>& to) {
      const LoweredOperand<max_rank>& operand = p.operand[first + o];
      const std::int64_t base = kept_offset(p, operand.stride, output);
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k)
        to[k] = load_element<T>(operand.dtype, operand.data, base + position_offset(p, operand.stride, at + k * step));
    };
    apply<math::Precise>(is_after ? p.after : p.before, v, load);
    if (is_after) return;
    const int operands = p.prepare_count();
    if (operands != 0) {
      RegisterTile<T, N> a;
      RegisterTile<T, N> b;
      load(p.first_prepare, a);
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) b[k] = p.b;
      if (operands == 2) load(p.first_prepare + 1, b);
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) v[k] = prepare<T>(p.prepare, v[k], a[k], b[k], p.p, p.q);
      return;
    }
  }
  MYLOS_UNROLL
  for (int k = 0; k < N; ++k) v[k] = prepare<T>(p.prepare, v[k], p.p);
}

template <Monoid M, class T>
MYLOS_FUNCTION typename Reducer<M, T>::State reduce_lane(const ReduceParameters<T>& p, std::int64_t output,
                                                         std::int64_t lane, std::int64_t lanes) {
  using R = Reducer<M, T>;
  typename R::State state = R::identity();
  const std::int64_t base = kept_offset(p, p.x_stride, output);
  std::int64_t at = lane;
  for (; at + 3 * lanes < p.count; at += 4 * lanes) {
    RegisterTile<T, 4> v;
    MYLOS_UNROLL
    for (int k = 0; k < 4; ++k)
      v[k] = load_element<T>(p.x_dtype, p.x, base + position_offset(p, p.x_stride, at + k * lanes));
    transform_values<4>(p, false, output, at, lanes, v);
    R::take4(state, v[0], v[1], v[2], v[3], at, lanes);
  }
  for (; at < p.count; at += lanes) {
    RegisterTile<T, 1> v{{load_element<T>(p.x_dtype, p.x, base + position_offset(p, p.x_stride, at))}};
    transform_values<1>(p, false, output, at, lanes, v);
    R::take(state, v[0], at);
  }
  return state;
}

}  // namespace mylos::detail
