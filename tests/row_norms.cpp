// The normalisations with their weights, groups, statistics and running statistics, chains before and after, and masks.
#include <gtest/gtest.h>

#include <mylos/pointwise.hpp>

#include "support/rows.hpp"

namespace mylos::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A vector in the execution space's memory, values rounded to its dtype.
template <class Exec>
struct Vector {
  Data<Exec> data;
  std::vector<double> values;

  Vector(DType dtype, const Shape& shape, const std::function<double(std::int64_t)>& value, std::int64_t step = 1)
      : data(spec(dtype, step), shape) {
    std::int64_t n = 0;
    for_each_element(shape, {data.tensor()}, [&](const std::vector<std::int64_t>& offset) {
      values.push_back(reference::round_to(value(n++), dtype));
      data.set(offset[0], values.back());
    });
    data.upload();
  }
  const Tensor& tensor() const { return data.tensor(); }
  double operator[](std::int64_t i) const { return values[static_cast<std::size_t>(i)]; }
  static TensorSpec spec(DType dtype, std::int64_t step) {
    TensorSpec s{dtype};
    s.step = step;
    return s;
  }
};

double weight_value(std::int64_t i) { return 1 + 0.5 * noise(i, 5); }
double bias_value(std::int64_t i) { return 0.25 * noise(i, 6); }

template <class Exec>
class RowNorms : public testing::Test {
 protected:
  using Check = RowCheck<Exec>;
  static RowCase standard(const std::string& what, const Shape& shape, const std::vector<bool>& axis,
                          DType dtype = DType::f32) {
    return {what, RowOperator::standardize, shape, axis, {dtype}, {dtype}};
  }
  /// Compares what a kernel wrote into `data` with a value per row.
  static void expect_rows(Data<Exec>& data, const Check& check, const std::string& what,
                          const std::function<reference::Real(const reference::RowResult&)>& value, double tolerance) {
    data.download();
    for (std::size_t r = 0; r < check.results().size(); ++r) {
      const auto exact = static_cast<double>(value(check.results()[r]));
      const double got = data.value(static_cast<std::int64_t>(r));
      EXPECT_TRUE(std::fabs(got - exact) <= tolerance * std::max(1.0, std::fabs(exact)))
          << what << " of row " << r << ": " << got << ", expected " << exact;
    }
  }
};
TYPED_TEST_SUITE(RowNorms, ExecutionSpaces, SpaceName);

TYPED_TEST(RowNorms, LayerNormWithWeightAndBias) {
  using V = Vector<TypeParam>;
  for (const DType dtype : {DType::f32, DType::f16, DType::f64})
    for (const std::int64_t step : {1, 3}) {
      const Shape shape{6, 5, 77};
      const V weight(dtype == DType::f16 ? DType::f32 : dtype, {5, 77}, weight_value, step);
      const V bias(dtype, {5, 77}, bias_value, step);
      RowCheck<TypeParam> check(this->standard("layer_norm", shape, {false, true, true}, dtype), normal);
      check.set_affine(
          {[&](std::int64_t i) { return weight[i % 385]; }, [&](std::int64_t i) { return bias[i % 385]; }});
      check.check([&](const TypeParam& exec) {
        layer_norm(exec, check.x(), check.y(), {1, -1}, {weight.tensor(), bias.tensor()});
      });
      check.set_affine({{}, [&](std::int64_t i) { return bias[i % 385]; }});
      check.check([&](const TypeParam& exec) { layer_norm(exec, check.x(), check.y(), {1, 2}, {{}, bias.tensor()}); });
    }
}

/// Rows that begin anywhere in a vector while their weights do not.
TYPED_TEST(RowNorms, LayerNormOfOddLengths) {
  using V = Vector<TypeParam>;
  for (const DType dtype : {DType::f32, DType::f16, DType::f64})
    for (const std::int64_t length : {1, 3, 8, 15, 23, 25, 99, 511, 767, 1281, 2561}) {
      const V weight(dtype, {length}, weight_value, length % 4 == 3 ? 2 : 1);
      const V bias(dtype, {length}, bias_value);
      RowCheck<TypeParam> check(this->standard("layer_norm", {37, length}, {false, true}, dtype), normal);
      check.set_affine(
          {[&](std::int64_t i) { return weight[i % length]; }, [&](std::int64_t i) { return bias[i % length]; }});
      check.check([&](const TypeParam& exec) {
        layer_norm(exec, check.x(), check.y(), -1, {weight.tensor(), bias.tensor()});
      });
    }
}

