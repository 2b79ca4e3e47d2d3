// Runs one scan on every kernel of an execution space and holds each element to the stated bound.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <mylos/scan.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/axes.hpp"
#include "core/queue.hpp"
#include "reference/scan.hpp"
#include "scan/candidates.hpp"
#include "support/data.hpp"
#include "support/matcher.hpp"
#include "support/scan_threads.hpp"
#include "support/spaces.hpp"

namespace mylos::test {

using mylos::detail::ScanId;
using ScanCandidate = mylos::detail::Candidate<mylos::detail::ScanProblem>;

/// The generic kernel, every hand-written one by its name, what a user's call chooses (""), and on the host what the
/// generic kernel does on a device.
template <class Exec>
std::vector<std::string> scan_kernels() {
  mylos::detail::CandidateList<mylos::detail::ScanProblem> list;
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) list = cuda::scan_candidates();
#endif
  if constexpr (on_host<Exec>) list = host::scan_candidates();
  std::vector<std::string> names{"generic", ""};
  for (int i = 0; i < list.size; ++i) names.emplace_back(list.begin[i].name);
  if constexpr (on_host<Exec>) names.emplace_back("threads");
  return names;
}

/// Runs call() on that kernel and waits; false where the kernel does not serve the problem.
template <class Exec, class Call>
bool run_scan_on(const std::string& kernel, const Exec& exec, const Call& call) {
  const bool threads = kernel == "threads";
  const bool by_name = kernel != "generic" && !kernel.empty() && !threads;
  const ScopedPath path(kernel == "generic" ? Path::generic : Path::automatic);
  const mylos::detail::ScopedCandidate candidate(by_name ? kernel.c_str() : nullptr);
  ScanCandidate as_on_a_device{"threads", [](const mylos::detail::ScanProblem&) -> const char* { return nullptr; },
                               nullptr};
  if constexpr (on_host<Exec>) as_on_a_device.run = run_scan_threads<Exec>;
  auto& tested = mylos::detail::tested_candidate<mylos::detail::ScanProblem>;
  tested = threads ? &as_on_a_device : nullptr;
  try {
    call();
  } catch (const Error& error) {
    tested = nullptr;
    if (by_name && std::string(error.what()).find("does not apply") != std::string::npos) return false;
    throw;
  }
  tested = nullptr;
  exec.fence();
  return true;
}

struct ScanCase {
  ScanId id = ScanId::cumsum;
  std::vector<std::int64_t> shape;
  int axis = -1;
  TensorSpec x{};
  TensorSpec y{};
  Scan scan = Scan::forward;
  std::optional<TensorSpec> mask{};     // of dtype u8
  std::optional<TensorSpec> indices{};  // of dtype i64

  std::string text() const {
    static constexpr const char* names[] = {"cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"};
    std::string s =
        std::string(names[static_cast<int>(id)]) + " " + name_of(x.dtype) + " -> " + name_of(y.dtype) + " (";
    for (const std::int64_t e : shape) s += std::to_string(e) + " ";
    s += ") axis " + std::to_string(axis);
    if (has(scan, Scan::reverse)) s += " reverse";
    if (has(scan, Scan::exclusive)) s += " exclusive";
    if (mask) s += " masked";
    if (indices) s += " with indices";
    return s;
  }
};

/// One scan by its number.
template <class Exec>
void call_scan(const ScanCase& c, const Exec& exec, const Tensor& x, const Tensor& y, const Tensor& mask = {},
               const Tensor& indices = {}, const Chain& before = {}, const Chain& after = {}) {
  mylos::detail::scan(mylos::detail::Execution(exec), {c.id, "scan", x, y, indices, mask, c.axis, c.scan}, before,
                      after);
}

/// Values by the element's number in row-major order.
using ScanValues = std::function<double(std::int64_t)>;

inline double scan_noise(std::int64_t i) {
  auto s = static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15U + 0x7654321U;
  s ^= s >> 31;
  s *= 0xbf58476d1ce4e5b9U;
  s ^= s >> 29;
  return static_cast<double>(s >> 11) * 0x1p-52 - 1.0;
}

template <class Exec>
class ScanCheck {
 public:
  ScanCheck(const ScanCase& c, const ScanValues& value)
      : case_(c),
        x_(c.x, c.shape),
        y_(c.y, c.shape),
        mask_(c.mask ? *c.mask : TensorSpec{DType::u8, {}, {}, std::vector<bool>(c.shape.size(), true)}, c.shape),
        indices_(c.indices ? *c.indices : TensorSpec{DType::i64}, c.shape) {
    std::int64_t i = 0;
    for_each_element(c.shape, {x_.tensor(), y_.tensor(), mask_.tensor(), indices_.tensor()},
                     [&](const std::vector<std::int64_t>& offset) {
                       const double v = is_floating(c.x.dtype) ? reference::round_to(value(i), c.x.dtype) : value(i);
                       x_.set(offset[0], v);
                       const bool enters = !c.mask || scan_noise(offset[2] + 1000003) > -0.2;
                       mask_.set(offset[2], enters ? 1 + static_cast<double>(i % 3) : 0);
                       elements_.push_back({static_cast<double>(offset[0]), enters, offset[1], offset[3], {}});
                       ++i;
                     });
    // Not before all are there: where elements are repeated, the last value given is theirs.
    for (One& e : elements_) e.x = x_.value(static_cast<std::int64_t>(e.x));
    x_.upload();
    mask_.upload();
  }

