// A network as its definition has it, in long double, with the error that mlp.hpp allows carried along.
#pragma once

#include <stdexcept>
#include <vector>

#include "reference/pointwise.hpp"

namespace mylos::test::reference {

struct MlpStepValues {
  StepId id;
  double parameter[2];
  std::vector<double> operand[2];  // one value, or one per feature

  double of(int i, std::size_t feature) const {
    if (operand[i].empty()) return 0;
    return operand[i][operand[i].size() == 1 ? 0 : feature];
  }
};

struct MlpLayerValues {
  std::size_t in;
  std::size_t out;
  std::vector<double> weight;  // out x in
  std::vector<double> bias;    // of `out`, or empty
  std::vector<MlpStepValues> steps;
};

struct MlpValue {
  long double value;
  long double error;  // that is allowed
};

/// The largest derivative of a step, by its definition; for those that the tests chain.
inline long double derivative_bound(StepId id, const MlpValue& x, double p, double a) {
  switch (id) {
    case StepId::relu:
    case StepId::tanh:
    case StepId::softplus:
    case StepId::abs:
    case StepId::add:
    case StepId::sub:
    case StepId::rsub:
    case StepId::min:
    case StepId::max:
    case StepId::clamp:
    case StepId::where:
      return 1;
    case StepId::sigmoid:
      return 0.25L;
    case StepId::leaky_relu:
    case StepId::elu:
      return std::fmax(1.0L, std::fabs(static_cast<long double>(p)));
    case StepId::prelu:
      return std::fmax(1.0L, std::fabs(static_cast<long double>(a)));
    case StepId::gelu:
    case StepId::silu:
    case StepId::mish:
      return 1.2L;
    case StepId::mul:
      return std::fabs(static_cast<long double>(a));
    case StepId::square:
      return 2 * (std::fabs(x.value) + x.error);
    case StepId::sign:
      return 0;
    default:
      throw std::logic_error("reference/mlp.hpp: the derivative of this step is not bounded here");
  }
}

/// u: half a unit of the compute type at 1; format: of the compute type.
inline void apply_step(const MlpStepValues& step, std::size_t feature, const Format& format, MlpValue& v) {
  const double p = step.parameter[0];
  const double q = step.parameter[1];
  const double a = step.of(0, feature);
  const double b = step.of(1, feature);
  using L = long double;
  const L result = evaluate<L>(step.id, v.value, L(p), L(q), L(a), L(b));
  const StepBound bound = bound_of(step.id);
  L error = derivative_bound(step.id, v, p, a) * v.error;
  if (std::isfinite(result)) error += L(bound.ulp) * ulp_of(std::fabs(result) + error, format);
  if (std::isfinite(v.value)) error += L(bound.input_ulp) * ulp_of(std::fabs(v.value) + v.error, format);
  v = {result, error};
}

/// The last layer's values for one sample.
inline std::vector<MlpValue> mlp(const std::vector<MlpLayerValues>& layers, const std::vector<double>& x, bool f64) {
  const Format format = format_of(f64 ? DType::f64 : DType::f32);
  const long double u = f64 ? 0x1p-53L : 0x1p-24L;
  const long double tiny = f64 ? 0x1p-1000L : 0x1p-120L;
  std::vector<MlpValue> values;
  for (const double v : x) values.push_back({v, 0});
  for (const MlpLayerValues& layer : layers) {
    std::vector<MlpValue> next;
    for (std::size_t i = 0; i < layer.out; ++i) {
      long double sum = layer.bias.empty() ? 0.0L : layer.bias[i];
      long double size = std::fabs(sum);
      long double error = 0;
      long double largest = 0;
      long double inputs = 0;
      for (std::size_t k = 0; k < layer.in; ++k) {
        const long double w = layer.weight[i * layer.in + k];
        largest = std::fmax(largest, std::fabs(w));
        inputs += std::fabs(values[k].value);
        sum += w * values[k].value;
        size += std::fabs(w * values[k].value);
        error += std::fabs(w) * values[k].error;
      }
      error += (2 * static_cast<long double>(layer.in) + 32) * u * size + (f64 ? 0 : u / 8) * largest * inputs + tiny;
      MlpValue v{sum, std::isfinite(sum) ? error : 0};
      for (const MlpStepValues& step : layer.steps) apply_step(step, i, format, v);
      next.push_back(v);
    }
    values = next;
  }
  return values;
}

}  // namespace mylos::test::reference
