// Runs one reduction on every kernel of an execution space and holds each result to its stated bound.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <mylos/mylos.hpp>
#include <string>
#include <vector>

#include "core/axes.hpp"
#include "core/selection.hpp"
#include "reduce/candidates.hpp"
#include "reference/reduce.hpp"
#include "support/data.hpp"
#include "support/matcher.hpp"
#include "support/spaces.hpp"

namespace mylos::test {

/// The generic kernel, every hand-written one by its name, and what a user's call chooses ("").
template <class Exec>
std::vector<std::string> reduce_kernels() {
  mylos::detail::CandidateList<mylos::detail::ReduceProblem> list;
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) list = cuda::reduce_candidates();
#endif
  if constexpr (on_host<Exec>) list = host::reduce_candidates();
  std::vector<std::string> names{"generic", ""};
  for (int i = 0; i < list.size; ++i) names.emplace_back(list.begin[i].name);
  return names;
}

/// Runs call() on that kernel and waits; false where the kernel does not serve the problem.
template <class Exec, class Call>
bool run_on(const std::string& kernel, const Exec& exec, const Call& call) {
  const bool by_name = kernel != "generic" && !kernel.empty();
  const ScopedPath path(kernel == "generic" ? Path::generic : Path::automatic);
  const mylos::detail::ScopedCandidate candidate(by_name ? kernel.c_str() : nullptr);
  try {
    call();
  } catch (const Error& error) {
    if (by_name && std::string(error.what()).find("does not apply") != std::string::npos) return false;
    throw;
  }
  exec.fence();
  return true;
}

/// What is reduced, and how x and y lie in memory.
struct ReduceCase {
  std::vector<std::int64_t> shape;
  std::vector<int> axes{};
  TensorSpec x{};
  DType y = DType::f32;
  bool keeps_axes = false;
  TensorSpec y_layout{};

  bool along(int d) const {
    const int rank = static_cast<int>(shape.size());
    bool found = axes.empty();
    for (const int axis : axes) found = found || axis == d || axis + rank == d;
    return found;
  }
  std::vector<std::int64_t> result_shape() const {
    std::vector<std::int64_t> result;
    for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
      if (!along(d)) result.push_back(shape[static_cast<std::size_t>(d)]);
      if (along(d) && keeps_axes) result.push_back(1);
    }
    return result;
  }
  std::string text() const {
    std::string s = std::string(name_of(x.dtype)) + " (";
    for (const std::int64_t e : shape) s += std::to_string(e) + " ";
    s += "), axes";
    for (const int a : axes) s += " " + std::to_string(a);
    return s + " -> " + name_of(y);
  }
};

/// x of one case, its values by result in row-major order of the axes, and outputs.
template <class Exec>
class ReduceData {
 public:
  /// value(i): of the i-th element in row-major order.
  ReduceData(const ReduceCase& c, const std::function<double(std::int64_t)>& value)
      : case_(c), x_(c.x, c.shape), y_(with_dtype(c.y_layout, c.y), c.result_shape()) {
    ReduceCase kept = c;
    kept.keeps_axes = true;
    const Data<Exec> index(TensorSpec{DType::i64}, kept.result_shape());
    std::int64_t count = 1;
    for (const std::int64_t e : c.result_shape()) count *= e;
    values_.resize(static_cast<std::size_t>(count));
    std::int64_t i = 0;
    for_each_element(c.shape, {x_.tensor(), index.tensor()}, [&](const std::vector<std::int64_t>& offset) {
      x_.set(offset[0], reference::round_to(value(i++), c.x.dtype));
      values_[static_cast<std::size_t>(offset[1])].push_back(x_.value(offset[0]));
    });
    x_.upload();
  }

  const Tensor& x() const { return x_.tensor(); }
  Data<Exec>& y() { return y_; }
  std::vector<reference::Values>& values() { return values_; }
  Axes axes() const { return Axes(case_.axes.data(), static_cast<int>(case_.axes.size())); }
  /// Unit roundoff of the type that the reduction computes in.
  long double unit() const {
    return std::ldexp(1.0L, case_.x.dtype == DType::f64 || case_.y == DType::f64 ? -53 : -24);
  }

  /// Compares y with exact(values), which may be off by bound(values), for every result.
  template <class Exact, class Bound>
  void compare(const std::string& what, const Exact& exact, const Bound& bound) {
    compare(y_, what, exact, bound);
  }