/// Weight and bias that a GPU's L2 does not keep while a row passes: rows are mapped side by side.
TYPED_TEST(RowNorms, LayerNormOfLongRowsThatShareWeights) {
  using V = Vector<TypeParam>;
  struct Case {
    DType dtype;
    std::int64_t rows;
    std::int64_t length;
    std::int64_t step;
  };
  for (const Case& c : {Case{DType::f64, 9, 820224, 1}, Case{DType::f32, 2, 1700000, 1},
                        Case{DType::f32, 2, 1700000, 2}, Case{DType::f32, 2, 1700003, 1}}) {
    const std::int64_t length = on_host<TypeParam> ? c.length / 100 : c.length;
    const V weight(c.dtype, {length}, weight_value, c.step);
    const V bias(c.dtype, {length}, bias_value, c.step);
    RowCheck<TypeParam> check(this->standard("layer_norm", {c.rows, length}, {false, true}, c.dtype), normal);
    check.set_affine(
        {[&](std::int64_t i) { return weight[i % length]; }, [&](std::int64_t i) { return bias[i % length]; }});
    check.check([&](const TypeParam& exec) {
      layer_norm(exec, check.x(), check.y(), -1, {weight.tensor(), bias.tensor()});
    });
  }
}

TYPED_TEST(RowNorms, RmsNormOverChannelsWithWeight) {
  using V = Vector<TypeParam>;
  const Shape shape{3, 33, 4, 19};
  const V weight(DType::bf16, {33}, weight_value);
  RowCase c{"rms_norm", RowOperator::rms, shape, {false, true, false, false}};
  c.eps = std::numeric_limits<float>::epsilon();
  RowCheck<TypeParam> check(c, normal);
  check.set_affine({[&](std::int64_t i) { return weight[i / (4 * 19) % 33]; }, {}});
  Data<TypeParam> rstd(DType::f32, 3 * 4 * 19);
  const Tensor rstd_tensor(static_cast<float*>(rstd.tensor().data), {3, 4, 19});
  check.check([&](const TypeParam& exec) {
    rms_norm(exec, check.x(), check.y(), 1, {weight.tensor()}, type_epsilon, {{}, rstd_tensor});
  });
  this->expect_rows(
      rstd, check, "rstd", [](const reference::RowResult& r) { return r.rstd; }, 1e-6);
}

// Channels that are short, and runs of memory of their own.
TYPED_TEST(RowNorms, GroupNorm) {
  using V = Vector<TypeParam>;
  struct Case {
    std::int64_t groups;
    std::int64_t height;
  };
  for (const Case& c : {Case{1, 5}, Case{2, 5}, Case{4, 5}, Case{12, 5}, Case{1, 71}, Case{4, 71}, Case{12, 71}}) {
    const std::int64_t groups = c.groups;
    const std::int64_t height = c.height;
    const std::int64_t inner = height * 67;
    const Shape shape{3, 12, height, 67};
    const V weight(DType::f32, {12}, weight_value, 2);
    const V bias(DType::f32, {12}, bias_value);
    // The reference sees the groups as a dimension.
    RowCheck<TypeParam> check(
        this->standard("group_norm", {3, groups, 12 / groups, height, 67}, {false, false, true, true, true}),
        [](std::int64_t i) { return 100 + normal(i); });
    const auto channel = [=](std::int64_t i) { return i / inner % 12; };
    check.set_affine(
        {[&](std::int64_t i) { return weight[channel(i)]; }, [&](std::int64_t i) { return bias[channel(i)]; }});
    Data<TypeParam> mean(DType::f64, 3 * groups);
    Data<TypeParam> rstd(DType::f32, 3 * groups);
    const Tensor x(check.x().data, DType::f32, 4, shape.data(), nullptr);
    const Tensor y(check.y().data, DType::f32, 4, shape.data(), nullptr);
    check.check([&](const TypeParam& exec) {
      group_norm(exec, x, y, groups, {weight.tensor(), bias.tensor()}, 1e-5,
                 {Tensor(static_cast<double*>(mean.tensor().data), {3, groups}),
                  Tensor(static_cast<float*>(rstd.tensor().data), {3, groups})});
    });
    this->expect_rows(
        mean, check, "mean", [](const reference::RowResult& r) { return r.mean; }, 1e-6);
    this->expect_rows(
        rstd, check, "rstd", [](const reference::RowResult& r) { return r.rstd; }, 1e-6);
  }
}

