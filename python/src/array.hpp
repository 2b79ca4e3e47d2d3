// Arrays of Python as mylos::Tensor: whatever speaks DLPack or the buffer protocol, without a copy.
#pragma once

#include <nanobind/nanobind.h>

#include <mylos/tensor.hpp>

#include "dlpack.hpp"

namespace mylos::python {

namespace nb = nanobind;

/// How the arrays of one Python type are reached.
struct Source {
  const dlpack::ExchangeApi* exchange = nullptr;  // fastest
  bool buffer = false;                            // else this, else __dlpack__
  bool must_wait = false;  // results must be complete when a call returns: the library orders nothing by streams
};
const Source& source_of(nb::handle array);

/// What an array's memory is, and what keeps it alive while it is looked at.
class ArrayView {
 public:
  ArrayView() = default;
  ArrayView(ArrayView&& other) noexcept;
  ArrayView& operator=(ArrayView&& other) noexcept;
  ~ArrayView();

  Tensor tensor;
  dlpack::Device device = {dlpack::cpu, 0};
  bool boolean = false;
  bool read_only = false;

 private:
  friend class ArrayReader;
  Py_buffer* buffer_ = nullptr;
  dlpack::ManagedTensor* managed_ = nullptr;
  dlpack::VersionedTensor* versioned_ = nullptr;
};

/// Where an error is: the function and the argument.
struct Place {
  const char* function;
  const char* argument;
};
[[noreturn]] void fail(const Place& place, const std::string& message);

/// The device of an array, before it is looked at.
dlpack::Device device_of(nb::handle array);

/// `stream` is that on which the array will be used, for producers that order their work with it.
ArrayView view_of(nb::handle array, void* stream, const Place& place);

/// The stream that the array's library works on now; null on the host.
void* current_stream(nb::handle array, const dlpack::Device& device);

/// A new array of the kind and on the device of `like`, uninitialised. `order` has the dimensions from the slowest to
/// the fastest in memory, null: row-major. `finish`, where it is not None, makes of what was written what is returned.
struct NewArray {
  nb::object array;
  nb::object finish;
  ArrayView view;
};
struct NewShape {
  int rank;
  const std::int64_t* extent;
  const int* order;
  DType dtype;
  bool boolean;
};
NewArray new_array(nb::handle like, const dlpack::Device& device, const NewShape& shape, const Place& place);

}  // namespace mylos::python
