// What this machine can do at most, measured before anything else: by how fast it moves data from each level of its
// memory, multiplies and adds, multiplies matrices with the vendor's library, and launches an empty kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mylos/types.hpp>

#include "support/statistics.hpp"

namespace mylos::bench {

/// A cache, all of its instances that this process may use taken together.
struct CacheLevel {
  std::string name;  // "l1", "l2", "l3"
  std::int64_t bytes = 0;
};

/// Of the default execution space, the smallest first.
std::vector<CacheLevel> cache_levels();

struct Ceiling {
  std::string kind;   // "copy", "read", "write", "triad", "memcpy", "fma", "gemm", "launch"
  std::string level;  // "memory" or a cache; where data moves
  std::string dtype;
  std::string way;    // the fastest of the ways tried; the vendor's library of a product
  double bytes = 0;   // read plus written in one sample
  double flops = 0;   // done in one sample
  Statistics time{};  // ms

  /// The fastest tenth: what the machine can do, not what it does while others use it too.
  double best_ms() const { return time.p10; }
  double gbs() const { return best_ms() > 0 ? bytes / best_ms() * 1e-6 : 0; }
  double tflops() const { return best_ms() > 0 ? flops / best_ms() * 1e-9 : 0; }
};

/// Measured, or made up by a test.
struct Ceilings {
  std::vector<CacheLevel> caches;
  std::vector<Ceiling> list;

  /// Null where there is none. Level and dtype are empty for kinds that have none.
  const Ceiling* find(const std::string& kind, const std::string& level, const std::string& dtype) const;
  double launch_ms() const;
  std::int64_t last_level_cache() const { return caches.empty() ? 0 : caches.back().bytes; }
};

struct CeilingOptions {
  std::vector<DType> dtypes;
  std::int64_t memory_limit = 0;  // bytes
  int samples = 15;
};

/// All of them. Prints a line for each, and a warning where the best copy and the plain memcpy differ by more than 2 %.
Ceilings measure_ceilings(const CeilingOptions& options);

/// Measures `ceiling` once more and keeps the faster of the two: for a result that is above it.
void measure_again(Ceiling& ceiling, const CeilingOptions& options);

}  // namespace mylos::bench
