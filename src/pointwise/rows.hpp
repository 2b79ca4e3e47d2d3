// The map over rows, in chunks of E elements: with whole vectors where every row of every tensor allows them (E > 1),
// else element by element (E = 1), which serves any strides, extents and alignment.
//
// Instructions decide the speed here. Rows are located once per thread, a thread's chunks lie evenly in every tensor
// where they can, and operands are fetched when their step comes.
#pragma once

#include <mylos/detail/divider.hpp>

#include "pointwise/flat.hpp"

namespace mylos::detail {

/// Threads of a block.
inline constexpr int rows_threads = 128;

/// Strides in bytes.
struct RowsTensor {
  const char* data;
  DType dtype;
  bool repeated;                  // constant along a row
  int size;                       // of an element
  std::int64_t chunk;             // from a chunk to the next
  std::int64_t step;              // from one of a thread's chunks to its next
  std::int64_t slowest;           // along the slowest of the dimensions besides the rows'
  std::int64_t stride[max_rank];  // along those before it, fastest first
};

/// How the threads of a block lie over rows: `along` of them on each of `across` rows. A thread's chunks are `step`
/// chunks apart in one row, or `step` rows apart down a column. Columns run along one dimension D: rows are numbered
/// f + minor * (d + extent * s) with d in D, f in the faster dimensions and s in the slower ones.
struct RowsShape {
  bool down;
  int column;  // D, of the box
  int along;
  int across;
  int step;
  int segment_chunks;  // of a row, per block
  int minor_lanes;     // of `across`, along the faster dimensions
  int column_rows;     // of a column, per block
  std::int64_t rows;
  std::int64_t chunks;  // of a row
  std::int64_t minor;
  std::int64_t extent;
  std::int64_t segments;  // blocks along a row
  std::int64_t minor_blocks;
  std::int64_t column_blocks;
  std::int64_t blocks;
  double busy;  // share of the threads' chunks that exist
};

/// Division by numbers of a RowsShape.
struct RowsDividers {
  Divider along;
  Divider minor_lanes;
  Divider segments;
  Divider minor_blocks;
  Divider column_blocks;

