#include "support/results.hpp"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace mylos::bench {
namespace {

using Json = nlohmann::ordered_json;

// Four significant digits say more than a measurement knows, and keep files small and their differences readable.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double unit = std::pow(10.0, std::floor(std::log10(std::fabs(value))) - 3);
  return unit < 1 ? std::round(value / unit) / std::round(1 / unit) : std::round(value / unit) * unit;
}

void add_time(Json& json, const Statistics& time) {
  json["median_ms"] = rounded(time.median);
  json["p10_ms"] = rounded(time.p10);
  json["p90_ms"] = rounded(time.p90);
  json["samples"] = time.samples;
}

Json to_json(const Result& result) {
  Json json;
  json["name"] = result.name;
  json["dtype"] = result.dtype;
  json["shape"] = result.shape;
  json["path"] = result.path;
  json["kernel"] = result.kernel;
  add_time(json, result.time);
  if (result.bytes > 0) {
    json["bytes"] = static_cast<std::int64_t>(result.bytes);
    json["GBs"] = rounded(result.gbs());
  }
  if (result.flops > 0) json["TFLOPs"] = rounded(result.tflops());
  if (result.error_max) json["error_max"] = rounded(*result.error_max);
  if (result.error_rms) json["error_rms"] = rounded(*result.error_rms);
  if (result.copy_gbs > 0 && result.bytes > 0) json["of_copy"] = rounded(result.of_copy());
  if (result.of_launch) json["of_launch"] = rounded(*result.of_launch);
  if (result.error_ulp) json["error_ulp"] = rounded(*result.error_ulp);
  if (result.bound_ulp) json["bound_ulp"] = rounded(*result.bound_ulp);
  if (result.error_share) json["error_of_bound"] = rounded(*result.error_share);
  if (result.passed) json["passed"] = *result.passed;
  return json;
}

}  // namespace

void write_json(const Report& report, const std::string& file) {
  Json context;
  for (const auto& [key, value] : report.context) context[key] = value;
  std::ofstream stream(file);
  // One case a line: a file that people compare.
  stream << "{\"program\": " << Json(report.program) << ",\n \"context\": " << context
         << ",\n \"copy_GBs\": " << Json(rounded(report.copy_gbs)) << ",\n \"copies\": [";
  for (std::size_t i = 0; i < report.copies.size(); ++i) {
    const CopyResult& copy = report.copies[i];
    Json json;
    json["way"] = copy.way;
    json["dtype"] = copy.dtype;
    json["GBs"] = rounded(copy.gbs);
    add_time(json, copy.time);
    stream << (i != 0 ? ",\n  " : "\n  ") << json;
  }
  stream << "],\n \"cases\": [";
  for (std::size_t i = 0; i < report.cases.size(); ++i)
    stream << (i != 0 ? ",\n  " : "\n  ") << to_json(report.cases[i]);
  stream << "]}\n";
  if (!stream.flush()) throw std::runtime_error("cannot write " + file);
}

}  // namespace mylos::bench
