#include <algorithm>

#include "reference/reduce.hpp"
#include "suite/cases/device_sums.hpp"
#include "suite/cases/families.hpp"

namespace mylos::bench {
namespace {

namespace reference = test::reference;
using Kind = mylos::detail::ResultKind;

struct Line {
  ReductionId id;
  Kind kind;
  double p;
};

/// The line of reductions.def.
Line line_of(ReductionId id) {
  static const Line lines[] = {
#define MYLOS_REDUCTION(name, result, ...) {ReductionId::name, Kind::result, 0},
#define MYLOS_REDUCTION_1(name, p, dp, result, ...) {ReductionId::name, Kind::result, dp},
#include <mylos/reductions.def>
  };
  for (const Line& line : lines)
    if (line.id == id) return line;
  throw std::logic_error("reductions with two outputs are not in the suites");
}

DType dtype_of_result(Kind kind, DType x) {
  if (kind == Kind::value) return x;
  return kind == Kind::logical ? DType::u8 : DType::i64;
}

/// Value and bound of one result.
MlpValue expect(const Exec& exec, const Tensor& row, const Line& line, Real u) {
  if (row.size() <= std::int64_t{1} << 21) {
    reference::Values values;
    for (const double v : read(exec, row)) values.push_back(static_cast<Real>(v));
    const auto p = static_cast<Real>(line.p);
    return {reference::reduce(line.id, values, p), reference::bound(line.id, values, p, u)};
  }
  const PowerSums sums = power_sums(exec, row);
  const auto n = static_cast<Real>(row.size());
  switch (line.id) {
    case ReductionId::sum:
      return {sums.deviations, 4 * u * sums.magnitudes};
    case ReductionId::mean:
      return {sums.deviations / n, 4 * u * sums.magnitudes / n};
    case ReductionId::norm:
      return {std::sqrt(sums.squares), 4 * u * std::sqrt(sums.squares)};
    default:
      throw std::logic_error("this reduction of more than 2^21 elements to one is not judged");
  }
}

ErrorFigures check_reduce(const Exec& exec, const Tensors& t, const Line& line, const std::vector<int>& axes) {
  const Arithmetic arithmetic{t[0].dtype, t[1].dtype};
  const Real u = Arithmetic{t[0].dtype, is_floating(t[1].dtype) ? t[1].dtype : t[0].dtype}.u();
  const Rows rows(t[0], axes);
  const std::vector<std::int64_t> sample = rows.sample();
  std::vector<std::int64_t> offsets;
  for (const std::int64_t r : sample) offsets.push_back(offset_at(t[1], r));
  const std::vector<double> found = read_at(exec, t[1], offsets);
  ErrorMeter meter;
  for (std::size_t k = 0; k < sample.size(); ++k) {
    const MlpValue exact = expect(exec, rows.row(t[0], sample[k]), line, u);
    meter.add_stored(found[k], exact.value, exact.error, arithmetic);
  }
  return meter.figures();
}

}  // namespace

CaseSpec reduce_case(const Title& title, const Shape& shape, ReductionId id, const std::vector<int>& axes,
                     Layout layout) {
  const Line line = line_of(id);
  const std::vector<int> along = dimensions(axes, static_cast<int>(shape.size()));
  Shape kept;
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (std::find(along.begin(), along.end(), static_cast<int>(d)) == along.end()) kept.push_back(shape[d]);
  CaseSpec spec = case_spec(title, "reduce", text_of(shape), layout);
  spec.tensors = {{"x", title.dtype, shape, Role::input, layout},
                  output("y", dtype_of_result(line.kind, title.dtype), kept,
                         layout == Layout::left ? Layout::left : Layout::right)};
  spec.bind = [=](const Exec& exec, const Tensors& t) -> Call {
    return [=] {
      mylos::detail::reduce(line.id, "reduce", mylos::detail::Execution(exec), t[0], t[1], Tensor(),
                            Axes(along.data(), static_cast<int>(along.size())), line.p, {}, {});
    };
  };
  spec.check = [=](const Exec& exec, const Tensors& t) { return check_reduce(exec, t, line, along); };
  return spec;
}

}  // namespace mylos::bench
