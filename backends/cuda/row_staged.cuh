// Short rows one behind the other in memory: a block reads its part of x as aligned vectors, whatever the rows' own
// alignment, takes the rows from shared memory, and writes its part of y likewise. Read once, written once.
#pragma once

#include "cuda/primitives/launch.cuh"
#include "cuda/row_affine.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

template <class T>
struct StagedParameters {
  RowParameters<T> row;
  int lanes;           // threads that share a row: a power of two up to 32
  int apart;           // rows between those of neighbouring groups of lanes in a warp, a power of two up to 8
  int rows_per_block;  // where lanes share rows, as many as there are groups of them at most, or twice that
};

/// A block's elements in their order. Single: each row is one thread's. Padded: a word is left out behind every 128
/// bytes, so that threads whose rows lie a power of two apart read different banks.
template <class S, bool Single, bool Padded>
struct StagedElements {
  using Word = std::conditional_t<sizeof(S) == 8, std::uint64_t, std::uint32_t>;
  static constexpr int E = 16 / static_cast<int>(sizeof(S));
  static constexpr int count = staged_bytes(Single) / static_cast<int>(sizeof(S));
  static constexpr int bank_row = 128 / static_cast<int>(sizeof(S));
  static constexpr int left_out = static_cast<int>(sizeof(Word) / sizeof(S));
  alignas(16) S storage[Padded ? count + (count / bank_row + 1) * left_out : count];

  static __device__ __forceinline__ int place(int i) {
    return Padded ? i + static_cast<int>(static_cast<unsigned>(i) / bank_row) * left_out : i;
  }
  __device__ __forceinline__ S& operator[](int i) { return storage[place(i)]; }
  __device__ __forceinline__ void store_vector(int v, const detail::Pack<S, E>& vector) {
    move(reinterpret_cast<const Word*>(&vector), reinterpret_cast<Word*>(storage + place(v * E)));
  }
  __device__ __forceinline__ detail::Pack<S, E> load_vector(int v) const {
    detail::Pack<S, E> vector;
    move(reinterpret_cast<const Word*>(storage + place(v * E)), reinterpret_cast<Word*>(&vector));
    return vector;
  }

 private:
  static __device__ __forceinline__ void move(const Word* from, Word* to) {
    if constexpr (Padded) {
#pragma unroll
      for (int w = 0; w < static_cast<int>(16 / sizeof(Word)); ++w) to[w] = from[w];
    } else {
      *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(from);
    }
  }
};

/// What of a tensor belongs to a block: `count` elements, cut at vectors of 16 bytes of which the first may begin
/// `lead` elements earlier.
template <class S>
struct StagedSpan {
  static constexpr int E = 16 / static_cast<int>(sizeof(S));
  S* first;
  int count;
  int lead;

  __device__ __forceinline__ StagedSpan(S* at, int elements) : first(at), count(elements), lead(lead_of<16>(at)) {}
  /// Of the span, where vector v begins.
  __device__ __forceinline__ int element(int v) const { return v * E - lead; }
  __device__ __forceinline__ int first_whole() const { return lead == 0 ? 0 : 1; }
  __device__ __forceinline__ int behind_whole() const { return (lead + count) / E; }
  /// visit(e) for the elements of vectors that are in part another block's, each by one thread.
  template <class Visit>
  __device__ __forceinline__ void for_each_edge(const Visit& visit) const {
    const int thread = static_cast<int>(threadIdx.x);
    if (thread >= E) return;
    const int tail = element(behind_whole());
    if (first_whole() == 1 && thread < E - lead && thread < count) visit(thread);
    if (tail >= 0 && tail + thread < count) visit(tail + thread);
  }
};

/// All vectors are on their way before the first is waited for.
template <class S, class Elements>
__device__ __forceinline__ void load_span(const StagedSpan<const S>& span, Elements& elements) {
  constexpr int E = Elements::E;
  constexpr int turns = Elements::count / E / staged_threads;
  const int first = static_cast<int>(threadIdx.x) + span.first_whole();
  const int end = span.behind_whole();
  detail::Pack<S, E> chunk[turns];
#pragma unroll
  for (int i = 0; i < turns; ++i) {
    const int v = first + i * staged_threads;
    if (v < end)
      chunk[i] = GlobalAccess::load(reinterpret_cast<const detail::Pack<S, E>*>(span.first + span.element(v)));
  }
  span.for_each_edge([&](int e) { elements[span.lead + e] = span.first[e]; });
#pragma unroll
  for (int i = 0; i < turns; ++i) {
    const int v = first + i * staged_threads;
    if (v >= end) break;
    elements.store_vector(v, chunk[i]);
  }
}

