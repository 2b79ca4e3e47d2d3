#include "row/run.hpp"

#include "core/dispatch.hpp"
#include "row/candidates.hpp"

namespace mylos::detail {

void run_rows(const char* function, const Execution& execution, const RowProblem& problem) {
  dispatch(function, execution, MYLOS_BACKEND_CANDIDATES(row_candidates), problem,
           [&](const auto& exec, const std::string& label) {
             using Exec = std::decay_t<decltype(exec)>;
             const bool chained =
                 !Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible && problem.has_chains_or_mask();
             const bool f64 = problem.computes_in_f64();
             if (chained) return (f64 ? run_generic_chained_f64 : run_generic_chained_f32)(execution, label, problem);
             (f64 ? run_generic_f64 : run_generic_f32)(execution, label, problem);
           });
}

}  // namespace mylos::detail
