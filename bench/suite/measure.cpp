#include "suite/measure.hpp"

#include <algorithm>
#include <utility>

#include "suite/memory_watch.hpp"
#include "support/timing.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;

double call_ms(const Exec& exec, RunningCase& running, int turn) {
  exec.fence("mylos bench: before a call");
  const Stopwatch watch;
  running.call(turn);
  exec.fence("mylos bench: call");
  return watch.ms();
}

/// The same call twice on spoilt outputs: its error, and whether the bits are the same. Returns the second one's time.
double check(const Exec& exec, RunningCase& running, CaseResult& result) {
  const auto run = [&] {
    running.spoil();
    return call_ms(exec, running, 0);
  };
  run();
  const std::uint64_t first = running.digest();
  result.error.before = running.error();
  const double ms = run();
  result.repeatable = running.digest() == first;
  return ms;
}

/// On every copy but the first, at least once each and for 20 ms, so that clocks are where they stay. A call that takes
/// long has been called often enough.
void warm_up(RunningCase& running, int slots, double ms) {
  const int for_clocks = static_cast<int>(std::min(200.0, 20 / std::max(ms, 1e-3)));
  const int calls = std::max(slots - 1, for_clocks);
  for (int i = 0; i < calls; ++i) running.call(slots == 1 ? 0 : 1 + i % (slots - 1));
}

/// The outputs of copy 0 are spoilt before anything is timed; calls on all other copies push them out of the cache; and
/// the first of the timed calls writes them again, so that what is checked afterwards is what was timed.
void take_samples(const Exec& exec, RunningCase& running, int slots, double ms, int count, CaseResult& result) {
  TelemetryWatch watch;
  if (slots == 1) warm_up(running, slots, ms);
  running.spoil();
  if (slots > 1) warm_up(running, slots, ms);
  exec.fence("mylos bench: warm-up");
  result.samples_ms.resize(static_cast<std::size_t>(count));
  watch.start();
  collect(exec, result.samples_ms, 0, [&](int turn) { running.call(turn); });
  result.telemetry = watch.stop();
  result.error.after = running.error();
}

CaseResult described(const SuiteCase<Exec>& c, int slots, const char* cache) {
  CaseResult r;
  r.run_name = c.full_name() + '/' + cache;
  r.suite = c.suite;
  r.name = c.name;
  r.op = c.op;
  r.family = c.family;
  r.dtype = name_of(c.dtype);
  r.shape = c.shape;
  r.layout = c.layout;
  r.path = c.path;
  r.cache = cache;
  r.bytes = c.bytes;
  r.flops = c.flops;
  r.bytes_formula = c.bytes_formula;
  r.flops_formula = c.flops_formula;
  r.work = {c.dtype, c.family, c.bytes, c.write_share, c.flops, slots * c.slot_bytes};
  r.error.unit = c.error_unit;
  r.error.bound = c.error_bound;
  r.reference = c.reference;
  return r;
}

}  // namespace

int sample_count(double ms, const MeasureOptions& options) {
  const double fitting_min = 1e3 * options.min_time_s / std::max(ms, 1e-6);
  const double fitting_max = 1e3 * options.max_time_s / std::max(ms, 1e-6);
  const int wanted = static_cast<int>(
      std::clamp(fitting_min, static_cast<double>(options.samples), 3.0 * static_cast<double>(options.samples)));
  const int affordable = static_cast<int>(std::clamp(fitting_max, 6.0, static_cast<double>(wanted)));
  return std::min(wanted, affordable);
}

CaseResult measure_case(const SuiteCase<Exec>& c, int slots, const char* cache, const MeasureOptions& options,
                        const Ceilings& ceilings) {
  const Exec exec;
  CaseResult result = described(c, slots, cache);
  MemoryWatch memory;
  const std::unique_ptr<RunningCase> running = c.make(exec, slots);
  exec.fence("mylos bench: case made");
  memory.made();
  const ScopedPath path(c.forced);
  result.first_call_ms = call_ms(exec, *running, 0);
  result.memory_high_water = memory.high_water();
  result.kernel = c.kernel.empty() ? last_kernel() : c.kernel;
  const double ms = check(exec, *running, result);
  take_samples(exec, *running, slots, ms, sample_count(ms, options), result);
  result.roof = roof_of(result.work, ceilings);
  return result;
}

}  // namespace mylos::bench
