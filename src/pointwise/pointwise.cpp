#include <mylos/pointwise.hpp>

#include "core/checks.hpp"
#include "core/dispatch.hpp"
#include "pointwise/candidates.hpp"
#include "pointwise/generic.hpp"
#include "pointwise/run.hpp"

namespace mylos::detail {
namespace {

void check(const char* function, bool device, const Tensor& x, const Tensor& y, const Chain& chain) {
  check_floating(function, "x", x);
  check_floating(function, "y", y);
  check_reachable(function, "x", x, device);
  check_reachable(function, "y", y, device);
  check_broadcasts(function, "x", x, y);
  check_output(function, "y", y);
  check_overlap(function, "x", x, y);
  for (int o = 0; o < chain.operand_count(); ++o) {
    const std::string argument = "operand " + std::to_string(o);
    const Tensor& operand = chain.operand(o);
    check_reachable(function, argument.c_str(), operand, device);
    check_broadcasts(function, argument.c_str(), operand, y);
    check_overlap(function, argument.c_str(), operand, y);
  }
}

}  // namespace

void pointwise(const char* function, const Execution& execution, const Tensor& x, const Tensor& y, const Chain& chain) {
  check(function, on_device(execution), x, y, chain);
  const PointwiseProblem problem{x.data, y.data, x.dtype, y.dtype, &chain, canonicalize(x, y, chain)};
  if (problem.geometry.box.count == 0) return set_last_kernel("none");
  dispatch(function, execution, MYLOS_BACKEND_CANDIDATES(pointwise_candidates), problem,
           [&](const auto& exec, const std::string& label) { run_generic(exec, label, problem); });
}

void run_generic_pointwise(const Execution& execution, const std::string& label, const PointwiseProblem& problem) {
  with_instance(execution, [&](const auto& exec) { run_generic(exec, label, problem); });
}

}  // namespace mylos::detail
