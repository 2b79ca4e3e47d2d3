// The kernels behind the ceilings do what they are timed for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <tuple>

#include "suite/ceilings.hpp"
#include "suite/moves.hpp"

namespace mylos::bench {
namespace {

using Exec = MoveBuffers::Exec;

/// Small integers, exact in every dtype, which the triad leaves exact too.
template <class T>
T element(std::size_t i, int array) {
  return static_cast<T>(array == 0 ? 1 : (i * static_cast<std::size_t>(array)) % 61);
}

template <class T>
std::vector<T> from_device(const Kokkos::View<char*, Exec::memory_space>& view) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  std::vector<T> values(host.extent(0) / sizeof(T));
  std::memcpy(values.data(), host.data(), host.extent(0));
  return values;
}

template <class T>
void set(const Kokkos::View<char*, Exec::memory_space>& view, int array) {
  const auto host = Kokkos::create_mirror_view(Kokkos::HostSpace(), view);
  std::vector<T> values(host.extent(0) / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = element<T>(i, array);
  std::memcpy(host.data(), values.data(), host.extent(0));
  Kokkos::deep_copy(view, host);
}

template <class T>
void expect_moves(Move kind, DType dtype, int passes) {
  const Exec exec;
  const MoveBuffers buffers(exec, std::int64_t{1} << 20);
  const std::int64_t grain = std::int64_t{4096} * exec.concurrency();
  const std::int64_t bytes = std::min(buffers.bytes, (buffers.bytes / grain) * grain);
  ASSERT_GT(bytes, 0);
  const MoveTask task{kind, dtype, bytes, passes};
  EXPECT_EQ(task.bytes_moved(), static_cast<double>(arrays_of(kind) * bytes) * passes);
  for (const CopyWay& way : move_ways(buffers, task)) {
    set<T>(buffers.a, 0);
    set<T>(buffers.b, 1);
    set<T>(buffers.c, 2);
    way.run(0);
    exec.fence("test: move");
    const std::vector<T> a = from_device<T>(buffers.a);
    const T constant = a[0];  // what is written is the way's own affair
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(bytes) / sizeof(T); ++i) {
      const T b = element<T>(i, 1);
      const T c = element<T>(i, 2);
      const T expected = kind == Move::copy    ? b
                         : kind == Move::read  ? T(1)
                         : kind == Move::write ? constant
                                               : static_cast<T>(b + T(3) * c);
      wrong += a[i] != expected;
    }
    EXPECT_EQ(wrong, 0U) << name_of(kind) << ' ' << name_of(dtype) << ", " << way.name;
    EXPECT_TRUE(kind != Move::write || constant != T(1)) << way.name;
  }
}

class Moves : public testing::TestWithParam<std::tuple<Move, int>> {};

TEST_P(Moves, DoWhatTheyAreTimedFor) {
  const auto [kind, passes] = GetParam();
  expect_moves<double>(kind, DType::f64, passes);
  expect_moves<float>(kind, DType::f32, passes);
  expect_moves<std::uint16_t>(kind, DType::f16, passes);
  expect_moves<std::uint16_t>(kind, DType::bf16, passes);
}

INSTANTIATE_TEST_SUITE_P(
    , Moves, testing::Combine(testing::Values(Move::copy, Move::read, Move::write, Move::triad), testing::Values(1, 5)),
    [](const auto& of) {
      return std::string(name_of(std::get<0>(of.param))) + (std::get<1>(of.param) == 1 ? "_once" : "_again_and_again");
    });

TEST(Ceilings, MultiplyAddsTakeTime) {
  const Exec exec;
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
    const FmaTask task = fma_task(exec, dtype);
    if (task.flops == 0) {
      EXPECT_TRUE(is_sixteen_bit(dtype)) << name_of(dtype);
      continue;
    }
    const double ms = summarize(sample_ms(exec, {1, 3, 3, 0}, task.run)).median;
    // No processor that exists does more than 10 PFLOP/s out of registers: a loop that was optimised away would.
    EXPECT_LT(task.flops / ms * 1e-9, 1e4) << name_of(dtype);
  }
}

TEST(Ceilings, CachesGrow) {
  const std::vector<CacheLevel> levels = cache_levels();
  ASSERT_FALSE(levels.empty());
  for (std::size_t i = 1; i < levels.size(); ++i) EXPECT_GT(levels[i].bytes, levels[i - 1].bytes) << levels[i].name;
}

}  // namespace
}  // namespace mylos::bench
