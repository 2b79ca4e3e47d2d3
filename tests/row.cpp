// Accuracy of every row operator on every kernel of every execution space, element by element, and rows of special
// values.
#include <gtest/gtest.h>

#include "support/rows.hpp"

namespace mylos::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr DType floating[] = {DType::f64, DType::f32, DType::f16, DType::bf16};

template <class Exec>
class RowAccuracy : public testing::Test {
 protected:
  static void check(const RowCase& c, const Values& values) { RowCheck<Exec>(c, values).check(); }
  static RowCase rows_of(RowOperator op, DType x, DType y, std::int64_t rows, std::int64_t length) {
    return {name_of(op) + " " + std::to_string(rows) + "x" + std::to_string(length),
            op,
            {rows, length},
            {false, true},
            {x},
            {y}};
  }
};
TYPED_TEST_SUITE(RowAccuracy, ExecutionSpaces, SpaceName);

TYPED_TEST(RowAccuracy, EveryOperatorAndTypes) {
  for (const RowOperator op : all_row_operators)
    for (const DType x : floating)
      for (const DType y : floating) this->check(this->rows_of(op, x, y, 5, 1500), normal);
}

TYPED_TEST(RowAccuracy, Lengths) {
  for (const RowOperator op : all_row_operators)
    for (const std::int64_t length : {1, 2, 3, 7, 15, 16, 17, 31, 64, 97, 255, 1023, 1024, 1025, 2500, 16384, 16385})
      this->check(this->rows_of(op, DType::f32, DType::f32, 3, length), normal);
}

// Longer than a thread's buffer, and cut into pieces.
TYPED_TEST(RowAccuracy, LongRows) {
  for (const RowOperator op : all_row_operators) {
    this->check(this->rows_of(op, DType::f32, DType::f32, 2, 40007), normal);
    this->check(this->rows_of(op, DType::f64, DType::f64, 1, 200003), normal);
    this->check(this->rows_of(op, DType::f32, DType::bf16, 1, 393216), normal);
  }
  this->check(this->rows_of(RowOperator::softmax, DType::f32, DType::f32, 16, 100003), normal);
  if (on_host<TypeParam>) return;
  // More of them than a GPU works on at once.
  for (const RowOperator op : {RowOperator::softmax, RowOperator::standardize})
    this->check(this->rows_of(op, DType::f32, DType::f32, 9, 540001), normal);
  // More than twice as many as it has clusters, which then take them as they come to them: several in a ring, one.
  this->check(this->rows_of(RowOperator::softmax, DType::f32, DType::f32, 2000, 1100), normal);
  this->check(this->rows_of(RowOperator::standardize, DType::f32, DType::f32, 150, 50001), normal);
}

// The case that a variance by E[x^2] - E[x]^2 gets wrong, and one pass of Welford in f32 too.
TYPED_TEST(RowAccuracy, LargeMean) {
  for (const double mean : {1e4, -3e5, 1e6})
    for (const std::int64_t length : {7, 1000, 16384, 70001})
      for (const DType y : {DType::f32, DType::f64})
        this->check(this->rows_of(RowOperator::standardize, y, y, 3, length),
                    [=](std::int64_t i) { return mean + normal(i); });
}

TYPED_TEST(RowAccuracy, WideRange) {
  for (const RowOperator op : {RowOperator::softmax, RowOperator::log_softmax})
    for (const double scale : {10.0, 100.0, 1e4})
      for (const DType dtype : floating)
        this->check(this->rows_of(op, dtype, dtype, 4, 3000), [=](std::int64_t i) { return scale * noise(i); });
}

// The sum of a long row of softmax, in f64 from the stored values.
TYPED_TEST(RowAccuracy, SumOfARow) {
  constexpr std::int64_t length = 393216;
  Data<TypeParam> x(DType::f32, length);
  Data<TypeParam> y(DType::f32, length);
  for (std::int64_t i = 0; i < length; ++i) x.set(i, reference::round_to(normal(i), DType::f32));
  x.upload();
  for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
    if (!kernel.run([&](const TypeParam& exec) { softmax(exec, x.tensor(), y.tensor()); })) continue;
    y.download();
    double sum = 0;
    for (std::int64_t i = 0; i < length; ++i) sum += y.value(i);
    EXPECT_LE(std::fabs(sum - 1), 1e-6) << kernel.name;
  }
}

