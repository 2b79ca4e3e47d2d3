#include "fuzz/calls.hpp"

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <tuple>

#include "fuzz/descriptors.hpp"

namespace mylos::fuzz {
namespace {

// Braces keep the order in which arguments are read.
#define MYLOS_IN(name) in.tensor(),
#define MYLOS_IN_OPTIONAL(name) in.tensor_or_none(),
#define MYLOS_OUT(name) in.tensor(),
#define MYLOS_OPERAND(name) in.operand(),
#define MYLOS_INTEGER(name) in.integer(),
#define MYLOS_NUMBER(name) in.real(),
#define MYLOS_CHOICE(name, type) in.choice(),
#define MYLOS_STEPS(name) in.chain(),
#define MYLOS_LAYERS(name) in.layers(), in.layer_count(),
#define MYLOS_IN_OR_NONE(name) o.name = in.tensor_or_none();
#define MYLOS_OUT_OR_NONE(name) o.name = in.tensor_or_none();
#define MYLOS_OPERAND_OR(name, value) o.name = in.operand();
#define MYLOS_REAL_OR(name, value) \
  if (in.rarely(2)) o.name = in.real();
#define MYLOS_INT_OR(name, value) \
  if (in.rarely(2)) o.name = in.integer();
#define MYLOS_AXIS_OR(name, value) \
  if (in.rarely(2)) o.name = in.small();
#define MYLOS_AXES_OR(name, value) \
  if (in.rarely(2)) o.name = in.axes();
#define MYLOS_AXES_OR_ALL(name) \
  if (in.rarely(2)) o.name = in.axes();
#define MYLOS_FLAG_OR(name, value) \
  if (in.rarely(2)) o.name = in.flag();
#define MYLOS_CHOICE_OR(name, type, value) \
  if (in.rarely(2)) o.name = in.choice();
#define MYLOS_CHAIN(name) o.name = in.chain();
#define MYLOS_POINTWISE(name, arguments, parameters)
#define MYLOS_OPERATOR(name, family, arguments, more)                                            \
  mylos_status call_##name(Bytes& in) {                                                          \
    mylos_##name##_options o = mylos_##name##_defaults();                                        \
    more if (in.rarely(64)) o.struct_size = in.byte();                                           \
    const mylos_##name##_options* options = in.rarely(8) ? nullptr : &o;                         \
    return std::apply(mylos_##name, std::tuple{arguments options, static_cast<void*>(nullptr)}); \
  }
#include <mylos/operators.def>

#define MYLOS_IN(name) in.tensor(),
#define MYLOS_OUT(name) in.tensor(),
#define MYLOS_OPERAND(name) in.operand(),
#define MYLOS_REAL_OR(name, value) in.real(),
#define MYLOS_POINTWISE(name, arguments, parameters)                                               \
  mylos_status call_##name(Bytes& in) {                                                            \
    return std::apply(mylos_##name, std::tuple{arguments parameters static_cast<void*>(nullptr)}); \
  }
#include <mylos/operators.def>

constexpr mylos_status (*calls[])(Bytes&) = {
#define MYLOS_POINTWISE(name, arguments, parameters) call_##name,
#define MYLOS_OPERATOR(name, family, arguments, more) call_##name,
#include <mylos/operators.def>
};

}  // namespace

bool call(const std::uint8_t* bytes, std::size_t size) {
  Bytes in(bytes, size);
  const mylos_status status = calls[in.byte() % std::size(calls)](in);
  if (status == mylos_status_success) return true;
  // Arguments are the only thing that is wrong here, and each refusal says which.
  if (status != mylos_status_invalid_argument || std::strncmp(mylos_last_error(), "mylos::", 7) != 0) std::abort();
  return false;
}

}  // namespace mylos::fuzz
