// The C functions that the Fortran interfaces name, from operators.def and steps.def: arguments converted, then the
// call of <mylos/mylos.h>.
#include <limits>

#include "binding.hpp"

#define MYLOS_INFINITY std::numeric_limits<double>::infinity()

// Each argument is a pair, of what is done with it and its declaration; a function needs a list of either.
#define MYLOS_CONVERSIONS(pairs) MYLOS_CLOSE(MYLOS_CONVERSION_A pairs)
#define MYLOS_CONVERSION_A(conversion, ...) conversion, MYLOS_CONVERSION_B
#define MYLOS_CONVERSION_B(conversion, ...) conversion, MYLOS_CONVERSION_A
#define MYLOS_CONVERSION_A_END
#define MYLOS_CONVERSION_B_END
#define MYLOS_STATEMENTS(pairs) MYLOS_CLOSE(MYLOS_STATEMENT_A pairs)
#define MYLOS_STATEMENT_A(statement, ...) \
  statement;                              \
  MYLOS_STATEMENT_B
#define MYLOS_STATEMENT_B(statement, ...) \
  statement;                              \
  MYLOS_STATEMENT_A
#define MYLOS_STATEMENT_A_END
#define MYLOS_STATEMENT_B_END
#define MYLOS_DECLARATIONS(pairs) MYLOS_CLOSE(MYLOS_DECLARATION_A pairs)
#define MYLOS_DECLARATION_A(first, ...) __VA_ARGS__, MYLOS_DECLARATION_B
#define MYLOS_DECLARATION_B(first, ...) __VA_ARGS__, MYLOS_DECLARATION_A
#define MYLOS_DECLARATION_A_END
#define MYLOS_DECLARATION_B_END
#define MYLOS_CLOSE(...) MYLOS_CLOSE_(__VA_ARGS__)
#define MYLOS_CLOSE_(...) __VA_ARGS__##_END

/// A network is one argument in Fortran and two in C.
static mylos_status mylos_mlp(const mylos::fortran::Layers& network, const mylos_tensor* x, const mylos_tensor* y,
                              const mylos_mlp_options* options, void* stream) {
  return mylos_mlp(network.first, network.count, x, y, options, stream);
}

extern "C" {

#define MYLOS_IN(name) (call.tensor(#name, name), const CFI_cdesc_t* name)
#define MYLOS_IN_OPTIONAL(name) (call.tensor(#name, name), const CFI_cdesc_t* name)
#define MYLOS_OUT(name) (call.tensor(#name, name), const CFI_cdesc_t* name)
#define MYLOS_OPERAND(name) (call.operand(#name, name), const CFI_cdesc_t* name)
#define MYLOS_INTEGER(name) (*name, const int* name)
#define MYLOS_NUMBER(name) (*name, const double* name)
#define MYLOS_CHOICE(name, type) (*name, const int* name)
#define MYLOS_STEPS(name) (name, const mylos_chain* name)
#define MYLOS_LAYERS(name) (call.layers(#name, name), const CFI_cdesc_t* name)
#define MYLOS_IN_OR_NONE(name) (o.name = call.tensor(#name, name), const CFI_cdesc_t* name)
#define MYLOS_OUT_OR_NONE(name) (o.name = call.tensor(#name, name), const CFI_cdesc_t* name)
#define MYLOS_OPERAND_OR(name, value) (if (name != nullptr) o.name = call.operand(#name, name), const CFI_cdesc_t* name)
#define MYLOS_REAL_OR(name, value) (if (name != nullptr) o.name = *name, const double* name)
#define MYLOS_INT_OR(name, value) (if (name != nullptr) o.name = *name, const int* name)
#define MYLOS_AXIS_OR(name, value) (if (name != nullptr) o.name = call.axis(#name, *name), const int* name)
#define MYLOS_AXES_OR(name, value) (if (name != nullptr) o.name = call.axes(#name, name), const CFI_cdesc_t* name)
#define MYLOS_AXES_OR_ALL(name) (if (name != nullptr) o.name = call.axes(#name, name), const CFI_cdesc_t* name)
#define MYLOS_FLAG_OR(name, value) (if (name != nullptr) o.name = *name ? 1 : 0, const bool* name)
#define MYLOS_CHOICE_OR(name, type, value) (if (name != nullptr) o.name = *name, const int* name)
#define MYLOS_CHAIN(name) (o.name = name, const mylos_chain* name)
#define MYLOS_POINTWISE(name, arguments, parameters)
#define MYLOS_OPERATOR(name, family, arguments, more)                                                              \
  void mylos_fortran_##name(MYLOS_DECLARATIONS(arguments) MYLOS_DECLARATIONS(more) void* const* stream, int* stat, \
                            CFI_cdesc_t* errmsg) {                                                                 \
    mylos::fortran::run(#name, stat, errmsg, [&]([[maybe_unused]] mylos::fortran::Call& call) {                    \
      mylos_##name##_options o = mylos_##name##_defaults();                                                        \
      MYLOS_STATEMENTS(more)                                                                                       \
      return mylos_##name(MYLOS_CONVERSIONS(arguments) & o, stream != nullptr ? *stream : nullptr);                \
    });                                                                                                            \
  }
