// Every scan of a row in long double, from its definition, with PyTorch's behaviour at NaN, infinities and ties; and
// the bound that scan.hpp states for it.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <mylos/scan.hpp>
#include <vector>

#include "reference/rounding.hpp"

namespace mylos::test::reference {

/// An element of a row in the order of the scan.
struct Scanned {
  long double value;
  bool enters;  // the mask
};

struct ScanResult {
  long double value;
  long double tolerance;
  std::int64_t index;  // in the order of the scan
};

/// A long double with an exponent of its own.
struct Unbounded {
  long double number = 1;
  long exponent = 0;
  void multiply(long double v) {
    number *= v;
    if (number == 0 || !std::isfinite(number)) return;
    int e = 0;
    number = std::frexp(number, &e);
    exponent += e;
  }
  long double value() const {
    const long most = 30000;
    return std::ldexp(number, static_cast<int>(exponent > most ? most : (exponent < -most ? -most : exponent)));
  }
};

/// What has entered, and what the operators need of it.
struct ScanState {
  std::int64_t n = 0;
  long double sum = 0;
  long double sum_error = 0;
  long double magnitude = 0;
  Unbounded product{};
  long double largest = -std::numeric_limits<long double>::infinity();
  std::int64_t index = -1;
  long double exponentials = 0;  // sum e^(x - shift)
  long double shift = -std::numeric_limits<long double>::infinity();

  void enter(long double v, std::int64_t position, bool smallest) {
    ++n;
    const long double next = sum + v;
    const long double other = next - sum;
    sum_error += (sum - (next - other)) + (v - other);
    sum = next;
    magnitude += std::fabs(v);
    product.multiply(v);
    const long double seen = smallest ? -v : v;
    if (std::isnan(v) || (!std::isnan(largest) && (seen >= largest || index < 0))) {
      largest = seen;
      index = position;
    }
    const long double top = v > shift ? v : shift;
    const auto reference = [](long double x) { return std::isfinite(x) ? x : 0.0L; };
    exponentials = (exponentials == 0 ? 0 : exponentials * std::exp(reference(shift) - reference(top))) +
                   std::exp(v - reference(top));
    shift = top;
  }
};

/// `u`: 2^-24 or 2^-53, of the type that is computed in; `sixteen_bit`: of x.
inline ScanResult result_of(mylos::detail::ScanId id, const ScanState& s, long double u, bool sixteen_bit) {
  using Id = mylos::detail::ScanId;
  const bool f64 = u < 0x1p-30L;
  const auto n = static_cast<long double>(s.n);
  long double y = 0;
  long double tolerance = 0;
  switch (id) {
    case Id::cumsum:
      y = std::isfinite(s.sum) ? s.sum + s.sum_error : s.sum;
      tolerance = u * std::fabs(y) + (f64 ? n * n * 0x1p-105L : n * 0x1p-53L + (sixteen_bit ? 8 * u : 0)) * s.magnitude;
      break;
    case Id::cumprod:
      y = s.product.value();
      tolerance = (u + n * 0x1p-53L) * std::fabs(y);
      break;
    case Id::cummax:
      y = s.largest;
      break;
    case Id::cummin:
      y = -s.largest;
      break;
    case Id::logcumsumexp:
      y = std::isfinite(s.shift) || s.shift != s.shift ? s.shift + std::log(s.exponentials) : s.shift;
      if (std::isnan(s.exponentials)) y = s.exponentials;
      tolerance = 2 * u * std::fabs(y) + (24 + (f64 ? n : 4 * std::log(n + 1))) * u;
      break;
  }
  return {y, std::isfinite(y) ? tolerance : 0, s.index};
}

inline std::vector<ScanResult> scan(mylos::detail::ScanId id, const std::vector<Scanned>& row, bool exclusive,
                                    long double u, bool sixteen_bit) {
  std::vector<ScanResult> results;
  ScanState state;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (exclusive) results.push_back(result_of(id, state, u, sixteen_bit));
    if (row[i].enters) state.enter(row[i].value, static_cast<std::int64_t>(i), id == mylos::detail::ScanId::cummin);
    if (!exclusive) results.push_back(result_of(id, state, u, sixteen_bit));
  }
  return results;
}

}  // namespace mylos::test::reference
