// Benchmarks of small networks over millions of samples: the whole network in one call, beside the same network layer
// by layer, each layer with its bias and activation in one call, in both layouts.
#include <Kokkos_Core.hpp>

#include <array>
#include <mylos/mylos.hpp>

#include "support/program.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Space = Workspace<Exec>;
using Entries = std::vector<Entry<Exec>>;
using Widths = std::vector<std::int64_t>;

/// Weights and biases that leave the values' size about as it is.
template <class T>
class Layers {
 public:
  Layers(const Widths& widths, const Chain& chain) {
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
      const auto in = static_cast<std::size_t>(widths[l]);
      const auto out = static_cast<std::size_t>(widths[l + 1]);
      const Kokkos::View<T**, Exec> weight("weight", out, in);
      const Kokkos::View<T*, Exec> bias("bias", out);
      const auto mirror = Kokkos::create_mirror_view(weight);
      for (std::size_t i = 0; i < out; ++i)
        for (std::size_t k = 0; k < in; ++k)
          mirror(i, k) = T((static_cast<double>((i * 31 + k * 17 + l * 7) % 41) - 20) / 12) / std::sqrt(T(in));
      Kokkos::deep_copy(weight, mirror);
      Kokkos::deep_copy(bias, T(0.125));
      weights_.push_back(weight);
      biases_.push_back(bias);
      const bool last = l + 2 == widths.size();
      network_.layer(weight, bias, last ? Chain() : chain);
    }
  }
  const Mlp& network() const { return network_; }

 private:
  std::vector<Kokkos::View<T**, Exec>> weights_;
  std::vector<Kokkos::View<T*, Exec>> biases_;
  Mlp network_;
};

/// n samples of so many features: samples next to each other, or features.
Tensor samples_of(const Tensor& all, std::int64_t n, std::int64_t features, bool samples_fastest) {
  const std::array<std::int64_t, 2> extents{n, features};
  const std::array<std::int64_t, 2> strides{samples_fastest ? 1 : features, samples_fastest ? n : 1};
  return Tensor(all.data, all.dtype, 2, extents.data(), strides.data());
}

template <class T>
Case network_case(Space& w, const Widths& widths, const Chain& chain, bool samples_fastest, bool by_layers) {
  const std::int64_t widest = *std::max_element(widths.begin(), widths.end());
  const std::int64_t n = std::min(w.rows * w.cols / widest, std::int64_t{1} << 24);
  if (n == 0) throw std::runtime_error("one sample has more features than the workspace has elements");
  const Placement all = Placement::right(w.rows, w.cols);
  const auto layers = std::make_shared<Layers<T>>(widths, chain);
  if (by_layers)
    for (int i = 0; i < 2; ++i) (void)w.extra(i, 0, all);  // makes it
  const Exec exec;
  const auto place = [=](const Tensor& memory, std::size_t l) {
    return samples_of(memory, n, widths[l], samples_fastest);
  };
  std::string shape = std::to_string(n);
  for (const std::int64_t width : widths) shape += "x" + std::to_string(width);
  return {shape,
          static_cast<double>(n * (widths.front() + widths.back())) * static_cast<double>(size_of(w.dtype)),
          [=, &w](int turn) {
            const Tensor x = place(w.x(turn, all), 0);
            const Tensor y = place(w.y(turn, all), widths.size() - 1);
            if (!by_layers) return mlp(exec, layers->network(), x, y);
            Tensor from = x;
            for (int l = 0; l < layers->network().size(); ++l) {
              const Mlp::Layer& layer = layers->network()[l];
              const bool last = l + 1 == layers->network().size();
              const Tensor to = last ? y : place(w.extra(l % 2, turn, all), static_cast<std::size_t>(l) + 1);
              mlp(exec, Mlp().layer(layer.weight, layer.bias, layer.chain), from, to);
              from = to;
            }
          },
          {}};
}

void add(Entries& entries, const std::string& name, DType dtype, const Widths& widths, const Chain& chain) {
  for (const bool samples_fastest : {false, true})
    for (const bool by_layers : {false, true}) {
      const auto make = [=](Space& w) {
        return w.dtype == DType::f64 ? network_case<double>(w, widths, chain, samples_fastest, by_layers)
                                     : network_case<float>(w, widths, chain, samples_fastest, by_layers);
      };
      const std::string full = name + (samples_fastest ? "_columns" : "_rows");
      entries.push_back(
          {full, dtype, by_layers ? "by layers" : "automatic", make, Values::normal, Path::automatic, Clock::device});
      if (!by_layers) entries.push_back({full, dtype, "generic", make, Values::normal, Path::generic, Clock::device});
    }
}

void add_all(Entries& entries, DType dtype) {
  add(entries, "mlp_8_32_32_4", dtype, {8, 32, 32, 4}, relu());
  add(entries, "mlp_8_32_32_4_tanh", dtype, {8, 32, 32, 4}, tanh());
  add(entries, "mlp_16_64_64_8", dtype, {16, 64, 64, 8}, relu());
  add(entries, "mlp_32_128_128_32", dtype, {32, 128, 128, 32}, relu());
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  using namespace mylos::bench;
  constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  CLI::App app(
      "Times Mylos' small networks, whole and layer by layer, and compares them with the copy bandwidth of the same "
      "run. At most 2^24 samples, as many as fit into rows x columns elements at the widest layer.",
      "mylos_bench_mlp");
  return run_benchmarks<Exec>(app, {on_host ? 4096 : 32768, on_host ? 8192 : 16384}, argc, argv,
                              [](Entries& entries, mylos::DType dtype, const Options&) { add_all(entries, dtype); });
}