TYPED_TEST(RowNorms, InstanceNorm) {
  using V = Vector<TypeParam>;
  const Shape shape{3, 7, 40, 50};
  const V weight(DType::f32, {7}, weight_value);
  const V bias(DType::f16, {7}, bias_value);
  RowCheck<TypeParam> check(this->standard("instance_norm", shape, {false, false, true, true}), normal);
  check.set_affine(
      {[&](std::int64_t i) { return weight[i / 2000 % 7]; }, [&](std::int64_t i) { return bias[i / 2000 % 7]; }});
  check.check([&](const TypeParam& exec) {
    instance_norm(exec, check.x(), check.y(), {weight.tensor(), bias.tensor()});
  });
}

TYPED_TEST(RowNorms, BatchNormTraining) {
  using V = Vector<TypeParam>;
  for (const Shape& shape : {Shape{4, 9, 30, 21}, Shape{50, 9}, Shape{2, 9, 40000}}) {
    std::vector<bool> axis(shape.size(), true);
    axis[1] = false;
    const std::int64_t inner = count_of(shape) / shape[0] / 9;
    const V weight(DType::f32, {9}, weight_value);
    const V bias(DType::f32, {9}, bias_value);
    RowCheck<TypeParam> check(this->standard("batch_norm_training", shape, axis),
                              [](std::int64_t i) { return 3 + normal(i); });
    const auto channel = [=](std::int64_t i) { return i / inner % 9; };
    check.set_affine(
        {[&](std::int64_t i) { return weight[channel(i)]; }, [&](std::int64_t i) { return bias[channel(i)]; }});
    for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
      V running_mean(DType::f32, {9}, weight_value);
      V running_variance(DType::f64, {9}, weight_value);
      const bool ran = kernel.run([&](const TypeParam& exec) {
        batch_norm_training(exec, check.x(), check.y(), {running_mean.tensor(), running_variance.tensor()},
                            {weight.tensor(), bias.tensor()}, 0.25);
      });
      if (!ran) continue;
      running_mean.data.download();
      running_variance.data.download();
      check.check([&](const TypeParam& exec) {
        batch_norm_training(exec, check.x(), check.y(), {}, {weight.tensor(), bias.tensor()});
      });
      const double n = static_cast<double>(count_of(shape) / 9);
      for (std::int64_t c = 0; c < 9; ++c) {
        const reference::RowResult& row = check.results()[static_cast<std::size_t>(c)];
        const auto mean = static_cast<double>(row.mean);
        const auto variance = static_cast<double>(row.variance) * n / (n - 1);
        EXPECT_NEAR(running_mean.data.value(c), 0.75 * running_mean[c] + 0.25 * mean, 1e-6) << kernel.name;
        EXPECT_NEAR(running_variance.data.value(c), 0.75 * running_variance[c] + 0.25 * variance, 1e-6) << kernel.name;
      }
    }
  }
}

// Few values of a channel side by side, and many: the host takes them in two ways.
TYPED_TEST(RowNorms, BatchNormInference) {
  using V = Vector<TypeParam>;
  for (const Shape& shape : {Shape{3, 5, 6, 7}, Shape{3, 5, 13, 17}, Shape{2, 5, 300, 200}, Shape{20, 5}}) {
    const V mean(DType::f32, {5}, bias_value);
    const V variance(DType::f32, {5}, weight_value);
    const V weight(DType::f32, {5}, weight_value);
    const V bias(DType::f32, {5}, bias_value);
    Data<TypeParam> x({DType::f32}, shape);
    Data<TypeParam> y({DType::f32}, shape);
    for (std::int64_t i = 0; i < count_of(shape); ++i) x.set(i, reference::round_to(normal(i), DType::f32));
    x.upload();
    batch_norm(TypeParam(), x.tensor(), mean.tensor(), variance.tensor(), y.tensor(), {weight.tensor(), bias.tensor()},
               1e-3, {}, relu());
    TypeParam().fence();
    y.download();
    for (std::int64_t i = 0; i < count_of(shape); ++i) {
      const std::int64_t c = i / (count_of(shape) / shape[0] / 5) % 5;
      const double exact = std::max(0.0, (x.value(i) - mean[c]) / std::sqrt(variance[c] + 1e-3) * weight[c] + bias[c]);
      // Five units of the quotient, one of the product, one of the sum.
      EXPECT_NEAR(y.value(i), exact, 1e-6 * (std::fabs(exact) + 1)) << i;
    }
  }
}

