// What was found out about a case, and about all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "suite/case.hpp"
#include "suite/ceilings.hpp"
#include "suite/roofline.hpp"
#include "suite/telemetry.hpp"
#include "support/statistics.hpp"

namespace mylos::bench {

/// Whether a path is one of Mylos' own, not a peer.
bool is_ours(const std::string& path);

struct ErrorReport {
  std::string unit;
  double bound = 1;
  ErrorFigures before;  // of the first call on spoilt outputs
  ErrorFigures after;   // of outputs that were spoilt once more and that the timed calls wrote

  bool passed() const { return before.max <= bound && after.max <= bound; }  // false for NaN
};

struct CaseResult {
  std::string run_name;  // SuiteCase::full_name() and "/cold" or "/warm"
  std::string suite, name, op, family, dtype, shape, layout, path, kernel, cache;
  std::vector<double> samples_ms;  // as they were taken
  double bytes = 0;
  double flops = 0;
  std::string bytes_formula, flops_formula;
  Work work;
  Roof roof;
  ErrorReport error;
  bool repeatable = false;
  double first_call_ms = 0;
  std::optional<std::int64_t> memory_high_water;
  Telemetry telemetry;
  std::optional<ReferenceTimes> reference;
  std::string repro;

  Statistics time() const { return summarize(samples_ms); }
  double of_ceiling() const { return roof.ms / time().median; }

  /// Why the result does not count; empty where it does. Other libraries need not give the same bits twice.
  std::string invalid_reason() const;
};

/// A case without a result. A case that does not fit and a peer that refuses are no failures; one of ours that threw
/// while it ran is.
struct SkippedCase {
  std::string name;
  std::string reason;
  bool failed = false;
};

struct SuiteReport {
  std::vector<std::string> suites;
  Ceilings ceilings;
  std::vector<CaseResult> results;
  std::vector<SkippedCase> skipped;
  Telemetry telemetry;
  bool interrupted = false;  // the cases after that are skipped

  /// 0 where every result counts, 1 where one does not, a case failed or the run was interrupted.
  int exit_status() const;
};

}  // namespace mylos::bench
