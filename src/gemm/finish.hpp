// What becomes of a sum: c = after(alpha * sum + beta * c).
#pragma once

#include "core/apply.hpp"
#include "gemm/parameters.hpp"

namespace mylos::detail {

/// Where a matrix of the batch begins in c and in each operand of `after` is asked for once a tile.
struct GemmPlace {
  std::int64_t batch;
  std::int64_t row;
  std::int64_t column;
};

/// V values of a row of the result, `step` columns apart from group to group of G; those before `end` exist. For
/// kernels that keep them in registers.
template <int V, int G, class T>
struct GemmRow {
  const GemmParameters<T>& p;
  GemmPlace at;
  std::int64_t step;
  std::int64_t end;

  MYLOS_FUNCTION std::int64_t column(int k) const { return at.column + k / G * step + k % G; }

  MYLOS_FUNCTION void load(const GemmView& view, RegisterTile<T, V>& v) const {
    const std::int64_t first = p.batch_offset(view, at.batch) + at.row * view.row;
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k)
      v[k] = column(k) < end ? load_element<T>(view.dtype, view.data, first + column(k) * view.column) : T(1);
  }

  MYLOS_FUNCTION void finish(RegisterTile<T, V>& v) const {
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k) v[k] *= p.alpha;
    if (p.beta != T(0)) {
      RegisterTile<T, V> c;
      load(p.c, c);
      MYLOS_UNROLL
      for (int k = 0; k < V; ++k) v[k] += p.beta * c[k];
    }
    apply<math::Precise>(p.after, v,
                         [&](int o, RegisterTile<T, V>& to) { load(p.operand[p.before_operands + o], to); });
    const std::int64_t first = p.batch_offset(p.c, at.batch) + at.row * p.c.row;
    store(first, v);
  }

 private:
  MYLOS_FUNCTION void store(std::int64_t first, const RegisterTile<T, V>& v) const {
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k)
      if (column(k) < end) store_element(p.c.dtype, p.c.data, first + column(k) * p.c.column, v[k]);
  }
};

}  // namespace mylos::detail
