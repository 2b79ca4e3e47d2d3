// The canonical box of a pointwise problem: dimensions of extent 1 dropped, the others ordered so that the output's
// fastest comes last, neighbours merged wherever every tensor allows it.
#pragma once

#include <cstdint>

#include <mylos/chain.hpp>

namespace mylos::detail {

/// Strides, in elements, of one tensor over a box.
struct Strides {
  std::int64_t stride[max_rank];
};

struct Box {
  int rank = 0;
  std::int64_t extent[max_rank] = {};
  std::int64_t count = 1;
};

/// x, y and the tensor operands of a chain over their common box.
struct PointwiseGeometry {
  Box box;
  Strides x;
  Strides y;
  Strides operand[max_operands];
};

/// A tensor that broadcasts to the shape of a box, and where its strides over the box go.
struct BoxTensor {
  const Tensor* tensor;
  Strides* strides;
};

/// The canonical box of `shape`, an output, for all `tensors`; `shape` itself need not be among them.
Box canonical_box(const Tensor& shape, const BoxTensor* tensors, int count);

/// Requires that everything broadcasts to y (checks.hpp).
PointwiseGeometry canonicalize(const Tensor& x, const Tensor& y, const Chain& chain);

/// The same box with dimensions of extent 1 in front, up to two: kernels may then count on rows. Inline, because
/// backends/cuda links nothing of the core.
inline PointwiseGeometry with_rows(const PointwiseGeometry& geometry, int operands) {
  if (geometry.box.rank > 1) return geometry;
  const bool single = geometry.box.rank == 0;
  PointwiseGeometry g;
  g.box.rank = 2;
  g.box.count = geometry.box.count;
  g.box.extent[0] = 1;
  g.box.extent[1] = single ? 1 : geometry.box.extent[0];
  const auto push_back = [single](Strides& to, const Strides& from) {
    to.stride[0] = 0;
    to.stride[1] = single ? 1 : from.stride[0];
  };
  push_back(g.x, geometry.x);
  push_back(g.y, geometry.y);
  for (int o = 0; o < operands; ++o) push_back(g.operand[o], geometry.operand[o]);
  return g;
}

enum class Overlap { none, same_elements, partial };

/// Whether a and b, both broadcast to b's shape, share memory. Exact where their strides agree; otherwise two tensors
/// whose address ranges meet count as partial.
Overlap overlap(const Tensor& a, const Tensor& b);

/// Whether a and b, of any two shapes, certainly share no memory: their address ranges do not meet, or they are other
/// parts of each period of the same largest stride (columns of one matrix).
bool disjoint(const Tensor& a, const Tensor& b);

/// Stride of dimension d of `shape` in `tensor`, which broadcasts to it: 0 where it is broadcast.
inline std::int64_t broadcast_stride(const Tensor& tensor, const Tensor& shape, int d) {
  const int own = d - (shape.rank - tensor.rank);
  return own < 0 || tensor.extent[own] == 1 ? 0 : tensor.stride[own];
}

}  // namespace mylos::detail
