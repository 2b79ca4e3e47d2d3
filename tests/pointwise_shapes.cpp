// Shapes and layouts on every kernel: ranks, extents, misaligned pointers, every order of dimensions against every
// other, tiles with ragged edges, negative strides, and hundreds of shapes drawn at random.
#include <gtest/gtest.h>

#include <random>

#include "support/shapes.hpp"

namespace mylos::test {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr DType floating[] = {DType::f64, DType::f32, DType::f16, DType::bf16};
/// Pairs that stand for the ways elements are grouped: 2, 4 and 8 to a vector, x or y the narrower.
constexpr std::pair<DType, DType> pairs[] = {{DType::f64, DType::f64},  {DType::f32, DType::f32},
                                             {DType::f16, DType::f16},  {DType::f32, DType::bf16},
                                             {DType::bf16, DType::f32}, {DType::f16, DType::f64}};

TensorSpec row_major(DType dtype) { return {dtype}; }
TensorSpec column_major(DType dtype, int rank) {
  TensorSpec spec{dtype};
  for (int d = rank - 1; d >= 0; --d) spec.order.push_back(d);
  return spec;
}

template <class Exec>
class PointwiseShapes : public testing::Test {};
TYPED_TEST_SUITE(PointwiseShapes, ExecutionSpaces, SpaceName);

TYPED_TEST(PointwiseShapes, EveryRankAndTypes) {
  const Shape extents{3, 2, 5, 1, 2, 7, 2, 3};
  for (std::size_t rank = 0; rank <= 8; ++rank)
    for (const DType x : floating)
      for (const DType y : floating) {
        const Shape shape(extents.begin(), extents.begin() + static_cast<std::ptrdiff_t>(rank));
        check_shape<TypeParam>({"row-major", shape, row_major(x), row_major(y), {row_major(x)}});
        check_shape<TypeParam>({"transposed", shape, column_major(x, static_cast<int>(rank)), row_major(y)});
      }
}

TYPED_TEST(PointwiseShapes, NothingToDo) {
  for (const Shape& shape : {Shape{0}, Shape{0, 5}, Shape{5, 0}, Shape{3, 0, 2}, Shape{2, 2, 2, 2, 2, 2, 2, 0}}) {
    check_shape<TypeParam>({"empty", shape, row_major(DType::f32), row_major(DType::f32), {row_major(DType::f32)}});
    EXPECT_STREQ(last_kernel(), "none");
  }
}

TYPED_TEST(PointwiseShapes, Extents) {
  for (const auto& [x, y] : pairs)
    for (const std::int64_t n : {1, 2, 3, 7, 8, 13, 31, 127, 509, 1021, 1023, 1024, 1025, 4099, 65537})
      check_shape<TypeParam>({"extent", {n}, row_major(x), row_major(y), {row_major(y)}});
}

TYPED_TEST(PointwiseShapes, MisalignedPointers) {
  for (const auto& [x, y] : pairs)
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < 8; ++j) {
        TensorSpec from = row_major(x);
        TensorSpec to = row_major(y);
        from.misalignment = i;
        to.misalignment = j;
        TensorSpec operand = from;
        check_shape<TypeParam>({"misaligned", {397}, from, to, {operand}});
        operand.broadcast = {true, false};
        from.padding = {0, i};
        check_shape<TypeParam>({"misaligned rows", {5, 37}, from, to, {operand}});
      }
}

TYPED_TEST(PointwiseShapes, OffsetsWithinAnElementsVector) {
  // x and y apart by every number of elements, over lengths around the vectors' own.
  for (std::int64_t n = 1; n <= 40; ++n)
    for (int i = 0; i < 8; ++i) {
      TensorSpec from = row_major(DType::f16);
      from.misalignment = i;
      check_shape<TypeParam>({"short", {n}, from, row_major(DType::f16)});
    }
}

/// Layouts of a tensor of some rank: every order of the last dimensions, padded, with a step, reversed.
std::vector<TensorSpec> layouts(DType dtype, int rank) {
  std::vector<TensorSpec> list;
  TensorSpec spec = row_major(dtype);
  for (int d = 0; d < rank; ++d) spec.order.push_back(d);
  do {
    list.push_back(spec);
  } while (std::next_permutation(spec.order.begin(), spec.order.end()));
  const std::size_t orders = list.size();
  for (std::size_t i = 0; i < orders; ++i) {
    TensorSpec padded = list[i];
    padded.padding.assign(static_cast<std::size_t>(rank), 3);
    list.push_back(padded);
    TensorSpec stepped = list[i];
    stepped.step = 2 + static_cast<std::int64_t>(i % 2);
    list.push_back(stepped);
  }
  return list;
}

