// How products are put to a vendor's library: which matrices it takes and how, what a call of many batches and a long
// sum becomes. What comes out of it the tests of gemm look at, on the kernel "vendor".
#include "gemm/vendor.hpp"

#include <memory>

#include "core/handle_pool.hpp"
#include "gemm/call.hpp"
#include "support/gemms.hpp"

namespace mylos::test {
namespace {

using mylos::detail::GemmMatrix;
using mylos::detail::GemmProblem;
using mylos::detail::vendor_matrix;
using mylos::detail::VendorLimits;
using mylos::detail::VendorMatrix;
using mylos::detail::VendorPlan;
using mylos::detail::VendorProduct;

constexpr VendorLimits limits{1000, 200, 100, 400, 10000, 32};

GemmMatrix with_strides(std::int64_t row, std::int64_t column) {
  GemmMatrix matrix;
  matrix.row = row;
  matrix.column = column;
  return matrix;
}

void expect_matrix(const VendorMatrix& found, bool is_transposed, std::int64_t leading) {
  EXPECT_EQ(found.leading, leading);
  EXPECT_TRUE(leading == 0 || found.is_transposed == is_transposed);
}

TEST(HandlePool, HandlesAreKeptForTheirPlace) {
  using Place = std::pair<int, unsigned long long>;
  using Handle = mylos::detail::PooledHandle<const int*, Place>;
  std::vector<std::unique_ptr<int>> made;
  const auto make = [&] { return made.emplace_back(std::make_unique<int>()).get(); };
  const int* first = nullptr;
  {
    const Handle here({0, 7}, make);
    const Handle at_once({0, 7}, make);
    const Handle there({0, 8}, make);
    EXPECT_EQ(made.size(), 3U);
    first = here.get();
    EXPECT_NE(first, at_once.get());
  }
  EXPECT_EQ(Handle({0, 7}, make).get(), first);  // given back last
  EXPECT_EQ(Handle({0, 8}, make).get(), made[2].get());
  EXPECT_EQ(made.size(), 3U);
  const Handle elsewhere({1, 8}, make);  // another device's
  EXPECT_EQ(made.size(), 4U);
  EXPECT_EQ(elsewhere.get(), made[3].get());
}

TEST(GemmVendor, TakesRowsOrColumnsOfNeighbours) {
  expect_matrix(vendor_matrix(with_strides(1, 5), 5, 7), false, 5);   // column by column
  expect_matrix(vendor_matrix(with_strides(1, 9), 5, 7), false, 9);   // padded
  expect_matrix(vendor_matrix(with_strides(7, 1), 5, 7), true, 7);    // row by row
  expect_matrix(vendor_matrix(with_strides(30, 1), 5, 7), true, 30);  // padded
  expect_matrix(vendor_matrix(with_strides(14, 2), 5, 7), false, 0);  // every second element
  expect_matrix(vendor_matrix(with_strides(1, 4), 5, 7), false, 0);   // columns that overlap
  expect_matrix(vendor_matrix(with_strides(-7, 1), 5, 7), false, 0);  // backwards
  expect_matrix(vendor_matrix(with_strides(0, 1), 5, 7), false, 0);   // one row for all
  // Strides of what has extent 1 are 0.
  expect_matrix(vendor_matrix(with_strides(1, 0), 5, 1), false, 5);
  expect_matrix(vendor_matrix(with_strides(3, 0), 5, 1), true, 3);
  expect_matrix(vendor_matrix(with_strides(0, 1), 1, 7), false, 1);
  expect_matrix(vendor_matrix(with_strides(0, 4), 1, 7), false, 4);
  expect_matrix(vendor_matrix(with_strides(0, 0), 1, 1), false, 1);
}

/// A product of tensors somewhere in memory, which nobody touches.
struct Call {
  Chain before{};
  Chain after{};
  Tensor a;
  Tensor b;
  Tensor c;
  GemmOptions options{};

