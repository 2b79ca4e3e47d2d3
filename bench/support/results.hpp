// What a program found, and how it is written down.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/context.hpp"
#include "support/statistics.hpp"

namespace mylos::bench {

struct Result {
  std::string name;                   // "silu", "bias_axis0", ...
  std::string dtype;                  // of x
  std::string shape;                  // "4096x16384"
  std::string path;                   // "automatic", "generic", or who else ran
  std::string kernel;                 // mylos::last_kernel()
  Statistics time;                    // ms
  double bytes = 0;                   // read plus written; 0 where time alone matters
  double flops = 0;                   // of a call that is bound by arithmetic; 0 elsewhere
  double copy_gbs = 0;                // of the copy beside it; 0 where it is no yardstick
  std::optional<double> of_launch;    // time against that of a bare empty kernel
  std::optional<double> error_max;    // of a sum against fp64, by the sum of its terms' absolute values: worst
  std::optional<double> error_rms;    // and root mean square
  std::optional<double> error_ulp;    // worst error against fp64
  std::optional<double> bound_ulp;    // what steps.def allows
  std::optional<double> error_share;  // worst error as a share of what is allowed for that element
  std::optional<bool> passed;

  double gbs() const { return time.median > 0 ? bytes / time.median * 1e-6 : 0; }
  double tflops() const { return time.median > 0 ? flops / time.median * 1e-9 : 0; }
  double of_copy() const { return copy_gbs > 0 ? gbs() / copy_gbs : 0; }
};

struct CopyResult {
  std::string way;
  std::string dtype;
  Statistics time;
  double gbs = 0;
};

struct Report {
  std::string program;
  Context context;
  double copy_gbs = 0;  // the best copy of the first dtype
  std::vector<CopyResult> copies;
  std::vector<Result> cases;
};

/// Compact JSON: {program, context, copy_GBs, copies, cases: [{name, dtype, shape, path, kernel, median_ms, p10_ms,
/// p90_ms, samples, bytes, GBs, of_copy, ...}]}. Throws std::runtime_error where the file cannot be written.
void write_json(const Report& report, const std::string& file);

}  // namespace mylos::bench
