#include "reduce/run.hpp"

#include "core/checks.hpp"
#include "core/dispatch.hpp"
#include "reduce/candidates.hpp"

namespace mylos::detail {
namespace {

void check_apart(const char* function, const char* argument, const Tensor& input, const Tensor& output) {
  if (!disjoint(input, output))
    fail(function, argument, input, "overlaps the output, expected tensors that have no elements in common");
}

struct Operands {
  FixedVector<Tensor, max_reduce_operands> tensor;
  int count() const { return tensor.size(); }
  void add(const char* function, const Tensor& t) {
    if (count() == max_reduce_operands)
      throw Error(std::string("mylos::") + function + ": before, after: more than 16 tensor operands in all");
    tensor.push_back(t);
  }
};

/// One output: memory, extents, and nothing shared with what is read.
void check_output_of(const char* function, const char* name, bool device, const ReduceArguments& a, const Tensor& y,
                     const Chain& before, const Chain& after) {
  check_reachable(function, name, y, device);
  (void)with_axes(function, name, y, a.x, a.axes);
  check_output(function, name, y);
  check_apart(function, a.x_name, a.x, y);
  for (int i = 0; i < 2; ++i)
    if (a.operand[i] != nullptr) check_apart(function, a.operand_name[i], *a.operand[i], y);
  for (int o = 0; o < before.operand_count(); ++o)
    check_apart(function, ("before: operand " + std::to_string(o)).c_str(), before.operand(o), y);
  for (int o = 0; o < after.operand_count(); ++o) {
    const std::string argument = "after: operand " + std::to_string(o);
    check_reachable(function, argument.c_str(), after.operand(o), device);
    check_broadcasts(function, argument.c_str(), after.operand(o), y);
    check_apart(function, argument.c_str(), after.operand(o), y);
  }
}

void check(const char* function, bool device, const ReduceArguments& a, const Chain& before, const Chain& after) {
  check_reachable(function, a.x_name, a.x, device);
  for (int i = 0; i < 2; ++i) {
    if (a.operand[i] == nullptr) continue;
    check_reachable(function, a.operand_name[i], *a.operand[i], device);
    check_broadcasts(function, a.operand_name[i], *a.operand[i], a.x);
  }
  for (int o = 0; o < before.operand_count(); ++o) {
    const std::string argument = "before: operand " + std::to_string(o);
    check_reachable(function, argument.c_str(), before.operand(o), device);
    check_broadcasts(function, argument.c_str(), before.operand(o), a.x);
  }
  check_output_of(function, "y", device, a, a.y, before, after);
  if (!a.has_second) return;
  check_output_of(function, "the second output", device, a, a.second, before, after);
  check_apart(function, "the second output", a.second, a.y);
}

/// A tensor of x's extents, row-major: what indices count in.
Tensor row_major(const Tensor& x) { return Tensor(nullptr, DType::f32, x.rank, x.extent, nullptr); }

ReduceProblem describe(const char* function, const ReduceArguments& a, const Reduction& reduction, const Chain& before,
                       const Chain& after) {
  ReduceProblem p;
  p.reduction = reduction;
  p.x = a.x;
  p.y[0] = with_axes(function, "y", a.y, a.x, a.axes);
  if (a.has_second) p.y[1] = with_axes(function, "the second output", a.second, a.x, a.axes);
  p.before = &before;
  p.after = &after;
  Operands operands;
  for (int o = 0; o < before.operand_count(); ++o) operands.add(function, before.operand(o));
  p.first_prepare = operands.count();
  for (const Tensor* operand : a.operand)
    if (operand != nullptr) operands.add(function, *operand);
  p.first_after = operands.count();
  for (int o = 0; o < after.operand_count(); ++o)
    operands.add(function, with_axes(function, "after", expanded(after.operand(o), a.y), a.x, a.axes));
  p.operands = operands.count();
  SplitTensor tensors[max_reduce_operands + 3];
  Strides unused;
  int n = 0;
  tensors[n++] = {&p.x, &p.x_kept, &p.x_axis};
  for (int o = 0; o < operands.count(); ++o) {
    p.operand[o] = operands.tensor[o];
    tensors[n++] = {&p.operand[o], &p.operand_kept[o], &p.operand_axis[o]};
  }
  tensors[n++] = {&p.y[0], &p.y_kept[0], &unused};
  if (a.has_second) tensors[n++] = {&p.y[1], &p.y_kept[1], &unused};
  const SplitBox box = split_box(p.x, a.axes, tensors, n);
  p.kept = box.kept;
  p.axis = box.axis;
  if (reduction.monoid == Monoid::arg_maximum) {
    // Indices count in the axes' own order: the box must have it too.
    Strides kept[max_reduce_operands + 3];
    for (int t = 0; t < n; ++t) tensors[t].kept = &kept[t];
    p.axis = split_box(row_major(p.x), a.axes, tensors, n).axis;
  }
  return p;
}

Compute compute_of(const ReduceArguments& a, const Reduction& reduction) {
  if (reduction.prepare != Prepare::nonzero && !is_floating(a.x.dtype)) {
    // argmax of integers, too, must tell neighbours apart that f32 does not.
    const bool index = reduction.finish == Finish::index;
    if (index || !is_floating(a.y.dtype)) return Compute::i64;
  }
  const bool f64 = a.x.dtype == DType::f64 || a.y.dtype == DType::f64 || (a.has_second && a.second.dtype == DType::f64);
  return f64 ? Compute::f64 : Compute::f32;
}

/// Whether `before` is one step of a sign that can be `prepare` instead, which kernels do on the values' bits: then it
/// is.
bool takes_sign(const ReduceArguments& a, const Chain& before, Reduction& reduction) {
  const Monoid monoid = reduction.monoid;
  if (before.size() != 1 || reduction.prepare != Prepare::none || !is_floating(a.x.dtype)) return false;
  if (monoid != Monoid::sum && monoid != Monoid::maximum && monoid != Monoid::arg_maximum) return false;
  const StepId id = before.step(0).id;
  if (id == StepId::abs) reduction.prepare = Prepare::abs;
  if (id == StepId::neg) reduction.prepare = Prepare::negate;
  return reduction.prepare != Prepare::none;
}

auto generic_of(Compute compute) {
  if (compute == Compute::i64) return run_generic_i64;
  return compute == Compute::f64 ? run_generic_f64 : run_generic_f32;
}

}  // namespace

void run_reduction(const char* function, const Execution& execution, const ReduceArguments& a, const Reduction& given,
                   const Chain& before, const Chain& after) {
  check(function, on_device(execution), a, before, after);
  Reduction reduction = given;
  const Chain none{};
  const bool signs = takes_sign(a, before, reduction);
  ReduceProblem problem = describe(function, a, reduction, signs ? none : before, after);
  problem.compute = compute_of(a, reduction);
  if (problem.compute == Compute::i64 && before.size() + after.size() != 0)
    fail(function, "before, after", a.x, "a chain on integers that are reduced to integers, expected floating dtypes");
  if (problem.kept.count == 0) return set_last_kernel("none");
  dispatch(function, execution, MYLOS_BACKEND_CANDIDATES(reduce_candidates), problem,
           [&](const auto&, const std::string& label) { generic_of(problem.compute)(execution, label, problem); });
}

}  // namespace mylos::detail
