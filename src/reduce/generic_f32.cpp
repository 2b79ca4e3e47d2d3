// The generic reductions of f32; one source for each type, so that they compile side by side.
#include "reduce/generic.hpp"
#include "reduce/run.hpp"

namespace mylos::detail {

void run_generic_f32(const Execution& execution, const std::string& label, const ReduceProblem& problem) {
  run_generic<float>(execution, label, problem);
}

}  // namespace mylos::detail
