// mylos-quickstart: every pointwise step on one large f32 tensor, timed, checked against fp64 and compared with the
// copy bandwidth of this machine. Prints a table; writes JSON and a bar chart.
#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <regex>

#include <mylos/mylos.hpp>

#include "support/bar_chart.hpp"
#include "support/check.hpp"
#include "support/command_line.hpp"
#include "support/copy.hpp"
#include "support/results.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;

struct Options {
  std::int64_t rows = 4096;
  std::int64_t cols = 0;  // 0: what fits, up to most_cols
  double memory_share = 0.25;
  std::string filter = ".*";
  std::filesystem::path out;
};

constexpr std::int64_t most_cols = 393216;

/// As many columns as x and y together may have within the share of memory, in steps of 1024 where there is room.
std::int64_t columns_that_fit(const Options& options) {
  const MemoryBytes memory = device_memory();
  const double bytes =
      std::min(options.memory_share * static_cast<double>(memory.total), 0.9 * static_cast<double>(memory.available));
  const auto cols = static_cast<std::int64_t>(bytes / (2.0 * sizeof(float) * static_cast<double>(options.rows)));
  if (cols >= most_cols) return most_cols;
  return cols >= 2048 ? cols / 1024 * 1024 : std::max<std::int64_t>(cols, 1);
}

/// In the order of steps.def, those on positive numbers last: the input is made twice and not for every change of
/// domain.
std::vector<StepCase> selected_steps(const std::string& filter) {
  const std::regex pattern(filter);
  std::vector<StepCase> steps = all_steps();
  steps.erase(std::remove_if(steps.begin(), steps.end(),
                             [&](const StepCase& step) { return !std::regex_search(step.name, pattern); }),
              steps.end());
  std::stable_partition(steps.begin(), steps.end(), [](const StepCase& step) { return !step.positive; });
  return steps;
}

Result run_step(const Exec& exec, Workspace<Exec>& workspace, Copy<Exec>& copy, const StepCase& step) {
  const Placement all = Placement::right(workspace.rows, workspace.cols);
  const Chain chain = workspace.chain_of(step, workspace.cols);
  const auto call = [&](int turn) { map(exec, chain, workspace.x(turn, all), workspace.y(turn, all)); };

  Result result;
  result.name = step.name;
  result.dtype = name_of(workspace.dtype);
  result.shape = all.shape();
  result.path = "automatic";
  // On a GPU 15 samples take milliseconds each; on the host as many as two seconds allow, and never fewer than 5.
  result.time = summarize(sample_ms(exec, {1, 5, 15, 2.0}, call));
  result.kernel = last_kernel();
  copy.refresh();
  result.copy_gbs = copy.recent_gbs();
  result.bytes = copy.bytes_moved();
  for (int i = 0; i < step.operand_count; ++i)
    if (step.operand[i].form == OperandForm::row)
      result.bytes += static_cast<double>(workspace.cols) *
                      static_cast<double>(size_of(workspace.row(i, step.operand[i].row_dtype, 1).dtype));

  const Errors errors = check_sample(exec, workspace, step, [&] { call(0); });
  result.error_ulp = errors.ulp;
  result.bound_ulp = step.ulp + step.input_ulp + 0.5;
  result.error_share = errors.share;
  result.passed = errors.passed();
  return result;
}

void print_heading() {
  std::printf("\n%8s  %-14s %10s %9s %9s %10s %9s  %-6s %s\n", "", "step", "median ms", "GB/s", "of copy", "error ulp",
              "bound", "check", "kernel");
}

void print_row(std::size_t done, std::size_t of, const Result& r) {
  std::printf("[%2zu/%2zu]  %-14s %10.3f %9.1f %8.1f%% %10.2f %9.1f  %-6s %s\n", done, of, r.name.c_str(),
              r.time.median, r.gbs(), 100 * r.of_copy(), *r.error_ulp, *r.bound_ulp, *r.passed ? "ok" : "FAILED",
              r.kernel.c_str());
  std::fflush(stdout);
}

std::string text(const char* format, double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), format, value);
  return buffer;
}

