// A thread's values of a row, in registers: which elements they are, how they are loaded and stored, and chains on
// them.
#pragma once

#include "cuda/fixed_steps.cuh"
#include "cuda/primitives/access.cuh"
#include "cuda/row_statistics.cuh"

namespace mylos::cuda {

/// Value i of a thread is element first + ahead(i) of its row: chunks of E neighbours, of `lanes` threads in turn. E is
/// a vector of 16 bytes, or 1. Vectors stand on 16-byte boundaries of memory: where the row does not, its first
/// elements are the last ones of a chunk that begins `lead` elements before it. Lanes: known to the compiler, or 0.
template <int E, int Lanes>
struct Columns {
  int first;
  int lanes_if_unknown;

  static __device__ __forceinline__ Columns of_lane(int lane, int lanes) { return {lane * E, lanes}; }
  __device__ __forceinline__ int lanes() const { return Lanes == 0 ? lanes_if_unknown : Lanes; }
  __device__ __forceinline__ int ahead(int i) const { return i / E * (lanes() * E) + i % E; }
  __device__ __forceinline__ int operator()(int i) const { return first + ahead(i); }
  __device__ __forceinline__ Columns from(int column) const { return {column + first, lanes_if_unknown}; }
  /// Whether the chunk that value i begins lies in the row.
  __device__ __forceinline__ bool has_chunk(int i, int length) const {
    return (first >= 0 || ahead(i) >= -first) && ahead(i) + E <= length - first;
  }
  __device__ __forceinline__ bool has(int i, int length) const {
    return static_cast<unsigned>(first + ahead(i)) < static_cast<unsigned>(length);
  }
  /// Whether one of the chunks may lie in the row in part: the thread's first, or the one that the row's end cuts.
  __device__ __forceinline__ bool has_part(int length) const {
    const int cut = (length - first) & (lanes() * E - 1);
    return E > 1 && (first < 0 || (cut > 0 && cut < E));
  }
  /// Whether V values do.
  __device__ __forceinline__ bool all(int V, int length) const { return first >= 0 && ahead(V - 1) < length - first; }
};

/// Elements by which a row starts behind a boundary of `Bytes`. Warps whose stores straddle cache lines lose a
/// twentieth of the bandwidth, so long rows are cut at the lines of y; x is only ever off those by whole vectors.
template <int Bytes, class S>
__device__ __forceinline__ int lead_of(const S* row) {
  return static_cast<int>(reinterpret_cast<std::uintptr_t>(row) % Bytes / sizeof(S));
}

/// The elements of a row that the columns name, as they are stored; what lies outside of the row is left unset.
template <class Access, int V, class S, int E, int Lanes>
__device__ __forceinline__ void load_chunks(const S* row, const Columns<E, Lanes>& columns, int length,
                                            detail::Pack<S, E> (&chunk)[V / E]) {
  using Chunk = detail::Pack<S, E>;
  const S* from = row + columns.first;
#pragma unroll
  for (int q = 0; q < V / E; ++q)
    if (columns.has_chunk(q * E, length))
      chunk[q] = Access::load(reinterpret_cast<const Chunk*>(from + columns.ahead(q * E)));
  if (columns.has_part(length)) {
#pragma unroll
    for (int q = 0; q < V / E; ++q) {
      if (columns.has_chunk(q * E, length)) continue;
#pragma unroll
      for (int k = 0; k < E; ++k)
        if (columns.has(q * E + k, length)) chunk[q].value[k] = from[columns.ahead(q * E) + k];
    }
  }
}
template <int V, class S, class T, int E>
__device__ __forceinline__ void unpack_chunks(const detail::Pack<S, E> (&chunk)[V / E], T* v) {
#pragma unroll
  for (int q = 0; q < V / E; ++q) detail::unpack(chunk[q], v + q * E);
}
template <class Access, int V, class S, class T, int E, int Lanes>
__device__ __forceinline__ void load_row(const S* row, const Columns<E, Lanes>& columns, int length, T* v) {
  detail::Pack<S, E> chunk[V / E];
  load_chunks<Access, V>(row, columns, length, chunk);
  unpack_chunks<V>(chunk, v);
}

template <class Access, int V, class S, class T, int E, int Lanes>
__device__ __forceinline__ void store_row(S* row, const Columns<E, Lanes>& columns, int length, const T* v) {
  using Chunk = detail::Pack<S, E>;
  S* to = row + columns.first;
#pragma unroll
  for (int q = 0; q < V / E; ++q) {
    const Chunk chunk = detail::pack_up<S, E>(v + q * E);
    if (columns.has_chunk(q * E, length)) {
      Access::store(reinterpret_cast<Chunk*>(to + columns.ahead(q * E)), chunk);
    } else if (columns.has_part(length)) {
#pragma unroll
      for (int k = 0; k < E; ++k)
        if (columns.has(q * E + k, length)) to[columns.ahead(q * E) + k] = chunk.value[k];
    }
  }
}

/// Values that a chain works on at once.
template <class T>
inline constexpr int chain_values = sizeof(T) == 8 ? 4 : 8;

/// Likewise of chains without operands.
template <class T>
inline constexpr int plain_values = 8;

template <class T>
using ChainTile = detail::RegisterTile<T, chain_values<T>>;

/// Which elements a tile is, everything known at run time only: value i is element column(i) of row(i). Chunks of
/// neighbours lie in one row, or (across) at the same place of as many rows.
struct TilePlace {
  std::int64_t first_row;
  std::int64_t first;
  std::int64_t chunk_step;
  std::int64_t length;
  int chunk;  // a power of two
  bool across;