  template <class Exact, class Bound>
  void compare(Data<Exec>& y, const std::string& what, const Exact& exact, const Bound& bound) {
    y.download();
    Comparison comparison(what + " " + case_.text(), y.dtype());
    std::int64_t i = 0;
    for_each_element(case_.result_shape(), {y.tensor()}, [&](const std::vector<std::int64_t>& offset) {
      const reference::Values& v = values_[static_cast<std::size_t>(i)];
      const long double e = exact(v);
      const long double tolerance = bound(v);
      Accepted accepted{static_cast<double>(e), static_cast<double>(e), std::isnan(e)};
      if (is_floating(y.dtype()) && !accepted.nan && std::isfinite(e)) {
        accepted.low = reference::round_to(e - tolerance, y.dtype());
        accepted.high = reference::round_to(e + tolerance, y.dtype());
      }
      comparison.look({i++, static_cast<double>(v.empty() ? 0 : v[0]), y.value(offset[0]), y.bits(offset[0]),
                       static_cast<double>(e), accepted});
    });
    EXPECT_TRUE(comparison.result());
    EXPECT_EQ(y.written(), i) << what << " wrote beside its output";
  }

 private:
  static TensorSpec with_dtype(TensorSpec spec, DType dtype) {
    spec.dtype = dtype;
    return spec;
  }

  ReduceCase case_;
  Data<Exec> x_;
  Data<Exec> y_;
  std::vector<reference::Values> values_;
};

/// One reduction of the table by its number, on tensors.
template <class Exec>
void call_reduction(ReductionId id, const Exec& exec, const Tensor& x, const Tensor& y, const Axes& axes, double p,
                    const Chain& before = {}, const Chain& after = {}) {
  mylos::detail::reduce(id, "reduce", mylos::detail::Execution(exec), x, y, Tensor(), axes, p, before, after);
}

struct TableEntry {
  const char* name;
  ReductionId id;
  mylos::detail::ResultKind result;
  std::vector<double> parameters;
};

inline std::vector<TableEntry> reductions() {
  using Kind = mylos::detail::ResultKind;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<TableEntry> entries{
#define MYLOS_REDUCTION(name, result, ...) {#name, ReductionId::name, Kind::result, {0.0}},
#define MYLOS_REDUCTION_1(name, p, dp, result, ...) {#name, ReductionId::name, Kind::result, {dp}},
#include <mylos/reductions.def>
  };
  for (TableEntry& entry : entries) {
    if (entry.id == ReductionId::norm) entry.parameters = {0, 1, 2, 3, 0.5, -1, infinity, -infinity};
    if (entry.id == ReductionId::var || entry.id == ReductionId::stddev) entry.parameters = {1, 0, 2.5};
  }
  return entries;
}

inline DType result_dtype(mylos::detail::ResultKind kind, DType value) {
  using Kind = mylos::detail::ResultKind;
  return kind == Kind::value ? value : (kind == Kind::logical ? DType::u8 : DType::i64);
}

/// Every kernel, one reduction, one case.
template <class Exec>
void check_reduction(const TableEntry& entry, double p, ReduceData<Exec>& data, const std::string& what = "") {
  for (const std::string& kernel : reduce_kernels<Exec>()) {
    data.y().poison();
    const Exec exec;
    if (!run_on(kernel, exec, [&] { call_reduction(entry.id, exec, data.x(), data.y().tensor(), data.axes(), p); }))
      continue;
    data.compare(
        std::string(Exec::name()) + " " + (kernel.empty() ? "automatic" : kernel) + " " + entry.name + " of " +
            std::to_string(p) + " " + what,
        [&](const reference::Values& v) { return reference::reduce(entry.id, v, p); },
        [&](const reference::Values& v) { return reference::bound(entry.id, v, p, data.unit()); });
  }
}

/// Values of both signs in [-4, 4), the same in every run.
inline double mixed_value(std::int64_t i) {
  auto s = static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15U + 0x1234567U;
  s ^= s >> 31;
  s *= 0xbf58476d1ce4e5b9U;
  s ^= s >> 29;
  return static_cast<double>(s >> 11) * 0x1p-50 - 4.0;
}

}  // namespace mylos::test
