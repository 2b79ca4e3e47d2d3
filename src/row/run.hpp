// The last steps of every row operator: select a candidate, run it or the generic kernel.
#pragma once

#include <mylos/execution.hpp>

#include "row/problem.hpp"

namespace mylos::detail {

void run_rows(const char* function, const Execution& execution, const RowProblem& problem);

}  // namespace mylos::detail
