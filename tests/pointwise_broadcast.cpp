// Broadcasting: x and the operands along every axis, with inner extents around the vector's, of every dtype.
#include <gtest/gtest.h>

#include "support/shapes.hpp"

namespace mylos::test {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr DType computed[] = {DType::f64, DType::f32, DType::f16};
constexpr DType all_types[] = {DType::f64, DType::f32, DType::f16, DType::bf16, DType::u8, DType::i32, DType::i64};

/// A tensor with extent 1 in the dimensions that are set in `mask`.
TensorSpec broadcast(DType dtype, unsigned mask, int rank) {
  TensorSpec spec{dtype};
  for (int d = 0; d < rank; ++d) spec.broadcast.push_back((mask >> d & 1) != 0);
  return spec;
}

template <class Exec>
class PointwiseBroadcast : public testing::Test {};
TYPED_TEST_SUITE(PointwiseBroadcast, ExecutionSpaces, SpaceName);

TYPED_TEST(PointwiseBroadcast, XAndOperandAlongEveryAxis) {
  for (const DType dtype : computed)
    for (unsigned x = 0; x < 8; ++x)
      for (unsigned operand = 0; operand < 8; ++operand)
        check_shape<TypeParam>(
            {"broadcast", {6, 5, 24}, broadcast(dtype, x, 3), {dtype}, {broadcast(dtype, operand, 3)}});
}

TYPED_TEST(PointwiseBroadcast, InnerExtents) {
  for (const DType dtype : computed)
    for (const Shape& shape : {Shape{1000, 3}, Shape{1000, 7}, Shape{500, 8}, Shape{333, 16}, Shape{3, 65535},
                               Shape{65535, 2}, Shape{17, 1023}, Shape{2, 3, 65535 / 16}})
      for (unsigned mask = 0; mask < 1U << shape.size(); ++mask) {
        const int rank = static_cast<int>(shape.size());
        check_shape<TypeParam>({"operand", shape, {dtype}, {dtype}, {broadcast(dtype, mask, rank)}});
      }
}

TYPED_TEST(PointwiseBroadcast, MisalignedBias) {
  for (const DType dtype : computed)
    for (int misalignment = 0; misalignment < 8; ++misalignment)
      for (const std::int64_t inner : {24, 32, 37}) {
        TensorSpec bias = broadcast(dtype, 1, 2);
        bias.misalignment = misalignment;
        TensorSpec y{dtype};
        check_shape<TypeParam>({"bias", {40, inner}, {dtype}, y, {bias}});
        y.misalignment = 8 - misalignment;
        check_shape<TypeParam>({"bias and y", {40, inner}, {dtype}, y, {bias}});
      }
}

TYPED_TEST(PointwiseBroadcast, FewerDimensions) {
  for (int dropped = 0; dropped <= 4; ++dropped) {
    TensorSpec operand{DType::f32};
    operand.dropped = dropped;
    check_shape<TypeParam>({"operand", {2, 3, 5, 31}, {DType::f32}, {DType::f32}, {operand}});
    TensorSpec x{DType::f16};
    x.dropped = dropped;
    check_shape<TypeParam>({"x", {2, 3, 5, 31}, x, {DType::f32}, {operand}});
  }
}

TYPED_TEST(PointwiseBroadcast, OperandsOfEveryType) {
  for (const DType dtype : computed)
    for (const DType operand : all_types)
      for (unsigned mask = 0; mask < 4; ++mask)
        check_shape<TypeParam>({"operand", {33, 40}, {dtype}, {dtype}, {broadcast(operand, mask, 2)}});
}

TYPED_TEST(PointwiseBroadcast, SixteenOperands) {
  for (const DType dtype : computed) {
    ShapeCase c{"sixteen", {19, 24}, {dtype}, {dtype}, {}};
    for (unsigned o = 0; o < 16; ++o) c.operands.push_back(broadcast(all_types[o % 7], o, 2));
    check_shape<TypeParam>(c);
  }
}

// Masks of bytes: any value but zero is true, the mask broadcasts, and what it hides may be NaN.
TYPED_TEST(PointwiseBroadcast, ByteMasks) {
  constexpr std::int64_t rows = 37;
  constexpr std::int64_t columns = 53;
  Data<TypeParam> x(TensorSpec{DType::f32}, {rows, columns});
  Data<TypeParam> y(TensorSpec{DType::f32}, {rows, columns});
  Data<TypeParam> other(DType::f32, columns);
  Data<TypeParam> mask(TensorSpec{DType::u8, {}, {}, {false, true}}, {rows, columns});
  for (std::int64_t i = 0; i < rows; ++i) mask.set(i, static_cast<double>(i % 3 == 0 ? 0 : (i * 50) % 256));
  for (std::int64_t i = 0; i < columns; ++i) other.set(i, i % 5 == 0 ? std::nan("") : static_cast<double>(-i));
  for (std::int64_t i = 0; i < rows * columns; ++i) x.set(i, i % 7 == 0 ? std::nan("") : static_cast<double>(i));
  x.upload();
  other.upload();
  mask.upload();
  for (const bool fill : {false, true}) {
    const Chain chain = fill ? masked_fill(mask.tensor(), -5) : where(mask.tensor(), other.tensor());
    for (const Kernel<TypeParam>& kernel : all_kernels<TypeParam>()) {
      y.poison();
      if (!kernel.run(TypeParam(), x.tensor(), y.tensor(), chain)) continue;
      y.download();
      Comparison comparison(kernel.name, DType::f32);
      for (std::int64_t i = 0; i < rows * columns; ++i) {
        const bool chosen = mask.value(i / columns) != 0;
        const double hidden = fill ? x.value(i) : other.value(i % columns);
        const double shown = fill ? -5 : x.value(i);
        const double exact = chosen ? shown : hidden;
        comparison.look({i, x.value(i), y.value(i), y.bits(i), exact, {exact, exact, exact != exact}});
      }
      EXPECT_TRUE(comparison.result());
    }
  }
}

}  // namespace
}  // namespace mylos::test
