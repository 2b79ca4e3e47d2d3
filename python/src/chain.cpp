#include "chain.hpp"

#include <nanobind/operators.h>
#include <nanobind/stl/string.h>

#include <cstdio>
#include <type_traits>

#include "arguments.hpp"
#include "bind.hpp"
#include "call.hpp"

namespace mylos::python {
namespace {

std::string text_of(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", number);
  return text;
}

/// How many of the two parameters a step has.
int parameter_count(StepId id) {
  switch (id) {
#define MYLOS_STEP(name, ...) \
  case StepId::name:          \
    return 0;
#define MYLOS_STEP_OPERAND(name, o, ...) MYLOS_STEP(name)
#define MYLOS_STEP_OPERANDS(name, o, q, ...) MYLOS_STEP(name)
#define MYLOS_STEP_1(name, p, dp, ...) \
  case StepId::name:                   \
    return 1;
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) MYLOS_STEP_1(name, p, dp)
#define MYLOS_STEP_OPERANDS_1(name, o, q, p, dp, ...) MYLOS_STEP_1(name, p, dp)
#define MYLOS_STEP_2(name, ...) \
  case StepId::name:            \
    return 2;
#include <mylos/steps.def>
    case StepId::count:
      break;
  }
  return 0;
}

// The table of steps for Python: name -> (operands, {parameter: default}).
nb::dict step_table() {
  nb::dict table;
  const auto add = [&table](const char* name, std::initializer_list<const char*> operands,
                            std::initializer_list<std::pair<const char*, double>> parameters) {
    nb::list names;
    nb::dict defaults;
    for (const char* operand : operands) names.append(operand);
    for (const auto& [parameter, value] : parameters) defaults[python_name(parameter)] = value;
    table[name] = nb::make_tuple(names, defaults);
  };
#define MYLOS_STEP(name, ...) add(#name, {}, {});
#define MYLOS_STEP_1(name, p, dp, ...) add(#name, {}, {{#p, dp}});
#define MYLOS_STEP_2(name, p, dp, q, dq, ...) add(#name, {}, {{#p, dp}, {#q, dq}});
#define MYLOS_STEP_OPERAND(name, o, ...) add(#name, {#o}, {});
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) add(#name, {#o}, {{#p, dp}});
#define MYLOS_STEP_OPERANDS(name, o, q, ...) add(#name, {#o, #q}, {});
#define MYLOS_STEP_OPERANDS_1(name, o, q, p, dp, ...) add(#name, {#o, #q}, {{#p, dp}});
#include <mylos/steps.def>
  return table;
}

void bind_steps(nb::module_& m) {
#define MYLOS_STEP(name, u, i, formula, ...) \
  m.def(                                     \
      #name, [] { return PyChain(StepId::name, 0, 0, {}); }, documented(formula));
#define MYLOS_STEP_1(name, p, dp, u, i, formula, ...)                                                \
  m.def(                                                                                             \
      #name, [](ParameterOf<StepId::name> a) { return PyChain(StepId::name, number_of(a), 0, {}); }, \
      nb::arg(python_name(#p)) = default_of<StepId::name>(dp), documented(formula));
#define MYLOS_STEP_2(name, p, dp, q, dq, u, i, formula, ...)                                               \
  m.def(                                                                                                   \
      #name, [](double a, double b) { return PyChain(StepId::name, a, b, {}); }, nb::arg(#p) = double(dp), \
      nb::arg(#q) = double(dq), documented(formula));
#define MYLOS_STEP_OPERAND(name, o, u, i, formula, ...)                                                \
  m.def(                                                                                               \
      #name, [](Value a) { return PyChain(StepId::name, 0, 0, {nb::borrow(a.handle)}); }, nb::arg(#o), \
      documented(formula));
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, u, i, formula, ...)                                                 \
  m.def(                                                                                                         \
      #name, [](Value a, double b) { return PyChain(StepId::name, b, 0, {nb::borrow(a.handle)}); }, nb::arg(#o), \
      nb::arg(#p) = double(dp), documented(formula));
#define MYLOS_STEP_OPERANDS(name, o, q, u, i, formula, ...)                               \
  m.def(                                                                                  \
      #name,                                                                              \
      [](Value a, Value b) {                                                              \
        return PyChain(StepId::name, 0, 0, {nb::borrow(a.handle), nb::borrow(b.handle)}); \
      },                                                                                  \
      nb::arg(#o), nb::arg(#q), documented(formula));
#define MYLOS_STEP_OPERANDS_1(name, o, q, p, dp, u, i, formula, ...)                      \
  m.def(                                                                                  \
      #name,                                                                              \
      [](Value a, Value b, double c) {                                                    \
        return PyChain(StepId::name, c, 0, {nb::borrow(a.handle), nb::borrow(b.handle)}); \
      },                                                                                  \
      nb::arg(#o), nb::arg(#q), nb::arg(#p) = double(dp), documented(formula));
#include <mylos/steps.def>
  m.def(
      "scale", [](Value factor) { return PyChain(StepId::mul, 0, 0, {nb::borrow(factor.handle)}); }, nb::arg("factor"),
      documented("Another name of mul(factor)."));
}

}  // namespace

void PyChain::append(const PyChain& other) {
  if (size() + other.size() > max_steps) throw Error("mylos::Chain: more than 16 steps");
  const std::vector<PyStep> added = other.steps_;  // `other` may be this chain
  steps_.insert(steps_.end(), added.begin(), added.end());
}

Chain PyChain::resolve(Call& call) const {
  Chain chain;
  for (const PyStep& step : steps_) {
    Operand operands[2] = {0.0, 0.0};
    int count = 0;
    for (const nb::object& operand : step.operands) operands[count++] = call.operand(operand, name_of(step.id));
    chain.append(step.id, step.parameter[0], step.parameter[1], operands, count);
  }
  return chain;
}

std::string PyChain::text() const {
  std::string text;
  for (const PyStep& step : steps_) {
    text += std::string(text.empty() ? "" : " | ") + name_of(step.id) + "(";
    std::string separator;
    for (const nb::object& operand : step.operands) {
      const bool number = PyFloat_Check(operand.ptr()) || PyLong_Check(operand.ptr());
      text += separator + (number ? nb::cast<std::string>(nb::str(operand)) : Py_TYPE(operand.ptr())->tp_name);
      separator = ", ";
    }
    for (int i = 0; i < parameter_count(step.id); ++i) {
      const auto dtype = static_cast<DType>(static_cast<int>(step.id == StepId::cast ? step.parameter[i] : 0));
      text +=
          separator + (step.id == StepId::cast ? "'" + std::string(name_of(dtype)) + "'" : text_of(step.parameter[i]));
      separator = ", ";
    }
    text += ")";
  }
  return text.empty() ? "chain()" : text;
}

void bind_chain(nb::module_& m) {
  nb::class_<PyChain>(
      m, "Chain",
      "Up to 16 pointwise steps, applied in order: steps.gelu() | steps.mul(2). Called with an array it "
      "runs alone, and every operator takes chains as `before` and `after`.")
      .def(nb::init<>())
      .def("__or__",
           [](const PyChain& a, const PyChain& b) {
             PyChain both(a);
             both.append(b);
             return both;
           })
      .def("__len__", &PyChain::size)
      .def("__repr__", &PyChain::text)
      .def(
          "__call__", [](const PyChain& chain, Array x, Array out) { return run_chain("map", chain, x, out); },
          nb::arg("x"), nb::kw_only(), nb::arg("out").none() = nb::none(), "The chain's value at x: map(chain, x).");
  m.def(
      "chain",
      [](const nb::args& chains) {
        PyChain all;
        for (nb::handle chain : chains) all.append(nb::cast<const PyChain&>(chain));
        return all;
      },
      "The chains one after another: chain(steps.gelu(), steps.mul(2)).\n\n"
      "Raises Error beyond 16 steps.");
  nb::module_ steps = m.def_submodule("steps", "The steps of chains, one function for every pointwise operator.");
  bind_steps(steps);
  m.attr("_step_table") = step_table();
}

}  // namespace mylos::python
