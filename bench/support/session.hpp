// A Google Benchmark program whose samples are taken by timing.hpp and whose results also go into a table and a compact
// JSON file. A program fills a list of entries and calls run_session().
#pragma once

#include <benchmark/benchmark.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <regex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <mylos/path.hpp>

#include "support/copy.hpp"
#include "support/results.hpp"

namespace mylos::bench {

enum class Clock {
  device,   // of one call, cold cache: what bandwidth is computed from
  enqueue,  // per call of many that nobody waits for, host side included
  sync      // per call that is waited for, host side included
};

/// Something to time, made on a workspace that has the entry's dtype and values.
struct Case {
  std::string shape;
  double bytes = 0;  // read plus written
  std::function<void(int turn)> call;
  std::string kernel;                                  // empty: mylos::last_kernel()
  double flops = 0;                                    // where arithmetic is what counts
  std::function<std::pair<double, double>()> error{};  // of the last call's result: Result::error_max and error_rms
};

template <class Exec>
struct Entry {
  std::string name;
  DType dtype = DType::f32;
  std::string path;  // as it is shown
  std::function<Case(Workspace<Exec>&)> make;
  Values values = Values::normal;
  Path forced = Path::automatic;
  Clock clock = Clock::device;

  std::string full_name() const { return name + '/' + name_of(dtype) + '/' + path; }
};

/// What every entry shares; the bare launch is what latencies are compared with.
template <class Exec>
struct Session {
  Exec exec;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  int samples = 15;
  std::function<void()> bare_launch;
  Report report;
  std::string line;  // of the latest entry, for the table

  Workspace<Exec>& workspace(DType dtype) {
    if (!workspace_ || workspace_->dtype != dtype) {
      copy_.reset();
      workspace_.reset();  // before the next one is made: memory holds one of them
      workspace_ = std::make_unique<Workspace<Exec>>(exec, dtype, rows, cols);
      copy_ = std::make_unique<Copy<Exec>>(exec, *workspace_);
      for (const auto& trial : copy_->trials())
        report.copies.push_back({trial.way.name, name_of(dtype), trial.time, trial.gbs});
      if (report.copy_gbs == 0) report.copy_gbs = copy_->best().gbs;
    }
    return *workspace_;
  }
  Copy<Exec>& copy() { return *copy_; }

