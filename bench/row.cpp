// Benchmarks of the row skeleton: softmax and the normalisations on the shapes of KernelBench and of host tests,
// chains, short, odd and strided rows, a sweep over the length of a row, and what a small call costs.
#include <Kokkos_Core.hpp>

#include <mylos/mylos.hpp>

#include "support/program.hpp"
#include "support/shapes.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Space = Workspace<Exec>;
using Entries = std::vector<Entry<Exec>>;
using Call = std::function<void(const Exec&, const Tensor& x, const Tensor& y, Space&)>;

/// As the library chooses and as the generic kernel does it.
void add(Entries& entries, const std::string& name, DType dtype, const Shape& shape, const Call& call) {
  const auto make = [=](Space& w) {
    const Shape own = fitted(shape, w);
    const Exec exec;
    const double bytes = 2 * static_cast<double>(count_of(own)) * static_cast<double>(size_of(w.dtype));
    const Placement all = Placement::right(1, count_of(own));
    return Case{text_of(own),
                bytes,
                [&w, own, exec, all, call](int turn) {
                  call(exec, seen_as(w.x(turn, all), own), seen_as(w.y(turn, all), own), w);
                },
                {}};
  };
  entries.push_back({name, dtype, "automatic", make, Values::normal, Path::automatic, Clock::device});
  entries.push_back({name, dtype, "generic", make, Values::normal, Path::generic, Clock::device});
}

const Call call_softmax = [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { softmax(exec, x, y); };

void add_softmax(Entries& entries, DType dtype, const Shape& large) {
  add(entries, "softmax", dtype, large, call_softmax);
  add(entries, "log_softmax", dtype, large,
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { log_softmax(exec, x, y); });
  add(entries, "gelu_softmax", dtype, large,
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { softmax(exec, x, y, -1, gelu()); });
  add(entries, "mask_softmax", dtype, {1 << 20, 1024},
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space& w) {
        softmax(exec, x, y, -1, mul(0.125) | mylos::add(w.row(0, w.dtype, 1024)));
      });
  add(entries, "causal_softmax", dtype, {2048, 1024, 1024},
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { causal_softmax(exec, x, y); });
  add(entries, "softmax_1000000", dtype, {64, 1000000}, call_softmax);
  add(entries, "log_softmax_1000000", dtype, {64, 1000000},
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { log_softmax(exec, x, y); });
  add(entries, "softmax_64", dtype, {4000000, 64}, call_softmax);
  add(entries, "softmax_256", dtype, {1000000, 256}, call_softmax);
  add(entries, "softmax_4096", dtype, {65536, 4096}, call_softmax);
  add(entries, "softmax_channels", dtype, {112, 64, 512, 512},
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { softmax(exec, x, y, 1); });
}

/// `suffix` and the shapes of images and of a layer norm.
void add_norms(Entries& entries, DType dtype, const std::string& suffix, const Shape& images, const Shape& layers) {
  const auto weights = [](Space& w, std::int64_t n) { return w.row(0, w.dtype, n); };
  const auto biases = [](Space& w, std::int64_t n) { return w.row(1, w.dtype, n); };
  add(entries, "instance_norm" + suffix, dtype, images,
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { instance_norm(exec, x, y); });
  add(entries, "group_norm" + suffix, dtype, images, [=](const Exec& exec, const Tensor& x, const Tensor& y, Space& w) {
    group_norm(exec, x, y, 8, {weights(w, x.extent[1]), biases(w, x.extent[1])});
  });
  add(entries, "rms_norm_channels" + suffix, dtype, images,
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { rms_norm(exec, x, y, 1, {}, 1e-5); });
  add(entries, "rms_norm" + suffix, dtype, layers, [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) {
    rms_norm(exec, x, y, {-3, -2, -1});
  });
  add(entries, "layer_norm" + suffix, dtype, layers, [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) {
    layer_norm(exec, x, y, {-3, -2, -1});
  });
  add(entries, "batch_norm_training" + suffix, dtype, images,
      [=](const Exec& exec, const Tensor& x, const Tensor& y, Space& w) {
        batch_norm_training(exec, x, y, {}, {weights(w, x.extent[1]), biases(w, x.extent[1])});
      });
  add(entries, "batch_norm" + suffix, dtype, images, [=](const Exec& exec, const Tensor& x, const Tensor& y, Space& w) {
    const std::int64_t c = x.extent[1];
    batch_norm(exec, x, biases(w, c), weights(w, c), y, {weights(w, c), biases(w, c)});
  });
}

void add_others(Entries& entries, DType dtype, const Shape& large) {
  add(entries, "layer_norm_4096", dtype, {65536, 4096},
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space& w) {
        layer_norm(exec, x, y, -1, {w.row(0, w.dtype, 4096), w.row(1, w.dtype, 4096)});
      });
  add(entries, "l1_normalize", dtype, {32768, 65535},
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { l1_normalize(exec, x, y); });
  add(entries, "l2_normalize", dtype, {32768, 65535},
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { l2_normalize(exec, x, y); });
  add(entries, "frobenius_normalize", dtype, large,
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { frobenius_normalize(exec, x, y); });
  add(entries, "local_response_norm", dtype, {16, 64, 128, 128},
      [](const Exec& exec, const Tensor& x, const Tensor& y, Space&) { local_response_norm(exec, x, y, 5); });
}

/// Rows of every power of two and of a length beside it, as many as the workspace holds.
void add_sweep(Entries& entries, DType dtype) {
  for (std::int64_t length = 2; length <= 4194304; length *= 2)
    for (const std::int64_t n : {length, length + length / 4 + 1})
      add(entries, "sweep_" + std::to_string(n), dtype, {std::int64_t{1} << 40, n}, call_softmax);
}

/// 128 x 128: nothing but the call itself.
void add_latencies(Entries& entries) {
  for (const Path path : {Path::automatic, Path::generic})
    for (const Clock clock : {Clock::enqueue, Clock::sync})
      entries.push_back({path == Path::automatic ? "softmax_128x128" : "softmax_128x128_generic", DType::f32,
                         clock == Clock::sync ? "sync" : "enqueue",
                         [](Space&) {
                           const Kokkos::View<float**, Exec> x("x", 128, 128);
                           const Kokkos::View<float**, Exec> y("y", 128, 128);
                           const Exec exec;
                           return Case{"128x128", 0, [=](int) { softmax(exec, x, y); }, {}};
                         },
                         Values::normal, path, clock});
}

void add_all(Entries& entries, DType dtype, const Shape& large, bool sweep) {
  if (sweep) return add_sweep(entries, dtype);
  if (dtype == DType::f32) add_latencies(entries);
  add_softmax(entries, dtype, large);
  add_norms(entries, dtype, "", {112, 64, 512, 512}, {16, 64, 256, 256});
  add_norms(entries, dtype, "_small", {16, 64, 128, 128}, {16, 64, 128, 128});
  add_others(entries, dtype, large);
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  using namespace mylos::bench;
  constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  CLI::App app(
      "Times Mylos' row operators and compares them with the copy bandwidth of the same run. Shapes that do not fit "
      "into rows x columns elements get fewer of their slowest dimension.",
      "mylos_bench_row");
  bool sweep = false;
  app.add_flag("--sweep", sweep, "softmax over rows of 2 to 4194304 elements, and nothing else");
  return run_benchmarks<Exec>(app, {4096, on_host ? 16384 : 393216}, argc, argv,
                              [&](Entries& entries, mylos::DType dtype, const Options& options) {
                                add_all(entries, dtype, {options.rows, options.cols}, sweep);
                              });
}
