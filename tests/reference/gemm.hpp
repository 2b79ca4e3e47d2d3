// Matrix products as plain loops in long double, and how far a result may be off by the bound that gemm.hpp states.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include <mylos/matrix_structure.hpp>

namespace mylos::test::reference {

/// Element (i, j), where its structure lets it be seen.
using MatrixElement = std::function<long double(std::int64_t, std::int64_t)>;

inline MatrixElement structured(const MatrixElement& element, MatrixStructure structure) {
  switch (structure) {
    case MatrixStructure::lower:
      return [=](std::int64_t i, std::int64_t j) { return j > i ? 0 : element(i, j); };
    case MatrixStructure::upper:
      return [=](std::int64_t i, std::int64_t j) { return j < i ? 0 : element(i, j); };
    case MatrixStructure::symmetric_lower:
      return [=](std::int64_t i, std::int64_t j) { return j > i ? element(j, i) : element(i, j); };
    case MatrixStructure::symmetric_upper:
      return [=](std::int64_t i, std::int64_t j) { return j < i ? element(j, i) : element(i, j); };
    case MatrixStructure::general:
      break;
  }
  return element;
}

struct ProductSum {
  long double value;
  long double absolute;  // the sum of the absolute values
};

inline ProductSum product(const std::vector<long double>& row, const std::vector<long double>& column) {
  ProductSum sum{0, 0};
  for (std::size_t q = 0; q < row.size(); ++q) {
    sum.value += row[q] * column[q];
    sum.absolute += std::fabs(row[q] * column[q]);
  }
  return sum;
}

/// (min(k, 1024) + k / 1024 + 8) u (|alpha| |a| |b| + |beta c|), and what may have been lost below the smallest
/// numbers.
inline long double gemm_tolerance(std::int64_t k, bool in_f64, long double absolute) {
  const long double u = in_f64 ? 0x1p-53L : 0x1p-24L;
  const auto terms = static_cast<long double>((k < 1024 ? k : 1024) + k / 1024 + 8);
  return terms * u * absolute + static_cast<long double>(k + 8) * (in_f64 ? 0x1p-1074L : 0x1p-149L);
}

}  // namespace mylos::test::reference
