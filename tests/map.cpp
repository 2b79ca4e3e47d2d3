// mylos::map with a functor of the user's own: every number of inputs and outputs, element types, layouts, ranks, and
// the contract of every operator.
#include <gtest/gtest.h>

#include <mylos/mylos.hpp>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "support/shapes.hpp"
#include "support/watch.hpp"

namespace mylos::test {
namespace {

template <class S, int Rank>
struct Pointers {
  using type = typename Pointers<S, Rank - 1>::type*;
};
template <class S>
struct Pointers<S, 0> {
  using type = S;
};

/// A View of what a Tensor describes.
template <class S, int Rank, class Exec>
auto view_of(const Data<Exec>& data) {
  const Tensor& t = data.tensor();
  Kokkos::LayoutStride layout;
  for (int d = 0; d < Rank; ++d) {
    layout.dimension[d] = static_cast<std::size_t>(t.extent[d]);
    layout.stride[d] = static_cast<std::size_t>(t.stride[d]);
  }
  return Kokkos::View<typename Pointers<S, Rank>::type, Kokkos::LayoutStride, typename Exec::memory_space,
                      Kokkos::MemoryTraits<Kokkos::Unmanaged>>(static_cast<S*>(t.data), layout);
}

struct SumAndTwice {
  template <class A, class B, class C, class D>
  KOKKOS_FUNCTION void operator()(A x, B b, C& sum, D& twice) const {
    sum = static_cast<C>(x + b);
    twice = static_cast<D>(2 * x + b);
  }
};

template <class Exec>
class Map : public testing::Test {
 protected:
  struct Case {
    std::vector<std::int64_t> shape;
    TensorSpec x{};
    TensorSpec b{};
    TensorSpec y1{};
    TensorSpec y2{};
  };

  /// y1 = x + b and y2 = 2 x + b, exact in every dtype; b may lack leading dimensions.
  template <class X, class B, class Y1, class Y2, int Rank, int RankOfB = Rank>
  static void check(Case c) {
    c.x.dtype = dtype_of<X>;
    c.b.dtype = dtype_of<B>;
    c.y1.dtype = dtype_of<Y1>;
    c.y2.dtype = dtype_of<Y2>;
    c.b.dropped = Rank - RankOfB;
    Data<Exec> x(c.x, c.shape);
    Data<Exec> b(c.b, c.shape);
    Data<Exec> y1(c.y1, c.shape);
    Data<Exec> y2(c.y2, c.shape);
    fill_integers(x, -60, 121, 13);
    fill_integers(b, -3, 7, 1);
    y1.poison();
    y2.poison();
    map(Exec(), SumAndTwice(), inputs(view_of<const X, Rank>(x), view_of<B, RankOfB>(b)),
        outputs(view_of<Y1, Rank>(y1), view_of<Y2, Rank>(y2)));
    Exec().fence();
    y1.download();
    y2.download();
    const std::string text =
        text_of(x.tensor()) + ", " + text_of(b.tensor()) + " -> " + text_of(y1.tensor()) + ", " + text_of(y2.tensor());
    Comparison sums(text, c.y1.dtype);
    Comparison twice(text, c.y2.dtype);
    std::int64_t count = 0;
    for_each_element(c.shape, {x.tensor(), b.tensor(), y1.tensor(), y2.tensor()},
                     [&](const std::vector<std::int64_t>& at) {
                       const double v = x.value(at[0]);
                       const double sum = v + b.value(at[1]);
                       sums.look({count, v, y1.value(at[2]), y1.bits(at[2]), sum, {sum, sum, false}});
                       twice.look({count++, v, y2.value(at[3]), y2.bits(at[3]), v + sum, {v + sum, v + sum, false}});
                     });
    EXPECT_TRUE(sums.result());
    EXPECT_TRUE(twice.result());
    // Bytes have no value to spare for poison.
    if (c.y1.dtype != DType::u8) {
      EXPECT_EQ(y1.written(), count) << text;
    }
    if (c.y2.dtype != DType::u8) {
      EXPECT_EQ(y2.written(), count) << text;
    }
  }

  template <class X, class B, class Y1, class Y2>
  static void check_layouts() {
    TensorSpec left;
    left.order = {2, 1, 0};
    TensorSpec mixed;
    mixed.order = {1, 2, 0};
    TensorSpec padded;
    padded.padding = {0, 2, 16};
    TensorSpec steps;
    steps.step = 3;
    const std::vector<TensorSpec> specs{{}, left, mixed, padded, steps};
    for (const std::vector<std::int64_t>& shape :
         std::vector<std::vector<std::int64_t>>{{3, 5, 16}, {4, 3, 13}, {1, 1, 1}, {2, 1, 1031}, {40, 11, 24}})
      for (const TensorSpec& x : specs)
        for (const TensorSpec& y : specs) {
          check<X, B, Y1, Y2, 3>({shape, x, {}, y, y});
          if (testing::Test::HasFailure()) return;
        }
    for (const TensorSpec& y2 : specs) check<X, B, Y1, Y2, 3>({{6, 5, 32}, {}, left, {}, y2});
  }

