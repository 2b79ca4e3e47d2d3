// Runs the cases of a suite through Google Benchmark, one benchmark for each case and state of the cache.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "suite/measure.hpp"

namespace mylos::bench {

struct RunOptions {
  MeasureOptions measure;
  std::int64_t memory_limit = 0;                    // bytes that a case may take; 0: no limit
  std::string filter;                               // a regular expression on CaseResult::run_name
  std::vector<std::string> dtypes, layouts, paths;  // empty: all
  bool progress = false;                            // a line with the time left, for terminals
  bool quiet = false;                               // no table

  /// For a result above its ceiling: measures that once more and keeps the faster of the two. May be empty.
  std::function<void(Ceiling&)> measure_again;
};

/// A case in one state of the cache; what does not fit has a reason and no copies.
struct PlannedCase {
  const SuiteCase<Kokkos::DefaultExecutionSpace>* what = nullptr;
  const char* cache = "";
  int slots = 0;
  std::string skip_reason;

  std::string run_name() const { return what->full_name() + '/' + cache; }
};

/// Those that the options ask for; `cases` must outlive them. Throws std::regex_error.
std::vector<PlannedCase> plan(const std::vector<SuiteCase<Kokkos::DefaultExecutionSpace>>& cases,
                              const RunOptions& options, const Ceilings& ceilings);

/// Measures them all and prints a table.
SuiteReport run_suite(const std::vector<SuiteCase<Kokkos::DefaultExecutionSpace>>& cases, const RunOptions& options,
                      Ceilings ceilings);

/// The command line that runs this case alone.
std::string repro_of(const PlannedCase& planned, const RunOptions& options);

}  // namespace mylos::bench
