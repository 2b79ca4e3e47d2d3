// Matrix products on every kernel, element by element against long double, within the bound that gemm.hpp states:
// shapes, layouts, dtypes, batches, chains, structures, and data made to break sums.
#include "support/gemms.hpp"

namespace mylos::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr DType floating[] = {DType::f64, DType::f32, DType::f16, DType::bf16};

template <class Exec>
class GemmTest : public testing::Test {
 protected:
  static void check(const GemmCase& c) { GemmCheck<Exec>(c).check(); }
};
TYPED_TEST_SUITE(GemmTest, ExecutionSpaces, SpaceName);

TYPED_TEST(GemmTest, Shapes) {
  for (const std::int64_t m : {1, 2, 15, 67, 130})
    for (const std::int64_t n : {1, 3, 16, 65, 131})
      for (const std::int64_t k : {0, 1, 2, 17, 64, 300}) {
        this->check(GemmCase::of(m, n, k));
        if (testing::Test::HasFailure()) return;
      }
  this->check(GemmCase::of(0, 5, 3));
  this->check(GemmCase::of(5, 0, 3));
}

// Many rows times a small matrix, and a small matrix times many columns: vectors in memory or none, full tiles or not.
TYPED_TEST(GemmTest, SmallTimesLarge) {
  for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{1000, 64, 16}, {705, 52, 44}, {300, 8, 64}, {133, 36, 61}})
    for (const bool turned : {false, true}) {
      GemmCase c = turned ? GemmCase::of(n, m, k) : GemmCase::of(m, n, k);
      if (turned) c.a_spec.order = c.b_spec.order = c.c_spec.order = {1, 0};
      if (turned)
        c.b_spec.padding = {(4 - k % 4) % 4, 0};
      else
        c.a_spec.padding = {0, (4 - k % 4) % 4};
      this->check(c);
      c.options = {-0.5, 2};
      this->check(c);
      if (testing::Test::HasFailure()) return;
    }
}

// Several tiles and windows in every direction.
TYPED_TEST(GemmTest, Larger) {
  for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{600, 70, 700}, {70, 1100, 260}, {259, 261, 1031}}) {
    GemmCase c = GemmCase::of(m, n, k);
    this->check(c);
    c.a_spec.dtype = c.b_spec.dtype = c.c_spec.dtype = DType::f64;
    this->check(c);
    if (testing::Test::HasFailure()) return;
  }
}

// Sums so short that storing them takes the time, to rows of c that begin anywhere; and a k of many windows.
TYPED_TEST(GemmTest, ShortAndLongSums) {
  TensorSpec left{};
  left.order = {1, 0};
  TensorSpec padded{};
  padded.padding = {0, 3};
  TensorSpec spread{};
  spread.step = 2;
  for (const auto& [m, n, k] :
       {std::array<std::int64_t, 3>{130, 264, 32}, {131, 257, 17}, {260, 129, 64}, {34, 36, 4100}, {30, 33, 2111}})
    for (const TensorSpec& c_spec : {TensorSpec{}, left, padded, spread})
      for (const bool turned : {false, true}) {
        GemmCase c = GemmCase::of(m, n, k);
        c.c_spec = c_spec;
        if (turned) {
          c.a_spec.order = {1, 0};
          c.b_spec.order = {1, 0};
          c.options = {0.5, -1};
        }
        this->check(c);
        if (testing::Test::HasFailure()) return;
      }
  for (const std::int64_t k : {40, 700}) {
    this->check({{3, 70, k}, {k, 133}, {3, 70, 133}});
    this->check({{70, k}, {3, k, 133}, {3, 70, 133}});
    GemmCase c{{3, 70, k}, {3, k, 133}, {3, 70, 133}};
    GemmCheck<TypeParam> check(c);
    GemmChains chains;
    chains.after = mul(2) | relu();
    chains.on_c = [](long double v, std::int64_t, std::int64_t, std::int64_t) { return v > 0 ? 2 * v : 0; };
    check.set_chains(chains);
    check.check();
    if (testing::Test::HasFailure()) return;
  }
}

