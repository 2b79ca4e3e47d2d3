// What the files that bind operators share.
#pragma once

#include <string>
#include <type_traits>

#include "arguments.hpp"
#include "call.hpp"
#include "chain.hpp"

namespace mylos::python {

/// Names of arguments that Python reserves take those of PyTorch.
constexpr const char* python_name(const char* name) {
  const char* lambda = "lambda";
  int i = 0;
  while (name[i] == lambda[i] && name[i] != '\0') ++i;
  return name[i] == lambda[i] ? "lambd" : name;
}

/// The parameter of a step: a number, but of `cast` the name of a dtype.
template <StepId Id>
using ParameterOf = std::conditional_t<Id == StepId::cast, std::string, double>;
inline double number_of(double parameter) { return parameter; }
inline double number_of(const std::string& dtype) {
  return static_cast<double>(static_cast<int>(named("dtype", dtype_names, nb::str(dtype.c_str()))));
}
template <StepId Id>
ParameterOf<Id> default_of(double value) {
  if constexpr (Id == StepId::cast)
    return name_of(static_cast<DType>(static_cast<int>(value)));
  else
    return value;
}

/// A docstring that lives as long as the process.
const char* documented(const std::string& text);

/// y = chain(x), x broadcast against the chain's operands.
Result run_chain(const char* function, const PyChain& chain, Array x, Array out);

/// `None`, for arguments that are optional.
inline nb::object none() { return nb::none(); }

void bind_gemm(nb::module_& m);
void bind_loss(nb::module_& m);
void bind_mlp(nb::module_& m);
void bind_pointwise(nb::module_& m);
void bind_reduce(nb::module_& m);
void bind_row(nb::module_& m);
void bind_scan(nb::module_& m);
void bind_vector_loss(nb::module_& m);

}  // namespace mylos::python
