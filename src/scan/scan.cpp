#include <mylos/scan.hpp>

#include "core/checks.hpp"
#include "core/dispatch.hpp"
#include "scan/candidates.hpp"
#include "scan/generic.hpp"

namespace mylos::detail {
namespace {

bool given(const Tensor& tensor) { return tensor.data != nullptr || tensor.rank != 0; }

bool same_extents(const Tensor& a, const Tensor& b) {
  if (a.rank != b.rank) return false;
  for (int d = 0; d < a.rank; ++d)
    if (a.extent[d] != b.extent[d]) return false;
  return true;
}

bool serves_integers(ScanId id) { return id == ScanId::cumsum || id == ScanId::cumprod; }

void check_dtype(const ScanCall& call, const char* argument, const Tensor& tensor, bool fits, const char* expected) {
  if (!fits)
    fail(call.function, argument, tensor, std::string("dtype ") + name_of(tensor.dtype) + ", expected " + expected);
}

void check_dtypes(const ScanCall& call, const Chain& before, const Chain& after) {
  if (is_floating(call.x.dtype) || !serves_integers(call.id)) {
    check_floating(call.function, "x", call.x);
    check_floating(call.function, "y", call.y);
  } else {
    check_dtype(call, "y", call.y, call.y.dtype == DType::i64 || call.y.dtype == DType::i32,
                "i64 or i32 for x of an integer dtype");
    if (before.size() + after.size() != 0)
      fail(call.function, "before, after", call.x, "a chain on integers, expected floating dtypes");
  }
  if (given(call.indices)) check_dtype(call, "indices", call.indices, call.indices.dtype == DType::i64, "i64");
  if (given(call.mask)) check_dtype(call, "mask", call.mask, call.mask.dtype == DType::u8, "u8");
}

void check_written(const ScanCall& call, const char* argument, const Tensor& tensor, bool device) {
  check_reachable(call.function, argument, tensor, device);
  if (!same_extents(tensor, call.x))
    fail(call.function, argument, tensor, "extents " + shape_of(tensor) + ", expected those of x, " + shape_of(call.x));
  check_output(call.function, argument, tensor);
}

/// What is read and broadcasts to x, beside both outputs.
void check_read(const ScanCall& call, const char* argument, const Tensor& tensor, bool device) {
  check_reachable(call.function, argument, tensor, device);
  check_broadcasts(call.function, argument, tensor, call.x);
  check_overlap(call.function, argument, tensor, call.y);
  if (given(call.indices)) check_overlap(call.function, argument, tensor, call.indices);
}

void check(const ScanCall& call, bool device, const Chain& before, const Chain& after) {
  check_dtypes(call, before, after);
  check_written(call, "y", call.y, device);
  check_read(call, "x", call.x, device);
  if (given(call.indices)) {
    check_written(call, "indices", call.indices, device);
    if (!disjoint(call.indices, call.y))
      fail(call.function, "indices", call.indices, "overlaps y, expected tensors that have no elements in common");
  }
  if (given(call.mask)) check_read(call, "mask", call.mask, device);
  const auto check_operands = [&](const Chain& chain, const char* name) {
    for (int o = 0; o < chain.operand_count(); ++o)
      check_read(call, ("operand " + std::to_string(o) + " of " + name).c_str(), chain.operand(o), device);
  };
  check_operands(before, "before");
  check_operands(after, "after");
  if (before.operand_count() + after.operand_count() > max_operands)
    throw Error(std::string("mylos::") + call.function + ": more than 16 tensor operands in both chains");
}

ScanMonoid monoid_of(const ScanCall& call) {
  switch (call.id) {
    case ScanId::cumsum:
      return ScanMonoid::sum;
    case ScanId::cumprod:
      return ScanMonoid::product;
    case ScanId::logcumsumexp:
      return ScanMonoid::log_sum_exp;
    default:
      return given(call.indices) ? ScanMonoid::arg_maximum : ScanMonoid::maximum;
  }
}

ScanProblem describe(const ScanCall& call, const Chain& before, const Chain& after) {
  ScanProblem p;
  p.monoid = monoid_of(call);
  p.compute = !is_floating(call.x.dtype)                                 ? ScanCompute::i64
              : call.x.dtype == DType::f64 || call.y.dtype == DType::f64 ? ScanCompute::f64
                                                                         : ScanCompute::f32;
  p.negated = call.id == ScanId::cummin;
  p.reverse = has(call.scan, Scan::reverse);
  p.exclusive = has(call.scan, Scan::exclusive);
  p.before = &before;
  p.after = &after;

  FixedVector<Tensor, max_operands + 4> tensors;
  ScanTensor* places[max_operands + 4];
  const auto place = [&](ScanTensor& to, const Tensor& tensor) {
    to.data = tensor.data;
    to.dtype = tensor.dtype;
    places[tensors.size()] = &to;
    tensors.push_back(expanded(tensor, call.x));
  };
  place(p.x, call.x);
  place(p.y, call.y);
  if (given(call.indices)) place(p.indices, call.indices);
  if (given(call.mask)) place(p.mask, call.mask);
  for (int o = 0; o < p.operand_count(); ++o) {
    const int first = before.operand_count();
    place(p.operand[o], o < first ? before.operand(o) : after.operand(o - first));
  }
  const int count = tensors.size();
  SplitTensor list[max_operands + 4];
  Strides axis[max_operands + 4];
  for (int i = 0; i < count; ++i) list[i] = {&tensors[i], &places[i]->rows, &axis[i]};
  const SplitBox box = split_box(call.y, axis_mask(call.function, call.x, call.axis), list, count);
  p.rows = box.kept;
  p.length = box.axis.count;
  for (int i = 0; i < count; ++i) {
    ScanTensor& t = *places[i];
    t.step = box.axis.rank == 0 ? 0 : axis[i].stride[0];
    if (!p.reverse || t.data == nullptr) continue;
    t.data = static_cast<char*>(t.data) + (p.length - 1) * t.step * static_cast<std::int64_t>(size_of(t.dtype));
    t.step = -t.step;
  }
  return p;
}

}  // namespace

void scan(const Execution& execution, const ScanCall& call, const Chain& before, const Chain& after) {
  check(call, on_device(execution), before, after);
  const ScanProblem problem = describe(call, before, after);
  if (problem.rows.count == 0 || problem.length == 0) return set_last_kernel("none");
  dispatch(call.function, execution, MYLOS_BACKEND_CANDIDATES(scan_candidates), problem,
           [&](const auto& exec, const std::string& label) { run_generic(exec, label, problem); });
}

}  // namespace mylos::detail
