// Every reduction of reductions.def against long double, on every kernel: dtypes, layouts, shapes and axes, and what
// happens to NaN, infinities, ties, cancellation and empty axes.
#include <gtest/gtest.h>

#include <numeric>

#include "support/reductions.hpp"

namespace mylos::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr DType floating[] = {DType::f64, DType::f32, DType::f16, DType::bf16};

template <class Exec>
class Reduce : public testing::Test {
 protected:
  /// All reductions of the table.
  static void check_all(ReduceCase c, const std::function<double(std::int64_t)>& value, const std::string& what = "") {
    for (const TableEntry& entry : reductions()) {
      c.y = result_dtype(entry.result, c.x.dtype);
      ReduceData<Exec> data(c, value);
      for (const double p : entry.parameters) check_reduction(entry, p, data, what);
      if (testing::Test::HasFailure()) return;
    }
  }
  static void check_some(const ReduceCase& given, std::initializer_list<ReductionId> ids,
                         const std::function<double(std::int64_t)>& value, const std::string& what = "") {
    for (const TableEntry& entry : reductions()) {
      if (std::find(ids.begin(), ids.end(), entry.id) == ids.end()) continue;
      ReduceCase c = given;
      if (entry.result != mylos::detail::ResultKind::index || is_floating(c.y)) c.y = result_dtype(entry.result, c.y);
      ReduceData<Exec> data(c, value);
      check_reduction(entry, entry.parameters[0], data, what);
    }
  }
};
TYPED_TEST_SUITE(Reduce, ExecutionSpaces, SpaceName);

TYPED_TEST(Reduce, EveryReductionInEveryDtype) {
  for (const DType dtype : floating) {
    ReduceCase c{{3, 70, 5}, {1}};
    c.x.dtype = dtype;
    this->check_all(c, mixed_value, "middle axis");
    c = {{7, 301}, {-1}};
    c.x.dtype = dtype;
    this->check_all(c, mixed_value, "last axis");
  }
}

TYPED_TEST(Reduce, MixedDtypes) {
  const ReductionId some[] = {ReductionId::sum, ReductionId::amax, ReductionId::var, ReductionId::norm};
  for (const DType from : floating)
    for (const DType to : floating)
      for (const ReductionId id : some) {
        ReduceCase c{{5, 133}, {1}};
        c.x.dtype = from;
        c.y = to;
        this->check_some(c, {id}, mixed_value);
      }
  for (const DType from : {DType::u8, DType::i32, DType::i64})
    for (const ReductionId id : {ReductionId::mean, ReductionId::count_nonzero, ReductionId::any, ReductionId::all}) {
      ReduceCase c{{5, 133}, {1}};
      c.x.dtype = from;
      c.y = DType::f32;
      this->check_some(c, {id}, [](std::int64_t i) { return static_cast<double>(i % 7); });
    }
}

TYPED_TEST(Reduce, Integers) {
  for (const DType from : {DType::u8, DType::i32, DType::i64})
    for (const DType to : {DType::i64, DType::i32})
      for (const int axis : {0, 1}) {
        ReduceCase c{{40, 90}, {axis}};
        c.x.dtype = from;
        c.y = to;
        const int low = from == DType::u8 ? 0 : -100;
        this->check_some(
            c, {ReductionId::sum, ReductionId::amax, ReductionId::amin, ReductionId::argmax, ReductionId::argmin},
            [low](std::int64_t i) { return static_cast<double>(low + i * 7919 % 201); });
      }
}

// What f32 cannot tell apart.
TYPED_TEST(Reduce, ArgumentsOfLargeIntegers) {
  ReduceCase c{{4, 200}, {1}};
  c.x.dtype = DType::i64;
  c.y = DType::i64;
  this->check_some(c, {ReductionId::argmax, ReductionId::argmin, ReductionId::amax, ReductionId::sum},
                   [](std::int64_t i) { return 1e15 + static_cast<double>(i * 37 % 199); });
}

