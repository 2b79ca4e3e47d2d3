// A pointwise problem as its candidates see it: checked, canonical, plain data, free of Kokkos and vendor headers.
#pragma once

#include "core/lowered.hpp"
#include "core/selection.hpp"

namespace mylos::detail {

struct PointwiseProblem {
  const void* x;
  void* y;
  DType x_dtype;
  DType y_dtype;
  const Chain* chain;  // lives while the call lasts
  PointwiseGeometry geometry;

  bool computes_in_f64() const { return x_dtype == DType::f64 || y_dtype == DType::f64; }
  /// x and y are one run of consecutive elements each.
  bool is_flat() const {
    const PointwiseGeometry& g = geometry;
    return g.box.rank == 0 || (g.box.rank == 1 && g.x.stride[0] == 1 && g.y.stride[0] == 1);
  }
};

/// The tensor operands of a problem over a box of at most Rank dimensions.
template <int Rank>
void lower_operands(const PointwiseProblem& problem, const PointwiseGeometry& geometry, LoweredOperand<Rank>* operand) {
  for (int o = 0; o < problem.chain->operand_count(); ++o) {
    const Tensor& tensor = problem.chain->operand(o);
    operand[o].data = tensor.data;
    operand[o].dtype = tensor.dtype;
    for (int d = 0; d < Rank; ++d) operand[o].stride[d] = d < geometry.box.rank ? geometry.operand[o].stride[d] : 0;
  }
}

}  // namespace mylos::detail
