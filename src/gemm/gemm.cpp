#include <mylos/gemm.hpp>

#include "core/checks.hpp"
#include "core/dispatch.hpp"
#include "gemm/call.hpp"
#include "gemm/candidates.hpp"
#include "gemm/generic.hpp"

namespace mylos::detail {
namespace {

std::int64_t rows_of(const Tensor& t) { return t.extent[t.rank - 2]; }
std::int64_t columns_of(const Tensor& t) { return t.extent[t.rank - 1]; }

std::string pair_of(std::int64_t rows, std::int64_t columns) {
  return "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")";
}

void check_extents(const GemmCall& call) {
  if (rows_of(call.b) != columns_of(call.a))
    fail(call.function, call.b_name, call.b,
         "extents " + shape_of(call.b) + ", expected " + std::to_string(columns_of(call.a)) + " rows for " +
             call.a_name + " of extents " + shape_of(call.a));
  if (rows_of(call.c) != rows_of(call.a) || columns_of(call.c) != columns_of(call.b))
    fail(call.function, call.c_name, call.c,
         "extents " + shape_of(call.c) + ", expected " + pair_of(rows_of(call.a), columns_of(call.b)) + " at the end");
  const auto check_leading = [&](const char* name, const Tensor& tensor) {
    Tensor lead = tensor;
    Tensor all = call.c;
    lead.rank = static_cast<std::int8_t>(tensor.rank - 2);
    all.rank = static_cast<std::int8_t>(call.c.rank - 2);
    bool fits = lead.rank <= all.rank;
    for (int d = 0; fits && d < lead.rank; ++d)
      fits = lead.extent[d] == 1 || lead.extent[d] == all.extent[d + all.rank - lead.rank];
    if (!fits)
      fail(call.function, name, tensor,
           "extents " + shape_of(tensor) + ", expected leading extents that broadcast to those of " + call.c_name +
               ", " + shape_of(call.c));
  };
  check_leading(call.a_name, call.a);
  check_leading(call.b_name, call.b);
}

void check_structure(const GemmCall& call, const char* name, const Tensor& tensor, MatrixStructure structure) {
  if (structure != MatrixStructure::general && rows_of(tensor) != columns_of(tensor))
    fail(call.function, name, tensor,
         "extents " + shape_of(tensor) + ", expected a square matrix where it is triangular or symmetric");
}

void check_matrix(const GemmCall& call, const char* name, const Tensor& tensor, bool device) {
  check_floating(call.function, name, tensor);
  check_reachable(call.function, name, tensor, device);
  if (tensor.rank < 2)
    fail(call.function, name, tensor, "extents " + shape_of(tensor) + ", expected two dimensions or more");
}

void check_operands(const GemmCall& call, bool device, const Chain& before, const Chain& after) {
  for (int o = 0; o < before.operand_count(); ++o) {
    const std::string argument = "operand " + std::to_string(o) + " of before";
    const Tensor& operand = before.operand(o);
    check_reachable(call.function, argument.c_str(), operand, device);
    check_broadcasts(call.function, argument.c_str(), operand, call.a);
    if (!disjoint(operand, call.c))
      fail(call.function, argument.c_str(), operand,
           std::string("overlaps ") + call.c_name + ", expected tensors that have no elements in common");
  }
  for (int o = 0; o < after.operand_count(); ++o) {
    const std::string argument = "operand " + std::to_string(o) + " of after";
    const Tensor& operand = after.operand(o);
    check_reachable(call.function, argument.c_str(), operand, device);
    check_broadcasts(call.function, argument.c_str(), operand, call.c);
    check_overlap(call.function, argument.c_str(), operand, call.c);
  }
  if (before.operand_count() + after.operand_count() > max_operands)
    throw Error(std::string("mylos::") + call.function + ": more than 16 tensor operands in both chains");
}

void check(const GemmCall& call, bool device, const Chain& before, const Chain& after) {
  check_matrix(call, call.a_name, call.a, device);
  check_matrix(call, call.b_name, call.b, device);
  check_matrix(call, call.c_name, call.c, device);
  check_extents(call);
  check_structure(call, call.a_name, call.a, call.options.a);
  check_structure(call, call.b_name, call.b, call.options.b);
  check_output(call.function, call.c_name, call.c);
  for (const auto& [name, tensor] : {std::pair<const char*, const Tensor&>(call.a_name, call.a),
                                     std::pair<const char*, const Tensor&>(call.b_name, call.b)})
    if (!disjoint(tensor, call.c))
      fail(call.function, name, tensor,
           std::string("overlaps ") + call.c_name + ", expected tensors that have no elements in common");
  check_operands(call, device, before, after);
}

BackendCandidates<GemmProblem> candidates() {
  BackendCandidates<GemmProblem> all = MYLOS_BACKEND_CANDIDATES(gemm_candidates);
#ifdef KOKKOS_ENABLE_HIP
  all.hip = &::mylos::hip::gemm_candidates;
#endif
  return all;
}

}  // namespace

void run_gemm(const Execution& execution, const GemmCall& call, const Chain& before, const Chain& after) {
  check(call, on_device(execution), before, after);
  if (call.c.size() == 0) return set_last_kernel("none");
  const GemmProblem problem = describe(call, before, after);
  dispatch(call.function, execution, candidates(), problem,
           [&](const auto& exec, const std::string& label) { run_generic(exec, label, problem); });
}

void gemm(const Execution& execution, const Tensor& a, const Tensor& b, const Tensor& c, const GemmOptions& options,
          const Chain& before, const Chain& after) {
  run_gemm(execution, {"gemm", "a", "b", "c", a, b, c, nullptr, options}, before, after);
}

std::int64_t gemm_workspace(const Execution& execution, const Tensor& a, const Tensor& b, const Tensor& c,
                            const GemmOptions& options, const Chain& before, const Chain& after) {
  const GemmCall call{"gemm_workspace", "a", "b", "c", a, b, c, nullptr, options};
  check(call, on_device(execution), before, after);
  if (call.c.size() == 0) return 0;
  return static_cast<std::int64_t>(workspace_of(call.function, execution, candidates(), describe(call, before, after)));
}

}  // namespace mylos::detail
