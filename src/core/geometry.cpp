#include "core/geometry.hpp"

#include <algorithm>
#include <cstdlib>

namespace mylos::detail {
namespace {

struct Range {
  std::int64_t begin;  // bytes from the first element's address
  std::int64_t end;
};

Range byte_range(const Tensor& t) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  for (int d = 0; d < t.rank; ++d) {
    const std::int64_t reach = (t.extent[d] - 1) * t.stride[d];
    (reach < 0 ? low : high) += reach;
  }
  const auto bytes = static_cast<std::int64_t>(size_of(t.dtype));
  return {low * bytes, (high + 1) * bytes};
}

struct Dimension {
  std::int64_t extent;
  std::int64_t stride;  // positive
};

/// Whether sum_d k_d * stride_d = offset has a solution with |k_d| < extent_d, for dimensions by falling stride.
bool reachable(const Dimension* dimension, int rank, std::int64_t offset) {
  if (rank == 0) return offset == 0;
  std::int64_t rest = 0;
  for (int d = 1; d < rank; ++d) rest += (dimension[d].extent - 1) * dimension[d].stride;
  const std::int64_t stride = dimension[0].stride;
  std::int64_t first = (offset - rest) / stride;
  std::int64_t last = (offset + rest) / stride;
  first = std::max(first, 1 - dimension[0].extent);
  last = std::min(last, dimension[0].extent - 1);
  for (std::int64_t k = first; k <= last; ++k)
    if (reachable(dimension + 1, rank - 1, offset - k * stride)) return true;
  return false;
}

/// The dimensions of a tensor by falling stride, merged; false where they fold onto themselves.
bool nested_dimensions(const Tensor& t, Dimension* dimension, int& rank) {
  rank = 0;
  for (int d = 0; d < t.rank; ++d) {
    if (t.extent[d] == 1) continue;
    int at = rank++;
    for (; at > 0 && dimension[at - 1].stride < std::abs(t.stride[d]); --at) dimension[at] = dimension[at - 1];
    dimension[at] = {t.extent[d], std::abs(t.stride[d])};
  }
  std::int64_t rest = 0;
  for (int d = rank - 1; d >= 0; --d) {
    if (dimension[d].stride <= rest) return false;
    rest += (dimension[d].extent - 1) * dimension[d].stride;
  }
  return true;
}

bool same_shape_and_strides(const Tensor& a, const Tensor& b) {
  for (int d = 0; d < b.rank; ++d)
    if (b.extent[d] > 1 && broadcast_stride(a, b, d) != b.stride[d]) return false;
  return true;
}

}  // namespace

Overlap overlap(const Tensor& a, const Tensor& b) {
  if (a.size() == 0 || b.size() == 0) return Overlap::none;
  const auto a_address = reinterpret_cast<std::intptr_t>(a.data);
  const auto b_address = reinterpret_cast<std::intptr_t>(b.data);
  const Range ra = byte_range(a);
  const Range rb = byte_range(b);
  if (a_address + ra.end <= b_address + rb.begin || b_address + rb.end <= a_address + ra.begin) return Overlap::none;
  if (a.dtype != b.dtype || !same_shape_and_strides(a, b)) return Overlap::partial;
  if (a_address == b_address) return Overlap::same_elements;
  const auto bytes = static_cast<std::int64_t>(size_of(b.dtype));
  if ((a_address - b_address) % bytes != 0) return Overlap::partial;
  Dimension dimension[max_rank];
  int rank = 0;
  if (!nested_dimensions(b, dimension, rank)) return Overlap::partial;
  return reachable(dimension, rank, (a_address - b_address) / bytes) ? Overlap::partial : Overlap::none;
}

bool disjoint(const Tensor& a, const Tensor& b) {
  if (a.size() == 0 || b.size() == 0) return true;
  const Range ra = byte_range(a);
  const Range rb = byte_range(b);
  const std::int64_t from_a = reinterpret_cast<std::intptr_t>(a.data) + ra.begin;
  const std::int64_t from_b = reinterpret_cast<std::intptr_t>(b.data) + rb.begin;
  const std::int64_t bytes_a = ra.end - ra.begin;
  const std::int64_t bytes_b = rb.end - rb.begin;
  if (from_a + bytes_a <= from_b || from_b + bytes_b <= from_a) return true;
  // The largest stride and what the other dimensions span.
  const auto period_of = [](const Tensor& t, std::int64_t bytes, std::int64_t& rest) {
    std::int64_t period = 0;
    for (int d = 0; d < t.rank; ++d) {
      const std::int64_t stride = std::abs(t.stride[d]) * static_cast<std::int64_t>(size_of(t.dtype));
      if (t.extent[d] == 1 || stride <= period) continue;
      period = stride;
      rest = bytes - (t.extent[d] - 1) * stride;
    }
    return period;
  };
  std::int64_t rest_a = bytes_a;
  std::int64_t rest_b = bytes_b;
  const std::int64_t period_a = period_of(a, bytes_a, rest_a);
  const std::int64_t period_b = period_of(b, bytes_b, rest_b);
  const std::int64_t period = period_a != 0 ? period_a : period_b;
  if (period == 0 || (period_b != 0 && period_b != period)) return false;
  const std::int64_t apart = ((from_b - from_a) % period + period) % period;
  return rest_a <= apart && apart + rest_b <= period;
}

Box canonical_box(const Tensor& shape, const BoxTensor* tensors, int count) {
  Box box;
  int order[max_rank];
  int rank = 0;
  for (int d = 0; d < shape.rank; ++d) {
    box.count *= shape.extent[d];
    if (shape.extent[d] != 1) order[rank++] = d;
  }
  // Insertion sort: at most eight, nearly always in order already, and stable.
  for (int i = 1; i < rank; ++i)
    for (int j = i; j > 0 && std::abs(shape.stride[order[j]]) > std::abs(shape.stride[order[j - 1]]); --j)
      std::swap(order[j], order[j - 1]);

  int n = 0;
  for (int i = 0; i < rank; ++i) {
    const int d = order[i];
    const std::int64_t extent = shape.extent[d];
    bool merge = n > 0;
    for (int t = 0; t < count; ++t) {
      const std::int64_t stride = broadcast_stride(*tensors[t].tensor, shape, d);
      tensors[t].strides->stride[n] = stride;
      merge = merge && tensors[t].strides->stride[n - 1] == stride * extent;
    }
    if (merge) {
      --n;
      for (int t = 0; t < count; ++t) tensors[t].strides->stride[n] = tensors[t].strides->stride[n + 1];
    }
    box.extent[n] = merge ? box.extent[n] * extent : extent;
    ++n;
  }
  box.rank = n;
  return box;
}

PointwiseGeometry canonicalize(const Tensor& x, const Tensor& y, const Chain& chain) {
  PointwiseGeometry g;
  BoxTensor tensors[max_operands + 2] = {{&x, &g.x}, {&y, &g.y}};
  const int operands = chain.operand_count();
  for (int o = 0; o < operands; ++o) tensors[o + 2] = {&chain.operand(o), &g.operand[o]};
  g.box = canonical_box(y, tensors, operands + 2);
  return g;
}

}  // namespace mylos::detail
