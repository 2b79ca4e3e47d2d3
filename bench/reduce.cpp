// Benchmarks of the reductions: every reduction along rows, along columns and over all of x; the middle axis of a box
// with an odd last extent; a sweep over aspect ratios; chains; and what a small call costs.
#include <Kokkos_Core.hpp>

#include <mylos/mylos.hpp>

#include "support/program.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Space = Workspace<Exec>;
using Entries = std::vector<Entry<Exec>>;

/// A box of at most rows x cols elements in the workspace's memory, and what it is reduced to.
struct Box3 {
  std::int64_t extent[3];
  int axis;  // -1: all
  std::int64_t count() const { return extent[0] * extent[1] * extent[2]; }
  std::string shape() const {
    return std::to_string(extent[0]) + "x" + std::to_string(extent[1]) + "x" + std::to_string(extent[2]);
  }
};

Case reduce_case(Space& w, ReductionId id, DType result, double p, const Box3& box, const Chain& before = {}) {
  if (box.count() > w.rows * w.cols) throw std::runtime_error("more elements than rows x cols");
  std::int64_t kept[2] = {};
  int rank = 0;
  std::int64_t results = 1;
  for (int d = 0; d < 3 && box.axis >= 0; ++d)
    if (d != box.axis) {
      kept[rank++] = box.extent[d];
      results *= box.extent[d];
    }
  const Placement all = Placement::right(w.rows, w.cols);
  const auto bytes = static_cast<std::int64_t>(size_of(w.dtype));
  const auto result_bytes = static_cast<std::int64_t>(size_of(result));
  if (results * result_bytes > w.rows * w.cols * bytes) throw std::runtime_error("results do not fit the output");
  const Axes axes = box.axis < 0 ? Axes() : Axes(box.axis);
  const Exec exec;
  return {box.shape(),
          static_cast<double>(box.count() * bytes + results * result_bytes),
          [=, &w](int turn) {
            const Tensor x(w.x(turn, all).data, w.dtype, 3, box.extent, nullptr);
            const Tensor y(w.y(turn, all).data, result, rank, kept, nullptr);
            mylos::detail::reduce(id, "reduce", mylos::detail::Execution(exec), x, y, Tensor(), axes, p, before, {});
          },
          {}};
}

struct Row {
  const char* name;
  ReductionId id;
  mylos::detail::ResultKind kind;
  double p;
};

const std::vector<Row>& table() {
  using Kind = mylos::detail::ResultKind;
  static const std::vector<Row> rows{
#define MYLOS_REDUCTION(name, result, ...) {#name, ReductionId::name, Kind::result, 0},
#define MYLOS_REDUCTION_1(name, p, dp, result, ...) {#name, ReductionId::name, Kind::result, dp},
#include <mylos/reductions.def>
  };
  return rows;
}

DType dtype_of_result(mylos::detail::ResultKind kind, DType value) {
  using Kind = mylos::detail::ResultKind;
  return kind == Kind::value ? value : (kind == Kind::logical ? DType::u8 : DType::i64);
}

void add(Entries& entries, const std::string& name, DType dtype, const Row& row, Box3 (*box)(const Space&),
         const Chain& before = {}) {
  for (const Path path : {Path::automatic, Path::generic})
    entries.push_back(
        {name, dtype, path == Path::generic ? "generic" : "automatic",
         [=](Space& w) { return reduce_case(w, row.id, dtype_of_result(row.kind, w.dtype), row.p, box(w), before); },
         Values::normal, path, Clock::device});
}

Box3 rows_of(const Space& w) { return {{1, w.rows, w.cols}, 2}; }
Box3 columns_of(const Space& w) { return {{1, w.rows, w.cols}, 1}; }
Box3 all_of(const Space& w) { return {{1, w.rows, w.cols}, -1}; }
/// 4096 x 4095 and as many of them as fit; 512 x 1023 where they are few.
Box3 middle_of(const Space& w) {
  const std::int64_t n = w.rows * w.cols;
  if (n / (4096 * 4095) >= 16) return {{n / (4096 * 4095), 4096, 4095}, 1};
  return {{n / (512 * 1023), 512, 1023}, 1};
}
template <int Length>
Box3 short_rows_of(const Space& w) {
  return {{1, w.rows * w.cols / Length, Length}, 2};
}
template <int Columns>
Box3 narrow_of(const Space& w) {
  return {{1, w.rows * w.cols / Columns, Columns}, 1};
}