/// The elements from `skipped` on.
template <class S, class Elements>
__device__ __forceinline__ void store_span(Elements& elements, int skipped, const StagedSpan<S>& span) {
  constexpr int E = Elements::E;
  constexpr int turns = Elements::count / E / staged_threads;
  const int first = static_cast<int>(threadIdx.x) + span.first_whole();
  const int end = span.behind_whole();
  const bool alike = skipped == span.lead;
#pragma unroll
  for (int i = 0; i < turns; ++i) {
    const int v = first + i * staged_threads;
    if (v >= end) break;
    const int e = span.element(v);
    detail::Pack<S, E> chunk;
    if (alike) {
      chunk = elements.load_vector(v);
    } else {
#pragma unroll
      for (int k = 0; k < E; ++k) chunk.value[k] = elements[skipped + e + k];
    }
    GlobalAccess::store(reinterpret_cast<detail::Pack<S, E>*>(span.first + e), chunk);
  }
  span.for_each_edge([&](int e) { span.first[e] = elements[skipped + e]; });
}

/// Weight and bias, which all rows share, in shared memory.
template <class T, bool HasAffine>
struct StagedAffine {
  T weight[HasAffine ? staged_longest : 1];
  T bias[HasAffine ? staged_longest : 1];

  __device__ __forceinline__ void load(const RowParameters<T>& p) {
    if constexpr (HasAffine) {
      const auto at = [&](const RowOperand& operand, int i, T neutral) {
        return operand.data == nullptr ? neutral : operand_element(p, operand, 0, i);
      };
      for (int i = static_cast<int>(threadIdx.x); i < p.length; i += staged_threads) {
        weight[i] = at(p.weight, i, T(1));
        bias[i] = at(p.bias, i, T(-0.0));  // which changes nothing
      }
    }
  }
  /// has(i): whether value i is element at(i) of a row, or none.
  template <int V, class At, class Has>
  __device__ __forceinline__ void apply(T* v, const At& at, const Has& has) const {
    if constexpr (HasAffine) {
#pragma unroll
      for (int i = 0; i < V; ++i)
        if (has(i)) v[i] = rounded_product(v[i], weight[at(i)]) + bias[at(i)];
    }
  }
};

/// The statistic of a thread's values.
template <class F, class M, int V, class T, class Has>
__device__ __forceinline__ typename F::State hold_staged(const RowParameters<T>& p, const Has& has, T* v) {
  if constexpr (F::knows_neutral) {
#pragma unroll
    for (int i = 0; i < V; ++i) v[i] = has(i) ? v[i] : F::neutral();
  }
  if constexpr (F::holds)
    return F::template hold<M, V>(p, v);
  else if constexpr (F::knows_neutral)
    return F::template of<M>(p, value_tile<V>(v, [](int) { return true; }));
  else
    return F::template of<M>(p, value_tile<V>(v, has));
}

