#include "suite/report_json.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "support/context.hpp"

namespace mylos::bench {
namespace {

using Json = nlohmann::ordered_json;

/// More digits than six say nothing about a measurement and make the file twice as long.
double rounded(double value) {
  if (!std::isfinite(value)) return value;
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return std::strtod(text, nullptr);
}

/// What is not a finite number has no place in JSON.
Json number(double value) { return std::isfinite(value) ? Json(rounded(value)) : Json(nullptr); }

/// Bytes and flops are counted, not measured: all their digits.
Json counted(double value) { return value < 9e18 ? Json(static_cast<std::int64_t>(std::llround(value))) : Json(value); }

Json named(const Telemetry& telemetry) {
  Json json = Json::object();
  for (const auto& [key, values] : telemetry) {
    if (values.empty()) continue;
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    json[key] = {
        {"min", number(sorted.front())}, {"median", number(quantile(sorted, 0.5))}, {"max", number(sorted.back())}};
  }
  return json;
}

void add_time(Json& json, const Statistics& time) {
  json["median_ms"] = number(time.median);
  json["p10_ms"] = number(time.p10);
  json["p90_ms"] = number(time.p90);
}

/// Which ceiling, and how high it is.
Json brief(const Ceiling& c) {
  Json json;
  json["kind"] = c.kind;
  if (!c.level.empty()) json["level"] = c.level;
  if (!c.dtype.empty()) json["dtype"] = c.dtype;
  if (c.kind == "gemm") json["library"] = c.way;
  if (c.bytes > 0) json["GBs"] = number(c.gbs());
  if (c.flops > 0) json["TFLOPs"] = number(c.tflops());
  if (c.kind == "launch") json["us"] = number(1e3 * c.best_ms());
  return json;
}

Json in_full(const Ceiling& c) {
  Json json = brief(c);
  if (c.kind != "gemm") json["way"] = c.way;
  if (c.bytes > 0) json["bytes"] = counted(c.bytes);
  if (c.flops > 0) json["flops"] = counted(c.flops);
  add_time(json, c.time);
  json["samples"] = c.time.samples;
  return json;
}

/// The context as Google Benchmark itself writes it.
Json benchmark_context() {
  std::ostringstream text;
  benchmark::BenchmarkReporter::Context context;
  benchmark::JSONReporter reporter;
  reporter.SetOutputStream(&text);
  reporter.SetErrorStream(&text);
  reporter.ReportContext(context);
  reporter.Finalize();
  Json json = Json::parse(text.str())["context"];
  for (const auto& [key, value] : machine_context()) json.erase(benchmark_context_prefix + key);  // it is in `mylos`
  json["json_schema_version"] = 1;
  return json;
}

const char* vendor() {
#if defined(KOKKOS_ENABLE_CUDA)
  return "nvidia";
#elif defined(KOKKOS_ENABLE_HIP)
  return "amd";
#else
  return "host";
#endif
}

Json machine() {
  Json json;
  json["name"] = device_name();
  json["vendor"] = vendor();
  for (const auto& [key, value] : machine_context()) json[key] = value;
  for (const auto& [key, value] : kokkos_options()) json["kokkos_options"][key] = value;
  return json;
}

Json options_of(const FileFacts& facts) {
  const RunOptions& options = facts.options;
  Json json;
  json["command"] = facts.command;
  json["samples"] = options.measure.samples;
  json["min_time_s"] = options.measure.min_time_s;
  json["max_time_s"] = options.measure.max_time_s;
  json["memory_limit_bytes"] = options.memory_limit;
  json["filter"] = options.filter;
  json["dtypes"] = options.dtypes;
  json["layouts"] = options.layouts;
  json["paths"] = options.paths;
  return json;
}

Json context_of(const SuiteReport& report, const FileFacts& facts) {
  Json json = benchmark_context();
  Json& mylos = json["mylos"] = Json::object();
  mylos["schema"] = 1;
  mylos["suites"] = report.suites;
  mylos["machine"] = machine();
  mylos["options"] = options_of(facts);
  mylos["caches"] = Json::array();
  for (const CacheLevel& cache : report.ceilings.caches)
    mylos["caches"].push_back({{"level", cache.name}, {"bytes", cache.bytes}});
  mylos["ceilings"] = Json::array();
  for (const Ceiling& ceiling : report.ceilings.list) mylos["ceilings"].push_back(in_full(ceiling));
  mylos["rules"] = roofline_rules();
  mylos["telemetry"] = named(report.telemetry);
  mylos["skipped"] = Json::array();
  for (const SkippedCase& skipped : report.skipped)
    mylos["skipped"].push_back({{"name", skipped.name}, {"reason", skipped.reason}, {"failed", skipped.failed}});
  return json;
}

/// What Google Benchmark writes about any run.
Json entry(const CaseResult& r, const std::string& name, const char* run_type) {
  Json json;
  json["name"] = name;
  json["run_name"] = r.run_name;
  json["run_type"] = run_type;
  json["repetitions"] = r.samples_ms.size();
  json["threads"] = 1;
  return json;
}

void add_entry_time(Json& json, double ms) {
  json["real_time"] = number(ms);
  json["cpu_time"] = number(ms);
  json["time_unit"] = "ms";
}

Json errors(const ErrorReport& e) {
  const auto figures = [](const ErrorFigures& f) { return Json{{"max", number(f.max)}, {"rms", number(f.rms)}}; };
  Json json;
  json["unit"] = e.unit;
  json["bound"] = number(e.bound);
  json["before"] = figures(e.before);
  json["after"] = figures(e.after);
  json["passed"] = e.passed();
  return json;
}

void add_measures(Json& json, const CaseResult& r) {
  const Statistics time = r.time();
  json["samples"] = time.samples;
  add_time(json, time);
  if (const auto interval = median_interval(r.samples_ms)) {
    json["median_low_ms"] = number(interval->first);
    json["median_high_ms"] = number(interval->second);
  }
  json["bytes"] = counted(r.bytes);
  json["bytes_formula"] = r.bytes_formula;
  json["flops"] = counted(r.flops);
  json["flops_formula"] = r.flops_formula;
  if (r.bytes > 0) json["GBs"] = number(r.bytes / time.median * 1e-6);
  if (r.flops > 0) json["TFLOPs"] = number(r.flops / time.median * 1e-9);
  json["bound"] = r.roof.bound;
  json["ceiling"] = brief(r.roof.ceiling);
  json["roof_ms"] = number(r.roof.ms);
  json["of_ceiling"] = number(r.of_ceiling());
  json["error"] = errors(r.error);
  json["repeatable"] = r.repeatable;
  json["first_call_ms"] = number(r.first_call_ms);
  if (r.memory_high_water) json["memory_high_water_bytes"] = *r.memory_high_water;
  if (!r.telemetry.empty()) json["telemetry"] = named(r.telemetry);
}

Json figures_of(const CaseResult& r) {
  Json json;
  for (const auto& [key, value] :
       {std::pair("suite", &r.suite), std::pair("case", &r.name), std::pair("operator", &r.op),
        std::pair("family", &r.family), std::pair("dtype", &r.dtype), std::pair("shape", &r.shape),
        std::pair("layout", &r.layout), std::pair("path", &r.path), std::pair("kernel", &r.kernel),
        std::pair("cache", &r.cache)})
    json[key] = *value;
  add_measures(json, r);
  json["valid"] = r.invalid_reason().empty();
  json["invalid_reason"] = r.invalid_reason();
  if (r.reference) {
    if (r.reference->eager_ms > 0) json["pytorch_eager_ms"] = number(r.reference->eager_ms);
    if (r.reference->compile_ms > 0) json["pytorch_compile_ms"] = number(r.reference->compile_ms);
    json["reference_machine"] = r.reference->machine;
  }
  json["repro"] = r.repro;
  return json;
}

Json median_entry(const CaseResult& r) {
  Json json = entry(r, r.run_name + "_median", "aggregate");
  json["aggregate_name"] = "median";
  json["aggregate_unit"] = "time";
  json["iterations"] = r.samples_ms.size();
  add_entry_time(json, r.time().median);
  json["mylos"] = figures_of(r);
  return json;
}

}  // namespace

void write_suite_json(const SuiteReport& report, const FileFacts& facts, const std::string& file) {
  std::ofstream stream(file);
  const char* separator = "\n  ";
  // One entry a line: files that people compare.
  stream << "{\"context\": " << context_of(report, facts).dump(1) << ",\n \"benchmarks\": [";
  for (const CaseResult& result : report.results) {
    for (std::size_t i = 0; i < result.samples_ms.size(); ++i) {
      Json sample = entry(result, result.run_name, "iteration");
      sample["repetition_index"] = i;
      sample["iterations"] = 1;
      add_entry_time(sample, result.samples_ms[i]);
      stream << separator << sample;
      separator = ",\n  ";
    }
    stream << separator << median_entry(result);
  }
  stream << "]}\n";
  if (!stream.flush()) throw std::runtime_error("cannot write " + file);
}

}  // namespace mylos::bench