BarChart chart_of(const Report& report, const std::string& shape) {
  char line[160];
  BarChart chart;
  chart.title = "Mylos: every pointwise step on " + device_name();
  std::snprintf(line, sizeof(line), "%s f32, one read and one write; copy in the same run: %.1f GB/s (%s)",
                shape.c_str(), report.copy_gbs, report.copies.front().way.c_str());
  chart.subtitle.emplace_back(line);
  std::string where;
  for (const auto& [key, value] : report.context)
    if (key == "mylos" || key == "commit" || key == "date" || key == "kokkos")
      where += (where.empty() ? "" : ", ") + key + ' ' + value;
  chart.subtitle.push_back(where);
  chart.axis = "bandwidth, per cent of the copy's";
  chart.columns = {"ms", "GB/s", "error, ulp", "bound"};
  for (const Result& r : report.cases)
    chart.bars.push_back(
        {r.name,
         r.of_copy(),
         {text("%.3g", r.time.median), text("%.3g", r.gbs()), text("%.2f", *r.error_ulp), text("%.1f", *r.bound_ulp)},
         !*r.passed});
  return chart;
}

void add_copies(Report& report, const Copy<Exec>& copy) {
  report.copy_gbs = copy.overall_gbs();
  report.copies.push_back({copy.best().way.name, "f32", copy.overall(), copy.overall_gbs()});
  for (const auto& trial : copy.trials())
    if (&trial != &copy.best()) report.copies.push_back({trial.way.name, "f32", trial.time, trial.gbs});
}

/// The number of failed checks.
int run(const Options& options) {
  const Exec exec;
  const std::vector<StepCase> steps = selected_steps(options.filter);
  if (steps.empty()) throw std::runtime_error("no step matches --filter " + options.filter);
  const std::int64_t cols = options.cols > 0 ? options.cols : columns_that_fit(options);
  const std::string shape = Placement::right(options.rows, cols).shape();

  Report report;
  report.program = "mylos-quickstart";
  report.context = machine_context();
  for (const auto& [key, value] : report.context) std::printf("%-16s %s\n", key.c_str(), value.c_str());
  std::printf("\nMaking the input: %s f32, %s with the output ...\n", shape.c_str(),
              in_gigabytes(8.0 * static_cast<double>(options.rows * cols)).c_str());
  std::fflush(stdout);
  const Stopwatch watch;
  Workspace<Exec> workspace(exec, DType::f32, options.rows, cols, /*exact=*/true);
  Copy<Exec> copy(exec, workspace);
  for (const auto& trial : copy.trials()) std::printf("copy: %9.1f GB/s by %s\n", trial.gbs, trial.way.name.c_str());

  print_heading();
  for (const StepCase& step : steps) {
    workspace.set_values(step.positive ? Values::positive : Values::normal);
    report.cases.push_back(run_step(exec, workspace, copy, step));
    print_row(report.cases.size(), steps.size(), report.cases.back());
  }
  add_copies(report, copy);

  const auto failed =
      std::count_if(report.cases.begin(), report.cases.end(), [](const Result& r) { return !*r.passed; });
  std::filesystem::create_directories(options.out);
  const std::string json = (options.out / "quickstart.json").string();
  const std::string svg = (options.out / "quickstart.svg").string();
  write_json(report, json);
  write_svg(chart_of(report, shape), svg);
  std::printf("\n%zu steps in %.0f s, copy %.1f GB/s; each checked on %s elements against fp64: %s\n%s\n%s\n",
              steps.size(), watch.seconds(), report.copy_gbs,
              std::to_string(std::min(options.rows * cols, std::int64_t{1} << 20)).c_str(),
              failed == 0 ? "all within their bounds" : (std::to_string(failed) + " FAILED").c_str(), json.c_str(),
              svg.c_str());
  return static_cast<int>(failed);
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  mylos::bench::Options options;
  options.out = std::filesystem::path(argv[0]).parent_path();
  if (options.out.empty()) options.out = ".";
  CLI::App app("Every pointwise operator of Mylos on one large f32 tensor: time, bandwidth, error.",
               "mylos-quickstart");
  app.add_option("--rows", options.rows, "Rows")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--cols", options.cols, "Columns; without it what fits into the share of memory, up to 393216")
      ->check(CLI::PositiveNumber);
  app.add_option("--memory-share", options.memory_share, "Share of memory for input and output together")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  app.add_option("--filter", options.filter, "Only steps whose name matches this regular expression");
  app.add_option("--out", options.out, "Folder for quickstart.json and quickstart.svg; without it beside the program");
  app.footer("Options of Kokkos (--kokkos-help) are taken too.");
  return mylos::bench::run_program(app, argc, argv, {}, [&] { return mylos::bench::run(options) == 0 ? 0 : 1; });
}
