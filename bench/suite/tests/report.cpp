// The file of a run: every field of its schema, and readable by Google Benchmark's compare.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "doubles.hpp"
#include "suite/report_json.hpp"

namespace mylos::bench {
namespace {

using nlohmann::json;
using test::Fault;

json read(const std::string& file) {
  std::ifstream stream(file);
  return json::parse(stream);
}

std::string written(const std::string& name, const std::vector<SuiteCase<test::Exec>>& cases) {
  const std::string file = testing::TempDir() + "mylos_suite_" + std::to_string(::getpid()) + '_' + name + ".json";
  RunOptions options = test::quickly();
  options.memory_limit = 100000;
  SuiteReport report = run_suite(cases, options, test::out_of_reach());
  report.suites = {"doubles"};
  write_suite_json(report, {"mylos-bench --suite doubles", options}, file);
  return file;
}

SuiteCase<test::Exec> with_everything() {
  SuiteCase<test::Exec> c = test::twice("everything");
  c.flops = 1000;
  c.flops_formula = "1 per element";
  c.reference = ReferenceTimes{"some machine", 1.5, 0.5};
  return c;
}

void expect_keys(const json& object, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) EXPECT_TRUE(object.contains(key)) << key << " is missing";
}

class SuiteFile : public testing::Test {
 protected:
  SuiteFile() : file_(written("all", {with_everything(), test::twice("wrong", Fault::writes_nothing)})) {
    content_ = read(file_);
  }
  ~SuiteFile() override { std::remove(file_.c_str()); }

  json median_of(const std::string& name) const {
    for (const json& entry : content_["benchmarks"])
      if (entry["name"] == name + "_median") return entry;
    return {};
  }

