// The memory that cases run on: one allocation for inputs and one for outputs, seen through as many shapes and strides
// as there are cases. Where they are small beside the last-level cache there are several copies, taken in turn, so that
// a call finds none of its data there and leaves behind as much unwritten output as it found.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>

#include <Kokkos_Core.hpp>

#include <mylos/tensor.hpp>

#include "support/context.hpp"
#include "support/input.hpp"
#include "support/steps.hpp"

namespace mylos::bench {

/// How a matrix lies in its buffer: strides and the offset of its first element, in elements.
struct Placement {
  std::int64_t extent[2];
  std::int64_t stride[2];
  std::int64_t offset = 0;

  static Placement right(std::int64_t rows, std::int64_t cols) { return {{rows, cols}, {cols, 1}, 0}; }
  static Placement left(std::int64_t rows, std::int64_t cols) { return {{rows, cols}, {1, rows}, 0}; }
  static Placement padded(std::int64_t rows, std::int64_t cols, std::int64_t pad) {
    return {{rows, cols}, {cols + pad, 1}, 0};
  }
  Placement shifted(std::int64_t elements) const { return {{extent[0], extent[1]}, {stride[0], stride[1]}, elements}; }

  std::int64_t count() const { return extent[0] * extent[1]; }
  std::string shape() const { return std::to_string(extent[0]) + "x" + std::to_string(extent[1]); }
};

template <class Exec>
class RotatingBuffer {
 public:
  RotatingBuffer() = default;
  RotatingBuffer(const char* label, std::int64_t bytes_each, int slots)
      : slots_(slots), each_((bytes_each + 255) / 256 * 256) {
    const std::int64_t all = each_ * slots;
    if (all > device_memory().available / 100 * 97)
      throw std::runtime_error(std::string(label) + " needs " + in_gigabytes(static_cast<double>(all)) + ", " +
                               in_gigabytes(static_cast<double>(device_memory().available)) + " are free");
    storage_ =
        Storage(Kokkos::view_alloc(std::string(label), Kokkos::WithoutInitializing), static_cast<std::size_t>(all));
  }

  void* at(int turn) const { return storage_.data() + (turn % slots_) * each_; }
  int slots() const { return slots_; }
  bool empty() const { return slots_ == 0; }

  Tensor tensor(int turn, DType dtype, const Placement& p) const {
    void* first = static_cast<char*>(at(turn)) + p.offset * static_cast<std::int64_t>(size_of(dtype));
    return Tensor(first, dtype, 2, p.extent, p.stride);
  }

 private:
  using Storage = Kokkos::View<char*, typename Exec::memory_space>;
  Storage storage_;
  int slots_ = 0;
  std::int64_t each_ = 0;
};

/// Inputs and outputs of one dtype for matrices of about rows x cols elements.
template <class Exec>
class Workspace {
 public:
  /// Room behind the matrix for padded rows and shifted starts.
  static constexpr std::int64_t row_padding = 32;
  /// Of the operands: an extent beyond the matrix's own, for cases of another shape.
  static constexpr std::int64_t odd_cols = 65535;

  Workspace(const Exec& exec, DType dtype_, std::int64_t rows_, std::int64_t cols_, bool exact = false)
      : dtype(dtype_), rows(rows_), cols(cols_), exec_(exec) {
    const std::int64_t elements = exact ? rows * cols : rows * (cols + row_padding) + 64;
    bytes_ = elements * static_cast<std::int64_t>(size_of(dtype));
    const std::int64_t enough = 2 * last_level_cache();
    // At most 256: tensors of a few hundred KB and less are bound by the launch, wherever they lie.
    slots_ = 2 * bytes_ >= enough ? 1 : static_cast<int>(std::min<std::int64_t>(enough / (2 * bytes_) + 2, 256));
    x_ = RotatingBuffer<Exec>("x", bytes_, slots_);
    y_ = RotatingBuffer<Exec>("y", bytes_, slots_);
    fill_all(x_, dtype, Values::normal, 0);
    fill_all(y_, dtype, Values::normal, 0);  // so that no page of it is touched for the first time while a clock runs
    const std::int64_t longest = std::max(std::max(rows, cols), std::max(odd_cols, rows * cols / odd_cols));
    for (int i = 0; i < 2; ++i) {
      line_[i] = RotatingBuffer<Exec>("operand", longest * static_cast<std::int64_t>(size_of(dtype)), 1);
      fill(exec_, line_[i].at(0), dtype, longest, Values::positive, static_cast<std::uint64_t>(i + 1));
    }
    mask_line_ = RotatingBuffer<Exec>("mask", longest, 1);
    fill(exec_, mask_line_.at(0), DType::u8, longest, Values::mask, 3);
  }

  /// Refills x where it holds other values than these.
  void set_values(Values values) {
    if (values == values_) return;
    fill_all(x_, dtype, values, 0);
    values_ = values;
  }

  Tensor x(int turn, const Placement& p) const { return x_.tensor(turn, dtype, p); }
  Tensor y(int turn, const Placement& p) const { return y_.tensor(turn, dtype, p); }
  Tensor y_as(int turn, DType other, const Placement& p) const { return y_.tensor(turn, other, p); }

  /// Further inputs as large as x, made when first asked for.
  Tensor extra(int which, int turn, const Placement& p) {
    return filled(extra_[which], dtype, Values::normal, static_cast<std::uint64_t>(4 + which)).tensor(turn, dtype, p);
  }
  Tensor mask(int turn, const Placement& p) {
    return filled(mask_, DType::u8, Values::mask, 6).tensor(turn, DType::u8, p);
  }

  /// One value per column, n of them; one value per row.
  Tensor row(int i, DType row_dtype, std::int64_t n) const {
    const bool is_mask = row_dtype == DType::u8;
    return Tensor(is_mask ? mask_line_.at(0) : line_[i].at(0), is_mask ? DType::u8 : dtype, 1, &n, nullptr);
  }
  Tensor column(std::int64_t n) const {
    const std::int64_t extents[] = {n, 1};
    return Tensor(line_[0].at(0), dtype, 2, extents, nullptr);
  }

  Chain chain_of(const StepCase& step, std::int64_t n) const {
    return bench::chain_of(step, [&](int i) { return row(i, step.operand[i].row_dtype, n); });
  }

  const DType dtype;
  const std::int64_t rows;
  const std::int64_t cols;

 private:
  void fill_all(const RotatingBuffer<Exec>& buffer, DType filled_dtype, Values values, std::uint64_t seed) {
    for (int slot = 0; slot < buffer.slots(); ++slot)
      fill(exec_, buffer.at(slot), filled_dtype, bytes_ / static_cast<std::int64_t>(size_of(dtype)), values, seed);
  }
  RotatingBuffer<Exec>& filled(RotatingBuffer<Exec>& buffer, DType filled_dtype, Values values, std::uint64_t seed) {
    if (buffer.empty()) {
      const std::int64_t elements = bytes_ / static_cast<std::int64_t>(size_of(dtype));
      buffer =
          RotatingBuffer<Exec>("further input", elements * static_cast<std::int64_t>(size_of(filled_dtype)), slots_);
      fill_all(buffer, filled_dtype, values, seed);
    }
    return buffer;
  }

  Exec exec_;
  std::int64_t bytes_ = 0;
  int slots_ = 1;
  Values values_ = Values::normal;
  RotatingBuffer<Exec> x_, y_, mask_, mask_line_;
  RotatingBuffer<Exec> extra_[2], line_[2];
};

}  // namespace mylos::bench
