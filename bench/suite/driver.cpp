#include "suite/driver.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <regex>
#include <set>

#include "suite/console.hpp"
#include "suite/interrupt.hpp"
#include "support/context.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;

bool asked(const std::vector<std::string>& list, const std::string& name) {
  return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (std::string("\\^$.|?*+()[]{}").find(c) != std::string::npos) result += '\\';
    result += c;
  }
  return result;
}

/// What the run of all cases shares.
class Driver {
 public:
  Driver(const RunOptions& options, Ceilings ceilings, const std::vector<PlannedCase>& planned)
      : options_(options), console_(planned, ceilings, options.progress, options.quiet) {
    report_.ceilings = std::move(ceilings);
  }

  void run(benchmark::State& state, const PlannedCase& planned) {
    report_.interrupted = interrupt_.asked();
    if (report_.interrupted) return skip(state, planned, "interrupted", false);
    console_.begin(planned);
    try {
      CaseResult result = measured(planned);
      for ([[maybe_unused]] auto _ : state) state.SetIterationTime(1e-3 * result.time().median);
      set_counters(state, result);
      append(report_.telemetry, result.telemetry);
      console_.show(result);
      keep(std::move(result));
    } catch (const std::bad_alloc&) {
      skip(state, planned, "memory: an allocation failed", false);
    } catch (const std::exception& error) {
      skip(state, planned, error.what(), is_ours(planned.what->path));
    }
    console_.end(planned);
  }

  void skip_without_running(const PlannedCase& planned) {
    report_.skipped.push_back({planned.run_name(), planned.skip_reason, false});
    console_.show(report_.skipped.back());
  }

  SuiteReport finish() {
    // A ceiling that was raised on the way is the ceiling of those that ran before, too.
    for (CaseResult& result : report_.results) result.roof = roof_of(result.work, report_.ceilings);
    console_.finish(report_);
    return std::move(report_);
  }

 private:
  CaseResult measured(const PlannedCase& planned) {
    CaseResult result = measure_case(*planned.what, planned.slots, planned.cache, options_.measure, report_.ceilings);
    result.repro = repro_of(planned, options_);
    // Where others use the machine too, one more look may not be enough.
    for (int look = 0; look < 3 && options_.measure_again && is_impossible(result.time().median, result.roof); ++look) {
      const Ceiling& least = result.roof.least;
      for (Ceiling& ceiling : report_.ceilings.list)
        if (ceiling.kind == least.kind && ceiling.level == least.level && ceiling.dtype == least.dtype)
          options_.measure_again(ceiling);
      result.roof = roof_of(result.work, report_.ceilings);
    }
    return result;
  }

  static void set_counters(benchmark::State& state, const CaseResult& result) {
    const Statistics time = result.time();
    state.SetLabel(result.kernel);
    state.counters["p10_ms"] = time.p10;
    state.counters["p90_ms"] = time.p90;
    state.counters["of_ceiling"] = result.of_ceiling();
    if (result.bytes > 0) state.counters["GBs"] = result.bytes / time.median * 1e-6;
    if (result.flops > 0) state.counters["TFLOPs"] = result.flops / time.median * 1e-9;
  }

  /// With --benchmark_repetitions a case runs several times: one result with all of its samples, as bad as the worst.
  void keep(CaseResult result) {
    for (CaseResult& earlier : report_.results) {
      if (earlier.run_name != result.run_name) continue;
      const bool earlier_is_worse = !earlier.invalid_reason().empty();
      CaseResult& worse = earlier_is_worse ? earlier : result;
      const CaseResult& other = earlier_is_worse ? result : earlier;
      worse.samples_ms.insert(worse.samples_ms.end(), other.samples_ms.begin(), other.samples_ms.end());
      append(worse.telemetry, other.telemetry);
      if (!earlier_is_worse) earlier = std::move(result);
      return;
    }
    report_.results.push_back(std::move(result));
  }

  void skip(benchmark::State& state, const PlannedCase& planned, const std::string& reason, bool failed) {
    state.SkipWithError(reason.c_str());
    report_.skipped.push_back({planned.run_name(), reason, failed});
    console_.show(report_.skipped.back());
  }

  const RunOptions& options_;
  SuiteReport report_;
  Console console_;
  InterruptWatch interrupt_;
};

/// Lines are printed by the console, as soon as they are known.
class SilentReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

}  // namespace

std::vector<PlannedCase> plan(const std::vector<SuiteCase<Exec>>& cases, const RunOptions& options,
                              const Ceilings& ceilings) {
  const std::regex pattern(options.filter);
  std::vector<PlannedCase> planned;
  std::set<std::string> seen;
  for (const SuiteCase<Exec>& c : cases) {
    if (!asked(options.dtypes, name_of(c.dtype)) || !asked(options.layouts, c.layout) || !asked(options.paths, c.path))
      continue;
    std::vector<PlannedCase> states{{&c, "cold", cold_slots(c.slot_bytes, ceilings), {}}};
    if (can_be_warm(c.slot_bytes, ceilings)) states.push_back({&c, "warm", 1, {}});
    for (PlannedCase& state : states) {
      if (!std::regex_search(state.run_name(), pattern)) continue;
      if (!seen.insert(state.run_name()).second)
        throw std::runtime_error("two cases have the name " + state.run_name());
      const std::int64_t needed = state.slots * c.slot_bytes + c.scratch_bytes;
      if (options.memory_limit > 0 && needed > options.memory_limit)
        state.skip_reason = "memory: it needs " + in_gigabytes(static_cast<double>(needed)) + ", the limit is " +
                            in_gigabytes(static_cast<double>(options.memory_limit));
      planned.push_back(std::move(state));
    }
  }
  return planned;
}

SuiteReport run_suite(const std::vector<SuiteCase<Exec>>& cases, const RunOptions& options, Ceilings ceilings) {
  const std::vector<PlannedCase> planned = plan(cases, options, ceilings);
  Driver driver(options, std::move(ceilings), planned);
  bool any = false;
  for (const PlannedCase& one : planned) {
    if (!one.skip_reason.empty()) {
      driver.skip_without_running(one);
      continue;
    }
    any = true;
    benchmark::RegisterBenchmark(one.run_name().c_str(), [&driver, &one](benchmark::State& s) { driver.run(s, one); })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
  SilentReporter silent;
  if (any) benchmark::RunSpecifiedBenchmarks(&silent);
  benchmark::ClearRegisteredBenchmarks();
  return driver.finish();
}

std::string repro_of(const PlannedCase& planned, const RunOptions& options) {
  std::string command = "mylos-bench --suite " + planned.what->suite;
  const MeasureOptions usual;
  const auto add = [&](const char* name, double value, double other) {
    char text[64];
    std::snprintf(text, sizeof(text), " %s %g", name, value);
    if (value != other) command += text;
  };
  add("--samples", options.measure.samples, usual.samples);
  add("--min-time", options.measure.min_time_s, usual.min_time_s);
  add("--max-time", options.measure.max_time_s, usual.max_time_s);
  return command + " --filter '^" + escaped(planned.run_name()) + "$'";
}

}  // namespace mylos::bench
