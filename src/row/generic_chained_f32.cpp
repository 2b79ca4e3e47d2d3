// The generic row operators in f32 with chains or a mask.
#include "row/generic.hpp"
#include "row/run.hpp"

namespace mylos::detail {

void run_generic_chained_f32(const Execution& execution, const std::string& label, const RowProblem& problem) {
  run_generic<float, true>(execution, label, problem);
}

}  // namespace mylos::detail
