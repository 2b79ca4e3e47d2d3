// Reductions and scans: from C's options to C++'s arguments.
#include <mylos/reduce.hpp>
#include <mylos/scan.hpp>

#include "c/options.hpp"

namespace mylos::c {

#define MYLOS_REDUCTION(name, ...)                                                               \
  void name(const Exec& exec, const Tensor& x, const Tensor& y, const name##_options& options) { \
    mylos::name(exec, x, y, options.axes, options.before, options.after);                        \
  }
#define MYLOS_REDUCTION_1(name, p, dp, ...)                                                      \
  void name(const Exec& exec, const Tensor& x, const Tensor& y, const name##_options& options) { \
    mylos::name(exec, x, y, options.axes, options.p, options.before, options.after);             \
  }
#include <mylos/reductions.def>

void amax_argmax(const Exec& exec, const Tensor& x, const Tensor& values, const Tensor& indices,
                 const amax_argmax_options& options) {
  mylos::amax_argmax(exec, x, values, indices, options.axes, options.before);
}

void amin_argmin(const Exec& exec, const Tensor& x, const Tensor& values, const Tensor& indices,
                 const amin_argmin_options& options) {
  mylos::amin_argmin(exec, x, values, indices, options.axes, options.before);
}

void moments(const Exec& exec, const Tensor& x, const Tensor& mean, const Tensor& variance,
             const moments_options& options) {
  mylos::moments(exec, x, mean, variance, options.axes, options.correction, options.before);
}

#define MYLOS_SCAN(name)                                                                                           \
  void name(const Exec& exec, const Tensor& x, const Tensor& y, const name##_options& options) {                   \
    mylos::name(exec, x, y, options.axis, options.scan, Input<Exec>(options.mask), options.before, options.after); \
  }
MYLOS_SCAN(cumsum)
MYLOS_SCAN(cumprod)
MYLOS_SCAN(logcumsumexp)
#undef MYLOS_SCAN

#define MYLOS_SCAN_INDICES(name)                                                                                     \
  void name(const Exec& exec, const Tensor& x, const Tensor& y, const name##_options& options) {                     \
    mylos::name(exec, x, y, Output<Exec>(options.indices), options.axis, options.scan, options.mask, options.before, \
                options.after);                                                                                      \
  }
MYLOS_SCAN_INDICES(cummax)
MYLOS_SCAN_INDICES(cummin)
#undef MYLOS_SCAN_INDICES

}  // namespace mylos::c
