// What a warp of row_ring.cuh does with a chunk in shared memory: looks at it, and later stores its results.
#pragma once

#include "cuda/row_affine.cuh"
#include "cuda/row_ring_stages.cuh"

namespace mylos::cuda {

/// Values of a lane, vectors of 16 bytes of all lanes in turn.
template <int V, class S, class T>
__device__ __forceinline__ void load_values(const S* data, T* v) {
  constexpr int E = 16 / static_cast<int>(sizeof(S));
  using Chunk = detail::Pack<S, E>;
#pragma unroll
  for (int q = 0; q < V / E; ++q)
    detail::unpack(reinterpret_cast<const Chunk*>(data)[q * 32 + static_cast<int>(threadIdx.x) % 32], v + q * E);
}
template <class Access, int V, class S, class T>
__device__ __forceinline__ void store_values(S* data, const T* v) {
  constexpr int E = 16 / static_cast<int>(sizeof(S));
  using Chunk = detail::Pack<S, E>;
#pragma unroll
  for (int q = 0; q < V / E; ++q)
    Access::store(reinterpret_cast<Chunk*>(data) + q * 32 + static_cast<int>(threadIdx.x) % 32,
                  detail::pack_up<S, E>(v + q * E));
}

/// Whether what `before` gives goes back to shared memory; else it is found again for the map.
template <class S, class T>
inline constexpr bool ring_keeps_values = sizeof(S) == sizeof(T);
/// Values of a lane that are worked on at once.
template <class S>
inline constexpr int ring_look_values = ring_chunk_bytes / static_cast<int>(sizeof(S)) / 32 < 16 ? 8 : 16;

/// A lane's columns of a chunk from value i on, counted from the chunk's first element in the row.
template <class S>
__device__ __forceinline__ auto chunk_columns(const RingChunk<S>& chunk, int i) {
  return Columns<RingChunk<S>::vector, 32>::of_lane(static_cast<int>(threadIdx.x) % 32, 32).from(i * 32 - chunk.begin);
}

/// The state with N more values of a chunk, from value i on.
template <class F, class M, int N, class S, class T>
__device__ __forceinline__ typename F::State add_values(const RowParameters<T>& p, const typename F::State& state,
                                                        const RingChunk<S>& chunk, int i, T* v) {
  if (chunk.is_whole()) return F::template add<M>(p, state, value_tile<N>(v, [](int) { return true; }));
  return F::template merge<M>(p, state, statistic_of<F, M, N>(p, chunk_columns(chunk, i), chunk.end - chunk.begin, v));
}

/// Chunks whose chains have no operands. A chunk passes through registers once for its statistic and once for its
/// results: shared memory has no bandwidth to spare.
template <class F, class S, class M, bool Affine, class T>
struct RingChains {
  using State = typename F::State;
  static constexpr int V = ring_look_values<S>;
  static constexpr int values = RingChunk<S>::elements / 32;
  static constexpr bool keeps = ring_keeps_values<S, T>;

  /// The state with a chunk's values through `before`: one frequent step, or none.
  template <class Steps>
  static __device__ __forceinline__ void look(const RowParameters<T>& p, const RingChunk<S>& chunk, S* data,
                                              State& state) {
#pragma unroll
    for (int i = 0; i < values; i += V) {
      detail::RegisterTile<T, V> v;
      load_values<V>(data + i * 32, v.value);
      Steps::template apply<V, M>(p.before, v, v);
      if constexpr (keeps && Steps::size != 0) store_values<detail::PlainAccess, V>(data + i * 32, v.value);
      state = add_values<F, M, V>(p, state, chunk, i, v.value);
    }
  }
  /// The results of a whole chunk through `after`, likewise. `before` has been through values that are kept.
  template <class Steps>
  static __device__ __forceinline__ void finish(const RowParameters<T>& p, const RowConstants<T>& constants,
                                                const RingChunk<S>& chunk, const S* data) {
#pragma unroll
    for (int i = 0; i < values; i += V) {
      detail::RegisterTile<T, V> v;
      load_values<V>(data + i * 32, v.value);
      F::template map<M, V>(p, constants, v.value);
      Steps::template apply<V, M>(p.after, v, v);
      store_values<GlobalAccess, V>(chunk.y + i * 32, v.value);
    }
  }
  /// With a simple weight and bias, and any steps.
  static __device__ __forceinline__ void finish_affine(const RowParameters<T>& p, const RowConstants<T>& constants,
                                                       const RunAffine<T>& affine, const RingChunk<S>& chunk,
                                                       const S* data) {
#pragma unroll
    for (int i = 0; i < values; i += V) {
      T v[V];
      load_values<V>(data + i * 32, v);
      F::template map<M, V>(p, constants, v);
      affine.template apply<V>(chunk.first, chunk_columns(chunk, i), chunk.end, true, v);
      apply_plain_chain<M, V>(p.after, v);
      store_values<GlobalAccess, V>(chunk.y + i * 32, v);
    }
  }

