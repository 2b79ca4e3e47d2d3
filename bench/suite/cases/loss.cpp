#include "suite/cases/device_sums.hpp"
#include "suite/cases/families.hpp"

namespace mylos::bench {
namespace {

/// Value and largest terms of one element's loss, from PyTorch's definitions (tests/reference/loss.hpp has them in long
/// double; here every element of the input is needed, so it is the device that adds them up).
template <class S>
struct PointTerms {
  PointLoss loss;
  Tensor input;
  Tensor target;  // of the same extents
  KOKKOS_FUNCTION void operator()(std::int64_t i, TwoSums<2>& sums) const {
    const double x = element<S>(input, i);
    const double t = element<S>(target, i);
    const double d = Kokkos::abs(x - t);
    double value = 0;
    double terms = 0;
    switch (loss) {
      case PointLoss::mse:
        value = terms = d * d;
        break;
      case PointLoss::smooth_l1:
        value = d < 1 ? d * d / 2 : d - 0.5;
        terms = value;
        break;
      case PointLoss::hinge:
        value = Kokkos::max(1 - x * t, 0.0);
        terms = 1 + Kokkos::abs(x * t);
        break;
      case PointLoss::kl_div_of_probabilities: {
        const double a = t > 0 ? t * Kokkos::log(t) : 0.0;
        const double b = t * Kokkos::log(x);
        value = a - b;
        // The logarithm before the loss may be off by 4 units in the last place, 8 u: 28 u in place of 20 u.
        terms = Kokkos::abs(a) + 1.4 * Kokkos::abs(b);
        break;
      }
    }
    sums.of[0].add(value);
    sums.of[1].add(terms);
  }
};

/// target with the extents of input: strides of 0 where it broadcasts.
Tensor broadcast(const Tensor& target, const Tensor& input) {
  Tensor t = target;
  t.rank = input.rank;
  const int missing = input.rank - target.rank;
  for (int d = 0; d < input.rank; ++d) {
    const bool own = d >= missing && target.extent[d - missing] != 1;
    t.extent[d] = input.extent[d];
    t.stride[d] = own ? target.stride[d - missing] : 0;
  }
  return t;
}

ErrorFigures one_result(const Exec& exec, const Tensors& t, Real value, Real tolerance) {
  ErrorMeter meter;
  meter.add_stored(read(exec, t.back())[0], value, tolerance, {t[0].dtype, t.back().dtype});
  return meter.figures();
}

/// loss.hpp: that of the sum, 4 u, and 16 u of every value's largest terms.
ErrorFigures check_point_loss(const Exec& exec, const Tensors& t, PointLoss loss) {
  const Arithmetic arithmetic{t[0].dtype, t[2].dtype};
  const TwoSums<2> sums = with_type(t[0].dtype, [&](auto* type) {
    using S = std::remove_pointer_t<decltype(type)>;
    return device_sums<2>(exec, t[0].size(), PointTerms<S>{loss, t[0], broadcast(t[1], t[0])});
  });
  const bool by_rows = loss == PointLoss::kl_div_of_probabilities;
  const auto divisor = static_cast<Real>(by_rows ? t[0].extent[0] : t[0].size());
  return one_result(exec, t, sums.of[0].value() / divisor, 20 * arithmetic.u() * sums.of[1].value() / divisor);
}

/// log sum e^x - x[t] of each row, and 1 + its size for the bound.
template <class S>
struct CrossEntropyRows {
  Tensor scores;  // of one dimension, row after row
  std::int64_t classes;
  const std::int64_t* labels;
  bool f64;
  KOKKOS_FUNCTION void operator()(std::int64_t r, TwoSums<2>& sums) const {
    const std::int64_t begin = r * classes;
    double largest = element<S>(scores, begin);
    for (std::int64_t c = 1; c < classes; ++c) largest = Kokkos::max(largest, element<S>(scores, begin + c));
    TwoSum sum;
    for (std::int64_t c = 0; c < classes; ++c) sum.add(Kokkos::exp(element<S>(scores, begin + c) - largest));
    const double log_sum = Kokkos::log(sum.sum + sum.rest);
    const double own = element<S>(scores, begin + labels[r]);
    const double loss = log_sum + (largest - own);
    sums.of[0].add(loss);
    sums.of[1].add(1 + (f64 ? Kokkos::abs(log_sum + largest) + Kokkos::abs(own) : loss));
  }
};

/// vector_loss.hpp: 16 u (1 + loss), in f64 (16 + n / 64) u (1 + |x|), the mean over rows and u of the result.
ErrorFigures check_cross_entropy(const Exec& exec, const Tensors& t) {
  const Arithmetic arithmetic{t[0].dtype, t[2].dtype};
  const std::int64_t rows = t[0].extent[0];
  const TwoSums<2> sums = with_type(t[0].dtype, [&](auto* type) {
    using S = std::remove_pointer_t<decltype(type)>;
    const auto* const labels = static_cast<const std::int64_t*>(t[1].data);
    return device_sums<2>(exec, rows, CrossEntropyRows<S>{merged(t[0]), t[0].extent[1], labels, arithmetic.in_f64()});
  });
  const auto n = static_cast<Real>(rows);
  const Real units = 16 + (arithmetic.in_f64() ? static_cast<Real>(t[0].extent[1]) / 64 : 0);
  const Real loss = sums.of[0].value() / n;
  return one_result(exec, t, loss, arithmetic.u() * (units * sums.of[1].value() / n + std::fabs(loss)));
}

/// The loss of each row, and what is allowed for it.
template <class S>
struct TripletRows {
  Tensor anchor;  // of one dimension, row after row, as the other two
  Tensor other[2];
  std::int64_t n;
  double u;
  double units;
  KOKKOS_FUNCTION void operator()(std::int64_t r, TwoSums<2>& sums) const {
    double distance[2];
    double slack = 0;  // of the differences' rounding
    for (int side = 0; side < 2; ++side) {
      TwoSum squares;
      TwoSum off_squares;
      for (std::int64_t i = r * n; i < (r + 1) * n; ++i) {
        const double a = element<S>(anchor, i);
        const double b = element<S>(other[side], i);
        const double d = a - b + 1e-6;
        const double off = 2 * u * (Kokkos::abs(a) + Kokkos::abs(b));
        squares.add(d * d);
        off_squares.add(off * off);
      }
      distance[side] = Kokkos::sqrt(squares.sum + squares.rest);
      slack += Kokkos::sqrt(off_squares.sum);
    }
    sums.of[0].add(Kokkos::max(1 + distance[0] - distance[1], 0.0));
    sums.of[1].add(units * u * (1 + distance[0] + distance[1]) + slack);
  }
};

/// vector_loss.hpp: 16 u (1 + the distances), 2 u (|a| + |b|) for every difference; in f64 16 + n / 64 in place of 16.
ErrorFigures check_triplet(const Exec& exec, const Tensors& t) {
  const Arithmetic arithmetic{t[0].dtype, t[3].dtype};
  const std::int64_t rows = t[0].extent[0];
  const std::int64_t n = t[0].extent[1];
  const double units = 16 + (arithmetic.in_f64() ? static_cast<double>(n) / 64 : 0);
  const TwoSums<2> sums = with_type(t[0].dtype, [&](auto* type) {
    using S = std::remove_pointer_t<decltype(type)>;
    const auto u = static_cast<double>(arithmetic.u());
    return device_sums<2>(exec, rows, TripletRows<S>{merged(t[0]), {merged(t[1]), merged(t[2])}, n, u, units});
  });
  const Real loss = sums.of[0].value() / static_cast<Real>(rows);
  return one_result(exec, t, loss, sums.of[1].value() / static_cast<Real>(rows) + arithmetic.u() * std::fabs(loss));
}

CaseSpec loss_spec(const Title& title, const Shape& shape, std::vector<TensorSpec> inputs) {
  CaseSpec spec = case_spec(title, "loss", text_of(shape));
  spec.tensors = std::move(inputs);
  spec.tensors.push_back(output("y", title.dtype, {}));
  return spec;
}

void call_point_loss(PointLoss loss, const Exec& exec, const Tensors& t) {
  switch (loss) {
    case PointLoss::mse:
      return mse_loss(exec, t[0], t[1], t[2]);
    case PointLoss::smooth_l1:
      return smooth_l1_loss(exec, t[0], t[1], t[2]);
    case PointLoss::hinge:
      return hinge_loss(exec, t[0], t[1], t[2]);
    case PointLoss::kl_div_of_probabilities:
      return kl_div(exec, t[0], t[1], t[2], LossReduction::batch_mean, false, log());
  }
}

}  // namespace

CaseSpec loss_case(const Title& title, const Shape& shape, PointLoss loss, bool target_row) {
  const bool probabilities = loss == PointLoss::kl_div_of_probabilities;
  const Content input = probabilities ? Content{Content::Kind::positive, 1, 0.5} : Content{};
  const Content target = loss == PointLoss::hinge ? Content{Content::Kind::signs} : input;
  CaseSpec spec = loss_spec(
      title, shape,
      {{"x", title.dtype, shape, Role::input, Layout::right, input},
       {"target", title.dtype, target_row ? Shape{shape.back()} : shape, Role::input, Layout::right, target}});
  spec.bind = [loss](const Exec& exec, const Tensors& t) -> Call { return [=] { call_point_loss(loss, exec, t); }; };
  spec.check = [loss](const Exec& exec, const Tensors& t) { return check_point_loss(exec, t, loss); };
  return spec;
}

CaseSpec cross_entropy_case(const Title& title, const Shape& shape) {
  Content labels{Content::Kind::labels};
  labels.classes = shape[1];
  CaseSpec spec =
      loss_spec(title, shape,
                {{"x", title.dtype, shape}, {"target", DType::i64, {shape[0]}, Role::input, Layout::right, labels}});
  spec.bind = [](const Exec& exec, const Tensors& t) -> Call { return [=] { cross_entropy(exec, t[0], t[1], t[2]); }; };
  spec.check = check_cross_entropy;
  return spec;
}

CaseSpec triplet_case(const Title& title, const Shape& shape) {
  CaseSpec spec =
      loss_spec(title, shape,
                {{"anchor", title.dtype, shape}, {"positive", title.dtype, shape}, {"negative", title.dtype, shape}});
  spec.bind = [](const Exec& exec, const Tensors& t) -> Call {
    return [=] { triplet_margin_loss(exec, t[0], t[1], t[2], t[3]); };
  };
  spec.check = check_triplet;
  return spec;
}

}  // namespace mylos::bench
