#include "suite/cases/families.hpp"

namespace mylos::bench {
namespace {

namespace reference = test::reference;
using Widths = std::vector<std::int64_t>;

Chain chain_after(std::size_t layer, std::size_t layers, const Chain& chain) {
  return layer + 1 < layers ? chain : Chain();
}

/// Steps without tensor operands, as the reference takes them.
std::vector<reference::MlpStepValues> step_values(const Chain& chain) {
  std::vector<reference::MlpStepValues> steps;
  for (int s = 0; s < chain.size(); ++s) {
    const Step& step = chain.step(s);
    if (step.tensor[0] >= 0) throw std::logic_error("chains with tensors are not judged in networks");
    steps.push_back({step.id, {step.parameter[0], step.parameter[1]}, {{step.scalar[0]}, {step.scalar[1]}}});
  }
  return steps;
}

/// 1024 samples.
ErrorFigures check_mlp(const Exec& exec, const Tensors& t, const Widths& widths, const Chain& chain) {
  const std::size_t layers = widths.size() - 1;
  const Arithmetic arithmetic{t[0].dtype, t[1].dtype};
  std::vector<reference::MlpLayerValues> values;
  for (std::size_t l = 0; l < layers; ++l)
    values.push_back({static_cast<std::size_t>(widths[l]), static_cast<std::size_t>(widths[l + 1]),
                      read(exec, t[2 + 2 * l]), read(exec, t[3 + 2 * l]), step_values(chain_after(l, layers, chain))});
  const std::vector<std::int64_t> sample = spread(1024, t[0].extent[0]);
  const auto values_of = [&](const Tensor& tensor) {
    std::vector<std::int64_t> offsets;
    for (const std::int64_t n : sample)
      for (std::int64_t k = 0; k < tensor.extent[1]; ++k)
        offsets.push_back(n * tensor.stride[0] + k * tensor.stride[1]);
    return read_at(exec, tensor, offsets);
  };
  const std::vector<double> x = values_of(t[0]);
  const std::vector<double> y = values_of(t[1]);
  ErrorMeter meter;
  auto next_x = x.begin();
  auto next_y = y.begin();
  for (std::size_t n = 0; n < sample.size(); ++n) {
    const std::vector<double> features(next_x, next_x + widths.front());
    next_x += widths.front();
    for (const MlpValue& v : reference::mlp(values, features, arithmetic.in_f64()))
      meter.add_stored(*next_y++, v.value, v.error, arithmetic);
  }
  return meter.figures();
}

}  // namespace

CaseSpec mlp_case(const Title& title, std::int64_t samples, const Widths& widths, const Chain& chain,
                  bool samples_fastest) {
  const std::size_t layers = widths.size() - 1;
  CaseSpec spec = case_spec(title, "mlp", std::to_string(samples), samples_fastest ? Layout::left : Layout::right);
  spec.tensors = {{"x", title.dtype, {samples, widths.front()}, Role::input, spec.layout},
                  output("y", title.dtype, {samples, widths.back()}, spec.layout)};
  for (std::size_t l = 0; l < layers; ++l) {
    const Content weights{Content::Kind::normal, 1 / std::sqrt(static_cast<double>(widths[l]))};
    const std::string number = std::to_string(l + 1);
    spec.tensors.push_back(
        {"w" + number, title.dtype, {widths[l + 1], widths[l]}, Role::input, Layout::right, weights});
    spec.tensors.push_back({"b" + number, title.dtype, {widths[l + 1]}});
    spec.flops += 2.0 * static_cast<double>(samples * widths[l] * widths[l + 1]);
  }
  for (const std::int64_t width : widths) spec.shape += "x" + std::to_string(width);
  spec.flops_formula = "2 samples sum(in out)";
  spec.bind = [=](const Exec& exec, const Tensors& t) -> Call {
    Mlp network;
    for (std::size_t l = 0; l < layers; ++l) network.layer(t[2 + 2 * l], t[3 + 2 * l], chain_after(l, layers, chain));
    return [=] { mlp(exec, network, t[0], t[1]); };
  };
  spec.check = [=](const Exec& exec, const Tensors& t) { return check_mlp(exec, t, widths, chain); };
  return spec;
}

}  // namespace mylos::bench
