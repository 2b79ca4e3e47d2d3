// Weight and bias behind a row's map: at any columns of a row, and along a run of consecutive elements.
#pragma once

#include "cuda/row_tile.cuh"

namespace mylos::cuda {

/// One element of a tensor over the box, wherever it is.
template <class T>
__device__ __noinline__ T operand_element(const RowParameters<T>& p, const RowOperand& operand, std::int64_t base,
                                          std::int64_t column) {
  return detail::load_element<T>(
      operand.dtype, operand.data,
      base + (operand.is_run ? column * operand.step : p.axis_offset(operand.stride, column)));
}

/// What there is beside a row's statistic and map: nothing; chains without operands (of the ring and the passes alone);
/// weight and bias; both; anything.
enum class RowKind { light, chained, affine, chained_affine, full };
__host__ __device__ constexpr bool has_chains(RowKind kind) {
  return kind == RowKind::chained || kind == RowKind::chained_affine || kind == RowKind::full;
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

/// Likewise as a function of its own, for what is rare: its registers are not the caller's.
template <int V, class T, class Columns>
__device__ __noinline__ detail::RegisterTile<T, V> affine_tile(const RowParameters<T>& p, std::int64_t row,
                                                               Columns columns, int length,
                                                               detail::RegisterTile<T, V> tile, std::int64_t begin,
                                                               bool in_run) {
  apply_weight_and_bias<V>(p, row, columns, length, tile.value, begin, in_run);
  return tile;
}
template <int V, class T, int E, int Lanes>
__device__ __forceinline__ void apply_affine_tile(const RowParameters<T>& p, std::int64_t row,
                                                  const Columns<E, Lanes>& columns, int length, T* v,
                                                  std::int64_t begin, bool in_run) {
  constexpr int N = V < 8 ? V : 8;
#pragma unroll
  for (int i = 0; i < V; i += N) {
    detail::RegisterTile<T, N> tile;
#pragma unroll
    for (int k = 0; k < N; ++k) tile[k] = v[i + k];
    tile = affine_tile<N>(p, row, columns.from(columns.ahead(i)), length, tile, begin, in_run);
#pragma unroll
    for (int k = 0; k < N; ++k) v[i + k] = tile[k];
  }
}

/// Weight or bias along a run, where it is one value or consecutive ones.
template <class T>
struct RunOperand {
  /// Neighbours that are loaded at once.
  static constexpr int N = 16 / static_cast<int>(sizeof(T));
  T value;
  const void* values = nullptr;  // of the row's element 0, counted back from the run; null: one value
  DType dtype = DType::f32;
  bool is_aligned = false;  // where vectors begin

  /// False where it is something else. At the run that has element `element` of the row; where `E` is not 1, vectors
  /// will begin at elements that differ from `first` by whole vectors.
  template <int E>
  __device__ __forceinline__ bool locate(const RowParameters<T>& p, const RowOperand& operand, std::int64_t row,
                                         std::int64_t first, std::int64_t element, bool in_run, T neutral) {
    value = neutral;
    values = nullptr;
    dtype = operand.dtype;
    if (operand.data == nullptr) return true;
    if (!operand.is_run && !in_run) return false;
    const std::int64_t at = element_offset(p, operand.stride, row, element);
    if (operand.step == 0) {
      // The usual case without a call: nothing waits for it before it is used.
      value = dtype == dtype_of<T> ? static_cast<const T*>(operand.data)[at] : affine_element<T>(operand, at);
      return true;
    }
    const auto size = static_cast<std::int64_t>(size_of(dtype));
    values = static_cast<const char*>(operand.data) + (at - element) * size;
    const auto address = reinterpret_cast<std::uintptr_t>(values) + static_cast<std::uintptr_t>(first * size);
    is_aligned = address % static_cast<std::uintptr_t>(N * size) == 0;
    return operand.step == 1 && (sizeof(T) == 8) == (dtype == DType::f64);
  }
  /// v = f(v, it) at the columns that count from element `first` of the row. All: every one of them lies in the row.
  template <int V, int E, int Lanes, class F>
  __device__ __forceinline__ void combine(std::int64_t first, const Columns<E, Lanes>& columns, int length, bool all,
                                          T* v, const F& f) const {
    if (values == nullptr) {
#pragma unroll
      for (int i = 0; i < V; ++i) v[i] = f(v[i], value);
    } else if constexpr (sizeof(T) == 8) {
      combine_as<double, V>(first, columns, length, all, v, f);
    } else if (dtype == DType::f32) {
      combine_as<float, V>(first, columns, length, all, v, f);
    } else if (dtype == DType::f16) {
      combine_as<half, V>(first, columns, length, all, v, f);
    } else {
      combine_as<bfloat16, V>(first, columns, length, all, v, f);
    }
  }

 private:
  template <class W, int V, int E, int Lanes, class F>
  __device__ __forceinline__ void combine_as(std::int64_t first, const Columns<E, Lanes>& columns, int length, bool all,
                                             T* v, const F& f) const {
    const W* const from = static_cast<const W*>(values) + first + columns.first;
    const bool vectors = E > 1 && is_aligned;
    if constexpr (E > 1) {
      static_assert(E % N == 0);
      if (vectors) {
#pragma unroll
        for (int i = 0; i < V; i += N) {
          if (!all && !columns.has_chunk(i / E * E, length)) continue;
          T w[N];
          detail::load_vector_as<detail::PlainAccess, W, N>(from, columns.ahead(i), w);
#pragma unroll
          for (int k = 0; k < N; ++k) v[i + k] = f(v[i + k], w[k]);
        }
        if (all || !columns.has_part(length)) return;
      }
    }
#pragma unroll
    for (int i = 0; i < V; ++i)
      if ((all || columns.has(i, length)) && !(vectors && columns.has_chunk(i / E * E, length)))
        v[i] = f(v[i], detail::widen<T>(from[columns.ahead(i)]));
  }
};

/// Weight and bias along a run, found once for it.
template <class T>
struct RunAffine {
  bool is_simple = true;  // both are such operands
  RunOperand<T> weight{};
  RunOperand<T> bias{};

  template <int E>
  __device__ __forceinline__ bool locate(const RowParameters<T>& p, std::int64_t row, std::int64_t first,
                                         std::int64_t element, bool in_run) {
    // Adding -0 changes nothing.
    is_simple = weight.template locate<E>(p, p.weight, row, first, element, in_run, T(1)) &&
                bias.template locate<E>(p, p.bias, row, first, element, in_run, T(-0.0));
    return is_simple;
  }
  /// v = v * weight + bias for columns within the run, where it is simple.
  template <int V, int E, int Lanes>
  __device__ __forceinline__ void apply(std::int64_t first, const Columns<E, Lanes>& columns, int length, bool all,
                                        T* v) const {
    weight.template combine<V>(first, columns, length, all, v, [](T a, T w) { return rounded_product(a, w); });
    bias.template combine<V>(first, columns, length, all, v, [](T a, T b) { return a + b; });
  }
  /// What apply() would multiply by and add, where it is simple.
  template <int V, int E, int Lanes>
  __device__ __forceinline__ void keep(std::int64_t first, const Columns<E, Lanes>& columns, int length, T* weights,
                                       T* biases) const {
    const bool all = columns.all(V, length);
    const auto second = [](T, T w) { return w; };
    weight.template combine<V>(first, columns, length, all, weights, second);
    bias.template combine<V>(first, columns, length, all, biases, second);
  }
};

/// Weight and bias that have been looked for along the columns' run.
template <int V, class T, int E, int Lanes>
__device__ __forceinline__ void apply_affine(const RowParameters<T>& p, const RunAffine<T>& affine, std::int64_t row,
                                             const Columns<E, Lanes>& columns, int length, T* v, std::int64_t begin,
                                             bool in_run) {
  if (affine.is_simple)
    affine.template apply<V>(begin, columns, length, columns.all(V, length), v);
  else
    apply_affine_tile<V>(p, row, columns, length, v, begin, in_run);
}

/// The affine part and the chain behind the map.
template <class M, int V, class T, class Columns>
__device__ __forceinline__ void apply_after(const RowParameters<T>& p, std::int64_t row, const Columns& columns,
                                            int length, T* v, std::int64_t begin = 0, bool in_run = false) {
  if (length == 0) return;
  apply_weight_and_bias<V>(p, row, columns, length, v, begin, in_run);
  apply_chain<M, V>(p, p.after, row, columns, length, v, begin);
}

/// What follows the map of values that a thread has once.
template <RowKind Kind, class M, int V, class T, int E, int Lanes>
__device__ __forceinline__ void apply_rest(const RowParameters<T>& p, std::int64_t row,
                                           const Columns<E, Lanes>& columns, int length, T* v, std::int64_t begin,
                                           bool in_run) {
  if constexpr (Kind == RowKind::affine) {
    if (length == 0) return;
    RunAffine<T> affine;
    affine.template locate<E>(p, row, begin + columns.first, begin, in_run);
    apply_affine<V>(p, affine, row, columns, length, v, begin, in_run);
  } else if constexpr (Kind == RowKind::full) {
    apply_after<M, V>(p, row, columns, length, v, begin, in_run);
  }
}

}  // namespace mylos::cuda
