#include "suite/result.hpp"

#include <algorithm>
#include <cstdio>

namespace mylos::bench {

bool is_ours(const std::string& path) { return path == "automatic" || path == "generic" || path == "specialized"; }

std::string CaseResult::invalid_reason() const {
  char text[256];
  for (const auto& [when, figures] : {std::pair("before", error.before), std::pair("after", error.after)})
    if (!(figures.max <= error.bound)) {
      std::snprintf(text, sizeof(text), "the error %s timing is %.4g, %.4g is allowed (%s)", when, figures.max,
                    error.bound, error.unit.c_str());
      return text;
    }
  if (!repeatable && is_ours(path)) return "two runs differ in their bits";
  if (is_impossible(time().median, roof)) {
    std::snprintf(text, sizeof(text), "%.4g ms is less than the %.4g ms that the %s ceiling allows", time().median,
                  roof.least_ms, (roof.least.kind + ' ' + roof.least.dtype).c_str());
    return text;
  }
  return "";
}

int SuiteReport::exit_status() const {
  const bool invalid =
      std::any_of(results.begin(), results.end(), [](const CaseResult& r) { return !r.invalid_reason().empty(); });
  const bool failed = std::any_of(skipped.begin(), skipped.end(), [](const SkippedCase& s) { return s.failed; });
  return invalid || failed || interrupted ? 1 : 0;
}

}  // namespace mylos::bench