TYPED_TEST(Reduce, ShapesAndAxes) {
  const std::vector<std::vector<std::int64_t>> shapes{{},       {1},        {2},          {3},         {31},
                                                      {1000},   {2, 3},     {100, 1},     {1, 100},    {257, 3},
                                                      {3, 257}, {5, 4, 33}, {2, 3, 4, 5}, {1, 7, 1, 9}};
  for (const auto& shape : shapes) {
    const int rank = static_cast<int>(shape.size());
    for (int mask = 0; mask < 1 << rank; ++mask)
      for (const bool keeps : {false, true}) {
        ReduceCase c{shape};
        for (int d = 0; d < rank; ++d)
          if ((mask >> d & 1) != 0) c.axes.push_back(d % 2 == 0 ? d : d - rank);
        c.keeps_axes = keeps;
        this->check_some(c, {ReductionId::sum, ReductionId::argmin, ReductionId::var, ReductionId::logsumexp},
                         mixed_value);
      }
  }
}

TYPED_TEST(Reduce, EveryShortLength) {
  for (std::int64_t n = 1; n <= 140; ++n)
    for (const int axis : {0, 1}) {
      ReduceCase c{{axis == 0 ? n : 9, axis == 0 ? 9 : n}, {axis}};
      c.x.dtype = n % 3 == 0 ? DType::f16 : DType::f32;
      this->check_some(c, {ReductionId::sum, ReductionId::argmax, ReductionId::var}, mixed_value);
    }
}

TYPED_TEST(Reduce, Layouts) {
  std::vector<TensorSpec> specs(8);
  specs[1].order = {2, 1, 0};
  specs[2].padding = {0, 3, 5};
  specs[3].step = 3;
  specs[4].reversed = {true, false, true};
  specs[5].misalignment = 3;
  specs[6].order = {1, 0, 2};
  specs[7].broadcast = {false, true, false};
  for (const TensorSpec& spec : specs)
    for (const DType dtype : {DType::f32, DType::bf16})
      for (const std::vector<int>& axes : {std::vector<int>{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}, {}}) {
        ReduceCase c{{6, 37, 20}, axes, spec};
        c.x.dtype = dtype;
        c.y = dtype;
        if (!spec.broadcast.empty()) c.shape[1] = 1;  // what is broadcast has extent 1 of its own
        c.y_layout.step = 2;
        this->check_some(c, {ReductionId::sum, ReductionId::argmax, ReductionId::amax}, mixed_value);
      }
}

// Where rows are cut into pieces, and where blocks and lanes end.
TYPED_TEST(Reduce, LongAxes) {
  for (const std::int64_t n : {1023, 1024, 1025, 4097, 16385, 65536, 65537, 131073, 300007}) {
    const std::int64_t length = n / thinning;
    for (const int axis : {0, 1}) {
      ReduceCase c{{axis == 0 ? length : 3, axis == 0 ? 3 : length}, {axis}};
      this->check_some(c, {ReductionId::sum, ReductionId::argmax, ReductionId::var, ReductionId::logsumexp},
                       mixed_value);
    }
    ReduceCase all{{length}};
    all.x.dtype = DType::f64;
    all.y = DType::f64;
    this->check_some(all, {ReductionId::sum, ReductionId::mean, ReductionId::norm, ReductionId::var}, mixed_value);
  }
}

TYPED_TEST(Reduce, ManyColumns) {
  for (const std::int64_t columns : {127, 128, 129, 1000, 4095, 4096})
    for (const std::int64_t rows : {2, 63, 64, 65, 200}) {
      ReduceCase c{{2, rows, columns}, {1}};
      this->check_some(c, {ReductionId::sum, ReductionId::argmax}, mixed_value);
    }
}

TYPED_TEST(Reduce, SpecialValues) {
  // Rows of NaN, of infinities, with one of them, of zeros, and of nothing special.
  const auto value = [](std::int64_t i) {
    const std::int64_t row = i / 65;
    const std::int64_t column = i % 65;
    switch (row) {
      case 0:
        return nan;
      case 1:
        return infinity;
      case 2:
        return -infinity;
      case 3:
        return column == 40 ? nan : mixed_value(i);
      case 4:
        return column == 63 || column == 64 ? nan : (column == 2 ? infinity : mixed_value(i));
      case 5:
        return column == 17 ? -infinity : mixed_value(i);
      case 6:
        return 0.0;
      case 7:
        return column % 2 == 0 ? infinity : -infinity;
      case 8:
        return column == 64 ? infinity : 1.0;
      default:
        return mixed_value(i);
    }
  };
  for (const DType dtype : floating) {
    ReduceCase c{{10, 65}, {1}};
    c.x.dtype = dtype;
    c.y = dtype;
    this->check_some(c,
                     {ReductionId::sum, ReductionId::mean, ReductionId::prod, ReductionId::amax, ReductionId::amin,
                      ReductionId::argmax, ReductionId::argmin, ReductionId::logsumexp, ReductionId::norm,
                      ReductionId::all, ReductionId::any, ReductionId::count_nonzero},
                     value);
    c.x.order = {1, 0};
    this->check_some(c,
                     {ReductionId::sum, ReductionId::amax, ReductionId::argmax, ReductionId::argmin,
                      ReductionId::logsumexp, ReductionId::any},
                     value, "left layout");
  }
}

