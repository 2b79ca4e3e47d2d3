// Pointwise operators: each step of steps.def as a function, and any Chain at once. The `map` skeleton.
//
// x is read and broadcasts to the shape of y (as in NumPy); tensor operands of a step broadcast likewise. y is written.
// Any layout, rank 0 to 8. x, y: f64, f32, f16, bf16 in any combination; operands also u8, i32, i64 (masks: non-zero is
// true). Computed in f64 where x or y is f64, else in f32. y may be x or an operand itself (same elements, same dtype);
// partial overlap is an error. Bounds and formulas: steps.def, docs/operators.md.
// Throws mylos::Error before anything is launched: extents that do not broadcast, dtypes not supported, memory that the
// execution space cannot reach, overlap, an output with a zero stride.
// Asynchronous on the given instance; no fence; safe in a graph capture; the same bits in every run.
#pragma once

#include <mylos/chain.hpp>
#include <mylos/path.hpp>
#include <mylos/view.hpp>

namespace mylos {

namespace detail {
void pointwise(const char* function, const Execution& exec, const Tensor& x, const Tensor& y, const Chain& chain);
}

/// y = chain(x): any steps, one read and one write. An empty chain converts the dtype and the layout.
template <class Exec>
void map(const Exec& exec, const Chain& chain, Input<Exec> x, Output<Exec> y) {
  detail::pointwise("map", detail::Execution(exec), x, y, chain);
}

/// y = x, converted to y's dtype (round to nearest even, overflow to infinity) and layout.
template <class Exec>
void convert(const Exec& exec, Input<Exec> x, Output<Exec> y) {
  detail::pointwise("convert", detail::Execution(exec), x, y, Chain());
}

// One function per step: (exec, x, operands, y, parameters).
#define MYLOS_STEP(name, ...)                                               \
  template <class Exec>                                                     \
  void name(const Exec& exec, Input<Exec> x, Output<Exec> y) {              \
    detail::pointwise(#name, detail::Execution(exec), x, y, steps::name()); \
  }
#define MYLOS_STEP_1(name, p, dp, ...)                                        \
  template <class Exec>                                                       \
  void name(const Exec& exec, Input<Exec> x, Output<Exec> y, double p = dp) { \
    detail::pointwise(#name, detail::Execution(exec), x, y, steps::name(p));  \
  }
#define MYLOS_STEP_2(name, p, dp, q, dq, ...)                                                \
  template <class Exec>                                                                      \
  void name(const Exec& exec, Input<Exec> x, Output<Exec> y, double p = dp, double q = dq) { \
    detail::pointwise(#name, detail::Execution(exec), x, y, steps::name(p, q));              \
  }
#define MYLOS_STEP_OPERAND(name, o, ...)                                         \
  template <class Exec>                                                          \
  void name(const Exec& exec, Input<Exec> x, const Operand& o, Output<Exec> y) { \
    detail::pointwise(#name, detail::Execution(exec), x, y, steps::name(o));     \
  }
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...)                                               \
  template <class Exec>                                                                         \
  void name(const Exec& exec, Input<Exec> x, const Operand& o, Output<Exec> y, double p = dp) { \
    detail::pointwise(#name, detail::Execution(exec), x, y, steps::name(o, p));                 \
  }
#define MYLOS_STEP_OPERANDS(name, o1, o2, ...)                                                       \
  template <class Exec>                                                                              \
  void name(const Exec& exec, Input<Exec> x, const Operand& o1, const Operand& o2, Output<Exec> y) { \
    detail::pointwise(#name, detail::Execution(exec), x, y, steps::name(o1, o2));                    \
  }
#define MYLOS_STEP_OPERANDS_1(name, o1, o2, p, dp, ...)                                                             \
  template <class Exec>                                                                                             \
  void name(const Exec& exec, Input<Exec> x, const Operand& o1, const Operand& o2, Output<Exec> y, double p = dp) { \
    detail::pointwise(#name, detail::Execution(exec), x, y, steps::name(o1, o2, p));                                \
  }
#include <mylos/steps.def>

}  // namespace mylos
