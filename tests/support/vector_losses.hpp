// Runs one loss of vectors on every kernel of an execution space and holds what comes out to the reference's bounds.
#pragma once

#include "reference/vector_loss.hpp"
#include "support/reductions.hpp"
#include "vector_loss/candidates.hpp"

namespace mylos::test {

/// The generic kernel, every hand-written one by its name, and what a user's call chooses ("").
template <class Exec>
std::vector<std::string> vector_loss_kernels() {
  mylos::detail::CandidateList<mylos::detail::VectorLossProblem> list;
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) list = cuda::vector_loss_candidates();
#endif
  if constexpr (on_host<Exec>) list = host::vector_loss_candidates();
  std::vector<std::string> names{"generic", ""};
  for (int i = 0; i < list.size; ++i) names.emplace_back(list.begin[i].name);
  return names;
}

/// The shape of the first input and the axis of its vectors.
struct VectorShape {
  std::vector<std::int64_t> extents;
  int axis;

  std::vector<std::int64_t> rows() const {
    std::vector<std::int64_t> kept;
    for (int d = 0; d < static_cast<int>(extents.size()); ++d)
      if (d != axis) kept.push_back(extents[static_cast<std::size_t>(d)]);
    return kept;
  }
  std::int64_t row_count() const {
    std::int64_t n = 1;
    for (const std::int64_t e : rows()) n *= e;
    return n;
  }
  std::string text() const {
    std::string s = "(";
    for (const std::int64_t e : extents) s += std::to_string(e) + " ";
    return s + "), axis " + std::to_string(axis);
  }
};

/// Fills a tensor that broadcasts to the shape: value(i) of its own i-th element, rounded to its dtype.
template <class Exec, class Value>
void fill_with(Data<Exec>& data, const Value& value) {
  const std::vector<std::int64_t> own(data.tensor().extent, data.tensor().extent + data.tensor().rank);
  std::int64_t i = 0;
  for_each_element(own, {data.tensor()}, [&](const std::vector<std::int64_t>& offset) {
    data.set(offset[0], reference::round_to(value(i++), data.dtype()));
  });
  data.upload();
}

/// The values of every row of a tensor that broadcasts to the shape.
template <class Exec>
std::vector<reference::Vector> vectors_of(const VectorShape& shape, Data<Exec>& data) {
  std::vector<reference::Vector> vectors(static_cast<std::size_t>(shape.row_count()));
  std::vector<std::int64_t> kept = shape.extents;
  kept[static_cast<std::size_t>(shape.axis)] = 1;
  const Data<Exec> index(TensorSpec{DType::i64}, kept);
  for_each_element(shape.extents, {data.tensor(), index.tensor()}, [&](const std::vector<std::int64_t>& offset) {
    vectors[static_cast<std::size_t>(offset[1])].push_back(data.value(offset[0]));
  });
  return vectors;
}

/// The values of a tensor with one element per row.
template <class Exec>
std::vector<double> per_row(const VectorShape& shape, Data<Exec>& data) {
  std::vector<double> values;
  for_each_element(shape.rows(), {data.tensor()},
                   [&](const std::vector<std::int64_t>& offset) { values.push_back(data.value(offset[0])); });
  return values;
}

/// call(exec, y, reduction) against the rows' values, on every kernel; `none_only` where there is no other reduction.
template <class Exec, class Call>
void check_vector_loss(const std::string& what, const VectorShape& shape, DType y_dtype,
                       const std::vector<reference::RowValue>& expected, const Call& call, bool none_only = false,
                       const TensorSpec& y_layout = {}) {
  const Exec exec;
  TensorSpec spec = y_layout;
  spec.dtype = y_dtype;
  Data<Exec> all(spec, shape.rows());
  Data<Exec> one(TensorSpec{y_dtype}, {});
  for (const std::string& kernel : vector_loss_kernels<Exec>())
    for (const LossReduction reduction : {LossReduction::none, LossReduction::sum, LossReduction::mean}) {
      const bool none = reduction == LossReduction::none;
      if (none_only && !none) continue;
      Data<Exec>& y = none ? all : one;
      y.poison();
      if (!run_on(kernel, exec, [&] { call(exec, y.tensor(), reduction); })) continue;
      y.download();
      Comparison comparison(what + " " + shape.text() + " " + Exec::name() + " " +
                                (kernel.empty() ? "automatic: " + std::string(last_kernel()) : kernel) +
                                (none ? ", none" : (reduction == LossReduction::sum ? ", sum" : ", mean")),
                            y_dtype);
      const auto look = [&](std::int64_t index, std::int64_t at, long double e, long double tolerance) {
        Accepted accepted{static_cast<double>(e), static_cast<double>(e), std::isnan(e)};
        if (!accepted.nan && std::isfinite(e))
          accepted = {reference::round_to(e - tolerance, y_dtype), reference::round_to(e + tolerance, y_dtype), false};
        comparison.look({index, 0, y.value(at), y.bits(at), static_cast<double>(e), accepted});
      };
      reference::RowValue total{0, 0, 0};
      std::size_t row = 0;
      for_each_element(shape.rows(), {all.tensor()}, [&](const std::vector<std::int64_t>& offset) {
        const reference::RowValue& v = expected[row];
        if (none) look(static_cast<std::int64_t>(row), offset[0], v.loss, v.bound);
        total = {total.loss + v.loss, total.weight + v.weight, total.bound + v.bound};
        ++row;
      });
      const long double divisor = reduction == LossReduction::mean ? total.weight : 1;
      const long double u = std::ldexp(1.0L, y_dtype == DType::f64 ? -53 : -24);
      if (!none) look(0, 0, total.loss / divisor, (total.bound + u * std::fabs(total.loss)) / std::fabs(divisor));
      EXPECT_TRUE(comparison.result());
      EXPECT_EQ(y.written(), none ? static_cast<std::int64_t>(row) : 1) << what << " wrote beside its output";
    }
}

}  // namespace mylos::test