  /// With any steps and of any chunk, as functions of their own: the switch over all steps is not in the kernels, nor
  /// are its registers.
  static __device__ __noinline__ State look_any(const RowParameters<T>& p, State state, RingChunk<S> chunk, S* data) {
#pragma unroll 1
    for (int i = 0; i < values; i += V) {
      detail::RegisterTile<T, V> v;
      load_values<V>(data + i * 32, v.value);
      detail::apply_plain<M>(p.before, v);
      if constexpr (keeps) store_values<detail::PlainAccess, V>(data + i * 32, v.value);
      state = add_values<F, M, V>(p, state, chunk, i, v.value);
    }
    return state;
  }
  static __device__ __noinline__ void finish_any(const RowParameters<T>& p, std::int64_t row, bool in_run,
                                                 RowConstants<T> constants, RingChunk<S> chunk, const S* data) {
    const int length = chunk.end - chunk.begin;
#pragma unroll 1
    for (int i = 0; i < values; i += V) {
      detail::RegisterTile<T, V> v;
      load_values<V>(data + i * 32, v.value);
      if constexpr (!keeps) detail::apply_plain<M>(p.before, v);
      F::template map<M, V>(p, constants, v.value);
      const auto columns = chunk_columns(chunk, i);
      if constexpr (Affine) apply_affine_tile<V>(p, row, columns, length, v.value, chunk.first + chunk.begin, in_run);
      detail::apply_plain<M>(p.after, v);
      if (chunk.is_whole())
        store_values<GlobalAccess, V>(chunk.y + i * 32, v.value);
      else
        store_row<GlobalAccess, V>(chunk.y + chunk.begin, columns, length, v.value);
    }
  }
};

/// What a warp does with a chunk. Fixed, below: frequent steps are inlined, before the statistic where neither weight
/// nor bias is given.
template <class F, class S, class M, RowKind Kind, class T>
struct RingWork {
  using State = typename F::State;
  static constexpr int E = RingChunk<S>::vector;
  static constexpr int chunk_values = ring_chunk_bytes / static_cast<int>(sizeof(S)) / 32;
  static constexpr int look_values = ring_look_values<S>;
  static constexpr bool is_full = Kind == RowKind::full;
  static constexpr bool is_chained = Kind == RowKind::chained || Kind == RowKind::chained_affine;
  static constexpr bool has_affine = F::has_affine && Kind != RowKind::light && Kind != RowKind::chained;
  /// Weight and bias are found once for a run.
  static constexpr bool finds_affine = has_affine && !is_full;
  /// What takes registers of its own takes fewer values at a time.
  static constexpr int map_values = Kind == RowKind::full ? 8 : look_values;
  static constexpr bool can_write_back = ring_keeps_values<S, T> && has_chains(Kind);

  using Chains = RingChains<F, S, M, has_affine, T>;

  const RowParameters<T>& p;
  std::int64_t row;
  const bool& in_run;    // chunks lie within the axis' fastest dimension
  RunAffine<T>* affine;  // in shared memory: in registers it would make others spill

  static __device__ __forceinline__ int length(const RingChunk<S>& chunk) { return chunk.end - chunk.begin; }
  /// The row's element that is column 0.
  static __device__ __forceinline__ std::int64_t start(const RingChunk<S>& chunk) { return chunk.first + chunk.begin; }

