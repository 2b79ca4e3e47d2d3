// What the losses of vectors are given, checked and turned into a problem: shared by all of them.
#pragma once

#include "vector_loss/problem.hpp"

namespace mylos::detail {

class VectorLossArguments {
 public:
  /// x: what has the full shape; axis: of its vectors; before: null, or it lives as long as this.
  VectorLossArguments(const char* function, bool device, const Tensor& x, const char* x_name, int axis,
                      const Chain* before = nullptr);
  VectorLossArguments(const VectorLossArguments&) = delete;
  VectorLossArguments& operator=(const VectorLossArguments&) = delete;

  /// What is read beside x. `seen`: over x's dimensions, with strides of 0 or extents of 1 where it is broadcast.
  std::int8_t add(const char* argument, const Tensor& given, const Tensor& seen);
  /// One that broadcasts to x.
  std::int8_t add_broadcast(const char* argument, const Tensor& tensor);
  /// One element per row.
  std::int8_t add_per_row(const char* argument, const Tensor& tensor);
  /// One element per position along the axis.
  std::int8_t add_per_position(const char* argument, const Tensor& tensor);
  /// Last: it is compared with everything that is read.
  void set_output(const Tensor& y, LossReduction reduction);
  void set_status(const Tensor& status);

  VectorLossOptions& options() { return problem_.options; }
  std::int64_t axis_count() const { return x_.rank == 0 ? 1 : x_.extent[axis_]; }
  /// The boxes; y included.
  const VectorLossProblem& finish();

 private:
  void check_apart(const char* argument, const Tensor& written) const;

  const char* function_;
  bool device_;
  const char* x_name_;
  Tensor x_;
  Tensor y_;  // of x's rank, where there is one element per row
  AxisMask mask_ = 0;
  int axis_ = 0;
  const char* name_[max_reduce_operands] = {};
  Tensor given_[max_reduce_operands];
  Tensor seen_[max_reduce_operands];
  int count_ = 0;
  VectorLossProblem problem_;
  Chain none_;
};

}  // namespace mylos::detail
