// The generic row operators in f64.
#include "row/generic.hpp"
#include "row/run.hpp"

namespace mylos::detail {

void run_generic_f64(const Execution& execution, const std::string& label, const RowProblem& problem) {
  run_generic<double, false>(execution, label, problem);
}

}  // namespace mylos::detail
