// Every loss of vectors against long double, on every kernel: none, sum and mean; dtypes, layouts, broadcasting,
// lengths around every boundary, and PyTorch's edge cases.
#include <gtest/gtest.h>

#include "support/vector_losses.hpp"

namespace mylos::test {
namespace {

using reference::Rounding;
using reference::RowValue;
using reference::Vector;

template <class Exec>
class VectorLoss : public testing::Test {};
TYPED_TEST_SUITE(VectorLoss, ExecutionSpaces, SpaceName);

struct ClassCase {
  VectorShape shape;
  TensorSpec input{};
  TensorSpec target{DType::i64};
  bool weighted = false;
  double smoothing = 0;
  std::int64_t ignored = -100;
  bool probabilities = false;
  DType y = DType::f32;
  bool is_nll = false;
  bool chained = false;  // the scores are multiplied by a tensor on their way in
  double offset = 0;     // of the scores
  std::function<double(std::int64_t)> scores{};
};

template <class Exec>
void check_classes(const std::string& what, const ClassCase& c) {
  const std::int64_t classes = c.shape.extents[static_cast<std::size_t>(c.shape.axis)];
  Data<Exec> input(c.input, c.shape.extents);
  Data<Exec> target(c.target, c.probabilities ? c.shape.extents : c.shape.rows());
  TensorSpec weight_spec;
  weight_spec.step = 2;
  Data<Exec> weight(weight_spec, {classes});
  fill_with(
      input, c.scores ? c.scores : [&](std::int64_t i) { return c.offset + mixed_value(i); });
  fill_with(weight, [](std::int64_t i) { return 0.25 * static_cast<double>(1 + i % 7); });
  fill_with(target, [&](std::int64_t i) {
    if (c.probabilities) return (mixed_value(5 * i) + 4) / 16;
    if (i % 5 == 3 && c.ignored == -100) return -100.0;
    return static_cast<double>((i * 7919 + 3) % classes);
  });
  const Rounding rounding{c.input.dtype == DType::f64 || c.y == DType::f64};
  TensorSpec scale_spec;
  scale_spec.broadcast.assign(c.shape.extents.size(), true);
  scale_spec.broadcast.back() = false;
  Data<Exec> scale(scale_spec, c.shape.extents);
  fill_with(scale, [](std::int64_t i) { return i % 3 == 0 ? 0.5 : 2.0; });
  const std::vector<Vector> scales = vectors_of(c.shape, scale);
  std::vector<Vector> scores = vectors_of(c.shape, input);
  const std::vector<Vector> shares = c.probabilities ? vectors_of(c.shape, target) : std::vector<Vector>();
  const std::vector<double> labels = c.probabilities ? std::vector<double>() : per_row(c.shape, target);
  Vector factors(static_cast<std::size_t>(classes), 1);
  for (std::int64_t k = 0; k < classes && c.weighted; ++k)
    factors[static_cast<std::size_t>(k)] = weight.value(k * weight.tensor().stride[0]);
  std::vector<RowValue> expected;
  for (std::size_t r = 0; r < scores.size(); ++r) {
    for (std::size_t k = 0; k < scores[r].size() && c.chained; ++k) scores[r][k] *= scales[r][k];
    if (c.probabilities) {
      Vector share = shares[r];
      for (std::size_t k = 0; k < share.size(); ++k)
        share[k] = factors[k] * (share[k] * (1 - static_cast<long double>(c.smoothing)) +
                                 static_cast<long double>(c.smoothing) / static_cast<long double>(classes));
      RowValue v = reference::weighted_scores(scores[r], share, rounding);
      v.weight = 1;
      expected.push_back(v);
    } else if (c.is_nll) {
      expected.push_back(reference::negative_log_likelihood(scores[r], static_cast<std::int64_t>(labels[r]), c.ignored,
                                                            factors, rounding));
    } else {
      expected.push_back(reference::cross_entropy(scores[r], static_cast<std::int64_t>(labels[r]), c.ignored, factors,
                                                  static_cast<long double>(c.smoothing), rounding));
    }
  }
  ClassOptions<Exec> options;
  if (c.weighted) options.weight = weight.tensor();
  options.ignore_index = c.ignored;
  options.label_smoothing = c.smoothing;
  options.axis = c.shape.axis;
  const Chain before = c.chained ? mul(scale.tensor()) : Chain();
  check_vector_loss<Exec>(
      what, c.shape, c.y, expected, [&](const Exec& exec, const Tensor& y, LossReduction reduction) {
        c.is_nll ? nll_loss(exec, input.tensor(), target.tensor(), y, reduction, options, before)
                 : cross_entropy(exec, input.tensor(), target.tensor(), y, reduction, options, before);
      });
}

TYPED_TEST(VectorLoss, ClassesInEveryDtype) {
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16})
    for (const DType index : {DType::i64, DType::i32})
      for (const bool weighted : {false, true}) {
        ClassCase c{{{37, 101}, 1}, {dtype}, {index}, weighted};
        c.y = dtype == DType::f16 ? DType::f32 : dtype;
        check_classes<TypeParam>("cross_entropy", c);
        c.smoothing = 0.125;
        check_classes<TypeParam>("smoothed", c);
        c.smoothing = 0;
        c.is_nll = true;
        check_classes<TypeParam>("nll_loss", c);
      }
}

