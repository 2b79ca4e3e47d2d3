#include "suite/options.hpp"

#include <regex>

namespace mylos::bench {
namespace {

std::string regular_expression(const std::string& text) {
  try {
    const std::regex pattern(text);
  } catch (const std::regex_error& error) {
    return std::string("not a regular expression: ") + error.what();
  }
  return "";
}

void add_selection(CLI::App& app, CommandLine& line) {
  const auto add_list = [&](const char* name, std::vector<std::string>& list, const char* text) {
    return app.add_option(name, list, text)->delimiter(',')->group("Which cases");
  };
  add_list("--suite", line.suites, "Any of quick,seeds,kernelbench1,hpc,sweep")
      ->capture_default_str()
      ->check(CLI::IsMember(suite_names()));
  app.add_option(
         "--filter", line.run.filter,
         "Only cases whose name suite/case/dtype/shape/layout/path/cache has a match of this regular expression")
      ->check(CLI::Validator(regular_expression, "REGEX"))
      ->group("Which cases");
  add_list("--dtype", line.run.dtypes, "Any of f64,f32,f16,bf16; all without it")
      ->check(CLI::IsMember({"f64", "f32", "f16", "bf16"}));
  add_list("--layout", line.run.layouts, "Any of right,left,strided; all without it")
      ->check(CLI::IsMember({"right", "left", "strided"}));
  add_list("--path", line.run.paths, "automatic, generic, or a peer's name; all without it");
  app.add_flag("--list", line.list, "Names the cases and ends")->group("Which cases");
}

void add_measurement(CLI::App& app, CommandLine& line) {
  MeasureOptions& measure = line.run.measure;
  const auto add = [&](const char* name, auto& value, const char* text) {
    return app.add_option(name, value, text)->capture_default_str()->group("How they are measured");
  };
  add("--samples", measure.samples, "Samples of each case")->check(CLI::Range(6, 10000));
  add("--min-time", measure.min_time_s, "Seconds: up to three times as many samples until they take this together")
      ->check(CLI::NonNegativeNumber);
  add("--max-time", measure.max_time_s, "Seconds: fewer samples, 6 at least, of cases that take longer")
      ->check(CLI::PositiveNumber);
  app.add_option("--memory-limit", line.run.memory_limit,
                 "Memory that a case may take, as 8GB or 500MB; without it 90 % of what is free on the device")
      ->transform(CLI::AsSizeValue(true))
      ->group("How they are measured");
}

}  // namespace

void add_options(CLI::App& app, CommandLine& line) {
  add_selection(app, line);
  add_measurement(app, line);
  app.add_option("--out", line.out, "File for the results: JSON, for mylos-report and Google Benchmark's compare.py");
  app.footer(
      "Exit status: 0; 1 where a result does not count (wrong, not repeatable, faster than possible) or a case "
      "failed;\n"
      "2 where nothing could be measured; others for a wrong command line.\n"
      "Options of Google Benchmark (--benchmark_out=FILE, ...) and of Kokkos (--kokkos-help) are taken too.");
}

std::string command_text(int argc, char** argv) {
  std::string text;
  for (int i = 0; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool plain = !argument.empty() && argument.find_first_not_of(
                                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                "0123456789_-+=.,:/@%") == std::string::npos;
    std::string quoted = "'";
    for (const char c : argument) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += (i == 0 ? "" : " ") + (plain ? argument : quoted + '\'');
  }
  return text;
}

}  // namespace mylos::bench