TYPED_TEST(PointwiseShapes, EveryLayoutToEveryOther) {
  for (const auto& [x, y] : {pairs[0], pairs[1], pairs[2], pairs[3]}) {
    for (const TensorSpec& from : layouts(x, 2))
      for (const TensorSpec& to : layouts(y, 2)) check_shape<TypeParam>({"layouts", {37, 41}, from, to, {from}});
    for (const TensorSpec& from : layouts(x, 3))
      for (const TensorSpec& to : layouts(y, 3)) check_shape<TypeParam>({"layouts", {5, 9, 17}, from, to});
  }
}

TYPED_TEST(PointwiseShapes, TransposedWithRaggedEdges) {
  for (const auto& [x, y] : pairs) {
    for (const std::int64_t m : {8, 63, 64, 65, 130})
      for (const std::int64_t n : {9, 64, 67, 128})
        for (const int misalignment : {0, 1}) {
          TensorSpec from = column_major(x, 2);
          from.misalignment = misalignment;
          TensorSpec bias = row_major(DType::f32);
          bias.dropped = 1;
          check_shape<TypeParam>({"transposed", {m, n}, from, row_major(y), {bias}});
        }
    TensorSpec swapped = row_major(x);
    swapped.order = {0, 1, 3, 2};
    TensorSpec bias = row_major(y);
    bias.broadcast = {false, true, false, true};
    check_shape<TypeParam>({"outer dimensions", {3, 2, 65, 70}, swapped, row_major(y), {bias}});
    swapped.order = {3, 1, 0, 2};
    check_shape<TypeParam>({"rotated", {17, 3, 66, 9}, swapped, row_major(y), {bias}});
    TensorSpec outer = row_major(x);
    outer.order = {0, 2, 1};
    outer.padding = {1, 5, 3};
    check_shape<TypeParam>({"padded", {2, 71, 66}, outer, column_major(y, 3)});
  }
}

TYPED_TEST(PointwiseShapes, NegativeStrides) {
  for (const auto& [x, y] : pairs)
    for (int reversed = 0; reversed < 64; ++reversed) {
      const auto spec = [&](DType dtype, int mask) {
        TensorSpec s = row_major(dtype);
        s.reversed = {(mask & 1) != 0, (mask & 2) != 0};
        return s;
      };
      TensorSpec transposed = spec(x, reversed);
      transposed.order = {1, 0};
      const ShapeCase c{"reversed", {11, 37}, spec(x, reversed), spec(y, reversed >> 2), {spec(y, reversed >> 4)}};
      check_shape<TypeParam>(c);
      check_shape<TypeParam>({"reversed and transposed", {11, 37}, transposed, c.y, c.operands});
    }
}

/// A shape and tensors over it, drawn at random but the same in every run.
ShapeCase random_case(std::mt19937& random) {
  const auto draw = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const int rank = draw(9);
  Shape shape;
  std::int64_t count = 1;
  for (int d = 0; d < rank; ++d) {
    const std::int64_t largest = std::max<std::int64_t>(1, std::min<std::int64_t>(97, 12000 / count));
    shape.push_back(
        draw(6) == 0 ? 1 : 1 + draw(static_cast<int>(draw(3) == 0 ? largest : std::min<std::int64_t>(largest, 9))));
    count *= shape.back();
  }
  const auto spec = [&](DType dtype, bool output) {
    TensorSpec s = row_major(dtype);
    for (int d = 0; d < rank; ++d) s.order.push_back(d);
    if (draw(2) == 0) std::shuffle(s.order.begin(), s.order.end(), random);
    for (int d = 0; d < rank; ++d) {
      s.padding.push_back(draw(3) == 0 ? draw(4) : 0);
      s.reversed.push_back(draw(8) == 0);
      s.broadcast.push_back(!output && draw(4) == 0);
    }
    s.step = draw(5) == 0 ? 1 + draw(3) : 1;
    s.dropped = !output && rank > 0 && draw(4) == 0 ? draw(rank + 1) : 0;
    s.misalignment = draw(8);
    return s;
  };
  constexpr DType all[] = {DType::f64, DType::f32, DType::f16, DType::bf16, DType::u8, DType::i32, DType::i64};
  ShapeCase c{"random", shape, spec(floating[draw(4)], false), spec(floating[draw(4)], true), {}};
  const int operands = draw(4) == 0 ? draw(17) : draw(3);
  for (int o = 0; o < operands; ++o) c.operands.push_back(spec(all[draw(7)], false));
  return c;
}

TYPED_TEST(PointwiseShapes, DrawnAtRandom) {
  std::mt19937 random(20);
  const int cases = 700 / thinning + 40;
  for (int i = 0; i < cases && !this->HasFailure(); ++i) {
    ShapeCase c = random_case(random);
    c.what += " case " + std::to_string(i);
    check_shape<TypeParam>(c);
  }
}

}  // namespace
}  // namespace mylos::test
