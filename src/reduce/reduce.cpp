#include <mylos/reduce.hpp>

#include "core/checks.hpp"
#include "reduce/run.hpp"

namespace mylos::detail {
namespace {

struct Described {
  Reduction reduction;
  ResultKind result;
};

Reduction norm_of(double p) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (p == infinity) return {Monoid::maximum, Prepare::abs, Finish::maximum, 0, 0, p};
  if (p == -infinity) return {Monoid::maximum, Prepare::negate_abs, Finish::minimum, 0, 0, p};
  if (p == 0) return {Monoid::sum, Prepare::nonzero, Finish::sum, 0, 0, p};
  if (p == 2) return {Monoid::sum_of_squares, Prepare::none, Finish::root, 0, 0, p};
  return {Monoid::sum, p == 1 ? Prepare::abs : Prepare::power, Finish::root, p, 0, p};
}

Described describe(ReductionId id, double p) {
  switch (id) {
    case ReductionId::amax_argmax:
      return {{Monoid::arg_maximum, Prepare::none, Finish::maximum_index, 0, 0, 0}, ResultKind::value};
    case ReductionId::amin_argmin:
      return {{Monoid::arg_maximum, Prepare::negate, Finish::minimum_index, 0, 0, 0}, ResultKind::value};
    case ReductionId::moments:
      return {{Monoid::moments, Prepare::none, Finish::mean_variance, 0, 0, p}, ResultKind::value};
#define MYLOS_REDUCTION(name, result, monoid, prepare, finish, ...) \
  case ReductionId::name:                                           \
    return {{Monoid::monoid, Prepare::prepare, Finish::finish, 0, 0, p}, ResultKind::result};
#include <mylos/reductions.def>
  }
  return {};
}

bool is_integer(DType dtype) { return dtype == DType::i64 || dtype == DType::i32; }

void check_dtype(const char* function, const char* argument, const Tensor& y, bool fits, const char* expected) {
  if (!fits) fail(function, argument, y, std::string("dtype ") + name_of(y.dtype) + ", expected " + expected);
}

/// Whether integers may be reduced to integers.
bool serves_integers(const Reduction& reduction) {
  return reduction.monoid == Monoid::maximum || reduction.monoid == Monoid::arg_maximum ||
         reduction.finish == Finish::product || reduction.finish == Finish::sum;
}

void check_dtypes(const char* function, const ReduceArguments& a, const Described& d) {
  const char* const floating = "f64, f32, f16 or bf16";
  const Finish finish = d.reduction.finish;
  switch (d.result) {
    case ResultKind::value: {
      const bool integers = !is_floating(a.x.dtype) && serves_integers(d.reduction);
      check_dtype(function, "y", a.y, is_floating(a.y.dtype) || integers,
                  serves_integers(d.reduction) ? "f64, f32, f16 or bf16, or an integer dtype for integers" : floating);
      break;
    }
    case ResultKind::index:
    case ResultKind::count:
      check_dtype(function, "y", a.y, is_integer(a.y.dtype), "i64 or i32");
      break;
    case ResultKind::logical:
      check_dtype(function, "y", a.y, a.y.dtype == DType::u8, "u8");
      break;
  }
  if (finish == Finish::mean_variance)
    check_dtype(function, "the second output", a.second, is_floating(a.second.dtype), floating);
  if (finish == Finish::maximum_index || finish == Finish::minimum_index)
    check_dtype(function, "the second output", a.second, is_integer(a.second.dtype), "i64 or i32");
}

std::int64_t count_along(const ReduceArguments& a) {
  std::int64_t count = 1;
  for (int d = 0; d < a.x.rank; ++d)
    if ((a.axes >> d & 1U) != 0) count *= a.x.extent[d];
  return count;
}

void check_count(const char* function, const ReduceArguments& a, const Reduction& reduction, std::int64_t count) {
  const bool extremum = reduction.monoid == Monoid::maximum || reduction.monoid == Monoid::arg_maximum;
  if (count == 0 && extremum)
    fail(function, "x", a.x, "no elements along the axes in extents " + shape_of(a.x) + ", expected at least one");
  if (reduction.finish == Finish::root && count == 0 && reduction.finish_p < 0)
    fail(function, "x", a.x, "no elements along the axes in extents " + shape_of(a.x) + ", expected at least one");
  const Tensor& indices = a.has_second ? a.second : a.y;
  if (reduction.monoid == Monoid::arg_maximum && indices.dtype == DType::i32 && count > 0x7fffffff)
    fail(function, "x", a.x, "more than 2^31 - 1 elements along the axes for indices of dtype i32, expected i64");
}

}  // namespace

void reduce(ReductionId id, const char* function, const Execution& execution, const Tensor& x, const Tensor& y,
            const Tensor& second, const Axes& axes, double p, const Chain& before, const Chain& after) {
  Described d = describe(id, p);
  if (id == ReductionId::norm) d.reduction = norm_of(p);
  ReduceArguments a;
  a.x = x;
  a.y = y;
  a.second = second;
  a.has_second = id == ReductionId::amax_argmax || id == ReductionId::amin_argmin || id == ReductionId::moments;
  a.axes = axis_mask(function, x, axes);
  check_dtypes(function, a, d);
  const std::int64_t count = count_along(a);
  check_count(function, a, d.reduction, count);
  if (d.reduction.finish == Finish::mean) d.reduction.finish_p = static_cast<double>(count);
  run_reduction(function, execution, a, d.reduction, before, after);
}

}  // namespace mylos::detail
