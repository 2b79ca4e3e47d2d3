// A field code in time: a tracer that diffuses on a periodic 3-D grid, with sources and a limiter at the end of each
// step.
//
// The stencil is an ordinary Kokkos kernel of the code's own. What follows it is pointwise, and is one call:
//     c = land ? 0 : capacity * tanh(clamp(w + source(k), 0, inf) / capacity)
// as a chain of six steps that reads w once and writes c once. The chain is built before the time loop. Its operands
// broadcast: `source` has a value per level, `land` one per column of the grid.
//
// At the end the field is compared with that of plain loops, and must have stayed within its bounds. Diffusion alone
// must not change the total.
#include <Kokkos_Core.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include <mylos/mylos.hpp>

namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Field = Kokkos::View<double***, Kokkos::LayoutLeft, Exec>;
using Profile = Kokkos::View<double*, Kokkos::LayoutLeft, Exec>;
using Mask = Kokkos::View<bool***, Kokkos::LayoutLeft, Exec>;
using Cells = Kokkos::MDRangePolicy<Exec, Kokkos::Rank<3>>;

constexpr int nx = 48;
constexpr int ny = 40;
constexpr int nz = 24;
constexpr int steps = 40;
constexpr double diffusion = 0.12;  // times dt / dx^2: below 1/6, where the scheme is stable
constexpr double capacity = 0.8;    // what a cell can hold

KOKKOS_INLINE_FUNCTION double initial_value(int i, int j, int k) {
  return 1.0 + 0.5 * std::sin(0.3 * i) * std::cos(0.2 * j) + 0.01 * k;
}
KOKKOS_INLINE_FUNCTION double source_of_level(int k) { return k < nz / 4 ? 0.02 : -0.004; }
KOKKOS_INLINE_FUNCTION bool is_land(int i, int j) { return (i - 16) * (i - 16) + (j - 20) * (j - 20) < 49; }

KOKKOS_INLINE_FUNCTION int before(int i, int n) { return i == 0 ? n - 1 : i - 1; }
KOKKOS_INLINE_FUNCTION int after(int i, int n) { return i == n - 1 ? 0 : i + 1; }

/// Value of cell (i, j, k) after one step of diffusion. C is anything with c(i, j, k).
template <class C>
KOKKOS_INLINE_FUNCTION double diffused(const C& c, int i, int j, int k) {
  const double neighbours = c(before(i, nx), j, k) + c(after(i, nx), j, k) + c(i, before(j, ny), k) +
                            c(i, after(j, ny), k) + c(i, j, before(k, nz)) + c(i, j, after(k, nz));
  return c(i, j, k) + diffusion * (neighbours - 6.0 * c(i, j, k));
}

Cells all_cells(const Exec& exec) { return Cells(exec, {0, 0, 0}, {nx, ny, nz}); }

void initialise(const Exec& exec, const Field& c, const Profile& source, const Mask& land) {
  Kokkos::parallel_for(
      "initial values", all_cells(exec),
      KOKKOS_LAMBDA(int i, int j, int k) { c(i, j, k) = is_land(i, j) ? 0.0 : initial_value(i, j, k); });
  Kokkos::parallel_for(
      "source", Kokkos::RangePolicy<Exec>(exec, 0, nz), KOKKOS_LAMBDA(int k) { source(k) = source_of_level(k); });
  Kokkos::parallel_for(
      "land", Kokkos::MDRangePolicy<Exec, Kokkos::Rank<2>>(exec, {0, 0}, {nx, ny}),
      KOKKOS_LAMBDA(int i, int j) { land(i, j, 0) = is_land(i, j); });
}

void diffuse(const Exec& exec, const Field& c, const Field& w) {
  Kokkos::parallel_for(
      "diffuse", all_cells(exec), KOKKOS_LAMBDA(int i, int j, int k) { w(i, j, k) = diffused(c, i, j, k); });
}

double total_of(const Exec& exec, const Field& c) {
  double total = 0;
  Kokkos::parallel_reduce(
      "total", all_cells(exec), KOKKOS_LAMBDA(int i, int j, int k, double& sum) { sum += c(i, j, k); }, total);
  return total;
}