  __device__ __forceinline__ std::int64_t row(int i) const {
    return across ? first_row + (i & (chunk - 1)) : first_row;
  }
  /// Whether the first n values lie in the row.
  __device__ __forceinline__ bool has_all(int n) const {
    return first >= 0 && first + (n - 1) / chunk * chunk_step + ((n - 1) & (chunk - 1)) < length;
  }
  /// What lies outside of the row takes an element of it.
  __device__ __forceinline__ std::int64_t column(int i) const {
    const std::int64_t at = first + i / chunk * chunk_step + (across ? 0 : i & (chunk - 1));
    const std::int64_t inside = at < length ? at : length - 1;
    return inside < 0 ? 0 : inside;
  }
};

/// Values of `from`, where the tile's elements lie in groups of four neighbours.
template <class S, class T>
__device__ __forceinline__ void load_groups(const S* from, const TilePlace& place, ChainTile<T>& block) {
#pragma unroll
  for (int i = 0; i < chain_values<T>; i += 4)
    detail::load_vector_as<detail::PlainAccess, S, 4>(
        from, i / place.chunk * place.chunk_step + (i & (place.chunk - 1)), &block[i]);
}

/// A tensor operand's values at the tile's elements.
template <class T>
__device__ __noinline__ ChainTile<T> load_operand(const RowParameters<T>& p, const RowOperand& operand,
                                                  const TilePlace& place) {
  constexpr int N = chain_values<T>;
  std::int64_t base = p.row_offset(operand.stride, place.first_row);
  ChainTile<T> block;
  if (!place.across && operand.is_run && operand.step == 0) {
    const T value = detail::load_element<T>(operand.dtype, operand.data, base);
#pragma unroll
    for (int i = 0; i < N; ++i) block[i] = value;
    return block;
  }
  const auto size = static_cast<std::int64_t>(size_of(operand.dtype));
  const char* const from = static_cast<const char*>(operand.data) + (base + place.first) * size;
  const bool groups = !place.across && operand.is_run && operand.step == 1 && place.chunk % 4 == 0 &&
                      place.has_all(N) && reinterpret_cast<std::uintptr_t>(from) % (size < 4 ? 4 * size : 16) == 0;
  if (groups) {
    switch (operand.dtype) {
#define MYLOS_CASE(D, S)                                         \
  case DType::D:                                                 \
    load_groups(reinterpret_cast<const S*>(from), place, block); \
    return block;
      MYLOS_CASE(f64, double)
      MYLOS_CASE(f32, float)
      MYLOS_CASE(f16, half)
      MYLOS_CASE(bf16, bfloat16)
      MYLOS_CASE(u8, std::uint8_t)
#undef MYLOS_CASE
      default:
        break;
    }
  }
  std::int64_t offset[N];
#pragma unroll
  for (int i = 0; i < N; ++i) {
    if (place.across) base = p.row_offset(operand.stride, place.row(i));
    const std::int64_t column = place.column(i);
    offset[i] = base + (operand.is_run ? column * operand.step : p.axis_offset(operand.stride, column));
  }
  switch (operand.dtype) {
#define MYLOS_CASE(D, S)                                                  \
  case DType::D: {                                                        \
    _Pragma("unroll") for (int i = 0; i < N; ++i) block[i] =              \
        detail::widen<T>(static_cast<const S*>(operand.data)[offset[i]]); \
    break;                                                                \
  }
    MYLOS_CASE(f64, double)
    MYLOS_CASE(f32, float)
    MYLOS_CASE(f16, half)
    MYLOS_CASE(bf16, bfloat16)
    MYLOS_CASE(u8, std::uint8_t)
    MYLOS_CASE(i32, std::int32_t)
    MYLOS_CASE(i64, std::int64_t)
#undef MYLOS_CASE
  }
  return block;
}

/// A few values through a chain. A function of its own, not inlined: the code of all steps is there once for all
/// kernels, and its registers are not theirs.
template <class M, class T>
__device__ __noinline__ ChainTile<T> chain_tile(const RowParameters<T>& p, const detail::LoweredChain<T>& chain,
                                                const TilePlace& place, ChainTile<T> tile) {
  detail::apply<M>(chain, tile, [&](int o, ChainTile<T>& block) { block = load_operand(p, p.operand[o], place); });
  return tile;
}

/// Likewise without operands, on as many values as one call takes.
template <class M, int N, class T>
__device__ __noinline__ detail::RegisterTile<T, N> plain_tile(const detail::LoweredChain<T>& chain,
                                                              detail::RegisterTile<T, N> tile) {
  detail::apply_plain<M>(chain, tile);
  return tile;
}

/// Steps that are inlined where kernels for long rows meet them alone in a chain: calls take a third of such a kernel's
/// time. The bits are the same.
#define MYLOS_ROW_STEPS(each) each(relu) each(leaky_relu) each(gelu) each(gelu_tanh) each(silu) each(mul)

/// Calls visit(FixedSteps<0, step>()) if the chain is one of them, visit(FixedSteps<0>()) if it is empty; false if it
/// is neither.
template <class T, class Visit>
__device__ __forceinline__ bool visit_fixed(const detail::LoweredChain<T>& chain, const Visit& visit) {
  if (chain.size == 0) visit(FixedSteps<0>());
  if (chain.size != 1) return chain.size == 0;
  switch (chain.step[0].id) {
#define MYLOS_CASE(name)                  \
  case StepId::name:                      \
    visit(FixedSteps<0, StepId::name>()); \
    return true;
    MYLOS_ROW_STEPS(MYLOS_CASE)
#undef MYLOS_CASE
    default:
      return false;
  }
}

/// v = chain(v) of a chain without operands, by calls.
template <class M, int V, class T>
__device__ __forceinline__ void call_chain(const detail::LoweredChain<T>& chain, T* v) {
  if (chain.size == 0) return;
  constexpr int N = V < plain_values<T> ? V : plain_values<T>;
#pragma unroll
  for (int i = 0; i < V; i += N) {
    detail::RegisterTile<T, N> tile;
#pragma unroll
    for (int k = 0; k < N; ++k) tile[k] = v[i + k];
    tile = plain_tile<M>(chain, tile);
#pragma unroll
    for (int k = 0; k < N; ++k) v[i + k] = tile[k];
  }
}

/// v = step(v), the step one that the compiler knows.
template <class M, int V, class Steps, class T>
__device__ __forceinline__ void apply_fixed(const Steps&, const detail::LoweredChain<T>& chain, T* v) {
  detail::RegisterTile<T, V> tile;
#pragma unroll
  for (int k = 0; k < V; ++k) tile[k] = v[k];
  Steps::template apply<V, M>(chain, tile, tile);
#pragma unroll
  for (int k = 0; k < V; ++k) v[k] = tile[k];
}

/// v = chain(v) of a chain without operands, frequent steps inlined.
template <class M, int V, class T>
__device__ __forceinline__ void apply_plain_chain(const detail::LoweredChain<T>& chain, T* v) {
  if (!visit_fixed(chain, [&](auto steps) { apply_fixed<M, V>(steps, chain, v); })) call_chain<M, V>(chain, v);
}

/// v = chain(v). The columns count from element `begin` of the row.
template <class M, int V, class T, int E, int Lanes>
__device__ __forceinline__ void apply_chain(const RowParameters<T>& p, const detail::LoweredChain<T>& chain,
                                            std::int64_t row, const Columns<E, Lanes>& columns, int length, T* v,
                                            std::int64_t begin = 0) {
  if (chain.size == 0 || length == 0) return;
  if (p.operands == 0) return call_chain<M, V>(chain, v);
  constexpr int N = chain_values<T>;
#pragma unroll
  for (int i = 0; i < V; i += N) {
    const TilePlace place{row, begin + columns(i), columns.lanes() * E, p.length, E, false};
    ChainTile<T> tile;
#pragma unroll
    for (int k = 0; k < N; ++k) tile[k] = i + k < V ? v[i + k] : T(0);
    tile = chain_tile<M>(p, chain, place, tile);
#pragma unroll
    for (int k = 0; k < N; ++k)
      if (i + k < V) v[i + k] = tile[k];
  }
}

/// The chain before the statistic, and the causal mask.
template <class M, int V, class T, class Columns>
__device__ __forceinline__ void apply_before(const RowParameters<T>& p, std::int64_t row, const Columns& columns,
                                             int length, T* v, std::int64_t begin = 0) {
  apply_chain<M, V>(p, p.before, row, columns, length, v, begin);
  if (!p.is_causal) return;
  const std::int64_t limit = p.limit(row) - begin;
#pragma unroll
  for (int i = 0; i < V; ++i) v[i] = columns(i) < limit ? v[i] : detail::minus_infinity<T>();
}

/// The statistic of a thread's values. What lies outside of the row becomes neutral, so that most families look at all
/// values alike.
template <class F, class M, int V, class T, int E, int Lanes>
__device__ __forceinline__ typename F::State statistic_of(const RowParameters<T>& p, const Columns<E, Lanes>& columns,
                                                          int length, T* v) {
  // One way for all lanes: a warp would take both, one after the other.
  const bool all = __all_sync(0xffffffffu, columns.all(V, length));
  if (F::knows_neutral && !all) {
#pragma unroll
    for (int i = 0; i < V; ++i) v[i] = columns.has(i, length) ? v[i] : F::neutral();
  }
  if (F::knows_neutral || all) return F::template of<M>(p, value_tile<V>(v, [](int) { return true; }));
  return F::template of<M>(p, value_tile<V>(v, [&](int i) { return columns.has(i, length); }));
}

/// Likewise, of values that the thread keeps until the map: hold() may leave the map's work half done in them.
template <class F, class M, int V, class T, int E, int Lanes>
__device__ __forceinline__ typename F::State hold_values(const RowParameters<T>& p, const Columns<E, Lanes>& columns,
                                                         int length, T* v) {
  if constexpr (!F::holds) {
    return statistic_of<F, M, V>(p, columns, length, v);
  } else {
    if (!__all_sync(0xffffffffu, columns.all(V, length))) {
#pragma unroll
      for (int i = 0; i < V; ++i) v[i] = columns.has(i, length) ? v[i] : F::neutral();
    }
    return F::template hold<M, V>(p, v);
  }
}

}  // namespace mylos::cuda
