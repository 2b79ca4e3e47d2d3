// The map over rows that allow whole vectors everywhere: x and y run along the box's fastest dimension in aligned
// vectors, tensor operands do so or are constant along it. Broadcast bias, scale and mask, sums of tensors, padded
// rows.
#pragma once

#include "core/indexing.hpp"
#include "pointwise/flat.hpp"

namespace mylos::detail {

struct RowsOperand {
  const void* data;
  DType dtype;
  bool repeated;  // constant along a row
  std::int64_t stride[max_rank];
};

/// A block works on 2^rows_shift rows with 2^threads_shift threads along each; a thread has its chunks that many apart,
/// in one row. All that takes a division is then the same for a thread's chunks.
template <class T>
struct RowsParameters {
  const void* x;
  void* y;
  DType x_dtype;
  DType y_dtype;
  int rank;
  int threads_shift;
  int rows_shift;
  bool along_rows;  // chunks of a thread in one row
  std::int64_t rows;
  std::int64_t chunks;  // of a row
  std::int64_t blocks;
  Divider segments;  // blocks along a row
  Divider extent[max_rank];
  std::int64_t x_stride[max_rank];
  std::int64_t y_stride[max_rank];
  LoweredChain<T> chain;
  int operands;
  RowsOperand operand[max_operands];
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
    if (g.operand[o].stride[inner] == 0) continue;
    const std::size_t bytes = size_of(operand.dtype) * static_cast<std::size_t>(e);
    if (bytes < 4 || bytes > 16) return "an operand's vectors would have less than 4 or more than 16 bytes";
    reason = refuse_vectors(operand.data, operand.dtype, g.operand[o], g.box.rank, e);
  }
  return reason;
}

/// For blocks of 2^shift threads, each with Q chunks.
template <int E, int Q, class T>
RowsParameters<T> make_rows(const PointwiseProblem& problem, int shift) {
  const PointwiseGeometry& g = problem.geometry;
  const int inner = g.box.rank - 1;
  RowsParameters<T> p;
  p.x = problem.x;
  p.y = problem.y;
  p.x_dtype = problem.x_dtype;
  p.y_dtype = problem.y_dtype;
  p.rank = g.box.rank;
  p.chunks = g.box.extent[inner] / E;
  p.rows = g.box.count / g.box.extent[inner];
  const bool shared_row = problem.chain->operand_count() > 0 && g.operand[0].stride[inner] != 0 && g.box.rank == 2 &&
                          g.operand[0].stride[0] == 0;
  p.along_rows = !shared_row;
  const std::int64_t chunks_along = p.along_rows ? Q : 1;
  p.threads_shift = 0;
  while (p.threads_shift < shift && (chunks_along << p.threads_shift) < p.chunks) ++p.threads_shift;
  p.rows_shift = shift - p.threads_shift;
  const std::int64_t width = chunks_along << p.threads_shift;
  const std::int64_t height = (Q / chunks_along) << p.rows_shift;
  const std::int64_t segments = (p.chunks + width - 1) / width;
  p.segments = Divider(segments);
  p.blocks = segments * ((p.rows + height - 1) / height);
  p.chain = lower<T>(*problem.chain);
  p.operands = problem.chain->operand_count();
  for (int d = 0; d < g.box.rank; ++d) {
    p.extent[d] = Divider(g.box.extent[d]);
    p.x_stride[d] = g.x.stride[d];
    p.y_stride[d] = g.y.stride[d];
  }
  for (int o = 0; o < p.operands; ++o) {
    const Tensor& operand = problem.chain->operand(o);
    p.operand[o].data = operand.data;
    p.operand[o].dtype = operand.dtype;
    p.operand[o].repeated = g.operand[o].stride[inner] == 0;
    for (int d = 0; d < g.box.rank; ++d) p.operand[o].stride[d] = g.operand[o].stride[d];
  }
  return p;
}

/// Offset of a row's first element in a tensor with these strides.
template <class T>
MYLOS_FUNCTION std::int64_t offset_of_row(const RowsParameters<T>& p, const std::int64_t* stride, std::int64_t row) {
  if (p.rank == 1) return 0;
  std::int64_t offset = 0;
  auto rest = static_cast<std::uint64_t>(row);
  for (int d = p.rank - 2; d > 0; --d) {
    const std::uint64_t quotient = p.extent[d].divide(rest);
    offset += static_cast<std::int64_t>(rest - quotient * p.extent[d].divisor) * stride[d];
    rest = quotient;
  }
  return offset + static_cast<std::int64_t>(rest) * stride[0];
}

/// Where a thread's chunks lie in a tensor: offset + q * step.
struct EvenChunks {
  std::int64_t offset;
  std::int64_t step;
};

/// A thread's share of the rows.
template <int E, int Q>
struct RowsShare {
  std::int64_t row;
  std::int64_t chunk;  // in the row
  int count;           // of its Q chunks, those that exist; not positive: none

