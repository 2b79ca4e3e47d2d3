// The C functions that follow from steps.def: the named operators, and the steps of a chain.
#include <mylos/pointwise.hpp>

#include "c/options.hpp"

namespace mylos::c {

void map(const Exec& exec, const Chain& chain, const Tensor& x, const Tensor& y, const map_options&) {
  mylos::map(exec, chain, x, y);
}

void convert(const Exec& exec, const Tensor& x, const Tensor& y, const convert_options&) { mylos::convert(exec, x, y); }

namespace {

struct Given {
  StepId id;
  double parameter[2];
  int operands;
  mylos_operand operand[2];  // those that the step lacks are numbers
  const char* name[2];       // the operands'
};

mylos_status run(const Given& given, const mylos_tensor* x, const mylos_tensor* y, void* stream) noexcept {
  const char* function = name_of(given.id);
  return guarded(function, [&] {
    const Arguments arguments{function};
    if (given.id == StepId::cast) arguments.check_cast(given.parameter[0]);
    Chain chain;
    if (given.operands == 0) {
      chain.append(given.id, given.parameter[0], given.parameter[1], nullptr, 0);
    } else {
      const Operand operands[] = {arguments.operand(given.name[0], given.operand[0]),
                                  arguments.operand(given.name[1], given.operand[1])};
      chain.append(given.id, given.parameter[0], given.parameter[1], operands, given.operands);
    }
    const Tensor in = arguments.tensor("x", x);
    const Tensor out = arguments.tensor("y", y);
    detail::pointwise(function, detail::Execution(instance_of(stream)), in, out, chain);
  });
}

mylos_status append(const Given& given, mylos_chain* chain) noexcept {
  const char* function = name_of(given.id);
  return guarded(function, [&] {
    const Arguments arguments{function};
    if (given.id == StepId::cast) arguments.check_cast(given.parameter[0]);
    if (chain == nullptr) arguments.fail("chain", "NULL, expected a chain");
    if (chain->step_count < 0 || chain->step_count >= max_steps)
      arguments.fail("chain", "has " + std::to_string(chain->step_count) + " steps, expected 0 to 15");
    mylos_step step = {
        static_cast<mylos_step_id>(given.id), {-1, -1}, {given.parameter[0], given.parameter[1]}, {0, 0}};
    int count = chain->operand_count;
    for (int i = 0; i < given.operands; ++i) {
      step.number[i] = given.operand[i].number;
      if (given.operand[i].tensor == nullptr) continue;
      arguments.tensor(given.name[i], given.operand[i].tensor);
      if (count < 0 || count >= max_operands)
        arguments.fail("chain", "has " + std::to_string(count) + " tensor operands, expected 0 to 15");
      chain->operand[count] = *given.operand[i].tensor;
      step.operand[i] = count++;
    }
    chain->step[chain->step_count++] = step;
    chain->operand_count = count;
  });
}

}  // namespace
}  // namespace mylos::c

#define MYLOS_GIVEN(name, p, q, count, ...) \
  mylos::c::Given { mylos::StepId::name, {p, q}, count, __VA_ARGS__ }
#define MYLOS_STEP(name, ...)                                                             \
  mylos_status mylos_##name(const mylos_tensor* x, const mylos_tensor* y, void* stream) { \
    return mylos::c::run(MYLOS_GIVEN(name, 0, 0, 0, {}, {}), x, y, stream);               \
  }                                                                                       \
  mylos_status mylos_chain_##name(mylos_chain* chain) {                                   \
    return mylos::c::append(MYLOS_GIVEN(name, 0, 0, 0, {}, {}), chain);                   \
  }
#define MYLOS_STEP_1(name, p, dp, ...)                                                              \
  mylos_status mylos_##name(const mylos_tensor* x, const mylos_tensor* y, double p, void* stream) { \
    return mylos::c::run(MYLOS_GIVEN(name, p, 0, 0, {}, {}), x, y, stream);                         \
  }                                                                                                 \
  mylos_status mylos_chain_##name(mylos_chain* chain, double p) {                                   \
    return mylos::c::append(MYLOS_GIVEN(name, p, 0, 0, {}, {}), chain);                             \
  }
#define MYLOS_STEP_2(name, p, dp, q, dq, ...)                                                                 \
  mylos_status mylos_##name(const mylos_tensor* x, const mylos_tensor* y, double p, double q, void* stream) { \
    return mylos::c::run(MYLOS_GIVEN(name, p, q, 0, {}, {}), x, y, stream);                                   \
  }                                                                                                           \
  mylos_status mylos_chain_##name(mylos_chain* chain, double p, double q) {                                   \
    return mylos::c::append(MYLOS_GIVEN(name, p, q, 0, {}, {}), chain);                                       \
  }
#define MYLOS_STEP_OPERAND(name, o, ...)                                                                   \
  mylos_status mylos_##name(const mylos_tensor* x, mylos_operand o, const mylos_tensor* y, void* stream) { \
    return mylos::c::run(MYLOS_GIVEN(name, 0, 0, 1, {o}, {#o}), x, y, stream);                             \
  }                                                                                                        \
  mylos_status mylos_chain_##name(mylos_chain* chain, mylos_operand o) {                                   \
    return mylos::c::append(MYLOS_GIVEN(name, 0, 0, 1, {o}, {#o}), chain);                                 \
  }
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...)                                                                    \
  mylos_status mylos_##name(const mylos_tensor* x, mylos_operand o, const mylos_tensor* y, double p, void* stream) { \
    return mylos::c::run(MYLOS_GIVEN(name, p, 0, 1, {o}, {#o}), x, y, stream);                                       \
  }                                                                                                                  \
  mylos_status mylos_chain_##name(mylos_chain* chain, mylos_operand o, double p) {                                   \
    return mylos::c::append(MYLOS_GIVEN(name, p, 0, 1, {o}, {#o}), chain);                                           \
  }
#define MYLOS_STEP_OPERANDS(name, o, q, ...)                                                                \
  mylos_status mylos_##name(const mylos_tensor* x, mylos_operand o, mylos_operand q, const mylos_tensor* y, \
                            void* stream) {                                                                 \
    return mylos::c::run(MYLOS_GIVEN(name, 0, 0, 2, {o, q}, {#o, #q}), x, y, stream);                       \
  }                                                                                                         \
  mylos_status mylos_chain_##name(mylos_chain* chain, mylos_operand o, mylos_operand q) {                   \
    return mylos::c::append(MYLOS_GIVEN(name, 0, 0, 2, {o, q}, {#o, #q}), chain);                           \
  }
#define MYLOS_STEP_OPERANDS_1(name, o, q, p, dp, ...)                                                                 \
  mylos_status mylos_##name(const mylos_tensor* x, mylos_operand o, mylos_operand q, const mylos_tensor* y, double p, \
                            void* stream) {                                                                           \
    return mylos::c::run(MYLOS_GIVEN(name, p, 0, 2, {o, q}, {#o, #q}), x, y, stream);                                 \
  }                                                                                                                   \
  mylos_status mylos_chain_##name(mylos_chain* chain, mylos_operand o, mylos_operand q, double p) {                   \
    return mylos::c::append(MYLOS_GIVEN(name, p, 0, 2, {o, q}, {#o, #q}), chain);                                     \
  }
#include <mylos/steps.def>
