// The options of every operator in C++'s types, and the functions that hand a converted call to C++: both follow from
// operators.def. Those functions are written out in rows.cpp, reductions.cpp and so on.
#pragma once

#include "c/arguments.hpp"
#include "c/call.hpp"

namespace mylos::c {

#define MYLOS_IN_OR_NONE(name) Tensor name;
#define MYLOS_OUT_OR_NONE(name) Tensor name;
#define MYLOS_OPERAND_OR(name, value) Operand name;
#define MYLOS_REAL_OR(name, value) double name;
#define MYLOS_INT_OR(name, value) std::int64_t name;
#define MYLOS_AXIS_OR(name, value) int name;
#define MYLOS_AXES_OR(name, value) Axes name;
#define MYLOS_AXES_OR_ALL(name) Axes name;
#define MYLOS_FLAG_OR(name, value) bool name;
#define MYLOS_CHOICE_OR(name, type, value) decltype(std::declval<Arguments>().type("", 0)) name;
#define MYLOS_CHAIN(name) Chain name;
#define MYLOS_POINTWISE(name, arguments, parameters)
#define MYLOS_OPERATOR(name, family, arguments, more) \
  struct name##_options {                             \
    more                                              \
  };
#include <mylos/operators.def>

#define MYLOS_IN(name) const Tensor &name,
#define MYLOS_IN_OPTIONAL(name) const Tensor &name,
#define MYLOS_OUT(name) const Tensor &name,
#define MYLOS_OPERAND(name) const Operand &name,
#define MYLOS_INTEGER(name) std::int64_t name,
#define MYLOS_NUMBER(name) double name,
#define MYLOS_CHOICE(name, type) decltype(std::declval<Arguments>().type("", 0)) name,
#define MYLOS_STEPS(name) const Chain &name,
#define MYLOS_LAYERS(name) const Mlp &name,
#define MYLOS_POINTWISE(name, arguments, parameters)
#define MYLOS_OPERATOR(name, family, arguments, more) \
  void name(const Exec& exec, arguments const name##_options& options);
#include <mylos/operators.def>

}  // namespace mylos::c