// Rows and columns of whole vectors in tiles that are not full, along k and across it; in slices of k, and in a batch.
TYPED_TEST(GemmTest, WholeVectors) {
  for (const bool a_turned : {false, true})
    for (const bool b_turned : {false, true}) {
      GemmCase cases[] = {GemmCase::of(132, 264, 324),
                          GemmCase::of(268, 136, 2052),
                          GemmCase::of(4, 8, 12),
                          {{3, 136, 196}, {3, 196, 140}, {3, 136, 140}}};
      for (GemmCase& c : cases) {
        const auto turned = [](bool is_turned, std::size_t rank) {
          std::vector<int> order{0, 1, 2};
          order.resize(rank);
          if (is_turned) std::swap(order[rank - 2], order[rank - 1]);
          return order;
        };
        c.a_spec.order = turned(a_turned, c.a.size());
        c.b_spec.order = turned(b_turned, c.b.size());
        GemmCheck<TypeParam> check(c);
        GemmChains chains;
        chains.after = mul(2) | relu();
        chains.on_c = [](long double v, std::int64_t, std::int64_t, std::int64_t) { return v > 0 ? 2 * v : 0; };
        if (a_turned != b_turned) check.set_chains(chains);
        check.check();
        if (testing::Test::HasFailure()) return;
      }
    }
}

