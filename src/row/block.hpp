// Row operators over blocks of a row staged in the cache: what one host thread does, for the generic kernel on host
// spaces and, with inner loops compiled for wider vectors, for backends/host.
//
// A row is read once where it fits a thread's buffer, twice where it is longer; rows of one block are done several at
// once. Statistics are those of blocks of
// row_block values, merged in order within pieces of a row, and those of the pieces in order again. Blocks and pieces
// follow from the length alone: however rows are grouped, and whether one thread takes all pieces of a row or several
// share them, a row's bits are the same.
#pragma once

#include <algorithm>
#include <vector>

#include "row/block_kernels.hpp"
#include "row/panels.hpp"

namespace mylos::detail {

template <class T>
class RowBlocks : RowPanels {
 public:
  RowBlocks(const RowProblem& problem, const RowKernels<T>& kernels, bool streaming)
      : RowPanels{problem, make_schedule<T>(problem)},
        before_(lower<T>(*problem.before)),
        after_(lower<T>(*problem.after)),
        numbers_(numbers_of<T>(problem)),
        kernels_(kernels),
        policy_(kernels.policy(problem.op)),
        streaming_(streaming),
        direct_(before_.size == 0 && !problem.is_causal && problem.x.dtype == dtype_of<T> &&
                problem.length() % row_padding == 0 && problem.axis_stride(problem.x.strides) == 1 &&
                !runs_across(problem, problem.x) && !runs_across(problem, problem.y)),
        writes_statistics_(problem.mean.given() || problem.rstd.given() || problem.running_mean.given() ||
                           problem.running_variance.given()),
        held_(direct_ && policy_.hold != nullptr && schedule_.keep && problem.length() % held_lanes == 0 &&
              !(policy_.batches && problem.length() <= row_block)),
        short_(!held_ && !problem.is_given && problem.length() <= row_block) {}

  const RowSchedule& schedule() const { return schedule_; }
  std::int64_t units() const { return (schedule_.panels + schedule_.panels_per_unit - 1) / schedule_.panels_per_unit; }

  /// All of the rows of a unit.
  void run_unit(std::int64_t unit) const {
    const std::int64_t first = unit * schedule_.panels_per_unit;
    const std::int64_t end = std::min(first + schedule_.panels_per_unit, schedule_.panels);
    Buffers buffers;
    for (std::int64_t p = first; p < end; ++p) {
      const RowPanel panel = panel_at(p);
      if (short_) {
        run_short(panel, buffers);
        continue;
      }
      if (held_) {
        run_held(panel, buffers);
        continue;
      }
      RowState state[max_panel_rows];
      RowConstants<T> constants[max_panel_rows];
      for (int r = 0; problem_.is_given && r < panel.rows; ++r) constants[r] = given_constants(panel, r);
      for (std::int64_t piece = 0; !problem_.is_given && piece < schedule_.pieces; ++piece) {
        RowState part[max_panel_rows];
        find_statistic(panel, piece, buffers, piece == 0 ? state : part);
        for (int r = 0; piece > 0 && r < panel.rows; ++r) policy_.merge(state[r], part[r]);
      }
      for (int r = 0; !problem_.is_given && r < panel.rows; ++r) constants[r] = finish(panel, r, state[r]);
      write(panel, 0, problem_.length(), constants, buffers, schedule_.keep && !problem_.is_given);
    }
  }

  // The same in three steps, for rows that threads share: panels of one piece each, then panels, then pieces again.
  void run_statistic(std::int64_t index, RowState* states) const {
    const RowPanel panel = panel_at(index / schedule_.pieces);
    const std::int64_t piece = index % schedule_.pieces;
    Buffers buffers;
    RowState state[max_panel_rows];
    find_statistic(panel, piece, buffers, state);
    for (int r = 0; r < panel.rows; ++r) states[(panel.first + r) * schedule_.pieces + piece] = state[r];
  }
  void run_finish(std::int64_t index, RowState* states, RowConstants<T>* constants) const {
    const RowPanel panel = panel_at(index);
    for (int r = 0; r < panel.rows; ++r) {
      RowState* state = states + (panel.first + r) * schedule_.pieces;
      for (std::int64_t piece = 1; piece < schedule_.pieces; ++piece) policy_.merge(state[0], state[piece]);
      constants[panel.first + r] = finish(panel, r, state[0]);
    }
  }
  void run_map(std::int64_t index, const RowConstants<T>* constants) const {
    const RowPanel panel = panel_at(index / schedule_.pieces);
    const std::int64_t begin = index % schedule_.pieces * row_piece;
    Buffers buffers;
    write(panel, begin, std::min(row_piece, problem_.length() - begin), constants + panel.first, buffers, false);
  }

