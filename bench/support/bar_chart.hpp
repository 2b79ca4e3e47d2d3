// A bar chart as an SVG file, drawn without any library so that a fresh machine can make one.
#pragma once

#include <string>
#include <vector>

namespace mylos::bench {

struct Bar {
  std::string label;
  double value = 0;                // 1 is the reference line
  std::vector<std::string> notes;  // one for each column
  bool flagged = false;            // drawn in red: something is wrong with this one
};

struct BarChart {
  std::string title;
  std::vector<std::string> subtitle;  // lines below it
  std::string axis;
  std::vector<std::string> columns;  // headings of the notes at the right
  std::vector<Bar> bars;
};

/// Horizontal bars, values as per cent. Throws std::runtime_error where the file cannot be written.
void write_svg(const BarChart& chart, const std::string& file);

}  // namespace mylos::bench
