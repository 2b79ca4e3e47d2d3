#include <mylos/detail/map_plan.hpp>

#include <string>

#include "core/checks.hpp"
#include "core/geometry.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"

namespace mylos::detail {
namespace {

/// Above this size an output leaves the caches before it is read again, and reading its lines first is wasted.
constexpr std::int64_t streaming_bytes = std::int64_t{8} << 20;

struct Arguments {
  const Tensor* inputs;
  int input_count;
  const Tensor* outputs;
  int output_count;

  int count() const { return input_count + output_count; }
  const Tensor& operator[](int t) const { return t < input_count ? inputs[t] : outputs[t - input_count]; }
  /// "x", or "x1", "x2", ... where there are several; likewise "y".
  std::string name(int t) const {
    const bool input = t < input_count;
    const std::string letter = input ? "x" : "y";
    return (input ? input_count : output_count) == 1 ? letter
                                                     : letter + std::to_string((input ? t : t - input_count) + 1);
  }
};

bool same_extents(const Tensor& a, const Tensor& b) {
  if (a.rank != b.rank) return false;
  for (int d = 0; d < a.rank; ++d)
    if (a.extent[d] != b.extent[d]) return false;
  return true;
}

void check_outputs(const Arguments& arguments) {
  const Tensor& first = arguments.outputs[0];
  for (int t = arguments.input_count; t < arguments.count(); ++t) {
    const Tensor& y = arguments[t];
    if (!same_extents(y, first))
      fail("map", arguments.name(t).c_str(), y,
           "extents " + shape_of(y) + ", expected those of the first output, " + shape_of(first));
    check_output("map", arguments.name(t).c_str(), y);
    for (int other = arguments.input_count; other < t; ++other)
      if (overlap(y, arguments[other]) != Overlap::none)
        fail("map", arguments.name(t).c_str(), y,
             "overlaps " + arguments.name(other) + ", expected outputs that have no elements in common");
  }
}

void check(const Arguments& arguments, bool device) {
  for (int t = 0; t < arguments.count(); ++t) check_reachable("map", arguments.name(t).c_str(), arguments[t], device);
  check_outputs(arguments);
  for (int t = 0; t < arguments.input_count; ++t) {
    check_broadcasts("map", arguments.name(t).c_str(), arguments.inputs[t], arguments.outputs[0]);
    for (int o = 0; o < arguments.output_count; ++o)
      check_overlap("map", arguments.name(t).c_str(), arguments.inputs[t], arguments.outputs[o]);
  }
}

/// Whether every row of a tensor starts at a vector's boundary, when the first starts `lead` elements before the data.
bool rows_aligned(const MapPlan& plan, int t, const Tensor& tensor) {
  const std::size_t bytes = size_of(tensor.dtype);
  const std::size_t vector = bytes * static_cast<std::size_t>(plan.chunk);
  const auto start = reinterpret_cast<std::uintptr_t>(plan.data[t]) - static_cast<std::size_t>(plan.lead) * bytes;
  if (start % vector != 0) return false;
  for (int d = 0; d + 1 < plan.rank; ++d)
    if (static_cast<std::size_t>(plan.stride[t][d]) * bytes % vector != 0) return false;
  return true;
}

/// Chunks of more than one element; false where the tensors do not allow them.
bool plan_chunks(MapPlan& plan, const Arguments& arguments, int chunk) {
  if (plan.rank == 0) return false;
  plan.chunk = chunk;
  if (plan.rank == 1) {
    const Tensor& y = arguments.outputs[0];
    plan.lead = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(y.data) / size_of(y.dtype)) % chunk;
  } else if (plan.extent[plan.rank - 1] % chunk != 0) {
    return false;
  }
  for (int t = 0; t < arguments.count(); ++t) {
    const bool output = t >= arguments.input_count;
    const std::int64_t step = plan.step(t);
    if (step != 1 && (output || step != 0)) return false;
    plan.access[t] = step == 0 ? MapAccess::repeated
                               : (rows_aligned(plan, t, arguments[t]) ? MapAccess::vector : MapAccess::elements);
    if (output && plan.rank > 1 && plan.access[t] != MapAccess::vector) return false;
  }
  return true;
}

}  // namespace

MapPlan plan_map(const Execution& execution, const Tensor* inputs, int input_count, const Tensor* outputs,
                 int output_count, int chunk) {
  const Arguments arguments{inputs, input_count, outputs, output_count};
  const bool device = on_device(execution);
  check(arguments, device);
  BoxTensor tensors[max_map_tensors];
  Strides strides[max_map_tensors];
  for (int t = 0; t < arguments.count(); ++t) tensors[t] = {&arguments[t], &strides[t]};
  const Box box = canonical_box(outputs[0], tensors, arguments.count());
  MapPlan plan;
  if (box.count == 0) {
    set_last_kernel("none");
    return plan;
  }
  if (forced_path() == Path::specialized)
    throw Error("mylos::map: no specialized kernel applies; a functor of the user's own has none");
  set_last_kernel("functor");
  plan.rank = box.rank;
  plan.count = box.count;
  for (int d = 0; d < box.rank; ++d) plan.extent[d] = box.extent[d];
  for (int t = 0; t < arguments.count(); ++t) {
    plan.data[t] = arguments[t].data;
    plan.access[t] = MapAccess::elements;
    for (int d = 0; d < box.rank; ++d) plan.stride[t][d] = strides[t].stride[d];
    // In place the lines are in the cache already: streaming would only evict them.
    plan.streams[t] = !device && box.count * static_cast<std::int64_t>(size_of(arguments[t].dtype)) >= streaming_bytes;
    for (int i = 0; i < input_count; ++i) plan.streams[t] = plan.streams[t] && inputs[i].data != plan.data[t];
  }
  if (!plan_chunks(plan, arguments, chunk)) {
    plan.chunk = 1;
    plan.lead = 0;
  }
  return plan;
}

}  // namespace mylos::detail