  RowsDividers() = default;
  explicit RowsDividers(const RowsShape& s)
      : along(s.along),
        minor_lanes(s.minor_lanes),
        segments(s.segments),
        minor_blocks(s.minor_blocks),
        column_blocks(s.column_blocks) {}
};

template <class T>
struct RowsParameters {
  RowsShape shape;
  RowsDividers dividers;
  int outer;                 // dimensions besides the rows' and the slowest
  Divider extent[max_rank];  // theirs, fastest first
  RowsTensor x;
  RowsTensor y;
  LoweredChain<T> chain;
  int operands;
  RowsTensor operand[max_operands];
};

/// Null if vectors of e elements are aligned wherever a row starts, else why not.
inline const char* refuse_vectors(const void* data, DType dtype, const Strides& strides, int rank, int e) {
  const std::size_t alignment = vector_alignment(dtype, e);
  if (strides.stride[rank - 1] != 1) return "elements of a row are not consecutive";
  if (!aligned(data, alignment)) return "a tensor is not aligned to vectors";
  for (int d = 0; d + 1 < rank; ++d) {
    const std::int64_t stride = strides.stride[d] < 0 ? -strides.stride[d] : strides.stride[d];
    if (static_cast<std::size_t>(stride) * size_of(dtype) % alignment != 0)
      return "rows do not start on vectors' boundaries";
  }
  return nullptr;
}

/// Null if the rows allow vectors.
inline const char* refuse_rows(const PointwiseProblem& problem) {
  const PointwiseGeometry& g = problem.geometry;
  const int e = chunk_elements(problem.x_dtype, problem.y_dtype);
  if (g.box.rank == 0) return "a single element has no rows";
  const int inner = g.box.rank - 1;
  if (g.box.extent[inner] % e != 0) return "a row is not a whole number of vectors";
  const char* reason = refuse_vectors(problem.y, problem.y_dtype, g.y, g.box.rank, e);
  if (reason == nullptr) reason = refuse_vectors(problem.x, problem.x_dtype, g.x, g.box.rank, e);
  for (int o = 0; o < problem.chain->operand_count() && reason == nullptr; ++o) {
    const Tensor& operand = problem.chain->operand(o);
    if (g.operand[o].stride[inner] != 0)
      reason = refuse_vectors(operand.data, operand.dtype, g.operand[o], g.box.rank, e);
  }
  return reason;
}

inline std::int64_t ceiling(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// For threads with `per_thread` chunks each in one row (dimension < 0) or down the columns of a dimension of the box.
inline RowsShape rows_shape(const Box& box, std::int64_t chunks, int per_thread, int dimension) {
  const int inner = box.rank - 1;
  RowsShape s;
  s.down = dimension >= 0;
  s.column = s.down ? dimension : 0;
  s.chunks = chunks;
  s.rows = box.count / box.extent[inner];
  const std::int64_t lanes = s.down ? chunks : ceiling(chunks, per_thread);
  s.along = static_cast<int>(lanes < rows_threads ? lanes : rows_threads);
  s.across = rows_threads / s.along;
  s.segment_chunks = s.along * (s.down ? 1 : per_thread);
  s.extent = s.down ? box.extent[dimension] : 1;
  s.minor = s.rows;
  if (s.down) {
    s.minor = 1;
    for (int d = dimension + 1; d < inner; ++d) s.minor *= box.extent[d];
  }
  s.minor_lanes = static_cast<int>(s.minor < s.across ? s.minor : s.across);
  const int column_lanes = s.down ? s.across / s.minor_lanes : 1;
  s.across = s.minor_lanes * column_lanes;
  s.step = s.down ? column_lanes : s.along;
  s.column_rows = s.down ? column_lanes * per_thread : 1;

  s.segments = ceiling(chunks, s.segment_chunks);
  s.minor_blocks = ceiling(s.minor, s.minor_lanes);
  s.column_blocks = ceiling(s.extent, s.column_rows);
  s.blocks = s.segments * s.minor_blocks * s.column_blocks * (s.rows / (s.minor * s.extent));
  s.busy = static_cast<double>(s.rows) * static_cast<double>(chunks) /
           (static_cast<double>(s.blocks) * rows_threads * per_thread);
  return s;
}

/// Along the rows, unless they are short, or the first operand is the same for all rows of a column: a thread that
/// stays in the column finds it in the nearest cache.
inline RowsShape best_rows_shape(const PointwiseGeometry& g, bool has_operand, std::int64_t chunks, int per_thread) {
  const int inner = g.box.rank - 1;
  RowsShape best = rows_shape(g.box, chunks, per_thread, -1);
  const double enough = 0.9;
  for (int d = inner - 1; d >= 0; --d) {
    const bool shared = has_operand && g.operand[0].stride[inner] != 0 && g.operand[0].stride[d] == 0;
    const RowsShape column = rows_shape(g.box, chunks, per_thread, d);
    if (shared && column.busy > enough) return column;
    if (best.busy < enough * column.busy) best = column;
  }
  return best;
}

template <int E, int Q, class T>
RowsParameters<T> make_rows(const PointwiseProblem& problem) {
  const int operands = problem.chain->operand_count();
  const PointwiseGeometry g = with_rows(problem.geometry, operands);
  const int inner = g.box.rank - 1;
  RowsParameters<T> p;
  p.shape = best_rows_shape(g, operands > 0, ceiling(g.box.extent[inner], E), Q);
  p.dividers = RowsDividers(p.shape);
  p.outer = inner - 1;
  for (int d = 0; d < p.outer; ++d) p.extent[d] = Divider(g.box.extent[inner - 1 - d]);
  const auto tensor = [&](const void* data, DType dtype, const Strides& strides) {
    RowsTensor t;
    t.data = static_cast<const char*>(data);
    t.dtype = dtype;
    t.size = static_cast<int>(size_of(dtype));
    t.repeated = strides.stride[inner] == 0;
    t.chunk = strides.stride[inner] * E * t.size;
    t.step = p.shape.step * (p.shape.down ? strides.stride[p.shape.column] * t.size : t.chunk);
    t.slowest = strides.stride[0] * t.size;
    for (int d = 0; d < max_rank; ++d) t.stride[d] = d < p.outer ? strides.stride[inner - 1 - d] * t.size : 0;
    return t;
  };
  p.x = tensor(problem.x, problem.x_dtype, g.x);
  p.y = tensor(problem.y, problem.y_dtype, g.y);
  p.chain = lower<T>(*problem.chain);
  p.operand[0] = {};
  p.operands = operands;
  for (int o = 0; o < operands; ++o)
    p.operand[o] = tensor(problem.chain->operand(o).data, problem.chain->operand(o).dtype, g.operand[o]);
  return p;
}

/// Keeps the compiler from computing a value again, at each use, from what it came from.
template <class V>
MYLOS_FUNCTION void settle(V& value) {
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(V) == 8)
    asm volatile("" : "+l"(value));
  else
    asm volatile("" : "+r"(value));
#else
  static_cast<void>(value);
#endif
}

/// A thread's share of the rows.
template <int Q>
struct RowsShare {
  std::int64_t row;
  std::int64_t chunk;  // in the row
  int count;           // of its Q chunks, those that exist

