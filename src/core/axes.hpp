// Operators along axes: a tensor's dimensions are split into those that are kept and those along the axes, and each
// part becomes a canonical box of its own.
#pragma once

#include <cstdint>

#include <mylos/axes.hpp>

#include "core/geometry.hpp"

namespace mylos::detail {

/// Bit d stands for dimension d.
using AxisMask = std::uint32_t;

/// The axes of `x`; all of its dimensions where `axes` is empty. Throws for an axis out of range (a tensor of rank 0
/// has axis 0, as in PyTorch) and for one that is given twice.
AxisMask axis_mask(const char* function, const Tensor& x, const Axes& axes);

/// `y`, which has one element for all of `x` along the axes, as a tensor of x's rank with extent 1 along them. y either
/// keeps these dimensions, with extent 1, or lacks them. Throws where it is neither.
Tensor with_axes(const char* function, const char* argument, const Tensor& y, const Tensor& x, AxisMask axes);

/// `tensor`, which broadcasts to `shape`, with shape's extents and strides of 0 where it is broadcast.
Tensor expanded(const Tensor& tensor, const Tensor& shape);

/// A tensor that broadcasts to the shape of the whole, and where its strides over the two boxes go.
struct SplitTensor {
  const Tensor* tensor;
  Strides* kept;
  Strides* axis;
};

struct SplitBox {
  Box kept;
  Box axis;
};

/// The canonical boxes (geometry.hpp) of the dimensions of `shape` that are not axes, and of those that are. Each is
/// ordered so that shape's fastest dimension comes last, and merged wherever every tensor allows it; `shape` itself
/// need not be among the tensors. A row operator gives x, y and its affine parameters, a reduction x and y (with_axes).
SplitBox split_box(const Tensor& shape, AxisMask axes, const SplitTensor* tensors, int count);

/// At most so many tensors in one split_box().
inline constexpr int max_split_tensors = 2 * max_operands + 8;

}  // namespace mylos::detail