TYPED_TEST(VectorLoss, Probabilities) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    for (const double smoothing : {0.0, 0.25})
      for (const bool weighted : {false, true}) {
        ClassCase c{{{9, 77}, 1}, {dtype}, {DType::f32}, weighted, smoothing};
        c.probabilities = true;
        check_classes<TypeParam>("probabilities", c);
        c.shape = {{3, 21, 35}, 1};
        check_classes<TypeParam>("probabilities across", c);
      }
}

// From one class to more than a block, a team and a piece take; aligned and not.
TYPED_TEST(VectorLoss, LengthsOfRows) {
  for (const std::int64_t classes : {1,   2,   3,   4,   7,   8,   15,  16,   17,   31,   33,   64,   100,
                                     127, 128, 129, 255, 257, 500, 512, 1000, 1023, 1024, 1025, 4096, 5001})
    for (const double smoothing : {0.0, 0.125}) {
      const std::int64_t rows = classes < 200 ? 300 : 11;
      ClassCase c{{{rows, classes}, 1}};
      c.smoothing = smoothing;
      check_classes<TypeParam>("rows", c);
      c.input.misalignment = 1;
      c.input.padding = {0, 3};
      c.weighted = true;
      check_classes<TypeParam>("misaligned rows", c);
    }
  for (const std::int64_t classes : {65536 / thinning + 1, 200003 / thinning}) {
    ClassCase c{{{3, classes}, 1}};
    check_classes<TypeParam>("long rows", c);
    c.smoothing = 0.5;
    check_classes<TypeParam>("long rows", c);
    c.shape = {{2, classes, 3}, 1};
    check_classes<TypeParam>("long columns", c);
    c.input.dtype = DType::f64;
    check_classes<TypeParam>("long columns", c);
  }
}

TYPED_TEST(VectorLoss, AxesAndLayouts) {
  TensorSpec left;
  left.order = {2, 1, 0};
  TensorSpec reversed;
  reversed.reversed = {true, false, true};
  reversed.padding = {0, 2, 5};
  TensorSpec strided;
  strided.step = 3;
  for (const int axis : {0, 1, 2})
    for (const std::vector<std::int64_t>& extents :
         {std::vector<std::int64_t>{4, 19, 33}, {2, 3, 600}, {70, 5, 6}, {5, 1, 9}})
      for (const TensorSpec& spec : {TensorSpec{}, left, reversed, strided}) {
        ClassCase c{{extents, axis}, spec, {DType::i32}};
        check_classes<TypeParam>("layouts", c);
        c.weighted = true;
        c.smoothing = 0.25;
        c.chained = true;
        c.input.dtype = DType::f16;
        check_classes<TypeParam>("layouts with a chain", c);
      }
  ClassCase images{{{2, 21, 32, 48}, 1}, {}, {DType::i64}, true};
  check_classes<TypeParam>("images", images);
  images.target.order = {2, 1, 0};
  check_classes<TypeParam>("images with targets in another order", images);
}

