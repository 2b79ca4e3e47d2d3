#include "row/canonical.hpp"

#include "core/checks.hpp"

namespace mylos::detail {
namespace {

bool same_extents(const Tensor& a, const Tensor& b) {
  if (a.rank != b.rank) return false;
  for (int d = 0; d < a.rank; ++d)
    if (a.extent[d] != b.extent[d]) return false;
  return true;
}

void check_operands(const char* function, bool device, const Tensor& y, const Chain& chain, const char* name) {
  for (int o = 0; o < chain.operand_count(); ++o) {
    const std::string argument = std::string("operand ") + std::to_string(o) + " of " + name;
    const Tensor& operand = chain.operand(o);
    check_reachable(function, argument.c_str(), operand, device);
    check_broadcasts(function, argument.c_str(), operand, y);
    check_overlap(function, argument.c_str(), operand, y);
  }
}

}  // namespace

RowArguments::RowArguments(const char* function, bool device, RowOperator op, const Tensor& x, const Tensor& y,
                           const Chains& chains)
    : function_(function), device_(device), x_(x), y_(y) {
  check_floating(function, "x", x);
  check_floating(function, "y", y);
  check_reachable(function, "x", x, device);
  check_reachable(function, "y", y, device);
  if (!same_extents(x, y)) fail(function, "y", y, "extents " + shape_of(y) + ", expected those of x, " + shape_of(x));
  check_output(function, "y", y);
  check_overlap(function, "x", x, y);
  check_operands(function, device, y, chains.before, "before");
  check_operands(function, device, y, chains.after, "after");
  problem_.op = op;
  problem_.before = &chains.before;
  problem_.after = &chains.after;
  if (problem_.operand_count() > max_operands)
    throw Error(std::string("mylos::") + function + ": more than 16 tensor operands in both chains");
  place(problem_.x, x);
  place(problem_.y, y);
  for (int o = 0; o < problem_.operand_count(); ++o)
    placed_.push_back({expanded(problem_.operand_tensor(o), x), &problem_.operand[o]});
}

void RowArguments::place(RowTensor& to, const Tensor& tensor) {
  to.data = tensor.data;
  to.dtype = tensor.dtype;
  placed_.push_back({expanded(tensor, x_), &to.strides});
}

void RowArguments::split_dimension(int d, std::int64_t parts) {
  const auto split = [d, parts](Tensor& t) {
    for (int i = t.rank; i > d + 1; --i) {
      t.extent[i] = t.extent[i - 1];
      t.stride[i] = t.stride[i - 1];
    }
    ++t.rank;
    t.extent[d + 1] = t.extent[d] / parts;
    t.extent[d] = parts;
    t.stride[d + 1] = t.stride[d];
    t.stride[d] = t.stride[d + 1] * t.extent[d + 1];
  };
  split(x_);
  split(y_);
  const FixedVector<Placed, max_operands + 8> whole = placed_;
  placed_ = {};
  for (int i = 0; i < whole.size(); ++i) {
    Placed part = whole[i];
    split(part.tensor);
    placed_.push_back(part);
  }
}

void RowArguments::set_causal(std::int64_t diagonal) {
  problem_.is_causal = true;
  problem_.causal_limit = diagonal + 1;
  Tensor row = x_;  // the number of the row, as if it were an address
  for (int d = 0; d < row.rank; ++d) row.stride[d] = d == row.rank - 2 ? 1 : 0;
  placed_.push_back({row, &problem_.causal});
}

void RowArguments::place_affine(const char* argument, RowTensor& to, const Tensor& given, const Tensor& seen) {
  Tensor whole = seen;
  whole.data = given.data;
  whole.dtype = given.dtype;
  whole.set_label(given.label);
  check_overlap(function_, argument, whole, y_);
  place(to, whole);
}

void RowArguments::place_along(const char* argument, RowTensor& to, const Tensor& tensor, const int* dimensions,
                               int rank) {
  check_floating(function_, argument, tensor);
  check_reachable(function_, argument, tensor, device_);
  Tensor seen = x_;
  Tensor expected;
  expected.rank = static_cast<std::int8_t>(rank);
  for (int i = 0; i < rank; ++i) expected.extent[i] = x_.extent[dimensions[i]];
  if (!same_extents(tensor, expected))
    fail(function_, argument, tensor, "extents " + shape_of(tensor) + ", expected " + shape_of(expected));
  for (int d = 0; d < x_.rank; ++d) seen.extent[d] = 1;
  for (int i = 0; i < rank; ++i) {
    seen.extent[dimensions[i]] = tensor.extent[i];
    seen.stride[dimensions[i]] = tensor.stride[i];
  }
  place_affine(argument, to, tensor, seen);
}

void RowArguments::set_affine(const NormTensors& tensors, const int* dimensions, int rank) {
  if (given(tensors.weight)) place_along("weight", problem_.weight, tensors.weight, dimensions, rank);
  if (given(tensors.bias)) place_along("bias", problem_.bias, tensors.bias, dimensions, rank);
}

void RowArguments::set_given(const Tensor& mean, const Tensor& variance) {
  const int channels = 1;
  problem_.is_given = true;
  place_along("mean", problem_.running_mean, mean, &channels, 1);
  place_along("variance", problem_.running_variance, variance, &channels, 1);
}

void RowArguments::set_channel_affine(const NormTensors& tensors, std::int64_t channels) {
  const auto set = [&](const char* argument, const Tensor& t, RowTensor& to) {
    if (!given(t)) return;
    check_floating(function_, argument, t);
    check_reachable(function_, argument, t, device_);
    if (t.rank != 1 || t.extent[0] != channels)
      fail(function_, argument, t, "extents " + shape_of(t) + ", expected (" + std::to_string(channels) + ")");
    Tensor seen = x_;
    for (int d = 0; d < x_.rank; ++d)
      if (d != 1 && d != 2) seen.extent[d] = 1;
    seen.stride[1] = t.stride[0] * x_.extent[2];
    seen.stride[2] = t.stride[0];
    place_affine(argument, to, t, seen);
  };
  set("weight", tensors.weight, problem_.weight);
  set("bias", tensors.bias, problem_.bias);
}

void RowArguments::check_written(const char* argument, const Tensor& tensor) const {
  check_floating(function_, argument, tensor);
  check_reachable(function_, argument, tensor, device_);
  check_output(function_, argument, tensor);
  for (int i = 0; i < placed_.size(); ++i)
    if (placed_[i].strides != &problem_.causal) {
      Tensor other = placed_[i].tensor;
      if (overlap(tensor, other) != Overlap::none)
        fail(function_, argument, tensor, "overlaps another argument, expected no elements in common");
    }
}

void RowArguments::set_statistics(const NormTensors& tensors) {
  const auto set = [&](const char* argument, const Tensor& t, RowTensor& to) {
    if (!given(t)) return;
    check_written(argument, t);
    place(to, with_axes(function_, argument, t, x_, axes_));
  };
  set("mean", tensors.mean, problem_.mean);
  set("rstd", tensors.rstd, problem_.rstd);
}

void RowArguments::set_running(const NormTensors& tensors, double momentum) {
  const auto set = [&](const char* argument, const Tensor& t, RowTensor& to) {
    if (!given(t)) return;
    check_written(argument, t);
    place(to, with_axes(function_, argument, t, x_, axes_));
  };
  problem_.momentum = momentum;
  set("running mean", tensors.running_mean, problem_.running_mean);
  set("running variance", tensors.running_variance, problem_.running_variance);
}

bool RowArguments::finish() {
  SplitTensor list[max_split_tensors];
  Strides kept[max_split_tensors];
  Strides axis[max_split_tensors];
  for (int i = 0; i < placed_.size(); ++i) list[i] = {&placed_[i].tensor, &kept[i], &axis[i]};
  const SplitBox box = split_box(y_, axes_, list, placed_.size());
  problem_.rows = box.kept;
  problem_.axis = box.axis;
  for (int i = 0; i < placed_.size(); ++i) {
    Strides& to = *placed_[i].strides;
    for (int d = 0; d < box.kept.rank; ++d) to.stride[d] = kept[i].stride[d];
    for (int d = 0; d < box.axis.rank; ++d) to.stride[box.kept.rank + d] = axis[i].stride[d];
  }
  return box.kept.count != 0 && box.axis.count != 0;
}

}  // namespace mylos::detail
