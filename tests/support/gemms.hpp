// Runs one matrix product on every kernel of an execution space and holds each element to the stated bound.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <mylos/gemm.hpp>
#include <string>
#include <vector>

#include "core/queue.hpp"
#include "gemm/candidates.hpp"
#include "reference/gemm.hpp"
#include "support/data.hpp"
#include "support/gemm_tiles.hpp"
#include "support/gemm_vendor.hpp"
#include "support/matcher.hpp"
#include "support/spaces.hpp"

namespace mylos::test {

using GemmCandidate = mylos::detail::Candidate<mylos::detail::GemmProblem>;

/// The generic kernel, every hand-written one by its name, what a user's call chooses (""), and on the host what the
/// generic kernel does on a device, and what surrounds a vendor's library.
template <class Exec>
std::vector<std::string> gemm_kernels() {
  mylos::detail::CandidateList<mylos::detail::GemmProblem> list;
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) list = cuda::gemm_candidates();
#endif
#ifdef KOKKOS_ENABLE_HIP
  if constexpr (std::is_same_v<Exec, Kokkos::HIP>) list = hip::gemm_candidates();
#endif
  if constexpr (on_host<Exec>) list = host::gemm_candidates();
  std::vector<std::string> names{"generic", ""};
  for (int i = 0; i < list.size; ++i) names.emplace_back(list.begin[i].name);
  if constexpr (on_host<Exec>) names.insert(names.end(), {"tiles", "vendor"});
  return names;
}

/// Runs call() on that kernel and waits; false where the kernel does not serve the problem.
template <class Exec, class Call>
bool run_gemm_on(const std::string& kernel, const Exec& exec, const Call& call) {
  const bool stands_in = kernel == "tiles" || kernel == "vendor";
  const bool by_name = kernel != "generic" && !kernel.empty() && !stands_in;
  const ScopedPath path(kernel == "generic" ? Path::generic : Path::automatic);
  const mylos::detail::ScopedCandidate candidate(by_name ? kernel.c_str() : nullptr);
  GemmCandidate as_on_a_device{"tiles", [](const mylos::detail::GemmProblem&) -> const char* { return nullptr; },
                               nullptr};
  GemmCandidate around_a_library{"vendor", mylos::detail::refuse_vendor, nullptr, gemm_vendor_workspace};
  if constexpr (on_host<Exec>) {
    as_on_a_device.run = run_gemm_teams<Exec>;
    around_a_library.run = run_gemm_vendor<Exec>;
  }
  auto& tested = mylos::detail::tested_candidate<mylos::detail::GemmProblem>;
  tested = !stands_in ? nullptr : kernel == "tiles" ? &as_on_a_device : &around_a_library;
  try {
    call();
  } catch (const Error& error) {
    tested = nullptr;
    if ((by_name || stands_in) && std::string(error.what()).find("does not apply") != std::string::npos) return false;
    throw;
  }
  tested = nullptr;
  exec.fence();
  return true;
}

/// Around 0, by a number.
inline double gemm_noise(std::int64_t i) {
  auto s = static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15U + 0x1234567U;
  s ^= s >> 31;
  s *= 0xbf58476d1ce4e5b9U;
  s ^= s >> 29;
  return static_cast<double>(s >> 11) * 0x1p-52 - 1.0;
}

/// Of element (i, j) of matrix `batch`.
using GemmValues = std::function<double(std::int64_t batch, std::int64_t i, std::int64_t j)>;

inline GemmValues gemm_noise_from(std::int64_t salt) {
  return [salt](std::int64_t batch, std::int64_t i, std::int64_t j) {
    return gemm_noise(salt + 7919 * batch + 104729 * i + j * 3);
  };
}

struct GemmCase {
  std::vector<std::int64_t> a;
  std::vector<std::int64_t> b;
  std::vector<std::int64_t> c;
  TensorSpec a_spec{};
  TensorSpec b_spec{};
  TensorSpec c_spec{};
  GemmOptions options{};

  /// a (m, k), b (k, n).
  static GemmCase of(std::int64_t m, std::int64_t n, std::int64_t k) { return {{m, k}, {k, n}, {m, n}}; }
  static std::string text_of(const std::vector<std::int64_t>& shape, const TensorSpec& spec) {
    std::string s = std::string(name_of(spec.dtype)) + " (";
    for (const std::int64_t e : shape) s += std::to_string(e) + " ";
    s += ")";
    if (!spec.order.empty()) s += " reordered";
    if (!spec.padding.empty()) s += " padded";
    if (!spec.reversed.empty()) s += " reversed";
    if (spec.step != 1) s += " step " + std::to_string(spec.step);
    return s;
  }
  std::string text() const {
    return text_of(a, a_spec) + " x " + text_of(b, b_spec) + " -> " + text_of(c, c_spec) + " alpha " +
           std::to_string(options.alpha) + " beta " + std::to_string(options.beta) + " structures " +
           std::to_string(static_cast<int>(options.a)) + ", " + std::to_string(static_cast<int>(options.b));
  }
};

