#include "call.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "chain.hpp"

namespace mylos::python {

Extents::Extents(const Tensor& tensor) : rank(tensor.rank) { std::copy_n(tensor.extent, rank, extent); }

Extents reduced(const Tensor& x, const int* axes, int count, bool keepdims) {
  bool gone[max_rank] = {};
  for (int i = 0; i < count; ++i) {
    const int axis = axes[i] < 0 ? axes[i] + x.rank : axes[i];
    if (axis >= 0 && axis < x.rank) gone[axis] = true;
  }
  Extents extents;
  for (int d = 0; d < x.rank; ++d) {
    if (count != 0 && !gone[d])
      extents.append(x.extent[d]);
    else if (keepdims)
      extents.append(1);
  }
  return extents;
}

namespace {

/// The dimensions of a dense tensor from the slowest to the fastest, where that is not row-major order.
bool has_other_order(const Tensor& x, int* order) {
  std::iota(order, order + x.rank, 0);
  std::stable_sort(order, order + x.rank, [&x](int a, int b) {
    return x.extent[a] != 1 && x.extent[b] != 1 && std::abs(x.stride[a]) > std::abs(x.stride[b]);
  });
  std::int64_t dense = 1;
  for (int i = x.rank - 1; i >= 0; --i) {
    if (x.extent[order[i]] != 1 && x.stride[order[i]] != dense) return false;
    dense *= x.extent[order[i]];
  }
  return !std::is_sorted(order, order + x.rank);
}

std::string text_of(const dlpack::Device& device) {
  const char* kind = device.type == dlpack::cpu    ? "the host"
                     : device.type == dlpack::cuda ? "a CUDA device"
                     : device.type == dlpack::rocm ? "a ROCm device"
                                                   : "a device of DLPack's type ";
  std::string text = kind;
  if (device.type != dlpack::cpu && device.type != dlpack::cuda && device.type != dlpack::rocm)
    text += std::to_string(device.type);
  return device.type == dlpack::cpu ? text : text + " (index " + std::to_string(device.id) + ")";
}

}  // namespace

ArrayView& Call::view(nb::handle array, const char* argument) {
  views_.reserve(4);
  const Place place = {function_, argument};
  if (array.is_none()) fail(place, "expected an array, found None");
  const Source& source = source_of(array);
  const bool exports = source.exchange == nullptr && !source.buffer;
  if (exports && !first_.is_valid()) {  // it is asked for its memory on a stream
    device_ = device_of(array);
    stream_ = current_stream(array, device_);
  }
  views_.push_back(view_of(array, stream_, place));
  ArrayView& view = views_.back();
  if (!first_.is_valid()) {
    first_ = array;
    device_ = view.device;
    if (const char* reason = why_not_on(device_)) fail(place, std::string(reason) + ": " + text_of(device_));
    if (!exports) stream_ = current_stream(array, device_);
  } else if (view.device.type != device_.type || view.device.id != device_.id) {
    fail(place,
         "it is on " + text_of(view.device) + ", the first array on " + text_of(device_) + ": one device is expected");
  }
  return view;
}

Tensor Call::input(nb::handle array, const char* argument) { return view(array, argument).tensor; }

Tensor Call::optional_input(nb::handle array, const char* argument) {
  return array.is_none() ? Tensor() : input(array, argument);
}

Tensor Call::optional_output(nb::handle array, const char* argument) {
  if (array.is_none()) return Tensor();
  const ArrayView& it = view(array, argument);
  if (it.read_only) fail({function_, argument}, "it is read-only");
  return it.tensor;
}

Operand Call::operand(nb::handle value, const char* argument) {
  if (PyFloat_Check(value.ptr()) || PyLong_Check(value.ptr())) return PyFloat_AsDouble(value.ptr());
  const Source& source = source_of(value);
  const bool number = source.exchange == nullptr && Py_TYPE(value.ptr())->tp_as_number != nullptr &&
                      Py_TYPE(value.ptr())->tp_as_number->nb_float != nullptr && !nb::hasattr(value, "__dlpack__");
  if (number) return nb::cast<double>(nb::float_(nb::borrow(value)));  // NumPy's scalars
  return input(value, argument);
}

Chain Call::chain(const PyChain* chain) { return chain == nullptr ? Chain() : chain->resolve(*this); }

Tensor Call::output(nb::handle out, const Extents& extents, DType dtype, const Tensor* like, bool boolean,
                    const char* argument) {
  Result& result = results_[result_count_++];
  if (!out.is_none()) {
    result.array = nb::borrow(out);
    return optional_output(out, argument);
  }
  int order[max_rank];
  const bool same = like != nullptr && like->rank == extents.rank &&
                    std::equal(extents.extent, extents.extent + extents.rank, like->extent);
  const NewShape shape = {extents.rank, extents.extent, same && has_other_order(*like, order) ? order : nullptr, dtype,
                          boolean};
  NewArray made = new_array(first_, device_, shape, {function_, argument});
  result.array = std::move(made.array);
  result.finish = std::move(made.finish);
  views_.push_back(std::move(made.view));
  return views_.back().tensor;
}

nb::object Call::run(const Work& work) {
  const bool wait = device_.type != dlpack::cpu && source_of(first_).must_wait;
  std::int64_t elements = 0;
  for (const ArrayView& view : views_) elements += view.tensor.size();
  execute(device_, stream_, wait, elements, work);
  for (int i = 0; i < result_count_; ++i) {
    Result& result = results_[i];
    if (result.finish.is_valid() && !result.finish.is_none()) result.array = result.finish(result.array);
  }
  if (result_count_ == 0) return nb::none();
  if (result_count_ == 1) return std::move(results_[0].array);
  return nb::make_tuple(results_[0].array, results_[1].array);
}

}  // namespace mylos::python