/// The means of pointwise losses of two matrices, and of a matrix and a row.
void add_losses(Entries& entries, DType dtype) {
  using Call = void (*)(const Exec&, const Tensor&, const Tensor&, const Tensor&);
  const auto add_loss = [&](const std::string& name, Call call) {
    for (const Path path : {Path::automatic, Path::generic})
      entries.push_back({name, dtype, path == Path::generic ? "generic" : "automatic",
                         [call](Space& w) {
                           const Placement all = Placement::right(w.rows, w.cols);
                           (void)w.extra(0, 0, all);  // makes it
                           const Exec exec;
                           return Case{all.shape(),
                                       2.0 * static_cast<double>(all.count()) * static_cast<double>(size_of(w.dtype)),
                                       [=, &w](int turn) {
                                         const Tensor y(w.y(turn, all).data, w.dtype, 0, nullptr, nullptr);
                                         call(exec, w.x(turn, all), w.extra(0, turn, all), y);
                                       },
                                       {}};
                         },
                         Values::normal, path, Clock::device});
  };
#define MYLOS_LOSS(name) \
  add_loss(#name, [](const Exec& e, const Tensor& x, const Tensor& t, const Tensor& y) { name(e, x, t, y); });
  MYLOS_LOSS(mse_loss)
  MYLOS_LOSS(huber_loss)
  MYLOS_LOSS(hinge_loss)
  MYLOS_LOSS(kl_div)
  MYLOS_LOSS(binary_cross_entropy_with_logits)
#undef MYLOS_LOSS
  for (const Path path : {Path::automatic, Path::generic})
    entries.push_back({"hinge_loss_row_target", dtype, path == Path::generic ? "generic" : "automatic",
                       [](Space& w) {
                         const Placement all = Placement::right(w.rows, w.cols);
                         (void)w.extra(0, 0, all);
                         const Exec exec;
                         return Case{all.shape(),
                                     static_cast<double>(all.count()) * static_cast<double>(size_of(w.dtype)),
                                     [=, &w](int turn) {
                                       const Tensor t(w.extra(0, turn, all).data, w.dtype, 1, &w.cols, nullptr);
                                       const Tensor y(w.y(turn, all).data, w.dtype, 0, nullptr, nullptr);
                                       hinge_loss(exec, w.x(turn, all), t, y);
                                     },
                                     {}};
                       },
                       Values::normal, path, Clock::device});
}

void add_all(Entries& entries, DType dtype) {
  for (const Row& row : table()) {
    const std::string name = row.name;
    add(entries, name + "_rows", dtype, row, rows_of);
    add(entries, name + "_columns", dtype, row, columns_of);
    add(entries, name + "_middle", dtype, row, middle_of);
    add(entries, name + "_all", dtype, row, all_of);
  }
  const Row& sum = table().front();
  add(entries, "sum_rows_2", dtype, sum, short_rows_of<2>);
  add(entries, "sum_rows_5", dtype, sum, short_rows_of<5>);
  add(entries, "sum_rows_17", dtype, sum, short_rows_of<17>);
  add(entries, "sum_rows_100", dtype, sum, short_rows_of<100>);
  add(entries, "sum_rows_1000", dtype, sum, short_rows_of<1000>);
  add(entries, "sum_rows_4095", dtype, sum, short_rows_of<4095>);
  add(entries, "sum_columns_2", dtype, sum, narrow_of<2>);
  add(entries, "sum_columns_3", dtype, sum, narrow_of<3>);
  add(entries, "sum_columns_64", dtype, sum, narrow_of<64>);
  add(entries, "sum_columns_1000", dtype, sum, narrow_of<1000>);
  add(entries, "sum_of_squares_rows", dtype, sum, rows_of, square());
  add(entries, "sum_of_gelu_columns", dtype, sum, columns_of, gelu());
  add_losses(entries, dtype);  // last: they take memory
}

/// Sums of matrices of every aspect ratio, as many elements as the workspace holds: along rows of 2, 3, 4, 6, ...
/// values, across as many columns, and of 1000 values and more to one.
void add_sweep(Entries& entries, DType dtype, std::int64_t elements) {
  const Row sum = table().front();
  const auto add_case = [&](const std::string& name, const std::function<Box3(const Space&)>& box) {
    entries.push_back({name, dtype, "automatic",
                       [=](Space& w) { return reduce_case(w, sum.id, w.dtype, sum.p, box(w)); }, Values::normal,
                       Path::automatic, Clock::device});
  };
  std::vector<std::int64_t> lengths{2, 3};
  for (std::int64_t power = 4; power <= elements / 2; power *= 2)
    for (const std::int64_t n : {power, power + power / 4 + (power > 4 ? 1 : 0), power + power / 2})
      if (n <= elements / 2) lengths.push_back(n);
  for (const std::int64_t n : lengths) {
    add_case("sweep_rows_" + std::to_string(n), [n](const Space& w) { return Box3{{1, w.rows * w.cols / n, n}, 2}; });
    add_case("sweep_columns_" + std::to_string(n), [n](const Space& w) {
      return Box3{{1, w.rows * w.cols / n, n}, 1};
    });
  }
  for (std::int64_t n = 1000; n < elements; n *= 4)
    add_case("sweep_all_" + std::to_string(n), [n](const Space&) { return Box3{{1, 1, n}, -1}; });
  add_case("sweep_all_" + std::to_string(elements), all_of);
}

/// A thousand values: nothing but the call itself.
void add_latencies(Entries& entries) {
  constexpr std::size_t n = 1000;
  for (const Clock clock : {Clock::enqueue, Clock::sync})
    entries.push_back({"sum_1000", DType::f32, clock == Clock::sync ? "sync" : "enqueue",
                       [=](Space&) {
                         const Kokkos::View<float*, Exec> x("x", n);
                         const Kokkos::View<float, Exec> y("y");
                         const Exec exec;
                         return Case{std::to_string(n), 0, [=](int) { mylos::sum(exec, x, y); }, {}};
                       },
                       Values::normal, Path::automatic, clock});
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  using namespace mylos::bench;
  constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  CLI::App app("Times Mylos' reductions and compares them with the copy bandwidth of the same run.",
               "mylos_bench_reduce");
  bool sweep = false;
  app.add_flag("--sweep", sweep, "sums over every aspect ratio of a matrix, and nothing else");
  return run_benchmarks<Exec>(app, {on_host ? 4096 : 32768, on_host ? 16384 : 65536}, argc, argv,
                              [&](Entries& entries, mylos::DType dtype, const Options& options) {
                                if (sweep) return add_sweep(entries, dtype, options.rows * options.cols);
                                if (entries.empty()) add_latencies(entries);
                                add_all(entries, dtype);
                              });
}