/// A stack of matrices with its values, in row-major order.
template <class Exec>
class Matrices {
 public:
  Matrices(const TensorSpec& spec, const std::vector<std::int64_t>& shape, const GemmValues& values)
      : data_(spec, shape), shape_(shape) {
    const std::int64_t rows = shape[shape.size() - 2];
    const std::int64_t columns = shape[shape.size() - 1];
    std::int64_t n = 0;
    for_each_element(shape, {data_.tensor()}, [&](const std::vector<std::int64_t>& offset) {
      const std::int64_t i = n / columns;
      const double v = reference::round_to(values(i / rows, i % rows, n % columns), data_.dtype());
      data_.set(offset[0], v);
      offsets_.push_back(offset[0]);
      ++n;
    });
    for (const std::int64_t offset : offsets_) values_.push_back(data_.value(offset));
    data_.upload();
  }
  const Tensor& tensor() const { return data_.tensor(); }
  Data<Exec>& data() { return data_; }
  std::int64_t rows() const { return shape_[shape_.size() - 2]; }
  std::int64_t columns() const { return shape_[shape_.size() - 1]; }
  std::int64_t matrices() const { return rows() * columns() == 0 ? 0 : size() / (rows() * columns()); }
  std::int64_t size() const { return static_cast<std::int64_t>(offsets_.size()); }
  std::int64_t offset(std::int64_t n) const { return offsets_[static_cast<std::size_t>(n)]; }
  double value(std::int64_t matrix, std::int64_t i, std::int64_t j) const {
    return values_[static_cast<std::size_t>((matrix * rows() + i) * columns() + j)];
  }
  /// Which of these matrices belongs to matrix n of `whole`, to whose leading extents these broadcast.
  std::int64_t matrix_for(std::int64_t n, const std::vector<std::int64_t>& whole) const {
    std::int64_t mine = 0;
    std::int64_t step = 1;
    const auto rank = static_cast<std::int64_t>(shape_.size());
    const auto more = static_cast<std::int64_t>(whole.size()) - rank;
    for (std::int64_t d = static_cast<std::int64_t>(whole.size()) - 3; d >= 0; --d) {
      const std::int64_t at = n % whole[static_cast<std::size_t>(d)];
      n /= whole[static_cast<std::size_t>(d)];
      if (d - more < 0) continue;
      const std::int64_t own = shape_[static_cast<std::size_t>(d - more)];
      mine += (own == 1 ? 0 : at) * step;
      step *= own;
    }
    return mine;
  }
  /// As it was filled, whatever a kernel made of it.
  void restore() {
    data_.poison();
    for (std::int64_t n = 0; n < size(); ++n) data_.set(offset(n), values_[static_cast<std::size_t>(n)]);
    data_.upload();
  }

 private:
  Data<Exec> data_;
  std::vector<std::int64_t> shape_;
  std::vector<std::int64_t> offsets_;
  std::vector<double> values_;
};

/// What chains make of a value, by where it stands; `magnify` is how much more of an error than before.
struct GemmChains {
  Chain before{};
  Chain after{};
  std::function<long double(long double, std::int64_t batch, std::int64_t i, std::int64_t j)> on_a{};
  std::function<long double(long double, std::int64_t batch, std::int64_t i, std::int64_t j)> on_c{};
};

template <class Exec>
class GemmCheck {
 public:
  explicit GemmCheck(const GemmCase& c, const GemmValues& a = gemm_noise_from(1),
                     const GemmValues& b = gemm_noise_from(2), const GemmValues& old = gemm_noise_from(3))
      : case_(c), a_(c.a_spec, c.a, a), b_(c.b_spec, c.b, b), c_(c.c_spec, c.c, old) {}

  Matrices<Exec>& a() { return a_; }
  Matrices<Exec>& b() { return b_; }
  Matrices<Exec>& c() { return c_; }
  void set_chains(const GemmChains& chains) { chains_ = chains; }

