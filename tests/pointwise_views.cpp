// Kokkos Views of every kind as arguments: ranks 0 to 8, every layout, subviews, unmanaged, const, misaligned, and raw
// pointers.
#include <gtest/gtest.h>

#include <mylos/mylos.hpp>
#include <vector>

#include "support/kernels.hpp"

namespace mylos::test {
namespace {

/// The value that element n of an input has; small integers, exact in every dtype.
float value_of(std::size_t n) { return static_cast<float>(static_cast<int>(n * 37 % 101) - 50); }

/// All elements of a View in the order of memory, whatever its layout.
template <class View>
std::vector<float> download(const View& view) {
  using T = typename View::non_const_value_type;
  const Kokkos::View<const T*, typename View::memory_space, Kokkos::MemoryTraits<Kokkos::Unmanaged>> flat(view.data(),
                                                                                                          view.span());
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), flat);
  std::vector<float> values(view.span());
  for (std::size_t n = 0; n < values.size(); ++n) values[n] = static_cast<float>(host(n));
  return values;
}

/// Sets element n, in the order of memory, to of(n).
template <class View, class Of>
void fill(const View& view, const Of& of) {
  using T = typename View::non_const_value_type;
  const Kokkos::View<T*, typename View::memory_space, Kokkos::MemoryTraits<Kokkos::Unmanaged>> flat(view.data(),
                                                                                                    view.span());
  const auto host = Kokkos::create_mirror_view(flat);
  for (std::size_t n = 0; n < view.span(); ++n) host(n) = static_cast<T>(of(n));
  Kokkos::deep_copy(flat, host);
}
template <class View>
void fill(const View& view) {
  fill(view, value_of);
}
template <class View>
void spoil(const View& view) {
  fill(view, [](std::size_t) { return 99.0F; });
}

template <class View>
std::size_t offset_of(const View& view, const std::size_t* index) {
  std::size_t offset = 0;
  constexpr int rank = static_cast<int>(View::rank());
  for (int d = 0; d < rank; ++d) offset += index[d] * view.stride(static_cast<std::size_t>(d));
  return offset;
}

template <class Exec>
class PointwiseViews : public testing::Test {
 protected:
  /// y = -x on every path, element by element.
  template <class DataType, class X, class Y, class... Extents>
  static void check_rank(const Extents... extents) {
    const Kokkos::View<DataType, X, typename Exec::memory_space> x("x", extents...);
    const Kokkos::View<DataType, Y, typename Exec::memory_space> y("y", extents...);
    fill(x);
    const std::size_t extent[] = {extents..., 1};
    std::size_t count = 1;
    for (const std::size_t e : extent) count *= e;
    for (const Path path : {Path::automatic, Path::generic, Path::specialized}) {
      if (path == Path::specialized && candidates<Exec>().empty()) continue;
      spoil(y);
      const ScopedPath forced(path);
      neg(Exec(), x, y);
      Exec().fence();
      const std::vector<float> from = download(x);
      const std::vector<float> to = download(y);
      for (std::size_t n = 0; n < count; ++n) {
        std::size_t index[8] = {};
        std::size_t rest = n;
        for (std::size_t d = sizeof...(extents); d > 0; rest /= extent[--d]) index[d - 1] = rest % extent[d - 1];
        ASSERT_EQ(to[offset_of(y, index)], -from[offset_of(x, index)]) << Exec::name() << " " << n;
      }
    }
  }

  template <class S, class X, class Y>
  static void check_ranks() {
    constexpr std::size_t n = 3;
    check_rank<S, X, Y>();
    check_rank<S*, X, Y>(n + 30);
    check_rank<S**, X, Y>(n, n + 10);
    check_rank<S***, X, Y>(n, n + 1, n + 14);
    check_rank<S****, X, Y>(n, n - 1, n, n + 2);
    check_rank<S*****, X, Y>(n, n, n - 1, n, n);
    check_rank<S******, X, Y>(n, n - 1, n, n - 2, n, n);
    check_rank<S*******, X, Y>(n - 1, n - 1, n, n, n - 2, n, n);
    check_rank<S********, X, Y>(n - 1, n - 1, n, n - 1, n - 2, n, n, n - 1);
  }
};
TYPED_TEST_SUITE(PointwiseViews, ExecutionSpaces, SpaceName);

TYPED_TEST(PointwiseViews, EveryRankAndLayout) {
  using Left = Kokkos::LayoutLeft;
  using Right = Kokkos::LayoutRight;
  this->template check_ranks<float, Left, Left>();
  this->template check_ranks<float, Right, Right>();
  this->template check_ranks<double, Left, Right>();
  this->template check_rank<half***, Right, Left>(std::size_t{5}, std::size_t{9}, std::size_t{17});
  this->template check_rank<bfloat16***, Left, Right>(std::size_t{5}, std::size_t{9}, std::size_t{17});
}

TYPED_TEST(PointwiseViews, StridedLayout) {
  const Kokkos::LayoutStride gaps(11, 3, 5, 40);  // every third element, rows 40 apart
  const Kokkos::View<float**, Kokkos::LayoutStride, typename TypeParam::memory_space> x("x", gaps);
  const Kokkos::View<float**, Kokkos::LayoutRight, typename TypeParam::memory_space> y("y", 11, 5);
  fill(x);
  spoil(y);
  neg(TypeParam(), x, y);
  TypeParam().fence();
  const std::vector<float> to = download(y);
  for (std::size_t i = 0; i < 11; ++i)
    for (std::size_t j = 0; j < 5; ++j) ASSERT_EQ(to[5 * i + j], -value_of(3 * i + 40 * j));
}

