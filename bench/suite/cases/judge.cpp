#include "suite/cases/judge.hpp"

#include <algorithm>
#include <limits>

#include "support/check.hpp"

namespace mylos::bench {

namespace reference = test::reference;

void ErrorMeter::add_share(Real share) {
  const auto s = static_cast<double>(share);
  ++count_;
  squares_ += share * share;
  if (!(s <= max_) && max_ == max_) max_ = s;  // NaN stays
}

void ErrorMeter::add(double found, Real expected, Real allowed) {
  const bool same = static_cast<Real>(found) == expected || (std::isnan(found) && std::isnan(expected));
  if (same) return add_share(0);
  if (std::isnan(found)) return add_share(std::numeric_limits<Real>::quiet_NaN());
  const Real error = std::fabs(static_cast<Real>(found) - expected);
  add_share(allowed > 0 && error == error ? error / allowed : std::numeric_limits<Real>::infinity());
}

void ErrorMeter::add_stored(double found, Real expected, Real tolerance, const Arithmetic& arithmetic) {
  Real allowed = tolerance;
  if (is_floating(arithmetic.y) && std::isfinite(expected)) {
    allowed += reference::ulp_of(std::fabs(expected) + tolerance, reference::format_of(arithmetic.y)) / 2;
    if (tolerance > 0) allowed += arithmetic.tiny();
  }
  add(found, expected, allowed);
}

ErrorFigures ErrorMeter::figures() const {
  const Real mean = count_ > 0 ? squares_ / static_cast<Real>(count_) : 0;
  return {max_, static_cast<double>(std::sqrt(mean))};
}

MlpValue through(const Chain& chain, MlpValue v, const OperandValue& operand, const Arithmetic& arithmetic) {
  const auto format = arithmetic.format();
  const auto parameter = [&](double p) { return static_cast<Real>(arithmetic.in_f64() ? p : static_cast<float>(p)); };
  for (int s = 0; s < chain.size(); ++s) {
    const Step& step = chain.step(s);
    Real other[2];
    for (int i = 0; i < 2; ++i)
      other[i] = step.tensor[i] >= 0 ? static_cast<Real>(operand(step.tensor[i])) : parameter(step.scalar[i]);
    const Real p = parameter(step.parameter[0]);
    const Real result =
        reference::evaluate<Real>(step.id, v.value, p, parameter(step.parameter[1]), other[0], other[1]);
    const reference::StepBound bound = reference::bound_of(step.id);
    Real error = 0;
    if (v.error > 0)
      error = v.error * reference::derivative_bound(step.id, v, static_cast<double>(p), static_cast<double>(other[0]));
    const Real factor = arithmetic.factor();
    if (std::isfinite(result)) error += factor * Real(bound.ulp) * reference::ulp_of(std::fabs(result) + error, format);
    if (std::isfinite(v.value) && bound.input_ulp > 0)
      error += factor * Real(bound.input_ulp) * reference::ulp_of(std::fabs(v.value) + v.error, format);
    v = {result, error};
  }
  return v;
}

Shape shape_of(const Tensor& t) { return Shape(t.extent, t.extent + t.rank); }

Shape place_of(std::int64_t i, const Shape& shape) {
  Shape place(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    place[d] = i % shape[d];
    i /= shape[d];
  }
  return place;
}

std::int64_t broadcast_offset(const Tensor& t, const Shape& shape, const Shape& place) {
  std::int64_t offset = 0;
  const std::size_t missing = shape.size() - static_cast<std::size_t>(t.rank);
  for (int d = 0; d < t.rank; ++d)
    if (t.extent[d] != 1) offset += place[missing + static_cast<std::size_t>(d)] * t.stride[d];
  return offset;
}

std::vector<std::int64_t> spread(std::int64_t parts, std::int64_t count) {
  std::vector<std::int64_t> numbers;
  const std::int64_t n = std::min(parts, count);
  for (std::int64_t k = 0; k < n; ++k) numbers.push_back(n == count ? k : detail::sampled_index(k, n, count));
  return numbers;
}

std::vector<int> dimensions(std::vector<int> axes, int rank) {
  if (axes.empty())
    for (int d = 0; d < rank; ++d) axes.push_back(d);
  for (int& axis : axes) axis = axis < 0 ? axis + rank : axis;
  std::sort(axes.begin(), axes.end());
  return axes;
}

Rows::Rows(const Tensor& t, const std::vector<int>& axes) : extents_(shape_of(t)), along_(dimensions(axes, t.rank)) {
  for (int d = 0; d < t.rank; ++d) {
    const bool in_row = std::find(along_.begin(), along_.end(), d) != along_.end();
    (in_row ? length_ : count_) *= t.extent[d];
    if (!in_row) across_.push_back(d);
  }
}

Shape Rows::place(std::int64_t r, std::int64_t i) const {
  Shape place(extents_.size());
  const auto fill = [&](const std::vector<int>& dims, std::int64_t n) {
    for (std::size_t k = dims.size(); k-- > 0;) {
      const auto d = static_cast<std::size_t>(dims[k]);
      place[d] = n % extents_[d];
      n /= extents_[d];
    }
  };
  fill(across_, r);
  fill(along_, i);
  return place;
}

Tensor Rows::row(const Tensor& t, std::int64_t r) const {
  const Shape first = place(r, 0);
  std::int64_t offset = 0;
  for (std::size_t d = 0; d < first.size(); ++d) offset += first[d] * t.stride[d];
  Tensor row = moved(t, offset);
  row.rank = 0;
  for (const int d : along_) {
    row.extent[row.rank] = t.extent[d];
    row.stride[row.rank++] = t.stride[d];
  }
  return row;
}

std::vector<std::int64_t> Rows::sample() const {
  constexpr std::int64_t elements = std::int64_t{1} << 17;
  return spread(std::clamp<std::int64_t>(elements / length_, 3, 256), count_);
}

}  // namespace mylos::bench
