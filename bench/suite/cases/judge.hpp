// Results against fp64 (long double, so that f64 has a judge too): errors as shares of what an operator's stated bound
// allows for that element, and half a unit of the type that it is stored in.
#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include "reference/mlp.hpp"
#include "suite/cases/spec.hpp"

namespace mylos::bench {

using Real = long double;
using test::reference::MlpValue;  // a value and how far a computation of it may be off

/// What values are computed and stored in.
struct Arithmetic {
  DType x;
  DType y;
  bool in_f64() const { return x == DType::f64 || y == DType::f64; }
  test::reference::Format format() const { return test::reference::format_of(in_f64() ? DType::f64 : DType::f32); }
  Real u() const { return in_f64() ? 0x1p-53L : 0x1p-24L; }
  /// Results below this may be flushed to zero (docs/numerics.md).
  Real tiny() const { return in_f64() ? 0x1p-1012L : 0x1p-119L; }
  /// Where both are of 16 bits the elementary functions are reduced ones.
  Real factor() const { return is_sixteen_bit(x) && is_sixteen_bit(y) ? 128 : 1; }
};

/// Collects shares of what was allowed.
class ErrorMeter {
 public:
  void add(double found, Real expected, Real allowed);
  /// With the rounding to `stored` on top; integers are exact.
  void add_stored(double found, Real expected, Real tolerance, const Arithmetic& arithmetic);
  /// Of a unit of one's own, as |error| / (sum of absolute products).
  void add_share(Real share);
  ErrorFigures figures() const;

 private:
  double max_ = 0;
  Real squares_ = 0;
  std::int64_t count_ = 0;
};

/// The value of a chain's tensor operand (its number in the chain) at the element in question.
using OperandValue = std::function<double(int tensor)>;

/// v through the chain, its error grown by every step's derivative and own bound. A step after the first needs a bound
/// of its derivative in reference/mlp.hpp; std::logic_error where there is none.
MlpValue through(const Chain& chain, MlpValue v, const OperandValue& operand, const Arithmetic& arithmetic);

/// Where a tensor that broadcasts to `shape` has the element at `place`.
std::int64_t broadcast_offset(const Tensor& t, const Shape& shape, const Shape& place);
/// The coordinates of element i in row-major order.
Shape place_of(std::int64_t i, const Shape& shape);
Shape shape_of(const Tensor& t);

/// `parts` numbers below count: the first, the last, and one of each equal part between; all where they are few.
std::vector<std::int64_t> spread(std::int64_t parts, std::int64_t count);

/// Rows of a tensor: what lies along some of its dimensions.
class Rows {
 public:
  Rows(const Tensor& t, const std::vector<int>& axes);
  std::int64_t count() const { return count_; }
  std::int64_t length() const { return length_; }
  /// Row r of t, or of a tensor of the same extents that lies otherwise.
  Tensor row(const Tensor& t, std::int64_t r) const;
  /// The coordinates of element i of row r.
  Shape place(std::int64_t r, std::int64_t i) const;
  /// As many rows, spread over all, as have about 2^17 elements; 3 to 256, each costs copies.
  std::vector<std::int64_t> sample() const;

 private:
  Shape extents_;
  std::vector<int> along_;   // the row's dimensions, ascending
  std::vector<int> across_;  // the others
  std::int64_t count_ = 1;
  std::int64_t length_ = 1;
};

/// -1 is the last of `rank` dimensions; none are all.
std::vector<int> dimensions(std::vector<int> axes, int rank);

}  // namespace mylos::bench