  template <class X, class B, class Y1, class Y2>
  static void check_broadcasts() {
    const std::vector<std::int64_t> shape{5, 6, 16};
    for (int mask = 0; mask < 8; ++mask) {
      TensorSpec b;
      b.broadcast = {(mask & 1) != 0, (mask & 2) != 0, (mask & 4) != 0};
      check<X, B, Y1, Y2, 3>({shape, {}, b});
      check<X, B, Y1, Y2, 3, 2>({shape, {}, b});
      TensorSpec left;
      left.order = {2, 1, 0};
      check<X, B, Y1, Y2, 3>({{16, 3, 35}, left, b, left, left});
    }
    check<X, B, Y1, Y2, 3, 1>({shape});
    check<X, B, Y1, Y2, 3, 0>({shape});
    check<X, B, Y1, Y2, 3, 0>({{5, 7, 13}});
  }
};
TYPED_TEST_SUITE(Map, ExecutionSpaces, SpaceName);

TYPED_TEST(Map, EveryLayout) {
  this->template check_layouts<float, float, float, float>();
  this->template check_layouts<half, float, bfloat16, half>();
  this->template check_layouts<double, std::int32_t, double, float>();
}

TYPED_TEST(Map, Broadcasts) {
  this->template check_broadcasts<float, float, float, float>();
  this->template check_broadcasts<half, half, half, half>();
}

TYPED_TEST(Map, MisalignedAndOdd) {
  for (int x = 0; x < 9; ++x)
    for (const int y : {0, 1, 3, 7})
      for (const std::int64_t n : {1, 2, 7, 64, 1000, 4099}) {
        TensorSpec of_x;
        TensorSpec of_y;
        of_x.misalignment = x;
        of_y.misalignment = y;
        this->template check<float, float, float, float, 1>({{n}, of_x, of_y, of_y, of_y});
        this->template check<half, half, half, half, 1>({{n}, of_y, of_x, of_y, of_x});
        this->template check<std::uint8_t, std::uint8_t, std::uint8_t, std::int64_t, 1>({{n}, of_x, of_x, of_y, of_x});
        if (testing::Test::HasFailure()) return;
      }
}

// Past the size of a cache and of one chunk for each thread.
TYPED_TEST(Map, ManyElements) {
  const std::int64_t n = (std::int64_t{9} << 20) / thinning + 1237;
  TensorSpec one;
  one.misalignment = 1;
  this->template check<float, float, float, float, 1>({{n}});
  this->template check<half, half, half, half, 1>({{n}, one, one, one, one});
  this->template check<float, half, float, float, 2>({{n / 1000, 1000}});
  this->template check<float, half, float, float, 2, 1>({{n / 1003, 1003}, one});
}

/// y_o = state + 100 o + 1 x_1 + 2 x_2 + ..., for any number of values.
template <int NumberOfInputs>
struct WeightedSums {
  float state;
  template <class... T>
  KOKKOS_FUNCTION void operator()(T&&... values) const {
    float* all[] = {&values...};
    float sum = state;
    for (int i = 0; i < NumberOfInputs; ++i) sum += static_cast<float>(i + 1) * *all[i];
    for (int o = NumberOfInputs; o < static_cast<int>(sizeof...(T)); ++o)
      *all[o] = sum + 100.0F * static_cast<float>(o - NumberOfInputs);
  }
};

template <class Exec, std::size_t... I, std::size_t... O>
void check_count(std::index_sequence<I...>, std::index_sequence<O...>) {
  using View = Kokkos::View<float*, typename Exec::memory_space>;
  constexpr int n = 1003;
  constexpr int number_of_inputs = sizeof...(I);
  constexpr int number_of_outputs = sizeof...(O);
  const auto value = [](int input, int k) { return k * (input + 3) % 101; };
  const View views[] = {View("0", n), View("1", n), View("2", n), View("3", n),
                        View("4", n), View("5", n), View("6", n), View("7", n)};
  for (int i = 0; i < number_of_inputs; ++i) {
    const auto host = Kokkos::create_mirror_view(views[i]);
    for (int k = 0; k < n; ++k) host(k) = static_cast<float>(value(i, k));
    Kokkos::deep_copy(views[i], host);
  }
  map(Exec(), WeightedSums<number_of_inputs>{5}, inputs(views[I]...), outputs(views[4 + O]...));
  Exec().fence();
  for (int o = 0; o < number_of_outputs; ++o) {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), views[4 + o]);
    for (int k = 0; k < n; ++k) {
      int expected = 5 + 100 * o;
      for (int i = 0; i < number_of_inputs; ++i) expected += (i + 1) * value(i, k);
      ASSERT_EQ(host(k), static_cast<float>(expected)) << number_of_inputs << " -> " << number_of_outputs << ", " << o;
    }
  }
}
template <class Exec, std::size_t NumberOfInputs, std::size_t NumberOfOutputs>
void check_count() {
  check_count<Exec>(std::make_index_sequence<NumberOfInputs>(), std::make_index_sequence<NumberOfOutputs>());
}

