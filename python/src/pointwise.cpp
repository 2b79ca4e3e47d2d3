#include <mylos/pointwise.hpp>

#include <deque>
#include <initializer_list>

#include "bind.hpp"

namespace mylos::python {
namespace {

// Grows `extents` to the shape that it and the operand broadcast to; what does not fit is left to the operator.
void broadcast(Extents& extents, const Tensor& operand) {
  Extents both;
  const int rank = extents.rank > operand.rank ? extents.rank : int(operand.rank);
  for (int d = 0; d < rank; ++d) {
    const int from_x = d - (rank - extents.rank);
    const int from_operand = d - (rank - operand.rank);
    const std::int64_t a = from_x >= 0 ? extents.extent[from_x] : 1;
    const std::int64_t b = from_operand >= 0 ? operand.extent[from_operand] : 1;
    both.append(a == 1 ? b : a);
  }
  extents = both;
}

Result run(Call& call, const Tensor& x, const Chain& chain, Array out) {
  Extents extents(x);
  for (int i = 0; i < chain.operand_count(); ++i) broadcast(extents, chain.operand(i));
  const Tensor y = call.output(out.handle, extents, x.dtype, &x);
  return {call.run([&](const detail::Execution& exec) { detail::pointwise(call.function(), exec, x, y, chain); })};
}

struct NamedOperand {
  const char* name;
  Value value;
};

Result run_step(const char* function, StepId id, Array x, std::initializer_list<NamedOperand> values, double p,
                double q, Array out) {
  Call call(function);
  const Tensor x_tensor = call.input(x.handle, "x");
  Operand operands[2] = {0.0, 0.0};
  int count = 0;
  for (const NamedOperand& it : values) operands[count++] = call.operand(it.value.handle, it.name);
  return run(call, x_tensor, Chain().append(id, p, q, operands, count), out);
}

std::string about(const char* formula, const char* source) {
  return std::string(formula) +
         "\n\nx: any shape and strides, f64, f32, f16 or bf16. Operands are numbers or arrays that broadcast with x as "
         "in\n"
         "NumPy, of any element type. Returns an array of the broadcast shape and x's element type, or `out`, which "
         "may\n"
         "be x itself. Raises Error for shapes that do not broadcast, element types and partial overlap.\n"
         "Source: " +
         source + ".";
}

}  // namespace

const char* documented(const std::string& text) {
  static std::deque<std::string> texts;
  return texts.emplace_back(text).c_str();
}

Result run_chain(const char* function, const PyChain& chain, Array x, Array out) {
  Call call(function);
  const Tensor x_tensor = call.input(x.handle, "x");
  return run(call, x_tensor, chain.resolve(call), out);
}

void bind_pointwise(nb::module_& m) {
#define MYLOS_OUT nb::kw_only(), nb::arg("out").none() = none()
#define MYLOS_STEP(name, u, i, formula, source)                                                                \
  m.def(                                                                                                       \
      #name, [](Array x, Array out) { return run_step(#name, StepId::name, x, {}, 0, 0, out); }, nb::arg("x"), \
      MYLOS_OUT, documented(about(formula, source)));
#define MYLOS_STEP_1(name, p, dp, u, i, formula, source)                                \
  m.def(                                                                                \
      #name,                                                                            \
      [](Array x, ParameterOf<StepId::name> a, Array out) {                             \
        return run_step(#name, StepId::name, x, {}, number_of(a), 0, out);              \
      },                                                                                \
      nb::arg("x"), nb::arg(python_name(#p)) = default_of<StepId::name>(dp), MYLOS_OUT, \
      documented(about(formula, source)));
#define MYLOS_STEP_2(name, p, dp, q, dq, u, i, formula, source)                                                      \
  m.def(                                                                                                             \
      #name, [](Array x, double a, double b, Array out) { return run_step(#name, StepId::name, x, {}, a, b, out); }, \
      nb::arg("x"), nb::arg(#p) = double(dp), nb::arg(#q) = double(dq), MYLOS_OUT,                                   \
      documented(about(formula, source)));
#define MYLOS_STEP_OPERAND(name, o, u, i, formula, source)             \
  m.def(                                                               \
      #name,                                                           \
      [](Array x, Value a, Array out) {                                \
        return run_step(#name, StepId::name, x, {{#o, a}}, 0, 0, out); \
      },                                                               \
      nb::arg("x"), nb::arg(#o), MYLOS_OUT, documented(about(formula, source)));
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, u, i, formula, source)    \
  m.def(                                                               \
      #name,                                                           \
      [](Array x, Value a, double b, Array out) {                      \
        return run_step(#name, StepId::name, x, {{#o, a}}, b, 0, out); \
      },                                                               \
      nb::arg("x"), nb::arg(#o), nb::arg(#p) = double(dp), MYLOS_OUT, documented(about(formula, source)));
#define MYLOS_STEP_OPERANDS(name, o, r, u, i, formula, source)                  \
  m.def(                                                                        \
      #name,                                                                    \
      [](Array x, Value a, Value b, Array out) {                                \
        return run_step(#name, StepId::name, x, {{#o, a}, {#r, b}}, 0, 0, out); \
      },                                                                        \
      nb::arg("x"), nb::arg(#o), nb::arg(#r), MYLOS_OUT, documented(about(formula, source)));
#define MYLOS_STEP_OPERANDS_1(name, o, r, p, dp, u, i, formula, source)            \
  m.def(                                                                           \
      #name,                                                                       \
      [](Array x, Value a, Value b, double c, Array out) {                         \
        return run_step(#name, StepId::name, x, {{#o, a}, {#r, b}}, c, 0, out);    \
      },                                                                           \
      nb::arg("x"), nb::arg(#o), nb::arg(#r), nb::arg(#p) = double(dp), MYLOS_OUT, \
      documented(about(formula, source)));
#include <mylos/steps.def>

  m.def(
      "map", [](const PyChain& chain, Array x, Array out) { return run_chain("map", chain, x, out); }, nb::arg("chain"),
      nb::arg("x"), MYLOS_OUT,
      documented(about("chain(x): any steps, one read and one write", "steps.def names it for each step")));
  m.def(
      "convert",
      [](Array x, const nb::str& dtype, Array out) {
        Call call("convert");
        const Tensor from = call.input(x.handle, "x");
        const DType to_dtype = named("dtype", dtype_names, dtype);
        const Tensor to = call.output(out.handle, Extents(from), to_dtype, &from);
        return Result{
            call.run([&](const detail::Execution& exec) { detail::pointwise("convert", exec, from, to, Chain()); })};
      },
      nb::arg("x"), nb::arg("dtype") = "f32", MYLOS_OUT,
      "x in another element type ('f64', 'f32', 'f16', 'bf16') or, with `out`, in another memory layout.\n\n"
      "Rounds to nearest even. `dtype` counts where `out` is not given. Raises Error as the pointwise operators do.");
#undef MYLOS_OUT
}

}  // namespace mylos::python
