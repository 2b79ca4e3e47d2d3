// Every step of steps.def with the arguments it is run with: one list for all benchmarks, so that a new line of the
// table is measured without further ado.
#pragma once

#include <cstring>
#include <initializer_list>
#include <vector>

#include <mylos/chain.hpp>

namespace mylos::bench {

/// What an operand is given: a number, or a tensor with one element per column of x.
enum class OperandForm { scalar, row };

struct OperandCase {
  const char* name = "";
  OperandForm form = OperandForm::scalar;
  DType row_dtype = DType::f32;  // u8 for masks, else taken from x
  double scalar = 0;
};

struct StepCase {
  const char* name;
  StepId id;
  double parameter[2];
  int operand_count;
  OperandCase operand[2];
  bool positive;  // the domain: x > 0
  double ulp;     // the bound that steps.def states
  double input_ulp;
  const char* formula;
};

namespace detail {

inline bool is_one_of(const char* name, std::initializer_list<const char*> list) {
  for (const char* candidate : list)
    if (std::strcmp(name, candidate) == 0) return true;
  return false;
}

/// Masks and whatever has a value per channel are rows, the others scalars, as they are met in practice.
inline OperandCase operand_case(const char* name) {
  if (is_one_of(name, {"mask"})) return {name, OperandForm::row, DType::u8, 0};
  if (is_one_of(name, {"slope", "end", "factor1", "factor2", "mean", "variance"}))
    return {name, OperandForm::row, DType::f32, 0};
  if (is_one_of(name, {"exponent"})) return {name, OperandForm::scalar, DType::f32, 1.7};
  if (is_one_of(name, {"weight"})) return {name, OperandForm::scalar, DType::f32, 0.3};
  return {name, OperandForm::scalar, DType::f32, 0.75};
}

inline StepCase step_case(const char* name, StepId id, std::initializer_list<double> parameters,
                          std::initializer_list<const char*> operands, double ulp, double input_ulp,
                          const char* formula) {
  StepCase step{name, id, {}, 0, {}, false, ulp, input_ulp, formula};
  int p = 0;
  for (const double parameter : parameters) step.parameter[p++] = parameter;
  for (const char* operand : operands) step.operand[step.operand_count++] = operand_case(operand);
  step.positive = is_one_of(name, {"sqrt", "rsqrt", "log", "log1p", "pow"});
  // Where the defaults would do nothing.
  if (id == StepId::clamp) {
    step.parameter[0] = -0.5;
    step.parameter[1] = 1.5;
  }
  if (id == StepId::cast) step.parameter[0] = static_cast<double>(static_cast<int>(DType::bf16));
  return step;
}

}  // namespace detail

/// In the order of steps.def.
inline std::vector<StepCase> all_steps() {
  using detail::step_case;
  return {
#define MYLOS_STEP(name, ulp, input_ulp, formula, source) \
  step_case(#name, StepId::name, {}, {}, ulp, input_ulp, formula),
#define MYLOS_STEP_1(name, p, dp, ulp, input_ulp, formula, source) \
  step_case(#name, StepId::name, {dp}, {}, ulp, input_ulp, formula),
#define MYLOS_STEP_2(name, p, dp, q, dq, ulp, input_ulp, formula, source) \
  step_case(#name, StepId::name, {dp, dq}, {}, ulp, input_ulp, formula),
#define MYLOS_STEP_OPERAND(name, o, ulp, input_ulp, formula, source) \
  step_case(#name, StepId::name, {}, {#o}, ulp, input_ulp, formula),
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ulp, input_ulp, formula, source) \
  step_case(#name, StepId::name, {dp}, {#o}, ulp, input_ulp, formula),
#define MYLOS_STEP_OPERANDS(name, o1, o2, ulp, input_ulp, formula, source) \
  step_case(#name, StepId::name, {}, {#o1, #o2}, ulp, input_ulp, formula),
#define MYLOS_STEP_OPERANDS_1(name, o1, o2, p, dp, ulp, input_ulp, formula, source) \
  step_case(#name, StepId::name, {dp}, {#o1, #o2}, ulp, input_ulp, formula),
#include <mylos/steps.def>
  };
}

/// The step as a chain; row(i) is the tensor of operand i, asked for only where it is one.
template <class Row>
Chain chain_of(const StepCase& step, const Row& row) {
  std::vector<Operand> operands;
  for (int i = 0; i < step.operand_count; ++i) {
    if (step.operand[i].form == OperandForm::row)
      operands.emplace_back(row(i));
    else
      operands.emplace_back(step.operand[i].scalar);
  }
  return Chain().append(step.id, step.parameter[0], step.parameter[1], operands.data(), step.operand_count);
}

}  // namespace mylos::bench
