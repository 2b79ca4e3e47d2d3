// Every scan on every kernel, element by element against long double, within the bound that scan.hpp states: shapes,
// layouts, dtypes, flags, masks, chains, and data made to break sums and products.
#include "support/scans.hpp"

namespace mylos::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr ScanId all_scans[] = {ScanId::cumsum, ScanId::cumprod, ScanId::cummax, ScanId::cummin, ScanId::logcumsumexp};
constexpr Scan all_ways[] = {Scan::forward, Scan::reverse, Scan::exclusive, Scan::reverse | Scan::exclusive};

/// Around 0 for sums, around 1 for products, with ties for extrema.
ScanValues ordinary(ScanId id) {
  return [id](std::int64_t i) {
    const double v = scan_noise(i);
    if (id == ScanId::cumprod) return (v < -0.9 ? -1 : 1) * std::exp2(0.5 * scan_noise(i + 7777));
    if (id == ScanId::cummax || id == ScanId::cummin) return std::floor(40 * v);
    return 4 * v;
  };
}

bool has_indices(ScanId id) { return id == ScanId::cummax || id == ScanId::cummin; }

template <class Exec>
class ScanTest : public testing::Test {
 protected:
  static void check(ScanCase c) { check(c, ordinary(c.id)); }
  static void check(ScanCase c, const ScanValues& values) { ScanCheck<Exec>(c, values).check(); }
};
TYPED_TEST_SUITE(ScanTest, ExecutionSpaces, SpaceName);