TYPED_TEST(GemmTest, Layouts) {
  TensorSpec right{};
  TensorSpec left{};
  left.order = {1, 0};
  TensorSpec padded{};
  padded.padding = {0, 5};
  TensorSpec left_padded{};
  left_padded.order = {1, 0};
  left_padded.padding = {3, 0};
  TensorSpec spread{};
  spread.step = 3;
  TensorSpec backwards{};
  backwards.reversed = {true, true};
  TensorSpec shifted{};
  shifted.misalignment = 3;
  const std::vector<TensorSpec> specs{right, left, padded, left_padded, spread, backwards, shifted};
  for (std::size_t a = 0; a < specs.size(); ++a)
    for (std::size_t b = 0; b < specs.size(); ++b)
      for (std::size_t c = 0; c < specs.size(); ++c) {
        if (a > 1 && b > 1 && (a + b + c) % 3 != 0) continue;  // every pair, and a third of the triples
        GemmCase one = GemmCase::of(35, 45, 50);
        one.a_spec = specs[a];
        one.b_spec = specs[b];
        one.c_spec = specs[c];
        this->check(one);
        if (testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(GemmTest, Dtypes) {
  for (const DType a : floating)
    for (const DType b : floating)
      for (const DType c : floating)
        for (const bool turned : {false, true}) {
          GemmCase one = GemmCase::of(33, 40, 70);
          one.a_spec.dtype = a;
          one.b_spec.dtype = b;
          one.c_spec.dtype = c;
          if (turned) one.a_spec.order = one.b_spec.order = one.c_spec.order = {1, 0};
          this->check(one);
          if (testing::Test::HasFailure()) return;
        }
}

TYPED_TEST(GemmTest, AlphaAndBeta) {
  for (const DType dtype : floating)
    for (const double alpha : {1.0, 0.0, -0.7})
      for (const double beta : {0.0, 1.0, 0.3})
        for (const bool turned : {false, true}) {
          GemmCase c = GemmCase::of(40, 37, 60);
          c.a_spec.dtype = c.b_spec.dtype = c.c_spec.dtype = dtype;
          if (turned) c.c_spec.order = {1, 0};
          c.options = {alpha, beta};
          this->check(c);
          if (testing::Test::HasFailure()) return;
        }
}

// Where alpha is 0 a and b are not read, where beta is 0 c is not.
TYPED_TEST(GemmTest, ZeroFactorsHideNaN) {
  GemmCase c = GemmCase::of(20, 30, 40);
  c.options = {0, 2};
  const GemmValues nan = [](std::int64_t, std::int64_t, std::int64_t) { return not_a_number; };
  GemmCheck<TypeParam>(c, nan, nan).check();
  c.options = {1, 0};
  GemmCheck<TypeParam>(c, gemm_noise_from(1), gemm_noise_from(2), nan).check();
}

TYPED_TEST(GemmTest, Determinisms) {
  for (const Precision precision : {Precision::standard}) {
    GemmCase c = GemmCase::of(70, 50, 600);
    c.options.precision = precision;
    c.options.determinism = Determinism::batch_invariant;
    this->check(c);
  }
}

// ---- chains ---------------------------------------------------------------------------------------------------------

TYPED_TEST(GemmTest, Chains) {
  const std::int64_t m = 45;
  const std::int64_t n = 37;
  const std::int64_t k = 53;
  const std::int64_t batches = 2;
  const auto values = [](std::int64_t i) { return std::floor(8 * gemm_noise(i)) / 8; };
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16})
    for (const bool turned : {false, true})
      for (const bool b_turned : {false, true}) {
        GemmCase c{{batches, m, k}, {batches, k, n}, {batches, m, n}};
        c.a_spec.dtype = c.b_spec.dtype = c.c_spec.dtype = dtype;
        if (turned) c.c_spec.order = {0, 2, 1};
        if (b_turned) c.b_spec.order = {0, 2, 1};
        GemmCheck<TypeParam> check(c);
        const auto fill = [&](Data<TypeParam>& data, std::int64_t count) {
          for (std::int64_t i = 0; i < count; ++i) data.set(i, values(i));
          data.upload();
        };
        Data<TypeParam> scale_of_k(TensorSpec{}, {k});
        Data<TypeParam> scale_of_row(TensorSpec{}, {m, 1});
        Data<TypeParam> bias(TensorSpec{}, {n});
        Data<TypeParam> residual(TensorSpec{}, {batches, m, n});
        fill(scale_of_k, k);
        fill(scale_of_row, m);
        fill(bias, n);
        fill(residual, batches * m * n);
        GemmChains chains;
        chains.before = mul(scale_of_k.tensor()) | add(scale_of_row.tensor()) | mul(0.5);
        chains.on_a = [&](long double v, std::int64_t, std::int64_t i, std::int64_t q) {
          return (v * values(q) + values(i)) / 2;
        };
        // The two roundings of `before` move a by less than the bound's slack lets see; in 16 bits nothing is rounded.
        chains.after = add(bias.tensor()) | mul(0.5) | addcmul(residual.tensor(), check.c().tensor(), 2);
        chains.on_c = [&](long double v, std::int64_t batch, std::int64_t i, std::int64_t j) {
          return (v + values(j)) / 2 + 2 * values((batch * m + i) * n + j) * check.c().value(batch, i, j);
        };
        check.set_chains(chains);
        check.check();
        if (testing::Test::HasFailure()) return;
      }
}

// One value for each of c's neighbours in memory, or one for each run of them, which libraries would add themselves:
// some kernels of cuBLASLt round the product to 16 bits before they do.
TYPED_TEST(GemmTest, OneBias) {
  const auto value = [](std::int64_t i) { return std::floor(8 * gemm_noise(i)) / 8; };
  for (const DType dtype : {DType::f16, DType::bf16, DType::f32})
    for (const std::int64_t n : {37, 64})
      for (const bool turned : {false, true})
        for (const bool down : {false, true}) {
          const std::int64_t m = 48;
          GemmCase c{{2, m, 56}, {56, n}, {2, m, n}};
          c.a_spec.dtype = c.b_spec.dtype = c.c_spec.dtype = dtype;
          c.options.alpha = 0.5;
          c.options.beta = n == 64 ? 2 : 0;
          if (turned) c.c_spec.order = {0, 2, 1};
          GemmCheck<TypeParam> check(c);
          TensorSpec spec;
          spec.dtype = dtype;
          const std::int64_t count = down ? m : n;
          Data<TypeParam> bias(spec, down ? std::vector<std::int64_t>{m, 1} : std::vector<std::int64_t>{n});
          for (std::int64_t i = 0; i < count; ++i) bias.set(i, value(i));
          bias.upload();
          GemmChains chains;
          chains.after = add(bias.tensor());
          chains.on_c = [&](long double v, std::int64_t, std::int64_t i, std::int64_t j) {
            return v + value(down ? i : j);
          };
          check.set_chains(chains);
          check.check();
          if (testing::Test::HasFailure()) return;
        }
}

// A step that makes something of 0 must not reach what is padded.
TYPED_TEST(GemmTest, ChainsThatMoveZero) {
  for (const MatrixStructure structure : {MatrixStructure::general, MatrixStructure::lower, MatrixStructure::upper}) {
    GemmCase c = GemmCase::of(67, 41, 67);
    c.options.a = structure;
    for (const bool turned : {false, true}) {
      if (turned) c.c_spec.order = {1, 0};
      GemmCheck<TypeParam> check(c);
      GemmChains chains;
      chains.before = add(3);
      chains.after = relu();
      chains.on_a = [](long double v, std::int64_t, std::int64_t, std::int64_t) { return v + 3; };
      chains.on_c = [](long double v, std::int64_t, std::int64_t, std::int64_t) { return v > 0 ? v : 0; };
      check.set_chains(chains);
      check.check();
      if (testing::Test::HasFailure()) return;
    }
  }
}

// ---- structures -----------------------------------------------------------------------------------------------------

TYPED_TEST(GemmTest, Structures) {
  using S = MatrixStructure;
  const auto spoilt = [](S structure, std::int64_t salt) -> GemmValues {
    return [=](std::int64_t batch, std::int64_t i, std::int64_t j) {
      const bool lower = structure == S::lower || structure == S::symmetric_lower;
      const bool unread = structure != S::general && (lower ? j > i : j < i);
      return unread ? not_a_number : gemm_noise_from(salt)(batch, i, j);
    };
  };
  const S all[] = {S::general, S::lower, S::upper, S::symmetric_lower, S::symmetric_upper};
  for (const S a : all)
    for (const S b : all)
      for (const bool turned : {false, true}) {
        GemmCase c{{2, 70, 70}, {70, 70}, {2, 70, 70}};
        c.options.a = a;
        c.options.b = b;
        if (turned) {
          c.a_spec.order = c.c_spec.order = {0, 2, 1};
          c.options.beta = 1;
        }
        GemmCheck<TypeParam>(c, spoilt(a, 1), spoilt(b, 2)).check();
        if (testing::Test::HasFailure()) return;
      }
  // Several tiles and windows.
  for (const auto& [a, b] : {std::pair<S, S>{S::lower, S::lower}, {S::upper, S::upper}, {S::lower, S::upper}}) {
    const std::int64_t n = thinning > 1 ? 280 : 530;
    GemmCase c = GemmCase::of(n, n, n);
    c.options.a = a;
    c.options.b = b;
    GemmCheck<TypeParam>(c, spoilt(a, 1), spoilt(b, 2)).check();
    if (testing::Test::HasFailure()) return;
  }
}

// ---- data made to break it ------------------------------------------------------------------------------------------

TYPED_TEST(GemmTest, LongSums) {
  const auto one_sign = [](std::int64_t, std::int64_t, std::int64_t) { return 0.1; };
  for (const DType dtype : {DType::f32, DType::f64})
    for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{1, 1, 100003}, {3, 5, 40001}, {17, 1, 20011}}) {
      GemmCase c = GemmCase::of(m, n, k);
      c.a_spec.dtype = c.b_spec.dtype = c.c_spec.dtype = dtype;
      this->check(c);
      GemmCheck<TypeParam>(c, one_sign, one_sign).check();
      c.options.beta = 1;
      c.b_spec.order = {1, 0};
      this->check(c);
      if (testing::Test::HasFailure()) return;
    }
}

