// Row operators in long double from their definitions, and what their stated bounds (row.hpp) allow for each value.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <mylos/detail/row_call.hpp>
#include <vector>

#include "reference/rounding.hpp"

namespace mylos::test::reference {

using Real = long double;
using mylos::detail::RowOperator;

struct RowResult {
  std::vector<Real> y;
  std::vector<Real> tolerance;  // absolute, before y is stored
  Real mean = 0;
  Real variance = 0;  // biased
  Real rstd = 0;
};

/// Sums of f32 are kept in f64 or as trees, those of f64 in f64: what the bounds allow for them, in units.
inline Real sum_units(const Format& format, Real of_f32) { return format.precision == 53 ? Real(32) : of_f32; }

inline RowResult softmax(const std::vector<Real>& x, bool log, const Format& format) {
  const Real units = sum_units(format, 4);
  const Real unit = ulp_of(Real(1), format);
  Real max = -std::numeric_limits<Real>::infinity();
  for (const Real v : x) max = v > max ? v : max;
  Real sum = 0;
  for (const Real v : x) sum += std::exp(v - max);
  // Mean of |x - max|, weighted with the result. The sum's exponentials may be rounded three times.
  Real m = 0;
  for (const Real v : x) m += std::exp(v - max) == 0 ? 0 : std::exp(v - max) / sum * std::fabs(v - max);
  RowResult r;
  for (const Real v : x) {
    const Real y = log ? v - max - std::log(sum) : std::exp(v - max) / sum;
    const Real ulp = std::isfinite(y) ? ulp_of(y, format) : 0;
    const Real d = std::isfinite(v - max) ? v - max : 0;
    r.y.push_back(y);
    r.tolerance.push_back(log ? 2 * ulp + ulp_of(d, format) + (units + Real(1.25) * m) * unit
                              : units * ulp + (std::fabs(d) + Real(2.5) * m) * unit / 2 * y);
  }
  return r;
}

inline RowResult standardize(const std::vector<Real>& x, Real eps, const Format& format) {
  const Real unit = ulp_of(Real(1), format);
  const auto n = static_cast<Real>(x.size());
  RowResult r;
  for (const Real v : x) r.mean += v;
  r.mean /= n;
  Real rest = 0;  // what the division by n rounded off
  for (const Real v : x) rest += v - r.mean;
  r.mean += std::isfinite(rest) ? rest / n : 0;
  for (const Real v : x) r.variance += (v - r.mean) * (v - r.mean);
  r.variance /= n;
  r.rstd = 1 / std::sqrt(r.variance + eps);
  for (const Real v : x) {
    r.y.push_back((v - r.mean) * r.rstd);
    r.tolerance.push_back(sum_units(format, 8) * unit * (std::fabs(r.y.back()) + 1));
    if (format.precision == 53) r.tolerance.back() += 16 * ulp_of(r.mean, format) * r.rstd;
  }
  return r;
}

/// x divided by a norm, that of `op`.
inline RowResult normalized(const std::vector<Real>& x, RowOperator op, Real eps, Real p, const Format& format) {
  const auto n = static_cast<Real>(x.size());
  Real sum = 0;
  for (const Real v : x) {
    if (op == RowOperator::linf)
      sum = std::isnan(v) || std::isnan(sum) ? sum + v : std::max(sum, std::fabs(v));
    else
      sum += std::pow(std::fabs(v), op == RowOperator::l1 ? Real(1) : (op == RowOperator::lp ? p : Real(2)));
  }
  Real norm = op == RowOperator::lp ? std::pow(sum, 1 / p) : (op == RowOperator::l2 ? std::sqrt(sum) : sum);
  if (op == RowOperator::rms)
    norm = std::sqrt(sum / n + eps);
  else
    norm = norm < eps ? eps : norm;
  RowResult r;
  r.rstd = 1 / norm;
  const Real units = op == RowOperator::lp && format.precision != 53 ? 16 + 2 * p : sum_units(format, 8);
  for (const Real v : x) {
    r.y.push_back(v / norm);
    r.tolerance.push_back(std::isfinite(r.y.back()) ? units * ulp_of(r.y.back(), format) : 0);
  }
  return r;
}

inline RowResult row(const std::vector<Real>& x, RowOperator op, Real eps, Real p, const Format& format) {
  switch (op) {
    case RowOperator::softmax:
    case RowOperator::log_softmax:
      return softmax(x, op == RowOperator::log_softmax, format);
    case RowOperator::standardize:
      return standardize(x, eps, format);
    default:
      return normalized(x, op, eps, p, format);
  }
}

/// Local response normalisation of one column of channels.
inline std::vector<Real> local_response(const std::vector<Real>& x, std::int64_t size, Real alpha, Real beta, Real k) {
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<Real> y;
  for (std::int64_t c = 0; c < n; ++c) {
    Real sum = 0;
    for (std::int64_t j = c - size / 2; j <= c + (size - 1) / 2; ++j)
      if (j >= 0 && j < n) sum += x[static_cast<std::size_t>(j)] * x[static_cast<std::size_t>(j)];
    y.push_back(x[static_cast<std::size_t>(c)] / std::pow(k + alpha / static_cast<Real>(size) * sum, beta));
  }
  return y;
}

}  // namespace mylos::test::reference