  MYLOS_FUNCTION RowsShare(const RowsShape& s, const RowsDividers& by, unsigned block, int thread) {
    const unsigned group = by.segments.divide32(block);
    const unsigned segment = block - group * static_cast<unsigned>(s.segments);
    const int across = static_cast<int>(by.along.divide32(static_cast<unsigned>(thread)));
    chunk = static_cast<std::int64_t>(segment) * s.segment_chunks + (thread - across * s.along);
    std::int64_t left;
    if (s.down) {
      const int down = static_cast<int>(by.minor_lanes.divide32(static_cast<unsigned>(across)));
      const unsigned columns = by.minor_blocks.divide32(group);
      const unsigned slow = by.column_blocks.divide32(columns);
      const std::int64_t f =
          static_cast<std::int64_t>(group - columns * static_cast<unsigned>(s.minor_blocks)) * s.minor_lanes +
          (across - down * s.minor_lanes);
      const std::int64_t d =
          static_cast<std::int64_t>(columns - slow * static_cast<unsigned>(s.column_blocks)) * s.column_rows + down;
      row = f + s.minor * (d + s.extent * slow);
      left = f < s.minor ? s.extent - d : 0;
    } else {
      row = static_cast<std::int64_t>(group) * s.across + across;
      left = row < s.rows ? s.chunks - chunk : 0;
    }
    count = Q;
    if (across >= s.across || chunk >= s.chunks || left <= 0)
      count = 0;
    else if (left <= (Q - 1) * s.step)
      count = (static_cast<int>(left) + s.step - 1) / s.step;
    settle(row);
    settle(chunk);
    settle(count);
  }
};

/// The address of a thread's first chunk.
template <int Q, class T>
MYLOS_FUNCTION const char* first_chunk(const RowsParameters<T>& p, const RowsTensor& t, const RowsShare<Q>& share) {
  const char* at = t.data + share.chunk * t.chunk;
  if (p.outer == 0) return at + share.row * t.slowest;
  auto rest = static_cast<std::uint64_t>(share.row);
#if MYLOS_DEVICE_CODE
#pragma unroll 1
#endif
  for (int d = 0; d < p.outer; ++d) {
    const std::uint64_t quotient = p.extent[d].divide(rest);
    at += static_cast<std::int64_t>(rest - quotient * p.extent[d].divisor) * t.stride[d];
    rest = quotient;
  }
  return at + static_cast<std::int64_t>(rest) * t.slowest;
}

/// Addresses of a thread's chunks, asked for in order; behind the last one that exists, its address again.
struct Walk {
  const char* at;
  std::int64_t step;
  int last;