/// Single: a thread has rows of V values. Else it has elements `lanes` apart of one row, of which the last two may be
/// none.
template <class F, class S, class M, int V, bool Single, RowKind Kind, class T>
__global__ void __launch_bounds__(staged_threads, staged_blocks(V * sizeof(T), sizeof(typename F::State)))
    row_staged_kernel(const __grid_constant__ StagedParameters<T> k) {
  __shared__ StagedElements<S, Single, Single && V % 4 == 0> elements;
  __shared__ StagedAffine<T, Kind == RowKind::affine> affine;
  const RowParameters<T>& p = k.row;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * k.rows_per_block;
  const std::int64_t left = p.rows - first;
  const int rows = left < k.rows_per_block ? static_cast<int>(left) : k.rows_per_block;
  const int length = Single ? V : static_cast<int>(p.length);
  const StagedSpan<const S> x(static_cast<const S*>(p.x) + first * length, rows * length);
  load_span<S>(x, elements);
  affine.load(p);
  __syncthreads();

  const int lanes = Single ? 1 : k.lanes;
  const int lane = Single ? 0 : static_cast<int>(threadIdx.x) & (lanes - 1);
  const auto work = [&](int r) {
    const int base = x.lead + r * length;
    const auto at = [&](int i) { return lane + i * lanes; };
    // Lanes of a warp go along without a row.
    const auto has = [&](int i) { return Single || (r < rows && (i < V - 2 || at(i) < length)); };
    T v[V];
#pragma unroll
    for (int i = 0; i < V; ++i) v[i] = has(i) ? detail::widen<T>(elements[base + at(i)]) : T(0);
    const auto held = hold_staged<F, M, V>(p, has, v);
    const auto state = Single ? held : combine_lanes<F, M>(p, held, LaneGroup<>{lanes});
    const RowConstants<T> constants = F::template finish<M>(p, state);
    F::template map_held<M, V>(p, constants, held, v);
    affine.template apply<V>(v, at, has);
#pragma unroll
    for (int i = 0; i < V; ++i)
      if (has(i)) elements[base + at(i)] = detail::narrow<S>(v[i]);
    if (lane == 0 && r < rows && p.has_statistics()) store_statistics(p, first + r, state, constants);
  };
  if constexpr (Single) {
#pragma unroll 1
    for (int r = static_cast<int>(threadIdx.x); r < rows; r += staged_threads) work(r);
  } else {
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int group = static_cast<int>(threadIdx.x) % 32 >> (__ffs(lanes) - 1);
    const int groups = 32 >> (__ffs(lanes) - 1);
    const int inner = warp & (k.apart - 1);
    const int r = (group + (warp - inner) / k.apart * groups) * k.apart + inner;
    work(r);
    if constexpr (sizeof(S) == 2) work(r + staged_threads / lanes);  // in a loop it takes half as long again
  }
  __syncthreads();
  store_span(elements, x.lead, StagedSpan<S>(static_cast<S*>(p.y) + first * length, rows * length));
}

/// By the row's length alone: how many rows there are must not show in the result.
template <class F, class S, class M, RowKind Kind, class T>
void launch_staged_of(const RowProblem& problem, const detail::Queue& queue) {
  constexpr int E = StagedSpan<S>::E;
  const int length = static_cast<int>(problem.length());
  const StagedShare share = staged_share(length);
  const bool single = share.lanes == 1;
  // The first and the last vector may be in part another block's.
  const int fit = (staged_bytes(single) / static_cast<int>(sizeof(S)) - 2 * (E - 1)) / length;
  const int most = staged_threads / share.lanes * (sizeof(S) == 2 ? 2 : 1);
  const int rows = single || fit < most ? fit : most;
  const StagedParameters<T> parameters{make_row_parameters<T>(problem), share.lanes, staged_apart(length, share.lanes),
                                       rows < staged_whole_rows ? rows : rows / E * E};
  const std::int64_t blocks = (problem.rows.count + parameters.rows_per_block - 1) / parameters.rows_per_block;
  const auto run = [&](auto kernel) { launch(kernel, blocks, staged_threads, queue.stream, parameters); };
#define MYLOS_CASE(V, Single) \
  case V:                     \
    return run(row_staged_kernel<F, S, M, V, Single, Kind, T>);
  if (!single) {
    switch (share.values) {
      MYLOS_CASE(14, false)
      MYLOS_CASE(16, false)
      MYLOS_CASE(18, false)
      MYLOS_CASE(20, false)
      MYLOS_CASE(22, false)
      MYLOS_CASE(24, false)
    }
  }
  switch (share.values) {
    MYLOS_CASE(1, true)
    MYLOS_CASE(2, true)
    MYLOS_CASE(3, true)
    MYLOS_CASE(4, true)
    MYLOS_CASE(5, true)
    MYLOS_CASE(6, true)
    MYLOS_CASE(7, true)
    MYLOS_CASE(8, true)
    MYLOS_CASE(9, true)
    MYLOS_CASE(10, true)
    MYLOS_CASE(11, true)
    MYLOS_CASE(12, true)
    MYLOS_CASE(13, true)
    MYLOS_CASE(14, true)
    MYLOS_CASE(15, true)
    MYLOS_CASE(16, true)
    MYLOS_CASE(17, true)
    MYLOS_CASE(18, true)
    MYLOS_CASE(19, true)
    MYLOS_CASE(20, true)
    MYLOS_CASE(21, true)
    MYLOS_CASE(22, true)
    MYLOS_CASE(23, true)
  }
#undef MYLOS_CASE
}

template <class F, class S, class M, class T>
void launch_staged(const RowProblem& problem, const detail::Queue& queue) {
  if constexpr (F::has_affine) {
    if (problem.has_affine()) return launch_staged_of<F, S, M, RowKind::affine, T>(problem, queue);
  }
  launch_staged_of<F, S, M, RowKind::light, T>(problem, queue);
}

}  // namespace mylos::cuda
