// From the arguments of a row operator to a RowProblem: checks, then the canonical boxes.
#pragma once

#include "core/axes.hpp"
#include "row/problem.hpp"

namespace mylos::detail {

/// x and y, the chains and what they share; throws before anything is written.
class RowArguments {
 public:
  RowArguments(const char* function, bool device, RowOperator op, const Tensor& x, const Tensor& y,
               const Chains& chains);
  RowArguments(const RowArguments&) = delete;
  RowArguments& operator=(const RowArguments&) = delete;

  /// The dimensions that make up a row.
  void set_axes(AxisMask axes) { axes_ = axes; }
  /// Dimension d as two, the slower one of `parts`, for all tensors: the groups of a group norm.
  void split_dimension(int d, std::int64_t parts);
  void set_causal(std::int64_t diagonal);

  /// Weight and bias with the given extents, seen as dimensions `dimensions[i]` of x; no other dimensions.
  void set_affine(const NormTensors& tensors, const int* dimensions, int rank);
  /// Weight and bias (C), where dimensions 1 and 2 are the channels, split.
  void set_channel_affine(const NormTensors& tensors, std::int64_t channels);
  /// One element per row.
  void set_statistics(const NormTensors& tensors);
  void set_running(const NormTensors& tensors, double momentum);
  /// Mean and variance (C) that are not to be found; with set_affine() for the same dimension.
  void set_given(const Tensor& mean, const Tensor& variance);

  RowProblem& problem() { return problem_; }
  /// The shape of x, after split_dimension().
  const Tensor& shape() const { return x_; }
  /// Fills in the boxes; false where there is nothing to do.
  bool finish();

 private:
  struct Placed {
    Tensor tensor;  // broadcasts to x
    Strides* strides;
  };
  void place(RowTensor& to, const Tensor& tensor);
  void place_along(const char* argument, RowTensor& to, const Tensor& tensor, const int* dimensions, int rank);
  void place_affine(const char* argument, RowTensor& to, const Tensor& given, const Tensor& seen);
  void check_written(const char* argument, const Tensor& tensor) const;

  const char* function_;
  bool device_;
  Tensor x_;
  Tensor y_;
  AxisMask axes_ = 0;
  RowProblem problem_;
  FixedVector<Placed, max_operands + 8> placed_;
};

/// Whether an optional tensor is there.
inline bool given(const Tensor& tensor) { return tensor.data != nullptr || tensor.rank != 0; }

}  // namespace mylos::detail
