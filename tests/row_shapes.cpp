// Row operators over every axis of every layout: strided, misaligned, reversed, transposed between x and y, several
// axes at once, empty extents, and shapes drawn at random.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/rows.hpp"

namespace mylos::test {
namespace {

constexpr DType floating[] = {DType::f64, DType::f32, DType::f16, DType::bf16};

template <class Exec>
class RowShapes : public testing::Test {
 protected:
  static void check(const RowCase& c) { RowCheck<Exec>(c, normal).check(); }
};
TYPED_TEST_SUITE(RowShapes, ExecutionSpaces, SpaceName);

std::string text_of(const Shape& shape, const std::vector<bool>& axis) {
  std::string text = "(";
  for (std::size_t d = 0; d < shape.size(); ++d) text += std::to_string(shape[d]) + (axis[d] ? "* " : " ");
  return text + ")";
}

RowCase case_of(RowOperator op, const Shape& shape, const std::vector<bool>& axis, const TensorSpec& x,
                const TensorSpec& y) {
  return {name_of(op) + " " + text_of(shape, axis), op, shape, axis, x, y};
}

/// Softmax, a norm with two sums, one with one.
constexpr RowOperator three[] = {RowOperator::softmax, RowOperator::standardize, RowOperator::l1};

TYPED_TEST(RowShapes, EveryAxisOfEveryRank) {
  const Shape extents{3, 2, 5, 1, 2, 7, 2, 3};
  for (std::size_t rank = 1; rank <= 8; ++rank) {
    const Shape shape(extents.begin(), extents.begin() + static_cast<std::ptrdiff_t>(rank));
    for (unsigned mask = rank == 0 ? 0 : 1; mask<(1U << rank); mask += rank> 5 ? 5 : 1) {
      std::vector<bool> axis;
      for (std::size_t d = 0; d < rank; ++d) axis.push_back((mask >> d & 1U) != 0);
      this->check(case_of(three[mask % 3], shape, axis, {DType::f32}, {DType::f32}));
    }
  }
}

TYPED_TEST(RowShapes, ChannelsOfImages) {
  for (const RowOperator op : three)
    for (const DType dtype : floating) {
      const Shape shape{2, 37, 5, 19};
      for (const std::vector<bool>& axis :
           {std::vector<bool>{false, true, false, false}, std::vector<bool>{false, false, true, true},
            std::vector<bool>{true, false, true, true}, std::vector<bool>{false, true, true, true},
            std::vector<bool>{true, true, true, true}, std::vector<bool>{true, false, false, false}})
        this->check(case_of(op, shape, axis, {dtype}, {dtype}));
    }
}

TYPED_TEST(RowShapes, LongColumns) {
  for (const RowOperator op : three) {
    this->check(case_of(op, {3000, 70}, {true, false}, {DType::f32}, {DType::f32}));
    this->check(case_of(op, {1024, 64}, {true, false}, {DType::f32}, {DType::f16}));
    this->check(case_of(op, {70001, 3}, {true, false}, {DType::f32}, {DType::f32}));
    this->check(case_of(op, {2, 2049, 33}, {false, true, false}, {DType::f64}, {DType::f64}));
  }
}

TYPED_TEST(RowShapes, MisalignedAndPadded) {
  for (const RowOperator op : three)
    for (int i = 0; i < 8; ++i) {
      TensorSpec x{i % 2 == 0 ? DType::f32 : DType::f16};
      TensorSpec y{i % 3 == 0 ? DType::bf16 : DType::f32};
      x.misalignment = i;
      y.misalignment = (3 * i) % 8;
      x.padding = std::vector<std::int64_t>{0, i};
      y.padding = std::vector<std::int64_t>{0, (5 * i) % 7};
      for (const std::int64_t length : {5, 64, 397, 1030}) this->check(case_of(op, {9, length}, {false, true}, x, y));
    }
}

TYPED_TEST(RowShapes, OrdersStepsAndDirections) {
  for (const RowOperator op : three) {
    TensorSpec x{DType::f32};
    x.order = std::vector<int>{0, 1, 2};
    do {
      TensorSpec y{DType::f32};
      y.order = std::vector<int>{0, 1, 2};
      do {
        for (unsigned mask = 1; mask < 8; mask += 3) {
          RowCase c = case_of(op, {5, 33, 17}, {(mask & 1U) != 0, (mask & 2U) != 0, (mask & 4U) != 0}, x, y);
          this->check(c);
          c.x.step = 2;
          c.y.step = 3;
          c.x.reversed = {true, false, true};
          c.y.reversed = {false, true, false};
          this->check(c);
        }
      } while (std::next_permutation(y.order.begin(), y.order.end()));
    } while (std::next_permutation(x.order.begin(), x.order.end()));
  }
}

TYPED_TEST(RowShapes, NothingToDo) {
  for (const RowOperator op : all_row_operators)
    for (const Shape& shape : {Shape{0, 5}, Shape{5, 0}, Shape{0, 0}}) {
      this->check(case_of(op, shape, {false, true}, {DType::f32}, {DType::f32}));
      EXPECT_STREQ(last_kernel(), "none");
    }
}

TYPED_TEST(RowShapes, ManyShortRows) {
  for (const RowOperator op : three)
    for (const std::int64_t length : {1, 2, 3, 8, 33, 64})
      for (const std::int64_t rows : {1, 1000, 20011})
        this->check(case_of(op, {rows, length}, {false, true}, {DType::f32}, {DType::f32}));
}

/// Every length that a thread may have alone, and those about which more threads share a row; rows that begin anywhere
/// in a vector, of x and of y apart.
TYPED_TEST(RowShapes, ShortRowsOneBehindTheOther) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t length = 1; length <= 26; ++length) lengths.push_back(length);
  for (const std::int64_t length : {47, 49, 50, 66, 97, 191, 193, 386, 511, 767, 768, 769}) lengths.push_back(length);
  for (const RowOperator op : three)
    for (const std::int64_t length : lengths) {
      const DType dtype = floating[length % 4];
      TensorSpec x{dtype};
      TensorSpec y{dtype};
      x.misalignment = static_cast<int>(length % 3);
      y.misalignment = static_cast<int>(length % 5 % 3);
      const std::int64_t elements = on_host<TypeParam> ? 1000 : 20000;  // several blocks' on a GPU
      for (const std::int64_t rows : {std::int64_t{1}, 2 + elements / length})
        this->check(case_of(op, {rows, length}, {false, true}, x, y));
    }
}

