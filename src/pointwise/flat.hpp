// The map over one run of consecutive elements without tensor operands: the common case, kept apart from the general
// one (rows.hpp) because registers decide its speed.
#pragma once

#include "core/apply.hpp"
#include "core/raw.hpp"
#include "pointwise/problem.hpp"

namespace mylos::detail {

template <class T>
struct FlatParameters {
  const void* x;  // of lane 0 of chunk 0, which starts `lead` elements before the data, on a vector's boundary
  void* y;
  DType x_dtype;
  DType y_dtype;
  int lead;
  std::int64_t chunks;
  std::int64_t end;  // lead + elements
  LoweredChain<T> chain;
};

inline bool aligned(const void* p, std::size_t bytes) { return reinterpret_cast<std::uintptr_t>(p) % bytes == 0; }

/// Bytes to which a vector of e elements must be aligned.
inline std::size_t vector_alignment(DType dtype, int e) {
  const std::size_t bytes = size_of(dtype) * static_cast<std::size_t>(e);
  return bytes < 16 ? bytes : 16;
}

/// Elements of a chunk: 16 bytes of the wider of x and y.
constexpr int chunk_elements(DType x, DType y) {
  const std::size_t widest = size_of(x) > size_of(y) ? size_of(x) : size_of(y);
  return static_cast<int>(16 / widest);
}

/// Elements by which y starts behind a boundary of its vectors.
inline int lead_of(const PointwiseProblem& problem) {
  const int e = chunk_elements(problem.x_dtype, problem.y_dtype);
  return static_cast<int>(reinterpret_cast<std::uintptr_t>(problem.y) / size_of(problem.y_dtype) %
                          static_cast<unsigned>(e));
}

/// Null if the flat kernel applies, else why it does not.
inline const char* refuse_flat(const PointwiseProblem& problem) {
  if (!problem.is_flat()) return "x and y do not merge into one run of consecutive elements each";
  if (problem.chain->operand_count() != 0) return "the chain has tensor operands";
  if (!aligned(problem.y, size_of(problem.y_dtype))) return "y is not aligned to its elements";
  const int e = chunk_elements(problem.x_dtype, problem.y_dtype);
  const auto* x =
      static_cast<const char*>(problem.x) - static_cast<std::ptrdiff_t>(size_of(problem.x_dtype)) * lead_of(problem);
  if (!aligned(x, vector_alignment(problem.x_dtype, e))) return "x and y are not aligned alike";
  return nullptr;
}

template <int E, class T>
FlatParameters<T> make_flat(const PointwiseProblem& problem) {
  FlatParameters<T> p;
  p.lead = lead_of(problem);
  p.x = static_cast<const char*>(problem.x) - static_cast<std::ptrdiff_t>(size_of(problem.x_dtype)) * p.lead;
  p.y = static_cast<char*>(problem.y) - static_cast<std::ptrdiff_t>(size_of(problem.y_dtype)) * p.lead;
  p.x_dtype = problem.x_dtype;
  p.y_dtype = problem.y_dtype;
  p.end = p.lead + problem.geometry.box.count;
  p.chunks = (p.end + E - 1) / E;
  p.chain = lower<T>(*problem.chain);
  return p;
}

/// Q chunks, `stride` apart: all loads first, then, in `Passes` equal parts, the chain and the stores. More passes keep
/// more bytes in flight for the same registers and code.
template <class M, class Access, int E, int Q, int Passes, class T>
MYLOS_FUNCTION void map_flat(const FlatParameters<T>& p, std::int64_t first, std::int64_t stride) {
  constexpr int N = Q / Passes;
  const auto whole = [&](std::int64_t chunk) { return chunk * E >= p.lead && (chunk + 1) * E <= p.end; };
  const bool all_whole = whole(first) && whole(first + (Q - 1) * stride);
  const int x_size = static_cast<int>(size_of(p.x_dtype));
  const auto x_of = [&](int q, auto bytes) { return static_cast<const char*>(p.x) + (first + q * stride) * bytes; };
  const auto y_of = [&](int q, auto bytes) { return static_cast<char*>(p.y) + (first + q * stride) * bytes; };
  const auto is_whole = [&](int q) { return whole(first + q * stride); };
  RawChunks<Q> raw;
  if (all_whole) {
    load_raw<Access, E, Q>(x_size, raw.chunk, x_of);
  } else {
    MYLOS_UNROLL
    for (int q = 0; q < Q; ++q)
      if (is_whole(q))
        load_raw<Access, E, 1>(x_size, raw.chunk + q, [&](int, auto bytes) { return x_of(q, bytes); });
      else if (first + q * stride < p.chunks)
        load_part<E>(p.x_dtype, p.x, (first + q * stride) * E, p.lead, p.end, raw.chunk[q]);
  }
#if MYLOS_DEVICE_CODE
#pragma unroll 1
#endif
  for (int pass = 0; pass < Passes && first < p.chunks; ++pass, first += N * stride) {
    RegisterTile<T, N * E> v;
    unpack_raw<E, N>(p.x_dtype, raw, v.value);
    MYLOS_UNROLL
    for (int q = 0; q + N < Q; ++q) raw.chunk[q] = raw.chunk[q + N];
    apply_plain<M>(p.chain, v);
    if (all_whole) {
      store_chunks<Access, E, N>(p.y_dtype, v.value, y_of, Always());
      continue;
    }
    store_chunks<Access, E, N>(p.y_dtype, v.value, y_of, is_whole);
    MYLOS_UNROLL
    for (int q = 0; q < N; ++q)
      if (!is_whole(q) && first + q * stride < p.chunks)
        store_part<E>(p.y_dtype, p.y, (first + q * stride) * E, p.lead, p.end, v.value + q * E);
  }
}

}  // namespace mylos::detail