 private:
  /// A thread's memory, on its stack.
  struct Buffers {
    alignas(64) T panel[row_buffer<T> + max_panel_rows * 2 * row_padding];
    alignas(64) T chain[3 * row_block];
  };
  /// For OperandLoader: a block's place.
  struct BlockPlace {
    const RowBlocks* self;
    const RowPanel* panel;
    int row;  // in the panel
    std::int64_t begin;
    int n;
    int first_operand;
  };

  /// Elements [begin, begin + n) of one row.
  void load_row(const void* data, DType dtype, const Strides& strides, std::int64_t row, std::int64_t begin, int n,
                T* to) const {
    for_each_axis_run(strides, begin, n, [&](int first, int count, std::int64_t offset, std::int64_t step) {
      kernels_.load(dtype, element(data, dtype, row + offset), step, to + first, 1, count);
    });
  }

  /// Elements [begin, begin + n) of a panel's rows of x, `before` and the mask applied.
  void load(const RowPanel& panel, std::int64_t begin, int n, Buffers& buffers) const {
    const RowTensor& x = problem_.x;
    const std::int64_t origin = row_offset(x.strides, panel);
    const std::int64_t step = row_step(x.strides);
    const bool across = panel.rows > 1 && runs_across(problem_, x);
    const auto get = [&](std::int64_t offset, std::int64_t along, T* to, int to_step, int count) {
      kernels_.load(x.dtype, element(x.data, x.dtype, origin + offset), along, to, to_step, count);
    };
    if (!across && n == problem_.length() && schedule_.pitch == n && step == n &&
        problem_.axis_stride(x.strides) == 1) {
      get(0, 1, buffers.panel, 1, panel.rows * n);
    } else {
      for_each_axis_run(x.strides, begin, n, [&](int first, int count, std::int64_t offset, std::int64_t along) {
        T* to = buffers.panel + first;
        if (across) {
          kernels_.load_across(x.dtype, element(x.data, x.dtype, origin + offset), along, step, to, schedule_.pitch,
                               panel.rows, count);
        } else {
          for (int r = 0; r < panel.rows; ++r) get(offset + r * step, along, to + r * schedule_.pitch, 1, count);
        }
      });
    }
    if (before_.size == 0 && !problem_.is_causal) return;
    for (int r = 0; r < panel.rows; ++r) {
      T* values = buffers.panel + r * schedule_.pitch;
      apply_chain(before_, {this, &panel, r, begin, n, 0}, values, buffers);
      if (problem_.is_causal) hide(panel, r, begin, n, values);
    }
  }

  /// A chain over n values, block by block.
  void apply_chain(const LoweredChain<T>& chain, BlockPlace place, T* values, Buffers& buffers) const {
    if (chain.size == 0) return;
    const std::int64_t begin = place.begin;
    for (int k = 0, left = place.n; left > 0; k += row_block, left -= row_block) {
      place.begin = begin + k;
      place.n = std::min(left, row_block);
      std::copy(values + k, values + k + place.n, buffers.chain);
      kernels_.apply(chain, buffers.chain, place.n, {&place, load_operand});
      std::copy(buffers.chain, buffers.chain + place.n, values + k);
    }
  }
  static void load_operand(const void* context, int operand, T* to) {
    const auto& place = *static_cast<const BlockPlace*>(context);
    const RowBlocks& self = *place.self;
    const int o = place.first_operand + operand;
    const Tensor& tensor = self.problem_.operand_tensor(o);
    const Strides& strides = self.problem_.operand[o];
    const std::int64_t row = self.row_offset(strides, *place.panel) + place.row * self.row_step(strides);
    self.load_row(tensor.data, tensor.dtype, strides, row, place.begin, place.n, to);
  }

  void hide(const RowPanel& panel, int r, std::int64_t begin, int n, T* values) const {
    const Strides& causal = problem_.causal;
    const std::int64_t limit = problem_.causal_limit + row_offset(causal, panel) + r * row_step(causal) - begin;
    for (std::int64_t k = limit < 0 ? 0 : limit; k < n; ++k) values[k] = minus_infinity<T>();
  }

