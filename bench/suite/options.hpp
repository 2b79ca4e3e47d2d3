// The command line of mylos-bench.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "suite/driver.hpp"

namespace mylos::bench {

struct CommandLine {
  std::vector<std::string> suites{"quick"};
  RunOptions run;
  std::string out;
  bool list = false;
};

/// Describes the options to `app`, which reads them into `line`.
void add_options(CLI::App& app, CommandLine& line);

/// argv as a shell would take it again.
std::string command_text(int argc, char** argv);

}  // namespace mylos::bench
