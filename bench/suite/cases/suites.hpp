// The suites, each a list of cases.
#pragma once

#include <string>
#include <vector>

#include "suite/cases/spec.hpp"

namespace mylos::bench {

Cases quick_cases();
Cases seeds_cases();
Cases kernelbench1_cases();
Cases hpc_cases();
Cases sweep_cases();

/// One of the 100 problems, as the data has it.
struct Problem {
  int id = 0;
  std::string name;
  std::vector<Shape> inputs;  // numbers are left out
  ReferenceTimes times;
};
const std::vector<Problem>& kernelbench1_problems();

/// Whether a problem has cases; where not, why.
struct Coverage {
  int id = 0;
  std::string missing;  // empty: there are cases
};
std::vector<Coverage> kernelbench1_coverage();

}  // namespace mylos::bench
