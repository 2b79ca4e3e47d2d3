#include "core/axes.hpp"

#include "core/checks.hpp"

namespace mylos::detail {
namespace {

bool has(AxisMask axes, int d) { return (axes >> d & 1U) != 0; }

/// Those dimensions of `tensor`, seen in the rank of `shape`, whose bit in `axes` is `wanted`.
Tensor part_of(const Tensor& tensor, const Tensor& shape, AxisMask axes, bool wanted) {
  Tensor part = tensor;
  part.rank = 0;
  for (int d = 0; d < shape.rank; ++d) {
    if (has(axes, d) != wanted) continue;
    const int own = d - (shape.rank - tensor.rank);
    part.extent[part.rank] = own < 0 ? 1 : tensor.extent[own];
    part.stride[part.rank] = broadcast_stride(tensor, shape, d);
    ++part.rank;
  }
  return part;
}

Box box_of(const Tensor& shape, AxisMask axes, bool wanted, const SplitTensor* tensors, int count) {
  FixedVector<Tensor, max_split_tensors> parts;
  BoxTensor list[max_split_tensors];
  for (int t = 0; t < count; ++t) {
    parts.push_back(part_of(*tensors[t].tensor, shape, axes, wanted));
    list[t] = {&parts[t], wanted ? tensors[t].axis : tensors[t].kept};
  }
  return canonical_box(part_of(shape, shape, axes, wanted), list, count);
}

}  // namespace

AxisMask axis_mask(const char* function, const Tensor& x, const Axes& axes) {
  if (axes.size() == 0) return (AxisMask{1} << x.rank) - 1;
  const int rank = x.rank == 0 ? 1 : x.rank;
  AxisMask mask = 0;
  for (int i = 0; i < axes.size(); ++i) {
    const int d = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (d < 0 || d >= rank)
      fail(function, "axes", x,
           "axis " + std::to_string(axes[i]) + ", expected " + std::to_string(-rank) + " to " +
               std::to_string(rank - 1) + " for extents " + shape_of(x));
    if (has(mask, d)) fail(function, "axes", x, "axis " + std::to_string(d) + " is given twice");
    mask |= AxisMask{1} << d;
  }
  return x.rank == 0 ? 0 : mask;
}

Tensor with_axes(const char* function, const char* argument, const Tensor& y, const Tensor& x, AxisMask axes) {
  Tensor expected = x;  // without the axes
  expected.rank = 0;
  for (int d = 0; d < x.rank; ++d)
    if (!has(axes, d)) expected.extent[expected.rank++] = x.extent[d];
  const bool keeps = y.rank == x.rank;
  Tensor whole = y;
  whole.rank = x.rank;
  bool fits = keeps || y.rank == expected.rank;
  for (int d = 0, own = 0; fits && d < x.rank; ++d) {
    const bool missing = has(axes, d) && !keeps;
    whole.extent[d] = missing ? 1 : y.extent[own];
    whole.stride[d] = missing ? 0 : y.stride[own];
    own += missing ? 0 : 1;
    fits = whole.extent[d] == (has(axes, d) ? 1 : x.extent[d]);
  }
  if (!fits)
    fail(function, argument, y,
         "extents " + shape_of(y) + ", expected " + shape_of(expected) +
             (axes != 0 ? ", or those of the input with 1 along the axes" : ""));
  return whole;
}

Tensor expanded(const Tensor& tensor, const Tensor& shape) {
  Tensor whole = tensor;
  whole.rank = shape.rank;
  for (int d = 0; d < shape.rank; ++d) {
    whole.extent[d] = shape.extent[d];
    whole.stride[d] = broadcast_stride(tensor, shape, d);
  }
  return whole;
}

SplitBox split_box(const Tensor& shape, AxisMask axes, const SplitTensor* tensors, int count) {
  return {box_of(shape, axes, false, tensors, count), box_of(shape, axes, true, tensors, count)};
}

}  // namespace mylos::detail