// Scores far from zero: what is subtracted must not cost digits. Rising scores raise the reference often.
TYPED_TEST(VectorLoss, ScoresFarFromZeroAndRising) {
  for (const double offset : {1e4, -3e4})
    for (const DType dtype : {DType::f32, DType::f64}) {
      ClassCase c{{{13, 700}, 1}, {dtype}};
      c.y = dtype;
      c.offset = offset;
      check_classes<TypeParam>("far", c);
      c.shape = {{3, 170, 40}, 1};
      check_classes<TypeParam>("far across", c);
      c.smoothing = 0.5;
      check_classes<TypeParam>("far across, smoothed", c);
    }
  ClassCase rising{{{5, 3000}, 1}};
  rising.scores = [](std::int64_t i) { return 0.25 * static_cast<double>(i % 3000); };
  check_classes<TypeParam>("rising", rising);
  rising.shape = {{1, 3000, 1}, 1};
  check_classes<TypeParam>("rising alone", rising);
}

TYPED_TEST(VectorLoss, InfinitiesAndNaN) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const VectorShape& shape : {VectorShape{{60, 40}, 1}, VectorShape{{3, 40, 20}, 1}}) {
    for (const double special : {infinity, -infinity, std::nan("")}) {
      ClassCase c{shape};
      c.scores = [&](std::int64_t i) { return i % 97 == 0 ? special : mixed_value(i); };
      check_classes<TypeParam>("one of " + std::to_string(special), c);
      c.is_nll = true;
      check_classes<TypeParam>("nll, one of " + std::to_string(special), c);
    }
    ClassCase c{shape};
    c.scores = [&](std::int64_t) { return -infinity; };
    check_classes<TypeParam>("nothing but -inf", c);
  }
}

TYPED_TEST(VectorLoss, SingleVectorsIgnoredRowsAndNoRows) {
  const TypeParam exec;
  ClassCase single{{{50}, 0}};
  single.ignored = -1;
  check_classes<TypeParam>("rank 1", single);
  Data<TypeParam> x(TensorSpec{}, {6, 4});
  Data<TypeParam> t(TensorSpec{DType::i64}, {6});
  Data<TypeParam> y(TensorSpec{}, {});
  fill_with(x, mixed_value);
  fill_with(t, [](std::int64_t) { return 2.0; });
  ClassOptions<TypeParam> options;
  options.ignore_index = 2;
  for (const std::string& kernel : vector_loss_kernels<TypeParam>())
    for (const LossReduction reduction : {LossReduction::sum, LossReduction::mean}) {
      const auto result = [&](const Tensor& input, const Tensor& target) {
        y.poison();
        const bool ran =
            run_on(kernel, exec, [&] { cross_entropy(exec, input, target, y.tensor(), reduction, options); });
        y.download();
        EXPECT_TRUE(!ran || !y.is_poison(0));
        return ran ? y.value(0) : (reduction == LossReduction::sum ? 0 : std::nan(""));
      };
      const double ignored = result(x.tensor(), t.tensor());
      const double none =
          result(Tensor(static_cast<float*>(nullptr), {0, 4}), Tensor(static_cast<std::int64_t*>(nullptr), {0}));
      if (reduction == LossReduction::sum) {
        EXPECT_EQ(ignored, 0) << kernel;
        EXPECT_EQ(none, 0) << kernel;
      } else {
        EXPECT_NE(ignored, ignored) << kernel << ": a mean of nothing is NaN";
        EXPECT_NE(none, none) << kernel << ": a mean of nothing is NaN";
      }
    }
}

