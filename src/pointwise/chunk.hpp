// The map over chunks of E elements of any box: any strides, misaligned or ragged rows, operands of every dtype. What
// is left when neither flat.hpp nor rows.hpp applies.
#pragma once

#include "pointwise/rows.hpp"

namespace mylos::detail {

/// How chunks lie over the elements.
///   flat: x and y are consecutive (misaligned, or with operands). Chunks follow y's 16-byte boundaries (the first and
///   the last may be partial);
///         operands, if they are broadcast, are found by coordinates, and a chunk may cross the end of a row.
///   rows: chunks stay within a row of the box's fastest dimension, the last one of a row may be partial.
enum class ChunkLayout : std::uint8_t { flat, rows };

/// Where rows allow no vectors, lane k of a chunk lies this many elements behind lane k - 1, and neighbouring chunks
/// interleave: neighbouring threads then touch neighbouring elements.
inline constexpr int interleave = 32;

template <class T>
struct ChunkParameters {
  const void* x;
  void* y;
  DType x_dtype;
  DType y_dtype;
  ChunkLayout layout;
  bool x_vector;  // x may be read by vectors
  bool y_vector;
  bool interleaved;
  bool operand_vector[max_operands];
  std::int64_t count;  // elements
  std::int64_t chunks;
  std::int64_t lead;   // flat: elements by which the first chunk starts before the data
  std::int64_t inner;  // extent of the fastest dimension
  Divider chunks_per_row;
  int rank;            // at least 2
  Divider row_length;  // inner
  Divider extent[max_rank];
  std::int64_t x_stride[max_rank];
  std::int64_t y_stride[max_rank];
  LoweredChain<T> chain;
  LoweredOperand<max_rank> operand[max_operands];
};

template <class T>
MYLOS_FUNCTION bool is_flat(const ChunkParameters<T>& p) {
  return p.layout == ChunkLayout::flat;
}

/// What a chunk covers: lane k is at position + k * lane_step of its row (flat: of all elements), if that is in [0,
/// room).
struct Chunk {
  std::int64_t row;
  std::int64_t position;
  std::int64_t room;
  int lane_step;

  MYLOS_FUNCTION bool holds(int k) const {
    const std::int64_t at = position + k * lane_step;
    return at >= 0 && at < room;
  }
  template <int E>
  MYLOS_FUNCTION bool full() const {
    return position >= 0 && position + (E - 1) * lane_step < room;
  }
};

template <int E, class T>
ChunkParameters<T> make_chunks(const PointwiseProblem& problem) {
  const PointwiseGeometry g = with_rows(problem.geometry, problem.chain->operand_count());
  const Box& box = g.box;
  ChunkParameters<T> p;
  p.x = problem.x;
  p.y = problem.y;
  p.x_dtype = problem.x_dtype;
  p.y_dtype = problem.y_dtype;
  p.count = box.count;
  p.chain = lower<T>(*problem.chain);
  lower_operands(problem, g, p.operand);
  p.rank = box.rank;
  bool flat = true;
  std::int64_t consecutive = 1;
  for (int d = box.rank - 1; d >= 0; --d) {
    p.extent[d] = Divider(box.extent[d]);
    p.x_stride[d] = g.x.stride[d];
    p.y_stride[d] = g.y.stride[d];
    flat = flat && g.x.stride[d] == consecutive && g.y.stride[d] == consecutive;
    consecutive *= box.extent[d];
  }
  p.inner = box.extent[box.rank - 1];
  p.row_length = p.extent[box.rank - 1];
  p.layout = flat ? ChunkLayout::flat : ChunkLayout::rows;

  // The offsets, in elements, at which rows start: vectors need every one of them aligned.
  const auto rows_aligned = [&](const void* data, DType dtype, const std::int64_t* stride) {
    const std::size_t alignment = vector_alignment(dtype, E);
    if (!aligned(data, alignment)) return false;
    if (stride[box.rank - 1] != 1) return false;
    for (int d = 0; d + 1 < box.rank; ++d)
      if (static_cast<std::size_t>(stride[d] < 0 ? -stride[d] : stride[d]) * size_of(dtype) % alignment != 0)
        return false;
    return true;
  };
  p.lead = 0;
  p.interleaved = false;
  if (flat) {
    const auto size = size_of(p.y_dtype);
    p.lead = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(p.y) / size % E);
    p.y_vector = aligned(p.y, size);
    const auto* x_of_lane_0 = static_cast<const char*>(p.x) - p.lead * static_cast<std::int64_t>(size_of(p.x_dtype));
    p.x_vector = aligned(x_of_lane_0, vector_alignment(p.x_dtype, E));
    p.chunks = (p.lead + p.count + E - 1) / E;
    p.chunks_per_row = Divider(1);
  } else {
    p.y_vector = rows_aligned(p.y, p.y_dtype, p.y_stride);
    p.x_vector = rows_aligned(p.x, p.x_dtype, p.x_stride);
    std::int64_t per_row = (p.inner + E - 1) / E;
    p.interleaved = !(p.x_vector && p.y_vector) && per_row >= 4 * interleave;
    if (p.interleaved) per_row = (per_row + interleave - 1) / interleave * interleave;
    p.chunks = p.count == 0 ? 0 : p.count / p.inner * per_row;
    p.chunks_per_row = Divider(per_row);
  }
  const bool chunks_fit_rows = !flat || box.rank <= 1 || p.inner % E == 0;
  for (int o = 0; o < problem.chain->operand_count(); ++o)
    p.operand_vector[o] = p.lead == 0 && chunks_fit_rows && !p.interleaved && is_floating(p.operand[o].dtype) &&
                          size_of(p.operand[o].dtype) * E <= 16 &&
                          rows_aligned(p.operand[o].data, p.operand[o].dtype, p.operand[o].stride);
  return p;
}

