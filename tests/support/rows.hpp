// Runs a row operator on every kernel of an execution space and holds each element to the stated bound.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <mylos/row.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/queue.hpp"
#include "reference/row.hpp"
#include "row/candidates.hpp"
#include "support/matcher.hpp"
#include "support/row_teams.hpp"
#include "support/spaces.hpp"

namespace mylos::test {

using mylos::detail::RowOperator;
using RowCandidate = mylos::detail::Candidate<mylos::detail::RowProblem>;
using Shape = std::vector<std::int64_t>;

template <class Exec>
std::vector<RowCandidate> row_candidates() {
  mylos::detail::CandidateList<mylos::detail::RowProblem> list;
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) list = cuda::row_candidates();
#endif
  if constexpr (on_host<Exec>) list = host::row_candidates();
  return std::vector<RowCandidate>(list.begin, list.begin + list.size);
}

/// One way to run a call.
template <class Exec>
struct RowKernel {
  std::string name;
  Path path = Path::automatic;
  std::optional<RowCandidate> candidate{};

  /// Runs and waits; false where this kernel does not serve the problem.
  bool run(const std::function<void(const Exec&)>& call) const {
    const Exec exec;
    const ScopedPath forced(path);
    RowCandidate checked{};
    if (candidate) {
      refused() = false;
      current() = *candidate;
      checked = {candidate->name, candidate->refusal,
                 [](const mylos::detail::RowProblem& problem, const mylos::detail::Queue& queue) {
                   refused() = current().refusal(problem) != nullptr;
                   if (!refused()) current().run(problem, queue);
                 }};
      mylos::detail::tested_candidate<mylos::detail::RowProblem> = &checked;
    }
    try {
      call(exec);
    } catch (...) {
      mylos::detail::tested_candidate<mylos::detail::RowProblem> = nullptr;
      throw;
    }
    mylos::detail::tested_candidate<mylos::detail::RowProblem> = nullptr;
    exec.fence();
    return !candidate || !refused();
  }

 private:
  static bool& refused() {
    static thread_local bool value = false;
    return value;
  }
  static RowCandidate& current() {
    static thread_local RowCandidate value{};
    return value;
  }
};

template <class Exec>
std::vector<RowKernel<Exec>> row_kernels() {
  std::vector<RowKernel<Exec>> kernels{{"automatic"}, {"generic", Path::generic}};
  for (const RowCandidate& candidate : row_candidates<Exec>())
    kernels.push_back({candidate.name, Path::automatic, candidate});
  if constexpr (on_host<Exec>)
    kernels.push_back(
        {"generic/teams", Path::automatic,
         RowCandidate{"generic/teams", [](const mylos::detail::RowProblem&) -> const char* { return nullptr; },
                      run_teams<Exec>}});
  return kernels;
}

/// A row operator over a shape; what is absent is not asked for.
struct RowCase {
  std::string what;
  RowOperator op = RowOperator::softmax;
  Shape shape;
  std::vector<bool> axis;  // dimensions that make up a row
  TensorSpec x{};
  TensorSpec y{};
  double eps = 1e-5;
  double p = 3;
};

/// The values of x by the element's number in row-major order.
using Values = std::function<double(std::int64_t)>;

/// A number in [-1, 1) that looks random.
inline double noise(std::int64_t i, std::uint64_t salt = 0) {
  auto h = static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15u + salt * 0xd1b54a32d192ed03u + 0x2545f4914f6cdd1du;
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93u;
  h ^= h >> 29;
  return static_cast<double>(h >> 11) * 0x1p-52 - 1;
}

/// Nearly normal, of deviation 1.
inline double normal(std::int64_t i) { return noise(i, 1) + noise(i, 2) + noise(i, 3); }

inline std::int64_t count_of(const Shape& shape) {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}

/// The row and the place in it of every element, in row-major order of the shape.
struct RowIndex {
  std::vector<std::int64_t> row;
  std::vector<std::int64_t> at;
  std::int64_t rows = 1;
  std::int64_t length = 1;

  RowIndex(const Shape& shape, const std::vector<bool>& axis) {
    for (std::size_t d = 0; d < shape.size(); ++d) (axis[d] ? length : rows) *= shape[d];
    const std::int64_t n = count_of(shape);
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t rest = i;
      std::int64_t r = 0;
      std::int64_t a = 0;
      std::int64_t row_size = 1;
      std::int64_t axis_size = 1;
      for (std::size_t d = shape.size(); d-- > 0;) {
        const std::int64_t c = rest % shape[d];
        rest /= shape[d];
        (axis[d] ? a : r) += c * (axis[d] ? axis_size : row_size);
        (axis[d] ? axis_size : row_size) *= shape[d];
      }
      row.push_back(r);
      at.push_back(a);
    }
  }
};

/// Affine parameters as the reference sees them: of element number i.
struct AffineValues {
  std::function<double(std::int64_t)> weight{};
  std::function<double(std::int64_t)> bias{};
};

inline Axes axes_of(const std::vector<bool>& axis) {
  int list[max_rank];
  int n = 0;
  for (std::size_t d = 0; d < axis.size(); ++d)
    if (axis[d]) list[n++] = static_cast<int>(d);
  return Axes(list, n);
}

template <class Exec>
class RowCheck {
 public:
  RowCheck(const RowCase& c, const Values& values)
      : case_(c), index_(c.shape, c.axis), x_(c.x, c.shape), y_(c.y, c.shape), arithmetic_{c.x.dtype, c.y.dtype} {
    std::int64_t n = 0;
    for_each_element(c.shape, {x_.tensor(), y_.tensor()}, [&](const std::vector<std::int64_t>& offset) {
      const double v = reference::round_to(values(n++), c.x.dtype);
      x_.set(offset[0], v);
      x_values_.push_back(v);
      y_offset_.push_back(offset[1]);
    });
    x_.upload();
  }

