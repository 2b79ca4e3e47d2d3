// A sample of what a step left in y, compared with fp64: at least a million elements spread over the whole tensor, the
// first and the last among them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <Kokkos_Core.hpp>

#include "reference/pointwise.hpp"
#include "support/workspace.hpp"

namespace mylos::bench {

/// Worst over the sample. A unit is the distance of neighbouring f32 numbers at the result, or at x where that is
/// larger and the step's bound has a share of it.
struct Errors {
  double ulp = 0;                             // in these units
  double share = 0;                           // of what is allowed for that element: above 1 is a failure
  bool passed() const { return share <= 1; }  // false for NaN
};

/// Half a unit for storing the result comes on top of the bound in steps.def; results below 2^-119 may be zero.
inline double allowed_error(const StepCase& step, double result, double x) {
  const auto f32 = test::reference::format_of(DType::f32);
  return (step.ulp + 0.5) * test::reference::ulp_of(result, f32) + step.input_ulp * test::reference::ulp_of(x, f32) +
         0x1p-119;
}

inline double unit_of_error(const StepCase& step, double result, double x) {
  const auto f32 = test::reference::format_of(DType::f32);
  const double unit = test::reference::ulp_of(result, f32);
  return step.input_ulp > 0 ? std::max(unit, test::reference::ulp_of(x, f32)) : unit;
}

inline Errors error_of(const StepCase& step, double y, double result, double x) {
  if (y == result || (std::isnan(y) && std::isnan(result))) return {};
  const double error = std::fabs(y - result);
  const double infinite = std::numeric_limits<double>::infinity();
  if (!std::isfinite(error)) return {infinite, infinite};
  return {error / unit_of_error(step, result, x), error / allowed_error(step, result, x)};
}

namespace detail {

/// Element k of the sample: somewhere in the k-th of `parts` equal parts, so that no column is met more than others.
KOKKOS_INLINE_FUNCTION std::int64_t sampled_index(std::int64_t k, std::int64_t parts, std::int64_t count) {
  if (k == 0) return 0;
  if (k == parts - 1) return count - 1;
  const std::int64_t begin = k * count / parts;
  const std::int64_t room = (k + 1) * count / parts - begin;
  return begin +
         static_cast<std::int64_t>(random_bits(static_cast<std::uint64_t>(k)) % static_cast<std::uint64_t>(room));
}

template <class View>
struct Gather {
  const float* x;
  const float* y;
  std::int64_t count;
  View pairs;
  KOKKOS_FUNCTION void operator()(std::int64_t k) const {
    const auto row = static_cast<std::size_t>(k);
    const std::int64_t i = sampled_index(k, static_cast<std::int64_t>(pairs.extent(0)), count);
    pairs(row, 0) = x[i];
    pairs(row, 1) = y[i];
  }
};

/// NaN where the sample will look, so that a step that writes nothing is not judged by what an earlier one left.
struct Spoil {
  float* y;
  std::int64_t parts;
  std::int64_t count;
  KOKKOS_FUNCTION void operator()(std::int64_t k) const {
    y[sampled_index(k, parts, count)] = Kokkos::Experimental::quiet_NaN_v<float>;
  }
};

/// A row operand on the host, or a scalar, as the values the kernel computed with.
template <class Exec>
class OperandValues {
 public:
  OperandValues(const Exec& exec, const Workspace<Exec>& workspace, const OperandCase& operand, int i)
      : scalar_(static_cast<double>(static_cast<float>(operand.scalar))), dtype_(operand.row_dtype) {
    if (operand.form == OperandForm::scalar) return;
    using Bytes = Kokkos::View<char*, typename Exec::memory_space, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
    const auto n = static_cast<std::size_t>(workspace.cols) * size_of(dtype_);
    bytes_ = HostBytes("operand", n);
    Kokkos::deep_copy(exec, bytes_, Bytes(static_cast<char*>(workspace.row(i, dtype_, workspace.cols).data), n));
    exec.fence("mylos bench: operand");
  }
  double at(std::int64_t column) const {
    if (bytes_.size() == 0) return scalar_;
    return test::reference::value_at(dtype_, bytes_.data() + column * static_cast<std::int64_t>(size_of(dtype_)));
  }

 private:
  using HostBytes = Kokkos::View<char*, Kokkos::HostSpace>;
  double scalar_ = 0;
  DType dtype_ = DType::f32;
  HostBytes bytes_;
};

}  // namespace detail

/// Runs call() once, which applies the step to the whole f32 workspace, row-major, turn 0, its operands rows of
/// `workspace`; then looks at the sample.
template <class Exec, class Call>
Errors check_sample(const Exec& exec, const Workspace<Exec>& workspace, const StepCase& step, const Call& call) {
  using Pairs = Kokkos::View<float* [2], Kokkos::LayoutRight, typename Exec::memory_space>;
  using HostPairs = Kokkos::View<float* [2], Kokkos::LayoutRight, Kokkos::HostSpace>;
  using Host = Kokkos::DefaultHostExecutionSpace;
  const Placement all = Placement::right(workspace.rows, workspace.cols);
  const std::int64_t count = all.count();
  const std::int64_t parts = std::min(count, std::int64_t{1} << 20);

  const Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>> range(exec, 0, parts);
  const auto* x = static_cast<const float*>(workspace.x(0, all).data);
  auto* y = static_cast<float*>(workspace.y(0, all).data);
  Kokkos::parallel_for("mylos bench: spoil", range, detail::Spoil{y, parts, count});
  call();
  const Pairs pairs("sample", static_cast<std::size_t>(parts));
  Kokkos::parallel_for("mylos bench: sample", range, detail::Gather<Pairs>{x, y, count, pairs});
  const HostPairs host("sample", static_cast<std::size_t>(parts));
  Kokkos::deep_copy(exec, host, pairs);
  exec.fence("mylos bench: sample");

  const detail::OperandValues<Exec> a(exec, workspace, step.operand[0], 0);
  const detail::OperandValues<Exec> b(exec, workspace, step.operand[1], 1);
  const double p = static_cast<double>(static_cast<float>(step.parameter[0]));
  const double q = static_cast<double>(static_cast<float>(step.parameter[1]));
  Errors worst;
  Kokkos::parallel_reduce(
      "mylos bench: check", Kokkos::RangePolicy<Host, Kokkos::IndexType<std::int64_t>>(0, parts),
      [=, &a, &b](std::int64_t k, double& ulp, double& share) {
        const auto row = static_cast<std::size_t>(k);
        const std::int64_t column = detail::sampled_index(k, parts, count) % workspace.cols;
        const double input = static_cast<double>(host(row, 0));
        const double result = test::reference::evaluate(step.id, input, p, q, a.at(column), b.at(column));
        const Errors errors = error_of(step, static_cast<double>(host(row, 1)), result, input);
        ulp = std::max(ulp, errors.ulp);
        share = std::max(share, errors.share);
      },
      Kokkos::Max<double>(worst.ulp), Kokkos::Max<double>(worst.share));
  return worst;
}

}  // namespace mylos::bench