/// A chunk's place: its row and its number in the row; flat: row 0.
struct Cursor {
  std::int64_t row;
  std::int64_t in_row;
};

template <class T>
MYLOS_FUNCTION Cursor cursor_at(const ChunkParameters<T>& p, std::int64_t chunk) {
  if (is_flat(p)) return {0, chunk};
  const auto row = static_cast<std::int64_t>(p.chunks_per_row.divide(static_cast<std::uint64_t>(chunk)));
  return {row, chunk - row * static_cast<std::int64_t>(p.chunks_per_row.divisor)};
}

template <class T>
MYLOS_FUNCTION void advance(const ChunkParameters<T>& p, Cursor& cursor, std::int64_t chunks) {
  cursor.in_row += chunks;
  if (is_flat(p)) return;
  const auto per_row = static_cast<std::int64_t>(p.chunks_per_row.divisor);
  if (cursor.in_row < per_row) return;
  const std::int64_t rows =
      per_row >= chunks ? 1
                        : static_cast<std::int64_t>(p.chunks_per_row.divide(static_cast<std::uint64_t>(cursor.in_row)));
  cursor.row += rows;
  cursor.in_row -= rows * per_row;
}

template <int E, class T>
MYLOS_FUNCTION Chunk chunk_at(const ChunkParameters<T>& p, const Cursor& cursor) {
  if (is_flat(p)) return {0, cursor.in_row * E - p.lead, p.count, 1};
  if (!p.interleaved) return {cursor.row, cursor.in_row * E, p.inner, 1};
  const std::int64_t lane = cursor.in_row % interleave;
  return {cursor.row, (cursor.in_row - lane) * E + lane, p.inner, interleave};
}

/// Chunks `stride` apart, from `first` on: what one thread works on.
struct ChunkSequence {
  Cursor cursor;
  std::int64_t next;  // the chunk at the cursor
  std::int64_t stride;

  /// visit(q, chunk) for the next N chunks; those past the end have no lanes.
  template <int E, int N, class T, class Visit>
  MYLOS_FUNCTION void take(const ChunkParameters<T>& p, const Visit& visit) {
    MYLOS_UNROLL
    for (int q = 0; q < N; ++q) {
      Chunk chunk = chunk_at<E>(p, cursor);
      if (next >= p.chunks) chunk.room = 0;
      visit(q, chunk);
      next += stride;
      advance(p, cursor, stride);
    }
  }
  template <class T>
  MYLOS_FUNCTION void skip(const ChunkParameters<T>& p, int n) {
    next += n * stride;
    advance(p, cursor, n * stride);
  }
};

/// Offset of the first element of a row.
template <class T>
MYLOS_FUNCTION std::int64_t row_offset(const ChunkParameters<T>& p, const std::int64_t* stride, std::int64_t row) {
  std::int64_t offset = 0;
  auto rest = static_cast<std::uint64_t>(row);
  for (int d = p.rank - 2; d > 0; --d) {
    const std::uint64_t quotient = p.extent[d].divide(rest);
    offset += static_cast<std::int64_t>(rest - quotient * p.extent[d].divisor) * stride[d];
    rest = quotient;
  }
  return offset + static_cast<std::int64_t>(rest) * stride[0];
}