TYPED_TEST(Reduce, TiesGoToTheFirst) {
  for (const std::int64_t n : {5, 64, 1000, 70000}) {
    ReduceCase c{{3, n}, {1}};
    c.y = DType::i64;
    this->check_some(c, {ReductionId::argmax, ReductionId::argmin}, [](std::int64_t) { return 2.0; });
    this->check_some(c, {ReductionId::argmax, ReductionId::argmin},
                     [](std::int64_t i) { return i % 3 == 0 ? -0.0 : 0.0; });
    this->check_some(c, {ReductionId::argmax, ReductionId::argmin},
                     [](std::int64_t i) { return static_cast<double>(i / 3 % 4); });
    this->check_some(c, {ReductionId::argmax, ReductionId::argmin}, [](std::int64_t) { return -infinity; });
  }
}

// Indices over several axes count in row-major order, whatever the layout.
TYPED_TEST(Reduce, IndicesOfSeveralAxes) {
  for (const std::vector<int>& order : {std::vector<int>{0, 1, 2}, {2, 1, 0}, {1, 2, 0}})
    for (const std::vector<int>& axes : {std::vector<int>{}, {0, 1}, {0, 2}, {1, 2}}) {
      ReduceCase c{{5, 6, 7}, axes};
      c.x.order = order;
      c.y = DType::i32;
      this->check_some(c, {ReductionId::argmax, ReductionId::argmin},
                       [](std::int64_t i) { return static_cast<double>(i * 13 % 11); });
    }
}

TYPED_TEST(Reduce, EmptyAxes) {
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{4, 0}, {0, 4}}) {
    ReduceCase c{shape, {shape[0] == 0 ? 0 : 1}};
    this->check_some(
        c,
        {ReductionId::sum, ReductionId::mean, ReductionId::prod, ReductionId::logsumexp, ReductionId::norm,
         ReductionId::var, ReductionId::stddev, ReductionId::all, ReductionId::any, ReductionId::count_nonzero},
        mixed_value);
  }
  const TypeParam exec;
  Data<TypeParam> y(DType::f32, 4);
  const Tensor x(static_cast<float*>(nullptr), {4, 0});
  EXPECT_THROW(amax(exec, x, y.tensor(), 1), Error);
  EXPECT_THROW(argmin(exec, x, Tensor(static_cast<std::int64_t*>(y.tensor().data), {4}), 1), Error);
  EXPECT_THROW(norm(exec, x, y.tensor(), 1, infinity), Error);
  const Tensor none(static_cast<float*>(nullptr), {0});
  sum(exec, Tensor(static_cast<float*>(nullptr), {0, 3}), none, 1);
  EXPECT_STREQ(last_kernel(), "none");
}

// Sums that f32 alone would lose: series that cancel, 1e30 beside 1, and many small values.
TYPED_TEST(Reduce, SumsStayWithinTheirBoundOnHardData) {
  const std::int64_t n = 400000 / thinning;
  const std::function<double(std::int64_t)> series[] = {
      [](std::int64_t i) { return i % 2 == 0 ? 1.0 + static_cast<double>(i) : -static_cast<double>(i); },
      [](std::int64_t i) { return i % 1000 == 7 ? 1e30 : 1.0; },
      [](std::int64_t i) { return (i % 3 == 0 ? 1e30 : (i % 3 == 1 ? 1.0 : -1e30)); },
      [](std::int64_t) { return 0.1; },
      [](std::int64_t i) { return 1.0 / static_cast<double>(i + 1); },
  };
  for (const auto& value : series)
    for (const DType dtype : {DType::f32, DType::f64}) {
      ReduceCase c{{n}, {}};
      c.x.dtype = dtype;
      c.y = dtype;
      this->check_some(c, {ReductionId::sum, ReductionId::mean}, value);
      c.shape = {n / 4, 4};
      c.axes = {0};
      this->check_some(c, {ReductionId::sum}, value);
    }
}

