// Shapes of a case's own, seen on the one allocation that all cases share.
#pragma once

#include <cstdint>
#include <vector>

#include "support/workspace.hpp"

namespace mylos::bench {

using Shape = std::vector<std::int64_t>;

inline std::int64_t count_of(const Shape& shape) {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}

/// The shape with as many of its slowest dimension as the workspace holds.
template <class Exec>
Shape fitted(Shape shape, const Workspace<Exec>& w) {
  const std::int64_t room = w.rows * w.cols;
  const std::int64_t each = count_of(shape) / shape[0];
  if (each > room) throw std::runtime_error("one of the slowest dimension is larger than the workspace");
  shape[0] = std::min(shape[0], room / each);
  return shape;
}

inline std::string text_of(const Shape& shape) {
  std::string text;
  for (const std::int64_t extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

inline Tensor seen_as(const Tensor& all, const Shape& shape) {
  return Tensor(all.data, all.dtype, static_cast<int>(shape.size()), shape.data(), nullptr);
}

}  // namespace mylos::bench
