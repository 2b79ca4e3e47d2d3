// Scans along one axis: the running sum, product, maximum, minimum and log-sum-exp.
//
//   mylos::cumsum(exec, x, y);                                        // along the last axis
//   mylos::cumsum(exec, x, y, 0, Scan::reverse);                      // from the end of axis 0
//   mylos::cumsum(exec, x, y, -1, Scan::reverse | Scan::exclusive);   // without the element itself
//   mylos::cumsum(exec, x, y, -1, {}, mask);                          // of x where the mask is true
//   mylos::cummax(exec, x, y, indices, -1);                           // with positions
//   mylos::cumsum(exec, x, y, -1, {}, {}, square(), sqrt());          // chains on the way in and out
//
// Shape: x of rank 0 to 8, any layout; y and the indices have x's extents. Operands of both chains and the mask
// broadcast to x.
// dtype: x, y: f64, f32, f16, bf16 in any combination, computed in f64 where one is f64, else in f32. cumsum and
// cumprod take integers too: x i64, i32 or u8 and y i64 or i32, in 64 bits, wrapping, chains empty. Indices: i64.
// mask: u8 or bool.
//
// An exclusive scan leaves the element itself out: it begins with the identity, which is 0 for sums, 1 for products and
// -inf (cummin: inf) for the others. Where the mask is 0 an element counts as the identity, whatever it holds, NaN too;
// y is written there like everywhere. `before` acts before the mask, `after` on all that is written.
// NaN, once met, stays, as in PyTorch. Extents of 0: nothing to do. The defaults are PyTorch's.
//
// Aliasing: y may be x (same elements, same dtype); any other overlap of what is written is an error.
// A row's bits do not depend on how many rows there are, and are the same in every run: the order of the operations
// follows from the axis alone, its length and its stride, and on a GPU from where in a vector of 16 bytes the row
// begins.
//
// Throws mylos::Error before anything is launched or written: an axis that does not exist, extents that differ, dtypes
// not supported, memory that the execution space cannot reach, overlap, an output with a zero stride, more than 16
// tensor operands in both chains. Asynchronous on the given instance; no fence; safe in a graph capture. Scratch
// memory, where a long axis is cut in pieces, is ordered with the instance's work.
//
// Bounds below are in u = 2^-24 for f32, 2^-53 for f64, n being the number of elements that have entered; half a unit
// of y's own type comes on top (docs/numerics.md).
#pragma once

#include <mylos/chain.hpp>
#include <mylos/path.hpp>
#include <mylos/view.hpp>

namespace mylos {

/// How a scan runs: `{}` or any of these, joined with `|`.
enum class Scan : std::uint8_t { forward = 0, reverse = 1, exclusive = 2 };

constexpr Scan operator|(Scan a, Scan b) {
  return static_cast<Scan>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(Scan scan, Scan flag) { return (static_cast<unsigned>(scan) & static_cast<unsigned>(flag)) != 0; }

namespace detail {

enum class ScanId : std::uint8_t { cumsum, cumprod, cummax, cummin, logcumsumexp };

struct ScanCall {
  ScanId id;
  const char* function;
  Tensor x;
  Tensor y;
  Tensor indices;  // not given: neither pointer nor rank
  Tensor mask;     // likewise
  int axis;
  Scan scan;
};
void scan(const Execution& exec, const ScanCall& call, const Chain& before, const Chain& after);

}  // namespace detail

#define MYLOS_SCAN(name)                                                                                             \
  template <class Exec>                                                                                              \
  void name(const Exec& exec, Input<Exec> x, Output<Exec> y, int axis = -1, Scan scan = {}, Input<Exec> mask = {},   \
            const Chain& before = {}, const Chain& after = {}) {                                                     \
    detail::scan(detail::Execution(exec), {detail::ScanId::name, #name, x, y, {}, mask, axis, scan}, before, after); \
  }
#define MYLOS_SCAN_INDICES(name)                                                                                  \
  template <class Exec>                                                                                           \
  void name(const Exec& exec, Input<Exec> x, Output<Exec> y, Output<Exec> indices, int axis = -1, Scan scan = {}, \
            Input<Exec> mask = {}, const Chain& before = {}, const Chain& after = {}) {                           \
    detail::scan(detail::Execution(exec), {detail::ScanId::name, #name, x, y, indices, mask, axis, scan}, before, \
                 after);                                                                                          \
  }

/// y_i = x_0 + ... + x_i. Kept in f64, for f64 in two doubles. Bound: u |y| + n 2^-53 sum |x|; f64: u |y| + n^2 2^-105
/// sum |x|. So it does not grow with the length as far as u |y| shows. x of f16 or bf16: 8 u sum |x| besides.
/// torch.cumsum.
MYLOS_SCAN(cumsum)

/// y_i = x_0 x_1 ... x_i. Kept as an f64 and an exponent of its own, so that nothing overflows on the way. Bound:
/// u |y| + n 2^-53 |y|. torch.cumprod.
MYLOS_SCAN(cumprod)

/// y_i = max(x_0, ..., x_i), NaN from the first NaN on; exact. torch.cummax.
MYLOS_SCAN(cummax)
/// Likewise, and the position along the axis of the last of the largest, or of the last NaN; -1 where no element has
/// entered yet (exclusive or masked).
MYLOS_SCAN_INDICES(cummax)

/// y_i = min(x_0, ..., x_i), likewise. torch.cummin.
MYLOS_SCAN(cummin)
MYLOS_SCAN_INDICES(cummin)

/// y_i = log(e^x_0 + ... + e^x_i). Bound: 2 u |y| + (24 + 4 log n) u, for f64 (24 + n) u: what rounding x - max
/// and a logarithm cost. torch.logcumsumexp.
MYLOS_SCAN(logcumsumexp)

#undef MYLOS_SCAN
#undef MYLOS_SCAN_INDICES

}  // namespace mylos
