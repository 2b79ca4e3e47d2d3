// The main() of a benchmark program: its options, its session, its JSON.
#pragma once

#include "support/command_line.hpp"
#include "support/launch.hpp"
#include "support/session.hpp"

namespace mylos::bench {

struct Options {
  std::int64_t rows;
  std::int64_t cols;
  int samples = 15;
  std::vector<std::string> dtypes{"f32"};
  std::string filter{};
  std::string out{};
};

inline void add_options(CLI::App& app, Options& options) {
  const auto add_extent = [&](const std::string& name, std::int64_t& value, const char* variable, const char* text) {
    app.add_option(name, value, text)->capture_default_str()->envname(variable)->check(CLI::PositiveNumber);
  };
  add_extent("--rows", options.rows, "MYLOS_BENCH_ROWS", "Rows");
  add_extent("--cols", options.cols, "MYLOS_BENCH_COLS", "Columns");
  app.add_option("--dtype", options.dtypes, "Any of f32,f16,bf16,f64")
      ->capture_default_str()
      ->delimiter(',')
      ->check(CLI::IsMember({"f32", "f16", "bf16", "f64"}));
  app.add_option("--samples", options.samples, "Samples of each case")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--filter", options.filter, "Only cases whose name/dtype/path matches this regular expression");
  app.add_option("--mylos_out", options.out, "File for the compact JSON");
  app.footer("Options of Google Benchmark (--benchmark_out=FILE, ...) and of Kokkos (--kokkos-help) are taken too.");
}

/// add_entries(entries, dtype, options) adds the cases of one of the dtypes asked for.
template <class Exec, class AddEntries>
int run_benchmarks(CLI::App& app, Options options, int argc, char** argv, const AddEntries& add_entries) {
  add_options(app, options);
  return run_program(app, argc, argv, {"--benchmark_"}, [&] {
    const Exec exec;
    Session<Exec> session;
    session.report.program = app.get_name();
    session.exec = exec;
    session.rows = options.rows;
    session.cols = options.cols;
    session.samples = options.samples;
    session.bare_launch = [exec] { bare_launch(exec); };
    std::vector<Entry<Exec>> entries;
    for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::f64}) {
      const auto& asked = options.dtypes;
      if (std::find(asked.begin(), asked.end(), name_of(dtype)) != asked.end()) add_entries(entries, dtype, options);
    }
    const std::size_t ran = run_session(session, entries, options.filter, argc, argv);
    if (ran == 0) throw std::runtime_error("no case matches the filter");
    if (!options.out.empty()) write_json(session.report, options.out);
    return 0;
  });
}

}  // namespace mylos::bench
