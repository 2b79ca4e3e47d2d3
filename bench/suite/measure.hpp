// One case, measured in one state of the cache.
#pragma once

#include "suite/result.hpp"

namespace mylos::bench {

struct MeasureOptions {
  int samples = 15;         // of each case, at least; of calls of seconds fewer
  double min_time_s = 0.2;  // more samples, three times as many at most, until they take this together
  double max_time_s = 10;   // fewer samples, 6 at least, so that they take no more than this together
};

/// How many samples of a call that takes call_ms.
int sample_count(double call_ms, const MeasureOptions& options);

/// Everything but whether it counts, which result.hpp says. Throws what making or calling the case throws.
CaseResult measure_case(const SuiteCase<Kokkos::DefaultExecutionSpace>& c, int slots, const char* cache,
                        const MeasureOptions& options, const Ceilings& ceilings);

}  // namespace mylos::bench
