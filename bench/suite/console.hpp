// What a run says while it goes on: a table, and on a terminal how much time is left.
#pragma once

#include <vector>

#include "suite/driver.hpp"
#include "support/timing.hpp"

namespace mylos::bench {

class Console {
 public:
  Console(const std::vector<PlannedCase>& planned, const Ceilings& ceilings, bool progress, bool quiet);

  void begin(const PlannedCase& planned);
  void show(const CaseResult& result);
  void show(const SkippedCase& skipped);
  void end(const PlannedCase& planned);

  /// How many ran, and for each that does not count its reason and the command that repeats it.
  void finish(const SuiteReport& report);

 private:
  void clear_progress() const;
  void heading();
  double weight_of(const PlannedCase& planned) const;

  const Ceilings ceilings_;
  bool progress_;
  bool quiet_;
  bool heading_shown_ = false;
  std::size_t total_ = 0;
  std::size_t done_ = 0;
  double total_weight_ = 0;
  double done_weight_ = 0;
  int name_width_ = 0;
  Stopwatch watch_;
};

}  // namespace mylos::bench