TYPED_TEST(Reduce, VariancesOfDataFarFromZero) {
  for (const double offset : {1e3, 1e6, -3e5})
    for (const int axis : {0, 1}) {
      ReduceCase c{{axis == 0 ? 5000 : 4, axis == 0 ? 4 : 5000}, {axis}};
      this->check_some(c, {ReductionId::var, ReductionId::stddev},
                       [offset](std::int64_t i) { return offset + mixed_value(i); });
    }
}

TYPED_TEST(Reduce, NormsNeitherOverflowNorUnderflow) {
  ReduceCase c{{3, 1000}, {1}};
  this->check_some(c, {ReductionId::norm}, [](std::int64_t i) { return 1e30 * mixed_value(i); });
  this->check_some(c, {ReductionId::norm}, [](std::int64_t i) { return 1e-30 * mixed_value(i); });
}

TYPED_TEST(Reduce, LogSumExpOfRisingAndFarApartValues) {
  for (const int axis : {0, 1}) {
    ReduceCase c{{axis == 0 ? 20000 : 3, axis == 0 ? 3 : 20000}, {axis}};
    this->check_some(c, {ReductionId::logsumexp}, [](std::int64_t i) { return 1e-3 * static_cast<double>(i / 3); });
    this->check_some(c, {ReductionId::logsumexp}, [](std::int64_t i) { return -1e-3 * static_cast<double>(i / 3); });
    this->check_some(c, {ReductionId::logsumexp}, [](std::int64_t i) { return 1e4 * mixed_value(i); });
  }
}

TYPED_TEST(Reduce, TwoOutputs) {
  for (const DType dtype : floating)
    for (const int axis : {0, 1}) {
      ReduceCase c{{50, 60}, {axis}};
      c.x.dtype = dtype;
      c.y = dtype;
      ReduceData<TypeParam> data(c, mixed_value);
      Data<TypeParam> indices(TensorSpec{DType::i64}, c.result_shape());
      Data<TypeParam> variance(TensorSpec{dtype}, c.result_shape());
      const TypeParam exec;
      for (const std::string& kernel : reduce_kernels<TypeParam>()) {
        for (const bool largest : {true, false}) {
          data.y().poison();
          indices.poison();
          if (!run_on(kernel, exec, [&] {
                largest ? amax_argmax(exec, data.x(), data.y().tensor(), indices.tensor(), axis)
                        : amin_argmin(exec, data.x(), data.y().tensor(), indices.tensor(), axis);
              }))
            continue;
          const auto none = [](const reference::Values&) { return 0.0L; };
          data.compare(
              kernel, [&](const auto& v) { return reference::extremum(v, largest); }, none);
          data.compare(
              indices, kernel + " index",
              [&](const auto& v) { return static_cast<long double>(reference::arg_extremum(v, largest)); }, none);
        }
        data.y().poison();
        variance.poison();
        if (!run_on(kernel, exec, [&] { moments(exec, data.x(), data.y().tensor(), variance.tensor(), axis); }))
          continue;
        const long double u = data.unit();
        data.compare(
            kernel, [&](const auto& v) { return reference::reduce(ReductionId::moments, v, 0); },
            [&](const auto& v) { return reference::bound(ReductionId::moments, v, 0, u); });
        data.compare(
            variance, kernel + " variance", [&](const auto& v) { return reference::variance(v, 0); },
            [&](const auto& v) { return reference::variance_bound(v, 0, u); });
      }
    }
}

