// Call: one call of an operator from Python. Arrays become Tensors, results are allocated, the operator runs.
#pragma once

#include <vector>

#include <mylos/chain.hpp>

#include "array.hpp"
#include "session.hpp"

namespace mylos::python {

class PyChain;

/// Extents of a result; rank at most max_rank.
struct Extents {
  int rank = 0;
  std::int64_t extent[max_rank] = {};

  Extents() = default;
  explicit Extents(const Tensor& tensor);
  void append(std::int64_t n) { extent[rank++] = n; }
};

/// x's extents without the axes (empty: all), or with 1 along them. Axes that do not exist are left to the operator.
Extents reduced(const Tensor& x, const int* axes, int count, bool keepdims);

class Call {
 public:
  explicit Call(const char* function) : function_(function) {}

  /// The first array decides on the device, the stream and the kind of the results.
  Tensor input(nb::handle array, const char* argument);
  /// Not given (neither pointer nor rank) for None.
  Tensor optional_input(nb::handle array, const char* argument);
  /// An array that is written, None for none.
  Tensor optional_output(nb::handle array, const char* argument);
  /// A number or an array.
  Operand operand(nb::handle value, const char* argument);
  Chain chain(const PyChain* chain);

  /// The next result: `out` where it is not None, else a new array. `like`: the tensor whose order of dimensions in
  /// memory the result takes over where it has the same extents.
  Tensor output(nb::handle out, const Extents& extents, DType dtype, const Tensor* like = nullptr, bool boolean = false,
                const char* argument = "out");

  [[noreturn]] void refuse(const char* argument, const std::string& message) const {
    fail({function_, argument}, message);
  }

  /// Runs work, and returns the result: one, or a tuple of them; None for none.
  nb::object run(const Work& work);

  /// Of the last output that was given as `out`.
  const char* function() const { return function_; }

 private:
  ArrayView& view(nb::handle array, const char* argument);

  const char* function_;
  nb::handle first_;
  dlpack::Device device_ = {dlpack::cpu, 0};
  void* stream_ = nullptr;
  std::vector<ArrayView> views_;
  struct Result {
    nb::object array;
    nb::object finish;
  };
  Result results_[2];
  int result_count_ = 0;
};

}  // namespace mylos::python
