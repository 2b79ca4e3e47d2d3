// mylos-bench: every operator against the ceilings of the machine it runs on.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "suite/options.hpp"
#include "suite/report_json.hpp"
#include "support/command_line.hpp"
#include "support/context.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;

std::vector<SuiteCase<Exec>> cases_of(const std::vector<std::string>& suites) {
  std::vector<SuiteCase<Exec>> cases;
  for (const std::string& suite : suites)
    for (SuiteCase<Exec>& c : suite_cases<Exec>(suite)) cases.push_back(std::move(c));
  return cases;
}

/// Those of the cases that will run, the widest first.
std::vector<DType> dtypes_of(const std::vector<PlannedCase>& planned) {
  std::vector<DType> dtypes;
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16})
    if (std::any_of(planned.begin(), planned.end(), [&](const PlannedCase& p) { return p.what->dtype == dtype; }))
      dtypes.push_back(dtype);
  return dtypes;
}

void print_context() {
  for (const auto& [key, value] : machine_context()) {
    std::printf("%-16s %s\n", key.c_str(), value.c_str());
    benchmark::AddCustomContext(benchmark_context_prefix + key, value);
  }
}

int run(CommandLine& line, int& argc, char** argv, const std::string& command) {
  const std::vector<SuiteCase<Exec>> cases = cases_of(line.suites);
  if (line.run.memory_limit <= 0) line.run.memory_limit = device_memory().available / 10 * 9;
  Ceilings caches_alone;
  caches_alone.caches = cache_levels();
  const std::vector<PlannedCase> planned = plan(cases, line.run, caches_alone);
  if (planned.empty()) throw std::runtime_error("no case matches");
  if (line.list) {
    for (const PlannedCase& one : planned) std::printf("%s\n", one.run_name().c_str());
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  print_context();
  std::printf("\n%s\nCeilings\n", roofline_rules());
  const CeilingOptions ceiling_options{dtypes_of(planned), line.run.memory_limit, line.run.measure.samples};
  const Ceilings ceilings = measure_ceilings(ceiling_options);
  std::printf("\n");
  line.run.progress = isatty(fileno(stderr)) != 0;
  line.run.measure_again = [&](Ceiling& ceiling) { measure_again(ceiling, ceiling_options); };
  SuiteReport report = run_suite(cases, line.run, ceilings);
  report.suites = line.suites;
  if (!line.out.empty()) write_suite_json(report, {command, line.run}, line.out);
  benchmark::Shutdown();
  if (report.results.empty()) throw std::runtime_error("no case ran");
  return report.exit_status();
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  using namespace mylos::bench;
  CLI::App app("Measures Mylos' operators against the ceilings of the machine it runs on.", "mylos-bench");
  CommandLine line;
  add_options(app, line);
  const std::string command = command_text(argc, argv);
  return run_program(app, argc, argv, {"--benchmark_"}, [&] { return run(line, argc, argv, command); });
}
