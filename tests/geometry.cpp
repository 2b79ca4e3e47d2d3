// White-box tests of src/core: the canonical box, overlap, and the divisions of the indexing, each against brute force.
#include "core/geometry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include <mylos/detail/divider.hpp>

namespace mylos::test {
namespace {

using mylos::detail::canonicalize;
using mylos::detail::Divider;
using mylos::detail::overlap;
using mylos::detail::Overlap;
using mylos::detail::PointwiseGeometry;

/// Address that no test reads: only descriptions are compared.
unsigned char* const base = reinterpret_cast<unsigned char*>(std::uintptr_t{1} << 40);

Tensor tensor(std::vector<std::int64_t> extents, std::vector<std::int64_t> strides, std::int64_t offset = 0,
              DType dtype = DType::f32) {
  return Tensor(base + offset * static_cast<std::int64_t>(size_of(dtype)), dtype, static_cast<int>(extents.size()),
                extents.data(), strides.empty() ? nullptr : strides.data());
}

void expect_box(const PointwiseGeometry& g, const std::vector<std::int64_t>& extents,
                const std::vector<std::int64_t>& x, const std::vector<std::int64_t>& y) {
  ASSERT_EQ(g.box.rank, static_cast<int>(extents.size()));
  for (std::size_t d = 0; d < extents.size(); ++d) {
    EXPECT_EQ(g.box.extent[d], extents[d]) << d;
    EXPECT_EQ(g.x.stride[d], x[d]) << d;
    EXPECT_EQ(g.y.stride[d], y[d]) << d;
  }
}

TEST(Canonicalize, MergesContiguousDimensions) {
  const Tensor t = tensor({2, 3, 4, 5, 6, 7, 8, 9}, {});
  expect_box(canonicalize(t, t, Chain()), {362880}, {1}, {1});
}

TEST(Canonicalize, IsEmptyForASingleElement) {
  const PointwiseGeometry g = canonicalize(tensor({}, {}), tensor({1, 1}, {7, 3}), Chain());
  EXPECT_EQ(g.box.rank, 0);
  EXPECT_EQ(g.box.count, 1);
}

TEST(Canonicalize, CountsNothingWhereAnExtentIsZero) {
  const Tensor t = tensor({3, 0, 2}, {});
  EXPECT_EQ(canonicalize(t, t, Chain()).box.count, 0);
}

TEST(Canonicalize, OrdersByTheOutput) {
  const Tensor left = tensor({5, 7}, {1, 5});
  expect_box(canonicalize(left, left, Chain()), {35}, {1}, {1});
  expect_box(canonicalize(tensor({5, 7}, {}), left, Chain()), {7, 5}, {1, 7}, {5, 1});
}

TEST(Canonicalize, KeepsWhatAnOperandNeedsApart) {
  const Tensor t = tensor({4, 5, 6}, {});
  expect_box(canonicalize(t, t, add(tensor({6}, {}))), {20, 6}, {6, 1}, {6, 1});
  expect_box(canonicalize(t, t, add(tensor({5, 1}, {}))), {4, 5, 6}, {30, 6, 1}, {30, 6, 1});
  expect_box(canonicalize(t, t, add(tensor({4, 1, 1}, {}))), {4, 30}, {30, 1}, {30, 1});
  expect_box(canonicalize(t, t, add(tensor({}, {}))), {120}, {1}, {1});
}

TEST(Canonicalize, DropsExtentsOfOne) {
  const Tensor t = tensor({1, 4, 1, 5, 1}, {100, 10, 3, 2, 77});
  expect_box(canonicalize(t, t, Chain()), {20}, {2}, {2});
}

TEST(Canonicalize, KeepsRowsWithGaps) {
  const Tensor t = tensor({4, 5}, {8, 1});
  expect_box(canonicalize(t, t, Chain()), {4, 5}, {8, 1}, {8, 1});
}

TEST(Canonicalize, CountsBeyondTwoToTheThirtyOne) {
  const Tensor t = tensor({4096, 393216, 8}, {});
  expect_box(canonicalize(t, t, Chain()), {std::int64_t{4096} * 393216 * 8}, {1}, {1});
}

/// Tensors over a shape with strides that do not fold, some dimensions broadcast or reversed.
struct RandomTensors {
  std::mt19937 random{7};
  std::vector<std::int64_t> shape;