  void check() {
    evaluate();
    const Exec exec;
    for (const std::string& kernel : gemm_kernels<Exec>()) {
      if (case_.options.beta != 0 || !chains_.after.empty())
        c_.restore();
      else
        c_.data().poison();
      if (!run_gemm_on(kernel, exec, [&] {
            gemm(exec, a_.tensor(), b_.tensor(), c_.tensor(), case_.options, chains_.before, chains_.after);
          }))
        continue;
      compare(std::string(Exec::name()) + " " + (kernel.empty() ? "automatic" : kernel));
      if (testing::Test::HasFailure()) return;  // the first wrong case is enough to read
    }
  }

 private:
  struct One {
    long double exact;
    long double tolerance;
  };

  bool in_f64() const {
    return case_.a_spec.dtype == DType::f64 || case_.b_spec.dtype == DType::f64 || case_.c_spec.dtype == DType::f64;
  }

  void evaluate() {
    const std::int64_t m = c_.rows();
    const std::int64_t n = c_.columns();
    const std::int64_t k = case_.options.alpha == 0 ? 0 : a_.columns();
    expected_.assign(static_cast<std::size_t>(c_.size()), {});
    const GemmOptions& o = case_.options;
    // As the kernels have them.
    const long double alpha = in_f64() ? o.alpha : static_cast<double>(static_cast<float>(o.alpha));
    const long double beta = in_f64() ? o.beta : static_cast<double>(static_cast<float>(o.beta));
    for (std::int64_t batch = 0; batch < c_.matrices(); ++batch) {
      const std::int64_t left = k == 0 ? 0 : a_.matrix_for(batch, case_.c);
      const std::int64_t right = k == 0 ? 0 : b_.matrix_for(batch, case_.c);
      const auto a = reference::structured(
          [&](std::int64_t i, std::int64_t q) {
            const long double v = a_.value(left, i, q);
            return chains_.on_a ? chains_.on_a(v, left, i, q) : v;
          },
          o.a);
      const auto b = reference::structured(
          [&](std::int64_t q, std::int64_t j) -> long double { return b_.value(right, q, j); }, o.b);
      std::vector<std::vector<long double>> columns(static_cast<std::size_t>(n));
      for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t q = 0; q < k; ++q) columns[static_cast<std::size_t>(j)].push_back(b(q, j));
      for (std::int64_t i = 0; i < m; ++i) {
        std::vector<long double> row;
        for (std::int64_t q = 0; q < k; ++q) row.push_back(a(i, q));
        for (std::int64_t j = 0; j < n; ++j) {
          const reference::ProductSum sum = reference::product(row, columns[static_cast<std::size_t>(j)]);
          const long double old = beta == 0 ? 0 : beta * c_.value(batch, i, j);
          One& one = expected_[static_cast<std::size_t>((batch * m + i) * n + j)];
          one.exact = (k == 0 ? 0 : alpha * sum.value) + old;
          one.tolerance =
              reference::gemm_tolerance(k, in_f64(), (k == 0 ? 0 : std::fabs(alpha) * sum.absolute) + std::fabs(old));
          if (!chains_.on_c) continue;
          const long double low = chains_.on_c(one.exact - one.tolerance, batch, i, j);
          const long double high = chains_.on_c(one.exact + one.tolerance, batch, i, j);
          one.exact = chains_.on_c(one.exact, batch, i, j);
          one.tolerance = std::fmax(std::fabs(one.exact - low), std::fabs(one.exact - high)) +
                          8 * (in_f64() ? 0x1p-53L : 0x1p-24L) * (std::fabs(one.exact) + 4);
        }
      }
    }
  }

  void compare(const std::string& kernel) {
    c_.data().download();
    Comparison comparison(kernel + " " + case_.text(), case_.c_spec.dtype);
    for (std::int64_t n = 0; n < c_.size(); ++n) {
      const One& e = expected_[static_cast<std::size_t>(n)];
      Accepted accepted{static_cast<double>(e.exact), static_cast<double>(e.exact), std::isnan(e.exact)};
      if (std::isfinite(e.exact)) {
        accepted.low = reference::round_to(e.exact - e.tolerance, case_.c_spec.dtype);
        accepted.high = reference::round_to(e.exact + e.tolerance, case_.c_spec.dtype);
      }
      const std::int64_t offset = c_.offset(n);
      comparison.look({n, 0, c_.data().value(offset), c_.data().bits(offset), static_cast<double>(e.exact), accepted});
    }
    EXPECT_TRUE(comparison.result());
    EXPECT_EQ(c_.data().written(), c_.size()) << kernel << " wrote beside c: " << case_.text();
  }

  GemmCase case_;
  Matrices<Exec> a_;
  Matrices<Exec> b_;
  Matrices<Exec> c_;
  GemmChains chains_{};
  std::vector<One> expected_;
};

}  // namespace mylos::test