TYPED_TEST(GemmTest, IllScaledRowsAndColumns) {
  const auto graded = [](std::int64_t, std::int64_t i, std::int64_t j) {
    return std::ldexp(gemm_noise(1000 * i + j), static_cast<int>(i % 7 * 12 - 36));
  };
  const auto graded_along_k = [](std::int64_t, std::int64_t i, std::int64_t j) {
    return std::ldexp(gemm_noise(77 * i + j), static_cast<int>(i % 61 - 30));
  };
  const auto opposite = [](std::int64_t, std::int64_t i, std::int64_t j) {
    return std::ldexp(gemm_noise(977 * i + j), static_cast<int>(30 - j % 61));
  };
  for (const DType dtype : {DType::f32, DType::f64}) {
    GemmCase c = GemmCase::of(50, 60, 122);
    c.a_spec.dtype = c.b_spec.dtype = c.c_spec.dtype = dtype;
    GemmCheck<TypeParam>(c, graded, graded).check();
    GemmCheck<TypeParam>(c, opposite, graded_along_k).check();
  }
}

TYPED_TEST(GemmTest, HugeAndTinyNumbers) {
  const auto of_size = [](double scale) -> GemmValues {
    return [scale](std::int64_t, std::int64_t i, std::int64_t j) { return scale * gemm_noise(31 * i + j); };
  };
  const auto mixed = [](std::int64_t, std::int64_t i, std::int64_t j) {
    return (j % 3 == 0 ? 1e30 : j % 3 == 1 ? 1e-30 : 1.0) * gemm_noise(31 * i + j);
  };
  const GemmCase c = GemmCase::of(40, 50, 33);
  for (const auto& [a, b] :
       {std::pair<double, double>{1e36, 1.0}, {1e-40, 1.0}, {1e-40, 1e38}, {1e-20, 1e-20}, {1e36, 1e-44}})
    GemmCheck<TypeParam>(c, of_size(a), of_size(b)).check();
  GemmCheck<TypeParam>(c, mixed, of_size(1)).check();
  // Beyond the largest number.
  const auto large = [](std::int64_t, std::int64_t i, std::int64_t) { return i % 2 == 0 ? 3e38 : -3e38; };
  const auto one = [](std::int64_t, std::int64_t, std::int64_t) { return 1.0; };
  GemmCheck<TypeParam>(GemmCase::of(10, 20, 30), large, one).check();
}