  const Tensor& x() const { return x_.tensor(); }
  const Tensor& y() const { return y_.tensor(); }
  Axes axes() const { return axes_of(case_.axis); }
  double x_value(std::int64_t i) const { return x_values_[static_cast<std::size_t>(i)]; }
  /// What the operator sees in place of x: the values after `before`.
  void set_seen(const std::function<double(std::int64_t)>& seen) { seen_ = seen; }
  void set_affine(const AffineValues& affine) { affine_ = affine; }

  /// The plain call for the case's operator.
  void call(const Exec& exec) const {
    switch (case_.op) {
      case RowOperator::softmax:
        return softmax(exec, x(), y(), axes());
      case RowOperator::log_softmax:
        return log_softmax(exec, x(), y(), axes());
      case RowOperator::standardize:
        return layer_norm(exec, x(), y(), axes(), {}, case_.eps);
      case RowOperator::rms:
        return rms_norm(exec, x(), y(), axes(), {}, case_.eps);
      case RowOperator::l1:
        return l1_normalize(exec, x(), y(), axes(), case_.eps);
      case RowOperator::l2:
        return l2_normalize(exec, x(), y(), axes(), case_.eps);
      case RowOperator::lp:
        return lp_normalize(exec, x(), y(), case_.p, axes(), case_.eps);
      case RowOperator::linf:
        return lp_normalize(exec, x(), y(), std::numeric_limits<double>::infinity(), axes(), case_.eps);
    }
  }

  void check() {
    check([this](const Exec& exec) { call(exec); });
  }
  void check(const std::function<void(const Exec&)>& call) {
    evaluate();
    for (const RowKernel<Exec>& kernel : row_kernels<Exec>()) {
      y_.poison();
      if (!kernel.run(call)) continue;
      y_.download();
      compare(kernel.name);
      if (testing::Test::HasFailure()) return;  // the first wrong case is enough to read
    }
  }

  const std::vector<reference::RowResult>& results() const { return results_; }

 private:
  void evaluate() {
    std::vector<std::vector<reference::Real>> rows(static_cast<std::size_t>(index_.rows));
    for (auto& row : rows) row.resize(static_cast<std::size_t>(index_.length));
    for (std::size_t i = 0; i < x_values_.size(); ++i)
      rows[static_cast<std::size_t>(index_.row[i])][static_cast<std::size_t>(index_.at[i])] =
          seen_ ? seen_(static_cast<std::int64_t>(i)) : x_values_[i];
    results_.resize(rows.size());
    const auto format = reference::format_of(arithmetic_.compute());
    in_parallel(index_.rows, [&](std::int64_t r) {
      const auto n = static_cast<std::size_t>(r);
      results_[n] = reference::row(rows[n], case_.op, static_cast<reference::Real>(arithmetic_.parameter(case_.eps)),
                                   case_.p, format);
    });
  }

  void compare(const std::string& kernel) {
    Comparison comparison(std::string(Exec::name()) + " " + kernel + " " + case_.what + ", " + name_of(arithmetic_.x) +
                              " -> " + name_of(arithmetic_.y),
                          arithmetic_.y);
    const auto format = reference::format_of(arithmetic_.compute());
    const reference::Real factor = arithmetic_.reduced() && !on_host<Exec> ? 128 : 1;
    for (std::size_t i = 0; i < x_values_.size(); ++i) {
      const auto n = static_cast<std::int64_t>(i);
      const reference::RowResult& row = results_[static_cast<std::size_t>(index_.row[i])];
      reference::Real exact = row.y[static_cast<std::size_t>(index_.at[i])];
      reference::Real tolerance = factor * row.tolerance[static_cast<std::size_t>(index_.at[i])];
      const auto round = [&](reference::Real v) { return std::isfinite(v) ? reference::ulp_of(v, format) : 0; };
      if (affine_.weight) {
        exact *= affine_.weight(n);
        tolerance = tolerance * std::fabs(static_cast<reference::Real>(affine_.weight(n))) + round(exact);
      }
      if (affine_.bias) {
        exact += affine_.bias(n);
        tolerance += round(exact);
      }
      if (!std::isfinite(tolerance)) tolerance = 0;
      comparison.look({n, x_values_[i], y_.value(y_offset_[i]), y_.bits(y_offset_[i]), static_cast<double>(exact),
                       accept(exact, 0, tolerance, arithmetic_)});
    }
    EXPECT_TRUE(comparison.result());
    EXPECT_EQ(y_.written(), static_cast<std::int64_t>(x_values_.size())) << kernel << " wrote beside y: " << case_.what;
  }

  RowCase case_;
  RowIndex index_;
  Data<Exec> x_;
  Data<Exec> y_;
  Arithmetic arithmetic_;
  std::vector<double> x_values_;
  std::vector<std::int64_t> y_offset_;
  std::function<double(std::int64_t)> seen_{};
  AffineValues affine_{};
  std::vector<reference::RowResult> results_;
};

constexpr RowOperator all_row_operators[] = {RowOperator::softmax, RowOperator::log_softmax, RowOperator::standardize,
                                             RowOperator::rms,     RowOperator::l1,          RowOperator::l2,
                                             RowOperator::lp,      RowOperator::linf};

inline std::string name_of(RowOperator op) {
  constexpr const char* names[] = {"softmax", "log_softmax", "standardize", "rms", "l1", "l2", "lp", "linf"};
  return names[static_cast<int>(op)];
}

}  // namespace mylos::test
