#include "support/bar_chart.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace mylos::bench {
namespace {

constexpr int width = 980;
constexpr int label_width = 128;
constexpr int note_width = 72;  // of each column
constexpr int margin = 28;
constexpr int row_height = 19;
constexpr int bar_height = 13;
constexpr int left = margin + label_width;

// How wide the plot is, and where its axis ends.
struct Scale {
  double plot_width;
  double end;
  double x(double value) const { return left + plot_width * value / end; }
};

constexpr const char* ink = "#1f2933";
constexpr const char* faint_ink = "#616e7c";
constexpr const char* grid = "#e4e7eb";
constexpr const char* bar_colour = "#3b7ea1";
constexpr const char* flag_colour = "#c0392b";
constexpr const char* reference_colour = "#d9822b";

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

struct Text {
  double x;
  double y;
  int size;
  const char* colour;
  const char* anchor;
  const char* weight;
};

void write_text(std::ostream& svg, const Text& t, const std::string& text) {
  svg << "<text x=\"" << t.x << "\" y=\"" << t.y << "\" font-size=\"" << t.size << "\" fill=\"" << t.colour
      << "\" text-anchor=\"" << t.anchor << "\" font-weight=\"" << t.weight << "\">" << escaped(text) << "</text>\n";
}

std::string percent(double value) {
  char text[16];
  std::snprintf(text, sizeof(text), "%.0f %%", 100 * value);
  return text;
}

// A little beyond the longest bar, and beyond the reference line at any rate.
Scale scale_of(const BarChart& chart) {
  double longest = 1;
  for (const Bar& bar : chart.bars)
    if (std::isfinite(bar.value)) longest = std::max(longest, bar.value);
  return {width - left - margin - 12.0 - note_width * static_cast<double>(chart.columns.size()), 1.04 * longest};
}

double column_end(const BarChart& chart, std::size_t column) {
  return width - margin - note_width * static_cast<double>(chart.columns.size() - 1 - column);
}

void draw_axis(std::ostream& svg, const BarChart& chart, const Scale& scale, int top, int bottom) {
  for (int tick = 0; 0.25 * tick <= scale.end; ++tick) {
    const double x = scale.x(0.25 * tick);
    const bool reference = tick == 4;
    svg << "<line x1=\"" << x << "\" x2=\"" << x << "\" y1=\"" << top - 6 << "\" y2=\"" << bottom << "\" stroke=\""
        << (reference ? reference_colour : grid) << "\" stroke-width=\"" << (reference ? 1.5 : 1.0) << "\"/>\n";
    write_text(svg, {x, top - 12.0, 11, reference ? reference_colour : faint_ink, "middle", "normal"},
               percent(0.25 * tick));
  }
  write_text(svg, {left, top - 29.0, 11, faint_ink, "start", "normal"}, chart.axis);
  for (std::size_t i = 0; i < chart.columns.size(); ++i)
    write_text(svg, {column_end(chart, i), top - 12.0, 11, faint_ink, "end", "normal"}, chart.columns[i]);
}

void draw_bar(std::ostream& svg, const BarChart& chart, const Bar& bar, const Scale& scale, int y) {
  const double baseline = y + 0.5 * row_height + 4;
  const double length = std::isfinite(bar.value) ? std::max(0.0, scale.x(bar.value) - left) : 0;
  write_text(svg, {left - 10.0, baseline, 12, bar.flagged ? flag_colour : ink, "end", "normal"}, bar.label);
  svg << "<rect x=\"" << left << "\" y=\"" << y + (row_height - bar_height) / 2 << "\" width=\"" << length
      << "\" height=\"" << bar_height << "\" rx=\"2\" fill=\"" << (bar.flagged ? flag_colour : bar_colour)
      << "\" fill-opacity=\"0.88\"/>\n";
  // Inside a bar that is long enough, else behind it.
  const bool inside = length > 44;
  write_text(
      svg,
      {left + length + (inside ? -6 : 6), baseline, 11, inside ? "#ffffff" : ink, inside ? "end" : "start", "bold"},
      percent(bar.value));
  for (std::size_t i = 0; i < std::min(bar.notes.size(), chart.columns.size()); ++i)
    write_text(svg, {column_end(chart, i), baseline, 11, bar.flagged ? flag_colour : faint_ink, "end", "normal"},
               bar.notes[i]);
}

}  // namespace

void write_svg(const BarChart& chart, const std::string& file) {
  const int heading = margin + 22 + 17 * static_cast<int>(chart.subtitle.size());
  const int top = heading + 50;
  const int bottom = top + row_height * static_cast<int>(chart.bars.size());
  const int height = bottom + margin;
  std::ostringstream svg;
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height
      << "\" viewBox=\"0 0 " << width << ' ' << height
      << "\" font-family=\"'DejaVu Sans', 'Helvetica Neue', Arial, sans-serif\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  write_text(svg, {margin, margin + 14, 19, ink, "start", "bold"}, chart.title);
  for (std::size_t i = 0; i < chart.subtitle.size(); ++i)
    write_text(svg, {margin, margin + 38.0 + 17.0 * static_cast<double>(i), 12, faint_ink, "start", "normal"},
               chart.subtitle[i]);
  const Scale scale = scale_of(chart);
  draw_axis(svg, chart, scale, top, bottom);
  int y = top;
  for (const Bar& bar : chart.bars) {
    draw_bar(svg, chart, bar, scale, y);
    y += row_height;
  }
  svg << "</svg>\n";
  std::ofstream stream(file);
  stream << svg.str();
  if (!stream.flush()) throw std::runtime_error("cannot write " + file);
}

}  // namespace mylos::bench
