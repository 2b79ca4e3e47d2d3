// The least time that a case can take on this machine, and what says so.
#pragma once

#include <cstdint>
#include <string>

#include <mylos/types.hpp>

#include "suite/ceilings.hpp"

namespace mylos::bench {

/// What a call must do at least.
struct Work {
  DType dtype = DType::f32;
  std::string family;
  double bytes = 0;
  double write_share = -1;  // see SuiteCase
  double flops = 0;
  std::int64_t working_set = 0;  // bytes that all copies of the tensors take together
};

struct Roof {
  double ms = 0;        // max(bytes / bandwidth, flops / rate, launch)
  std::string bound;    // "memory", "compute", "launch": which of them
  Ceiling ceiling;      // whose
  double least_ms = 0;  // without the launch, whose own time is as uncertain as it is short
  Ceiling least;        // what says so: the ceiling unless the launch binds
  double tolerance = 0;
};

Roof roof_of(const Work& work, const Ceilings& ceilings);

/// "memory", or the smallest cache that the working set fits into. A set that is not four times the last cache may be
/// found there in part and counts as lying in it: caches do not drop the oldest line first.
std::string level_of(std::int64_t working_set, const Ceilings& ceilings);

/// How many copies of `slot_bytes` make a working set that comes from memory, 256 at most; 1 where one is enough.
int cold_slots(std::int64_t slot_bytes, const Ceilings& ceilings);

/// Whether one copy stays in the last cache.
bool can_be_warm(std::int64_t slot_bytes, const Ceilings& ceilings);

/// The bandwidth that binds a call which writes this share of its bytes: that of the two moves whose shares are next to
/// it, the faster one. Null where none was measured.
const Ceiling* memory_ceiling(const Work& work, const Ceilings& ceilings);

/// The rate that binds arithmetic of a dtype: the largest of
///   its multiply-adds in registers,
///   its best product by the vendor's library,
///   for f16 and bf16 those of f32, in which they are computed,
///   for f32 a third of the best f16 product: halves have 11 bits, so three products of halves make one of 22 to 24.
Ceiling compute_ceiling(DType dtype, const Ceilings& ceilings);

/// Above its ceiling by more than the tolerance.
bool is_impossible(double median_ms, const Roof& roof);

/// The rules above in words, for whoever reads the figures.
const char* roofline_rules();

}  // namespace mylos::bench