TYPED_TEST(PointwiseViews, SubviewsLeaveTheRestAlone) {
  const Kokkos::View<float***, Kokkos::LayoutRight, typename TypeParam::memory_space> x("x", 9, 20, 31);
  const Kokkos::View<float***, Kokkos::LayoutLeft, typename TypeParam::memory_space> y("y", 20, 12, 31);
  fill(x);
  spoil(y);
  const auto from = Kokkos::subview(x, std::make_pair(2, 7), std::make_pair(3, 19), 4);
  const auto to = Kokkos::subview(y, std::make_pair(1, 17), std::make_pair(5, 10), 30);
  // One column of the one plane into one row of the other.
  neg(TypeParam(), Kokkos::subview(from, Kokkos::ALL, 0), Kokkos::subview(to, 7, Kokkos::ALL));
  TypeParam().fence();
  const std::vector<float> host_y = download(y);
  for (std::size_t i = 0; i < 20; ++i)
    for (std::size_t j = 0; j < 12; ++j)
      for (std::size_t k = 0; k < 31; ++k) {
        const bool written = i == 8 && j >= 5 && j < 10 && k == 30;
        const std::size_t from_x = (j - 3) * x.stride(0) + 3 * x.stride(1) + 4;
        ASSERT_EQ(host_y[i + 20 * j + 240 * k], written ? -value_of(from_x) : 99.0F) << i << " " << j << " " << k;
      }
}

TYPED_TEST(PointwiseViews, UnmanagedConstAndMisaligned) {
  using Unmanaged = Kokkos::MemoryTraits<Kokkos::Unmanaged>;
  const Kokkos::View<float*, typename TypeParam::memory_space> storage("storage", 300);
  fill(storage);
  for (std::size_t offset = 0; offset < 8; ++offset) {
    const Kokkos::View<const float*, typename TypeParam::memory_space, Unmanaged> x(storage.data() + offset, 101);
    const Kokkos::View<float*, typename TypeParam::memory_space, Unmanaged> y(storage.data() + 150 + 2 * offset, 101);
    neg(TypeParam(), x, y);
    TypeParam().fence();
    const std::vector<float> host = download(storage);
    for (std::size_t i = 0; i < 101; ++i) ASSERT_EQ(host[150 + 2 * offset + i], -value_of(offset + i));
  }
}

TYPED_TEST(PointwiseViews, RawPointersWithExtentsAndStrides) {
  const Kokkos::View<float*, typename TypeParam::memory_space> x("x", 60);
  const Kokkos::View<float*, typename TypeParam::memory_space> y("y", 60);
  fill(x);
  // Rows from the last to the first, columns as they are.
  const Tensor from(x.data() + 50, {6, 10}, {-10, 1}, "from");
  neg(TypeParam(), from, Tensor(y.data(), {6, 10}));
  TypeParam().fence();
  const std::vector<float> host = download(y);
  for (std::size_t i = 0; i < 60; ++i) ASSERT_EQ(host[i], -value_of(50 - i / 10 * 10 + i % 10));
}

TYPED_TEST(PointwiseViews, AsOperandsOfEveryKind) {
  const Kokkos::View<float**, Kokkos::LayoutLeft, typename TypeParam::memory_space> x("x", 7, 12);
  const Kokkos::View<float**, Kokkos::LayoutRight, typename TypeParam::memory_space> y("y", 7, 12);
  const Kokkos::View<int*, typename TypeParam::memory_space> bias("bias", 12);
  const Kokkos::View<bool*, typename TypeParam::memory_space> mask("mask", 12);
  fill(x);
  fill(bias);
  fill(mask, [](std::size_t n) { return n % 3 == 0; });
  const Kokkos::View<const int*, typename TypeParam::memory_space> constant_bias = bias;
  map(TypeParam(), add(constant_bias) | masked_fill(mask, 0.5), x, y);
  TypeParam().fence();
  const std::vector<float> to = download(y);
  for (std::size_t i = 0; i < 7; ++i)
    for (std::size_t j = 0; j < 12; ++j)
      ASSERT_EQ(to[12 * i + j], j % 3 == 0 ? 0.5F : value_of(i + 7 * j) + value_of(j)) << i << " " << j;
}

TYPED_TEST(PointwiseViews, EmptyViewsOfEveryRank) {
  const Kokkos::View<float***, typename TypeParam::memory_space> x("x", 3, 0, 2);
  const Kokkos::View<float***, typename TypeParam::memory_space> y("y", 3, 0, 2);
  EXPECT_NO_THROW(neg(TypeParam(), x, y));
  const Kokkos::View<float*, typename TypeParam::memory_space> none;
  EXPECT_NO_THROW(neg(TypeParam(), none, none));
}

TEST(ViewDescription, CarriesExtentsStridesLabelAndMemory) {
  const Kokkos::View<double**, Kokkos::LayoutLeft, Kokkos::HostSpace> view("pressure", 3, 5);
  const Tensor t = view;
  EXPECT_EQ(t.data, view.data());
  EXPECT_EQ(t.dtype, DType::f64);
  EXPECT_EQ(t.memory, Memory::host);
  ASSERT_EQ(t.rank, 2);
  EXPECT_EQ(t.extent[0], 3);
  EXPECT_EQ(t.extent[1], 5);
  EXPECT_EQ(t.stride[0], 1);
  EXPECT_EQ(t.stride[1], 3);
  EXPECT_EQ(t.size(), 15);
  EXPECT_STREQ(t.label, "pressure");
  const Kokkos::View<float*, Kokkos::HostSpace> named(std::string(100, 'n'), 1);
  EXPECT_EQ(std::string(Tensor(named).label), std::string(28, 'n'));
}

}  // namespace
}  // namespace mylos::test