/// Where the lanes of N chunks lie in a tensor: offset[q] + k * step, for the k whose bit is set in held[q].
template <int N>
struct Lanes {
  std::int64_t offset[N];
  std::int64_t step;
  unsigned held[N];
  bool full;

  template <int E>
  MYLOS_FUNCTION void hold(int q, const Chunk& c) {
    if (c.full<E>()) {
      held[q] = ~0u;
      return;
    }
    full = false;
    held[q] = 0;
    MYLOS_UNROLL
    for (int k = 0; k < E; ++k) held[q] |= c.holds(k) ? 1u << k : 0u;
  }
};

/// In x or y.
template <int E, int N, class T>
MYLOS_FUNCTION Lanes<N> lanes_of(const ChunkParameters<T>& p, const std::int64_t* stride, ChunkSequence& chunks) {
  Lanes<N> lanes;
  const std::int64_t inner = is_flat(p) ? 1 : stride[p.rank - 1];
  lanes.step = p.interleaved ? inner * interleave : inner;
  lanes.full = true;
  chunks.take<E, N>(p, [&](int q, const Chunk& c) {
    lanes.offset[q] = (is_flat(p) ? 0 : row_offset(p, stride, c.row)) + c.position * inner;
    lanes.template hold<E>(q, c);
  });
  return lanes;
}

/// The elements of N chunks one at a time: all loads first.
template <class S, int E, int N, class T>
MYLOS_FUNCTION void load_elements_as(const void* data, const Lanes<N>& lanes, T* v) {
  MYLOS_UNROLL
  for (int q = 0; q < N; ++q) MYLOS_UNROLL
  for (int k = 0; k < E; ++k)
    if (lanes.held[q] >> k & 1u) v[q * E + k] = widen<T>(static_cast<const S*>(data)[lanes.offset[q] + k * lanes.step]);
}
template <class S, int E, int N, class T>
MYLOS_FUNCTION void store_elements_as(void* data, const Lanes<N>& lanes, const T* v) {
  MYLOS_UNROLL
  for (int q = 0; q < N; ++q) MYLOS_UNROLL
  for (int k = 0; k < E; ++k)
    if (lanes.held[q] >> k & 1u) static_cast<S*>(data)[lanes.offset[q] + k * lanes.step] = narrow<S>(v[q * E + k]);
}

#define MYLOS_FLOATING_CASES \
  MYLOS_CASE(f64, double)    \
  MYLOS_CASE(f32, float)     \
  MYLOS_CASE(f16, half)      \
  MYLOS_CASE(bf16, bfloat16)
#define MYLOS_INTEGER_CASES     \
  MYLOS_CASE(u8, std::uint8_t)  \
  MYLOS_CASE(i32, std::int32_t) \
  MYLOS_CASE(i64, std::int64_t)

template <int E, int N, class T>
MYLOS_FUNCTION void load_elements(DType dtype, const void* data, const Lanes<N>& lanes, T* v) {
  switch (dtype) {
#define MYLOS_CASE(D, S) \
  case DType::D:         \
    return load_elements_as<S, E>(data, lanes, v);
    MYLOS_FLOATING_CASES
    MYLOS_INTEGER_CASES
#undef MYLOS_CASE
  }
}
template <int E, int N, class T>
MYLOS_FUNCTION void store_elements(DType dtype, void* data, const Lanes<N>& lanes, const T* v) {
  switch (dtype) {
#define MYLOS_CASE(D, S) \
  case DType::D:         \
    return store_elements_as<S, E>(data, lanes, v);
    MYLOS_FLOATING_CASES
#undef MYLOS_CASE
    default:
      return;
  }
}

#undef MYLOS_FLOATING_CASES
#undef MYLOS_INTEGER_CASES

