// The contract of row operators: the given instance without a fence, the same bits in every run and whatever the number
// of rows, in place, two threads, and every error with its text before anything is written.
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "support/message.hpp"
#include "support/rows.hpp"
#include "support/watch.hpp"

namespace mylos::test {
namespace {

template <class Exec>
class RowContract : public testing::Test {
 protected:
  static std::vector<std::uint64_t> bits(Data<Exec>& data, std::int64_t first, std::int64_t n) {
    data.download();
    std::vector<std::uint64_t> all;
    for (std::int64_t i = first; i < first + n; ++i) all.push_back(data.bits(i));
    return all;
  }
  static void fill(Data<Exec>& x, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) x.set(i, reference::round_to(normal(i), x.dtype()));
    x.upload();
  }
  using Call = std::function<void(const Exec&, const Tensor& x, const Tensor& y)>;
  static std::vector<std::pair<std::string, Call>> calls() {
    return {{"softmax", [](const Exec& exec, const Tensor& x, const Tensor& y) { softmax(exec, x, y); }},
            {"log_softmax", [](const Exec& exec, const Tensor& x, const Tensor& y) { log_softmax(exec, x, y); }},
            {"layer_norm", [](const Exec& exec, const Tensor& x, const Tensor& y) { layer_norm(exec, x, y); }},
            {"rms_norm", [](const Exec& exec, const Tensor& x, const Tensor& y) { rms_norm(exec, x, y); }},
            {"l1_normalize", [](const Exec& exec, const Tensor& x, const Tensor& y) { l1_normalize(exec, x, y, -1); }},
            {"l2_normalize", [](const Exec& exec, const Tensor& x, const Tensor& y) { l2_normalize(exec, x, y, -1); }}};
  }
};
TYPED_TEST_SUITE(RowContract, ExecutionSpaces, SpaceName);

TYPED_TEST(RowContract, RunsOnTheGivenInstanceWithoutAFenceAndUnderItsName) {
  for (const std::int64_t length : {500, 200000}) {
    Data<TypeParam> x(DType::f32, 2 * length);
    Data<TypeParam> y(DType::f32, 2 * length);
    this->fill(x, 2 * length);
    const Tensor from(static_cast<float*>(x.tensor().data), {2, length});
    const Tensor to(static_cast<float*>(y.tensor().data), {2, length});
    for (const TypeParam& exec : Kokkos::Experimental::partition_space(TypeParam(), 1, 1)) {
      const std::uint32_t device = Kokkos::Tools::Experimental::device_id(exec);
      for (const Path path : {Path::automatic, Path::generic}) {
        const ScopedPath forced(path);
        Watch::Seen seen;
        {
          const Watch watch;
          softmax(exec, from, to);
          seen = Watch::seen();
        }
        exec.fence();
        const std::string kernel = last_kernel();
        EXPECT_NE(expect_quiet_call(seen, device, "softmax", kernel), 0) << kernel;
      }
    }
  }
}

TYPED_TEST(RowContract, SameBitsInEveryRun) {
  for (const auto& [name, call] : this->calls())
    for (const std::int64_t length : {100, 30000, 150001}) {
      Data<TypeParam> x({DType::f32}, {3, length});
      Data<TypeParam> y({DType::f32}, {3, length});
      this->fill(x, 3 * length);
      for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
        std::vector<std::uint64_t> first;
        for (int run = 0; run < 4; ++run) {
          y.poison();
          if (!kernel.run([&, &called = call](const TypeParam& exec) { called(exec, x.tensor(), y.tensor()); })) break;
          const std::vector<std::uint64_t> now = this->bits(y, 0, 3 * length);
          if (run == 0) first = now;
          EXPECT_EQ(now == first, true) << kernel.name << " " << name << " run " << run;
        }
      }
    }
}

// The first rows alone, in one call and in another with many behind them; as rows and as columns of a matrix.
TYPED_TEST(RowContract, ARowsBitsDoNotDependOnTheNumberOfRows) {
  for (const auto& [name, call] : this->calls())
    for (const std::int64_t length : {1, 2, 33, 1000, 1100, 16385, 70001}) {
      // Of 1100 values more than a GPU's clusters begin with.
      const std::int64_t rows = length > 10000 ? 40 : length == 1100 ? 600 : 130;
      Data<TypeParam> x({DType::f32}, {rows, length});
      Data<TypeParam> y({DType::f32}, {rows, length});
      this->fill(x, rows * length);
      auto* from = static_cast<float*>(x.tensor().data);
      auto* to = static_cast<float*>(y.tensor().data);
      for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
        const auto run = [&, &called = call](std::int64_t first, std::int64_t n) {
          y.poison();
          return kernel.run([&](const TypeParam& exec) {
            called(exec, Tensor(from + first * length, {n, length}), Tensor(to + first * length, {n, length}));
          });
        };
        if (!run(0, rows)) continue;
        const std::vector<std::uint64_t> whole = this->bits(y, 0, rows * length);
        for (const auto& [first, n] : {std::pair<std::int64_t, std::int64_t>{0, 1}, {3, 1}, {5, 7}, {17, 20}}) {
          if (!run(first, n)) continue;
          const std::vector<std::uint64_t> part = this->bits(y, first * length, n * length);
          EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + first * length))
              << kernel.name << " " << name << ", " << n << " rows of " << length << " from " << first;
        }
      }
    }
}