/// An array in the order of LayoutLeft.
struct PlainArray {
  double* data;
  KOKKOS_INLINE_FUNCTION double& operator()(int i, int j, int k) const { return data[i + nx * (j + ny * k)]; }
};

template <class Visit>
void for_each_cell(const Visit& visit) {
  for (int k = 0; k < nz; ++k)
    for (int j = 0; j < ny; ++j)
      for (int i = 0; i < nx; ++i) visit(i, j, k);
}

/// The whole run again by plain loops, cell by cell.
std::vector<double> plain_run() {
  std::vector<double> c_values(nx * ny * nz);
  std::vector<double> w_values(c_values.size());
  const PlainArray c{c_values.data()};
  const PlainArray w{w_values.data()};
  for_each_cell([&](int i, int j, int k) { c(i, j, k) = is_land(i, j) ? 0.0 : initial_value(i, j, k); });
  for (int step = 0; step < steps; ++step) {
    for_each_cell([&](int i, int j, int k) { w(i, j, k) = diffused(c, i, j, k); });
    for_each_cell([&](int i, int j, int k) {
      const double grown = std::max(w(i, j, k) + source_of_level(k), 0.0);
      c(i, j, k) = is_land(i, j) ? 0.0 : capacity * std::tanh(grown / capacity);
    });
  }
  return c_values;
}

struct Comparison {
  int wrong = 0;  // cells
  double worst = 0;
  double smallest = std::numeric_limits<double>::infinity();
  double largest = -std::numeric_limits<double>::infinity();
};

Comparison compare(const Field& field, std::vector<double> expected, double tolerance) {
  const auto c = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), field);
  const PlainArray plain{expected.data()};
  Comparison result;
  for_each_cell([&](int i, int j, int k) {
    const double difference = std::fabs(c(i, j, k) - plain(i, j, k));
    if (!(difference <= tolerance)) ++result.wrong;  // also where it is NaN
    result.worst = std::fmax(result.worst, difference);
    result.smallest = std::fmin(result.smallest, c(i, j, k));
    result.largest = std::fmax(result.largest, c(i, j, k));
  });
  return result;
}

int run() {
  const Exec exec;
  const Field c("c", nx, ny, nz);
  const Field w("w", nx, ny, nz);
  const Profile source("source", nz);
  const Mask land("land", nx, ny, 1);
  initialise(exec, c, source, land);

  // Views of extents (nz) and (nx, ny, 1) broadcast to (nx, ny, nz): aligned at the last dimension, as in NumPy.
  const mylos::Chain closure = mylos::add(source) | mylos::clamp(0) | mylos::mul(1 / capacity) | mylos::tanh() |
                               mylos::mul(capacity) | mylos::masked_fill(land, 0);

  bool conserved = true;
  double worst_drift = 0;
  exec.fence();
  const auto start = std::chrono::steady_clock::now();
  for (int step = 0; step < steps; ++step) {
    diffuse(exec, c, w);
    if (step % 10 == 0) {
      const double total = total_of(exec, c);
      const double drift = std::fabs(total_of(exec, w) - total) / total;
      conserved = conserved && drift <= 1e-12;
      worst_drift = std::fmax(worst_drift, drift);
    }
    mylos::map(exec, closure, w, c);
  }
  exec.fence();
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;

  // Neither diffusion nor the closure enlarges a difference between two fields, so it grows by no more than what a step
  // rounds: some twenty units in the last place of a value below 2.
  const double tolerance = steps * 20 * std::numeric_limits<double>::epsilon();
  const Comparison result = compare(c, plain_run(), tolerance);
  const bool bounded = result.smallest >= 0 && result.largest < capacity;

  std::printf("%d x %d x %d cells, %d steps in %.1f ms on %s; the closure ran as %s\n", nx, ny, nz, steps, time.count(),
              exec.name(), mylos::last_kernel());
  std::printf("total %.9g, values from %.6f to %.6f, capacity %g\n", total_of(exec, c), result.smallest, result.largest,
              capacity);
  std::printf("diffusion changed the total by %.1e of it at most, difference from plain loops %.1e at most\n",
              worst_drift, result.worst);

  const bool ok = bounded && conserved && result.wrong == 0;
  std::printf("%s\n", ok ? "ok" : "FAILED");
  return ok ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const Kokkos::ScopeGuard kokkos(argc, argv);
  return run();
}