  template <class T>
  MYLOS_FUNCTION RowsShare(const RowsParameters<T>& p, std::int64_t block, int thread) {
    const auto group = static_cast<std::int64_t>(p.segments.divide(static_cast<std::uint64_t>(block)));
    const std::int64_t segment = block - group * static_cast<std::int64_t>(p.segments.divisor);
    const int along = thread & ((1 << p.threads_shift) - 1);
    const int across = thread >> p.threads_shift;
    const int chunks_along = p.along_rows ? Q : 1;
    row = ((group * (Q / chunks_along)) << p.rows_shift) + across;
    chunk = ((segment * chunks_along) << p.threads_shift) + along;
    const std::int64_t left = p.along_rows ? p.chunks - chunk : p.rows - row;
    const int shift = p.along_rows ? p.threads_shift : p.rows_shift;
    const std::int64_t exist = (left + (std::int64_t{1} << shift) - 1) >> shift;
    count = row >= p.rows || chunk >= p.chunks ? 0 : (exist < Q ? static_cast<int>(exist) : Q);
  }

  template <class T>
  MYLOS_FUNCTION EvenChunks in(const RowsParameters<T>& p, const std::int64_t* stride) const {
    const std::int64_t inner = stride[p.rank - 1];
    const std::int64_t offset = offset_of_row(p, stride, row) + chunk * E * inner;
    return {offset, p.along_rows ? (E * inner) << p.threads_shift : stride[0] << p.rows_shift};
  }
};

/// The raw values of an operand for Q chunks.
template <int E, int Q, class OffsetOf>
MYLOS_FUNCTION void load_raw_operand(const RowsOperand& operand, RawChunks<Q>& raw, const OffsetOf& offset_of) {
  if (operand.repeated) return load_raw_elements<Q>(operand.dtype, operand.data, raw, offset_of);
  load_raw<PlainAccess, E>(operand.dtype, operand.data, raw, offset_of);
}

template <int E, int N, int Q, class T>
MYLOS_FUNCTION void unpack_operand(const RowsOperand& operand, const RawChunks<Q>& raw, T* v) {
  if (operand.repeated) return unpack_repeated<E, N>(operand.dtype, raw, v);
  unpack_raw<E, N>(operand.dtype, raw, v);
}

/// As map_flat. The first operand is loaded with x, so that its latency is not paid again and a sum of two tensors
/// keeps as many bytes in flight as a copy; further ones are fetched when their step comes.
template <class M, class Access, int E, int Q, int Passes, class T>
MYLOS_FUNCTION void map_rows(const RowsParameters<T>& p, std::int64_t block, int thread) {
  constexpr int N = Q / Passes;
  const RowsShare<E, Q> share(p, block, thread);
  if (share.count <= 0) return;
  // Chunks that do not exist are loaded from the first one's place, and not stored.
  const auto clamped = [&](int q) { return q < share.count ? q : 0; };
  RawChunks<Q> raw;
  RawChunks<Q> early;
  const EvenChunks x = share.in(p, p.x_stride);
  load_raw<Access, E>(p.x_dtype, p.x, raw, [&](int q) { return x.offset + clamped(q) * x.step; });
  if (p.operands > 0) {
    const EvenChunks at = share.in(p, p.operand[0].stride);
    load_raw_operand<E>(p.operand[0], early, [&](int q) { return at.offset + clamped(q) * at.step; });
  }
  EvenChunks y = share.in(p, p.y_stride);
#if MYLOS_DEVICE_CODE
#pragma unroll 1
#endif
  for (int first = 0; first < share.count; first += N, y.offset += N * y.step) {
    RegisterTile<T, N * E> v;
    unpack_raw<E, N>(p.x_dtype, raw, v.value);
    apply<M>(p.chain, v, [&](int o, RegisterTile<T, N * E>& tile) {
      const RowsOperand& operand = p.operand[o];
      if (o == 0) return unpack_operand<E, N>(operand, early, tile.value);
      RawChunks<N> late;
      const EvenChunks at = share.in(p, operand.stride);
      load_raw_operand<E>(operand, late, [&](int q) { return at.offset + clamped(first + q) * at.step; });
      unpack_operand<E, N>(operand, late, tile.value);
    });
    MYLOS_UNROLL
    for (int q = 0; q + N < Q; ++q) {
      raw.chunk[q] = raw.chunk[q + N];
      early.chunk[q] = early.chunk[q + N];
    }
    MYLOS_UNROLL
    for (int q = 0; q < N; ++q)
      if (first + q < share.count)
        store_chunks<Access, E, 1>(p.y_dtype, p.y, v.value + q * E, [&](int) { return y.offset + q * y.step; });
  }
}

}  // namespace mylos::detail