  GemmProblem problem() const {
    return mylos::detail::describe({"gemm", "a", "b", "c", a, b, c, nullptr, options}, before, after);
  }
  std::vector<VendorProduct> products() const {
    std::vector<VendorProduct> list;
    multiply(problem(), limits, [&](const VendorProduct& p) { list.push_back(p); });
    return list;
  }
};

float memory[1];
Tensor floats(std::int64_t place, std::initializer_list<std::int64_t> extents,
              std::initializer_list<std::int64_t> strides = {}) {
  Tensor t(memory, extents, strides);
  t.data = reinterpret_cast<void*>(place * static_cast<std::int64_t>(sizeof(float)));
  return t;
}
std::int64_t place_of(const void* data) {
  return static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(data)) / static_cast<std::int64_t>(sizeof(float));
}

constexpr std::int64_t at_a = 1 << 20;
constexpr std::int64_t at_b = 1 << 22;
constexpr std::int64_t at_c = 1 << 24;

// c lies row by row: c^T = b^T a^T.
TEST(GemmVendor, RowMajorProductsAreTransposedAsAWhole) {
  const std::vector<VendorProduct> list =
      Call{{}, {}, floats(at_a, {5, 30}), floats(at_b, {30, 7}), floats(at_c, {5, 7}), {2, 3}}.products();
  ASSERT_EQ(list.size(), 1U);
  const VendorProduct& p = list[0];
  EXPECT_EQ(std::vector<std::int64_t>({p.rows, p.columns, p.k, p.batch}), std::vector<std::int64_t>({7, 5, 30, 1}));
  EXPECT_EQ(place_of(p.left.data), at_b);
  EXPECT_EQ(place_of(p.right.data), at_a);
  EXPECT_EQ(place_of(p.c), at_c);
  EXPECT_FALSE(p.left.is_transposed);
  EXPECT_FALSE(p.right.is_transposed);
  EXPECT_EQ(std::vector<std::int64_t>({p.left.leading, p.right.leading, p.c_leading}),
            std::vector<std::int64_t>({7, 30, 7}));
  EXPECT_EQ(p.alpha, 2);
  EXPECT_EQ(p.beta, 3);
}

TEST(GemmVendor, EveryLayoutIsATransposition) {
  for (const bool a_turned : {false, true})
    for (const bool b_turned : {false, true})
      for (const bool c_turned : {false, true}) {
        const auto matrix = [](std::int64_t place, std::int64_t rows, std::int64_t columns, bool turned) {
          return turned ? floats(place, {rows, columns}, {1, rows}) : floats(place, {rows, columns});
        };
        const std::vector<VendorProduct> list =
            Call{{}, {}, matrix(at_a, 5, 30, a_turned), matrix(at_b, 30, 7, b_turned), matrix(at_c, 5, 7, c_turned)}
                .products();
        ASSERT_EQ(list.size(), 1U);
        const VendorProduct& p = list[0];
        EXPECT_EQ(place_of(p.left.data), c_turned ? at_a : at_b);
        EXPECT_EQ(p.left.is_transposed, c_turned ? !a_turned : b_turned);
        EXPECT_EQ(p.right.is_transposed, c_turned ? !b_turned : a_turned);
        EXPECT_EQ(p.rows, c_turned ? 5 : 7);
        EXPECT_EQ(p.c_leading, c_turned ? 5 : 7);
      }
}

// The last dimension of the batch is one call; the others, and the parts of k, are calls. beta is for the first part.
TEST(GemmVendor, BatchesAndPartsOfK) {
  Call call{{}, {}, floats(at_a, {2, 3, 5, 250}), floats(at_b, {3, 250, 7}), floats(at_c, {2, 3, 5, 7}), {1, 0.5}};
  const std::vector<VendorProduct> list = call.products();
  ASSERT_EQ(list.size(), 6U);
  for (std::int64_t i = 0; i < 6; ++i) {
    const VendorProduct& p = list[static_cast<std::size_t>(i)];
    const std::int64_t outer = i % 2;
    const std::int64_t part = i / 2;
    EXPECT_EQ(p.k, part == 2 ? 50 : 100);
    EXPECT_EQ(p.beta, part == 0 ? 0.5 : 1.0);
    EXPECT_EQ(p.batch, 3);
    EXPECT_EQ(std::vector<std::int64_t>({p.left.step, p.right.step, p.c_step}),
              std::vector<std::int64_t>({250 * 7, 5 * 250, 35}));
    EXPECT_EQ(place_of(p.left.data), at_b + part * 100 * 7);
    EXPECT_EQ(place_of(p.right.data), at_a + outer * 3 * 5 * 250 + part * 100);
    EXPECT_EQ(place_of(p.c), at_c + outer * 3 * 35);
  }
}

TEST(GemmVendor, OneMatrixForAllOfABatch) {
  // b changes from batch to batch, a does not, and the columns do not lie as those of one matrix would.
  const std::vector<VendorProduct> list =
      Call{{}, {}, floats(at_a, {5, 30}), floats(at_b, {4, 30, 7}), floats(at_c, {4, 5, 7})}.products();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].batch, 4);
  EXPECT_EQ(list[0].left.step, 30 * 7);
  EXPECT_EQ(list[0].right.step, 0);
}

