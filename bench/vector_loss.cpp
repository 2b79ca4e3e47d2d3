// Benchmarks of the losses of vectors: class scores of several widths, along rows and along channels, and embeddings.
#include <Kokkos_Core.hpp>

#include <array>
#include <mylos/mylos.hpp>

#include "support/program.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Space = Workspace<Exec>;
using Entries = std::vector<Entry<Exec>>;

/// Class indices, one for each of `rows` rows.
Kokkos::View<std::int64_t*, Exec> labels(std::int64_t rows, std::int64_t classes) {
  const Kokkos::View<std::int64_t*, Exec> t("labels", static_cast<std::size_t>(rows));
  const auto mirror = Kokkos::create_mirror_view(t);
  for (std::int64_t r = 0; r < rows; ++r) mirror(static_cast<std::size_t>(r)) = (r * 7919 + 13) % classes;
  Kokkos::deep_copy(t, mirror);
  return t;
}

void add(Entries& entries, const std::string& name, DType dtype, const std::function<Case(Space&)>& make) {
  for (const Path path : {Path::automatic, Path::generic})
    entries.push_back(
        {name, dtype, path == Path::generic ? "generic" : "automatic", make, Values::normal, path, Clock::device});
}

double bytes_of(const Space& w, double elements) { return elements * static_cast<double>(size_of(w.dtype)); }

/// Scores (outer, classes, inner) as many as fit, `outer` from the workspace's size.
Case class_case(Space& w, std::int64_t classes, std::int64_t inner, double smoothing, bool is_nll = false) {
  const std::int64_t outer = w.rows * w.cols / (classes * inner);
  if (outer == 0) throw std::runtime_error("one image has more than rows x cols elements");
  const std::int64_t rows = outer * inner;
  const auto t = labels(rows, classes);
  const std::array<std::int64_t, 3> extents{outer, classes, inner};
  const std::array<std::int64_t, 2> kept{outer, inner};
  const Placement all = Placement::right(w.rows, w.cols);
  const Exec exec;
  ClassOptions<Exec> options;
  options.label_smoothing = smoothing;
  const double scores = static_cast<double>(rows) * static_cast<double>(is_nll ? 1 : classes);
  return {std::to_string(outer) + "x" + std::to_string(classes) + "x" + std::to_string(inner),
          bytes_of(w, scores) + 8.0 * static_cast<double>(rows),
          [=, &w](int turn) {
            const Tensor x(w.x(turn, all).data, w.dtype, 3, extents.data(), nullptr);
            const Tensor target(t.data(), DType::i64, 2, kept.data(), nullptr);
            const Tensor y(w.y(turn, all).data, w.dtype, 0, nullptr, nullptr);
            is_nll ? nll_loss(exec, x, target, y, LossReduction::mean, options)
                   : cross_entropy(exec, x, target, y, LossReduction::mean, options);
          },
          {}};
}

/// Probabilities in place of indices.
Case probabilities_case(Space& w) {
  const Placement all = Placement::right(w.rows, w.cols);
  (void)w.extra(0, 0, all);  // makes it
  const Exec exec;
  return {all.shape(),
          bytes_of(w, 2.0 * static_cast<double>(all.count())),
          [=, &w](int turn) {
            const Tensor y(w.y(turn, all).data, w.dtype, 0, nullptr, nullptr);
            cross_entropy(exec, w.x(turn, all), w.extra(0, turn, all), y);
          },
          {}};
}

Case triplet_case(Space& w) {
  const Placement all = Placement::right(w.rows, w.cols);
  (void)w.extra(0, 0, all);
  (void)w.extra(1, 0, all);
  const Exec exec;
  return {all.shape(),
          bytes_of(w, 3.0 * static_cast<double>(all.count())),
          [=, &w](int turn) {
            const Tensor y(w.y(turn, all).data, w.dtype, 0, nullptr, nullptr);
            triplet_margin_loss(exec, w.x(turn, all), w.extra(0, turn, all), w.extra(1, turn, all), y);
          },
          {}};
}

template <int Axis>
Case cosine_case(Space& w) {
  const Placement all = Placement::right(w.rows, w.cols);
  (void)w.extra(0, 0, all);
  const Exec exec;
  const std::int64_t results = Axis == 1 ? w.rows : w.cols;
  return {all.shape(),
          bytes_of(w, 2.0 * static_cast<double>(all.count()) + static_cast<double>(results)),
          [=, &w](int turn) {
            const Tensor y(w.y(turn, all).data, w.dtype, 1, &results, nullptr);
            cosine_similarity(exec, w.x(turn, all), w.extra(0, turn, all), y, Axis);
          },
          {}};
}

void add_all(Entries& entries, DType dtype) {
  const auto add_classes = [&](const std::string& name, std::int64_t classes, std::int64_t inner, double smoothing) {
    add(entries, name, dtype,
        [=](Space& w) { return class_case(w, classes == 0 ? w.cols : classes, inner, smoothing); });
  };
  add_classes("cross_entropy", 0, 1, 0);
  add_classes("cross_entropy_smoothed", 0, 1, 0.1);
  for (const std::int64_t classes : {2, 10, 100, 1000, 4096, 32000, 128256})
    add_classes("cross_entropy_" + std::to_string(classes), classes, 1, 0);
  add_classes("cross_entropy_images_21", 21, std::int64_t{512} * 512, 0);
  add_classes("cross_entropy_images_150", 150, std::int64_t{512} * 512, 0);
  add(entries, "nll_loss_1000", dtype, [](Space& w) { return class_case(w, 1000, 1, 0, true); });
  add(entries, "cross_entropy_probabilities", dtype, probabilities_case);  // from here on: they take memory
  add(entries, "cosine_similarity_rows", dtype, cosine_case<1>);
  add(entries, "cosine_similarity_columns", dtype, cosine_case<0>);
  add(entries, "triplet_margin_loss", dtype, triplet_case);
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  using namespace mylos::bench;
  constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  CLI::App app("Times Mylos' losses of vectors and compares them with the copy bandwidth of the same run.",
               "mylos_bench_vector_loss");
  return run_benchmarks<Exec>(app, {on_host ? 4096 : 32768, on_host ? 16384 : 8192}, argc, argv,
                              [](Entries& entries, mylos::DType dtype, const Options&) { add_all(entries, dtype); });
}
