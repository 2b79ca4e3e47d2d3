// Holds results to the bound that steps.def states, element by element.
//
// The bound gives an interval around the exact result; what a kernel stored must lie between the interval's ends,
// rounded to the stored type. So the rounding of the store, overflow to infinity and NaN need no cases of their own: a
// result that is NaN is not between anything.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "reference/pointwise.hpp"
#include "support/data.hpp"

namespace mylos::test {

/// What the dtypes of x and y mean for the arithmetic between.
struct Arithmetic {
  DType x;
  DType y;
  bool in_f64() const { return x == DType::f64 || y == DType::f64; }
  DType compute() const { return in_f64() ? DType::f64 : DType::f32; }
  bool reduced() const { return is_sixteen_bit(x) && is_sixteen_bit(y); }
  /// A parameter or a scalar operand as the kernel has it.
  double parameter(double v) const { return in_f64() ? v : static_cast<double>(static_cast<float>(v)); }
};

/// What may be stored: numbers from low to high, or NaN and nothing else.
struct Accepted {
  double low;
  double high;
  bool nan;

  bool holds(double got) const { return nan ? got != got : got >= low && got <= high; }
};

/// The head of steps.def: where results are so small that an exponential inside them may have been flushed or have lost
/// digits.
struct SmallResults {
  int flushed;  // below 2^flushed they may be zero
  int inexact;  // below 2^inexact they may be off by `units` of the smallest subnormal numbers
  int units;
};
inline SmallResults small_results(const Arithmetic& arithmetic) {
  return arithmetic.in_f64() ? SmallResults{-1018, -1022, 128} : SmallResults{-119, -126, 128};
}
/// Of one step: f64's silu multiplies the exponential by x.
inline SmallResults small_results(StepId id, const Arithmetic& arithmetic) {
  if (id == StepId::silu && arithmetic.in_f64()) return {-1012, -1012, 1024};
  return small_results(arithmetic);
}

/// The interval for an exact result, where a computation may be off by `ulp` units of the result and `absolute`
/// besides.
template <class R>
Accepted accept(R exact, double ulp, R absolute, const Arithmetic& arithmetic, const SmallResults& small) {
  if (exact != exact) return {0, 0, true};
  const bool finite = std::isfinite(exact);
  const reference::Format format = reference::format_of(arithmetic.compute());
  R tolerance = finite ? R(ulp) * reference::ulp_of(exact, format) + absolute : R(0);
  const bool inexact = tolerance != 0;  // exact steps have nothing to lose
  if (inexact && std::fabs(exact) < std::ldexp(R(1), small.inexact))
    tolerance += std::ldexp(R(small.units), arithmetic.in_f64() ? -1074 : -149);
  Accepted accepted{reference::round_to(exact - tolerance, arithmetic.y),
                    reference::round_to(exact + tolerance, arithmetic.y), false};
  if (inexact && std::fabs(exact) < std::ldexp(R(1), small.flushed)) {
    accepted.low = std::min(accepted.low, 0.0);
    accepted.high = std::max(accepted.high, 0.0);
  }
  return accepted;
}
template <class R>
Accepted accept(R exact, double ulp, R absolute, const Arithmetic& arithmetic) {
  return accept(exact, ulp, absolute, arithmetic, small_results(arithmetic));
}

/// The interval for one step by its stated bound.
template <class R>
Accepted accept(StepId id, R exact, R x, const Arithmetic& arithmetic) {
  const reference::StepBound bound = reference::bound_of(id);
  const double factor = arithmetic.reduced() ? 128 : 1;
  const reference::Format format = reference::format_of(arithmetic.compute());
  R absolute = 0;
  if (bound.input_ulp != 0 && std::isfinite(x)) absolute = R(factor * bound.input_ulp) * reference::ulp_of(x, format);
  return accept(exact, factor * bound.ulp, absolute, arithmetic, small_results(id, arithmetic));
}

/// One element that is looked at, for the report.
struct Element {
  std::int64_t index;
  double x;
  double got;
  std::uint64_t bits;
  double exact;
  Accepted accepted;
  const char* operands = "";
};

/// Collects what a comparison finds; thread-safe.
class Comparison {
 public:
  Comparison(std::string what, DType stored) : what_(std::move(what)), stored_(stored) {}

  void look(const Element& e) {
    const bool unwritten = e.bits == poison_bits(stored_);
    if (!unwritten && e.accepted.holds(e.got)) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (++wrong_ <= shown) describe(e, unwritten);
  }

  /// Errors in units of the stored type, of elements whose exact result is an ordinary number.
  double error(const Element& e) const {
    const reference::Format format = reference::format_of(stored_);
    if (!std::isfinite(e.exact) || !std::isfinite(e.got)) return 0;
    return std::fabs(e.got - e.exact) / reference::ulp_of(e.exact, format);
  }

  testing::AssertionResult result() const {
    if (wrong_ == 0) return testing::AssertionSuccess();
    return testing::AssertionFailure() << what_ << ": " << wrong_ << " elements are outside the bound" << text_.str();
  }

 private:
  static constexpr std::int64_t shown = 4;

  void describe(const Element& e, bool unwritten) {
    text_.precision(17);
    text_ << "\n  element " << e.index << ": x = " << e.x << std::hexfloat << " (" << e.x << ")" << std::defaultfloat
          << e.operands << ", got " << e.got << " (bits 0x" << std::hex << e.bits << std::dec << ")"
          << (unwritten ? ", which was never written" : "") << ", expected " << e.exact;
    if (e.accepted.nan)
      text_ << ": NaN and nothing else";
    else
      text_ << ", off by " << error(e) << " ulp of " << name_of(stored_) << ", accepted [" << e.accepted.low << ", "
            << e.accepted.high << "]";
  }

  std::string what_;
  DType stored_;
  std::mutex mutex_;
  std::int64_t wrong_ = 0;
  std::ostringstream text_;
};

}  // namespace mylos::test