// On a device nobody can look before the launch: the row is NaN, the status says so.
TYPED_TEST(VectorLoss, ClassesOutOfRangeOnADevice) {
  if constexpr (!on_host<TypeParam>) {
    const TypeParam exec;
    Data<TypeParam> x(TensorSpec{}, {40, 9});
    Data<TypeParam> t(TensorSpec{DType::i64}, {40});
    Data<TypeParam> y(DType::f32, 40);
    Data<TypeParam> status(TensorSpec{DType::i32}, {});
    fill_with(x, mixed_value);
    ClassOptions<TypeParam> options;
    options.status = status.tensor();
    for (const std::string& kernel : vector_loss_kernels<TypeParam>())
      for (const double wrong : {-1.0, 9.0, 4294967296.0, 3.0})
        for (const bool is_nll : {false, true}) {
          fill_with(t, [&](std::int64_t i) { return i == 7 ? wrong : static_cast<double>(i % 9); });
          fill_with(status, [](std::int64_t) { return 0.0; });
          const bool ran = run_on(kernel, exec, [&] {
            is_nll ? nll_loss(exec, x.tensor(), t.tensor(), y.tensor(), LossReduction::none, options)
                   : cross_entropy(exec, x.tensor(), t.tensor(), y.tensor(), LossReduction::none, options);
          });
          if (!ran) continue;
          y.download();
          status.download();
          EXPECT_EQ(status.value(0), wrong == 3 ? 0 : 1) << kernel << " " << wrong;
          for (std::int64_t i = 0; i < 40; ++i)
            EXPECT_EQ(std::isnan(y.value(i)), i == 7 && wrong != 3) << kernel << " row " << i;
        }
  } else {
    GTEST_SKIP() << "on the host the call throws: VectorLossErrors";
  }
}

// ---- embeddings
// ------------------------------------------------------------------------------------------------------

struct EmbeddingCase {
  VectorShape shape{};
  TensorSpec first{};
  TensorSpec second{};
  TensorSpec third{};
  DType y = DType::f32;
};

template <class Exec>
void check_cosine(const EmbeddingCase& c, double eps) {
  Data<Exec> a(c.first, c.shape.extents);
  Data<Exec> b(c.second, c.shape.extents);
  fill_with(a, [](std::int64_t i) { return i % 1000 < 40 ? 0.0 : mixed_value(i); });
  fill_with(b, [](std::int64_t i) { return mixed_value(3 * i + 1); });
  const Rounding rounding{c.first.dtype == DType::f64 || c.y == DType::f64};
  const auto va = vectors_of(c.shape, a);
  const auto vb = vectors_of(c.shape, b);
  std::vector<RowValue> expected;
  for (std::size_t r = 0; r < va.size(); ++r)
    expected.push_back(reference::cosine_similarity(va[r], vb[r], static_cast<long double>(eps), rounding));
  check_vector_loss<Exec>(
      "cosine_similarity", c.shape, c.y, expected,
      [&](const Exec& exec, const Tensor& y, LossReduction) {
        cosine_similarity(exec, a.tensor(), b.tensor(), y, c.shape.axis, eps);
      },
      true);
  if (c.shape.axis + 1 != static_cast<int>(c.shape.extents.size())) return;
  Data<Exec> t(TensorSpec{DType::i64}, c.shape.rows());
  fill_with(t, [](std::int64_t i) { return static_cast<double>(i % 3 - 1); });
  const std::vector<double> targets = per_row(c.shape, t);
  for (const double margin : {0.0, -0.25}) {
    expected.clear();
    for (std::size_t r = 0; r < va.size(); ++r)
      expected.push_back(reference::cosine_embedding(va[r], vb[r], static_cast<long double>(targets[r]),
                                                     static_cast<long double>(margin), rounding));
    check_vector_loss<Exec>("cosine_embedding_loss", c.shape, c.y, expected,
                            [&](const Exec& exec, const Tensor& y, LossReduction reduction) {
                              cosine_embedding_loss(exec, a.tensor(), b.tensor(), t.tensor(), y, reduction, margin);
                            });
  }
}