// On a GPU the strides decide too, which layer_norm does without.
TYPED_TEST(RowContract, AColumnsBitsDoNotDependOnTheNumberOfColumns) {
  constexpr std::int64_t columns = 150;
  for (const auto& [name, call] : this->calls())
    for (const std::int64_t length : {33, 64, 1000, 3000}) {
      if (!on_host<TypeParam> && name != "layer_norm") continue;
      Data<TypeParam> x({DType::f32}, {length, columns});
      Data<TypeParam> y({DType::f32}, {length, columns});
      this->fill(x, length * columns);
      auto* from = static_cast<float*>(x.tensor().data);
      auto* to = static_cast<float*>(y.tensor().data);
      for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
        const auto run = [&, &called = call](std::int64_t first, std::int64_t n) {
          return kernel.run([&](const TypeParam& exec) {
            called(exec, Tensor(from + first, {n, length}, {1, columns}),
                   Tensor(to + first, {n, length}, {1, columns}));
          });
        };
        if (!run(0, columns)) continue;
        const std::vector<std::uint64_t> whole = this->bits(y, 0, length * columns);
        for (const auto& [first, n] : {std::pair<std::int64_t, std::int64_t>{0, 1}, {7, 3}, {20, 70}}) {
          y.poison();
          run(first, n);
          const std::vector<std::uint64_t> part = this->bits(y, 0, length * columns);
          for (std::int64_t i = 0; i < length; ++i)
            for (std::int64_t j = first; j < first + n; ++j) {
              const auto at = static_cast<std::size_t>(i * columns + j);
              ASSERT_EQ(part[at], whole[at])
                  << kernel.name << " " << name << ", " << n << " columns of " << length << " from " << first;
            }
        }
      }
    }
}

TYPED_TEST(RowContract, WorksInPlace) {
  for (const auto& [name, call] : this->calls())
    for (const DType dtype : {DType::f32, DType::bf16, DType::f64})
      for (const std::int64_t length : {7, 1000, 40007})
        for (const bool transposed : {false, true}) {
          TensorSpec spec{dtype};
          if (transposed) spec.order = {1, 0};
          const Shape shape{5, length};
          Data<TypeParam> x(spec, shape);
          Data<TypeParam> y(spec, shape);
          for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
            x.poison();
            this->fill(x, 5 * length);
            y.poison();
            if (!kernel.run([&, &called = call](const TypeParam& exec) { called(exec, x.tensor(), y.tensor()); }))
              continue;
            kernel.run([&, &called = call](const TypeParam& exec) { called(exec, x.tensor(), x.tensor()); });
            EXPECT_EQ(this->bits(x, 0, 5 * length) == this->bits(y, 0, 5 * length), true) << kernel.name << " " << name;
          }
        }
}

TYPED_TEST(RowContract, ARankOfZeroIsOneRowOfOneValue) {
  Data<TypeParam> x(DType::f32, 1);
  Data<TypeParam> y(DType::f32, 1);
  x.set(0, -3);
  x.upload();
  const Tensor from(static_cast<float*>(x.tensor().data), {});
  const Tensor to(static_cast<float*>(y.tensor().data), {});
  for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
    bool serves = true;
    const auto result = [&](const typename TestFixture::Call& call) {
      y.poison();
      serves = kernel.run([&](const TypeParam& exec) { call(exec, from, to); });
      y.download();
      return y.value(0);
    };
    const auto expect = [&](double expected, const typename TestFixture::Call& call) {
      const double got = result(call);
      EXPECT_TRUE(serves || (kernel.name != "automatic" && kernel.name != "generic"));
      if (serves) {
        EXPECT_EQ(got, expected) << kernel.name;
      }
    };
    expect(1, [](const TypeParam& exec, const Tensor& a, const Tensor& b) { softmax(exec, a, b); });
    expect(0, [](const TypeParam& exec, const Tensor& a, const Tensor& b) { layer_norm(exec, a, b, 0); });
    expect(-1, [](const TypeParam& exec, const Tensor& a, const Tensor& b) { frobenius_normalize(exec, a, b); });
  }
}

