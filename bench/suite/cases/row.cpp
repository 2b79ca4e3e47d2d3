#include <algorithm>

#include "reference/row.hpp"
#include "suite/cases/device_sums.hpp"
#include "suite/cases/families.hpp"

namespace mylos::bench {
namespace {

namespace reference = test::reference;
using mylos::detail::RowOperator;

constexpr std::int64_t longest_on_host = std::int64_t{1} << 20;

/// What is expected of some elements of one row, before the affine part.
struct Expected {
  std::vector<std::int64_t> at;  // positions in the row
  std::vector<MlpValue> y;
};

/// Every element of a row, from its definition. Errors that `before` leaves in x become, in a softmax, at most
/// e_j + sum_k y_k e_k relative to y_j.
Expected expect_row(const std::vector<double>& x, const RowArguments& arguments, const Arithmetic& arithmetic) {
  std::vector<Real> values;
  std::vector<Real> errors;
  for (const double v : x) {
    const MlpValue one = through(arguments.before, {static_cast<Real>(v), 0}, {}, arithmetic);
    values.push_back(one.value);
    errors.push_back(one.error);
  }
  const auto eps = static_cast<Real>(arithmetic.in_f64() ? arguments.eps : static_cast<float>(arguments.eps));
  const reference::RowResult result = reference::row(values, arguments.op, eps, 2, arithmetic.format());
  const bool log = arguments.op == RowOperator::log_softmax;
  Real mean_error = 0;
  for (std::size_t i = 0; i < x.size(); ++i) mean_error += errors[i] * (log ? std::exp(result.y[i]) : result.y[i]);
  Expected expected;
  for (std::size_t i = 0; i < x.size(); ++i) {
    Real tolerance = arithmetic.factor() * result.tolerance[i];
    if (!arguments.before.empty()) tolerance += (errors[i] + mean_error) * (log ? 1 : result.y[i]);
    expected.at.push_back(static_cast<std::int64_t>(i));
    expected.y.push_back({result.y[i], tolerance});
  }
  return expected;
}

/// Of a row too long for that: its statistic in two doubles on the device, and a sample of its elements.
Expected expect_long_row(const Exec& exec, const Tensor& row, const RowArguments& arguments,
                         const Arithmetic& arithmetic) {
  if (!arguments.before.empty())
    throw std::logic_error("a chain before a row of more than 2^20 elements is not judged");
  const auto n = static_cast<Real>(row.size());
  const auto format = arithmetic.format();
  PowerSums sums = power_sums(exec, row);
  Real mean = 0;
  Real divisor = 0;
  switch (arguments.op) {
    case RowOperator::standardize: {
      mean = sums.deviations / n;
      sums = power_sums(exec, row, static_cast<double>(mean));
      mean = static_cast<Real>(static_cast<double>(mean)) + sums.deviations / n;
      const Real off = sums.deviations / n;
      divisor = std::sqrt(sums.squares / n - off * off + static_cast<Real>(arguments.eps));
      break;
    }
    case RowOperator::rms:
      divisor = std::sqrt(sums.squares / n + static_cast<Real>(arguments.eps));
      break;
    case RowOperator::l1:
      divisor = std::max(sums.magnitudes, static_cast<Real>(arguments.eps));
      break;
    case RowOperator::l2:
      divisor = std::max(std::sqrt(sums.squares), static_cast<Real>(arguments.eps));
      break;
    default:
      throw std::logic_error("this operator's rows of more than 2^20 elements are not judged");
  }
  Expected expected;
  expected.at = spread(4096, row.size());
  std::vector<std::int64_t> offsets;
  for (const std::int64_t i : expected.at) offsets.push_back(offset_at(row, i));
  const Real units = reference::sum_units(format, 8);
  for (const double v : read_at(exec, row, offsets)) {
    const Real y = (static_cast<Real>(v) - mean) / divisor;
    Real tolerance = units * reference::ulp_of(y, format);
    if (arguments.op == RowOperator::standardize) {
      tolerance = units * reference::ulp_of(Real(1), format) * (std::fabs(y) + 1);
      if (arithmetic.in_f64()) tolerance += 16 * reference::ulp_of(mean, format) / divisor;
    }
    expected.y.push_back({y, arithmetic.factor() * tolerance});
  }
  return expected;
}

ErrorFigures check_row(const Exec& exec, const Tensors& t, const RowArguments& arguments) {
  const Shape shape = arguments.view ? arguments.view(shape_of(t[0])) : shape_of(t[0]);
  const Tensor x = arguments.view ? seen_as(t[0], shape) : t[0];
  const Tensor y = arguments.view ? seen_as(t[1], shape) : t[1];
  const Arithmetic arithmetic{x.dtype, y.dtype};
  const auto format = arithmetic.format();
  const Rows rows(x, arguments.axes);
  const bool affine = !arguments.affine.empty();
  const std::vector<double> weight = affine ? read(exec, t[2]) : std::vector<double>();
  const std::vector<double> bias = affine ? read(exec, t[3]) : std::vector<double>();
  const auto parameter_index = [&](std::int64_t r, std::int64_t i) {
    const Shape place = rows.place(r, i);
    std::int64_t n = 0;
    for (const int d : arguments.affine)
      n = n * shape[static_cast<std::size_t>(d)] + place[static_cast<std::size_t>(d)];
    return static_cast<std::size_t>(n);
  };

  ErrorMeter meter;
  const bool is_long = rows.length() > longest_on_host;
  for (const std::int64_t r : is_long ? spread(3, rows.count()) : rows.sample()) {
    const Tensor row = rows.row(x, r);
    const Expected expected = is_long ? expect_long_row(exec, row, arguments, arithmetic)
                                      : expect_row(read(exec, row), arguments, arithmetic);
    const Tensor y_row = rows.row(y, r);
    std::vector<std::int64_t> offsets;
    for (const std::int64_t i : expected.at) offsets.push_back(offset_at(y_row, i));
    const std::vector<double> found = read_at(exec, y_row, offsets);
    for (std::size_t k = 0; k < found.size(); ++k) {
      MlpValue v = expected.y[k];
      if (affine) {
        const std::size_t n = parameter_index(r, expected.at[k]);
        v.value *= static_cast<Real>(weight[n]);
        v.error = v.error * std::fabs(static_cast<Real>(weight[n])) + reference::ulp_of(v.value, format);
        v.value += static_cast<Real>(bias[n]);
        v.error += reference::ulp_of(v.value, format);
      }
      v = through(arguments.after, v, {}, arithmetic);
      meter.add_stored(found[k], v.value, v.error, arithmetic);
    }
  }
  return meter.figures();
}

RowArguments row_arguments(RowOperator op, std::function<void(const Exec&, const Tensors&)> call,
                           std::vector<int> axes) {
  RowArguments arguments;
  arguments.op = op;
  arguments.call = std::move(call);
  arguments.axes = std::move(axes);
  return arguments;
}

std::vector<TensorSpec> weight_and_bias(DType dtype, const Shape& extents) {
  return {{"weight", dtype, extents}, {"bias", dtype, extents}};
}

}  // namespace

CaseSpec row_case(const Title& title, const Shape& shape, const RowArguments& arguments) {
  CaseSpec spec = case_spec(title, "row", text_of(shape), arguments.layout);
  spec.tensors = {{"x", title.dtype, shape, Role::input, arguments.layout},
                  output("y", title.dtype, shape, arguments.layout)};
  spec.tensors.insert(spec.tensors.end(), arguments.further.begin(), arguments.further.end());
  spec.bind = [call = arguments.call](const Exec& exec, const Tensors& t) -> Call {
    return [exec, t, call] { call(exec, t); };
  };
  spec.check = [arguments](const Exec& exec, const Tensors& t) { return check_row(exec, t, arguments); };
  return spec;
}

CaseSpec softmax_case(const Title& title, const Shape& shape, bool log, int axis, const Chain& before, Layout layout) {
  RowArguments a =
      row_arguments(log ? RowOperator::log_softmax : RowOperator::softmax,
                    [=](const Exec& exec, const Tensors& t) {
                      log ? log_softmax(exec, t[0], t[1], axis, before) : softmax(exec, t[0], t[1], axis, before);
                    },
                    {axis});
  a.before = before;
  a.layout = layout;
  return row_case(title, shape, a);
}

CaseSpec layer_norm_case(const Title& title, const Shape& shape, int dims, int axis, Layout layout) {
  const auto rank = static_cast<int>(shape.size());
  std::vector<int> axes = dims > 0 ? std::vector<int>() : dimensions({axis}, rank);
  for (int d = rank - dims; d < rank; ++d) axes.push_back(d);
  Shape extents;
  for (const int d : axes) extents.push_back(shape[static_cast<std::size_t>(d)]);
  RowArguments a = row_arguments(
      RowOperator::standardize,
      [axes](const Exec& exec, const Tensors& t) {
        layer_norm(exec, t[0], t[1], Axes(axes.data(), static_cast<int>(axes.size())), {t[2], t[3]});
      },
      axes);
  a.eps = 1e-5;
  a.affine = axes;
  a.further = weight_and_bias(title.dtype, extents);
  a.layout = layout;
  return row_case(title, shape, a);
}

CaseSpec group_norm_case(const Title& title, const Shape& shape, std::int64_t groups) {
  RowArguments a = row_arguments(
      RowOperator::standardize,
      [groups](const Exec& exec, const Tensors& t) {
        groups == 0 ? instance_norm(exec, t[0], t[1]) : group_norm(exec, t[0], t[1], groups, {t[2], t[3]});
      },
      {2, 3});
  a.eps = 1e-5;
  a.view = [groups](const Shape& s) {
    const std::int64_t parts = groups == 0 ? s[1] : groups;
    return Shape{s[0], parts, s[1] / parts, count_of(s) / (s[0] * s[1])};
  };
  if (groups != 0) {
    a.affine = {1, 2};
    a.further = weight_and_bias(title.dtype, {shape[1]});
  }
  return row_case(title, shape, a);
}

CaseSpec batch_norm_training_case(const Title& title, const Shape& shape) {
  RowArguments a = row_arguments(RowOperator::standardize,
                                 [](const Exec& exec, const Tensors& t) {
                                   batch_norm_training(exec, t[0], t[1], {t[4], t[5]}, {t[2], t[3]});
                                 },
                                 {0, 2});
  a.eps = 1e-5;
  a.view = [](const Shape& s) { return Shape{s[0], s[1], count_of(s) / (s[0] * s[1])}; };
  a.affine = {1};
  a.further = weight_and_bias(title.dtype, {shape[1]});
  a.further.push_back({"running mean", title.dtype, {shape[1]}, Role::state});
  a.further.push_back(
      {"running variance", title.dtype, {shape[1]}, Role::state, Layout::right, {Content::Kind::positive}});
  return row_case(title, shape, a);
}

CaseSpec rms_norm_case(const Title& title, const Shape& shape, int axis, double eps) {
  RowArguments a = row_arguments(
      RowOperator::rms, [=](const Exec& exec, const Tensors& t) { rms_norm(exec, t[0], t[1], axis, {}, eps); }, {axis});
  a.eps = eps;
  return row_case(title, shape, a);
}

CaseSpec l1_mean_case(const Title& title, const Shape& shape) {
  const Chain after = mul(shape[1]);
  RowArguments a = row_arguments(
      RowOperator::l1,
      [after](const Exec& exec, const Tensors& t) { l1_normalize(exec, t[0], t[1], 1, 1e-12, {}, after); }, {1});
  a.eps = 1e-12;
  a.after = after;
  return row_case(title, shape, a);
}

CaseSpec l2_normalize_case(const Title& title, const Shape& shape) {
  RowArguments a =
      row_arguments(RowOperator::l2, [](const Exec& exec, const Tensors& t) { l2_normalize(exec, t[0], t[1]); }, {1});
  a.eps = 1e-12;
  return row_case(title, shape, a);
}

CaseSpec frobenius_case(const Title& title, const Shape& shape) {
  return row_case(title, shape,
                  row_arguments(RowOperator::l2,
                                [](const Exec& exec, const Tensors& t) { frobenius_normalize(exec, t[0], t[1]); }, {}));
}

}  // namespace mylos::bench