TEST(GemmVendor, WhereResultsAreCollected) {
  const auto plan_of = [](const Call& call) { return VendorPlan(call.problem(), limits); };
  Call call{{}, {}, floats(at_a, {5, 250}), floats(at_b, {250, 7}), floats(at_c, {5, 7})};
  EXPECT_TRUE(plan_of(call).sliced());
  EXPECT_EQ(plan_of(call).slices, 3);
  EXPECT_EQ(plan_of(call).results, 35);
  EXPECT_EQ(plan_of(call).bytes(), 1000U + 3 * 35 * 4);
  // Large enough to be made part after part, in c itself.
  Call large{{}, {}, floats(at_a, {100, 250}), floats(at_b, {250, 70}), floats(at_c, {100, 70})};
  EXPECT_FALSE(plan_of(large).sliced());
  EXPECT_FALSE(plan_of(large).is_wide);
  EXPECT_EQ(plan_of(large).bytes(), 1000U);
  // In f64 with longer parts, and without an end.
  call.a.dtype = call.b.dtype = call.c.dtype = DType::f64;
  EXPECT_EQ(plan_of(call).slices, 2);
  VendorLimits endless = limits;
  endless.depth_f64 = INT64_MAX;
  EXPECT_FALSE(VendorPlan(call.problem(), endless).sliced());
  // 16 bits are rounded to once.
  large.a.dtype = large.b.dtype = large.c.dtype = DType::bf16;
  EXPECT_FALSE(plan_of(large).is_wide);
  large.after = relu();
  EXPECT_TRUE(plan_of(large).is_wide);
  EXPECT_EQ(plan_of(large).bytes(), 1000U + 100 * 70 * 4);
  // A chain in f32 runs over c where it lies, unless it reads c.
  large.a.dtype = large.b.dtype = large.c.dtype = DType::f32;
  EXPECT_FALSE(plan_of(large).is_wide);
  large.after = add(large.c);
  EXPECT_TRUE(plan_of(large).is_wide);
  large.after = add(floats(at_b, {70}));
  EXPECT_FALSE(plan_of(large).is_wide);
  // before(a) is a copy, once for all batches that it is the same for.
  large.after = Chain();
  large.before = relu();
  EXPECT_EQ(plan_of(large).bytes(), 1000U + 100 * 250 * 4 / 256 * 256 + 256);
}

TEST(GemmVendor, RefusesWhatLibrariesLack) {
  const auto refuses = [](const Call& call) { return mylos::detail::refuse_vendor(call.problem()) != nullptr; };
  const Call good{{}, {}, floats(at_a, {5, 30}), floats(at_b, {30, 7}), floats(at_c, {5, 7})};
  EXPECT_FALSE(refuses(good));
  Call call = good;
  call.b.dtype = DType::f64;
  EXPECT_TRUE(refuses(call));
  call = good;
  call.a.dtype = call.b.dtype = DType::f16;
  EXPECT_FALSE(refuses(call));  // f16 times f16 to f32
  call.before = relu();
  EXPECT_TRUE(refuses(call));
  call = good;
  call.c.dtype = DType::f16;
  EXPECT_TRUE(refuses(call));
  call = good;
  call.options.determinism = Determinism::batch_invariant;
  EXPECT_TRUE(refuses(call));
  call = good;
  call.options.alpha = 0;
  EXPECT_TRUE(refuses(call));
  for (const auto which : {&Call::a, &Call::b, &Call::c}) {
    call = good;
    for (std::int64_t& stride : (call.*which).stride) stride *= 2;
    EXPECT_TRUE(refuses(call));
  }
}

