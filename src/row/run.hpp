// The last steps of every row operator: select a candidate, run it or the generic kernel.
#pragma once

#include <mylos/execution.hpp>
#include <string>

#include "row/problem.hpp"

namespace mylos::detail {

void run_rows(const char* function, const Execution& execution, const RowProblem& problem);

/// The Kokkos kernels (generic.hpp), by the type that a problem is computed in; on devices those with chains or a mask
/// apart. One source for each, so that they compile side by side.
void run_generic_f32(const Execution& execution, const std::string& label, const RowProblem& problem);
void run_generic_f64(const Execution& execution, const std::string& label, const RowProblem& problem);
void run_generic_chained_f32(const Execution& execution, const std::string& label, const RowProblem& problem);
void run_generic_chained_f64(const Execution& execution, const std::string& label, const RowProblem& problem);

}  // namespace mylos::detail
