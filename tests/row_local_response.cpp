// Local response normalisation: windows of all kinds over channels that lie anywhere in memory.
#include <gtest/gtest.h>

#include "support/rows.hpp"

namespace mylos::test {
namespace {

struct Numbers {
  double alpha = 0.5;
  double beta = 0.75;
  double k = 2;
};

template <class Exec>
class RowLocalResponse : public testing::Test {
 protected:
  /// Every element of a call to its bound, by the user's choice of kernel and by the generic one.
  static void check(
      const std::string& what, const Shape& shape, const TensorSpec& x_spec, const TensorSpec& y_spec,
      std::int64_t size, const Numbers& numbers = {},
      const Values& value = [](std::int64_t i) { return 3 * normal(i); }) {
    Data<Exec> x(x_spec, shape);
    Data<Exec> y(y_spec, shape);
    std::vector<std::vector<std::int64_t>> offsets;
    for_each_element(shape, {x.tensor(), y.tensor()},
                     [&](const std::vector<std::int64_t>& offset) { offsets.push_back(offset); });
    for (std::size_t i = 0; i < offsets.size(); ++i)
      x.set(offsets[i][0], reference::round_to(value(static_cast<std::int64_t>(i)), x.dtype()));
    x.upload();
    const std::vector<reference::Real> exact = results(x, shape, offsets, size, numbers);
    const Arithmetic arithmetic{x.dtype(), y.dtype()};
    for (const Path path : {Path::automatic, Path::generic}) {
      const ScopedPath forced(path);
      y.poison();
      local_response_norm(Exec(), x.tensor(), y.tensor(), size, numbers.alpha, numbers.beta, numbers.k);
      Exec().fence();
      y.download();
      Comparison comparison(what + " by " + last_kernel() + ", windows of " + std::to_string(size), y.dtype());
      for (std::size_t i = 0; i < offsets.size(); ++i)
        comparison.look({static_cast<std::int64_t>(i), x.value(offsets[i][0]), y.value(offsets[i][1]),
                         y.bits(offsets[i][1]), static_cast<double>(exact[i]),
                         accept(exact[i], 24, reference::Real(0), arithmetic)});
      EXPECT_TRUE(comparison.result());
      EXPECT_EQ(y.written(), count_of(shape));
    }
  }
  static void check(const std::string& what, const Shape& shape, const TensorSpec& spec, std::int64_t size,
                    const Numbers& numbers = {}) {
    check(what, shape, spec, spec, size, numbers);
  }

  static TensorSpec last(DType dtype, int rank) {
    TensorSpec spec{dtype};
    spec.order = {0};
    for (int d = 2; d < rank; ++d) spec.order.push_back(d);
    spec.order.push_back(1);
    return spec;
  }

 private:
  static std::vector<reference::Real> results(Data<Exec>& x, const Shape& shape,
                                              const std::vector<std::vector<std::int64_t>>& offsets, std::int64_t size,
                                              const Numbers& numbers) {
    std::vector<reference::Real> exact(offsets.size());
    const std::int64_t channels = shape[1];
    const std::int64_t inner = count_of(shape) / shape[0] / channels;
    for (std::int64_t n = 0; n < shape[0]; ++n)
      for (std::int64_t j = 0; j < inner; ++j) {
        const auto index = [&](std::int64_t c) { return static_cast<std::size_t>((n * channels + c) * inner + j); };
        std::vector<reference::Real> column;
        for (std::int64_t c = 0; c < channels; ++c) column.push_back(x.value(offsets[index(c)][0]));
        const std::vector<reference::Real> normalized =
            reference::local_response(column, size, numbers.alpha, numbers.beta, numbers.k);
        for (std::int64_t c = 0; c < channels; ++c) exact[index(c)] = normalized[static_cast<std::size_t>(c)];
      }
    return exact;
  }
};

TYPED_TEST_SUITE(RowLocalResponse, ExecutionSpaces, SpaceName);

TYPED_TEST(RowLocalResponse, ChannelsOfImages) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16})
    for (const std::int64_t size : {1, 2, 3, 4, 5, 9, 40}) {
      TestFixture::check("odd rows", {2, 11, 3, 5}, {dtype}, size);
      TestFixture::check("rows of vectors", {2, 13, 4, 8}, {dtype}, size);
    }
}

