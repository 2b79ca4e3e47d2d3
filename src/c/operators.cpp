// The C functions of operators.def, but for the pointwise steps: arguments and options converted, then the call.
#include "c/options.hpp"

namespace mylos::c {
namespace {

// The members of an options struct, in their order.
#define MYLOS_IN_OR_NONE(name) arguments.tensor_or_none(#name, c.name),
#define MYLOS_OUT_OR_NONE(name) arguments.tensor_or_none(#name, c.name),
#define MYLOS_OPERAND_OR(name, value) arguments.operand(#name, c.name),
#define MYLOS_REAL_OR(name, value) c.name,
#define MYLOS_INT_OR(name, value) c.name,
#define MYLOS_AXIS_OR(name, value) c.name,
#define MYLOS_AXES_OR(name, value) arguments.axes(#name, c.name),
#define MYLOS_AXES_OR_ALL(name) arguments.axes(#name, c.name),
#define MYLOS_FLAG_OR(name, value) arguments.flag(#name, c.name),
#define MYLOS_CHOICE_OR(name, type, value) arguments.type(#name, c.name),
#define MYLOS_CHAIN(name) arguments.chain(#name, c.name),
#define MYLOS_POINTWISE(name, arguments, parameters)
#define MYLOS_OPERATOR(name, family, taken, more)                                              \
  name##_options options_of([[maybe_unused]] const Arguments& arguments,                       \
                            [[maybe_unused]] const mylos_##name##_options& c) {                \
    return {more};                                                                             \
  }                                                                                            \
  name##_options options_of(const Arguments& arguments, const mylos_##name##_options* given) { \
    if (given == nullptr) return options_of(arguments, mylos_##name##_defaults());             \
    arguments.check_size(given->struct_size, sizeof(*given));                                  \
    return options_of(arguments, *given);                                                      \
  }
#include <mylos/operators.def>

}  // namespace
}  // namespace mylos::c

// Each argument is a pair, of its conversion and its declaration in C; a C function needs a list of either.
#define MYLOS_CONVERSIONS(pairs) MYLOS_CLOSE(MYLOS_CONVERSION_A pairs)
#define MYLOS_CONVERSION_A(conversion, ...) conversion, MYLOS_CONVERSION_B
#define MYLOS_CONVERSION_B(conversion, ...) conversion, MYLOS_CONVERSION_A
#define MYLOS_CONVERSION_A_END
#define MYLOS_CONVERSION_B_END
#define MYLOS_DECLARATIONS(pairs) MYLOS_CLOSE(MYLOS_DECLARATION_A pairs)
#define MYLOS_DECLARATION_A(conversion, ...) __VA_ARGS__, MYLOS_DECLARATION_B
#define MYLOS_DECLARATION_B(conversion, ...) __VA_ARGS__, MYLOS_DECLARATION_A
#define MYLOS_DECLARATION_A_END
#define MYLOS_DECLARATION_B_END
#define MYLOS_CLOSE(...) MYLOS_CLOSE_(__VA_ARGS__)
#define MYLOS_CLOSE_(...) __VA_ARGS__##_END

#define MYLOS_IN(name) (arguments.tensor(#name, name), const mylos_tensor* name)
#define MYLOS_IN_OPTIONAL(name) (arguments.tensor_or_none(#name, name), const mylos_tensor* name)
#define MYLOS_OUT(name) (arguments.tensor(#name, name), const mylos_tensor* name)
#define MYLOS_OPERAND(name) (arguments.operand(#name, name), mylos_operand name)
#define MYLOS_INTEGER(name) (name, int64_t name)
#define MYLOS_NUMBER(name) (name, double name)
#define MYLOS_CHOICE(name, type) (arguments.type(#name, name), mylos_##type name)
#define MYLOS_STEPS(name) (arguments.chain(#name, name), const mylos_chain* name)
#define MYLOS_LAYERS(name) (arguments.network(#name, name, name##_size), const mylos_layer* name, int32_t name##_size)
#define MYLOS_POINTWISE(name, taken, parameters)
#define MYLOS_OPERATOR(name, family, taken, more)                                                            \
  mylos_status mylos_##name(MYLOS_DECLARATIONS(taken) const mylos_##name##_options* options, void* stream) { \
    return mylos::c::guarded(#name, [&] {                                                                    \
      const mylos::c::Arguments arguments{#name};                                                            \
      mylos::c::name(mylos::c::instance_of(stream),                                                          \
                     MYLOS_CONVERSIONS(taken) mylos::c::options_of(arguments, options));                     \
    });                                                                                                      \
  }
#include <mylos/operators.def>
