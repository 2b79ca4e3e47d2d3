// The fuzzer's entry point with random bytes, for two seconds: in the sanitized build, where clang's fuzzer is not at
// hand. MYLOS_FUZZ_SECONDS gives another time, MYLOS_FUZZ_TRACE prints each seed before its call.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <Kokkos_Core.hpp>

#include "fuzz/calls.hpp"

TEST(FuzzTest, RandomBytesAreAcceptedOrRefused) {
  if (Kokkos::SpaceAccessibility<Kokkos::DefaultExecutionSpace, Kokkos::HostSpace>::accessible == false)
    GTEST_SKIP() << "the fuzzer's memory is the host's";
  const char* given = std::getenv("MYLOS_FUZZ_SECONDS");
  const bool trace = std::getenv("MYLOS_FUZZ_TRACE") != nullptr;
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(given != nullptr ? std::atof(given) : 2);
  std::uint64_t seed = 0;
  int accepted = 0;
  std::vector<std::uint8_t> bytes;
  for (; std::chrono::steady_clock::now() < end; ++seed) {
    if (trace) std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(seed));
    std::mt19937_64 random(seed);
    bytes.resize(16 + random() % 496);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() >> 32);
    accepted += mylos::fuzz::call(bytes.data(), bytes.size()) ? 1 : 0;
  }
  std::printf("%llu calls, %d accepted\n", static_cast<unsigned long long>(seed), accepted);
  EXPECT_GT(accepted, 0);
  EXPECT_LT(static_cast<std::uint64_t>(accepted), seed);
}