TYPED_TEST(RowAccuracy, Exponents) {
  for (const double p : {0.5, 1.0, 1.5, 2.0, 4.0})
    for (const DType dtype : {DType::f32, DType::f64}) {
      RowCase c = this->rows_of(RowOperator::lp, dtype, dtype, 3, 1000);
      c.p = p;
      this->check(c, normal);
    }
}

TYPED_TEST(RowAccuracy, EpsilonDecidesSmallRows) {
  for (const RowOperator op : {RowOperator::standardize, RowOperator::rms, RowOperator::l1, RowOperator::l2}) {
    RowCase c = this->rows_of(op, DType::f32, DType::f32, 3, 100);
    c.eps = 0.25;
    this->check(c, [](std::int64_t i) { return 1e-4 * noise(i); });
  }
}

/// Rows that meet the limits: what stands in row r at place k.
double special(std::int64_t r, std::int64_t k, std::int64_t length) {
  const bool one = k == (r * 37) % length;
  switch (r) {
    case 0:
      return 2.5;  // all equal
    case 1:
      return 0;
    case 2:
      return one ? 60000 : normal(k);  // one huge
    case 3:
      return one ? -60000 : normal(k);
    case 4:
      return -infinity;
    case 5:
      return one ? infinity : normal(k);
    case 6:
      return one ? -infinity : normal(k);
    case 7:
      return one ? nan : normal(k);
    case 8:
      return k == 0 ? nan : normal(k);
    case 9:
      return k == length - 1 ? nan : -infinity;
    case 10:
      return nan;
    case 11:
      return k % 2 == 0 ? infinity : -infinity;
    case 12:
      return 1e-7 * noise(k);  // subnormal in f16
    default:
      return normal(k);
  }
}

TYPED_TEST(RowAccuracy, SpecialRows) {
  for (const RowOperator op : all_row_operators)
    for (const DType dtype : floating)
      for (const std::int64_t length : {1, 5, 64, 1000, 3001})
        this->check(this->rows_of(op, dtype, dtype, 14, length),
                    [=](std::int64_t i) { return special(i / length, i % length, length); });
}

TYPED_TEST(RowAccuracy, SpecialValuesInLongRows) {
  constexpr std::int64_t length = 70001;
  for (const RowOperator op : all_row_operators)
    this->check(this->rows_of(op, DType::f32, DType::f32, 14, length),
                [=](std::int64_t i) { return special(i / length, i % length, length); });
}

TYPED_TEST(RowAccuracy, Subnormals) {
  for (const RowOperator op : {RowOperator::softmax, RowOperator::log_softmax, RowOperator::standardize,
                               RowOperator::rms, RowOperator::l1, RowOperator::l2}) {
    this->check(this->rows_of(op, DType::f32, DType::f32, 3, 300), [](std::int64_t i) { return 1e-39 * noise(i); });
    this->check(this->rows_of(op, DType::f64, DType::f64, 3, 300), [](std::int64_t i) { return 1e-309 * noise(i); });
  }
}

// Far beyond what an exponential holds, and up to the largest number.
TYPED_TEST(RowAccuracy, SoftmaxNeverOverflows) {
  for (const RowOperator op : {RowOperator::softmax, RowOperator::log_softmax}) {
    this->check(this->rows_of(op, DType::f32, DType::f32, 3, 1000), [](std::int64_t i) { return 3e38 * noise(i); });
    this->check(this->rows_of(op, DType::f64, DType::f64, 3, 1000), [](std::int64_t i) { return 1e308 * noise(i); });
    this->check(this->rows_of(op, DType::f16, DType::f16, 3, 1000), [](std::int64_t i) { return 65000 * noise(i); });
  }
}

// What is left of a row lies so far below zero that the inverse of its exponential overflows.
TYPED_TEST(RowAccuracy, AllButAFewHidden) {
  for (const RowOperator op : {RowOperator::softmax, RowOperator::log_softmax})
    for (const DType dtype : floating)
      for (const std::int64_t length : {5, 64, 1000, 4096, 70001})
        this->check(this->rows_of(op, dtype, dtype, 3, length),
                    [=](std::int64_t i) { return i % length < length - 3 ? -infinity : -800.0 - noise(i); });
}

}  // namespace
}  // namespace mylos::test