TYPED_TEST(Map, EveryNumberOfInputsAndOutputs) {
  check_count<TypeParam, 0, 1>();
  check_count<TypeParam, 0, 4>();
  check_count<TypeParam, 1, 3>();
  check_count<TypeParam, 2, 2>();
  check_count<TypeParam, 3, 1>();
  check_count<TypeParam, 3, 2>();
  check_count<TypeParam, 4, 1>();
  check_count<TypeParam, 4, 4>();
}

/// Identity that takes nothing but T.
template <class T>
struct Only {
  KOKKOS_FUNCTION T operator()(T x) const { return x; }
  template <class Other>
  void operator()(Other x) const = delete;
};

template <class Exec, class X, class Y, class Value>
void check_types() {
  const Kokkos::View<X*, typename Exec::memory_space> x("x", 37);
  const Kokkos::View<Y*, typename Exec::memory_space> y("y", 37);
  const auto from = Kokkos::create_mirror_view(x);
  for (std::size_t i = 0; i < 37; ++i) from(i) = static_cast<X>(static_cast<float>(i % 2 == 0 ? i : 1));
  Kokkos::deep_copy(x, from);
  map(Exec(), Only<Value>(), x, y);
  Exec().fence();
  const auto to = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
  for (std::size_t i = 0; i < 37; ++i)
    ASSERT_EQ(static_cast<float>(to(i)), static_cast<float>(static_cast<Y>(static_cast<float>(from(i))))) << i;
}

TYPED_TEST(Map, EveryType) {
  using Kokkos::Experimental::bhalf_t;
  using Kokkos::Experimental::half_t;
  check_types<TypeParam, double, float, double>();
  check_types<TypeParam, float, double, float>();
  check_types<TypeParam, half, double, float>();
  check_types<TypeParam, bfloat16, half, float>();
  check_types<TypeParam, half_t, bhalf_t, float>();
  check_types<TypeParam, std::uint8_t, std::int32_t, std::uint8_t>();
  check_types<TypeParam, std::int32_t, std::int64_t, std::int32_t>();
  check_types<TypeParam, std::int64_t, std::uint8_t, std::int64_t>();
  check_types<TypeParam, bool, half, bool>();
  check_types<TypeParam, float, bool, float>();
}

struct SlightlyMoreThanAHalf {
  KOKKOS_FUNCTION double operator()(float x) const { return x + 0x1.002001p0; }
};

// By way of float it would become a tie, and go down to even.
TYPED_TEST(Map, RoundsADoubleOnce) {
  const Kokkos::View<float*, typename TypeParam::memory_space> x("x", 3);
  const Kokkos::View<half*, typename TypeParam::memory_space> y("y", 3);
  map(TypeParam(), SlightlyMoreThanAHalf(), x, y);
  TypeParam().fence();
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
  EXPECT_EQ(static_cast<float>(host(1)), 0x1.004p0F);
}

struct Negate {
  KOKKOS_FUNCTION float operator()(float x) const { return -x; }
};