  /// The statistics of a panel's rows over one piece; the whole panel stays in the buffer where it fits.
  void find_statistic(const RowPanel& panel, std::int64_t piece, Buffers& buffers, RowState* state) const {
    const std::int64_t begin = piece * row_piece;
    const std::int64_t end = std::min(begin + row_piece, problem_.length());
    if (direct_) return find_statistic_of(direct_x(panel) + begin, panel.rows, end - begin, state);
    for (std::int64_t at = begin; at < end; at += schedule_.window) {
      const int n = static_cast<int>(std::min<std::int64_t>(schedule_.window, end - at));
      load(panel, at, n, buffers);
      for (int k = 0; k < n; k += row_block)
        policy_.add(state, at == begin && k == 0, buffers.panel + k, schedule_.pitch, panel.rows,
                    std::min(row_block, n - k), numbers_);
    }
  }

  /// Likewise, of n values where they lie.
  void find_statistic_of(const T* x, int rows, std::int64_t n, RowState* state) const {
    const std::int64_t pitch = row_step(problem_.x.strides);
    for (std::int64_t k = 0; k < n; k += row_block) {
      fetch_next(x + k, rows, n - k);
      policy_.add(state, k == 0, x + k, pitch, rows, static_cast<int>(std::min<std::int64_t>(row_block, n - k)),
                  numbers_);
    }
  }
  /// While a block is worked on the next is fetched: of the row, of which `left` values are left, or of the rows below,
  /// where they follow in memory. By itself a processor reads ahead to the end of a page, which is where a block of f32
  /// ends. Inlined: a call that does nothing else GCC leaves out.
  MYLOS_ROW_HOST void fetch_next(const T* x, int rows, std::int64_t left) const {
    const bool in_one_run = row_step(problem_.x.strides) == problem_.length();
    if (rows > 1) {
      if (in_one_run) fetch_ahead(x + rows * left, rows * left);
    } else {
      fetch_ahead(x + row_block, std::min<std::int64_t>(row_block, in_one_run ? left : left - row_block));
    }
  }
  const T* direct_x(const RowPanel& panel) const {
    return static_cast<const T*>(problem_.x.data) + row_offset(problem_.x.strides, panel);
  }

  /// A panel of rows of one block.
  void run_short(const RowPanel& panel, Buffers& buffers) const {
    const auto length = static_cast<int>(problem_.length());
    ShortRows<T> span{buffers.panel, schedule_.pitch, buffers.panel, schedule_.pitch, panel.rows, length, 0};
    if (direct_) {
      span.from = direct_x(panel);
      span.from_pitch = row_step(problem_.x.strides);
      if (span.from_pitch == length) span.ahead = panel.rows * span.from_pitch;
    } else {
      load(panel, 0, length, buffers);
    }
    RowState state[max_panel_rows];
    RowConstants<T> constants[max_panel_rows];
    policy_.all(span, numbers_, state, constants);
    if (writes_statistics_)
      for (int r = 0; r < panel.rows; ++r) write_statistics(panel, r, state[r], constants[r]);
    finish_block(panel, 0, length, buffers.panel, buffers);
  }

  /// A panel's rows where the statistic leaves the map half done in the buffer.
  void run_held(const RowPanel& panel, Buffers& buffers) const {
    const std::int64_t pitch = row_step(problem_.x.strides);
    const auto length = static_cast<int>(problem_.length());
    RowState tile[max_panel_rows + row_buffer<T> / row_block];
    RowConstants<T> constants[max_panel_rows];
    const auto tile_of = [&](int r, int k) -> RowState& { return tile[k / row_block * panel.rows + r]; };
    for (int r = 0; r < panel.rows; ++r) {
      const T* x = direct_x(panel) + r * pitch;
      RowState state;
      for (int k = 0; k < length; k += row_block) {
        fetch_next(x + k, 1, length - k);
        policy_.hold(state, k == 0, x + k, buffers.panel + r * schedule_.pitch + k, std::min(row_block, length - k),
                     tile_of(r, k));
      }
      constants[r] = finish(panel, r, state);
    }
    for (int k = 0; k < length; k += row_block) {
      const int n = std::min(row_block, length - k);
      for (int r = 0; r < panel.rows; ++r)
        policy_.map_held(buffers.panel + r * schedule_.pitch + k, n, tile_of(r, k), constants[r]);
      finish_block(panel, k, n, buffers.panel + k, buffers);
    }
  }