TYPED_TEST(RowContract, TwoThreadsOnTwoInstances) {
  constexpr std::int64_t length = 100003;
  const auto instances = Kokkos::Experimental::partition_space(TypeParam(), 1, 1);
  Data<TypeParam> x(DType::f32, length);
  this->fill(x, length);
  std::vector<Data<TypeParam>> outputs;
  for (int i = 0; i < 3; ++i) outputs.emplace_back(DType::f32, length);
  softmax(TypeParam(), x.tensor(), outputs[2].tensor());
  TypeParam().fence();
  const std::vector<std::uint64_t> expected = this->bits(outputs[2], 0, length);
  const auto work = [&](std::size_t which) {
    for (int i = 0; i < 20; ++i) softmax(instances[which], x.tensor(), outputs[which].tensor());
    instances[which].fence();
  };
  std::thread first(work, 0);
  std::thread second(work, 1);
  first.join();
  second.join();
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(this->bits(outputs[i], 0, length) == expected, true);
}

// ---- errors

class RowErrors : public testing::Test {
 protected:
  RowErrors() {
    storage_.fill(7);
    untouched_.fill(7);
  }
  void TearDown() override {
    for (const float v : untouched_) EXPECT_EQ(v, 7) << "y was written before the error";
  }
  const Kokkos::DefaultHostExecutionSpace exec_;
  std::array<float, 100> storage_;
  std::array<float, 100> untouched_;
  const Tensor x_{storage_.data(), {2, 6, 5}};
  const Tensor y_{untouched_.data(), {2, 6, 5}};
  const Tensor five_{storage_.data(), {5}, {}, "w"};
};

TEST_F(RowErrors, AxisOutOfRange) {
  EXPECT_EQ(message_of([&] { softmax(exec_, x_, y_, 3); }),
            "mylos::softmax: axes: axis 3, expected -3 to 2 for extents (2, 6, 5)");
  EXPECT_EQ(message_of([&] { layer_norm(exec_, x_, y_, {1, -2}); }), "mylos::layer_norm: axes: axis 1 is given twice");
}

TEST_F(RowErrors, Extents) {
  EXPECT_EQ(message_of([&] {
              log_softmax(exec_, x_, Tensor(untouched_.data(), {2, 5, 6}, {}, "out"));
            }),
            "mylos::log_softmax: y \"out\": extents (2, 5, 6), expected those of x, (2, 6, 5)");
}

TEST_F(RowErrors, Dtypes) {
  std::array<int, 60> integers{};
  EXPECT_EQ(message_of([&] {
              softmin(exec_, Tensor(integers.data(), {2, 6, 5}), y_);
            }),
            "mylos::softmin: x: dtype i32, expected f64, f32, f16 or bf16");
  EXPECT_EQ(message_of([&] { rms_norm(exec_, x_, y_, -1, {Tensor(integers.data(), {5})}); }),
            "mylos::rms_norm: weight: dtype i32, expected f64, f32, f16 or bf16");
}

TEST_F(RowErrors, AffineExtents) {
  EXPECT_EQ(message_of([&] {
              layer_norm(exec_, x_, y_, {1, 2}, {five_});
            }),
            "mylos::layer_norm: weight \"w\": extents (5), expected (6, 5)");
  EXPECT_EQ(message_of([&] {
              layer_norm(exec_, x_, y_, 1, {{}, five_});
            }),
            "mylos::layer_norm: bias \"w\": extents (5), expected (6)");
  EXPECT_EQ(message_of([&] { group_norm(exec_, x_, y_, 2, {five_}); }),
            "mylos::group_norm: weight \"w\": extents (5), expected (6)");
  EXPECT_EQ(message_of([&] { batch_norm_training(exec_, x_, y_, {}, {five_}); }),
            "mylos::batch_norm_training: weight \"w\": extents (5), expected (6)");
  EXPECT_EQ(message_of([&] { batch_norm(exec_, x_, five_, five_, y_); }),
            "mylos::batch_norm: mean \"w\": extents (5), expected (6)");
}

TEST_F(RowErrors, Groups) {
  EXPECT_EQ(message_of([&] { group_norm(exec_, x_, y_, 4); }),
            "mylos::group_norm: x: 6 channels in (2, 6, 5), expected a multiple of the 4 groups");
  EXPECT_EQ(message_of([&] { group_norm(exec_, x_, y_, 0); }),
            "mylos::group_norm: x: 6 channels in (2, 6, 5), expected a multiple of the 0 groups");
  EXPECT_EQ(message_of([&] { group_norm(exec_, Tensor(storage_.data(), {6}), Tensor(untouched_.data(), {6}), 2); }),
            "mylos::group_norm: x: extents (6), expected (N, C, ...) of rank 2 to 7");
}