  MYLOS_FUNCTION Walk(const char* first, std::int64_t stride, int exist) : at(first), step(stride), last(exist - 1) {}
  MYLOS_FUNCTION const char* operator()(int q, int = 0) {
    const char* now = at;
    if (q < last) at += step;
    return now;
  }
};
/// The same where all exist.
struct FreeWalk {
  const char* at;
  std::int64_t step;

  MYLOS_FUNCTION const char* operator()(int, int = 0) {
    const char* now = at;
    at += step;
    return now;
  }
};

template <class S, int E, int N, class Addresses, class T>
MYLOS_FUNCTION void load_operand_as(bool repeated, Addresses address_of, T* v) {
  if (E == 1 || repeated) {
    S element[N];
    MYLOS_UNROLL
    for (int q = 0; q < N; ++q) element[q] = *reinterpret_cast<const S*>(address_of(q));
    MYLOS_UNROLL
    for (int q = 0; q < N; ++q) MYLOS_UNROLL
    for (int k = 0; k < E; ++k) v[q * E + k] = widen<T>(element[q]);
  } else {
    MYLOS_UNROLL
    for (int q = 0; q < N; ++q) load_vector_as<PlainAccess, S, E>(address_of(q), 0, v + q * E);
  }
}

/// The operand's values for N chunks from `at` on, of which the first `exist` are there.
template <int E, int N, class T>
MYLOS_FUNCTION void load_operand(const RowsTensor& operand, const char* at, int exist, T* v) {
  switch (operand.dtype) {
#define MYLOS_CASE(D, S) \
  case DType::D:         \
    return load_operand_as<S, E, N>(operand.repeated, Walk(at, operand.step, exist), v);
    MYLOS_CASE(f64, double)
    MYLOS_CASE(f32, float)
    MYLOS_CASE(f16, half)
    MYLOS_CASE(bf16, bfloat16)
    MYLOS_CASE(u8, std::uint8_t)
    MYLOS_CASE(i32, std::int32_t)
    MYLOS_CASE(i64, std::int64_t)
#undef MYLOS_CASE
  }
}

/// As map_flat, for the thread's share of the rows.
template <class M, class Access, int E, int Q, int Passes, class T>
MYLOS_FUNCTION void map_rows(const RowsParameters<T>& p, unsigned block, int thread) {
  constexpr int N = Q / Passes;
  const RowsShare<Q> share(p.shape, p.dividers, block, thread);
  if (share.count <= 0) return;
  RawChunks<Q, E == 1 ? sizeof(T) / 4 : 4> raw;
  const char* x = first_chunk(p, p.x, share);
  if (share.count == Q)
    load_raw<Access, E, Q>(p.x.size, raw.chunk, FreeWalk{x, p.x.step});
  else
    load_raw<Access, E, Q>(p.x.size, raw.chunk, Walk(x, p.x.step, share.count));
  // The first operand's address is kept, others' are found again.
  const char* near = p.operands > 0 ? first_chunk(p, p.operand[0], share) : nullptr;
  const char* y = first_chunk(p, p.y, share);
  settle(near);
  settle(y);
#if MYLOS_DEVICE_CODE
#pragma unroll 1
#endif
  for (int first = 0; first < share.count; first += N) {
    RegisterTile<T, N * E> v;
    unpack_raw<E, N>(p.x.dtype, raw, v.value);
    MYLOS_UNROLL
    for (int q = 0; q + N < Q; ++q) raw.chunk[q] = raw.chunk[q + N];
    apply<M>(p.chain, v, [&](int o, RegisterTile<T, N * E>& tile) {
      const RowsTensor& operand = p.operand[o];
      const char* at = o == 0 ? near : first_chunk(p, operand, share) + first * operand.step;
      load_operand<E, N>(operand, at, share.count - first, tile.value);
    });
    FreeWalk to{y, p.y.step};
    store_chunks<Access, E, N>(
        p.y.dtype, v.value, [&](int q, int) { return const_cast<char*>(to(q)); },
        [&](int q) { return first + q < share.count; });
    y = to.at;
    near += N * p.operand[0].step;
  }
}

}  // namespace mylos::detail
