// Every error of the matrix products with its text, before anything is written.
#include <gtest/gtest.h>

#include <mylos/gemm.hpp>

#include "core/selection.hpp"
#include "support/message.hpp"

namespace mylos::test {
namespace {

class GemmErrors : public testing::Test {
 protected:
  void TearDown() override {
    for (const float v : untouched_) EXPECT_EQ(v, 7) << "c was written before the error";
  }
  const Kokkos::DefaultHostExecutionSpace exec_;
  float values_[60] = {};
  float untouched_[12] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
  int integers_[20] = {};
  const Tensor a_{values_, {3, 5}};
  const Tensor b_{values_ + 15, {5, 4}};
  const Tensor c_{untouched_, {3, 4}};
  const Tensor row_{values_, {4}};
};

TEST_F(GemmErrors, Extents) {
  EXPECT_EQ(message_of([&] { gemm(exec_, a_, a_, c_); }),
            "mylos::gemm: b: extents (3, 5), expected 5 rows for a of extents (3, 5)");
  EXPECT_EQ(message_of([&] {
              gemm(exec_, a_, b_, Tensor(untouched_, {4, 3}));
            }),
            "mylos::gemm: c: extents (4, 3), expected (3, 4) at the end");
  EXPECT_EQ(message_of([&] { gemm(exec_, row_, b_, c_); }),
            "mylos::gemm: a: extents (4), expected two dimensions or more");
  EXPECT_EQ(message_of([&] {
              gemm(exec_, Tensor(values_, {2, 3, 5}), b_, c_);
            }),
            "mylos::gemm: a: extents (2, 3, 5), expected leading extents that broadcast to those of c, (3, 4)");
  EXPECT_EQ(message_of([&] {
              gemm(exec_, a_, Tensor(values_, {2, 5, 4}), Tensor(untouched_, {3, 3, 4}));
            }),
            "mylos::gemm: b: extents (2, 5, 4), expected leading extents that broadcast to those of c, (3, 3, 4)");
  EXPECT_EQ(message_of([&] {
              gemm(exec_, a_, b_, Tensor(untouched_, {3, 4}, {0, 1}));
            }),
            "mylos::gemm: c: stride 0 in dimension 0, expected an output whose elements are distinct");
  EXPECT_EQ(message_of([&] { trmm(exec_, MatrixStructure::lower, a_, b_, c_); }),
            "mylos::gemm: a: extents (3, 5), expected a square matrix where it is triangular or symmetric");
}

TEST_F(GemmErrors, DtypesAndMemory) {
  EXPECT_EQ(message_of([&] {
              gemm(exec_, Tensor(integers_, {3, 5}), b_, c_);
            }),
            "mylos::gemm: a: dtype i32, expected f64, f32, f16 or bf16");
  EXPECT_EQ(message_of([&] {
              gemm(exec_, a_, b_, Tensor(integers_, {3, 4}));
            }),
            "mylos::gemm: c: dtype i32, expected f64, f32, f16 or bf16");
  EXPECT_EQ(message_of([&] {
              gemm(exec_, a_, Tensor(static_cast<float*>(nullptr), {5, 4}), c_);
            }),
            "mylos::gemm: b: null pointer with extents (5, 4)");
  Tensor on_device = a_;
  on_device.memory = Memory::device;
  on_device.set_label("weights");
  EXPECT_EQ(message_of([&] { gemm(exec_, on_device, b_, c_); }),
            "mylos::gemm: a \"weights\": is in device memory, expected memory that the host reaches");
}

TEST_F(GemmErrors, Overlap) {
  const std::string apart = "overlaps c, expected tensors that have no elements in common";
  EXPECT_EQ(message_of([&] {
              gemm(exec_, Tensor(untouched_, {3, 4}), Tensor(values_, {4, 4}), c_);
            }),
            "mylos::gemm: a: " + apart);
  EXPECT_EQ(message_of([&] {
              gemm(exec_, Tensor(values_, {3, 3}), Tensor(untouched_, {3, 4}), c_);
            }),
            "mylos::gemm: b: " + apart);
  EXPECT_EQ(message_of([&] { gemm(exec_, a_, b_, c_, {}, add(Tensor(untouched_, {5}))); }),
            "mylos::gemm: operand 0 of before: " + apart);
  EXPECT_EQ(
      message_of([&] { gemm(exec_, a_, b_, c_, {}, {}, add(Tensor(untouched_, {4}))); }),
      "mylos::gemm: operand 0 of after: overlaps the output in part, expected the same elements (extents, strides "
      "and dtype) or none in common");
}

TEST_F(GemmErrors, Operands) {
  EXPECT_EQ(message_of([&] { gemm(exec_, a_, b_, c_, {}, mul(row_)); }),
            "mylos::gemm: operand 0 of before: extents (4), expected extents that broadcast to (3, 5)");
  EXPECT_EQ(message_of([&] { gemm(exec_, a_, b_, c_, {}, {}, mul(Tensor(values_, {3}))); }),
            "mylos::gemm: operand 0 of after: extents (3), expected extents that broadcast to (3, 4)");
  Chain nine;
  for (int i = 0; i < 9; ++i) nine.append(add(Tensor(values_, {1})));
  EXPECT_EQ(message_of([&] { gemm(exec_, a_, b_, c_, {}, nine, nine); }),
            "mylos::gemm: more than 16 tensor operands in both chains");
}

TEST_F(GemmErrors, Forms) {
  EXPECT_EQ(message_of([&] {
              linear(exec_, a_, Tensor(values_, {4, 6}), {}, c_);
            }),
            "mylos::linear: w: extents (4, 6), expected 5 in dimension 1");
  EXPECT_EQ(message_of([&] {
              linear(exec_, a_, Tensor(values_, {4, 5}), Tensor(values_, {3}), c_);
            }),
            "mylos::linear: bias: extents (3), expected 4 in dimension 0");
  EXPECT_EQ(message_of([&] {
              linear(exec_, a_, Tensor(values_, {4, 5}), Tensor(untouched_, {4}), c_);
            }),
            "mylos::linear: bias: overlaps y, expected tensors that have no elements in common");
  EXPECT_EQ(message_of([&] {
              linear(exec_, a_, Tensor(values_, {2, 5}), {}, c_);
            }),
            "mylos::linear: y: extents (3, 4), expected 2 in dimension 1");
  EXPECT_EQ(message_of([&] {
              linear(exec_, a_, Tensor(values_, {4, 5}), {}, Tensor(untouched_, {2, 4}));
            }),
            "mylos::linear: x: extents (3, 5), expected leading extents that broadcast to those of the result, (2, 4)");
  EXPECT_EQ(message_of([&] { gemv(exec_, a_, row_, Tensor(untouched_, {3})); }),
            "mylos::gemv: x: extents (4), expected 5 in dimension 0");
  EXPECT_EQ(message_of([&] { gemv(exec_, row_, row_, Tensor(untouched_, {3})); }),
            "mylos::gemv: a: extents (4), expected 2 to 8 dimensions");
  EXPECT_EQ(message_of([&] { dot(exec_, row_, Tensor(values_, {5}), Tensor(untouched_, {})); }),
            "mylos::dot: y: extents (5), expected 4 in dimension 0");
  EXPECT_EQ(message_of([&] { ger(exec_, row_, row_, c_); }),
            "mylos::ger: a: extents (3, 4), expected 4 in dimension 0");
  EXPECT_EQ(message_of([&] { PreparedWeights(exec_, row_); }),
            "mylos::PreparedWeights: w: extents (4), expected 2 to 2 dimensions");
}

TEST_F(GemmErrors, ForcedKernels) {
  const mylos::detail::ScopedCandidate forced("cuda/nothing");
  EXPECT_EQ(message_of([&] { gemm(exec_, a_, b_, c_); }),
            "mylos::gemm: cuda/nothing does not apply: this backend has no such kernel");
}

}  // namespace
}  // namespace mylos::test