// Chains on the way in and on the way out, with operands as large as x, broadcast to it, and one per result.
TYPED_TEST(Reduce, Chains) {
  for (const std::vector<int>& axes : {std::vector<int>{0}, {1}, {2}, {0, 2}, {}})
    for (const DType dtype : {DType::f32, DType::f64, DType::f16}) {
      ReduceCase c{{6, 50, 35}, axes};
      c.x.dtype = dtype;
      c.y = dtype;
      const auto small = [](std::int64_t i) { return static_cast<double>(i * 7 % 9 - 4); };
      ReduceData<TypeParam> data(c, small);
      Data<TypeParam> full(TensorSpec{dtype}, c.shape);
      Data<TypeParam> line(TensorSpec{DType::f32}, {35});
      Data<TypeParam> result(TensorSpec{DType::f32}, c.result_shape());
      for (Data<TypeParam>* d : {&full, &line, &result}) {
        for (std::int64_t i = 0; i < d->tensor().size(); ++i) d->set(i, static_cast<double>((i * 5 + 1) % 3));
        d->upload();
      }
      // The values that enter the sum, by result; all are small integers, so that the sums are exact.
      ReduceCase kept = c;
      kept.keeps_axes = true;
      const Data<TypeParam> index(TensorSpec{DType::i64}, kept.result_shape());
      std::vector<reference::Values> values(data.values().size());
      std::int64_t i = 0;
      for_each_element(c.shape, {full.tensor(), line.tensor(), index.tensor()},
                       [&](const std::vector<std::int64_t>& offset) {
                         const double v = (small(i++) + full.value(offset[0])) * line.value(offset[1]);
                         values[static_cast<std::size_t>(offset[2])].push_back(v);
                       });
      const TypeParam exec;
      for (const std::string& kernel : reduce_kernels<TypeParam>()) {
        data.y().poison();
        if (!run_on(kernel, exec, [&] {
              sum(exec, data.x(), data.y().tensor(), data.axes(), add(full.tensor()) | mul(line.tensor()),
                  neg() | add(result.tensor()));
            }))
          continue;
        std::size_t at = 0;
        data.compare(
            kernel + " chains",
            [&](const auto&) {
              const auto o = static_cast<std::int64_t>(at);
              return -reference::sum_of(values[at++]) + static_cast<long double>(result.value(o));
            },
            [](const auto&) { return 0.0L; });
      }
    }
}

TYPED_TEST(Reduce, ChainsWithoutTensors) {
  const auto small = [](std::int64_t i) { return static_cast<double>(i * 7 % 9 - 4); };
  const auto changed = [](const reference::Values& x) {
    reference::Values all;
    for (const long double v : x) all.push_back(2 * v * v - 3);
    return all;
  };
  const auto exact = [](const auto&) { return 0.0L; };
  const Chain before = square() | mul(2.0) | sub(3.0);
  const TypeParam exec;
  for (const std::vector<std::int64_t>& shape :
       std::vector<std::vector<std::int64_t>>{{40, 3}, {30, 17}, {9, 641}, {3, 5121}, {2, 70001}, {70, 130}, {3, 5}})
    for (const int axis : {0, 1})
      for (const DType dtype : {DType::f32, DType::f64, DType::f16}) {
        ReduceCase c{shape, {axis}};
        c.x.dtype = dtype;
        c.y = dtype == DType::f64 ? DType::f64 : DType::f32;
        ReduceData<TypeParam> data(c, small);
        for (const std::string& kernel : reduce_kernels<TypeParam>()) {
          data.y().poison();
          if (run_on(kernel, exec, [&] { sum(exec, data.x(), data.y().tensor(), data.axes(), before); }))
            data.compare(
                kernel + " sum", [&](const auto& v) { return reference::sum_of(changed(v)); }, exact);
          data.y().poison();
          if (run_on(kernel, exec, [&] { sum(exec, data.x(), data.y().tensor(), data.axes(), before, neg()); }))
            data.compare(
                kernel + " -sum", [&](const auto& v) { return -reference::sum_of(changed(v)); }, exact);
          for (const ReductionId id : {ReductionId::amax, ReductionId::amin}) {
            data.y().poison();
            const bool is_max = id == ReductionId::amax;
            if (run_on(kernel, exec, [&] {
                  is_max ? amax(exec, data.x(), data.y().tensor(), data.axes(), before)
                         : amin(exec, data.x(), data.y().tensor(), data.axes(), before);
                }))
              data.compare(
                  kernel + (is_max ? " amax" : " amin"),
                  [&](const auto& v) { return reference::reduce(id, changed(v), 0); }, exact);
          }
        }
      }
}

