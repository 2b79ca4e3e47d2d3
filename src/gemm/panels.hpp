// Parts of the factors and rows of the result as a host thread handles them: packed in panels, converted, transformed.
#pragma once

#include "core/apply.hpp"
#include "gemm/parameters.hpp"

namespace mylos::detail {

/// Rows [i, i + count) of a factor, steps [q, q + steps) of k, as [step][width] in memory: width >= count, zeros
/// behind.
struct GemmPanel {
  std::int64_t batch;
  std::int64_t i;
  int count;
  int width;
  std::int64_t q;
  int steps;
  MYLOS_FUNCTION std::int64_t size() const { return std::int64_t{width} * steps; }
};

/// Columns [column, column + n) of one row of the result.
struct GemmSegment {
  std::int64_t batch;
  std::int64_t row;
  std::int64_t column;
  int n;
};

template <class S, class T>
MYLOS_FUNCTION void pack_as(const GemmView& view, const S* first, const GemmPanel& panel, T* to) {
  const int width = panel.width;
  if (view.row == 1) {
    for (int q = 0; q < panel.steps; ++q) {
      const S* from = first + q * view.column;
      T* line = to + static_cast<std::int64_t>(q) * width;
      for (int r = 0; r < panel.count; ++r) line[r] = widen<T>(from[r]);
      for (int r = panel.count; r < width; ++r) line[r] = T(0);
    }
    return;
  }
  // A few steps of every row at a time, so that both sides stay in the first cache.
  constexpr int some = 8;
  for (int begin = 0; begin < panel.steps; begin += some) {
    const int n = panel.steps - begin < some ? panel.steps - begin : some;
    T* lines = to + static_cast<std::int64_t>(begin) * width;
    for (int r = 0; r < panel.count; ++r) {
      const S* from = first + r * view.row + begin * view.column;
      for (int q = 0; q < n; ++q) lines[q * width + r] = widen<T>(from[q * view.column]);
    }
    for (int q = 0; q < n; ++q)
      for (int r = panel.count; r < width; ++r) lines[q * width + r] = T(0);
  }
}

/// Element by element, where the factor is a triangle or symmetric.
template <class S, class T>
MYLOS_FUNCTION void pack_structured_as(const GemmView& view, MatrixStructure structure, const S* origin,
                                       const GemmPanel& panel, T* to) {
  for (int q = 0; q < panel.steps; ++q)
    for (int r = 0; r < panel.width; ++r) {
      std::int64_t i = panel.i + r;
      std::int64_t step = panel.q + q;
      const bool stored = r < panel.count && locate_structured(structure, i, step);
      to[static_cast<std::int64_t>(q) * panel.width + r] =
          stored ? widen<T>(origin[i * view.row + step * view.column]) : T(0);
    }
}

/// One panel of a factor, or of an operand that lies over it.
template <class T>
MYLOS_FUNCTION void pack(const GemmParameters<T>& p, const GemmView& view, MatrixStructure structure,
                         const GemmPanel& panel, T* to) {
  const std::int64_t origin = p.batch_offset(view, panel.batch);
  const std::int64_t first = origin + panel.i * view.row + panel.q * view.column;
  const auto run = [&](auto stored) {
    using S = decltype(stored);
    const S* data = static_cast<const S*>(view.data);
    if (structure == MatrixStructure::general)
      pack_as(view, data + first, panel, to);
    else
      pack_structured_as(view, structure, data + origin, panel, to);
  };
  switch (view.dtype) {
    case DType::f64:
      return run(double());
    case DType::f32:
      return run(float());
    case DType::f16:
      return run(half());
    case DType::bf16:
      return run(bfloat16());
    case DType::u8:
      return run(std::uint8_t());
    case DType::i32:
      return run(std::int32_t());
    case DType::i64:
      return run(std::int64_t());
  }
}

/// A segment of c or of an operand over it.
template <class T>
MYLOS_FUNCTION void gather_segment(const GemmParameters<T>& p, const GemmView& view, const GemmSegment& s, T* to) {
  GemmView turned = view;  // the segment as a panel of one step
  turned.row = view.column;
  turned.column = 0;
  turned.data = static_cast<char*>(view.data) + s.row * view.row * static_cast<std::int64_t>(size_of(view.dtype));
  pack(p, turned, MatrixStructure::general, {s.batch, s.column, s.n, s.n, 0, 1}, to);
}

template <class T>
MYLOS_FUNCTION void scatter_segment(const GemmParameters<T>& p, const GemmSegment& s, const T* v) {
  const std::int64_t first = p.batch_offset(p.c, s.batch) + s.row * p.c.row + s.column * p.c.column;
  const auto run = [&](auto stored) {
    using S = decltype(stored);
    S* to = static_cast<S*>(p.c.data) + first;
    if (p.c.column == 1) {
      for (int k = 0; k < s.n; ++k) to[k] = narrow<S>(v[k]);
    } else {
      for (int k = 0; k < s.n; ++k) to[k * p.c.column] = narrow<S>(v[k]);
    }
  };
  switch (p.c.dtype) {
    case DType::f64:
      return run(double());
    case DType::f32:
      return run(float());
    case DType::f16:
      return run(half());
    default:
      return run(bfloat16());
  }
}

/// Values in memory, with room for operands elsewhere.
template <class T>
struct GemmBlock : MemoryBlock<T> {
  T* room;
  std::int64_t distance;
  MYLOS_FUNCTION GemmBlock(T* values, int count, T* room_, std::int64_t distance_)
      : MemoryBlock<T>{values, count}, room(room_), distance(distance_) {}
  MYLOS_FUNCTION GemmBlock like(int i) const { return {room + i * distance, this->n, room, distance}; }
};

/// Values of a segment that are worked on at once.
inline constexpr int gemm_segment = 1024;

/// v = chain(v) for a panel, or for a segment where there is no panel. v has room for a vector more than its values;
/// `room` for two such blocks.
template <class T>
MYLOS_FUNCTION void transform_values(const GemmParameters<T>& p, const GemmPanel* panel, const GemmSegment& segment,
                                     T* v, T* room) {
  const int n = panel != nullptr ? static_cast<int>(panel->size()) : segment.n;
  // In whole vectors: with the remainder in scalar forms of the elementary functions a value's bits would depend on
  // where it stands.
  const int whole = (n + 15) / 16 * 16;
  for (int k = n; k < whole; ++k) v[k] = T(1);
  const LoweredChain<T>& chain = panel != nullptr ? p.before : p.after;
  const GemmView* operands = panel != nullptr ? p.operand : p.operand + p.before_operands;
  GemmBlock<T> block(v, whole, room, whole);
  apply<math::Precise>(chain, block, [&](int o, GemmBlock<T>& to) {
    if (panel != nullptr)
      pack(p, operands[o], p.factor[p.before_side].structure, *panel, to.value);
    else
      gather_segment(p, operands[o], segment, to.value);
    for (int k = n; k < whole; ++k) to.value[k] = T(1);
  });
  if (panel == nullptr) return;
  // What does not exist, and what counts as zero, stays zero.
  const MatrixStructure structure = p.factor[p.before_side].structure;
  if (structure == MatrixStructure::general && panel->count == panel->width) return;
  for (int q = 0; q < panel->steps; ++q)
    for (int r = 0; r < panel->width; ++r) {
      std::int64_t i = panel->i + r;
      std::int64_t step = panel->q + q;
      const bool stored = r < panel->count && locate_structured(structure, i, step);
      if (!stored) v[static_cast<std::int64_t>(q) * panel->width + r] = T(0);
    }
}

}  // namespace mylos::detail