TEST_F(RowErrors, OneValuePerChannel) {
  const Tensor x(storage_.data(), {1, 6, 1});
  const Tensor y(untouched_.data(), {1, 6, 1});
  EXPECT_EQ(message_of([&] { instance_norm(exec_, x, y); }),
            "mylos::instance_norm: x: extents (1, 6, 1), expected more than one value per channel");
  EXPECT_EQ(message_of([&] { batch_norm_training(exec_, x, y); }),
            "mylos::batch_norm_training: x: extents (1, 6, 1), expected more than one value per channel");
}

TEST_F(RowErrors, Statistics) {
  std::array<float, 12> other{};
  EXPECT_EQ(message_of([&] {
              layer_norm(exec_, x_, y_, -1, {}, 1e-5, {Tensor(other.data(), {6, 2})});
            }),
            "mylos::layer_norm: mean: extents (6, 2), expected (2, 6), or those of the input with 1 along the axes");
  EXPECT_EQ(message_of([&] {
              layer_norm(exec_, x_, y_, -1, {}, 1e-5, {{}, Tensor(untouched_.data() + 4, {2, 6}, {}, "r")});
            }),
            "mylos::layer_norm: rstd \"r\": overlaps another argument, expected no elements in common");
  EXPECT_EQ(message_of([&] {
              rms_norm(exec_, x_, y_, -1, {}, type_epsilon, {Tensor(other.data(), {2, 6})});
            }),
            "mylos::rms_norm: mean: is given, expected none: this operator takes no mean");
  EXPECT_EQ(message_of([&] { batch_norm_training(exec_, x_, y_, {Tensor(other.data(), {5})}); }),
            "mylos::batch_norm_training: running mean: extents (5), expected (6), or those of the input with 1 along "
            "the axes");
}

TEST_F(RowErrors, Numbers) {
  EXPECT_EQ(message_of([&] { layer_norm(exec_, x_, y_, -1, {}, -1.0); }),
            "mylos::layer_norm: eps: -1.000000, expected a number that is not negative");
  EXPECT_EQ(message_of([&] { lp_normalize(exec_, x_, y_, 0); }),
            "mylos::lp_normalize: p: 0.000000, expected a positive number");
  EXPECT_EQ(message_of([&] { local_response_norm(exec_, x_, y_, 0); }),
            "mylos::local_response_norm: size: 0, expected at least 1");
}

TEST_F(RowErrors, Overlap) {
  const std::string partial =
      "overlaps the output in part, expected the same elements (extents, strides and dtype) or none in common";
  EXPECT_EQ(message_of([&] {
              softmax(exec_, Tensor(untouched_.data() + 1, {2, 6, 5}), y_);
            }),
            "mylos::softmax: x: " + partial);
  EXPECT_EQ(message_of([&] { layer_norm(exec_, x_, y_, -1, {Tensor(untouched_.data(), {5})}); }),
            "mylos::layer_norm: weight: " + partial);
  EXPECT_EQ(message_of([&] { softmax(exec_, x_, y_, -1, add(Tensor(untouched_.data(), {5}))); }),
            "mylos::softmax: operand 0 of before: " + partial);
  EXPECT_EQ(message_of([&] { local_response_norm(exec_, y_, y_, 3); }),
            "mylos::local_response_norm: x: overlaps the output, expected no elements in common: neighbouring channels "
            "are read");
}

TEST_F(RowErrors, Chains) {
  EXPECT_EQ(message_of([&] { softmax(exec_, x_, y_, -1, {}, add(Tensor(storage_.data(), {6}))); }),
            "mylos::softmax: operand 0 of after: extents (6), expected extents that broadcast to (2, 6, 5)");
  Chain nine;
  for (int i = 0; i < 9; ++i) nine.append(add(five_));
  EXPECT_EQ(message_of([&] { softmax(exec_, x_, y_, -1, nine, nine); }),
            "mylos::softmax: more than 16 tensor operands in both chains");
}

TEST_F(RowErrors, Memory) {
  Tensor far = x_;
  far.memory = Memory::device;
  EXPECT_EQ(message_of([&] { l2_normalize(exec_, far, y_); }),
            "mylos::l2_normalize: x: is in device memory, expected memory that the host reaches");
  EXPECT_EQ(message_of([&] {
              frobenius_normalize(exec_, x_, Tensor(static_cast<float*>(nullptr), {2, 6, 5}));
            }),
            "mylos::frobenius_normalize: y: null pointer with extents (2, 6, 5)");
}

}  // namespace
}  // namespace mylos::test