template <class Exec>
void check_triplet(const EmbeddingCase& c, double p, bool swap) {
  Data<Exec> a(c.first, c.shape.extents);
  Data<Exec> b(c.second, c.shape.extents);
  Data<Exec> n(c.third, c.shape.extents);
  fill_with(a, [](std::int64_t i) { return mixed_value(i); });
  fill_with(b, [](std::int64_t i) { return mixed_value(5 * i + 1); });
  fill_with(n, [](std::int64_t i) { return mixed_value(7 * i + 2); });
  const Rounding rounding{c.first.dtype == DType::f64 || c.y == DType::f64};
  const auto va = vectors_of(c.shape, a);
  const auto vb = vectors_of(c.shape, b);
  const auto vn = vectors_of(c.shape, n);
  std::vector<RowValue> expected;
  for (std::size_t r = 0; r < va.size(); ++r)
    expected.push_back(
        reference::triplet_margin(va[r], vb[r], vn[r], 0.5L, static_cast<long double>(p), 1e-6L, swap, rounding));
  check_vector_loss<Exec>("triplet_margin_loss of " + std::to_string(p), c.shape, c.y, expected,
                          [&](const Exec& exec, const Tensor& y, LossReduction reduction) {
                            triplet_margin_loss(exec, a.tensor(), b.tensor(), n.tensor(), y, reduction, 0.5, p, 1e-6,
                                                swap);
                          });
}

/// Rows of n, and columns of n.
template <class Exec>
void check_embeddings(std::int64_t rows, std::int64_t n, const TensorSpec& first, const TensorSpec& second,
                      const TensorSpec& third) {
  EmbeddingCase c;
  c.shape.extents = {rows, n};
  c.shape.axis = 1;
  c.first = first;
  c.second = second;
  c.third = third;
  check_cosine<Exec>(c, 1e-8);
  check_triplet<Exec>(c, 2, true);
  c.shape.extents = {n, rows};
  c.shape.axis = 0;
  check_cosine<Exec>(c, 1e-8);
}

TYPED_TEST(VectorLoss, EmbeddingsInEveryDtype) {
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
    EmbeddingCase c;
    c.shape.extents = {41, 97};
    c.shape.axis = 1;
    for (TensorSpec* spec : {&c.first, &c.second, &c.third}) spec->dtype = dtype;
    c.y = dtype == DType::f64 ? DType::f64 : DType::f32;
    check_cosine<TypeParam>(c, 1e-8);
    check_cosine<TypeParam>(c, 10);
    for (const double p : {1.0, 2.0, 3.0, 0.5, std::numeric_limits<double>::infinity()})
      for (const bool swap : {false, true}) check_triplet<TypeParam>(c, p, swap);
  }
}

TYPED_TEST(VectorLoss, EmbeddingsOfAnyLengthAndLayout) {
  TensorSpec odd;
  odd.misalignment = 1;
  odd.padding = {0, 3};
  TensorSpec left;
  left.order = {1, 0};
  TensorSpec line;
  line.dropped = 1;
  TensorSpec mixed;
  mixed.dtype = DType::f16;
  for (const std::int64_t n : {0, 1, 2, 5, 16, 31, 64, 127, 130, 513, 1030, 5000}) {
    const std::int64_t rows = n < 200 ? 250 : 7;
    check_embeddings<TypeParam>(rows, n, {}, {}, {});
    check_embeddings<TypeParam>(rows, n, odd, left, {});
    check_embeddings<TypeParam>(rows, n, {}, line, mixed);
    check_embeddings<TypeParam>(rows, n, left, odd, line);
  }
  check_embeddings<TypeParam>(2, 200003 / thinning, {}, {}, {});
  EmbeddingCase boxes;
  boxes.shape.extents = {6, 50, 33};
  boxes.shape.axis = 1;
  check_cosine<TypeParam>(boxes, 1e-8);
}

}  // namespace
}  // namespace mylos::test
