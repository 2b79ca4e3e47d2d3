// From a problem's monoid and compute type to a template's arguments.
#pragma once

#include "reduce/problem.hpp"

namespace mylos::detail {

template <Monoid M, class T>
struct ReductionType {
  static constexpr Monoid monoid = M;
  using Value = T;
};

/// Calls visit(ReductionType<M, T>()). Integers have sums, products and extrema; reduce.cpp asks for nothing else.
template <class T, class Visit>
void with_monoid(const ReduceProblem& problem, const Visit& visit) {
  switch (problem.reduction.monoid) {
    case Monoid::sum:
      return visit(ReductionType<Monoid::sum, T>());
    case Monoid::product:
      return visit(ReductionType<Monoid::product, T>());
    case Monoid::maximum:
      return visit(ReductionType<Monoid::maximum, T>());
    case Monoid::arg_maximum:
      return visit(ReductionType<Monoid::arg_maximum, T>());
    default:
      break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    switch (problem.reduction.monoid) {
      case Monoid::sum_of_squares:
        return visit(ReductionType<Monoid::sum_of_squares, T>());
      case Monoid::log_sum_exp:
        return visit(ReductionType<Monoid::log_sum_exp, T>());
      default:
        return visit(ReductionType<Monoid::moments, T>());
    }
  }
}

/// The same for the type that a problem is computed in.
template <class Visit>
void with_reduction_type(const ReduceProblem& problem, const Visit& visit) {
  switch (problem.compute) {
    case Compute::f32:
      return with_monoid<float>(problem, visit);
    case Compute::f64:
      return with_monoid<double>(problem, visit);
    case Compute::i64:
      return with_monoid<std::int64_t>(problem, visit);
  }
}

}  // namespace mylos::detail
