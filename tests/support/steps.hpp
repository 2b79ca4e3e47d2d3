// Every step of steps.def with the parameters and operands it is tested with.
//
// A step with parameters needs a list of them here, else it does not compile; operands have lists by their kind.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include <mylos/chain.hpp>

namespace mylos::test {

struct Parameters {
  double p = 0;
  double q = 0;
};

namespace parameters {
inline constexpr double infinity = std::numeric_limits<double>::infinity();
using List = std::vector<Parameters>;
inline List leaky_relu() { return {{0.2}, {-0.5}, {0}}; }
inline List elu() { return {{0.5}, {2.3}, {-1}}; }
inline List celu() { return {{0.5}, {2.7}}; }
inline List softplus() { return {{2, 20}, {0.5, 5}, {1, 0}, {1, 50}, {1.7, 20}}; }
inline List hardtanh() { return {{-2.5, 0.75}, {2, -1}}; }
inline List threshold() { return {{0.5, -3}, {-1, 20}}; }
inline List softshrink() { return {{1.25}, {0}}; }
inline List hardshrink() { return {{1.25}, {0}}; }
inline List clamp() { return {{-0.7, 1.3}, {2, -1}, {0, infinity}, {-infinity, 0.1}}; }
inline List cast() { return {{0}, {2}, {3}}; }  // f64, f16, bf16; f32 is the default
inline List masked_fill() { return {{3.5}, {-infinity}}; }
inline List addcmul() { return {{-0.7}, {2}}; }
inline List standardize() { return {{1e-3}, {1}}; }
}  // namespace parameters

/// Operand values; those of the second operand go round beside those of the first.
struct Operands {
  std::vector<double> a;
  std::vector<double> b;
};

/// Values of an operand for arithmetic, exponents and masks. None makes a finite result overflow on its way.
inline Operands operands_of(StepId id) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  switch (id) {
    case StepId::pow:
      return {{0, 1, -1, 2, 3, 0.5, -0.5, 1.0 / 3, 10.75, -2.5, 1e-3, 100, infinity, -infinity, nan}, {}};
    case StepId::masked_fill:
      return {{0, 1, -0.0, 2, 0.25, nan}, {}};
    case StepId::where:
      return {{0, 1, -0.0, 2, 0.25, nan, 0}, {-7.5, 0, infinity, nan, 3, 4, 1e4}};
    case StepId::lerp:
      return {{1, -2, 0, 100, 0.3, infinity, nan, 1, 1}, {0.25, 0.75, 0.5, 1, 0.1, 0.5, 0.5, -3, nan}};
    case StepId::standardize:
      return {{1, -2, 0, 100, 0.3, infinity, nan, 1, 1}, {0.25, 4, 0, 1e-3, 1e8, 1, 2, infinity, nan}};
    case StepId::addcmul:
      return {{1, 0.3, -100, 1e4, 0, infinity, nan}, {2, -0.7, 0.01, 1e-4, infinity, 1, 1}};
    default:
      return {{0, -0.0, 1, -1, 0.3, 3.14159, -1e-5, 1e4, -6e4, 1e30, 1e-39, infinity, -infinity, nan}, {}};
  }
}

/// One step with one set of parameters.
struct StepCase {
  StepId id;
  int operands;
  Parameters parameters;

  std::string name() const {
    return std::string(name_of(id)) + "(" + std::to_string(parameters.p) + ", " + std::to_string(parameters.q) + ")";
  }
  Chain chain(const std::vector<Operand>& operand = {}) const {
    return Chain().append(id, parameters.p, parameters.q, operand.data(), operands);
  }
};

inline void append_cases(std::vector<StepCase>& cases, StepId id, int operands, Parameters standard,
                         const parameters::List& others) {
  cases.push_back({id, operands, standard});
  for (const Parameters& other : others) cases.push_back({id, operands, other});
}

/// Every step with every set of parameters.
inline std::vector<StepCase> all_step_cases() {
  std::vector<StepCase> cases;
#define MYLOS_STEP(name, ...) append_cases(cases, StepId::name, 0, {}, {});
#define MYLOS_STEP_1(name, p, dp, ...) append_cases(cases, StepId::name, 0, {dp}, parameters::name());
#define MYLOS_STEP_2(name, p, dp, q, dq, ...) append_cases(cases, StepId::name, 0, {dp, dq}, parameters::name());
#define MYLOS_STEP_OPERAND(name, ...) append_cases(cases, StepId::name, 1, {}, {});
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) append_cases(cases, StepId::name, 1, {dp}, parameters::name());
#define MYLOS_STEP_OPERANDS(name, ...) append_cases(cases, StepId::name, 2, {}, {});
#define MYLOS_STEP_OPERANDS_1(name, o1, o2, p, dp, ...) append_cases(cases, StepId::name, 2, {dp}, parameters::name());
#include <mylos/steps.def>
  return cases;
}

}  // namespace mylos::test