 private:
  std::unique_ptr<Workspace<Exec>> workspace_;
  std::unique_ptr<Copy<Exec>> copy_;
};

namespace detail {

inline std::string row_of(const Result& r) {
  char text[256];
  if (r.of_launch)
    std::snprintf(text, sizeof(text), "%-20s %-5s %-13s %-10s %10.5f %10.5f %10.5f %22s %6.2f of a bare launch  %s",
                  r.name.c_str(), r.dtype.c_str(), r.shape.c_str(), r.path.c_str(), r.time.median, r.time.p10,
                  r.time.p90, "", *r.of_launch, r.kernel.c_str());
  else if (r.flops > 0)
    std::snprintf(text, sizeof(text), "%-20s %-5s %-13s %-10s %10.4f %10.4f %10.4f %9.2fT %10.2g  %s", r.name.c_str(),
                  r.dtype.c_str(), r.shape.c_str(), r.path.c_str(), r.time.median, r.time.p10, r.time.p90, r.tflops(),
                  r.error_max.value_or(0), r.kernel.c_str());
  else
    std::snprintf(text, sizeof(text), "%-20s %-5s %-13s %-10s %10.4f %10.4f %10.4f %10.1f %9.1f%%  %s", r.name.c_str(),
                  r.dtype.c_str(), r.shape.c_str(), r.path.c_str(), r.time.median, r.time.p10, r.time.p90, r.gbs(),
                  100 * r.of_copy(), r.kernel.c_str());
  return text;
}

template <class Exec>
std::vector<double> measure(Session<Exec>& session, const Entry<Exec>& entry, const Case& c, Result& result) {
  if (entry.clock == Clock::device) {
    const std::vector<double> samples = sample_ms(session.exec, {2, session.samples, session.samples, 0}, c.call);
    session.copy().refresh();
    result.copy_gbs = session.copy().recent_gbs();
    return samples;
  }
  const bool sync = entry.clock == Clock::sync;
  const int calls = sync ? 200 : 1000;
  const auto bare = summarize(latency_ms(session.exec, session.samples, calls, sync, session.bare_launch));
  const std::vector<double> samples = latency_ms(session.exec, session.samples, calls, sync, [&] { c.call(0); });
  result.of_launch = summarize(samples).median / bare.median;
  return samples;
}

template <class Exec>
void run_entry(benchmark::State& state, Session<Exec>& session, const Entry<Exec>& entry) try {
  Workspace<Exec>& workspace = session.workspace(entry.dtype);
  workspace.set_values(entry.values);
  const Case c = entry.make(workspace);
  Result result;
  std::vector<double> samples;
  {
    const ScopedPath path(entry.forced);
    samples = measure(session, entry, c, result);
  }
  result.name = entry.name;
  result.dtype = name_of(entry.dtype);
  result.shape = c.shape;
  result.path = entry.path;
  result.kernel = c.kernel.empty() ? last_kernel() : c.kernel;
  result.bytes = c.bytes;
  result.flops = c.flops;
  if (c.error) std::tie(result.error_max, result.error_rms) = c.error();
  result.time = summarize(samples);

  auto sample = samples.begin();
  for ([[maybe_unused]] auto _ : state) state.SetIterationTime(1e-3 * *sample++);
  state.SetLabel(result.kernel);
  state.counters["median_ms"] = result.time.median;
  state.counters["p10_ms"] = result.time.p10;
  state.counters["p90_ms"] = result.time.p90;
  if (result.bytes > 0) {
    state.counters["bytes"] = result.bytes;
    state.counters["GBs"] = result.gbs();
    state.counters["of_copy"] = result.of_copy();
  }
  if (result.flops > 0) state.counters["TFLOPs"] = result.tflops();
  if (result.of_launch) state.counters["of_launch"] = *result.of_launch;
  session.line = row_of(result);
  session.report.cases.push_back(std::move(result));
} catch (const std::exception& error) {
  session.line = entry.full_name() + ": skipped: " + error.what();
  state.SkipWithError(error.what());
}

/// Prints a line of the table as soon as it is known.
class TableReporter : public benchmark::BenchmarkReporter {
 public:
  explicit TableReporter(std::string& line) : line_(line) {}
  bool ReportContext(const Context&) override {
    std::printf("%-20s %-5s %-13s %-10s %10s %10s %10s %10s %10s  %s\n", "case", "dtype", "shape", "path", "median ms",
                "p10", "p90", "GB/s", "of copy", "kernel");
    return true;
  }
  void ReportRuns(const std::vector<Run>&) override {
    if (!line_.empty()) std::printf("%s\n", line_.c_str());  // once: the aggregates of repetitions have no line
    std::fflush(stdout);
    line_.clear();
  }

 private:
  std::string& line_;
};

}  // namespace detail

/// Runs the entries whose full name matches the regular expression; argv has Google Benchmark's own options. Returns
/// how many ran.
template <class Exec>
std::size_t run_session(Session<Exec>& session, const std::vector<Entry<Exec>>& entries, const std::string& filter,
                        int& argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  session.report.context = machine_context();
  for (const auto& [key, value] : session.report.context) {
    std::printf("%-16s %s\n", key.c_str(), value.c_str());
    benchmark::AddCustomContext(key, value);
  }
  std::printf("\n");
  const std::regex pattern(filter);
  for (const Entry<Exec>& entry : entries) {
    if (!std::regex_search(entry.full_name(), pattern)) continue;
    benchmark::RegisterBenchmark(entry.full_name().c_str(),
                                 [&](benchmark::State& state) { detail::run_entry(state, session, entry); })
        ->UseManualTime()
        ->Iterations(session.samples)
        ->Unit(benchmark::kMillisecond);
  }
  detail::TableReporter table(session.line);
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks(&table);
  benchmark::Shutdown();
  return ran;
}

}  // namespace mylos::bench
