// Axes: the dimensions that an operator works along.
#pragma once

#include <initializer_list>

#include <mylos/tensor.hpp>

namespace mylos {

/// Dimensions of a tensor: `-1`, `{0, 2}`, or `{}` for all of them. Negative ones count from the end. Whether they
/// exist and differ is checked by the operator, which knows the tensor.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : size_(1) { axis_[0] = axis; }  // NOLINT(google-explicit-constructor)
  Axes(std::initializer_list<int> axes) : Axes(axes.begin(), static_cast<int>(axes.size())) {}
  Axes(const int* axes, int count) : size_(count) {
    if (count < 0 || count > max_rank) throw Error("mylos::Axes: at most 8 axes are supported");
    for (int i = 0; i < count; ++i) axis_[i] = axes[i];
  }

  int size() const { return size_; }
  int operator[](int i) const { return axis_[i]; }

 private:
  int size_ = 0;
  int axis_[max_rank] = {};
};

}  // namespace mylos