TYPED_TEST(ScanTest, LengthsAndWays) {
  for (const ScanId id : all_scans)
    for (const std::int64_t length : {0, 1, 2, 7, 31, 64, 127, 513, 1000, 4099})
      for (const Scan scan : all_ways) {
        ScanCase c{id, {3, length}};
        c.scan = scan;
        this->check(c);
        if (has_indices(id)) {
          c.indices = TensorSpec{DType::i64};
          this->check(c);
        }
        if (testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(ScanTest, LongRows) {
  for (const ScanId id : all_scans)
    for (const std::int64_t length : {32767, 65537, 150001})
      for (const Scan scan : {Scan::forward, Scan::reverse | Scan::exclusive}) {
        ScanCase c{id, {length > 100000 ? 1 : 2, length}};
        c.scan = scan;
        if (has_indices(id)) c.indices = TensorSpec{DType::i64};
        this->check(c);
        if (testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(ScanTest, StridedAxes) {
  for (const ScanId id : all_scans)
    for (const auto& shape : {std::vector<std::int64_t>{5, 130, 37}, {2, 1031, 8}, {1, 70, 1030}, {3, 3000, 1}})
      for (const Scan scan : all_ways) {
        ScanCase c{id, shape, 1};
        c.scan = scan;
        if (has_indices(id)) c.indices = TensorSpec{DType::i64};
        this->check(c);
        if (testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(ScanTest, Layouts) {
  struct Layout {
    TensorSpec x;
    TensorSpec y;
  };
  const DType f32 = DType::f32;
  TensorSpec padded{f32};
  padded.padding = {0, 3, 5};
  TensorSpec shifted{f32};
  shifted.misalignment = 3;
  TensorSpec left{f32};
  left.order = {2, 1, 0};
  TensorSpec middle{f32};
  middle.order = {0, 2, 1};
  TensorSpec backwards{f32};
  backwards.reversed = {false, true, true};
  TensorSpec spread{f32};
  spread.step = 2;
  TensorSpec repeated{f32};
  repeated.broadcast = {true, false, false};
  TensorSpec constant{f32};
  constant.broadcast = {false, false, true};
  const TensorSpec plain{f32};
  for (const ScanId id : {ScanId::cumsum, ScanId::cummax})
    for (const Layout& layout : {Layout{padded, plain},
                                 {plain, padded},
                                 {shifted, shifted},
                                 {shifted, plain},
                                 {plain, shifted},
                                 {left, left},
                                 {left, plain},
                                 {plain, left},
                                 {middle, middle},
                                 {backwards, backwards},
                                 {plain, backwards},
                                 {spread, plain},
                                 {plain, spread},
                                 {spread, spread},
                                 {repeated, plain},
                                 {constant, plain},
                                 {plain, middle}})
      for (const int axis : {0, 1, 2})
        for (const Scan scan : {Scan::forward, Scan::reverse | Scan::exclusive}) {
          ScanCase c{id, {4, 67, 131}, axis, layout.x, layout.y, scan};
          if (has_indices(id)) {
            c.indices = layout.y;
            c.indices->dtype = DType::i64;
          }
          this->check(c);
          if (testing::Test::HasFailure()) return;
        }
}

TYPED_TEST(ScanTest, RanksZeroToEight) {
  for (const ScanId id : all_scans) {
    this->check({id, {}, 0});
    this->check({id, {77}, 0});
    this->check({id, {2, 3, 1, 2, 5, 2, 3, 2}, 4});
    this->check({id, {0, 5}, 1});
  }
}

TYPED_TEST(ScanTest, Dtypes) {
  for (const ScanId id : all_scans)
    for (const DType x : {DType::f64, DType::f32, DType::f16, DType::bf16})
      for (const DType y : {DType::f64, DType::f32, DType::f16, DType::bf16})
        for (const auto& shape : {std::vector<std::int64_t>{3, 1537}, {61, 40}})
          for (const int axis : {0, 1})
            for (const Scan scan : {Scan::forward, Scan::reverse | Scan::exclusive}) {
              this->check({id, shape, axis, TensorSpec{x}, TensorSpec{y}, scan});
              if (testing::Test::HasFailure()) return;
            }
}

TYPED_TEST(ScanTest, LongRowsOfEveryDtype) {
  for (const ScanId id : all_scans)
    for (const DType dtype : {DType::f64, DType::f16, DType::bf16})
      for (const Scan scan : {Scan::forward, Scan::reverse}) {
        ScanCase c{id, {2, 40961}, 1, TensorSpec{dtype}, TensorSpec{dtype}, scan};
        c.x.misalignment = c.y.misalignment = 1;
        if (has_indices(id)) c.indices = TensorSpec{DType::i64};
        this->check(c);
        if (testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(ScanTest, Integers) {
  for (const DType x : {DType::i64, DType::i32, DType::u8})
    for (const DType y : {DType::i64, DType::i32})
      for (const int axis : {0, 1})
        for (const Scan scan : all_ways) {
          const ScanCase sum{ScanId::cumsum, {50, 2049}, axis, TensorSpec{x}, TensorSpec{y}, scan};
          this->check(sum,
                      [&](std::int64_t i) { return std::floor(100 * (scan_noise(i) + (x == DType::u8 ? 1 : 0))); });
          ScanCase product{ScanId::cumprod, {50, 400}, axis, TensorSpec{x}, TensorSpec{y}, scan};
          product.mask = TensorSpec{DType::u8};
          this->check(product, [](std::int64_t i) { return i % 97 == 96 ? 2.0 : 1.0; });
          if (testing::Test::HasFailure()) return;
        }
}

TYPED_TEST(ScanTest, Masks) {
  TensorSpec whole{DType::u8};
  TensorSpec rows{DType::u8};
  rows.broadcast = {true, false};
  TensorSpec along{DType::u8};
  along.broadcast = {false, true};
  TensorSpec lacking{DType::u8};
  lacking.dropped = 1;
  TensorSpec shifted{DType::u8};
  shifted.misalignment = 3;
  TensorSpec spread{DType::u8};
  spread.step = 3;
  TensorSpec left{DType::u8};
  left.order = {1, 0};
  for (const ScanId id : all_scans)
    for (const TensorSpec& mask : {whole, rows, along, lacking, shifted, spread, left})
      for (const auto& shape : {std::vector<std::int64_t>{7, 2051}, {300, 129}})
        for (const int axis : {0, 1})
          for (const Scan scan : all_ways) {
            ScanCase c{id, shape, axis};
            c.scan = scan;
            c.mask = mask;
            if (has_indices(id)) c.indices = TensorSpec{DType::i64};
            this->check(c);
            if (testing::Test::HasFailure()) return;
          }
}

// What the mask hides does not count, whatever it is.
TYPED_TEST(ScanTest, MasksHideNaN) {
  for (const ScanId id : all_scans) {
    ScanCase c{id, {3, 5000}};
    c.mask = TensorSpec{DType::u8};
    this->check(c, [&](std::int64_t i) { return scan_noise(i + 1000003) > -0.2 ? ordinary(id)(i) : not_a_number; });
  }
}

TYPED_TEST(ScanTest, Chains) {
  for (const ScanId id : {ScanId::cumsum, ScanId::cummin})
    for (const DType dtype : {DType::f32, DType::bf16, DType::f64})
      for (const int axis : {0, 1})
        for (const Scan scan : all_ways)
          for (const std::int64_t n : {70, 5003}) {
            const std::vector<std::int64_t> shape{9, n};
            Data<TypeParam> factor(TensorSpec{DType::f32, {}, {}, {false, true}}, shape);
            Data<TypeParam> addend(TensorSpec{DType::f32, {1, 0}}, shape);
            std::vector<double> factors;
            std::vector<double> addends;
            std::int64_t i = 0;
            for_each_element(shape, {factor.tensor(), addend.tensor()}, [&](const std::vector<std::int64_t>& offset) {
              factor.set(offset[0], static_cast<double>(1 + i / n % 3));
              addend.set(offset[1], static_cast<double>(i % 5));
              factors.push_back(factor.value(offset[0]));
              addends.push_back(addend.value(offset[1]));
              ++i;
            });
            factor.upload();
            addend.upload();
            ScanCase c{id, shape, axis, TensorSpec{dtype}, TensorSpec{dtype}, scan};
            if (id == ScanId::cummin && has(scan, Scan::exclusive)) continue;  // inf - inf
            ScanCheck<TypeParam> check(c, [](std::int64_t k) { return std::floor(8 * scan_noise(k)) / 8; });
            check.set_chains(
                mul(factor.tensor()) | abs(), sub(addend.tensor()) | mul(0.5),
                [&](double x, std::int64_t k) { return std::fabs(x * factors[static_cast<std::size_t>(k)]); },
                [&](long double y, std::int64_t k) { return 0.5L * (y - addends[static_cast<std::size_t>(k)]); });
            check.check();
            if (testing::Test::HasFailure()) return;
          }
}

// A tensor of bytes that x is multiplied by: 0 times NaN is NaN, unlike what a mask hides.
TYPED_TEST(ScanTest, BytesThatScale) {
  TensorSpec whole{DType::u8};
  TensorSpec rows{DType::u8};
  rows.broadcast = {false, true};
  TensorSpec shifted{DType::u8};
  shifted.misalignment = 3;
  for (const TensorSpec& spec : {whole, rows, shifted})
    for (const DType dtype : {DType::f32, DType::f64, DType::f16})
      for (const auto& shape : {std::vector<std::int64_t>{3, 1501}, {150, 33}})
        for (const int axis : {0, 1})
          for (const Scan scan : all_ways) {
            Data<TypeParam> factor(spec, shape);
            Data<TypeParam> plain(TensorSpec{}, shape);
            std::vector<double> factors;
            std::int64_t i = 0;
            for_each_element(shape, {factor.tensor(), plain.tensor()}, [&](const std::vector<std::int64_t>& offset) {
              factor.set(offset[0], static_cast<double>(i / shape[1] % 2 == 0 ? i % 3 : (i % 5 == 0 ? 255 : 0)));
              ++i;
            });
            for_each_element(shape, {factor.tensor(), plain.tensor()}, [&](const std::vector<std::int64_t>& offset) {
              factors.push_back(factor.value(offset[0]));
            });
            factor.upload();
            const ScanCase c{ScanId::cumsum, shape, axis, TensorSpec{dtype}, TensorSpec{dtype}, scan};
            const auto values = [](std::int64_t k) { return k == 1831 ? not_a_number : std::floor(4 * scan_noise(k)); };
            ScanCheck<TypeParam> check(c, values);
            check.set_chains(
                mul(factor.tensor()), Chain(),
                [&](double x, std::int64_t k) { return x * factors[static_cast<std::size_t>(k)]; },
                [](long double y, std::int64_t) { return y; });
            check.check();
            if (testing::Test::HasFailure()) return;
          }
}

// ---- data made to break it ------------------------------------------------------------------------------------------

TYPED_TEST(ScanTest, SumsThatCancel) {
  // An f32 accumulator would lose everything beside 1e30.
  const auto large_beside_one = [](std::int64_t i) { return i % 4 == 0 ? 0x1p40 : (i % 4 == 2 ? -0x1p40 : 1.0); };
  const auto huge = [](std::int64_t i) { return i % 1000 == 1 ? 1e30 : (i % 1000 == 500 ? -1e30 : 1.0); };
  const auto alternating = [](std::int64_t i) { return (i % 2 == 0 ? 1 : -1) * (1 + static_cast<double>(i) * 1e-6); };
  for (const ScanValues& values : {ScanValues(large_beside_one), ScanValues(huge), ScanValues(alternating),
                                   ScanValues([](std::int64_t) { return 0.1; })})
    for (const DType dtype : {DType::f32, DType::f64})
      for (const auto& shape : {std::vector<std::int64_t>{2, 70001}, {20011, 6}})
        this->check({ScanId::cumsum, shape, shape[0] > 2 ? 0 : 1, TensorSpec{dtype}, TensorSpec{dtype}}, values);
}

TYPED_TEST(ScanTest, ProductsThatLeaveTheRangeAndComeBack) {
  const auto run = [&](const ScanValues& values) {
    for (const DType dtype : {DType::f32, DType::f64, DType::bf16})
      for (const Scan scan : {Scan::forward, Scan::reverse | Scan::exclusive})
        for (const auto& shape : {std::vector<std::int64_t>{2, 40003}, {3001, 6}}) {
          const ScanCase c{ScanId::cumprod, shape, shape[0] > 2 ? 0 : 1, TensorSpec{dtype}, TensorSpec{dtype}, scan};
          this->check(c, values);
        }
  };
  run([](std::int64_t i) { return i / 300 % 2 == 0 ? 0x1p60 : 0x1p-60; });
  run([](std::int64_t i) { return i / 7 % 2 == 0 ? 0x1p120 : 0x1p-126; });
  run([](std::int64_t i) { return i % 2 == 0 ? 0x1p-133 : 0x1p127; });
  // Once 0 it stays 0, however large what follows is.
  run([](std::int64_t i) { return i == 5 ? 0.0 : 0x1p100; });
  // And infinity stays, however small.
  run([](std::int64_t i) { return i == 5 ? infinity : 0x1p-100; });
  run([](std::int64_t i) { return i == 5 ? infinity : (i == 30 ? 0.0 : 1.5); });
  run([](std::int64_t) { return -1.0; });
}

TYPED_TEST(ScanTest, NaNAndInfinity) {
  for (const ScanId id : all_scans)
    for (const auto& shape : {std::vector<std::int64_t>{2, 5003}, {2000, 6}})
      for (const Scan scan : all_ways)
        for (const int kind : {0, 1, 2, 3, 4, 5, 6}) {
          ScanCase c{id, shape, shape[0] > 2 ? 0 : 1};
          c.scan = scan;
          if (has_indices(id)) c.indices = TensorSpec{DType::i64};
          this->check(c, [&](std::int64_t i) {
            const bool here = i % 1200 == 600;
            if (kind == 0) return not_a_number;
            if (kind == 1) return infinity;
            if (kind == 2) return -infinity;
            if (kind == 3 && here) return not_a_number;
            if (kind == 4 && here) return infinity;
            if (kind == 5 && here) return -infinity;
            if (kind == 6 && i % 1200 == 601) return -infinity;
            if (kind == 6 && here) return infinity;
            return ordinary(id)(i);
          });
          if (testing::Test::HasFailure()) return;
        }
}

TYPED_TEST(ScanTest, TiesTakeTheLastIndex) {
  for (const ScanId id : {ScanId::cummax, ScanId::cummin})
    for (const Scan scan : all_ways)
      for (const auto& values : {ScanValues([](std::int64_t) { return 3.0; }),
                                 ScanValues([](std::int64_t i) { return static_cast<double>(i % 3); }),
                                 ScanValues([](std::int64_t i) { return i % 2 == 0 ? 0.0 : -0.0; }),
                                 ScanValues([](std::int64_t i) { return i % 700 < 10 ? not_a_number : 1.0; })}) {
        ScanCase c{id, {2, 9001}};
        c.scan = scan;
        c.indices = TensorSpec{DType::i64};
        this->check(c, values);
      }
}

TYPED_TEST(ScanTest, LogSumsOfFarApartValues) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const auto& values : {ScanValues([](std::int64_t i) { return 1000 * scan_noise(i); }),
                               ScanValues([](std::int64_t i) { return 1e-3 * static_cast<double>(i); }),
                               ScanValues([](std::int64_t i) { return -1e-3 * static_cast<double>(i); }),
                               ScanValues([](std::int64_t i) { return i == 0 ? 30000.0 : -30000.0; }),
                               ScanValues([](std::int64_t i) { return i == 700 ? 30000.0 : -30000.0; }),
                               ScanValues([](std::int64_t) { return -8.0; })})
      for (const auto& shape : {std::vector<std::int64_t>{2, 40003}, {3001, 6}})
        this->check({ScanId::logcumsumexp, shape, shape[0] > 2 ? 0 : 1, TensorSpec{dtype}, TensorSpec{dtype}}, values);
}

}  // namespace
}  // namespace mylos::test
