#include "suite/console.hpp"

#include <algorithm>
#include <cstdio>

namespace mylos::bench {
namespace {

std::string time_text(double seconds) {
  char text[32];
  if (seconds < 90)
    std::snprintf(text, sizeof(text), "%.0f s", seconds);
  else if (seconds < 5400)
    std::snprintf(text, sizeof(text), "%.0f min", seconds / 60);
  else
    std::snprintf(text, sizeof(text), "%.1f h", seconds / 3600);
  return text;
}

/// Blank where there is no such figure.
std::string figure(double value, const char* format) {
  char text[32] = "";
  if (value > 0) std::snprintf(text, sizeof(text), format, value);
  return text;
}

}  // namespace

Console::Console(const std::vector<PlannedCase>& planned, const Ceilings& ceilings, bool progress, bool quiet)
    : ceilings_(ceilings), progress_(progress && !quiet), quiet_(quiet) {
  for (const PlannedCase& one : planned) {
    name_width_ = std::max(name_width_, static_cast<int>(one.run_name().size()));
    if (!one.skip_reason.empty()) continue;
    ++total_;
    total_weight_ += weight_of(one);
  }
}

/// About proportional to the time that a case takes: its samples at the roof, its tensors written and read for the
/// checks, and something for being there.
double Console::weight_of(const PlannedCase& planned) const {
  const SuiteCase<Kokkos::DefaultExecutionSpace>& c = *planned.what;
  const Roof roof =
      roof_of({c.dtype, c.family, c.bytes, c.write_share, c.flops, planned.slots * c.slot_bytes}, ceilings_);
  return 0.05 + 0.02 * roof.ms + 1e-9 * static_cast<double>(planned.slots * c.slot_bytes);
}

void Console::clear_progress() const {
  if (progress_) std::fprintf(stderr, "\r\033[K");
}

void Console::begin(const PlannedCase& planned) {
  if (!progress_) return;
  const double left = done_weight_ > 0 ? watch_.seconds() / done_weight_ * (total_weight_ - done_weight_) : 0;
  std::fprintf(stderr, "\r\033[K[%zu/%zu] %s%s", done_ + 1, total_,
               done_weight_ > 0 ? (time_text(left) + " left: ").c_str() : "", planned.run_name().c_str());
  std::fflush(stderr);
}

void Console::heading() {
  if (heading_shown_) return;
  heading_shown_ = true;
  std::printf("%-*s %10s %10s %10s %9s %8s %8s %-8s %8s  %s\n", name_width_, "case", "median ms", "p10", "p90", "GB/s",
              "TFLOP/s", "of roof", "bound", "error", "kernel");
}

void Console::show(const CaseResult& r) {
  if (quiet_) return;
  clear_progress();
  heading();
  const Statistics time = r.time();
  std::printf("%-*s %10.5g %10.5g %10.5g %9s %8s %7.1f%% %-8s %8.2g  %s%s\n", name_width_, r.run_name.c_str(),
              time.median, time.p10, time.p90, figure(r.bytes / time.median * 1e-6, "%.1f").c_str(),
              figure(r.flops / time.median * 1e-9, "%.3f").c_str(), 100 * r.of_ceiling(), r.roof.bound.c_str(),
              std::max(r.error.before.max, r.error.after.max) / r.error.bound, r.kernel.c_str(),
              r.invalid_reason().empty() ? "" : "  INVALID");
  std::fflush(stdout);
}

void Console::show(const SkippedCase& skipped) {
  if (quiet_) return;
  clear_progress();
  heading();
  std::printf("%-*s %s: %s\n", name_width_, skipped.name.c_str(), skipped.failed ? "FAILED" : "skipped",
              skipped.reason.c_str());
  std::fflush(stdout);
}

void Console::end(const PlannedCase& planned) {
  ++done_;
  done_weight_ += weight_of(planned);
}

void Console::finish(const SuiteReport& report) {
  if (quiet_) return;
  clear_progress();
  std::printf("\n%zu cases in %s, %zu skipped\n", report.results.size(), time_text(watch_.seconds()).c_str(),
              report.skipped.size());
  for (const CaseResult& result : report.results) {
    const std::string reason = result.invalid_reason();
    if (!reason.empty())
      std::printf("INVALID %s: %s\n  again: %s\n", result.run_name.c_str(), reason.c_str(), result.repro.c_str());
  }
  for (const SkippedCase& skipped : report.skipped)
    if (skipped.failed) std::printf("FAILED %s: %s\n", skipped.name.c_str(), skipped.reason.c_str());
  std::fflush(stdout);
}

}  // namespace mylos::bench
