// The 16-bit storage types on the host: every pattern, rounding against an independent reference, and the conversions
// from and to the types of Kokkos and CUDA that hold the same bits.
#include <mylos/types.hpp>

#include <gtest/gtest.h>

#include <Kokkos_Core.hpp>
#include <limits>
#include <mylos/view.hpp>
#include <random>
#include <string>
#include <type_traits>

#include "reference/rounding.hpp"

#ifdef KOKKOS_ENABLE_CUDA
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace mylos::test {
namespace {

template <class S>
class SixteenBit : public testing::Test {
 protected:
  static constexpr DType dtype = dtype_of<S>;
  static S from_bits(int bits) {
    S s;
    s.bits = static_cast<std::uint16_t>(bits);
    return s;
  }
  template <class From>
  static void expect_rounds(From v) {
    const double expected = reference::round_to(static_cast<double>(v), dtype);
    const S stored(v);
    const double got = reference::value_at(dtype, &stored);
    if (v != v)
      EXPECT_NE(got, got);
    else
      EXPECT_TRUE(got == expected && std::signbit(got) == std::signbit(expected))
          << std::hexfloat << "from " << v << ": got " << got << ", expected " << expected;
  }
};
using SixteenBitTypes = testing::Types<half, bfloat16>;
struct TypeName {
  template <class S>
  static std::string GetName(int) {
    return name_of(dtype_of<S>);
  }
};
TYPED_TEST_SUITE(SixteenBit, SixteenBitTypes, TypeName);

TYPED_TEST(SixteenBit, IsPlainDataOfTwoBytes) {
  EXPECT_EQ(sizeof(TypeParam), 2U);
  EXPECT_EQ(alignof(TypeParam), 2U);
  EXPECT_TRUE(std::is_trivially_copyable_v<TypeParam>);
  EXPECT_TRUE(std::is_trivially_default_constructible_v<TypeParam>);
}

TYPED_TEST(SixteenBit, EveryPatternMeansWhatTheStandardSays) {
  for (int i = 0; i < 65536; ++i) {
    const TypeParam s = this->from_bits(i);
    const double expected = reference::value_at(this->dtype, &s);
    const auto got = static_cast<float>(s);
    if (expected == expected) {
      ASSERT_EQ(static_cast<double>(got), expected) << i;
      ASSERT_EQ(std::signbit(got), std::signbit(expected)) << i;
    } else {
      ASSERT_NE(got, got) << i;
    }
  }
}

TYPED_TEST(SixteenBit, EveryNumberSurvivesTheWayThereAndBack) {
  for (int i = 0; i < 65536; ++i) {
    const TypeParam s = this->from_bits(i);
    const auto f = static_cast<float>(s);
    if (f != f) {
      ASSERT_NE(static_cast<float>(TypeParam(f)), static_cast<float>(TypeParam(f))) << i;
      continue;
    }
    ASSERT_EQ(TypeParam(f).bits, i);
    ASSERT_EQ(TypeParam(static_cast<double>(f)).bits, i);
  }
}

TYPED_TEST(SixteenBit, RoundsToNearestEvenAtEveryTie) {
  const reference::Format format = reference::format_of(this->dtype);
  for (int i = 0; i < 65536; ++i) {
    const TypeParam s = this->from_bits(i);
    const double v = reference::value_at(this->dtype, &s);
    if (!std::isfinite(v)) continue;
    const double tie = v + std::copysign(reference::ulp_of(v, format) / 2, v);
    for (const double d : {tie, std::nextafter(tie, 0.0), std::nextafter(tie, 2 * tie)}) this->expect_rounds(d);
    const auto f = static_cast<float>(tie);  // exact
    for (const float x : {f, std::nextafterf(f, 0.0F), std::nextafterf(f, 2 * f)}) this->expect_rounds(x);
  }
}

TYPED_TEST(SixteenBit, RoundsFloatsOfAllExponents) {
  for (std::uint64_t i = 0; i < (std::uint64_t{1} << 32); i += 4093) {
    const auto bits = static_cast<std::uint32_t>(i);
    this->expect_rounds(mylos::detail::bits_as<float>(bits));
  }
}

TYPED_TEST(SixteenBit, RoundsDoublesOnce) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 500000; ++i) {
    // Any double, and one within the type's range with a fraction that is nearly a tie.
    this->expect_rounds(mylos::detail::bits_as<double>(std::uint64_t{random()}));
    const double near_tie =
        std::ldexp(1 + static_cast<double>(random() % 4096) / 4096, static_cast<int>(random() % 45) - 27);
    for (const double away : {0.0, 1e-16, -1e-16, 1e-9, -1e-9}) this->expect_rounds(near_tie * (1 + away));
  }
  for (const double v : {1e-320, -1e-320, 1e308, -1e308, 0.0, -0.0, std::numeric_limits<double>::infinity(),
                         -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    this->expect_rounds(v);
}

template <class Ours, class Theirs>
void expect_same_bits() {
  EXPECT_EQ(dtype_of<Theirs>, dtype_of<Ours>);
  EXPECT_EQ(dtype_of<const Theirs>, dtype_of<Ours>);
  for (int i = 0; i < 65536; ++i) {
    Ours ours;
    ours.bits = static_cast<std::uint16_t>(i);
    const Theirs theirs = ours;
    const Ours back = theirs;
    ASSERT_EQ(back.bits, i);
    const auto value = static_cast<float>(theirs);
    if (value == value) {
      ASSERT_EQ(value, static_cast<float>(ours)) << i;
    }
  }
}

#if !(defined(KOKKOS_HALF_T_IS_FLOAT) && KOKKOS_HALF_T_IS_FLOAT)
TEST(ForeignSixteenBit, KokkosHalf) { expect_same_bits<half, Kokkos::Experimental::half_t>(); }
#else
TEST(ForeignSixteenBit, KokkosHalfIsAFloatHere) {
  EXPECT_EQ(sizeof(Kokkos::Experimental::half_t), 4U);
  EXPECT_EQ(dtype_of<Kokkos::Experimental::half_t>, DType::f32);
}
#endif
#if !(defined(KOKKOS_BHALF_T_IS_FLOAT) && KOKKOS_BHALF_T_IS_FLOAT)
TEST(ForeignSixteenBit, KokkosBhalf) { expect_same_bits<bfloat16, Kokkos::Experimental::bhalf_t>(); }
#endif
#ifdef KOKKOS_ENABLE_CUDA
TEST(ForeignSixteenBit, CudaHalf) { expect_same_bits<half, __half>(); }
TEST(ForeignSixteenBit, CudaBfloat16) { expect_same_bits<bfloat16, __nv_bfloat16>(); }
#endif

TEST(Types, SizesAndNames) {
  struct Row {
    DType dtype;
    std::size_t size;
    const char* name;
    bool floating;
  };
  for (const Row& row :
       {Row{DType::f64, 8, "f64", true}, Row{DType::f32, 4, "f32", true}, Row{DType::f16, 2, "f16", true},
        Row{DType::bf16, 2, "bf16", true}, Row{DType::u8, 1, "u8", false}, Row{DType::i32, 4, "i32", false},
        Row{DType::i64, 8, "i64", false}}) {
    EXPECT_EQ(size_of(row.dtype), row.size);
    EXPECT_STREQ(name_of(row.dtype), row.name);
    EXPECT_EQ(is_floating(row.dtype), row.floating);
  }
}

TEST(Types, OfCxxTypes) {
  EXPECT_EQ(dtype_of<double>, DType::f64);
  EXPECT_EQ(dtype_of<const float>, DType::f32);
  EXPECT_EQ(dtype_of<half>, DType::f16);
  EXPECT_EQ(dtype_of<bfloat16>, DType::bf16);
  EXPECT_EQ(dtype_of<unsigned char>, DType::u8);
  EXPECT_EQ(dtype_of<bool>, DType::u8);
  EXPECT_EQ(dtype_of<int>, DType::i32);
  EXPECT_EQ(dtype_of<long>, DType::i64);
  EXPECT_EQ(dtype_of<long long>, DType::i64);
}

}  // namespace
}  // namespace mylos::test