  __device__ __forceinline__ bool has_before() const { return p.before.size > 0 || p.is_causal; }

  /// The state with a chunk.
  template <bool Fixed>
  __device__ __forceinline__ State look(State state, const RingChunk<S>& chunk, S* data) const {
    if constexpr (is_chained) {
      const auto look_fixed = [&](auto steps) { Chains::template look<decltype(steps)>(p, chunk, data, state); };
      bool is_done = p.before.size == 0;
      if constexpr (Fixed && !has_affine)
        is_done = visit_fixed(p.before, look_fixed);
      else if (is_done)
        look_fixed(FixedSteps<0>());
      if (!is_done) state = Chains::look_any(p, state, chunk, data);
    }
    if constexpr (is_full) {
      if (has_before()) return look_full(state, chunk, data);
    }
    if constexpr (!is_chained) Chains::template look<FixedSteps<0>>(p, chunk, data, state);
    return state;
  }

  /// Likewise through anything.
  __device__ __forceinline__ State look_full(State state, const RingChunk<S>& chunk, S* data) const {
#pragma unroll 1
    for (int i = 0; i < chunk_values; i += map_values) {
      T v[map_values];
      load_values<map_values>(data + i * 32, v);
      apply_before<M, map_values>(p, row, chunk_columns(chunk, i), length(chunk), v, start(chunk));
      if (can_write_back) store_values<detail::PlainAccess, map_values>(data + i * 32, v);
      state = add_values<F, M, map_values>(p, state, chunk, i, v);
    }
    return state;
  }

  /// The result of a whole chunk, where *affine is simple.
  template <bool Fixed>
  __device__ __forceinline__ void finish_whole(const RowConstants<T>& constants, const RingChunk<S>& chunk,
                                               const S* data) const {
    constexpr int V = map_values;
    if constexpr (is_chained) {
      const auto finish_fixed = [&](auto steps) {
        Chains::template finish<decltype(steps)>(p, constants, chunk, data);
      };
      bool is_done = false;
      if (can_write_back || p.before.size == 0) {
        if constexpr (Fixed && has_affine) {
          Chains::finish_affine(p, constants, *affine, chunk, data);
          is_done = true;
        } else if constexpr (Fixed) {
          is_done = visit_fixed(p.after, finish_fixed);
        }
      }
      if (!is_done) Chains::finish_any(p, has_affine ? row : 0, in_run, constants, chunk, data);
    } else {
#pragma unroll
      for (int i = 0; i < chunk_values; i += V) {
        T v[V];
        load_values<V>(data + i * 32, v);
        F::template map<M, V>(p, constants, v);
        if constexpr (has_affine) affine->template apply<V>(chunk.first, chunk_columns(chunk, i), chunk.end, true, v);
        store_values<GlobalAccess, V>(chunk.y + i * 32, v);
      }
    }
  }
  /// Of any other.
  __device__ __forceinline__ void finish(const RowConstants<T>& constants, const RingChunk<S>& chunk,
                                         const S* data) const {
    constexpr int V = has_affine ? 8 : map_values;
    if (length(chunk) == 0) return;
    if constexpr (is_chained) {
      Chains::finish_any(p, has_affine ? row : 0, in_run, constants, chunk, data);
    } else {
#pragma unroll 1
      for (int i = 0; i < chunk_values; i += V) {
        T v[V];
        load_values<V>(data + i * 32, v);
        const auto columns = chunk_columns(chunk, i);
        if constexpr (is_full && !can_write_back) {
          if (has_before()) apply_before<M, V>(p, row, columns, length(chunk), v, start(chunk));
        }
        F::template map<M, V>(p, constants, v);
        if constexpr (has_affine) apply_affine_tile<V>(p, row, columns, length(chunk), v, start(chunk), in_run);
        if constexpr (is_full) apply_chain<M, V>(p, p.after, row, columns, length(chunk), v, start(chunk));
        if (chunk.is_whole())
          store_values<GlobalAccess, V>(chunk.y + i * 32, v);
        else
          store_row<GlobalAccess, V>(chunk.y + chunk.begin, columns, length(chunk), v);
      }
    }
  }
};

}  // namespace mylos::cuda
