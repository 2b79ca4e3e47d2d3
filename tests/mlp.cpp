// Networks on every kernel, element by element against long double, within the bound that mlp.hpp states: widths,
// depths, layouts, dtypes, chains, samples on any grid, hard values; and the function for one sample in a user's
// kernel.
#include "support/mlps.hpp"

namespace mylos::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class Exec>
class MlpTest : public testing::Test {
 protected:
  static void check(const MlpCase& c) { MlpCheck<Exec>(c).check(); }
};
TYPED_TEST_SUITE(MlpTest, ExecutionSpaces, SpaceName);

TensorSpec of(DType dtype) {
  TensorSpec spec;
  spec.dtype = dtype;
  return spec;
}
/// Dimensions in reverse: samples are neighbours where features are last.
TensorSpec left(DType dtype, int rank = 2) {
  TensorSpec spec = of(dtype);
  for (int d = rank; d-- > 0;) spec.order.push_back(d);
  return spec;
}

MlpCase with_dtype(MlpCase c, DType dtype) {
  c.x.dtype = c.y.dtype = c.weight.dtype = dtype;
  return c;
}

TYPED_TEST(MlpTest, EveryWidth) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (std::int64_t w = 1; w <= 128; w += w < 34 ? 1 : (w < 60 ? 7 : 13)) {
      MlpCase c{{w, w}, {45}};
      c.chains = {MlpChain::none};
      this->check(with_dtype(c, dtype));
      MlpCase both{{5, w, 3}, {70}};
      both.x.order = both.y.order = {1, 0};
      this->check(with_dtype(both, dtype));
      if (testing::Test::HasFailure()) return;
    }
  for (const DType dtype : {DType::f32, DType::f64})
    for (const std::int64_t w : {64, 127, 128}) this->check(with_dtype({{w, 128, w}, {67}}, dtype));
}

TYPED_TEST(MlpTest, DepthsAndShapes) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const std::vector<std::int64_t>& widths : {std::vector<std::int64_t>{8, 32, 32, 4},
                                                    {1, 1},
                                                    {1, 128, 1},
                                                    {128, 1, 128},
                                                    {3, 17, 40, 9, 2},
                                                    {32, 33, 31},
                                                    {16, 64, 64, 64, 8},
                                                    {128, 128, 128, 128},
                                                    {2, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3}}) {
      MlpCase c{widths, {257}};
      c.chains = {MlpChain::relu, MlpChain::tanh};
      this->check(with_dtype(c, dtype));
      c.biased = false;
      c.samples = {33};
      this->check(with_dtype(c, dtype));
      if (testing::Test::HasFailure()) return;
    }
}

