// The end of a reduction: a state becomes what is stored, through the `after` chain.
#pragma once

#include "core/apply.hpp"
#include "reduce/parameters.hpp"

namespace mylos::detail {

/// Applies `after` to one value of result `output`.
template <class T>
MYLOS_FUNCTION T apply_after(const ReduceParameters<T>& p, std::int64_t output, T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (p.after.size == 0) return value;
    RegisterTile<T, 1> tile{{value}};
    apply<math::Precise>(p.after, tile, [&](int o, RegisterTile<T, 1>& block) {
      const LoweredOperand<max_rank>& operand = p.operand[p.first_after + o];
      block[0] = load_element<T>(operand.dtype, operand.data, kept_offset(p, operand.stride, output));
    });
    return tile[0];
  } else {
    (void)p;
    (void)output;
    return value;
  }
}

/// `after(p, output, value)` applies the chain: a function of its own where inlining it would cost too much.
template <Monoid M, class T, class After>
MYLOS_FUNCTION void store_result(const ReduceParameters<T>& p, std::int64_t output,
                                 const typename Reducer<M, T>::State& state, const After& after) {
  const Finished<T> f = finish<M, T>(p.finish, state, p.count, p.finish_p);
  store_finished<T>(p.y_dtype[0], p.y[0], kept_offset(p, p.y_stride[0], output), after(p, output, f.value), f.index);
  if (p.y[1] != nullptr)
    store_finished<T>(p.y_dtype[1], p.y[1], kept_offset(p, p.y_stride[1], output), f.second, f.second_index);
}

}  // namespace mylos::detail
