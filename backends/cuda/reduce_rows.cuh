// Reduction along the fastest dimension. The unit of work is a vector of 16 bytes along the innermost axis: a team of
// threads takes the units of a result in turn, the same ones whether or not they are aligned, so that the order of a
// sum depends on the axis alone.
#pragma once

#include "cuda/reduce.hpp"
#include "cuda/reduce_values.cuh"

namespace mylos::cuda {

template <class T>
struct RowsParameters {
  ReduceParameters<T> p;
  Pieces pieces;  // in units
  std::int64_t all_units;
  detail::Divider units;  // of one run of the innermost axis
  std::int64_t inner;     // its extent
  std::int64_t step;      // and its stride in x
  std::int64_t items;     // results times pieces
  void* partial;
  int team;
  bool is_half;
  bool is_flat;  // one axis
  bool vectors;  // whole, aligned vectors
  Span span;     // of x
};

/// Unit u of a result: its first position along the axes, and how many of its values exist.
struct RowUnit {
  std::int64_t position;
  int valid;
};

template <class Stored, class T>
__device__ __forceinline__ RowUnit row_unit(const RowsParameters<T>& k, std::int64_t u) {
  constexpr int width = Stored::width;
  std::int64_t run = 0;
  if (!k.is_flat) run = static_cast<std::int64_t>(k.units.divide(static_cast<std::uint64_t>(u)));
  const std::int64_t in_run = (u - run * static_cast<std::int64_t>(k.units.divisor)) * width;
  const std::int64_t left = k.inner - in_run;
  return {run * k.inner + in_run, left < width ? static_cast<int>(left) : width};
}

/// Unit u of x, or of an operand with its strides over the box, from where the result's values begin.
template <class Stored, class T>
__device__ __forceinline__ RawVector load_row_unit(const RowsParameters<T>& k, const void* data,
                                                   const std::int64_t* stride, std::int64_t base, std::int64_t u) {
  constexpr int width = Stored::width;
  if (k.is_flat && k.vectors) return load_raw_vector<Stored>(data, base + u * width);
  std::int64_t run = 0;
  if (!k.is_flat) run = static_cast<std::int64_t>(k.units.divide(static_cast<std::uint64_t>(u)));
  const std::int64_t in_run = (u - run * static_cast<std::int64_t>(k.units.divisor)) * width;
  std::int64_t offset = base + in_run * k.step;
  if (!k.is_flat)
    detail::for_coordinates(k.p, k.p.kept_rank, k.p.rank - 1, run,
                            [&](int d, std::int64_t c) { offset += c * stride[d]; });
  if (k.vectors) return load_raw_vector<Stored>(data, offset);
  const std::int64_t left = k.inner - in_run;
  return load_raw_elements<Stored>(data, offset, k.step, left < width ? static_cast<int>(left) : width);
}

/// Values of unit u; through the steps they have come already.
template <Monoid M, Through Way, class Stored, class T>
__device__ __forceinline__ void take_row_values(const RowsParameters<T>& k, std::int64_t output, std::int64_t u, T* v,
                                                typename Reducer<M, T>::State& state) {
  constexpr int width = Stored::width;
  const RowUnit unit = row_unit<Stored>(k, u);
  if constexpr (width >= 4) {
    if (unit.valid == width) return take_groups<M, Way, width>(k.p, state, output, unit.position, 1, v);
  }
  MYLOS_UNROLL
  for (int j = 0; j < width; ++j)
    if (j < unit.valid) take_one<M, Way>(k.p, state, output, unit.position + j, v[j]);
}

template <Monoid M, Through Way, class Stored, class T>
__device__ __forceinline__ void take_row_unit(const RowsParameters<T>& k, std::int64_t output, std::int64_t u,
                                              const RawVector& raw, typename Reducer<M, T>::State& state) {
  T v[Stored::width];
  widen_vector<Stored>(k.is_half, raw, v);
  take_row_values<M, Way, Stored>(k, output, u, v, state);
}

template <Monoid M, Through Way, bool Unaligned, class Stored, class T>
__global__ void __launch_bounds__(256, reduce_blocks(is_chained(Way)))
    rows_kernel(const __grid_constant__ RowsParameters<T> k) {
  using R = Reducer<M, T>;
  constexpr int in_flight = rows_in_flight(Way == Through::steps ? 2 * Stored::width : Stored::width);
  const int thread = static_cast<int>(threadIdx.x) % k.team;
  const std::int64_t item =
      static_cast<std::int64_t>(blockIdx.x) * (256 / k.team) + static_cast<int>(threadIdx.x) / k.team;
  if (item >= k.items) return;  // a whole team
  const std::int64_t output = k.pieces.count == 1 ? item : item / k.pieces.count;
  const std::int64_t begin = (item - output * k.pieces.count) * k.pieces.length;
  const std::int64_t end = begin + k.pieces.length < k.all_units ? begin + k.pieces.length : k.all_units;
  const std::int64_t base = detail::kept_offset(k.p, k.p.x_stride, output);
  typename R::State state = R::identity();
  // A warp's units follow each other.
  const int lane = thread % 32;
  const std::int64_t step = static_cast<std::int64_t>(k.team) * in_flight;
  std::int64_t u = begin + (thread - lane) * in_flight + lane;
  if constexpr (Unaligned) {
    const AlignedVectors vectors = aligned_vectors<Stored>(k.p.x, base);
    for (; u - lane < end; u += step) {
      const std::int64_t last = u - lane + 32 * in_flight < k.all_units ? u - lane + 32 * in_flight : k.all_units;
      if (vectors.inside(k.span, u - lane, last + 1)) {
        uint4 a[in_flight + 1];
        MYLOS_UNROLL
        for (int i = 0; i < in_flight; ++i) a[i] = __ldcs(vectors.first + (u + i * 32 < last ? u + i * 32 : last));
        if (lane == 0) a[in_flight] = __ldcs(vectors.first + last);
        MYLOS_UNROLL
        for (int i = 0; i < in_flight; ++i) {
          const RawVector whole{shifted_vector<in_flight>(a, i, 32, vectors.shift)};
          if (u + i * 32 < end) take_row_unit<M, Way, Stored>(k, output, u + i * 32, whole, state);
        }
      } else {
#pragma unroll 1
        for (std::int64_t at = u; at < end && at < u + 32 * in_flight; at += 32)
          take_row_unit<M, Way, Stored>(k, output, at, load_row_unit<Stored>(k, k.p.x, k.p.x_stride, base, at), state);
      }
    }
  } else {
    for (; u < end; u += step) {
      RawVector raw[in_flight];
      MYLOS_UNROLL
      for (int i = 0; i < in_flight; ++i)
        raw[i] = u + i * 32 < end ? load_row_unit<Stored>(k, k.p.x, k.p.x_stride, base, u + i * 32) : RawVector{};
      if constexpr (Way == Through::steps) {
        constexpr int width = Stored::width;
        T v[in_flight * width];
        MYLOS_UNROLL
        for (int i = 0; i < in_flight; ++i) widen_vector<Stored>(k.is_half, raw[i], v + i * width);
        pass_steps(k.p, v);
        MYLOS_UNROLL
        for (int i = 0; i < in_flight; ++i)
          if (u + i * 32 < end) take_row_values<M, Way, Stored>(k, output, u + i * 32, v + i * width, state);
      } else {
        MYLOS_UNROLL
        for (int i = 0; i < in_flight; ++i)
          if (u + i * 32 < end) take_row_unit<M, Way, Stored>(k, output, u + i * 32, raw[i], state);
      }
    }
  }
  combine_team<M, T>(state, k.team);
  if (thread != 0) return;
  if (k.partial == nullptr)
    finish_output<M, T>(k.p, output, state);
  else
    static_cast<typename R::State*>(k.partial)[item] = state;
}

/// Whether every unit of x is a whole vector at an aligned address.
inline bool has_vectors(const detail::ReduceProblem& problem, int width) {
  const int rank = problem.axis.rank;
  if (rank == 0 || problem.x_step() != 1 || problem.axis.extent[rank - 1] % width != 0) return false;
  bool aligned = reinterpret_cast<std::uintptr_t>(problem.x.data) % 16 == 0;
  for (int d = 0; d < problem.kept.rank; ++d) aligned = aligned && problem.x_kept.stride[d] % width == 0;
  for (int d = 0; d + 1 < rank; ++d) aligned = aligned && problem.x_axis.stride[d] % width == 0;
  return aligned;
}

template <class T>
RowsParameters<T> make_rows_parameters(const detail::ReduceProblem& problem, int width) {
  RowsParameters<T> k;
  k.p = detail::make_reduce_parameters<T>(problem);
  const int rank = problem.axis.rank;
  k.inner = rank == 0 ? 1 : problem.axis.extent[rank - 1];
  k.step = problem.x_step();
  const std::int64_t units = (k.inner + width - 1) / width;
  k.units = detail::Divider(units);
  k.is_flat = rank <= 1;
  k.vectors = has_vectors(problem, width);
  k.span = span_of(problem.x);
  k.is_half = problem.x.dtype == DType::f16;
  k.partial = nullptr;
  k.all_units = k.inner == 0 ? 0 : units * (k.p.count / k.inner);
  const ReduceTuning tuning = reduce_tuning();
  k.pieces = detail::cut(k.all_units, tuning.whole_units, tuning.piece_units);
  k.items = k.p.outputs * k.pieces.count;
  return k;
}

template <Monoid M, Through Way>
void run_reduce_rows(const detail::ReduceProblem& problem, const detail::Queue& queue) {
  with_stored<M, Way>(problem, [&](auto stored, auto value, auto through) {
    constexpr Through way = decltype(through)::value;
    using Stored = decltype(stored);
    using T = decltype(value);
    RowsParameters<T> k = make_rows_parameters<T>(problem, Stored::width);
    auto kernel = rows_kernel<M, way, false, Stored, T>;
    if constexpr (!is_chained(way))
      if (!k.vectors && k.is_flat && k.step == 1) kernel = rows_kernel<M, way, true, Stored, T>;
    k.team = reduce_team(k.pieces.length);
    const std::int64_t states = states_of(k.p, k.pieces.count);
    const Scratch scratch(queue.stream, static_cast<std::size_t>(states) * sizeof(typename Reducer<M, T>::State));
    k.partial = scratch.data();
    const int per_block = 256 / k.team;
    launch(kernel, (k.items + per_block - 1) / per_block, 256, queue.stream, k);
    if (states != 0) launch_combine<M, T>(k.p, k.partial, k.pieces.count, queue.stream);
  });
}

}  // namespace mylos::cuda