// Panels, side by side, cover the triangle and leave out only what is zero.
TEST(GemmVendor, PanelsOfTriangles) {
  using S = MatrixStructure;
  constexpr std::int64_t n = 150;
  for (const auto& [a, b] : {std::pair<S, S>{S::lower, S::general},
                             {S::upper, S::general},
                             {S::general, S::lower},
                             {S::general, S::upper},
                             {S::lower, S::upper}}) {
    const GemmProblem dense = Call{{}, {}, floats(at_a, {n, n}), floats(at_b, {n, n}), floats(at_c, {n, n})}.problem();
    const bool by_rows = a != S::general;
    const S triangle = by_rows ? a : b;
    std::int64_t next = 0;
    int panels = 0;
    std::int64_t work = 0;
    for_each_panel(dense, a, b, limits.panel, [&](const GemmProblem& part) {
      const std::int64_t extent = by_rows ? part.m : part.n;
      EXPECT_EQ(by_rows ? part.n : part.m, n);
      EXPECT_EQ(place_of(part.c.data), at_c + next * (by_rows ? n : 1));
      // Where in k the part begins and ends, against where its rows, or columns, are not zero.
      const std::int64_t begin = place_of(by_rows ? part.b.data : part.a.data) - (by_rows ? at_b : at_a);
      const std::int64_t first = begin / (by_rows ? n : 1);
      const bool from_start = by_rows ? triangle == S::lower : triangle == S::upper;
      EXPECT_EQ(first, from_start ? 0 : next);
      EXPECT_EQ(part.k, from_start ? next + extent : n - next);
      next += extent;
      work += extent * part.k;
      ++panels;
    });
    EXPECT_EQ(next, n);
    EXPECT_GE(panels, 3);
    EXPECT_LT(work, n * n * 3 / 4);
  }
}

// ---- results of what the tests of gemm have no shapes for -----------------------------------------------------------

template <class Exec>
class GemmVendorResults : public testing::Test {};
TYPED_TEST_SUITE(GemmVendorResults, ExecutionSpaces, SpaceName);

TYPED_TEST(GemmVendorResults, LongSums) {
  const auto one_sign = [](std::int64_t, std::int64_t, std::int64_t) { return 0.1; };
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64})
    for (const bool turned : {false, true})
      for (GemmCase c : {GemmCase{{2, 3, 9001}, {2, 9001, 5}, {2, 3, 5}},  // part after part
                         GemmCase::of(35, 40, 9001),                       // likewise: too many results to slice
                         GemmCase::of(6, 7, 9001)}) {                      // side by side
        c.a_spec.dtype = c.b_spec.dtype = dtype;
        c.c_spec.dtype = dtype == DType::f64 ? DType::f64 : DType::f32;  // which hides least
        if (turned) {
          if (dtype == DType::bf16) c.c_spec.dtype = dtype;
          c.c_spec.order = c.c.size() == 2 ? std::vector<int>{1, 0} : std::vector<int>{0, 2, 1};
          c.options.beta = 0.5;
        }
        GemmCheck<TypeParam>(c).check();
        GemmCheck<TypeParam> sums(c, one_sign, one_sign);
        GemmChains chains;
        chains.after = mul(0.5);
        chains.on_c = [](long double v, std::int64_t, std::int64_t, std::int64_t) { return v / 2; };
        sums.set_chains(chains);
        sums.check();
        if (testing::Test::HasFailure()) return;
      }
}

}  // namespace
}  // namespace mylos::test
