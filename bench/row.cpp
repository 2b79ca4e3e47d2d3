// Benchmarks of the row skeleton: softmax and the normalisations on the shapes of KernelBench and of host tests,
// chains, short, odd and strided rows, a sweep over the length of a row, and what a small call costs.
#include <Kokkos_Core.hpp>

#include <mylos/mylos.hpp>

#include "support/command_line.hpp"
#include "support/session.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Space = Workspace<Exec>;
using Entries = std::vector<Entry<Exec>>;
using Shape = std::vector<std::int64_t>;
using Call = std::function<void(const Exec&, const Tensor& x, const Tensor& y, Space&)>;

std::int64_t count_of(const Shape& shape) {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}

/// The shape with as many of its slowest dimension as the workspace holds.
Shape fitted(Shape shape, const Space& w) {
  const std::int64_t room = w.rows * w.cols;
  const std::int64_t each = count_of(shape) / shape[0];
  if (each > room) throw std::runtime_error("one of the slowest dimension is larger than the workspace");
  shape[0] = std::min(shape[0], room / each);
  return shape;
}

std::string text_of(const Shape& shape) {
  std::string text;
  for (const std::int64_t extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

Tensor seen_as(const Tensor& all, const Shape& shape) {
  return Tensor(all.data, all.dtype, static_cast<int>(shape.size()), shape.data(), nullptr);
}

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

#ifdef KOKKOS_ENABLE_CUDA
__global__ void empty_kernel() {}
void bare_launch(const Kokkos::Cuda& exec) { empty_kernel<<<1, 128, 0, exec.cuda_stream()>>>(); }
#endif

struct Nothing {
  KOKKOS_FUNCTION void operator()(int) const {}
};
template <class E>
void bare_launch(const E& exec) {
  Kokkos::parallel_for("empty", Kokkos::RangePolicy<E>(exec, 0, exec.concurrency()), Nothing());
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

Entries all_entries(const std::vector<std::string>& dtypes, const Shape& large, bool sweep) {
  Entries entries;
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::f64}) {
    if (std::find(dtypes.begin(), dtypes.end(), name_of(dtype)) == dtypes.end()) continue;
    if (sweep) {
      add_sweep(entries, dtype);
      continue;
    }
    if (dtype == DType::f32) add_latencies(entries);
    add_softmax(entries, dtype, large);
    add_norms(entries, dtype, "", {112, 64, 512, 512}, {16, 64, 256, 256});
    add_norms(entries, dtype, "_small", {16, 64, 128, 128}, {16, 64, 128, 128});
    add_others(entries, dtype, large);
  }
  return entries;
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  using namespace mylos::bench;
  constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  std::int64_t rows = 4096;
  std::int64_t cols = on_host ? 16384 : 393216;
  int samples = 15;
  bool sweep = false;
  std::vector<std::string> dtypes{"f32"};
  std::string filter;
  std::string out;
  CLI::App app(
      "Times Mylos' row operators and compares them with the copy bandwidth of the same run. Shapes that do not fit "
      "into "
      "rows x columns elements get fewer of their slowest dimension.",
      "mylos_bench_row");
  app.add_option("--rows", rows, "Rows")
      ->capture_default_str()
      ->envname("MYLOS_BENCH_ROWS")
      ->check(CLI::PositiveNumber);
  app.add_option("--cols", cols, "Columns")
      ->capture_default_str()
      ->envname("MYLOS_BENCH_COLS")
      ->check(CLI::PositiveNumber);
  app.add_option("--dtype", dtypes, "Any of f32,f16,bf16,f64")
      ->capture_default_str()
      ->delimiter(',')
      ->check(CLI::IsMember({"f32", "f16", "bf16", "f64"}));
  app.add_option("--samples", samples, "Samples of each case")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--filter", filter, "Only cases whose name/dtype/path matches this regular expression");
  app.add_flag("--sweep", sweep, "softmax over rows of 2 to 4194304 elements, and nothing else");
  app.add_option("--mylos_out", out, "File for the compact JSON");
  app.footer("Options of Google Benchmark (--benchmark_out=FILE, ...) and of Kokkos (--kokkos-help) are taken too.");

  return run_program(app, argc, argv, {"--benchmark_"}, [&] {
    const Exec exec;
    Session<Exec> session;
    session.report.program = app.get_name();
    session.exec = exec;
    session.rows = rows;
    session.cols = cols;
    session.samples = samples;
    session.bare_launch = [exec] { bare_launch(exec); };
    const Entries entries = all_entries(dtypes, {rows, cols}, sweep);
    const std::size_t ran = run_session(session, entries, filter, argc, argv);
    if (ran == 0) throw std::runtime_error("no case matches the filter");
    if (!out.empty()) write_json(session.report, out);
    return 0;
  });
}
