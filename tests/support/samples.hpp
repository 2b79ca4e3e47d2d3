// Inputs as bit patterns: all of a 16-bit type, and samples of f32 and f64 that visit every exponent, both signs,
// subnormals, zeros, infinities, NaN, the neighbourhood of every threshold in the formulas, and huge arguments.
#pragma once

#include <vector>

#include "reference/rounding.hpp"
#include "support/spaces.hpp"

namespace mylos::test {

using Sample = std::vector<std::uint64_t>;

/// Numbers around which formulas change branch, overflow, underflow or tie.
inline std::vector<double> landmarks() {
  std::vector<double> v{0,
                        0.01,
                        0.1,
                        0.35,
                        0.5,
                        0.75,
                        1,
                        1.25,
                        1.5,
                        2,
                        2.5,
                        3,
                        3.5,
                        4,
                        5,
                        6,
                        8.3,
                        9,
                        10,
                        13,
                        14,
                        17,
                        20,
                        37,
                        40,
                        64,
                        80,
                        87.3,
                        88,
                        88.7,
                        89,
                        100,
                        103.9,
                        104,
                        127,
                        128,
                        149,
                        150,
                        700,
                        708.4,
                        709.7,
                        745.1,
                        750,
                        1022,
                        1024,
                        8388607.5,
                        8388608,
                        16777216,
                        2147483648.0,
                        4503599627370495.5,
                        9007199254740992.0};
  for (int k = 1; k <= 64; k *= 2) v.push_back(k * 1.5707963267948966);
  return v;
}

/// Every pattern of a 16-bit type.
inline Sample all_of_sixteen_bits() {
  Sample sample;
  for (std::uint64_t i = 0; i < 65536; i += thinning == 1 ? 1 : 7) sample.push_back(i);
  return sample;
}

namespace detail {
template <class S>
void append_with_neighbours(Sample& sample, DType dtype, double value) {
  for (const double signed_value : {value, -value}) {
    const S stored = static_cast<S>(signed_value);
    const S infinity = std::numeric_limits<S>::infinity();
    for (const S v : {stored, std::nextafter(stored, infinity), std::nextafter(stored, -infinity)}) {
      std::uint64_t bits = 0;
      reference::store_at(dtype, &bits, static_cast<double>(v));
      sample.push_back(bits);
    }
  }
}

/// Patterns `stride` apart (odd, so that fractions vary), a grid over [-110, 110], and the landmarks.
template <class S>
Sample wide_sample(DType dtype, std::uint64_t count, std::uint64_t stride, int grid) {
  Sample sample;
  for (std::uint64_t i = 0; i < count; ++i) sample.push_back(i * stride);
  for (int i = 0; i < grid; ++i) {
    std::uint64_t bits = 0;
    reference::store_at(dtype, &bits, -110 + 220 * (i + 0.37) / grid);
    sample.push_back(bits);
  }
  using Limits = std::numeric_limits<S>;
  for (const double v : landmarks()) append_with_neighbours<S>(sample, dtype, v);
  for (const S v : {Limits::max(), Limits::min(), Limits::denorm_min(), Limits::infinity(), Limits::quiet_NaN(),
                    Limits::max() / 2, Limits::min() / 2})
    append_with_neighbours<S>(sample, dtype, static_cast<double>(v));
  return sample;
}
}  // namespace detail

/// `density`: 1 for about 1.3 million f32 or 0.25 million f64 values; all of a 16-bit type whatever it is.
inline Sample sample_of(DType dtype, double density) {
  if (is_sixteen_bit(dtype)) return all_of_sixteen_bits();
  density /= thinning;
  if (dtype == DType::f32) {
    const auto count = static_cast<std::uint64_t>(1049351 * density);
    const int grid = static_cast<int>(262144 * density);
    return detail::wide_sample<float>(dtype, count, (std::uint64_t{1} << 32) / count | 1, grid);
  }
  const auto count = static_cast<std::uint64_t>(200003 * density);
  const int grid = static_cast<int>(65536 * density);
  return detail::wide_sample<double>(dtype, count, ~std::uint64_t{0} / count | 1, grid);
}

}  // namespace mylos::test