template <class Exec, class X, class Y, class DataType, class... Extents>
void check_rank(const Extents... extents) {
  const Kokkos::View<DataType, X, typename Exec::memory_space> x("x", extents...);
  const Kokkos::View<DataType, Y, typename Exec::memory_space> y("y", extents...);
  const Tensor from = x;
  const Tensor to = y;
  const auto flat = [](const Tensor& t) {
    return Kokkos::View<float*, typename Exec::memory_space>(static_cast<float*>(t.data),
                                                             static_cast<std::size_t>(t.size()));
  };
  const auto values = Kokkos::create_mirror_view(flat(from));
  for (std::size_t i = 0; i < values.size(); ++i) values(i) = static_cast<float>(i + 1);
  Kokkos::deep_copy(flat(from), values);
  map(Exec(), Negate(), x, y);
  Exec().fence();
  const auto results = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), flat(to));
  for_each_element(std::vector<std::int64_t>(from.extent, from.extent + from.rank), {from, to},
                   [&](const std::vector<std::int64_t>& at) {
                     ASSERT_EQ(results(static_cast<std::size_t>(at[1])), -values(static_cast<std::size_t>(at[0])));
                   });
}
template <class Exec, class X, class Y>
void check_ranks() {
  check_rank<Exec, X, Y, float>();
  check_rank<Exec, X, Y, float*>(33);
  check_rank<Exec, X, Y, float**>(3, 16);
  check_rank<Exec, X, Y, float***>(3, 4, 17);
  check_rank<Exec, X, Y, float****>(3, 2, 3, 5);
  check_rank<Exec, X, Y, float*****>(3, 3, 2, 3, 3);
  check_rank<Exec, X, Y, float******>(3, 2, 3, 1, 3, 3);
  check_rank<Exec, X, Y, float*******>(2, 2, 3, 3, 1, 3, 3);
  check_rank<Exec, X, Y, float********>(2, 2, 3, 2, 1, 3, 3, 4);
}

TYPED_TEST(Map, EveryRank) {
  check_ranks<TypeParam, Kokkos::LayoutLeft, Kokkos::LayoutLeft>();
  check_ranks<TypeParam, Kokkos::LayoutRight, Kokkos::LayoutRight>();
  check_ranks<TypeParam, Kokkos::LayoutLeft, Kokkos::LayoutRight>();
}

struct Accumulate {
  KOKKOS_FUNCTION void operator()(float x, float y, float& next_x, float& next_y) const {
    next_x = x + y;
    next_y = x - y;
  }
};

// Both outputs are inputs too, and each result needs both.
TYPED_TEST(Map, WorksInPlace) {
  for (const std::int64_t n : {70L, 1L << 19})
    for (const std::int64_t step : {1, 3}) {
      TensorSpec spec;
      spec.step = step;
      Data<TypeParam> x(spec, {n});
      Data<TypeParam> y(spec, {n});
      fill_integers(x, -60, 121, 5);
      fill_integers(y, -60, 121, 77);
      std::vector<double> sums;
      std::vector<double> differences;
      for (std::int64_t i = 0; i < n; ++i) {
        sums.push_back(x.value(i * step) + y.value(i * step));
        differences.push_back(x.value(i * step) - y.value(i * step));
      }
      const auto in_x = view_of<float, 1>(x);
      const auto in_y = view_of<float, 1>(y);
      map(TypeParam(), Accumulate(), inputs(in_x, in_y), outputs(in_x, in_y));
      map(TypeParam(), Negate(), in_x, in_x);
      TypeParam().fence();
      x.download();
      y.download();
      for (std::int64_t i = 0; i < n; ++i) {
        ASSERT_EQ(x.value(i * step), -sums[static_cast<std::size_t>(i)]) << i;
        ASSERT_EQ(y.value(i * step), differences[static_cast<std::size_t>(i)]) << i;
      }
    }
}

TYPED_TEST(Map, RunsOnTheGivenInstanceWithoutAFenceAndUnderItsName) {
  const Kokkos::View<float**, typename TypeParam::memory_space> x("x", 50, 40);
  const Kokkos::View<double*, typename TypeParam::memory_space> none("none", 0);
  for (const TypeParam& exec : Kokkos::Experimental::partition_space(TypeParam(), 1, 1)) {
    Watch::Seen seen;
    {
      const Watch watch;
      map(exec, Negate(), x, x);
      map(exec, Only<double>(), none, none);
      seen = Watch::seen();
    }
    EXPECT_STREQ(last_kernel(), "none");
    exec.fence();
    ASSERT_EQ(seen.kernels.size(), 1U);
    EXPECT_EQ(seen.kernels[0].first, "mylos::map[functor]");
    EXPECT_EQ(seen.kernels[0].second, Kokkos::Tools::Experimental::device_id(exec));
    for (const std::string& fence : seen.fences) ADD_FAILURE() << "waited: " << fence;
    EXPECT_EQ(seen.others, 0);
    EXPECT_TRUE(seen.regions.empty());
  }
  map(TypeParam(), Negate(), x, x);
  EXPECT_STREQ(last_kernel(), "functor");
  map(TypeParam(), relu() | neg(), x, x);  // a Chain is no functor
  EXPECT_STRNE(last_kernel(), "functor");
  TypeParam().fence();
}

}  // namespace
}  // namespace mylos::test