// ---- chains

TYPED_TEST(RowNorms, ChainsBeforeAndAfter) {
  using V = Vector<TypeParam>;
  // Small integers and powers of two: the steps round nothing.
  const auto integer = [](std::int64_t i) { return static_cast<double>(i * 7919 % 13 - 6); };
  for (const std::int64_t length : {5, 64, 1500, 40007}) {
    const Shape shape{7, length};
    const V column(DType::f32, {7, 1}, [](std::int64_t i) { return static_cast<double>(i % 3); });
    const V row(DType::f16, {length}, [](std::int64_t i) { return static_cast<double>(i % 5 - 2); });
    const V full(DType::i32, shape, [](std::int64_t i) { return static_cast<double>(i % 4); });
    const V factor(DType::f32, {7, 1}, [](std::int64_t i) { return i % 3 == 0 ? 1.0 : 2.0; });
    const Chain before = add(column.tensor()) | add(row.tensor()) | mul(0.5) | sub(full.tensor());
    RowCheck<TypeParam> plain({"chains", RowOperator::softmax, shape, {false, true}}, integer);
    plain.set_seen(
        [&](std::int64_t i) { return 0.5 * (plain.x_value(i) + column[i / length] + row[i % length]) - full[i]; });
    plain.check([&](const TypeParam& exec) { softmax(exec, plain.x(), plain.y(), -1, before); });
    // `after` on top is exact too: the same bits, scaled.
    for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
      Data<TypeParam> scaled({DType::f32}, shape);
      Data<TypeParam> y({DType::f32}, shape);
      if (!kernel.run([&](const TypeParam& exec) { softmax(exec, plain.x(), y.tensor(), -1, before); })) continue;
      if (!kernel.run([&](const TypeParam& exec) {
            softmax(exec, plain.x(), scaled.tensor(), -1, before, neg() | mul(4) | mul(factor.tensor()));
          }))
        continue;
      y.download();
      scaled.download();
      for (std::int64_t i = 0; i < count_of(shape); ++i)
        ASSERT_EQ(scaled.value(i), -4 * y.value(i) * factor[i / length]) << kernel.name << " " << i;
    }
  }
}

TYPED_TEST(RowNorms, Softmin) {
  RowCheck<TypeParam> check({"softmin", RowOperator::softmax, {5, 900}, {false, true}}, normal);
  check.set_seen([&](std::int64_t i) { return -check.x_value(i); });
  check.check([&](const TypeParam& exec) { softmin(exec, check.x(), check.y()); });
}

// The fused form against the two steps apart: the error of gelu moves an exponent by as much.
TYPED_TEST(RowNorms, SoftmaxOfGelu) {
  const Shape shape{9, 5000};
  Data<TypeParam> x({DType::f32}, shape);
  Data<TypeParam> g({DType::f32}, shape);
  Data<TypeParam> y({DType::f32}, shape);
  for (std::int64_t i = 0; i < count_of(shape); ++i) x.set(i, reference::round_to(2 * normal(i), DType::f32));
  x.upload();
  for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
    if (!kernel.run([&](const TypeParam& exec) { softmax(exec, x.tensor(), y.tensor(), -1, gelu()); })) continue;
    gelu(TypeParam(), x.tensor(), g.tensor());
    softmax(TypeParam(), g.tensor(), g.tensor());
    TypeParam().fence();
    y.download();
    g.download();
    for (std::int64_t i = 0; i < count_of(shape); ++i)
      ASSERT_NEAR(y.value(i), g.value(i), 1e-5 * g.value(i)) << kernel.name << " " << i;
  }
}

