#include "row/run.hpp"

#include "core/dispatch.hpp"
#include "row/candidates.hpp"
#include "row/generic.hpp"

namespace mylos::detail {

void run_rows(const char* function, const Execution& execution, const RowProblem& problem) {
  dispatch(function, execution, MYLOS_BACKEND_CANDIDATES(row_candidates), problem,
           [&](const auto& exec, const std::string& label) { run_generic(exec, label, problem); });
}

}  // namespace mylos::detail
