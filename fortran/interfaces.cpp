// Writes the Fortran interfaces of all operators and steps to standard output, from operators.def and steps.def:
// fortran/mylos.f90 includes them. Each is the interface of a C function in operators.cpp.
#include <cstdio>
#include <string>
#include <vector>

#include <mylos/chain.hpp>

namespace {

struct Argument {
  const char* declaration;  // of the dummy argument, up to the double colon
  std::string name;
};

struct Operator {
  std::string name;
  std::vector<Argument> arguments;
  std::vector<Argument> options;
};

#define MYLOS_READ "type(*), dimension(..), intent(in)"
#define MYLOS_WRITTEN "type(*), dimension(..), intent(inout)"
#define MYLOS_INT "integer(c_int), intent(in)"
#define MYLOS_REAL "real(c_double), intent(in)"
#define MYLOS_CHAIN_TYPE "type(mylos_chain), intent(in)"
#define MYLOS_OPTIONAL ", optional"

std::vector<Operator> all_operators() {
  return {
#define MYLOS_IN(name) {MYLOS_READ, #name},
#define MYLOS_IN_OPTIONAL(name) {MYLOS_READ MYLOS_OPTIONAL, #name},
#define MYLOS_OUT(name) {MYLOS_WRITTEN, #name},
#define MYLOS_OPERAND(name) {MYLOS_READ, #name},
#define MYLOS_INTEGER(name) {MYLOS_INT, #name},
#define MYLOS_NUMBER(name) {MYLOS_REAL, #name},
#define MYLOS_CHOICE(name, type) {MYLOS_INT, #name},
#define MYLOS_STEPS(name) {MYLOS_CHAIN_TYPE, #name},
#define MYLOS_LAYERS(name) {"type(mylos_layer), dimension(:), intent(in)", #name},
#define MYLOS_IN_OR_NONE(name) {MYLOS_READ MYLOS_OPTIONAL, #name},
#define MYLOS_OUT_OR_NONE(name) {MYLOS_WRITTEN MYLOS_OPTIONAL, #name},
#define MYLOS_OPERAND_OR(name, value) {MYLOS_READ MYLOS_OPTIONAL, #name},
#define MYLOS_REAL_OR(name, value) {MYLOS_REAL MYLOS_OPTIONAL, #name},
#define MYLOS_INT_OR(name, value) {MYLOS_INT MYLOS_OPTIONAL, #name},
#define MYLOS_AXIS_OR(name, value) {MYLOS_INT MYLOS_OPTIONAL, #name},
#define MYLOS_AXES_OR(name, value) {"integer(c_int), dimension(..), intent(in)" MYLOS_OPTIONAL, #name},
#define MYLOS_AXES_OR_ALL(name) {"integer(c_int), dimension(..), intent(in)" MYLOS_OPTIONAL, #name},
#define MYLOS_FLAG_OR(name, value) {"logical(c_bool), intent(in)" MYLOS_OPTIONAL, #name},
#define MYLOS_CHOICE_OR(name, type, value) {MYLOS_INT MYLOS_OPTIONAL, #name},
#define MYLOS_CHAIN(name) {MYLOS_CHAIN_TYPE MYLOS_OPTIONAL, #name},
#define MYLOS_STREAM \
  { "type(c_ptr), intent(in), optional", "stream" }
#define MYLOS_POINTWISE(name, arguments, parameters) {#name, {arguments}, {parameters MYLOS_STREAM}},
#define MYLOS_OPERATOR(name, family, arguments, more) {#name, {arguments}, {more MYLOS_STREAM}},
#include <mylos/operators.def>
  };
}

// The steps of a chain: chain_<name>(chain, operands..., parameters...).
std::vector<Operator> all_steps() {
#define MYLOS_APPEND(name, ...) {"chain_" #name, {{"type(mylos_chain), intent(inout)", "chain"}, __VA_ARGS__}, {}},
#define MYLOS_GIVEN(name) \
  { MYLOS_READ, #name }
#define MYLOS_PARAMETER(name) \
  { MYLOS_REAL MYLOS_OPTIONAL, #name }
  return {
#define MYLOS_STEP(name, ...) MYLOS_APPEND(name, )
#define MYLOS_STEP_1(name, p, dp, ...) MYLOS_APPEND(name, MYLOS_PARAMETER(p))
#define MYLOS_STEP_2(name, p, dp, q, dq, ...) MYLOS_APPEND(name, MYLOS_PARAMETER(p), MYLOS_PARAMETER(q))
#define MYLOS_STEP_OPERAND(name, o, ...) MYLOS_APPEND(name, MYLOS_GIVEN(o))
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) MYLOS_APPEND(name, MYLOS_GIVEN(o), MYLOS_PARAMETER(p))
#define MYLOS_STEP_OPERANDS(name, o, q, ...) MYLOS_APPEND(name, MYLOS_GIVEN(o), MYLOS_GIVEN(q))
#define MYLOS_STEP_OPERANDS_1(name, o, q, p, dp, ...) \
  MYLOS_APPEND(name, MYLOS_GIVEN(o), MYLOS_GIVEN(q), MYLOS_PARAMETER(p))
#include <mylos/steps.def>
  };
}

void print(const Operator& op) {
  std::vector<Argument> arguments = op.arguments;
  arguments.insert(arguments.end(), op.options.begin(), op.options.end());
  arguments.push_back({"integer(c_int), intent(out), optional", "stat"});
  arguments.push_back({"character(kind=c_char, len=*), intent(inout), optional", "errmsg"});
  std::printf("subroutine mylos_%s( &\n", op.name.c_str());
  for (const Argument& argument : arguments)
    std::printf("    %s%s &\n", argument.name.c_str(), &argument == &arguments.back() ? ")" : ",");
  std::printf("    bind(c, name=\"mylos_fortran_%s\")\n  import\n", op.name.c_str());
  for (const Argument& argument : arguments) std::printf("  %s :: %s\n", argument.declaration, argument.name.c_str());
  std::printf("end subroutine\n\n");
}

void print_names(const char* before, const char* after, const std::vector<Operator>& operators) {
  for (const Operator& op : operators) std::printf("%smylos_%s%s\n", before, op.name.c_str(), after);
}

}  // namespace

// interfaces: the interface bodies; --public: the statements that make them public; --references: a statement for each
// that takes its address, for a test.
int main(int argc, char** argv) {
  const std::string part = argc == 2 ? argv[1] : "--operators";
  std::printf("! Written by fortran/interfaces.cpp.\n\n");
  for (const std::vector<Operator>& list : {all_operators(), all_steps()}) {
    if (part == "--public") print_names("public :: ", "", list);
    if (part == "--references") print_names("call refer(c_funloc(", "))", list);
    if (part == "--operators")
      for (const Operator& op : list) print(op);
  }
}
