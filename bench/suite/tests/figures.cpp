// The figures that are computed from measurements: intervals, roofs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "doubles.hpp"
#include "suite/roofline.hpp"
#include "support/statistics.hpp"

namespace mylos::bench {
namespace {

using test::made_up;

/// 1, 2, ..., n, the last one first.
std::vector<double> counted_to(int n) {
  std::vector<double> samples(static_cast<std::size_t>(n));
  std::iota(samples.rbegin(), samples.rend(), 1.0);
  return samples;
}

// Ranks from tables of the sign test, as in Conover, Practical Nonparametric Statistics.
TEST(MedianInterval, HasTheRanksOfTheTables) {
  const auto expect = [](int n, double low, double high) {
    const auto interval = median_interval(counted_to(n));
    ASSERT_TRUE(interval.has_value()) << n;
    EXPECT_EQ(interval->first, low) << n;
    EXPECT_EQ(interval->second, high) << n;
  };
  expect(6, 1, 6);
  expect(8, 1, 8);
  expect(9, 2, 8);
  expect(10, 2, 9);
  expect(15, 4, 12);
  expect(20, 6, 15);
  expect(25, 8, 18);
  expect(50, 18, 33);
  expect(100, 40, 61);
}

TEST(MedianInterval, NeedsSixSamples) {
  for (int n = 0; n < 6; ++n) EXPECT_FALSE(median_interval(counted_to(n)).has_value()) << n;
}

TEST(MedianInterval, SurvivesManySamples) {
  const auto interval = median_interval(counted_to(10000));
  ASSERT_TRUE(interval.has_value());
  EXPECT_NEAR(interval->first, 5000 - 1.96 * 50, 2);
  EXPECT_NEAR(interval->second, 5001 + 1.96 * 50, 2);
}

Ceilings machine() {
  Ceilings c;
  c.caches = {{"l1", 1000}, {"l2", 10000}};
  for (const auto& [level, factor] : {std::pair("memory", 1.0), std::pair("l2", 10.0), std::pair("l1", 100.0)}) {
    c.list.push_back(made_up("copy", level, "f32", 100 * factor));
    c.list.push_back(made_up("read", level, "f32", 130 * factor));
    c.list.push_back(made_up("write", level, "f32", 90 * factor));
    c.list.push_back(made_up("triad", level, "f32", 110 * factor));
  }
  c.list.push_back(made_up("copy", "memory", "f64", 105));
  c.list.push_back(made_up("fma", "", "f32", 0, 60));
  c.list.push_back(made_up("gemm", "", "f32", 0, 50));
  c.list.push_back(made_up("fma", "", "f64", 0, 30));
  c.list.push_back(made_up("gemm", "", "f64", 0, 62));
  Ceiling launch = made_up("launch", "", "", 0);
  launch.time = {0.002, 0.002, 0.002, 15};
  c.list.push_back(launch);
  return c;
}

double bandwidth(const std::string& family, double write_share, std::int64_t working_set = 1 << 30,
                 DType dtype = DType::f32) {
  return memory_ceiling({dtype, family, 1, write_share, 0, working_set}, machine())->gbs();
}

TEST(Roofline, BandwidthIsThatOfTheSameMix) {
  EXPECT_DOUBLE_EQ(bandwidth("map", -1), 100);
  EXPECT_DOUBLE_EQ(bandwidth("reduce", -1), 130);
  EXPECT_DOUBLE_EQ(bandwidth("loss", -1), 130);
  EXPECT_DOUBLE_EQ(bandwidth("contract", -1), 130) << "unknown: the fastest";
  EXPECT_DOUBLE_EQ(bandwidth("map", 1.0 / 3), 110);
  EXPECT_DOUBLE_EQ(bandwidth("map", 0.2), 130) << "between read and triad";
  EXPECT_DOUBLE_EQ(bandwidth("map", 0.4), 110) << "between triad and copy";
  EXPECT_DOUBLE_EQ(bandwidth("map", 0.75), 100) << "between copy and write";
  EXPECT_DOUBLE_EQ(bandwidth("map", 1), 90);
  EXPECT_DOUBLE_EQ(bandwidth("map", -1, 1 << 30, DType::f64), 105);
  EXPECT_DOUBLE_EQ(bandwidth("map", -1, 1 << 30, DType::bf16), 100) << "not measured: that of f32";
}

TEST(Roofline, LevelIsTheSmallestThatTheWorkingSetFitsInto) {
  EXPECT_DOUBLE_EQ(bandwidth("map", -1, 1000), 10000);
  EXPECT_DOUBLE_EQ(bandwidth("map", -1, 1001), 1000);
  EXPECT_DOUBLE_EQ(bandwidth("map", -1, 39999), 1000) << "in part still in the last cache";
  EXPECT_DOUBLE_EQ(bandwidth("map", -1, 40000), 100);
}

TEST(Roofline, ColdCopiesAreFourTimesTheLastCache) {
  EXPECT_EQ(cold_slots(40000, machine()), 1);
  EXPECT_EQ(cold_slots(39999, machine()), 2);
  EXPECT_EQ(cold_slots(1000, machine()), 40);
  EXPECT_EQ(cold_slots(1, machine()), 256);
  EXPECT_TRUE(can_be_warm(5000, machine()));
  EXPECT_FALSE(can_be_warm(5001, machine()));
}

TEST(Roofline, RateIsTheLargestThatTheArithmeticAllows) {
  Ceilings c = machine();
  EXPECT_DOUBLE_EQ(compute_ceiling(DType::f32, c).tflops(), 60);
  EXPECT_DOUBLE_EQ(compute_ceiling(DType::f64, c).tflops(), 62);
  EXPECT_DOUBLE_EQ(compute_ceiling(DType::bf16, c).tflops(), 60) << "in f32";
  c.list.push_back(made_up("gemm", "", "f16", 0, 600));
  EXPECT_DOUBLE_EQ(compute_ceiling(DType::f32, c).tflops(), 200) << "three products of halves";
  EXPECT_EQ(compute_ceiling(DType::f32, c).kind, "gemm");
  EXPECT_DOUBLE_EQ(compute_ceiling(DType::f16, c).tflops(), 600);
  EXPECT_DOUBLE_EQ(compute_ceiling(DType::f64, c).tflops(), 62);
}

TEST(Roofline, BoundIsWhatTakesLongest) {
  const auto roof = [](double bytes, double flops) {
    return roof_of({DType::f32, "map", bytes, 0.5, flops, 1 << 30}, machine());
  };
  EXPECT_EQ(roof(1e9, 0).bound, "memory");
  EXPECT_DOUBLE_EQ(roof(1e9, 0).ms, 10);
  EXPECT_EQ(roof(1e9, 6e11).bound, "memory");
  EXPECT_EQ(roof(1e9, 6.1e11).bound, "compute");
  EXPECT_DOUBLE_EQ(roof(0, 6e12).ms, 100);
  EXPECT_EQ(roof(1e5, 0).bound, "launch");
  EXPECT_DOUBLE_EQ(roof(1e5, 0).ms, 0.002);
  EXPECT_DOUBLE_EQ(roof(1e5, 0).least_ms, 0.001);
}

TEST(Roofline, ImpossibleIsWhatIsFasterThanDataMovesByMoreThanNoise) {
  const auto impossible = [](double ms, std::int64_t working_set) {
    const Ceilings ceilings = machine();
    const double gbs = memory_ceiling({DType::f32, "map", 1, 0.5, 0, working_set}, ceilings)->gbs();
    return is_impossible(ms, roof_of({DType::f32, "map", gbs * 1e6, 0.5, 0, working_set}, ceilings));
  };
  EXPECT_FALSE(impossible(0.98, 1 << 30));
  EXPECT_TRUE(impossible(0.96, 1 << 30));
  EXPECT_FALSE(impossible(0.92, 1000));
  EXPECT_TRUE(impossible(0.90, 1000));
  EXPECT_TRUE(impossible(std::numeric_limits<double>::quiet_NaN(), 1000));
}

}  // namespace
}  // namespace mylos::bench
