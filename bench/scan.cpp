// Benchmarks of the scans: cumsum and cumprod on the shapes of KernelBench, every way, the other scans, strided axes,
// odd, short and long rows, and what a small call costs.
#include <Kokkos_Core.hpp>

#include <mylos/mylos.hpp>

#include "support/program.hpp"
#include "support/shapes.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Space = Workspace<Exec>;
using Entries = std::vector<Entry<Exec>>;
using Call = std::function<void(const Exec&, const Tensor& x, const Tensor& y, const Tensor& mask)>;

/// As the library chooses and as the generic kernel does it.
void add(Entries& entries, const std::string& name, DType dtype, const Shape& shape, const Call& call,
         bool masked = false) {
  const auto make = [=](Space& w) {
    const Shape own = fitted(shape, w);
    const Exec exec;
    const auto size = static_cast<double>(size_of(w.dtype));
    const double bytes = static_cast<double>(count_of(own)) * (2 * size + (masked ? 1 : 0));
    const Placement all = Placement::right(1, count_of(own));
    if (masked) (void)w.mask(0, all);
    return Case{text_of(own),
                bytes,
                [&w, own, exec, all, call, masked](int turn) {
                  call(exec, seen_as(w.x(turn, all), own), seen_as(w.y(turn, all), own),
                       masked ? seen_as(w.mask(turn, all), own) : Tensor());
                },
                {}};
  };
  entries.push_back({name, dtype, "automatic", make, Values::normal, Path::automatic, Clock::device});
  entries.push_back({name, dtype, "generic", make, Values::normal, Path::generic, Clock::device});
}

Call along(int axis, Scan scan = {}) {
  return [=](const Exec& exec, const Tensor& x, const Tensor& y, const Tensor& mask) {
    cumsum(exec, x, y, axis, scan, mask);
  };
}

void add_all(Entries& entries, DType dtype, const Shape& large) {
  add(entries, "cumsum", dtype, large, along(-1));
  add(entries, "cumsum_reverse", dtype, large, along(-1, Scan::reverse));
  add(entries, "cumsum_exclusive", dtype, large, along(-1, Scan::exclusive));
  add(entries, "cumsum_masked", dtype, large, along(-1), true);
  add(entries, "cumsum_strided", dtype, large, along(0));
  add(entries, "cumsum_channels", dtype, {16, 64, 512, 512}, along(1));
  add(entries, "cumprod", dtype, large,
      [](const Exec& exec, const Tensor& x, const Tensor& y, const Tensor&) { cumprod(exec, x, y); });
  add(entries, "cummax", dtype, large,
      [](const Exec& exec, const Tensor& x, const Tensor& y, const Tensor&) { cummax(exec, x, y); });
  add(entries, "logcumsumexp", dtype, large,
      [](const Exec& exec, const Tensor& x, const Tensor& y, const Tensor&) { logcumsumexp(exec, x, y); });
  add(entries, "cumsum_chained", dtype, large, [](const Exec& exec, const Tensor& x, const Tensor& y, const Tensor&) {
    cumsum(exec, x, y, -1, {}, {}, square(), mul(0.5));
  });
  add(entries, "cumsum_odd", dtype, {large[0], large[1] - 1}, along(-1));
  add(entries, "cumsum_100", dtype, {std::int64_t{1} << 40, 100}, along(-1));
  add(entries, "cumsum_1000", dtype, {std::int64_t{1} << 40, 1000}, along(-1));
  add(entries, "cumsum_one_row", dtype, {1, count_of(large)}, along(-1));
}

/// 128 x 128: nothing but the call itself.
void add_latencies(Entries& entries) {
  for (const Path path : {Path::automatic, Path::generic})
    for (const Clock clock : {Clock::enqueue, Clock::sync})
      entries.push_back({path == Path::automatic ? "cumsum_128x128" : "cumsum_128x128_generic", DType::f32,
                         clock == Clock::sync ? "sync" : "enqueue",
                         [](Space&) {
                           const Kokkos::View<float**, Exec> x("x", 128, 128);
                           const Kokkos::View<float**, Exec> y("y", 128, 128);
                           const Exec exec;
                           return Case{"128x128", 0, [=](int) { cumsum(exec, x, y); }, {}};
                         },
                         Values::normal, path, clock});
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  using namespace mylos::bench;
  constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  CLI::App app(
      "Times Mylos' scans and compares them with the copy bandwidth of the same run. Shapes that do not fit into rows "
      "x "
      "columns elements get fewer of their slowest dimension.",
      "mylos_bench_scan");
  return run_benchmarks<Exec>(app, {on_host ? 4096 : 32768, on_host ? 16384 : 32768}, argc, argv,
                              [](Entries& entries, mylos::DType dtype, const Options& options) {
                                if (dtype == mylos::DType::f32) add_latencies(entries);
                                add_all(entries, dtype, {options.rows, options.cols});
                              });
}
