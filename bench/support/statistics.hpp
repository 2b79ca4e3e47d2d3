// Order statistics of timing samples.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace mylos::bench {

/// Linear interpolation between the two nearest order statistics; `sorted` must be so and not empty.
inline double quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// In the samples' own unit, milliseconds here.
struct Statistics {
  double median = 0;
  double p10 = 0;
  double p90 = 0;
  int samples = 0;
};

inline Statistics summarize(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  return {quantile(samples, 0.5), quantile(samples, 0.1), quantile(samples, 0.9), static_cast<int>(samples.size())};
}

/// The narrowest pair of order statistics, as far from the ends as each other, that has the median of the distribution
/// between them with a probability of 95 % at least, whatever the distribution: the number of samples below the median
/// is binomial (n, 1/2). Nothing for fewer than 6 samples, whose ends have it with less.
inline std::optional<std::pair<double, double>> median_interval(std::vector<double> samples) {
  const std::size_t n = samples.size();
  std::sort(samples.begin(), samples.end());
  long double probability = std::exp2(-static_cast<long double>(n));  // that exactly k samples are below the median
  long double outside = 0;                                            // that k or fewer are
  std::size_t from_the_end = 0;
  for (std::size_t k = 0; 2 * k + 1 < n; ++k) {
    outside += probability;
    if (!(outside <= 0.025L)) break;
    from_the_end = k + 1;
    probability *= static_cast<long double>(n - k) / static_cast<long double>(k + 1);
  }
  if (from_the_end == 0) return std::nullopt;
  return std::pair(samples[from_the_end - 1], samples[n - from_the_end]);
}

}  // namespace mylos::bench
