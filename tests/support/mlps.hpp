// Runs a network on every kernel of an execution space and holds each element to the bound that mlp.hpp states.
#pragma once

#include <functional>
#include <memory>
#include <mylos/mlp_device.hpp>

#include "mlp/candidates.hpp"
#include "reference/mlp.hpp"
#include "support/reductions.hpp"

namespace mylos::test {

/// The generic kernel, every hand-written one by its name, and what a user's call chooses ("").
template <class Exec>
std::vector<std::string> mlp_kernels() {
  mylos::detail::CandidateList<mylos::detail::MlpProblem> list;
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) list = cuda::mlp_candidates();
#endif
  if constexpr (on_host<Exec>) list = host::mlp_candidates();
  std::vector<std::string> names{"generic", ""};
  for (int i = 0; i < list.size; ++i) names.emplace_back(list.begin[i].name);
  return names;
}

/// Chains that the layers of a case take in turn.
enum class MlpChain { none, relu, tanh, gelu, scaled, several };

struct MlpCase {
  std::vector<std::int64_t> widths;  // in, then each layer's out
  std::vector<std::int64_t> samples{100};
  int axis = -1;  // where the features are, among the samples' dimensions
  TensorSpec x{};
  TensorSpec y{};
  TensorSpec weight{};
  std::vector<MlpChain> chains{MlpChain::relu};
  bool biased = true;
  double scale = 1;       // of weights and biases
  double bias_scale = 1;  // of biases besides

  std::string text() const {
    std::string s = std::string(name_of(x.dtype)) + " -> " + name_of(y.dtype) + ", weights " + name_of(weight.dtype);
    for (const std::int64_t w : widths) s += " " + std::to_string(w);
    s += ", samples";
    for (const std::int64_t n : samples) s += " " + std::to_string(n);
    return s + ", axis " + std::to_string(axis);
  }
  bool f64() const { return x.dtype == DType::f64 || y.dtype == DType::f64 || weight.dtype == DType::f64; }
  std::vector<std::int64_t> shape(std::int64_t features) const {
    std::vector<std::int64_t> all = samples;
    const auto rank = static_cast<std::ptrdiff_t>(samples.size()) + 1;
    all.insert(all.begin() + (axis < 0 ? axis + rank : axis), features);
    return all;
  }
};

/// Values in [-1, 1).
inline double mlp_noise(std::int64_t i) { return mixed_value(i) / 4; }

/// The layers of a case, on the device and as numbers.
template <class Exec>
class MlpLayers {
 public:
  explicit MlpLayers(const MlpCase& c) : f64_(c.f64()) {
    for (std::size_t l = 0; l + 1 < c.widths.size(); ++l)
      append(c, static_cast<std::int64_t>(l), c.widths[l], c.widths[l + 1], c.chains[l % c.chains.size()]);
  }
  const Mlp& network() const { return network_; }
  const std::vector<reference::MlpLayerValues>& values() const { return values_; }

 private:
  Data<Exec>& make(const TensorSpec& spec, const std::vector<std::int64_t>& shape,
                   const std::function<double(std::int64_t)>& value, std::vector<double>& stored) {
    owned_.push_back(std::make_unique<Data<Exec>>(spec, shape));
    Data<Exec>& data = *owned_.back();
    std::int64_t i = 0;
    for_each_element(shape, {data.tensor()}, [&](const std::vector<std::int64_t>& offset) {
      data.set(offset[0], reference::round_to(value(i++), spec.dtype));
      stored.push_back(data.value(offset[0]));
    });
    data.upload();
    return data;
  }

  void append(const MlpCase& c, std::int64_t l, std::int64_t in, std::int64_t out, MlpChain chain) {
    reference::MlpLayerValues layer{static_cast<std::size_t>(in), static_cast<std::size_t>(out), {}, {}, {}};
    const double size = c.scale * 2 / std::sqrt(static_cast<double>(in));
    const Data<Exec>& weight = make(
        c.weight, {out, in}, [&](std::int64_t i) { return size * mlp_noise(i + 1000 * l); }, layer.weight);
    Tensor bias;
    if (c.biased) {
      TensorSpec spec;
      spec.dtype = c.weight.dtype;
      spec.step = 2;
      bias = make(
                 spec, {out}, [&](std::int64_t i) { return c.scale * c.bias_scale * mlp_noise(i + 77 * l + 5); },
                 layer.bias)
                 .tensor();
    }
    network_.layer(weight.tensor(), bias, chain_of(chain, l, out, layer));
    values_.push_back(layer);
  }

  double parameter(double v) const { return f64_ ? v : static_cast<double>(static_cast<float>(v)); }

  /// An operand of one value per feature.
  Tensor operand(std::int64_t out, std::int64_t seed, reference::MlpStepValues& step) {
    return make(
               TensorSpec{DType::f32}, {out}, [=](std::int64_t i) { return mlp_noise(i + seed); }, step.operand[0])
        .tensor();
  }

