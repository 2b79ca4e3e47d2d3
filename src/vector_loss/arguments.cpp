#include "vector_loss/arguments.hpp"

#include "core/checks.hpp"

namespace mylos::detail {

VectorLossArguments::VectorLossArguments(const char* function, bool device, const Tensor& x, const char* x_name,
                                         int axis, const Chain* before)
    : function_(function), device_(device), x_name_(x_name), x_(x) {
  check_floating(function, x_name, x);
  check_reachable(function, x_name, x, device);
  if (x.rank == 0) fail(function, x_name, x, "rank 0, expected at least one dimension");
  mask_ = axis_mask(function, x, axis);
  axis_ = axis < 0 ? axis + x.rank : axis;
  problem_.box.x = x;
  problem_.box.before = before != nullptr ? before : &none_;
  problem_.box.after = &none_;
  const Chain& chain = *problem_.box.before;
  for (int o = 0; o < chain.operand_count(); ++o) (void)add_broadcast("an operand of before", chain.operand(o));
  problem_.box.first_prepare = count_;
  problem_.box.first_after = count_;
}

std::int8_t VectorLossArguments::add(const char* argument, const Tensor& given, const Tensor& seen) {
  check_reachable(function_, argument, given, device_);
  if (count_ == max_reduce_operands)
    throw Error(std::string("mylos::") + function_ + ": before: more than 16 tensor operands in all");
  name_[count_] = argument;
  given_[count_] = given;
  seen_[count_] = seen;
  return static_cast<std::int8_t>(count_++);
}

std::int8_t VectorLossArguments::add_broadcast(const char* argument, const Tensor& tensor) {
  check_broadcasts(function_, argument, tensor, x_);
  return add(argument, tensor, tensor);
}

std::int8_t VectorLossArguments::add_per_row(const char* argument, const Tensor& tensor) {
  return add(argument, tensor, with_axes(function_, argument, tensor, x_, mask_));
}

std::int8_t VectorLossArguments::add_per_position(const char* argument, const Tensor& tensor) {
  check_floating(function_, argument, tensor);
  if (tensor.rank != 1 || tensor.extent[0] != axis_count())
    fail(function_, argument, tensor,
         "extents " + shape_of(tensor) + ", expected (" + std::to_string(axis_count()) + ")");
  Tensor seen = tensor;
  seen.rank = x_.rank;
  for (int d = 0; d < x_.rank; ++d) {
    seen.extent[d] = d == axis_ ? tensor.extent[0] : 1;
    seen.stride[d] = d == axis_ ? tensor.stride[0] : 0;
  }
  return add(argument, tensor, seen);
}

void VectorLossArguments::check_apart(const char* argument, const Tensor& written) const {
  const auto check = [&](const char* name, const Tensor& read) {
    if (!disjoint(read, written))
      fail(function_, name, read,
           std::string("overlaps ") + argument + ", expected tensors that have no elements in common");
  };
  check(x_name_, x_);
  for (int o = 0; o < count_; ++o) check(name_[o], given_[o]);
}

void VectorLossArguments::set_output(const Tensor& y, LossReduction reduction) {
  if (reduction == LossReduction::batch_mean)
    throw Error(std::string("mylos::") + function_ + ": reduction: batch_mean, expected none, sum or mean");
  check_floating(function_, "y", y);
  check_reachable(function_, "y", y, device_);
  check_output(function_, "y", y);
  options().reduction = reduction;
  if (reduction == LossReduction::none) {
    y_ = with_axes(function_, "y", y, x_, mask_);
  } else {
    for (int d = 0; d < y.rank; ++d)
      if (y.extent[d] != 1) fail(function_, "y", y, "extents " + shape_of(y) + ", expected ()");
    options().total = y.data;
    options().total_dtype = y.dtype;
  }
  check_apart("the output", y);
  problem_.box.compute = x_.dtype == DType::f64 || y.dtype == DType::f64 ? Compute::f64 : Compute::f32;
  problem_.box.y[0] = reduction == LossReduction::none ? y_ : Tensor();
}

void VectorLossArguments::set_status(const Tensor& status) {
  if (status.data == nullptr && status.rank == 0) return;
  check_reachable(function_, "status", status, device_);
  if (status.dtype != DType::i32 || status.size() != 1)
    fail(function_, "status", status,
         std::string("dtype ") + name_of(status.dtype) + ", extents " + shape_of(status) + ", expected i32 and ()");
  check_apart("the status", status);
  options().status = static_cast<std::int32_t*>(status.data);
}

const VectorLossProblem& VectorLossArguments::finish() {
  ReduceProblem& p = problem_.box;
  SplitTensor tensors[max_reduce_operands + 2];
  Strides unused;
  int n = 0;
  tensors[n++] = {&p.x, &p.x_kept, &p.x_axis};
  p.operands = count_;
  for (int o = 0; o < count_; ++o) {
    p.operand[o] = seen_[o];
    tensors[n++] = {&p.operand[o], &p.operand_kept[o], &p.operand_axis[o]};
  }
  if (options().per_row()) tensors[n++] = {&p.y[0], &p.y_kept[0], &unused};
  const SplitBox box = split_box(p.x, mask_, tensors, n);
  p.kept = box.kept;
  p.axis = box.axis;
  if (p.kept.count == 0) p.kept.rank = 0;  // no rows: nothing but their sum
  return problem_;
}

}  // namespace mylos::detail