/// Rows that no cluster holds: as many as make the blocks that share them meet more often than they have slots.
TYPED_TEST(RowShapes, RowsThatManyBlocksShare) {
  struct Case {
    RowOperator op;
    DType dtype;
    std::int64_t length;
  };
  for (const Case& c :
       {Case{RowOperator::softmax, DType::f32, 1900001}, Case{RowOperator::standardize, DType::f64, 900000}})
    this->check(case_of(c.op, {on_host<TypeParam> ? 2 : 11, on_host<TypeParam> ? c.length / 1000 : c.length},
                        {false, true}, {c.dtype}, {c.dtype}));
}

TYPED_TEST(RowShapes, DrawnAtRandom) {
  std::mt19937 random(7);
  const auto draw = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int i = 0; i < 300 / thinning + 40 && !this->HasFailure(); ++i) {
    const auto rank = static_cast<std::size_t>(1 + draw(5));
    Shape shape;
    std::vector<bool> axis;
    std::int64_t count = 1;
    for (std::size_t d = 0; d < rank; ++d) {
      const int largest = static_cast<int>(std::max<std::int64_t>(1, std::min<std::int64_t>(200, 30000 / count)));
      shape.push_back(draw(5) == 0 ? 1 : 1 + draw(draw(2) == 0 ? largest : std::min(largest, 9)));
      axis.push_back(draw(2) == 0);
      count *= shape.back();
    }
    axis[static_cast<std::size_t>(draw(static_cast<int>(rank)))] = true;
    const auto spec = [&]() {
      TensorSpec s{floating[draw(4)]};
      for (std::size_t d = 0; d < rank; ++d) s.order.push_back(static_cast<int>(d));
      if (draw(2) == 0) std::shuffle(s.order.begin(), s.order.end(), random);
      for (std::size_t d = 0; d < rank; ++d) {
        s.padding.push_back(draw(3) == 0 ? draw(4) : 0);
        s.reversed.push_back(draw(8) == 0);
      }
      s.step = draw(5) == 0 ? 1 + draw(3) : 1;
      s.misalignment = draw(8);
      return s;
    };
    const TensorSpec x = spec();
    const TensorSpec y = spec();
    RowCase c = case_of(all_row_operators[draw(8)], shape, axis, x, y);
    c.what += " random case " + std::to_string(i);
    this->check(c);
  }
}

}  // namespace
}  // namespace mylos::test
