// How a tensor's dimensions are split into kept ones and axes.
#include "core/axes.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/message.hpp"

namespace mylos::test {
namespace {

using namespace mylos::detail;

float* const nowhere = nullptr;

TEST(Axes, CountFromEitherEndAndMeanAllWhereEmpty) {
  const Tensor x(nowhere, {2, 3, 4});
  EXPECT_EQ(axis_mask("f", x, {}), 7U);
  EXPECT_EQ(axis_mask("f", x, -1), 4U);
  EXPECT_EQ(axis_mask("f", x, {0, -1}), 5U);
  EXPECT_EQ(axis_mask("f", x, {2, 0}), 5U);
  const Tensor scalar(nowhere, {});
  EXPECT_EQ(axis_mask("f", scalar, {}), 0U);
  EXPECT_EQ(axis_mask("f", scalar, 0), 0U);
  EXPECT_EQ(axis_mask("f", scalar, -1), 0U);
}

TEST(Axes, RefusesAxesThatDoNotExistOrRepeat) {
  const Tensor x(nowhere, {2, 3}, {}, "field");
  EXPECT_EQ(message_of([&] { axis_mask("sum", x, 2); }),
            "mylos::sum: axes \"field\": axis 2, expected -2 to 1 for extents (2, 3)");
  EXPECT_EQ(message_of([&] { axis_mask("sum", x, -3); }),
            "mylos::sum: axes \"field\": axis -3, expected -2 to 1 for extents (2, 3)");
  EXPECT_EQ(message_of([&] { axis_mask("sum", x, {1, -1}); }), "mylos::sum: axes \"field\": axis 1 is given twice");
  EXPECT_THROW(axis_mask("sum", Tensor(nowhere, {}), 1), Error);
  EXPECT_EQ(message_of([&] { Axes({0, 1, 2, 3, 4, 5, 6, 7, 8}); }), "mylos::Axes: at most 8 axes are supported");
}

TEST(Axes, AcceptsTheOutputWithAndWithoutTheAxes) {
  const Tensor x(nowhere, {2, 3, 4, 5});
  for (const Tensor& y : {Tensor(nowhere, {2, 4}, {7, 1}), Tensor(nowhere, {2, 1, 4, 1}, {7, 3, 1, 9})}) {
    const Tensor whole = with_axes("sum", "y", y, x, 0b1010);
    ASSERT_EQ(whole.rank, 4);
    EXPECT_EQ(whole.extent[0], 2);
    EXPECT_EQ(whole.stride[0], 7);
    EXPECT_EQ(whole.extent[1], 1);
    EXPECT_EQ(whole.extent[2], 4);
    EXPECT_EQ(whole.stride[2], 1);
    EXPECT_EQ(whole.extent[3], 1);
  }
  EXPECT_EQ(message_of([&] {
              with_axes("sum", "y", Tensor(nowhere, {2, 5}), x, 0b1010);
            }),
            "mylos::sum: y: extents (2, 5), expected (2, 4), or those of the input with 1 along the axes");
  EXPECT_THROW(with_axes("sum", "y", Tensor(nowhere, {2, 1, 4, 5}), x, 0b1010), Error);
  EXPECT_THROW(with_axes("sum", "y", Tensor(nowhere, {2, 4, 1}), x, 0b1010), Error);
  EXPECT_EQ(with_axes("sum", "y", Tensor(nowhere, {}), x, 0b1111).rank, 4);
}

TEST(Axes, SplitMergesAndOrdersEachPart) {
  // Batch statistics: channels are kept, the image's two dimensions are one.
  const Tensor x(nowhere, {8, 3, 10, 20});
  const Tensor y = with_axes("f", "y", Tensor(nowhere, {3}), x, 0b1101);
  const Tensor bias(nowhere, {3, 1, 1});
  Strides kept[3];
  Strides axis[3];
  const SplitTensor tensors[] = {{&x, &kept[0], &axis[0]}, {&y, &kept[1], &axis[1]}, {&bias, &kept[2], &axis[2]}};
  const SplitBox box = split_box(x, 0b1101, tensors, 3);
  ASSERT_EQ(box.kept.rank, 1);
  EXPECT_EQ(box.kept.extent[0], 3);
  EXPECT_EQ(kept[0].stride[0], 200);
  EXPECT_EQ(kept[1].stride[0], 1);
  EXPECT_EQ(kept[2].stride[0], 1);
  ASSERT_EQ(box.axis.rank, 2);
  EXPECT_EQ(box.axis.extent[0], 8);
  EXPECT_EQ(box.axis.extent[1], 200);
  EXPECT_EQ(axis[0].stride[0], 600);
  EXPECT_EQ(axis[0].stride[1], 1);
  EXPECT_EQ(axis[1].stride[1], 0);
  EXPECT_EQ(axis[2].stride[0], 0);
  EXPECT_EQ(box.axis.count, 1600);
}

TEST(Axes, SplitOfALeftLayoutIsThatOfItsRightTwin) {
  const Tensor left(nowhere, {5, 6, 7}, {1, 5, 30});
  const Tensor right(nowhere, {7, 6, 5});
  Strides kept[2];
  Strides axis[2];
  const SplitTensor of_left{&left, &kept[0], &axis[0]};
  const SplitTensor of_right{&right, &kept[1], &axis[1]};
  const SplitBox a = split_box(left, 0b110, &of_left, 1);
  const SplitBox b = split_box(right, 0b011, &of_right, 1);
  ASSERT_EQ(a.axis.rank, 1);
  ASSERT_EQ(b.axis.rank, 1);
  EXPECT_EQ(a.axis.extent[0], b.axis.extent[0]);
  EXPECT_EQ(axis[0].stride[0], axis[1].stride[0]);
  EXPECT_EQ(kept[0].stride[0], kept[1].stride[0]);
}

TEST(Axes, SplitOfEmptyAndScalarTensors) {
  const Tensor x(nowhere, {4, 0});
  Strides kept;
  Strides axis;
  const SplitTensor tensor{&x, &kept, &axis};
  const SplitBox box = split_box(x, 0b10, &tensor, 1);
  EXPECT_EQ(box.kept.count, 4);
  EXPECT_EQ(box.axis.count, 0);
  const Tensor scalar(nowhere, {});
  const SplitTensor of_scalar{&scalar, &kept, &axis};
  const SplitBox one = split_box(scalar, 0, &of_scalar, 1);
  EXPECT_EQ(one.kept.count * one.axis.count, 1);
  EXPECT_EQ(one.kept.rank + one.axis.rank, 0);
}

}  // namespace
}  // namespace mylos::test