// Numbers that no scale fits beside ordinary ones, and zeros, in sums of one window and of several.
TYPED_TEST(GemmTest, OddNumbersAmongOthers) {
  const auto with = [](std::int64_t salt) -> GemmValues {
    return [salt](std::int64_t batch, std::int64_t i, std::int64_t j) {
      const std::int64_t place = (i * 131 + j * 17 + salt) % 997;
      if (place == 0) return 1e38;
      if (place == 1) return 1e-40;
      if (place == 2) return -1e30;
      if (place < 300) return 0.0;
      return gemm_noise_from(salt)(batch, i, j);
    };
  };
  for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{70, 131, 20}, {70, 131, 64}, {70, 131, 200}, {210, 52, 44}})
    for (const bool turned : {false, true}) {
      GemmCase c = GemmCase::of(m, n, k);
      if (turned) c.a_spec.order = c.b_spec.order = c.c_spec.order = {1, 0};
      GemmCheck<TypeParam>(c, with(0), gemm_noise_from(2)).check();
      GemmCheck<TypeParam>(c, gemm_noise_from(1), with(7)).check();
      if (testing::Test::HasFailure()) return;
    }
}

TYPED_TEST(GemmTest, NaNAndInfinitySpoilTheirRowOrColumnAlone) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16})
    for (const double bad : {not_a_number, infinity, -infinity})
      for (const bool in_a : {true, false})
        for (const bool turned : {false, true}) {
          GemmCase c = GemmCase::of(70, 61, 90);
          c.a_spec.dtype = c.b_spec.dtype = c.c_spec.dtype = dtype;
          if (turned) c.a_spec.order = c.c_spec.order = {1, 0};
          const auto with = [&](bool here, bool row, std::int64_t salt) -> GemmValues {
            return [=](std::int64_t batch, std::int64_t i, std::int64_t j) {
              const bool place = row ? i == 33 && j == 70 : j == 33 && i == 70;
              return here && place ? bad : gemm_noise_from(salt)(batch, i, j);
            };
          };
          GemmCheck<TypeParam>(c, with(in_a, true, 1), with(!in_a, false, 2)).check();
          if (testing::Test::HasFailure()) return;
        }
}

}  // namespace
}  // namespace mylos::test