TYPED_TEST(RowLocalResponse, ChannelsLast) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16})
    for (const std::int64_t size : {1, 2, 3, 4, 5, 9, 40}) {
      TestFixture::check("odd channels", {2, 37, 3, 5}, TestFixture::last(dtype, 4), size);
      TestFixture::check("channels of vectors", {2, 24, 3, 5}, TestFixture::last(dtype, 4), size);
    }
}

TYPED_TEST(RowLocalResponse, ManyChannels) {
  for (const std::int64_t size : {3, 7, 160, 1200}) {
    TestFixture::check("few rows", {2, 333, 12}, {DType::f32}, size);
    TestFixture::check("few rows", {2, 333, 12}, {DType::f64}, size);
    TestFixture::check("long rows", {1, 4500, 3}, TestFixture::last(DType::f32, 3), size);
    TestFixture::check("two dimensions", {5, 3001}, {DType::f32}, size);
  }
}

TYPED_TEST(RowLocalResponse, Layouts) {
  TensorSpec shifted{DType::f32};
  shifted.misalignment = 1;
  TestFixture::check("off the boundary", {2, 10, 8, 4}, shifted, 5);
  TensorSpec padded{DType::f16};
  padded.padding = {0, 3, 1, 2};
  TestFixture::check("padded", {3, 10, 7, 6}, padded, 5);
  TensorSpec reversed{DType::f64};
  reversed.reversed = {false, true, false, true};
  TestFixture::check("reversed", {2, 10, 4, 4}, reversed, 4);
  TestFixture::check("to channels last", {2, 10, 4, 4}, {DType::f32}, TestFixture::last(DType::f32, 4), 5);
  TestFixture::check("from bf16 to f32", {2, 10, 4, 4}, {DType::bf16}, {DType::f32}, 5);
  TestFixture::check("one channel", {4, 1, 6, 6}, {DType::f32}, 5);
  TestFixture::check("one row", {1, 50, 1}, {DType::f32}, 5);
}

/// Sums near k, far from it, and next to nothing; powers of both signs.
TYPED_TEST(RowLocalResponse, Numbers) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16})
    for (const Numbers& numbers : {Numbers{1e-4, 0.75, 1},
                                   {1e4, 0.5, 1},
                                   {1e-9, 1, 1e-6},
                                   {2, 0.75, 0},
                                   {2, -0.5, 1},
                                   {2, 0, 1},
                                   {1e30, 0.75, 1}}) {
      TestFixture::check("rows of vectors", {2, 9, 16}, {dtype}, 3, numbers);
      TestFixture::check("channels last", {2, 24, 7}, TestFixture::last(dtype, 3), 3, numbers);
    }
}

/// What is not finite reaches the windows that it is in, and none beside them; a row of zeros with k = 0 is 0 / 0.
TYPED_TEST(RowLocalResponse, NotFinite) {
  const auto value = [](std::int64_t i) {
    if (i % 97 == 40) return std::numeric_limits<double>::quiet_NaN();
    if (i % 89 == 41) return std::numeric_limits<double>::infinity();
    return i / 16 % 20 < 6 ? 0.0 : 3 * normal(i);
  };
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16}) {
    TestFixture::check("rows of vectors", {2, 20, 16}, {dtype}, {dtype}, 5, {1, 0.75, 0}, value);
    const TensorSpec last = TestFixture::last(dtype, 3);
    TestFixture::check("channels last", {2, 20, 16}, last, last, 5, {1, 0.75, 0}, value);
  }
}

}  // namespace
}  // namespace mylos::test
