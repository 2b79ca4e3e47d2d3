#include <mylos/mlp_device.hpp>

#include "core/axes.hpp"
#include "core/checks.hpp"
#include "core/dispatch.hpp"
#include "mlp/candidates.hpp"
#include "mlp/generic.hpp"

namespace mylos::detail {
namespace {

constexpr const char* function = "mlp";

std::string name_in(const char* what, int layer) { return std::string(what) + " of layer " + std::to_string(layer); }

std::string shape_of_line(std::int64_t n) { return "(" + std::to_string(n) + ")"; }

/// Every tensor of a layer: visit(name, tensor).
template <class Visit>
void for_each_tensor(const Mlp& network, int l, const Visit& visit) {
  visit(name_in("weight", l), network[l].weight);
  if (network[l].has_bias()) visit(name_in("bias", l), network[l].bias);
  for (int o = 0; o < network[l].chain.operand_count(); ++o)
    visit("operand " + std::to_string(o) + " of the chain of layer " + std::to_string(l), network[l].chain.operand(o));
}

void check_layer(const char* called, const Mlp& network, int l) {
  const Mlp::Layer& layer = network[l];
  const auto fail_at = [&](const char* what, const Tensor& tensor, const std::string& text) {
    fail(called, name_in(what, l).c_str(), tensor, text);
  };
  check_floating(called, name_in("weight", l).c_str(), layer.weight);
  if (layer.weight.rank != 2)
    fail_at("weight", layer.weight, "extents " + shape_of(layer.weight) + ", expected (out, in)");
  for (int d = 0; d < 2; ++d)
    if (layer.weight.extent[d] < 1 || layer.weight.extent[d] > max_mlp_width)
      fail_at("weight", layer.weight, "extents " + shape_of(layer.weight) + ", expected 1 to 128 for each");
  if (l > 0 && layer.weight.extent[1] != network[l - 1].weight.extent[0])
    fail_at("weight", layer.weight,
            "extents " + shape_of(layer.weight) + ", expected " + std::to_string(network[l - 1].weight.extent[0]) +
                " inputs, as many as the layer before it has outputs");
  const std::int64_t out = layer.weight.extent[0];
  if (layer.has_bias()) {
    check_floating(called, name_in("bias", l).c_str(), layer.bias);
    if (layer.bias.rank != 1 || layer.bias.extent[0] != out)
      fail_at("bias", layer.bias, "extents " + shape_of(layer.bias) + ", expected " + shape_of_line(out));
  }
  const Tensor line(layer.weight.data, layer.weight.dtype, 1, &out, nullptr);
  for (int o = 0; o < layer.chain.operand_count(); ++o)
    check_broadcasts(called, ("operand " + std::to_string(o) + " of the chain of layer " + std::to_string(l)).c_str(),
                     layer.chain.operand(o), line);
}

int axis_of(const Tensor& x, int axis) {
  const AxisMask mask = axis_mask(function, x, axis);
  int a = 0;
  while ((mask >> a & 1U) == 0) ++a;
  return a;
}

void check_samples(const Mlp& network, const Tensor& x, const Tensor& y, int axis) {
  const auto check_one = [&](const char* argument, const Tensor& tensor, std::int64_t features) {
    bool fits = tensor.rank == x.rank;
    Tensor expected = x;
    expected.extent[axis] = features;
    for (int d = 0; fits && d < x.rank; ++d) fits = tensor.extent[d] == expected.extent[d];
    if (!fits)
      fail(function, argument, tensor,
           "extents " + shape_of(tensor) + ", expected " + shape_of(expected) + ", " + std::to_string(features) +
               " features along axis " + std::to_string(axis));
  };
  check_one("x", x, network[0].weight.extent[1]);
  check_one("y", y, network[network.size() - 1].weight.extent[0]);
}

void check(const Mlp& network, const Tensor& x, const Tensor& y, int axis, bool device) {
  check_mlp(function, network);
  check_floating(function, "x", x);
  check_floating(function, "y", y);
  check_reachable(function, "x", x, device);
  check_reachable(function, "y", y, device);
  if (x.rank == 0) fail(function, "x", x, "rank 0, expected a dimension for the features");
  check_samples(network, x, y, axis_of(x, axis));
  check_output(function, "y", y);
  bool same_shape = true;
  for (int d = 0; d < x.rank; ++d) same_shape = same_shape && x.extent[d] == y.extent[d];
  if (same_shape)
    check_overlap(function, "x", x, y);
  else if (!disjoint(x, y))
    fail(function, "x", x, "overlaps the output, which has other extents: expected no elements in common");
  for (int l = 0; l < network.size(); ++l)
    for_each_tensor(network, l, [&](const std::string& name, const Tensor& tensor) {
      check_reachable(function, name.c_str(), tensor, device);
      if (!disjoint(tensor, y))
        fail(function, name.c_str(), tensor, "overlaps the output, expected no elements in common");
    });
}

MlpProblem describe(const Mlp& network, const Tensor& x, const Tensor& y, int axis) {
  MlpProblem p;
  p.network = &network;
  p.f64 = x.dtype == DType::f64 || y.dtype == DType::f64;
  for (int l = 0; l < network.size(); ++l) {
    const Mlp::Layer& layer = network[l];
    p.f64 = p.f64 || layer.weight.dtype == DType::f64 || (layer.has_bias() && layer.bias.dtype == DType::f64);
    for (int d = 0; d < 2; ++d)
      p.widest = layer.weight.extent[d] > p.widest ? static_cast<int>(layer.weight.extent[d]) : p.widest;
  }
  const int a = axis_of(x, axis);
  Tensor like_y = x;  // the samples' strides alone are looked at
  like_y.extent[a] = y.extent[a];
  Strides unused;
  const SplitTensor list[] = {{&like_y, &p.x.samples, &unused}, {&y, &p.y.samples, &unused}};
  p.samples = split_box(y, axis_mask(function, x, axis), list, 2).kept;
  const auto place = [a](MlpTensor& to, const Tensor& from) {
    to.data = from.data;
    to.dtype = from.dtype;
    to.feature = from.stride[a];
  };
  place(p.x, x);
  place(p.y, y);
  return p;
}

}  // namespace

void check_mlp(const char* called, const Mlp& network) {
  if (network.size() == 0) throw Error(std::string("mylos::") + called + ": the network has no layer");
  for (int l = 0; l < network.size(); ++l) check_layer(called, network, l);
}

void check_mlp_size(const Mlp& network, DType dtype, int width, int layers, int steps) {
  constexpr const char* called = "MlpFunction";
  check_mlp(called, network);
  const auto refuse = [&](const std::string& text) { throw Error(std::string("mylos::") + called + ": " + text); };
  if (network.size() > layers)
    refuse(std::to_string(network.size()) + " layers, its template arguments allow " + std::to_string(layers));
  for (int l = 0; l < network.size(); ++l) {
    const Mlp::Layer& layer = network[l];
    for_each_tensor(network, l, [&](const std::string& name, const Tensor& tensor) {
      if (tensor.dtype != dtype)
        fail(called, name.c_str(), tensor,
             std::string("dtype ") + name_of(tensor.dtype) + ", expected the function's own, " + name_of(dtype));
    });
    for (int d = 0; d < 2; ++d)
      if (layer.weight.extent[d] > width)
        refuse("layer " + std::to_string(l) + " has " + std::to_string(layer.weight.extent[d]) +
               " features, its template arguments allow " + std::to_string(width));
    if (layer.chain.size() > steps)
      refuse("the chain of layer " + std::to_string(l) + " has " + std::to_string(layer.chain.size()) +
             " steps, its template arguments allow " + std::to_string(steps));
  }
}

void mlp(const Execution& execution, const Mlp& network, const Tensor& x, const Tensor& y, int axis) {
  check(network, x, y, axis, on_device(execution));
  const MlpProblem problem = describe(network, x, y, axis);
  if (problem.samples.count == 0) return set_last_kernel("none");
  dispatch(function, execution, MYLOS_BACKEND_CANDIDATES(mlp_candidates), problem,
           [&](const auto& exec, const std::string& label) { run_generic(exec, label, problem); });
}

}  // namespace mylos::detail
