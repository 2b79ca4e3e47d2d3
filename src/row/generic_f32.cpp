// The generic row operators in f32.
#include "row/generic.hpp"
#include "row/run.hpp"

namespace mylos::detail {

void run_generic_f32(const Execution& execution, const std::string& label, const RowProblem& problem) {
  run_generic<float, false>(execution, label, problem);
}

}  // namespace mylos::detail