  /// The constants of row r of a panel; writes the statistics that were asked for.
  RowConstants<T> finish(const RowPanel& panel, int r, const RowState& state) const {
    const RowConstants<T> constants = policy_.finish(state, numbers_);
    if (writes_statistics_) write_statistics(panel, r, state, constants);
    return constants;
  }
  void write_statistics(const RowPanel& panel, int r, const RowState& state, const RowConstants<T>& constants) const {
    const auto put = [&](const RowTensor& t, T value) {
      store_element(t.dtype, t.data, row_offset(t.strides, panel) + r * row_step(t.strides), value);
    };
    const auto update = [&](const RowTensor& t, T value) {
      const std::int64_t offset = row_offset(t.strides, panel) + r * row_step(t.strides);
      const T momentum = static_cast<T>(problem_.momentum);
      const T old = load_element<T>(t.dtype, t.data, offset);
      store_element(t.dtype, t.data, offset, (T(1) - momentum) * old + momentum * value);
    };
    if (problem_.mean.given()) put(problem_.mean, constants.shift);
    if (problem_.rstd.given()) put(problem_.rstd, constants.scale);
    if (problem_.running_mean.given()) update(problem_.running_mean, constants.shift);
    if (problem_.running_variance.given()) {
      using Moments = StandardizePolicy<T, double>;
      const auto moments = PolicyLoops<Moments, T>::read(state);
      update(problem_.running_variance, static_cast<T>(moments.squares / (moments.count - 1)));
    }
  }

  RowConstants<T> given_constants(const RowPanel& panel, int r) const {
    const auto value_of = [&](const RowTensor& t) {
      return load_element<T>(t.dtype, t.data, row_offset(t.strides, panel) + r * row_step(t.strides));
    };
    return {value_of(problem_.running_mean), T(0),
            math::Precise::rsqrt(value_of(problem_.running_variance) + numbers_.eps)};
  }

  /// y for elements [begin, begin + n) of a panel's rows; `kept`: their values are in the buffer.
  void write(const RowPanel& panel, std::int64_t begin, std::int64_t n, const RowConstants<T>* constants,
             Buffers& buffers, bool kept) const {
    if (direct_) return write_direct(panel, begin, n, constants, buffers);
    for (std::int64_t done = 0; done < n; done += schedule_.window) {
      const int count = static_cast<int>(std::min<std::int64_t>(schedule_.window, n - done));
      if (!kept) load(panel, begin + done, count, buffers);
      for (int k = 0; k < count; k += row_block) {
        const int block = std::min(row_block, count - k);
        policy_.map(buffers.panel + k, schedule_.pitch, panel.rows, block, constants);
        finish_block(panel, begin + done + k, block, buffers.panel + k, buffers);
      }
    }
  }
  void write_direct(const RowPanel& panel, std::int64_t begin, std::int64_t n, const RowConstants<T>* constants,
                    Buffers& buffers) const {
    const T* x = direct_x(panel) + begin;
    const std::int64_t pitch = row_step(problem_.x.strides);
    for (std::int64_t k = 0; k < n; k += row_block) {
      const int block = static_cast<int>(std::min<std::int64_t>(row_block, n - k));
      T* values = buffers.panel + (panel.rows == 1 ? 0 : k);
      if (panel.rows == 1) fetch_next(x + k, 1, n - k);
      policy_.map_from(x + k, pitch, values, schedule_.pitch, panel.rows, block, constants);
      finish_block(panel, begin + k, block, values, buffers);
    }
  }
  /// What follows the map, for n values of each row.
  void finish_block(const RowPanel& panel, std::int64_t begin, int n, T* values, Buffers& buffers) const {
    for (int r = 0; r < panel.rows && (problem_.has_affine() || after_.size != 0); ++r) {
      T* row = values + r * schedule_.pitch;
      if (problem_.has_affine()) apply_affine(panel, r, begin, n, row, buffers);
      apply_chain(after_, {this, &panel, r, begin, n, problem_.before->operand_count()}, row, buffers);
    }
    store(panel, begin, n, values);
  }

