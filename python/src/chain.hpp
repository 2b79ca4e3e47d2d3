// PyChain: a Chain whose operands are Python's arrays. They are looked at by the call that runs it, so that it refers
// to what they hold then.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include <mylos/chain.hpp>

namespace mylos::python {

namespace nb = nanobind;
class Call;

struct PyStep {
  StepId id;
  double parameter[2];
  std::vector<nb::object> operands;
};

class PyChain {
 public:
  PyChain() = default;
  PyChain(StepId id, double p, double q, std::vector<nb::object> operands) {
    steps_.push_back({id, {p, q}, std::move(operands)});
  }

  /// Throws Error beyond 16 steps.
  void append(const PyChain& other);
  int size() const { return static_cast<int>(steps_.size()); }
  const std::vector<PyStep>& steps() const { return steps_; }
  Chain resolve(Call& call) const;
  std::string text() const;

 private:
  std::vector<PyStep> steps_;
};

/// The class Chain and the submodule `steps`.
void bind_chain(nb::module_& m);

}  // namespace mylos::python
