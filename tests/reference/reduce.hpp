// Every reduction of a list of values in long double, from its definition, with PyTorch's behaviour at NaN, infinities,
// ties and empty lists; and the bound that reductions.def and docs/numerics.md state for it.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <mylos/reduce.hpp>
#include <vector>

#include "reference/rounding.hpp"

namespace mylos::test::reference {

using Values = std::vector<long double>;

inline constexpr long double not_a_number = std::numeric_limits<long double>::quiet_NaN();

inline long double sum_of(const Values& x) {
  long double sum = 0;
  for (const long double v : x) sum += v;
  return sum;
}

inline long double magnitude_of(const Values& x) {
  long double sum = 0;
  for (const long double v : x) sum += std::fabs(v);
  return sum;
}

/// Position of the first largest (or smallest); NaN before anything.
inline std::int64_t arg_extremum(const Values& x, bool largest) {
  std::size_t best = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) return static_cast<std::int64_t>(i);
    if (largest ? x[i] > x[best] : x[i] < x[best]) best = i;
  }
  return static_cast<std::int64_t>(best);
}

inline long double extremum(const Values& x, bool largest) {
  return x[static_cast<std::size_t>(arg_extremum(x, largest))];
}

inline long double log_sum_exp(const Values& x) {
  if (x.empty()) return -std::numeric_limits<long double>::infinity();
  const long double top = extremum(x, true);
  if (std::isinf(top)) return top;
  long double sum = 0;
  for (const long double v : x) sum += std::exp(v - top);
  return std::log(sum) + top;
}

inline long double norm(const Values& x, long double p) {
  Values magnitude;
  for (const long double v : x) magnitude.push_back(std::fabs(v));
  if (std::isinf(p)) return extremum(magnitude, p > 0);
  long double sum = 0;
  for (const long double v : magnitude) sum += p == 0 ? (v != 0 ? 1 : 0) : std::pow(v, p);
  return p == 0 ? sum : std::pow(sum, 1 / p);
}

inline long double variance(const Values& x, long double correction) {
  const auto n = static_cast<long double>(x.size());
  const long double mean = sum_of(x) / n;
  long double sum = 0;
  for (const long double v : x) sum += (v - mean) * (v - mean);
  const long double divisor = n - correction > 0 ? n - correction : 0;
  return x.empty() ? not_a_number : sum / divisor;
}

inline long double nonzero(const Values& x) {
  long double n = 0;
  for (const long double v : x) n += v != 0 ? 1 : 0;
  return n;
}

/// The exact result; a position for the arg reductions.
inline long double reduce(ReductionId id, const Values& x, long double p) {
  const auto n = static_cast<long double>(x.size());
  switch (id) {
    case ReductionId::sum:
      return sum_of(x);
    case ReductionId::mean:
      return x.empty() ? not_a_number : sum_of(x) / n;
    case ReductionId::prod: {
      long double product = 1;
      for (const long double v : x) product *= v;
      return product;
    }
    case ReductionId::amax:
    case ReductionId::amax_argmax:
      return extremum(x, true);
    case ReductionId::amin:
    case ReductionId::amin_argmin:
      return extremum(x, false);
    case ReductionId::argmax:
      return static_cast<long double>(arg_extremum(x, true));
    case ReductionId::argmin:
      return static_cast<long double>(arg_extremum(x, false));
    case ReductionId::logsumexp:
      return log_sum_exp(x);
    case ReductionId::norm:
      return norm(x, p);
    case ReductionId::var:
      return variance(x, p);
    case ReductionId::stddev:
      return std::sqrt(variance(x, p));
    case ReductionId::all:
      return nonzero(x) == n ? 1 : 0;
    case ReductionId::any:
      return nonzero(x) > 0 ? 1 : 0;
    case ReductionId::count_nonzero:
      return nonzero(x);
    case ReductionId::moments:
      return x.empty() ? not_a_number : sum_of(x) / n;
  }
  return not_a_number;
}

/// How far a result may be off before it is stored: u is the unit roundoff of the compute type. The values are as they
/// are stored; a kernel has them exactly.
inline long double bound(ReductionId id, const Values& x, long double p, long double u) {
  const auto n = static_cast<long double>(x.size());
  const long double exact = std::fabs(reduce(id, x, p));
  switch (id) {
    case ReductionId::sum:
      return 4 * u * magnitude_of(x);
    case ReductionId::mean:
      return x.empty() ? 0 : 4 * u * magnitude_of(x) / n;
    case ReductionId::prod:
      return (u > 1e-10L ? 2 : n) * u * exact;
    case ReductionId::logsumexp: {
      if (x.empty() || std::isinf(exact)) return 0;
      long double largest = 0;
      for (const long double v : x)
        if (!std::isinf(v)) largest = std::fmax(largest, std::fabs(v));
      return 16 * u * (1 + largest + exact);
    }
    case ReductionId::norm:
      if (p == 0 || std::isinf(p)) return 0;
      return (p == 1 || p == 2 ? 4 : 32) * u * exact;
    case ReductionId::var:
    case ReductionId::stddev:
      return 16 * u * exact;
    case ReductionId::moments:  // of the mean
      return x.empty() ? 0 : 4 * u * magnitude_of(x) / n;
    default:
      return 0;
  }
}

/// Of the second output of `moments`.
inline long double variance_bound(const Values& x, long double correction, long double u) {
  return 16 * u * std::fabs(variance(x, correction));
}

}  // namespace mylos::test::reference
