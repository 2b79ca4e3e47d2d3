// The generic pointwise kernel, for operators that have a pointwise pass of their own.
#pragma once

#include <string>

#include <mylos/execution.hpp>

#include "pointwise/problem.hpp"

namespace mylos::detail {

/// y = chain(x) for a checked problem that is not empty. Selection has no part in it.
void run_generic_pointwise(const Execution& execution, const std::string& label, const PointwiseProblem& problem);

}  // namespace mylos::detail
