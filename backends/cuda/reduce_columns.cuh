// Reduction across the fastest dimension: neighbouring threads have neighbouring results, and the axis is shared by up
// to eight lanes of threads, which take its positions in turn. How many lanes depends on the axis alone, and so does
// the order of a sum. It serves every geometry.
#pragma once

#include "cuda/reduce.hpp"
#include "cuda/reduce_values.cuh"

namespace mylos::cuda {

template <class T>
struct ColumnsParameters {
  ReduceParameters<T> p;
  Pieces pieces;            // of the axis
  std::int64_t row_stride;  // of x along the axis where there is one axis
  detail::Divider columns;  // its extent
  detail::Divider blocks;   // blocks of threads along it
  std::int64_t slabs;       // rows of results times pieces
  void* partial;
  int across;               // threads along the columns
  int lanes;                // along the axis
  std::int64_t gap;         // results between those of one thread that are not a vector
  std::int64_t gap_stride;  // and elements of x
  bool is_half;
  bool is_flat;
  bool packs;  // a thread's results are stored as one
};

/// A thread's results: neighbours, read as aligned vectors; k.gap apart, so that the single loads of a warp are
/// neighbours; or one.
enum class ColumnAccess : std::uint8_t { vectors, apart, single };

/// `Rows` positions of `Width` results, of which `rows` and `valid` exist; zeros elsewhere. All loads come before
/// anything else.
template <int Rows, class Stored, ColumnAccess Access, int Width, class T>
__device__ __forceinline__ void load_rows(const ColumnsParameters<T>& k, std::int64_t base, std::int64_t at, int rows,
                                          int valid, T (&v)[Rows][Width]) {
  std::int64_t offset[Rows];
  if (k.is_flat) {
    const std::int64_t step = k.lanes * k.row_stride;
    offset[0] = base + at * k.row_stride;
    MYLOS_UNROLL
    for (int r = 1; r < Rows; ++r) offset[r] = offset[r - 1] + step;
  } else {
    MYLOS_UNROLL
    for (int r = 0; r < Rows; ++r)
      offset[r] = base + detail::axis_offset(k.p, k.p.x_stride, at + (r < rows ? r * k.lanes : 0));
  }
  if constexpr (Access != ColumnAccess::vectors) {
    typename Stored::Unit unit[Rows * Width];
    MYLOS_UNROLL
    for (int r = 0; r < Rows; ++r) MYLOS_UNROLL
    for (int c = 0; c < Width; ++c)
      unit[r * Width + c] =
          r < rows && c < valid ? load_unit<Stored>(k.p.x, offset[r] + c * k.gap_stride) : typename Stored::Unit(0);
    T wide[Rows * Width];
    widen_units<Stored, Rows * Width>(k.is_half, unit, wide);
    MYLOS_UNROLL
    for (int r = 0; r < Rows; ++r) MYLOS_UNROLL
    for (int c = 0; c < Width; ++c) v[r][c] = wide[r * Width + c];
  } else {
    RawVector raw[Rows];
    MYLOS_UNROLL
    for (int r = 0; r < Rows; ++r) raw[r] = r < rows ? load_raw_vector<Stored>(k.p.x, offset[r]) : RawVector{};
    MYLOS_UNROLL
    for (int r = 0; r < Rows; ++r) widen_vector<Stored>(k.is_half, raw[r], v[r]);
  }
}

/// Batches of `Rows` positions, a multiple of four, from `at` while whole ones are left.
template <int Rows, Monoid M, Through Way, class Stored, ColumnAccess Access, int Width, class T>
__device__ __forceinline__ void take_batches(const ColumnsParameters<T>& k, std::int64_t output, std::int64_t base,
                                             int valid, std::int64_t& at, std::int64_t end,
                                             typename Reducer<M, T>::State (&state)[Width]) {
  const std::int64_t lanes = k.lanes;
  for (; at + (Rows - 1) * lanes < end; at += Rows * lanes) {
    T v[Rows][Width];
    load_rows<Rows, Stored, Access, Width>(k, base, at, Rows, valid, v);
    MYLOS_UNROLL
    for (int c = 0; c < Width; ++c) {
      T column[Rows];
      MYLOS_UNROLL
      for (int r = 0; r < Rows; ++r) column[r] = v[r][c];
      take_groups<M, Way, Rows>(k.p, state[c], output, at, lanes, column);
    }
  }
}

/// The last positions, fewer than four of each lane, loaded together: they may be all there are.
template <Monoid M, Through Way, class Stored, ColumnAccess Access, int Width, class T>
__device__ __forceinline__ void take_rest(const ColumnsParameters<T>& k, std::int64_t output, std::int64_t base,
                                          int valid, std::int64_t at, std::int64_t end,
                                          typename Reducer<M, T>::State (&state)[Width]) {
  const std::int64_t lanes = k.lanes;
  if (at >= end) return;
  const int rows = 1 + (at + lanes < end ? 1 : 0) + (at + 2 * lanes < end ? 1 : 0);
  T v[3][Width];
  load_rows<3, Stored, Access, Width>(k, base, at, rows, valid, v);
  MYLOS_UNROLL
  for (int c = 0; c < Width; ++c) {
    T rest[3] = {v[0][c], v[1][c], v[2][c]};
    take_rest_of_four<M, Way>(k.p, state[c], output, at, lanes, rows, rest);
  }
}

/// All positions of a lane through the steps, 16 at a time, so that these are inlined once.
template <Monoid M, class Stored, int Width>
__device__ __forceinline__ void take_through_steps(const ColumnsParameters<float>& k, std::int64_t output,
                                                   std::int64_t base, std::int64_t at, std::int64_t end,
                                                   typename Reducer<M, float>::State (&state)[Width]) {
  static_assert(Width == 1);
  constexpr int n = 16;
  const std::int64_t lanes = k.lanes;
  for (; at < end; at += n * lanes) {
    const std::int64_t left = (end - at + lanes - 1) / lanes;
    const int rows = left < n ? static_cast<int>(left) : n;
    float loaded[n][1];
    load_rows<n, Stored, ColumnAccess::single, 1>(k, base, at, rows, 1, loaded);
    float v[n];
    MYLOS_UNROLL
    for (int r = 0; r < n; ++r) v[r] = loaded[r][0];
    pass_steps(k.p, v);
    MYLOS_UNROLL
    for (int r = 0; r < n; r += 4) {
      if (r + 4 <= rows) {
        take_groups<M, Through::steps, 4>(k.p, state[0], output, at + r * lanes, lanes, v + r);
      } else {
        MYLOS_UNROLL
        for (int j = r; j < r + 4; ++j)
          if (j < rows) take_one<M, Through::steps>(k.p, state[0], output, at + j * lanes, v[j]);
      }
    }
  }
}

/// What one block does; a thread has `Width` neighbouring results.
template <Monoid M, Through Way, class Stored, ColumnAccess Access, int Width, class T>
__global__ void __launch_bounds__(256, reduce_blocks(is_chained(Way), sizeof(typename Reducer<M, T>::State)))
    columns_kernel(const __grid_constant__ ColumnsParameters<T> k) {
  using R = Reducer<M, T>;
  using State = typename R::State;
  const int thread = static_cast<int>(threadIdx.x);
  const int column_thread = thread % k.across;
  const int lane = thread / k.across % k.lanes;
  const int depth = thread / (k.across * k.lanes);
  const int depths = 256 / (k.across * k.lanes);
  const auto slab_block = static_cast<std::int64_t>(k.blocks.divide(blockIdx.x));
  const std::int64_t column_block = blockIdx.x - slab_block * static_cast<std::int64_t>(k.blocks.divisor);
  const std::int64_t slab = slab_block * depths + depth;
  const std::int64_t gap = Access == ColumnAccess::apart ? k.gap : 1;
  const std::int64_t column =
      column_block * k.across * Width + column_thread * (Access == ColumnAccess::apart ? 1 : Width);
  const auto columns = static_cast<std::int64_t>(k.columns.divisor);
  const std::int64_t row = k.pieces.count == 1 ? slab : slab / k.pieces.count;
  const std::int64_t piece = slab - row * k.pieces.count;
  const std::int64_t output = row * columns + column;
  const bool active = slab < k.slabs && column < columns;
  int valid = 0;
  MYLOS_UNROLL
  for (int c = 0; c < Width; ++c) valid += column + c * gap < columns ? 1 : 0;
  State state[Width];
  MYLOS_UNROLL
  for (int c = 0; c < Width; ++c) state[c] = R::identity();
  if (active) {
    const std::int64_t begin = piece * k.pieces.length;
    const std::int64_t end = begin + k.pieces.length < k.p.count ? begin + k.pieces.length : k.p.count;
    const std::int64_t base = detail::kept_offset(k.p, k.p.x_stride, output);
    std::int64_t at = begin + lane;
    if constexpr (Way == Through::steps) {
      take_through_steps<M, Stored, Width>(k, output, base, at, end, state);
    } else {
      if constexpr (Width == 1) take_batches<16, M, Way, Stored, Access, Width>(k, output, base, valid, at, end, state);
      take_batches<4, M, Way, Stored, Access, Width>(k, output, base, valid, at, end, state);
      take_rest<M, Way, Stored, Access, Width>(k, output, base, valid, at, end, state);
    }
  }
  if (k.lanes > 1) {
    __shared__ alignas(16) unsigned char storage[256 * sizeof(State)];
    auto* states = reinterpret_cast<State*>(storage);
    MYLOS_UNROLL
    for (int c = 0; c < Width; ++c) {
      if (c > 0) __syncthreads();
      states[thread] = state[c];
      __syncthreads();
      for (int other = 1; lane == 0 && other < k.lanes; ++other)
        R::combine(state[c], states[thread + other * k.across]);
    }
  }
  if (lane != 0 || !active) return;
  if (k.partial != nullptr) {
    MYLOS_UNROLL
    for (int c = 0; c < Width; ++c)
      if (c < valid) static_cast<State*>(k.partial)[(output + c * gap) * k.pieces.count + piece] = state[c];
  } else if (Access == ColumnAccess::vectors && Width == 4 && k.packs) {
    if constexpr (Width == 4) finish_four<M>(k.p, output, state);
  } else {
    MYLOS_UNROLL
    for (int c = 0; c < Width; ++c)
      if (c < valid) finish_output<M, T>(k.p, output + c * gap, state[c]);
  }
}

/// Whether results come in whole, aligned vectors.
inline bool has_column_vectors(const detail::ReduceProblem& problem, int width) {
  const int rank = problem.kept.rank;
  if (rank == 0 || problem.x_kept.stride[rank - 1] != 1 || problem.kept.extent[rank - 1] % width != 0) return false;
  bool aligned = reinterpret_cast<std::uintptr_t>(problem.x.data) % 16 == 0;
  for (int d = 0; d + 1 < rank; ++d) aligned = aligned && problem.x_kept.stride[d] % width == 0;
  for (int d = 0; d < problem.axis.rank; ++d) aligned = aligned && problem.x_axis.stride[d] % width == 0;
  return aligned;
}

/// Whether four neighbouring results are 16 aligned bytes, and stored without a chain.
template <class T>
bool has_packed_results(const ReduceParameters<T>& p, std::int64_t columns) {
  if (!p.plain_end || !std::is_same_v<T, float> || p.finish == detail::Finish::index || p.kept_rank == 0) return false;
  bool aligned =
      columns % 4 == 0 && p.y_stride[0][p.kept_rank - 1] == 1 && reinterpret_cast<std::uintptr_t>(p.y[0]) % 16 == 0;
  for (int d = 0; d + 1 < p.kept_rank; ++d) aligned = aligned && p.y_stride[0][d] % 4 == 0;
  return aligned;
}

template <class T>
ColumnsParameters<T> make_columns_parameters(const detail::ReduceProblem& problem, int width) {
  ColumnsParameters<T> k;
  k.p = detail::make_reduce_parameters<T>(problem);
  const std::int64_t columns = problem.kept.rank == 0 ? 1 : problem.kept.extent[problem.kept.rank - 1];
  const ReduceTuning tuning = reduce_tuning();
  k.pieces = detail::cut(k.p.count, tuning.whole_rows, tuning.piece_rows);
  k.row_stride = problem.x_step();
  k.columns = detail::Divider(columns);
  k.lanes = k.p.count >= tuning.rows_for_lanes ? 8 : 1;
  const std::int64_t groups = (columns + width - 1) / width;
  k.across = 1;
  while (k.across < groups && k.across * k.lanes < 256) k.across *= 2;
  k.gap = k.across;
  k.gap_stride = problem.kept.rank == 0 ? 0 : k.gap * problem.x_kept.stride[problem.kept.rank - 1];
  k.blocks = detail::Divider((groups + k.across - 1) / k.across);
  k.slabs = k.p.outputs / columns * k.pieces.count;
  k.is_half = problem.x.dtype == DType::f16;
  k.is_flat = problem.axis.rank <= 1;
  k.partial = nullptr;
  k.packs = width == 4 && has_packed_results<T>(k.p, columns);
  return k;
}

/// Two or three positions of as many results as there may be, all in one place: a thread has several of them, as
/// vectors or single. The sums are those of the other kernel.
template <Monoid M, Through Way, int Count, bool Vectors, class Stored>
__global__ void __launch_bounds__(256, thin_columns_blocks)
    thin_columns_kernel(const __grid_constant__ ColumnsParameters<float> k) {
  using R = Reducer<M, float>;
  constexpr int width = Vectors ? Stored::width : 1;
  constexpr int turns = thin_columns_turns(Vectors);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * (256 * turns) + threadIdx.x;
  using Loaded = std::conditional_t<Vectors, RawVector, typename Stored::Unit>;
  Loaded loaded[turns][Count];
  MYLOS_UNROLL
  for (int t = 0; t < turns; ++t) MYLOS_UNROLL
  for (int r = 0; r < Count; ++r) {
    const std::int64_t output = (first + t * 256) * width;
    if (output >= k.p.outputs) continue;
    if constexpr (Vectors)
      loaded[t][r] = load_raw_vector<Stored>(k.p.x, output + r * k.row_stride);
    else
      loaded[t][r] = load_unit<Stored>(k.p.x, output + r * k.row_stride);
  }
  MYLOS_UNROLL
  for (int t = 0; t < turns; ++t) {
    const std::int64_t output = (first + t * 256) * width;
    if (output >= k.p.outputs) continue;
    float v[Count][width];
    MYLOS_UNROLL
    for (int r = 0; r < Count; ++r) {
      if constexpr (Vectors)
        widen_vector<Stored>(k.is_half, loaded[t][r], v[r]);
      else
        widen_units<Stored, 1>(k.is_half, &loaded[t][r], v[r]);
    }
    float result[width];
    MYLOS_UNROLL
    for (int c = 0; c < width; ++c) {
      typename R::State state = R::identity();
      const float rest[3] = {v[0][c], v[1][c], Count > 2 ? v[Count - 1][c] : 0.0F};
      take_rest_of_four<M, Way>(k.p, state, output + c, 0, 1, Count, rest);
      result[c] = plain_value<M>(k.p, state);
    }
    float* const y = static_cast<float*>(k.p.y[0]) + output;
    if constexpr (Vectors) {
      MYLOS_UNROLL
      for (int c = 0; c < width; c += 4)
        reinterpret_cast<float4*>(y)[c / 4] = make_float4(result[c], result[c + 1], result[c + 2], result[c + 3]);
    } else {
      *y = result[0];
    }
  }
}

/// Whether thin_columns_kernel serves a problem whose results come in whole, aligned vectors or single.
template <class T>
bool is_thin(const ColumnsParameters<T>& k, bool vectors) {
  const bool fits =
      (k.p.count == 2 || k.p.count == 3) && k.is_flat && k.p.kept_rank == 1 && k.p.x_stride[0] == 1 && k.p.plain_end;
  return fits && (vectors ? has_packed_results<T>(k.p, k.p.outputs) : k.p.y_stride[0][0] == 1);
}

template <Monoid M, Through Way, bool Vectors, class Stored>
void launch_thin_columns(const ColumnsParameters<float>& k, void* stream) {
  constexpr int per_block = 256 * thin_columns_turns(Vectors) * (Vectors ? Stored::width : 1);
  launch(k.p.count == 2 ? thin_columns_kernel<M, Way, 2, Vectors, Stored>
                        : thin_columns_kernel<M, Way, 3, Vectors, Stored>,
         (k.p.outputs + per_block - 1) / per_block, 256, stream, k);
}

template <Monoid M, Through Way, class Stored, ColumnAccess Access, int Width, class T>
void launch_columns(const detail::ReduceProblem& problem, const detail::Queue& queue) {
  using State = typename Reducer<M, T>::State;
  ColumnsParameters<T> k = make_columns_parameters<T>(problem, Width);
  constexpr bool vectors = Access == ColumnAccess::vectors;
  if constexpr (Access != ColumnAccess::single && (M == Monoid::sum || M == Monoid::maximum) &&
                (Way == Through::nothing || Way == Through::plain) && std::is_same_v<T, float>)
    if (is_thin(k, vectors)) return launch_thin_columns<M, Way, vectors, Stored>(k, queue.stream);
  const std::int64_t states = states_of(k.p, k.pieces.count);
  const Scratch scratch(queue.stream, static_cast<std::size_t>(states) * sizeof(State));
  k.partial = scratch.data();
  const int depths = 256 / (k.across * k.lanes);
  const std::int64_t blocks = (k.slabs + depths - 1) / depths * static_cast<std::int64_t>(k.blocks.divisor);
  launch(columns_kernel<M, Way, Stored, Access, Width, T>, blocks, 256, queue.stream, k);
  if (states != 0) launch_combine<M, T>(k.p, k.partial, k.pieces.count, queue.stream);
}

template <Monoid M, Through Way>
void run_reduce_columns(const detail::ReduceProblem& problem, const detail::Queue& queue) {
  with_stored<M, Way>(problem, [&](auto stored, auto value, auto through) {
    constexpr Through way = decltype(through)::value;
    using Stored = decltype(stored);
    using T = decltype(value);
    // With a chain, single elements do: the arithmetic hides their loads, and there is half as much code.
    if constexpr (!is_chained(way)) {
      constexpr int width = Stored::width;
      if (has_column_vectors(problem, width))
        return launch_columns<M, way, Stored, ColumnAccess::vectors, width, T>(problem, queue);
      // A warp reads 512 bytes of a row, so that few sectors are read for two warps.
      if (problem.kept.rank > 0 && problem.kept.extent[problem.kept.rank - 1] >= 32 * width)
        return launch_columns<M, way, Stored, ColumnAccess::apart, (width < 4 ? width : 4), T>(problem, queue);
    }
    launch_columns<M, way, Stored, ColumnAccess::single, 1, T>(problem, queue);
  });
}

}  // namespace mylos::cuda
