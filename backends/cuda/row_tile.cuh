// A thread's values of a row, in registers: which elements they are, how they are loaded and stored, and chains on
// them.
#pragma once

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
inline constexpr int line_bytes = 128;
inline constexpr int sector_bytes = 32;

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
  /// What lies outside of the row takes an element of it.
  __device__ __forceinline__ std::int64_t column(int i) const {
    const std::int64_t at = first + i / chunk * chunk_step + (across ? 0 : i & (chunk - 1));
    const std::int64_t inside = at < length ? at : length - 1;
    return inside < 0 ? 0 : inside;
  }
};

/// A tensor operand's values at the tile's elements.
template <class T>
__device__ __noinline__ ChainTile<T> load_operand(const RowParameters<T>& p, const RowOperand& operand,
                                                  const TilePlace& place) {
  constexpr int N = chain_values<T>;
  std::int64_t base = p.row_offset(operand.stride, place.first_row);
  std::int64_t offset[N];
#pragma unroll
  for (int i = 0; i < N; ++i) {
    if (place.across) base = p.row_offset(operand.stride, place.row(i));
    const std::int64_t column = place.column(i);
    offset[i] = base + (operand.is_run ? column * operand.step : p.axis_offset(operand.stride, column));
  }
  ChainTile<T> block;
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

/// v = chain(v). The columns count from element `begin` of the row.
template <class M, int V, class T, int E, int Lanes>
__device__ __forceinline__ void apply_chain(const RowParameters<T>& p, const detail::LoweredChain<T>& chain,
                                            std::int64_t row, const Columns<E, Lanes>& columns, int length, T* v,
                                            std::int64_t begin = 0) {
  if (chain.size == 0 || length == 0) return;
  if (p.operands == 0) {
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
    return;
  }
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

/// One element of a tensor over the box, wherever it is.
template <class T>
__device__ __noinline__ T operand_element(const RowParameters<T>& p, const RowOperand& operand, std::int64_t base,
                                          std::int64_t column) {
  return detail::load_element<T>(
      operand.dtype, operand.data,
      base + (operand.is_run ? column * operand.step : p.axis_offset(operand.stride, column)));
}

/// Rounded before anything is added: a row's bits do not depend on how its weight and bias are read.
__device__ __forceinline__ float rounded_product(float a, float b) { return __fmul_rn(a, b); }
__device__ __forceinline__ double rounded_product(double a, double b) { return __dmul_rn(a, b); }

template <class T>
__device__ __noinline__ T affine_element(const RowOperand& operand, std::int64_t offset) {
  return detail::load_element<T>(operand.dtype, operand.data, offset);
}

/// v = f(v, w) for whole chunks of consecutive, aligned w.
template <class W, int V, class T, int E, int Lanes, class F>
__device__ __forceinline__ void apply_vectors(const void* from, const Columns<E, Lanes>& columns, int length, T* v,
                                              const F& f) {
  if constexpr (sizeof(W) * E <= 16) {
    using Chunk = detail::Pack<W, E>;
#pragma unroll
    for (int q = 0; q < V / E; ++q) {
      if (!columns.has_chunk(q * E, length)) continue;
      T w[E];
      detail::unpack(
          detail::PlainAccess::load(reinterpret_cast<const Chunk*>(static_cast<const W*>(from) + columns.ahead(q * E))),
          w);
#pragma unroll
      for (int k = 0; k < E; ++k) v[q * E + k] = f(v[q * E + k], w[k]);
    }
  }
}

/// v = f(v, w) with the values of weight or bias. In_run: the columns lie within the axis' fastest dimension.
template <int V, class T, int E, int Lanes, class F>
__device__ __forceinline__ void apply_affine(const RowParameters<T>& p, const RowOperand& operand, std::int64_t row,
                                             const Columns<E, Lanes>& columns, int length, T* v, std::int64_t begin,
                                             bool in_run, const F& f) {
  if (operand.data == nullptr) return;
  std::int64_t base = p.row_offset(operand.stride, row);
  const bool even = operand.is_run || in_run;
  if (even) base += operand.is_run ? begin * operand.step : p.axis_offset(operand.stride, begin);
  if (even && operand.step == 0) {
    const T w = detail::load_element<T>(operand.dtype, operand.data, base);
#pragma unroll
    for (int i = 0; i < V; ++i) v[i] = f(v[i], w);
    return;
  }
  const auto size = static_cast<int>(size_of(operand.dtype));
  const void* const from = static_cast<const char*>(operand.data) + (base + columns.first) * size;
  const bool vectors = E > 1 && even && operand.step == 1 && size * E <= 16 &&
                       (reinterpret_cast<std::uintptr_t>(from) & static_cast<unsigned>(size * E - 1)) == 0;
  if (vectors) {
    switch (operand.dtype) {
      case DType::f64:
        apply_vectors<double, V>(from, columns, length, v, f);
        break;
      case DType::f32:
        apply_vectors<float, V>(from, columns, length, v, f);
        break;
      case DType::f16:
        apply_vectors<half, V>(from, columns, length, v, f);
        break;
      default:
        apply_vectors<bfloat16, V>(from, columns, length, v, f);
    }
    if (!columns.has_part(length)) return;
  }
#pragma unroll
  for (int i = 0; i < V; ++i)
    if (columns.has(i, length) && !(vectors && columns.has_chunk(i / E * E, length)))
      v[i] = f(v[i], even ? affine_element<T>(operand, base + columns(i) * operand.step)
                          : operand_element(p, operand, base, begin + columns(i)));
}

template <int V, class T, class Columns>
__device__ __forceinline__ void apply_weight_and_bias(const RowParameters<T>& p, std::int64_t row,
                                                      const Columns& columns, int length, T* v, std::int64_t begin,
                                                      bool in_run) {
  apply_affine<V>(p, p.weight, row, columns, length, v, begin, in_run,
                  [](T value, T w) { return rounded_product(value, w); });
  apply_affine<V>(p, p.bias, row, columns, length, v, begin, in_run, [](T value, T b) { return value + b; });
}

/// Weight and bias at a chunk of a run: often one value all along it, or vectors of the compute type.
template <class T>
class RunAffine {
 public:
  /// To the columns that count from element `begin` of the row.
  template <int E, int Lanes>
  __device__ __forceinline__ void move_to(const RowParameters<T>& p, std::int64_t row, std::int64_t begin,
                                          const Columns<E, Lanes>& columns, bool in_run) {
    in_run_ = in_run;
    begin_ = begin;
    weight_.move_to(p, p.weight, row, begin, columns.first, in_run, T(1));
    bias_.move_to(p, p.bias, row, begin, columns.first, in_run, T(0));
  }
  /// v = v * weight + bias for the columns `ahead` of those, where all of them lie in the row or not.
  template <int V, int E, int Lanes>
  __device__ __forceinline__ void apply(const RowParameters<T>& p, std::int64_t row, int ahead,
                                        const Columns<E, Lanes>& columns, int length, bool all, T* v) const {
    if (weight_.is_value && bias_.is_value) {
#pragma unroll
      for (int i = 0; i < V; ++i) v[i] = rounded_product(v[i], weight_.value) + bias_.value;
    } else if (all && (weight_.is_value || weight_.vectors != nullptr) &&
               (bias_.is_value || bias_.vectors != nullptr)) {
      T w[V];
      T b[V];
      weight_.template load<V, E, Lanes>(ahead, columns, w);
      bias_.template load<V, E, Lanes>(ahead, columns, b);
#pragma unroll
      for (int i = 0; i < V; ++i) v[i] = rounded_product(v[i], w[i]) + b[i];
    } else if (length > 0) {
      apply_weight_and_bias<V>(p, row, columns, length, v, begin_, in_run_);
    }
  }

 private:
  struct Part {
    bool is_value = false;
    T value;
    std::int64_t offset = -1;    // of the value
    const T* vectors = nullptr;  // at the first column

    __device__ __forceinline__ void move_to(const RowParameters<T>& p, const RowOperand& operand, std::int64_t row,
                                            std::int64_t begin, int first, bool in_run, T neutral) {
      const bool even = operand.is_run || in_run;
      is_value = operand.data == nullptr || (even && operand.step == 0);
      vectors = nullptr;
      if (operand.data == nullptr) {
        value = neutral;
        return;
      }
      if (!even) return;
      const std::int64_t at = p.row_offset(operand.stride, row) +
                              (operand.is_run ? begin * operand.step : p.axis_offset(operand.stride, begin));
      if (is_value && at != offset) {
        offset = at;
        value = affine_element<T>(operand, at);
      }
      const T* const from = static_cast<const T*>(operand.data) + (at + first);
      if (operand.step == 1 && operand.dtype == (sizeof(T) == 8 ? DType::f64 : DType::f32) &&
          reinterpret_cast<std::uintptr_t>(from) % 16 == 0)
        vectors = from;
    }
    template <int V, int E, int Lanes>
    __device__ __forceinline__ void load(int ahead, const Columns<E, Lanes>& columns, T* w) const {
      if (is_value) {
#pragma unroll
        for (int i = 0; i < V; ++i) w[i] = value;
        return;
      }
      constexpr int N = 16 / static_cast<int>(sizeof(T));
      static_assert(E % N == 0);
#pragma unroll
      for (int i = 0; i < V; i += N)
        detail::unpack(
            detail::PlainAccess::load(reinterpret_cast<const detail::Pack<T, N>*>(vectors + ahead + columns.ahead(i))),
            w + i);
    }
  };
  Part weight_;
  Part bias_;
  std::int64_t begin_ = 0;
  bool in_run_ = false;
};

/// The affine part and the chain behind the map.
template <class M, int V, class T, class Columns>
__device__ __forceinline__ void apply_after(const RowParameters<T>& p, std::int64_t row, const Columns& columns,
                                            int length, T* v, std::int64_t begin = 0, bool in_run = false) {
  if (length == 0) return;
  apply_weight_and_bias<V>(p, row, columns, length, v, begin, in_run);
  apply_chain<M, V>(p, p.after, row, columns, length, v, begin);
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