  std::int64_t draw(int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); }
  void draw_shape(int largest_rank) {
    shape.clear();
    for (std::int64_t rank = draw(largest_rank + 1); rank > 0; --rank) shape.push_back(1 + draw(4));
  }
  Tensor next(bool output, int spread, DType dtype = DType::f32) {
    std::vector<std::size_t> order(shape.size());
    for (std::size_t d = 0; d < order.size(); ++d) order[d] = d;
    if (draw(2) == 0) std::shuffle(order.begin(), order.end(), random);
    std::vector<std::int64_t> extents(shape.size());
    std::vector<std::int64_t> strides(shape.size());
    std::int64_t stride = 1 + draw(spread);
    for (const std::size_t d : order) {
      extents[d] = !output && draw(4) == 0 ? 1 : shape[d];
      strides[d] = draw(5) == 0 ? -stride : stride;
      stride = stride * extents[d] + draw(spread);
    }
    const auto dropped =
        output ? std::size_t{0} : static_cast<std::size_t>(draw(static_cast<int>(shape.size()) + 1)) / 2;
    extents.erase(extents.begin(), extents.begin() + static_cast<std::ptrdiff_t>(dropped));
    strides.erase(strides.begin(), strides.begin() + static_cast<std::ptrdiff_t>(dropped));
    return tensor(extents, strides, 0, dtype);
  }
};

/// Offsets of the tensors at every element of `shape`, in any order.
using Offsets = std::multiset<std::vector<std::int64_t>>;
Offsets offsets_by_shape(const std::vector<std::int64_t>& shape, const std::vector<Tensor>& tensors) {
  Offsets all;
  std::vector<std::int64_t> at(shape.size());
  for (;;) {
    std::vector<std::int64_t> offsets;
    for (const Tensor& t : tensors) {
      std::int64_t offset = 0;
      for (std::size_t d = 0; d < shape.size(); ++d) {
        const std::size_t missing = shape.size() - static_cast<std::size_t>(t.rank);
        if (d >= missing && t.extent[d - missing] != 1) offset += at[d] * t.stride[d - missing];
      }
      offsets.push_back(offset);
    }
    all.insert(offsets);
    std::size_t d = shape.size();
    while (d > 0 && ++at[d - 1] == shape[d - 1]) at[--d] = 0;
    if (d == 0) return all;
  }
}

TEST(Canonicalize, VisitsTheSameElementsTogether) {
  RandomTensors source;
  for (int i = 0; i < 3000; ++i) {
    source.draw_shape(8);
    const Tensor y = source.next(true, 3);
    const Tensor x = source.next(false, 3);
    const Tensor a = source.next(false, 3);
    const Tensor b = source.next(false, 3);
    const PointwiseGeometry g = canonicalize(x, y, add(a) | mul(b));
    Offsets visited;
    for (std::int64_t n = 0; n < g.box.count; ++n) {
      std::vector<std::int64_t> offsets(4);
      auto rest = static_cast<std::uint64_t>(n);
      for (int d = g.box.rank - 1; d >= 0; --d) {
        const Divider extent(g.box.extent[d]);
        const auto coordinate = static_cast<std::int64_t>(rest - extent.divide(rest) * extent.divisor);
        rest = extent.divide(rest);
        const std::int64_t strides[] = {g.x.stride[d], g.y.stride[d], g.operand[0].stride[d], g.operand[1].stride[d]};
        for (std::size_t t = 0; t < 4; ++t) offsets[t] += coordinate * strides[t];
      }
      visited.insert(offsets);
    }
    ASSERT_EQ(visited, offsets_by_shape(source.shape, {x, y, a, b})) << "case " << i;
    for (int d = 0; d + 1 < g.box.rank; ++d) {
      ASSERT_GE(std::abs(g.y.stride[d]), std::abs(g.y.stride[d + 1])) << "case " << i;
      bool mergeable = g.x.stride[d] == g.x.stride[d + 1] * g.box.extent[d + 1];
      mergeable = mergeable && g.y.stride[d] == g.y.stride[d + 1] * g.box.extent[d + 1];
      for (int o = 0; o < 2; ++o)
        mergeable = mergeable && g.operand[o].stride[d] == g.operand[o].stride[d + 1] * g.box.extent[d + 1];
      ASSERT_FALSE(mergeable) << "case " << i;
    }
  }
}

/// By the bytes that each element covers.
Overlap overlap_by_bytes(const std::vector<std::int64_t>& shape, const Tensor& a, const Tensor& b, bool& alike) {
  const auto address = [](const Tensor& t, std::int64_t offset) {
    return reinterpret_cast<std::intptr_t>(t.data) + offset * static_cast<std::int64_t>(size_of(t.dtype));
  };
  std::set<std::intptr_t> bytes_of_b;
  bool same = a.dtype == b.dtype;
  for (const auto& offsets : offsets_by_shape(shape, {a, b})) {
    for (std::size_t k = 0; k < size_of(b.dtype); ++k)
      bytes_of_b.insert(address(b, offsets[1]) + static_cast<std::intptr_t>(k));
    same = same && address(a, offsets[0]) == address(b, offsets[1]);
  }
  bool shared = false;
  for (const auto& offsets : offsets_by_shape(shape, {a}))
    for (std::size_t k = 0; k < size_of(a.dtype); ++k)
      shared = shared || bytes_of_b.count(address(a, offsets[0]) + static_cast<std::intptr_t>(k)) != 0;
  alike = a.dtype == b.dtype;
  for (int d = 0; d < b.rank; ++d)
    alike = alike && (b.extent[d] == 1 || mylos::detail::broadcast_stride(a, b, d) == b.stride[d]);
  return !shared ? Overlap::none : (same ? Overlap::same_elements : Overlap::partial);
}

TEST(OverlapOfTensors, AgreesWithTheBytes) {
  RandomTensors source;
  std::map<Overlap, int> seen;
  for (int i = 0; i < 20000; ++i) {
    source.draw_shape(3);
    const Tensor b = source.next(true, 3);
    Tensor a = source.draw(2) == 0 ? b : source.next(false, 3, source.draw(4) == 0 ? DType::f16 : DType::f32);
    a.data = static_cast<unsigned char*>(a.data) + (source.draw(3) == 0 ? 0 : (source.draw(80) - 40) * 2);
    bool alike = false;
    const Overlap expected = overlap_by_bytes(source.shape, a, b, alike);
    const Overlap got = overlap(a, b);
    ++seen[got];
    // Exact where the strides agree and elements line up; elsewhere caution is allowed, carelessness is not.
    const auto distance = reinterpret_cast<std::intptr_t>(a.data) - reinterpret_cast<std::intptr_t>(b.data);
    if (alike && distance % static_cast<std::intptr_t>(size_of(b.dtype)) == 0)
      ASSERT_EQ(static_cast<int>(got), static_cast<int>(expected)) << "case " << i;
    else
      ASSERT_TRUE(got == expected || (got == Overlap::partial && expected == Overlap::none)) << "case " << i;
  }
  for (const Overlap each : {Overlap::none, Overlap::same_elements, Overlap::partial}) EXPECT_GT(seen[each], 200);
}

TEST(OverlapOfTensors, TellsInterleavedColumnsApart) {
  const Tensor even = tensor({1000, 4}, {8, 2}, 0);
  const Tensor odd = tensor({1000, 4}, {8, 2}, 1);
  EXPECT_EQ(overlap(even, odd), Overlap::none);
  EXPECT_EQ(overlap(even, even), Overlap::same_elements);
  EXPECT_EQ(overlap(even, tensor({1000, 4}, {8, 2}, 2)), Overlap::partial);
  EXPECT_EQ(overlap(even, tensor({1000, 4}, {8, 2}, 8)), Overlap::partial);
}

TEST(OverlapOfTensors, IsFastForHugeTensors) {
  const std::int64_t n = std::int64_t{1} << 30;
  EXPECT_EQ(overlap(tensor({n, n / 4}, {n, 2}, 1), tensor({n, n / 4}, {n, 2}, 0)), Overlap::none);
  EXPECT_EQ(overlap(tensor({n, n / 4}, {n, 2}, 2), tensor({n, n / 4}, {n, 2}, 0)), Overlap::partial);
}

TEST(OverlapOfTensors, EmptyTensorsShareNothing) {
  EXPECT_EQ(overlap(tensor({0}, {}), tensor({5}, {})), Overlap::none);
  EXPECT_EQ(overlap(tensor({5}, {}), tensor({0}, {})), Overlap::none);
}

TEST(DividerOfIndices, DividesAsDivisionDoes) {
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> divisors;
  for (std::uint64_t d = 1; d <= 1100; ++d) divisors.push_back(d);
  for (int k = 10; k < 63; ++k)
    for (const std::int64_t near : {-1, 0, 1})
      divisors.push_back((std::uint64_t{1} << k) + static_cast<std::uint64_t>(near));
  divisors.push_back((std::uint64_t{1} << 63) - 1);
  for (int i = 0; i < 2000; ++i) divisors.push_back((random() >> (1 + random() % 62)) | 1);
  constexpr std::uint64_t largest = (std::uint64_t{1} << 63) - 1;
  for (const std::uint64_t d : divisors) {
    const Divider divider(static_cast<std::int64_t>(d));
    const auto check = [&](std::uint64_t n) { ASSERT_EQ(divider.divide(n), n / d) << n << " / " << d; };
    for (const std::uint64_t n :
         {std::uint64_t{0}, std::uint64_t{1}, d - 1, d, largest, largest - 1, largest / d * d, largest / d * d - 1})
      check(n <= largest ? n : largest);
    if (d + 1 <= largest) check(d + 1);
    for (int i = 0; i < 50; ++i) check(random() >> (1 + random() % 62));
  }
}

}  // namespace
}  // namespace mylos::test