  Chain chain_of(MlpChain kind, std::int64_t l, std::int64_t out, reference::MlpLayerValues& layer) {
    const auto plain = [&](StepId id, double p = 0, double q = 0) {
      layer.steps.push_back({id, {parameter(p), parameter(q)}, {}});
      return Chain().append(id, p, q, nullptr, 0);
    };
    switch (kind) {
      case MlpChain::none:
        return {};
      case MlpChain::relu:
        return plain(StepId::relu);
      case MlpChain::tanh:
        return plain(StepId::tanh);
      case MlpChain::gelu:
        return plain(StepId::gelu);
      case MlpChain::scaled: {
        reference::MlpStepValues step{StepId::mul, {0, 0}, {}};
        const Chain all = mul(operand(out, 31 * l, step)) | leaky_relu(0.3);
        layer.steps.push_back(step);
        plain(StepId::leaky_relu, 0.3);
        return all;
      }
      case MlpChain::several: {
        const Chain first = plain(StepId::sigmoid);
        reference::MlpStepValues step{StepId::add, {0, 0}, {}};
        const Chain second = add(operand(out, 13 * l, step));
        layer.steps.push_back(step);
        layer.steps.push_back({StepId::mul, {0, 0}, {{parameter(1.7)}, {}}});
        const Chain third = mul(1.7);
        return first | second | third | plain(StepId::clamp, -1, 1.5);
      }
    }
    return {};
  }

  bool f64_;
  std::vector<std::unique_ptr<Data<Exec>>> owned_;
  Mlp network_;
  std::vector<reference::MlpLayerValues> values_;
};

template <class Exec>
class MlpCheck {
 public:
  /// value(feature, sample) of x.
  explicit MlpCheck(
      const MlpCase& c, const std::function<double(std::int64_t, std::int64_t)>& value =
                            [](std::int64_t k, std::int64_t n) { return mlp_noise(k + 131 * n); })
      : case_(c), layers_(c), x_(c.x, c.shape(c.widths.front())), y_(c.y, c.shape(c.widths.back())) {
    x_offsets_ = offsets_of(x_, c.widths.front());
    y_offsets_ = offsets_of(y_, c.widths.back());
    for (std::size_t n = 0; n < x_offsets_.size(); ++n)
      for (std::size_t k = 0; k < x_offsets_[n].size(); ++k)
        x_.set(x_offsets_[n][k],
               reference::round_to(value(static_cast<std::int64_t>(k), static_cast<std::int64_t>(n)), c.x.dtype));
    x_.upload();
    exact_.resize(x_offsets_.size());
    in_parallel(static_cast<std::int64_t>(x_offsets_.size()), [&](std::int64_t n) {
      std::vector<double> sample;
      for (const std::int64_t at : x_offsets_[static_cast<std::size_t>(n)]) sample.push_back(x_.value(at));
      exact_[static_cast<std::size_t>(n)] = reference::mlp(layers_.values(), sample, c.f64());
    });
  }

  void check() {
    const Exec exec;
    for (const std::string& kernel : mlp_kernels<Exec>()) {
      y_.poison();
      if (!run_on(kernel, exec, [&] { mlp(exec, layers_.network(), x_.tensor(), y_.tensor(), case_.axis); })) continue;
      compare(kernel.empty() ? "automatic: " + std::string(last_kernel()) : kernel);
      if (testing::Test::HasFailure()) return;  // the first wrong case is enough to read
    }
  }

  /// Holds what is in y to the bound.
  void compare(const std::string& kernel) {
    y_.download();
    Comparison comparison(std::string(Exec::name()) + " " + kernel + " " + case_.text(), case_.y.dtype);
    std::int64_t elements = 0;
    for (std::size_t n = 0; n < y_offsets_.size(); ++n)
      for (std::size_t i = 0; i < y_offsets_[n].size(); ++i) {
        const reference::MlpValue& e = exact_[n][i];
        Accepted accepted{static_cast<double>(e.value), static_cast<double>(e.value), std::isnan(e.value)};
        if (std::isfinite(e.value))
          accepted = {reference::round_to(e.value - e.error, case_.y.dtype),
                      reference::round_to(e.value + e.error, case_.y.dtype), false};
        const std::int64_t at = y_offsets_[n][i];
        comparison.look({elements++, x_.value(x_offsets_[n][0]), y_.value(at), y_.bits(at),
                         static_cast<double>(e.value), accepted});
      }
    EXPECT_TRUE(comparison.result());
    EXPECT_EQ(y_.written(), elements) << kernel << " wrote beside y: " << case_.text();
  }

  const Mlp& network() const { return layers_.network(); }
  Data<Exec>& x() { return x_; }
  Data<Exec>& y() { return y_; }

 private:
  /// By sample, then by feature.
  std::vector<std::vector<std::int64_t>> offsets_of(const Data<Exec>& data, std::int64_t features) const {
    std::vector<std::vector<std::int64_t>> all;
    std::int64_t count = 1;
    for (const std::int64_t n : case_.samples) count *= n;
    all.resize(static_cast<std::size_t>(count));
    std::vector<std::int64_t> one = case_.shape(1);
    const Data<Exec> numbers(TensorSpec{DType::i64}, one);  // its offsets number the samples
    for_each_element(case_.shape(features), {data.tensor(), numbers.tensor()},
                     [&](const std::vector<std::int64_t>& offset) {
                       all[static_cast<std::size_t>(offset[1])].push_back(offset[0]);
                     });
    return all;
  }

  MlpCase case_;
  MlpLayers<Exec> layers_;
  Data<Exec> x_;
  Data<Exec> y_;
  std::vector<std::vector<std::int64_t>> x_offsets_;
  std::vector<std::vector<std::int64_t>> y_offsets_;
  std::vector<std::vector<reference::MlpValue>> exact_;
};

}  // namespace mylos::test
