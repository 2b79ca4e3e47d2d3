// The file of a run: Google Benchmark's JSON, so that its compare.py reads it, with a `mylos` object in the context and
// in the median of each case (bench/README.md).
#pragma once

#include <cstdint>
#include <string>

#include "suite/driver.hpp"

namespace mylos::bench {

struct FileFacts {
  std::string command;  // the whole command line
  RunOptions options;
};

/// Of the keys that machine_context() has in the context of Google Benchmark's own files.
constexpr const char* benchmark_context_prefix = "machine_";

/// Throws std::runtime_error where the file cannot be written.
void write_suite_json(const SuiteReport& report, const FileFacts& facts, const std::string& file);

}  // namespace mylos::bench
