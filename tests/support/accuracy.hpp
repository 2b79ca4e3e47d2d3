// Runs one step over a sample on every kernel of an execution space and holds each element to the stated bound.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "support/kernels.hpp"
#include "support/matcher.hpp"
#include "support/samples.hpp"
#include "support/steps.hpp"

namespace mylos::test {

/// x of a dtype, filled from a sample; y of another; `columns` operand values beside each x where there are tensors.
template <class Exec>
class StepCheck {
 public:
  StepCheck(DType x, DType y, const Sample& sample, std::int64_t columns = 1)
      : arithmetic_{x, y},
        rows_(static_cast<std::int64_t>(sample.size())),
        columns_(columns),
        x_(TensorSpec{x, {}, {}, {false, true}}, {rows_, columns}),
        y_(TensorSpec{y}, {rows_, columns}),
        values_(sample.size()),
        accepted_(sample.size() * static_cast<std::size_t>(columns)),
        exact_(accepted_.size()) {
    for (std::int64_t i = 0; i < rows_; ++i) x_.set_bits(i, sample[static_cast<std::size_t>(i)]);
    for (std::int64_t i = 0; i < rows_; ++i) values_[static_cast<std::size_t>(i)] = x_.value(i);
    x_.upload();
  }

  /// A step without operands, or with the same scalar operands for all elements.
  void check(const StepCase& step, double a = 0, double b = 0) {
    const std::vector<Operand> operands{a, b};
    const std::string name =
        step.name() + (step.operands > 0 ? " of " + std::to_string(a) + ", " + std::to_string(b) : "");
    check(name, step, step.chain(operands), {arithmetic_.parameter(a)}, {arithmetic_.parameter(b)});
  }

  /// A step whose operands are tensors of one value per column, or a scalar where `b` is one value.
  void check(const StepCase& step, DType dtype, const std::vector<double>& a, const std::vector<double>& b) {
    Data<Exec> first(dtype, columns_);
    Data<Exec> second(dtype, columns_);
    std::vector<double> stored_a(a.size());
    std::vector<double> stored_b(b.size());
    fill(first, a, stored_a);
    fill(second, b, stored_b);
    check(step.name() + " of tensors", step, step.chain({first.tensor(), second.tensor()}), stored_a, stored_b);
  }

 private:
  /// `stored`: what the kernel has after loading, in the type it computes in.
  void fill(Data<Exec>& data, const std::vector<double>& values, std::vector<double>& stored) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      data.set(static_cast<std::int64_t>(i), reference::round_to(values[i], data.dtype()));
      stored[i] = arithmetic_.parameter(data.value(static_cast<std::int64_t>(i)));
    }
    data.upload();
  }

  void check(const std::string& name, const StepCase& step, const Chain& chain, const std::vector<double>& a,
             const std::vector<double>& b) {
    if (arithmetic_.in_f64())
      evaluate<long double>(step, a, b);
    else
      evaluate<double>(step, a, b);
    for (const Kernel<Exec>& kernel : distinct_kernels<Exec>()) {
      y_.poison();
      if (kernel.run(Exec(), x_.tensor(), y_.tensor(), chain)) compare(name, kernel.name, step, a, b);
    }
  }

  template <class R>
  void evaluate(const StepCase& step, const std::vector<double>& a, const std::vector<double>& b) {
    const R p = R(arithmetic_.parameter(step.parameters.p));
    const R q = R(arithmetic_.parameter(step.parameters.q));
    in_parallel(rows_ * columns_, [&](std::int64_t i) {
      const R x = R(values_[static_cast<std::size_t>(i / columns_)]);
      const R exact = reference::evaluate<R>(step.id, x, p, q, R(at(a, i)), R(at(b, i)));
      exact_[static_cast<std::size_t>(i)] = static_cast<double>(exact);
      accepted_[static_cast<std::size_t>(i)] = accept(step.id, exact, x, arithmetic_);
    });
  }

  double at(const std::vector<double>& operand, std::int64_t i) const {
    return operand.empty() ? 0 : operand[static_cast<std::size_t>(i % columns_) % operand.size()];
  }

  void compare(const std::string& name, const std::string& kernel, const StepCase& step, const std::vector<double>& a,
               const std::vector<double>& b) {
    y_.download();
    const std::string what = std::string(Exec::name()) + " " + kernel + " " + name + ", " + name_of(arithmetic_.x) +
                             " -> " + name_of(arithmetic_.y);
    Comparison comparison(what, arithmetic_.y);
    std::vector<double> error(static_cast<std::size_t>(rows_));
    in_parallel(rows_, [&](std::int64_t row) {
      for (std::int64_t i = row * columns_; i < (row + 1) * columns_; ++i) {
        const auto n = static_cast<std::size_t>(i);
        Element e{i, values_[static_cast<std::size_t>(row)], y_.value(i), y_.bits(i), exact_[n], accepted_[n]};
        // pow(x, 0) is 1 for a quiet NaN and NaN for a signalling one, which loads and stores may make quiet.
        if (step.id == StepId::pow && e.x != e.x && e.got != e.got) e.accepted.nan = true;
        comparison.look(e);
        double& worst = error[static_cast<std::size_t>(row)];
        worst = std::max(worst, comparison.error(e));
      }
    });
    EXPECT_TRUE(comparison.result()) << operands_text(step, a, b);
    if (std::getenv("MYLOS_TEST_VERBOSE") != nullptr) {
      const auto worst = std::max_element(error.begin(), error.end());
      std::printf("%-74s worst %9.3g ulp at x = %.9g\n", what.c_str(), *worst,
                  values_[static_cast<std::size_t>(worst - error.begin())]);
    }
  }

  static std::string operands_text(const StepCase& step, const std::vector<double>& a, const std::vector<double>& b) {
    std::ostringstream text;
    if (step.operands == 0 || a.size() < 2) return "";
    text << "operands, by column:";
    for (std::size_t i = 0; i < a.size(); ++i) text << " (" << a[i] << ", " << (b.empty() ? 0 : b[i % b.size()]) << ")";
    return text.str();
  }

  Arithmetic arithmetic_;
  std::int64_t rows_;
  std::int64_t columns_;
  Data<Exec> x_;
  Data<Exec> y_;
  std::vector<double> values_;
  std::vector<Accepted> accepted_;
  std::vector<double> exact_;
};

}  // namespace mylos::test