// A step alone may have code of its own; with one behind it that changes nothing it is a chain like any other. Rows of
// odd length, so that some of their pieces are cut.
TYPED_TEST(RowNorms, OneStepGivesTheBitsOfAChain) {
  using V = Vector<TypeParam>;
  const std::pair<const char*, Chain> steps[] = {{"relu", relu()},        {"leaky_relu", leaky_relu(0.1)},
                                                 {"gelu", gelu()},        {"gelu_tanh", gelu_tanh()},
                                                 {"silu", silu()},        {"mul", mul(0.3)},
                                                 {"softsign", softsign()}};
  using Call =
      std::function<void(const TypeParam&, const Tensor& x, const Tensor& y, const Chain& before, const Chain& after)>;
  const V weight(DType::f32, {4}, weight_value);
  const V bias(DType::f32, {4}, bias_value);
  const std::pair<const char*, Call> calls[] = {
      {"softmax",
       [](const TypeParam& exec, const Tensor& x, const Tensor& y, const Chain& before, const Chain& after) {
         softmax(exec, x, y, {2, 3}, before, after);
       }},
      {"l1_normalize",
       [](const TypeParam& exec, const Tensor& x, const Tensor& y, const Chain& before, const Chain& after) {
         l1_normalize(exec, x, y, {2, 3}, 1e-12, before, after);
       }},
      {"instance_norm", [](const TypeParam& exec, const Tensor& x, const Tensor& y, const Chain& before,
                           const Chain& after) { instance_norm(exec, x, y, {}, 1e-5, {}, before, after); }},
      {"group_norm",
       [&](const TypeParam& exec, const Tensor& x, const Tensor& y, const Chain& before, const Chain& after) {
         group_norm(exec, x, y, 2, {weight.tensor(), bias.tensor()}, 1e-5, {}, before, after);
       }}};
  for (const DType dtype : {DType::f32, DType::f16})
    for (const std::int64_t width : {37, 1733}) {
      const Shape shape{1, 4, 3, width};
      Data<TypeParam> x({dtype}, shape);
      Data<TypeParam> alone({dtype}, shape);
      Data<TypeParam> in_chain({dtype}, shape);
      for (std::int64_t i = 0; i < count_of(shape); ++i) x.set(i, reference::round_to(2 * normal(i), dtype));
      x.upload();
      for (const auto& [step_name, step] : steps)
        for (const auto& [call_name, call] : calls)
          for (const bool is_before : {true, false})
            for (const RowKernel<TypeParam>& kernel : row_kernels<TypeParam>()) {
              const auto run = [&](Data<TypeParam>& y, const Chain& chain) {
                const Chain none{};
                return kernel.run([&](const TypeParam& exec) {
                  call(exec, x.tensor(), y.tensor(), is_before ? chain : none, is_before ? none : chain);
                });
              };
              if (!run(alone, step) || !run(in_chain, step | mul(1))) continue;
              alone.download();
              in_chain.download();
              for (std::int64_t i = 0; i < count_of(shape); ++i)
                ASSERT_EQ(alone.value(i), in_chain.value(i)) << kernel.name << ", " << call_name << ", " << step_name
                                                             << (is_before ? " before" : " after") << ", element " << i;
            }
    }
}

TYPED_TEST(RowNorms, AdditiveAndBooleanMasks) {
  using V = Vector<TypeParam>;
  const Shape shape{6, 300};
  const auto hidden = [](std::int64_t i) { return (i * 7919) % 3 == 0; };
  const V additive(DType::f32, shape, [&](std::int64_t i) { return hidden(i) ? -infinity : 0.0; });
  const V boolean(DType::u8, shape, [&](std::int64_t i) { return hidden(i) ? 1.0 : 0.0; });
  RowCheck<TypeParam> check({"masked", RowOperator::softmax, shape, {false, true}}, normal);
  check.set_seen([&](std::int64_t i) { return hidden(i) ? -infinity : check.x_value(i); });
  check.check([&](const TypeParam& exec) { softmax(exec, check.x(), check.y(), -1, add(additive.tensor())); });
  check.check([&](const TypeParam& exec) {
    softmax(exec, check.x(), check.y(), -1, masked_fill(boolean.tensor(), -infinity));
  });
}

TYPED_TEST(RowNorms, CausalMask) {
  for (const std::int64_t diagonal : {0, 3, -2, 100})
    for (const Shape& shape : {Shape{2, 3, 17, 29}, Shape{40, 40}, Shape{3, 5, 2100}}) {
      const std::int64_t length = shape.back();
      const std::int64_t queries = shape[shape.size() - 2];
      std::vector<bool> axis(shape.size(), false);
      axis.back() = true;
      RowCheck<TypeParam> check({"causal", RowOperator::softmax, shape, axis}, normal);
      check.set_seen([&](std::int64_t i) {
        return i % length > i / length % queries + diagonal ? -infinity : 2 * check.x_value(i);
      });
      check.check([&](const TypeParam& exec) { causal_softmax(exec, check.x(), check.y(), mul(2), {}, diagonal); });
    }
}

}  // namespace
}  // namespace mylos::test