  void apply_affine(const RowPanel& panel, int r, std::int64_t begin, int n, T* values, Buffers& buffers) const {
    const RowTensor& weight = problem_.weight;
    const RowTensor& bias = problem_.bias;
    const auto row_of = [&](const RowTensor& t) { return row_offset(t.strides, panel) + r * row_step(t.strides); };
    if (is_constant(weight, begin, n) && is_constant(bias, begin, n)) {
      const auto value_of = [&](const RowTensor& t, T missing) {
        if (!t.given()) return missing;
        std::int64_t place = 0;
        for_each_axis_run(t.strides, begin, 1, [&](int, int, std::int64_t offset, std::int64_t) { place = offset; });
        return load_element<T>(t.dtype, t.data, row_of(t) + place);
      };
      return kernels_.scale(values, value_of(weight, T(1)), value_of(bias, T(-0.0)), n);
    }
    const auto fetched = [&](const RowTensor& t, T* buffer) -> const T* {
      if (!t.given()) return nullptr;
      const std::int64_t row = row_of(t);
      if (problem_.axis.rank == 1 && t.dtype == dtype_of<T> && axis_strides(t.strides)[0] == 1)
        return static_cast<const T*>(t.data) + row + begin;
      load_row(t.data, t.dtype, t.strides, row, begin, n, buffer);
      return buffer;
    };
    kernels_.affine(values, fetched(weight, buffers.chain), fetched(bias, buffers.chain + row_block), n);
  }
  /// n <= row_block values of each row, from `values` on.
  void store(const RowPanel& panel, std::int64_t begin, int n, const T* values) const {
    const RowTensor& y = problem_.y;
    const std::int64_t origin = row_offset(y.strides, panel);
    const std::int64_t row = row_step(y.strides);
    const bool across = panel.rows > 1 && runs_across(problem_, y);
    const auto put = [&](std::int64_t offset, std::int64_t step, const T* from, int from_step, int count) {
      void* to = const_cast<void*>(element(y.data, y.dtype, origin + offset));
      kernels_.store(y.dtype, to, step, from, from_step, count, streaming_);
    };
    // Rows that follow each other in the buffer and in memory.
    if (!across && n == problem_.length() && schedule_.pitch == n && row == n && problem_.axis_stride(y.strides) == 1) {
      const int all = panel.rows * n;
      for (int k = 0; k < all; k += row_block) put(k, 1, values + k, 1, std::min(row_block, all - k));
      return;
    }
    for_each_axis_run(y.strides, begin, n, [&](int first, int count, std::int64_t offset, std::int64_t step) {
      if (across) {
        kernels_.store_across(y.dtype, const_cast<void*>(element(y.data, y.dtype, origin + offset)), step, row,
                              values + first, schedule_.pitch, panel.rows, count, streaming_);
      } else {
        for (int r = 0; r < panel.rows; ++r)
          put(offset + r * row, step, values + first + r * schedule_.pitch, 1, count);
      }
    });
  }

  LoweredChain<T> before_;
  LoweredChain<T> after_;
  RowNumbers<T> numbers_;
  RowKernels<T> kernels_;
  PolicyKernels<T> policy_;
  bool streaming_;
  bool direct_;  // statistics and map take x where it lies
  bool writes_statistics_;
  bool held_;   // the statistic does half of the map's work
  bool short_;  // rows of one block, done at once
};

/// Runs all of it through `parallel_for(count, body)`, which calls body(i) for 0 <= i < count and returns when all is
/// done, on up to `threads` threads.
template <class T, class ParallelFor>
void run_row_blocks(const RowProblem& problem, const RowKernels<T>& kernels, bool streaming, int threads,
                    const ParallelFor& parallel_for) {
  const RowBlocks<T> blocks(problem, kernels, streaming);
  const RowSchedule& s = blocks.schedule();
  if (problem.is_given || s.pieces == 1 || s.panels >= 4 * threads || threads == 1)
    return parallel_for(blocks.units(), [&](std::int64_t unit) { blocks.run_unit(unit); });
  std::vector<RowState> states(static_cast<std::size_t>(problem.rows.count * s.pieces));
  std::vector<RowConstants<T>> constants(static_cast<std::size_t>(problem.rows.count));
  parallel_for(s.panels * s.pieces, [&](std::int64_t i) { blocks.run_statistic(i, states.data()); });
  parallel_for(s.panels, [&](std::int64_t i) { blocks.run_finish(i, states.data(), constants.data()); });
  parallel_for(s.panels * s.pieces, [&](std::int64_t i) { blocks.run_map(i, constants.data()); });
}

}  // namespace mylos::detail