TYPED_TEST(MlpTest, NumbersOfSamples) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const bool fastest : {false, true})
      for (const std::int64_t n : {0, 1, 2, 7, 15, 16, 31, 32, 33, 63, 64, 65, 127, 1000, 5003}) {
        MlpCase c{{8, 32, 32, 4}, {n}};
        if (fastest) c.x.order = c.y.order = {1, 0};
        this->check(with_dtype(c, dtype));
        if (testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(MlpTest, Layouts) {
  TensorSpec padded;
  padded.padding = {0, 3};
  TensorSpec shifted;
  shifted.misalignment = 3;
  TensorSpec even;
  even.misalignment = 2;
  TensorSpec fastest;
  fastest.order = {1, 0};
  TensorSpec fastest_padded = fastest;
  fastest_padded.padding = {5, 0};
  TensorSpec fastest_shifted = fastest;
  fastest_shifted.misalignment = 1;
  TensorSpec backwards;
  backwards.reversed = {true, false};
  TensorSpec backwards_both = fastest;
  backwards_both.reversed = {true, true};
  TensorSpec spread;
  spread.step = 3;
  TensorSpec fastest_spread = fastest;
  fastest_spread.step = 2;
  const std::vector<TensorSpec> all{TensorSpec(),    padded,    shifted,        even,   fastest,       fastest_padded,
                                    fastest_shifted, backwards, backwards_both, spread, fastest_spread};
  for (const DType dtype : {DType::f32, DType::f64, DType::f16})
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t j = 0; j < all.size(); ++j) {
        if (i != 0 && j != 0 && i != j && (i + j) % 3 != 0) continue;
        MlpCase c{{7, 20, 6}, {131}};
        if ((i + j) % 2 != 0) c.widths = {8, 20, 4};
        c.x = all[i];
        c.y = all[j];
        this->check(with_dtype(c, dtype));
        if (testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(MlpTest, LayoutsOfWeights) {
  TensorSpec padded;
  padded.padding = {0, 5};
  TensorSpec transposed;
  transposed.order = {1, 0};
  TensorSpec backwards;
  backwards.reversed = {true, true};
  TensorSpec spread;
  spread.step = 2;
  spread.misalignment = 1;
  for (const TensorSpec& spec : {padded, transposed, backwards, spread}) {
    MlpCase c{{9, 33, 5}, {77}};
    c.weight = spec;
    this->check(c);
  }
}

TYPED_TEST(MlpTest, SamplesOnAGrid) {
  for (const int axis : {0, 1, 2, 3, -2})
    for (const bool reversed : {false, true}) {
      MlpCase c{{6, 18, 3}, {5, 3, 31}};
      c.axis = axis;
      if (reversed) c.x = left(DType::f32, 4);
      if (reversed) c.y = left(DType::f32, 4);
      this->check(c);
      c.y = TensorSpec();
      this->check(c);
      c.x.padding = {0, 1, 2, 0};
      this->check(c);
    }
  this->check({{6, 18, 3}, {}});
  this->check({{6, 18, 3}, {2, 1, 3, 2, 1, 2, 3}, 4});
  this->check({{6, 18, 3}, {4, 0, 3}, 1});
}

TYPED_TEST(MlpTest, Dtypes) {
  const DType all[] = {DType::f64, DType::f32, DType::f16, DType::bf16};
  for (const DType x : all)
    for (const DType y : all)
      for (const DType weight : all)
        for (const bool fastest : {false, true}) {
          MlpCase c{{10, 24, 4}, {90}};
          c.x = fastest ? left(x) : of(x);
          c.y = fastest ? left(y) : of(y);
          c.weight = of(weight);
          this->check(c);
          if (testing::Test::HasFailure()) return;
        }
}

TYPED_TEST(MlpTest, Chains) {
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16})
    for (const MlpChain chain :
         {MlpChain::none, MlpChain::relu, MlpChain::tanh, MlpChain::gelu, MlpChain::scaled, MlpChain::several})
      for (const std::vector<std::int64_t>& widths :
           {std::vector<std::int64_t>{8, 32, 32, 4}, {7, 13, 5}, {40, 65, 100, 50}}) {
        MlpCase c{widths, {101}};
        c.chains = {chain, MlpChain::several, chain};
        this->check(with_dtype(c, dtype));
        if (testing::Test::HasFailure()) return;
      }
}

// Values of any size: no kernel may count on the range of a narrower type.
TYPED_TEST(MlpTest, HugeAndTinyValues) {
  for (const double x_scale : {1e-30, 1e-6, 1e5, 1e20})
    for (const double w_scale : {1e-8, 1.0, 1e7}) {
      MlpCase c{{8, 32, 32, 4}, {129}};
      c.scale = w_scale;
      c.biased = false;
      const double result = x_scale * w_scale * w_scale * w_scale;
      if (result < 1e-25 || result > 1e35) continue;  // leaves the range of f32
      MlpCheck<TypeParam>(c, [&](std::int64_t k, std::int64_t n) { return x_scale * mlp_noise(k + 131 * n); }).check();
    }
}

// Large beside small, in one sample and from weight to weight: a bound by the largest of them would not do.
TYPED_TEST(MlpTest, GradedValues) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    MlpCase c = with_dtype({{16, 24, 8}, {129}}, dtype);
    MlpCheck<TypeParam>(c, [](std::int64_t k, std::int64_t n) {
      return std::exp2(static_cast<double>(k * 5 - 40)) * mlp_noise(k + 131 * n);
    }).check();
    MlpCheck<TypeParam>(c, [](std::int64_t k, std::int64_t n) {
      return k == n % 16 ? 1e6 * mlp_noise(n) : 1e-6 * mlp_noise(k + 131 * n);
    }).check();
  }
}

