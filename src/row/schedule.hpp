// How the rows of a problem are taken by host threads: panels, windows, pieces.
#pragma once

#include "row/policy_loops.hpp"

namespace mylos::detail {

/// What a thread's buffer holds: at most an eighth of a usual L2 cache.
template <class T>
inline constexpr int row_buffer = (128 << 10) / static_cast<int>(sizeof(T));
/// Long rows are cut into pieces of this many values, for threads to share.
inline constexpr std::int64_t row_piece = 64 * row_block;
/// Values that a thread takes at once, at least: what waking it costs is small beside them.
inline constexpr std::int64_t row_unit = 32 * row_block;

/// How rows are taken: panels of neighbouring rows, several panels to a unit of work.
struct RowSchedule {
  bool keep;           // a panel's rows fit the buffer whole
  int window;          // values of each row in the buffer at once
  int pitch;           // elements of the buffer for each row of a panel
  int panel_rows;      // at most; all in one run of the rows' fastest dimension
  std::int64_t inner;  // extent of the rows' fastest dimension
  std::int64_t panels_in_inner;
  std::int64_t panels;
  std::int64_t panels_per_unit;
  std::int64_t pieces;  // of a row
};

/// Whether a tensor's neighbours along the rows lie closer together than those along the axis.
inline bool runs_across(const RowProblem& problem, const RowTensor& tensor) {
  if (problem.rows.rank == 0 || problem.axis.rank == 0) return false;
  const std::int64_t along = tensor.strides.stride[problem.rows.rank + problem.axis.rank - 1];
  const std::int64_t across = tensor.strides.stride[problem.rows.rank - 1];
  return (across < 0 ? -across : across) < (along < 0 ? -along : along);
}

template <class T>
RowSchedule make_schedule(const RowProblem& problem) {
  RowSchedule s;
  const std::int64_t length = problem.length();
  const bool across = runs_across(problem, problem.x) || runs_across(problem, problem.y);
  // Across: a cache line's worth of rows or more, and rows that do not all start in the same set of the cache.
  const int least = across ? 16 : 1;
  const int skew = across ? row_padding : 0;
  s.keep = length * least <= row_buffer<T>;
  // Long rows by several blocks: memory is read ahead while it is read, not while it is computed with.
  s.window = s.keep ? static_cast<int>(length) : (across ? row_block : row_buffer<T> / 4);
  s.pitch = padded(s.window) + skew;
  int rows = row_buffer<T> / s.pitch / (across ? 1 : 8);
  rows = rows < least ? least : (rows > max_panel_rows ? max_panel_rows : rows);
  s.inner = problem.rows.rank == 0 ? 1 : problem.rows.extent[problem.rows.rank - 1];
  s.panel_rows = s.inner < rows ? static_cast<int>(s.inner) : rows;
  s.panels_in_inner = (s.inner + s.panel_rows - 1) / s.panel_rows;
  s.panels = problem.rows.count / s.inner * s.panels_in_inner;
  const std::int64_t panel = s.panel_rows * length;
  s.panels_per_unit = panel >= row_unit ? 1 : row_unit / panel;
  s.pieces = (length + row_piece - 1) / row_piece;
  return s;
}

/// Calls visit(first, count, offset, step) for the parts of elements [begin, begin + n) of a box, in row-major order,
/// that lie along its fastest dimension. Host code, as the lambdas that it is given.
template <class Visit>
void for_each_row_run(const Box& box, const std::int64_t* stride, std::int64_t begin, int n, const Visit& visit) {
  if (box.rank == 0) return visit(0, n, std::int64_t{0}, std::int64_t{0});
  const int inner = box.rank - 1;
  const std::int64_t extent = box.extent[inner];
  for (int done = 0; done < n;) {
    std::int64_t rest = (begin + done) / extent;
    const std::int64_t at = begin + done - rest * extent;
    std::int64_t offset = at * stride[inner];
    for (int d = inner - 1; d >= 0; --d) {
      offset += rest % box.extent[d] * stride[d];
      rest /= box.extent[d];
    }
    const int count = static_cast<int>(extent - at < n - done ? extent - at : n - done);
    visit(done, count, offset, stride[inner]);
    done += count;
  }
}

}  // namespace mylos::detail