#include <mylos/operators.def>

#define MYLOS_IN(name) (call.tensor(#name, name), const CFI_cdesc_t* name)
#define MYLOS_OUT(name) (call.tensor(#name, name), const CFI_cdesc_t* name)
#define MYLOS_OPERAND(name) (call.operand(#name, name), const CFI_cdesc_t* name)
#define MYLOS_REAL_OR(name, value) (name != nullptr ? *name : value, const double* name)
#define MYLOS_POINTWISE(name, arguments, parameters)                                                               \
  void mylos_fortran_##name(MYLOS_DECLARATIONS(arguments) MYLOS_DECLARATIONS(parameters) void* const* stream,      \
                            int* stat, CFI_cdesc_t* errmsg) {                                                      \
    mylos::fortran::run(#name, stat, errmsg, [&](mylos::fortran::Call& call) {                                     \
      return mylos_##name(MYLOS_CONVERSIONS(arguments) MYLOS_CONVERSIONS(parameters) stream != nullptr ? *stream   \
                                                                                                       : nullptr); \
    });                                                                                                            \
  }
#include <mylos/operators.def>

#define MYLOS_APPEND(name, declarations, ...)                                                                          \
  void mylos_fortran_chain_##name(mylos_chain* chain, MYLOS_DECLARATIONS(declarations) int* stat,                      \
                                  CFI_cdesc_t* errmsg) {                                                               \
    mylos::fortran::run("chain_" #name, stat, errmsg,                                                                  \
                        [&]([[maybe_unused]] mylos::fortran::Call& call) { return mylos_chain_##name(__VA_ARGS__); }); \
  }
#define MYLOS_GIVEN(name) (, const CFI_cdesc_t* name)
#define MYLOS_PARAMETER(name) (, const double* name)
#define MYLOS_OF(o) call.operand(#o, o)
#define MYLOS_VALUE(p, dp) p != nullptr ? *p : dp
#define MYLOS_STEP(name, ...) MYLOS_APPEND(name, , chain)
#define MYLOS_STEP_1(name, p, dp, ...) MYLOS_APPEND(name, MYLOS_PARAMETER(p), chain, MYLOS_VALUE(p, dp))
#define MYLOS_STEP_2(name, p, dp, q, dq, ...) \
  MYLOS_APPEND(name, MYLOS_PARAMETER(p) MYLOS_PARAMETER(q), chain, MYLOS_VALUE(p, dp), MYLOS_VALUE(q, dq))
#define MYLOS_STEP_OPERAND(name, o, ...) MYLOS_APPEND(name, MYLOS_GIVEN(o), chain, MYLOS_OF(o))
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) \
  MYLOS_APPEND(name, MYLOS_GIVEN(o) MYLOS_PARAMETER(p), chain, MYLOS_OF(o), MYLOS_VALUE(p, dp))
#define MYLOS_STEP_OPERANDS(name, o, q, ...) \
  MYLOS_APPEND(name, MYLOS_GIVEN(o) MYLOS_GIVEN(q), chain, MYLOS_OF(o), MYLOS_OF(q))
#define MYLOS_STEP_OPERANDS_1(name, o, q, p, dp, ...)                                                   \
  MYLOS_APPEND(name, MYLOS_GIVEN(o) MYLOS_GIVEN(q) MYLOS_PARAMETER(p), chain, MYLOS_OF(o), MYLOS_OF(q), \
               MYLOS_VALUE(p, dp))
#include <mylos/steps.def>

/// weight and bias (absent: none) of a layer, whose chain becomes empty.
void mylos_fortran_set_layer(mylos_layer* layer, const CFI_cdesc_t* weight, const CFI_cdesc_t* bias, int* stat,
                             CFI_cdesc_t* errmsg) {
  mylos::fortran::run("set_layer", stat, errmsg, [&](mylos::fortran::Call& call) {
    *layer = mylos_layer_of(*call.tensor("weight", weight), call.tensor("bias", bias));
    return mylos_status_success;
  });
}

void mylos_fortran_fence(void* const* stream, int* stat, CFI_cdesc_t* errmsg) {
  mylos::fortran::run("fence", stat, errmsg,
                      [&](mylos::fortran::Call&) { return mylos_fence(stream != nullptr ? *stream : nullptr); });
}

}  // extern "C"