// Sizes that no narrower type holds at once, side by side in every group of samples that a kernel may take together.
TYPED_TEST(MlpTest, NeighboursOfAllSizes) {
  for (const MlpChain chain : {MlpChain::none, MlpChain::relu, MlpChain::tanh, MlpChain::several})
    for (const bool biased : {true, false})
      for (const std::vector<std::int64_t>& widths :
           {std::vector<std::int64_t>{8, 32, 32, 4}, {3, 64, 64, 20}, {40, 65, 100, 50}, {100, 128, 128, 7}}) {
        MlpCase c{widths, {203}};
        c.chains = {chain};
        c.biased = biased;
        MlpCheck<TypeParam>(c, [](std::int64_t k, std::int64_t n) {
          const double scale[] = {1, 1, 1e7, 1, 1e-7, 1, 1e20, 1, 1e-20, 0, 4e3, 3e-6, 1e5};
          if (n % 29 == 4 && k == 1) return not_a_number;
          if (n % 29 == 9 && k == 2) return 1e9;
          return scale[n % 13] * mlp_noise(k + 131 * n);
        }).check();
        if (testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(MlpTest, WeightsOfAllSizes) {
  for (const MlpChain chain : {MlpChain::relu, MlpChain::tanh})
    for (const double scale : {1e-10, 1e-5, 1e-2, 30.0, 300.0, 1e6}) {
      MlpCase c{{8, 32, 32, 4}, {129}};
      c.chains = {chain};
      c.scale = scale;
      this->check(c);
      if (testing::Test::HasFailure()) return;
    }
}

// Hidden values much smaller than the two numbers whose difference they are.
TYPED_TEST(MlpTest, SmallHiddenValues) {
  for (const MlpChain chain : {MlpChain::none, MlpChain::relu, MlpChain::tanh})
    for (const double size : {0x1p-14, 0x1p-12, 0x1p-9}) {
      MlpCase c{{1, 1, 1}, {200}};
      c.chains = {chain};
      c.bias_scale = size;
      const double zero = -size * mlp_noise(5) / (2 * mlp_noise(0));
      MlpCheck<TypeParam>(c, [=](std::int64_t, std::int64_t n) {
        return zero * (1 + std::exp2(-4 - static_cast<double>(n % 20)) * mlp_noise(n));
      }).check();
      if (testing::Test::HasFailure()) return;
    }
}

TYPED_TEST(MlpTest, ManyLayers) {
  MlpCase c{std::vector<std::int64_t>(41, 12), {70}};
  c.scale = 0.7;
  this->check(c);
}

// NaN and infinity spoil their own sample, as IEEE arithmetic has it, and no other.
TYPED_TEST(MlpTest, NaNAndInfinity) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16})
    for (const MlpChain chain : {MlpChain::none, MlpChain::relu, MlpChain::tanh})
      for (const std::vector<std::int64_t>& widths :
           {std::vector<std::int64_t>{8, 32, 32, 4}, {5, 70, 3}, {3, 20, 9}}) {
        MlpCase c = with_dtype({widths, {300}}, dtype);
        c.chains = {chain};
        MlpCheck<TypeParam>(c, [](std::int64_t k, std::int64_t n) {
          if (n % 37 == 5 && k == n % 5) return not_a_number;
          if (n % 37 == 11 && k == n % 5) return infinity;
          if (n % 37 == 12 && k == n % 5) return -infinity;
          if (n % 37 == 13 && k < 2) return k == 0 ? infinity : -infinity;
          return mlp_noise(k + 131 * n);
        }).check();
        if (testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(MlpTest, Overflow) {
  MlpCase c{{8, 32, 32, 4}, {100}};
  c.biased = false;
  c.chains = {MlpChain::none};
  c.scale = 1e5;  // every other sample overflows in the second layer
  MlpCheck<TypeParam> check(
      c, [](std::int64_t k, std::int64_t n) { return (n % 2 == 0 ? 1e33 : 1e-3) * mlp_noise(k + 131 * n); });
  const TypeParam exec;
  for (const std::string& kernel : mlp_kernels<TypeParam>()) {
    check.y().poison();
    if (!run_on(kernel, exec, [&] { mlp(exec, check.network(), check.x().tensor(), check.y().tensor()); })) continue;
    check.y().download();
    for (std::int64_t n = 0; n < 100; ++n)
      for (std::int64_t i = 0; i < 4; ++i)
        EXPECT_EQ(std::isfinite(check.y().value(n * 4 + i)), n % 2 != 0) << kernel << " sample " << n;
  }
}

// A chain that hides NaN: what a hand-written kernel recognises a bad sample by may not be lost.
TYPED_TEST(MlpTest, ChainsThatHideNaN) {
  MlpCase c{{8, 32, 4}, {100}};
  c.chains = {MlpChain::none};
  const MlpLayers<TypeParam> layers(c);
  MlpCheck<TypeParam> check(
      c, [](std::int64_t k, std::int64_t n) { return n % 3 == 0 && k == 2 ? infinity : mlp_noise(k + 131 * n); });
  Mlp network;
  network.layer(layers.network()[0].weight, layers.network()[0].bias, sign());
  network.layer(layers.network()[1].weight, layers.network()[1].bias);
  const TypeParam exec;
  std::vector<double> expected;
  for (const std::string& kernel : mlp_kernels<TypeParam>()) {
    check.y().poison();
    if (!run_on(kernel, exec, [&] { mlp(exec, network, check.x().tensor(), check.y().tensor()); })) continue;
    check.y().download();
    for (std::int64_t i = 0; i < 400; ++i) {
      if (expected.size() < 400) expected.push_back(check.y().value(i));
      EXPECT_NEAR(check.y().value(i), expected[static_cast<std::size_t>(i)], 1e-4) << kernel << " " << i;
    }
  }
}

// ---- one sample in a kernel of the user's own -----------------------------------------------------------------------

template <class T, int Width>
struct UsersKernel {
  MlpFunction<T, Width, 4, 4> network;
  const T* x;
  T* y;
  KOKKOS_FUNCTION void operator()(int n) const {
    T in[Width];
    T out[Width];
    for (int k = 0; k < network.in(); ++k) in[k] = x[n * network.in() + k];
    network(in, out);
    for (int i = 0; i < network.out(); ++i) y[n * network.out() + i] = out[i];
  }
};

template <class Exec, class T, int Width>
void check_function(MlpCase c) {
  c = with_dtype(c, dtype_of<T>);
  // Operands are of the function's own type.
  if constexpr (std::is_same_v<T, double>) c.chains = {MlpChain::tanh, MlpChain::gelu};
  MlpCheck<Exec> check(c);
  check.y().poison();
  const Exec exec;
  const UsersKernel<T, Width> kernel{MlpFunction<T, Width, 4, 4>(check.network()),
                                     static_cast<const T*>(check.x().tensor().data),
                                     static_cast<T*>(check.y().tensor().data)};
  Kokkos::parallel_for("test", Kokkos::RangePolicy<Exec>(exec, 0, static_cast<int>(c.samples[0])), kernel);
  exec.fence();
  check.compare("MlpFunction");
}

TYPED_TEST(MlpTest, FunctionInAUsersKernel) {
  MlpCase c{{8, 32, 32, 4}, {333}};
  c.chains = {MlpChain::relu, MlpChain::several, MlpChain::scaled};
  check_function<TypeParam, float, 32>(c);
  check_function<TypeParam, double, 32>(c);
  check_function<TypeParam, float, 48>(c);
  check_function<TypeParam, float, 128>({{7, 100, 128, 3, 9}, {50}});
  check_function<TypeParam, double, 128>({{7, 100, 128, 3, 9}, {50}});
  c.weight.order = {1, 0};
  c.biased = false;
  check_function<TypeParam, float, 32>(c);
}

}  // namespace
}  // namespace mylos::test
