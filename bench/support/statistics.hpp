// Order statistics of timing samples.
#pragma once

#include <algorithm>
#include <cstddef>
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

}  // namespace mylos::bench