/// The values of operand o for N chunks.
template <int E, int N, class T>
MYLOS_FUNCTION void load_operand(const ChunkParameters<T>& p, int o, ChunkSequence chunks, T* v) {
  const LoweredOperand<max_rank>& operand = p.operand[o];
  const std::int64_t inner = operand.stride[p.rank - 1];
  Lanes<N> lanes;
  lanes.full = true;
  lanes.step = p.interleaved ? inner * interleave : inner;
  bool in_rows = true;
  ChunkSequence ahead = chunks;
  ahead.take<E, N>(p, [&](int q, const Chunk& c) {
    std::int64_t row = c.row;
    std::int64_t position = c.position;
    if (is_flat(p)) {
      row = position < 0 ? 0 : static_cast<std::int64_t>(p.row_length.divide(static_cast<std::uint64_t>(position)));
      position -= row * p.inner;
      in_rows = in_rows && position + E <= p.inner;
    }
    lanes.offset[q] = row_offset(p, operand.stride, row) + position * inner;
    lanes.template hold<E>(q, c);
  });
  if (in_rows) {
    RawChunks<N> raw;
    if (lanes.full && inner == 0) {
      load_raw_elements<N>(operand.dtype, operand.data, raw, [&](int q) { return lanes.offset[q]; });
      return unpack_repeated<E, N>(operand.dtype, raw, v);
    }
    if (lanes.full && p.operand_vector[o]) {
      load_raw<PlainAccess, E>(operand.dtype, operand.data, raw, [&](int q) { return lanes.offset[q]; });
      return unpack_raw<E, N>(operand.dtype, raw, v);
    }
    return load_elements<E>(operand.dtype, operand.data, lanes, v);
  }
  // Flat chunks that cross the ends of rows: by coordinates, element by element.
  chunks.take<E, N>(p, [&](int q, const Chunk& c) {
    MYLOS_UNROLL
    for (int k = 0; k < E; ++k) {
      if (!c.holds(k)) continue;
      const std::int64_t index = c.position + k;
      const auto row = static_cast<std::int64_t>(p.row_length.divide(static_cast<std::uint64_t>(index)));
      const std::int64_t offset = row_offset(p, operand.stride, row) + (index - row * p.inner) * inner;
      v[q * E + k] = load_element<T>(operand.dtype, operand.data, offset);
    }
  });
}

/// Q chunks, `stride` apart: all loads first, then, in `Passes` equal parts, the chain and the stores. More passes keep
/// more bytes in flight for the same registers and code.
template <class M, class Access, int E, int Q, int Passes, class T>
MYLOS_FUNCTION void map_chunks(const ChunkParameters<T>& p, std::int64_t first, std::int64_t stride) {
  constexpr int N = Q / Passes;
  if (first >= p.chunks) return;
  ChunkSequence chunks{cursor_at(p, first), first, stride};
  // The common case has offsets in closed form, which cost no registers.
  const bool flat = is_flat(p) && first * E >= p.lead && (first + (Q - 1) * stride + 1) * E - p.lead <= p.count;
  RawChunks<Q> raw;
  bool whole_x = p.x_vector && !p.interleaved;
  if (flat) {
    if (whole_x) load_raw<Access, E>(p.x_dtype, p.x, raw, [&](int q) { return (first + q * stride) * E - p.lead; });
  } else if (whole_x) {
    ChunkSequence ahead = chunks;
    const Lanes<Q> lanes = lanes_of<E, Q>(p, p.x_stride, ahead);
    whole_x = lanes.full;
    if (whole_x) load_raw<Access, E>(p.x_dtype, p.x, raw, [&](int q) { return lanes.offset[q]; });
  }
#if MYLOS_DEVICE_CODE
#pragma unroll 1
#endif
  for (int pass = 0; pass < Passes; ++pass) {
    RegisterTile<T, N * E> v;
    if (whole_x) {
      unpack_raw<E, N>(p.x_dtype, raw, v.value);
      MYLOS_UNROLL
      for (int q = 0; q + N < Q; ++q) raw.chunk[q] = raw.chunk[q + N];
    } else {
      ChunkSequence ahead = chunks;
      load_elements<E>(p.x_dtype, p.x, lanes_of<E, N>(p, p.x_stride, ahead), v.value);
    }
    apply<M>(p.chain, v, [&](int o, RegisterTile<T, N * E>& tile) { load_operand<E, N>(p, o, chunks, tile.value); });
    const std::int64_t at = chunks.next;
    if (flat && p.y_vector) {
      store_chunks<Access, E, N>(p.y_dtype, p.y, v.value, [&](int q) { return (at + q * stride) * E - p.lead; });
      chunks.skip(p, N);
      continue;
    }
    const Lanes<N> lanes = lanes_of<E, N>(p, p.y_stride, chunks);
    if (lanes.full && p.y_vector && !p.interleaved)
      store_chunks<Access, E, N>(p.y_dtype, p.y, v.value, [&](int q) { return lanes.offset[q]; });
    else
      store_elements<E>(p.y_dtype, p.y, lanes, v.value);
  }
}

}  // namespace mylos::detail