  std::string file_;
  json content_;
};

TEST_F(SuiteFile, ContextHasEveryField) {
  const json& context = content_["context"];
  expect_keys(context, {"date", "host_name", "num_cpus", "mhz_per_cpu", "caches", "json_schema_version", "mylos"});
  const json& mylos = context["mylos"];
  expect_keys(mylos, {"schema", "suites", "machine", "options", "ceilings", "telemetry", "skipped", "caches", "rules"});
  EXPECT_EQ(mylos["schema"], 1);
  EXPECT_EQ(mylos["suites"], json::array({"doubles"}));
  expect_keys(mylos["machine"], {"name", "vendor", "cpu", "cpu_cores", "memory", "compiler", "kokkos",
                                 "execution_space", "mylos", "commit", "kokkos_options"});
  EXPECT_GT(mylos["machine"]["kokkos_options"].size(), 5U);
  expect_keys(mylos["options"], {"command", "samples", "min_time_s", "memory_limit_bytes", "filter"});
  EXPECT_EQ(mylos["options"]["memory_limit_bytes"], 100000);
  EXPECT_EQ(mylos["ceilings"].size(), 14U);
  expect_keys(mylos["ceilings"][0], {"kind", "level", "dtype", "GBs", "bytes", "median_ms", "p10_ms", "p90_ms"});
  ASSERT_EQ(mylos["skipped"].size(), 2U);
  expect_keys(mylos["skipped"][0], {"name", "reason"});
}

TEST_F(SuiteFile, EverySampleIsAnEntryOfGoogleBenchmark) {
  std::vector<double> times;
  for (const json& entry : content_["benchmarks"]) {
    if (entry["name"] != "doubles/everything/f32/1000/right/automatic/warm") continue;
    expect_keys(entry, {"run_name", "repetitions", "threads", "iterations", "real_time", "cpu_time"});
    EXPECT_EQ(entry["run_type"], "iteration");
    EXPECT_EQ(entry["time_unit"], "ms");
    EXPECT_EQ(entry["repetition_index"], times.size());
    times.push_back(entry["real_time"]);
  }
  ASSERT_EQ(times.size(), 15U);
  std::nth_element(times.begin(), times.begin() + 7, times.end());
  EXPECT_EQ(median_of("doubles/everything/f32/1000/right/automatic/warm")["real_time"], times[7]);
}

TEST_F(SuiteFile, MedianHasEveryField) {
  const json entry = median_of("doubles/everything/f32/1000/right/automatic/warm");
  expect_keys(entry, {"run_name", "run_type", "repetitions", "threads", "aggregate_name", "aggregate_unit",
                      "iterations", "real_time", "cpu_time", "time_unit", "mylos"});
  EXPECT_EQ(entry["aggregate_name"], "median");
  const json& m = entry["mylos"];
  expect_keys(m, {"suite",
                  "case",
                  "operator",
                  "family",
                  "dtype",
                  "shape",
                  "layout",
                  "path",
                  "kernel",
                  "cache",
                  "samples",
                  "median_ms",
                  "p10_ms",
                  "p90_ms",
                  "median_low_ms",
                  "median_high_ms",
                  "bytes",
                  "bytes_formula",
                  "flops",
                  "flops_formula",
                  "GBs",
                  "TFLOPs",
                  "bound",
                  "ceiling",
                  "roof_ms",
                  "of_ceiling",
                  "error",
                  "repeatable",
                  "first_call_ms",
                  "valid",
                  "invalid_reason",
                  "pytorch_eager_ms",
                  "pytorch_compile_ms",
                  "reference_machine",
                  "repro"});
  expect_keys(m["error"], {"unit", "bound", "before", "after", "passed"});
  expect_keys(m["error"]["before"], {"max", "rms"});
  expect_keys(m["ceiling"], {"kind"});
  EXPECT_EQ(m["suite"], "doubles");
  EXPECT_EQ(m["bytes"], 8000);
  EXPECT_EQ(m["valid"], true);
  EXPECT_EQ(m["pytorch_eager_ms"], 1.5);
  EXPECT_LE(m["median_low_ms"], m["median_ms"]);
  EXPECT_GE(m["median_high_ms"], m["median_ms"]);
}

TEST_F(SuiteFile, WhatDoesNotCountSaysWhyAndNaNIsNull) {
  const json m = median_of("doubles/wrong/f32/1000/right/automatic/warm")["mylos"];
  EXPECT_EQ(m["valid"], false);
  EXPECT_THAT(m["invalid_reason"].get<std::string>(), testing::HasSubstr("nan"));
  EXPECT_TRUE(m["error"]["before"]["max"].is_null());
  EXPECT_EQ(m["error"]["passed"], false);
}

#ifdef __linux__
TEST_F(SuiteFile, MemoryHighWaterMarkIsThere) {
  std::ofstream probe("/proc/self/clear_refs");
  if (!(probe << "5" << std::flush)) GTEST_SKIP() << "this system does not let a process reset its high-water mark";
  const json m = median_of("doubles/everything/f32/1000/right/automatic/warm")["mylos"];
  ASSERT_TRUE(m.contains("memory_high_water_bytes"));
  EXPECT_GE(m["memory_high_water_bytes"], 0);
}
#endif

TEST_F(SuiteFile, GoogleBenchmarksCompareReadsTwoOfThem) {
  const std::string script = MYLOS_COMPARE_PY;
  if (script.empty() || !std::ifstream(script)) GTEST_SKIP() << "compare.py was not found (Debian: libbenchmark-tools)";
  if (std::system("python3 -c 'import scipy, numpy' 2>/dev/null") != 0)
    GTEST_SKIP() << "compare.py needs SciPy (Debian: python3-scipy)";
  const std::string other = written("other", {with_everything()});
  const std::string output = file_ + ".txt";
  const std::string command =
      "python3 '" + script + "' --no-color benchmarks '" + file_ + "' '" + other + "' > '" + output + "'";
  const int status = std::system(command.c_str());
  std::ifstream stream(output);
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  std::remove(other.c_str());
  std::remove(output.c_str());
  ASSERT_EQ(status, 0) << text;
  EXPECT_THAT(text, testing::HasSubstr("doubles/everything/f32/1000/right/automatic/warm_median"));
  EXPECT_THAT(text, testing::HasSubstr("doubles/everything/f32/1000/right/automatic/warm_pvalue"));
  EXPECT_THAT(text, testing::HasSubstr("U Test, Repetitions: 15 vs 15"));
}

}  // namespace
}  // namespace mylos::bench
