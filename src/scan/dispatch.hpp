// From a problem's monoid and compute type to a template's arguments.
#pragma once

#include "scan/problem.hpp"

namespace mylos::detail {

template <ScanMonoid M, class T>
struct ScanType {
  static constexpr ScanMonoid monoid = M;
  using Value = T;
};

/// Calls visit(ScanType<M, T>()). Integers have sums and products; scan.cpp asks for nothing else.
template <class Visit>
void with_scan_type(const ScanProblem& problem, const Visit& visit) {
  const auto with_value = [&](auto value) {
    using T = decltype(value);
    if (problem.monoid == ScanMonoid::sum) return visit(ScanType<ScanMonoid::sum, T>());
    if constexpr (std::is_floating_point_v<T>) {
      if (problem.monoid == ScanMonoid::maximum) return visit(ScanType<ScanMonoid::maximum, T>());
      if (problem.monoid == ScanMonoid::arg_maximum) return visit(ScanType<ScanMonoid::arg_maximum, T>());
      if (problem.monoid == ScanMonoid::log_sum_exp) return visit(ScanType<ScanMonoid::log_sum_exp, T>());
    }
    visit(ScanType<ScanMonoid::product, T>());
  };
  switch (problem.compute) {
    case ScanCompute::f32:
      return with_value(float());
    case ScanCompute::f64:
      return with_value(double());
    case ScanCompute::i64:
      return with_value(std::int64_t());
  }
}

}  // namespace mylos::detail