  const Tensor& x() const { return x_.tensor(); }
  /// What enters in place of x: the values after `before`; and what `after` makes of a result, which it may not
  /// magnify.
  void set_chains(const Chain& before, const Chain& after, const std::function<double(double, std::int64_t)>& seen,
                  const std::function<long double(long double, std::int64_t)>& made) {
    before_ = before;
    after_ = after;
    for (std::size_t i = 0; i < elements_.size(); ++i)
      elements_[i].x = seen(elements_[i].x, static_cast<std::int64_t>(i));
    made_ = made;
  }

  void check() {
    evaluate();
    const Exec exec;
    for (const std::string& kernel : scan_kernels<Exec>()) {
      y_.poison();
      indices_.poison();
      if (!run_scan_on(kernel, exec, [&] {
            // Of x's extents also where an element is repeated.
            call_scan(case_, exec, mylos::detail::expanded(x_.tensor(), y_.tensor()), y_.tensor(),
                      case_.mask ? mask_.tensor() : Tensor(), case_.indices ? indices_.tensor() : Tensor(), before_,
                      after_);
          }))
        continue;
      compare(std::string(Exec::name()) + " " + (kernel.empty() ? "automatic" : kernel));
      if (testing::Test::HasFailure()) return;  // the first wrong case is enough to read
    }
  }

 private:
  struct One {
    double x;
    bool enters;
    std::int64_t y;
    std::int64_t index;
    reference::ScanResult exact;
  };

  void evaluate() {
    const auto& shape = case_.shape;
    const auto rank = static_cast<int>(shape.size());
    const int axis = rank == 0 ? 0 : (case_.axis + rank) % rank;
    std::int64_t inner = 1;
    for (int d = axis + 1; d < rank; ++d) inner *= shape[static_cast<std::size_t>(d)];
    const std::int64_t length = rank == 0 ? 1 : shape[static_cast<std::size_t>(axis)];
    const auto n = static_cast<std::int64_t>(elements_.size());
    const bool f64 = case_.x.dtype == DType::f64 || case_.y.dtype == DType::f64;
    const bool reverse = has(case_.scan, Scan::reverse);
    for (std::int64_t row = 0; length > 0 && row < n / length; ++row) {
      const std::int64_t first = row / inner * inner * length + row % inner;
      const auto at = [&](std::int64_t i) {
        return static_cast<std::size_t>(first + (reverse ? length - 1 - i : i) * inner);
      };
      std::vector<reference::Scanned> values;
      for (std::int64_t i = 0; i < length; ++i) values.push_back({elements_[at(i)].x, elements_[at(i)].enters});
      const std::vector<reference::ScanResult> results = reference::scan(
          case_.id, values, has(case_.scan, Scan::exclusive), f64 ? 0x1p-53L : 0x1p-24L, is_sixteen_bit(case_.x.dtype));
      for (std::int64_t i = 0; i < length; ++i) {
        reference::ScanResult& exact = elements_[at(i)].exact;
        exact = results[static_cast<std::size_t>(i)];
        if (reverse && exact.index >= 0) exact.index = length - 1 - exact.index;
      }
    }
  }

  void compare(const std::string& kernel) {
    y_.download();
    indices_.download();
    Comparison comparison(kernel + " " + case_.text(), case_.y.dtype);
    std::int64_t i = 0;
    std::int64_t wrong = 0;
    for (const One& e : elements_) {
      long double exact = e.exact.value;
      long double tolerance = e.exact.tolerance;
      if (made_) {
        exact = made_(exact, i);
        tolerance += 4 * 0x1p-24L * std::fabs(exact);
      }
      Accepted accepted{static_cast<double>(exact), static_cast<double>(exact), std::isnan(exact)};
      if (is_floating(case_.y.dtype) && !accepted.nan) {
        accepted.low = reference::round_to(exact - tolerance, case_.y.dtype);
        accepted.high = reference::round_to(exact + tolerance, case_.y.dtype);
      }
      const Element element{i, e.x, y_.value(e.y), y_.bits(e.y), static_cast<double>(exact), accepted};
      comparison.look(element);
      if (case_.indices) {
        const auto got = static_cast<std::int64_t>(indices_.bits(e.index));
        if (got != e.exact.index && ++wrong <= 4)
          ADD_FAILURE() << kernel << " " << case_.text() << ": index of element " << i << " is " << got << ", expected "
                        << e.exact.index;
      }
      ++i;
    }
    EXPECT_TRUE(comparison.result());
    EXPECT_EQ(y_.written(), i) << kernel << " wrote beside y: " << case_.text();
    if (case_.indices) {
      EXPECT_EQ(indices_.written(), i) << kernel << " wrote beside the indices: " << case_.text();
    }
  }

  ScanCase case_;
  Data<Exec> x_;
  Data<Exec> y_;
  Data<Exec> mask_;
  Data<Exec> indices_;
  Chain before_{};
  Chain after_{};
  std::function<long double(long double, std::int64_t)> made_{};
  std::vector<One> elements_;
};

}  // namespace mylos::test