/// Losses as they are spelt out: the sum of every row, and of everything, of a chain with a tensor beside x. Whole
/// numbers, so that nothing is rounded.
TYPED_TEST(Reduce, ChainsWithATensor) {
  using Shape = std::vector<std::int64_t>;
  const TypeParam exec;
  const auto x_at = [](std::int64_t i) { return static_cast<double>(i * 7 % 9 - 4); };
  const auto t_at = [](std::int64_t i) { return static_cast<double>(i * 5 % 7 - 3); };
  const auto squared = [](double x, double t) { return (x - t) * (x - t); };
  const auto hinge = [](double x, double t) { return std::fmax(1 - x * t, 0); };
  for (const Shape& shape : std::vector<Shape>{{3, 4096}, {5, 2049}, {60, 16}, {2, 70000 / thinning / 8 * 8}})
    for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16})
      for (const bool is_row : {false, true})
        for (const bool is_hinge : {false, true}) {
          Data<TypeParam> x(TensorSpec{dtype}, shape);
          Data<TypeParam> t(TensorSpec{dtype}, is_row ? Shape{shape[1]} : shape);
          Data<TypeParam> rows(TensorSpec{DType::f64}, {shape[0]});
          Data<TypeParam> all(TensorSpec{DType::f64}, {});
          std::vector<double> of_row(static_cast<std::size_t>(shape[0]));
          for (std::int64_t i = 0; i < shape[0] * shape[1]; ++i) {
            const std::int64_t j = is_row ? i % shape[1] : i;
            x.set(i, x_at(i));
            t.set(j, t_at(j));
            of_row[static_cast<std::size_t>(i / shape[1])] +=
                is_hinge ? hinge(x_at(i), t_at(j)) : squared(x_at(i), t_at(j));
          }
          x.upload();
          t.upload();
          const Chain before = is_hinge ? mul(t.tensor()) | rsub(1.0) | clamp(0, 1e9) : sub(t.tensor()) | square();
          for (const std::string& kernel : reduce_kernels<TypeParam>()) {
            const std::string what = kernel + " " + name_of(dtype) + " " + std::to_string(shape[1]);
            if (run_on(kernel, exec, [&] { sum(exec, x.tensor(), rows.tensor(), 1, before); })) {
              rows.download();
              for (std::int64_t r = 0; r < shape[0]; ++r)
                ASSERT_EQ(rows.value(r), of_row[static_cast<std::size_t>(r)]) << what << ", row " << r;
            }
            if (run_on(kernel, exec, [&] { sum(exec, x.tensor(), all.tensor(), Axes(), before); })) {
              all.download();
              EXPECT_EQ(all.value(0), std::accumulate(of_row.begin(), of_row.end(), 0.0)) << what;
            }
          }
        }
}

/// Whatever the first value is, and however many of them there are.
TYPED_TEST(Reduce, VariancesWithAnOutlierInFront) {
  for (const double outlier : {1e30, -1e6, 300.0})
    for (const int axis : {0, 1})
      for (const std::int64_t n : {5, 3000, 100000}) {
        ReduceCase c{{axis == 0 ? n : 3, axis == 0 ? 3 : n}, {axis}};
        const std::int64_t firsts = axis == 0 ? 3 : n;
        this->check_some(c, {ReductionId::var, ReductionId::stddev}, [=](std::int64_t i) {
          const bool is_first = axis == 0 ? i < firsts : i % n == 0;
          return is_first ? outlier : mixed_value(i);
        });
      }
}

TYPED_TEST(Reduce, HostResults) {
  ReduceCase c{{30, 40}};
  ReduceData<TypeParam> data(c, [](std::int64_t i) { return static_cast<double>(i % 10) - 2; });
  const TypeParam exec;
  const reference::Values& v = data.values()[0];
  EXPECT_EQ(sum(exec, data.x()), static_cast<double>(reference::sum_of(v)));
  long double squares = 0;
  for (const long double e : v) squares += e * e;
  EXPECT_EQ(sum(exec, data.x(), square()), static_cast<double>(squares));
  EXPECT_EQ(sum(exec, data.x(), square(), neg()), -static_cast<double>(squares));
  EXPECT_EQ(argmax(exec, data.x()), 9);
  EXPECT_EQ(count_nonzero(exec, data.x()), 1200 - 120);
  EXPECT_EQ(any(exec, data.x()), true);
  EXPECT_EQ(all(exec, data.x()), false);
  EXPECT_EQ(amin(exec, data.x()), -2.0);
  EXPECT_NEAR(norm(exec, data.x(), 1.0), 3.1 * 1200, 1e-2);
}

}  // namespace
}  // namespace mylos::test
