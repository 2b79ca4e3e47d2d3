// Rows of any length, and rows in several pieces of memory (the channels of a batch norm): the statistics of parts, the
// rows' constants from them, and the map in a second read. The map goes backwards, so that what the L2 still holds of
// the first read is read first.
#pragma once

#include "cuda/primitives/launch.cuh"
#include "cuda/primitives/scratch.cuh"
#include "cuda/row_registers.cuh"
#include "cuda/row_runs.hpp"

namespace mylos::cuda {

template <class T>
struct PassesParameters {
  RowParameters<T> row;
  void* states;  // of the parts, row by row
  RowConstants<T>* constants;
  std::int64_t run;  // consecutive elements; a row is one or more runs
  bool in_run;       // they lie within the axis' fastest dimension
  detail::Divider pieces_per_run;
  detail::Divider pieces;  // per row
  detail::Divider parts;   // per row
  int pieces_per_part;
};

/// Elements that a block works on at once.
template <class T>
inline constexpr int piece_elements = passes_tuning().threads*(passes_tuning().bytes / static_cast<int>(sizeof(T)));

/// One piece of a run: a thread's elements of it.
template <class S, class T>
struct Piece {
  static constexpr int E = 16 / static_cast<int>(sizeof(S));
  static constexpr int V = passes_tuning().bytes / static_cast<int>(sizeof(T));
  const S* x;
  S* y;
  std::int64_t first;  // in the row, where x and y point to
  int length;
  Columns<E, 32> columns;

  __device__ __forceinline__ Piece(const PassesParameters<T>& parameters, std::int64_t row, std::uint64_t piece) {
    const RowParameters<T>& p = parameters.row;
    const std::uint64_t run = parameters.pieces_per_run.divide(piece);
    const auto number = static_cast<std::int64_t>(piece - run * parameters.pieces_per_run.divisor);
    first = static_cast<std::int64_t>(run) * parameters.run;
    x = static_cast<const S*>(p.x) + p.row_offset(p.x_stride, row) + p.axis_offset(p.x_stride, first);
    y = static_cast<S*>(p.y) + p.row_offset(p.y_stride, row) + p.axis_offset(p.y_stride, first);
    // Pieces meet on boundaries of lines.
    const int lead = lead_of<line_bytes>(y);
    const std::int64_t begin = number == 0 ? 0 : number * piece_elements<T> - lead;
    const std::int64_t end = (number + 1) * piece_elements<T> - lead;
    length = static_cast<int>((end < parameters.run ? end : parameters.run) - begin);
    x += begin;
    y += begin;
    first += begin;
    columns = Columns<E, 32>::of_lane(static_cast<int>(threadIdx.x) % 32, 32)
                  .from(static_cast<int>(threadIdx.x) / 32 * (32 * V) - (number == 0 ? lead : 0));
    if (length < 0) length = 0;
  }
};

template <class F, class S, class M, bool Chained, class T>
__global__ void __launch_bounds__(passes_tuning().threads, passes_tuning().blocks(Chained))
    row_partial_kernel(const __grid_constant__ PassesParameters<T> parameters) {
  using State = typename F::State;
  const RowParameters<T>& p = parameters.row;
  const auto row = static_cast<std::int64_t>(parameters.parts.divide(blockIdx.x));
  const std::uint64_t part = blockIdx.x - static_cast<std::uint64_t>(row) * parameters.parts.divisor;
  const std::uint64_t first = part * static_cast<unsigned>(parameters.pieces_per_part);
  constexpr int V = Piece<S, T>::V;
  constexpr int E = Piece<S, T>::E;
  const auto end = [&] {
    const std::uint64_t end = first + static_cast<unsigned>(parameters.pieces_per_part);
    return end < parameters.pieces.divisor ? end : parameters.pieces.divisor;
  }();
  State state = F::empty();
  // The next piece is on its way while one is worked on.
  Piece<S, T> piece(parameters, row, first);
  detail::Pack<S, E> chunk[V / E];
  load_chunks<detail::PlainAccess, V>(piece.x, piece.columns, piece.length, chunk);
#pragma unroll 1
  for (std::uint64_t next = first + 1; next <= end; ++next) {
    T v[V];
    unpack_chunks<V>(chunk, v);
    const Piece<S, T> here = piece;
    if (next < end) {
      piece = Piece<S, T>(parameters, row, next);
      load_chunks<detail::PlainAccess, V>(piece.x, piece.columns, piece.length, chunk);
    }
    if constexpr (Chained) apply_before<M, V>(p, row, here.columns, here.length, v, here.first);
    state = F::template merge<M>(p, state, statistic_of<F, M, V>(p, here.columns, here.length, v));
  }
  state = combine_warps<F, M>(p, state, passes_tuning().threads / 32);
  if (threadIdx.x == 0) static_cast<State*>(parameters.states)[blockIdx.x] = state;
}

/// One block a row.
template <class F, class M, class T>
__global__ void __launch_bounds__(passes_tuning().threads)
    row_combine_kernel(const __grid_constant__ PassesParameters<T> parameters) {
  using State = typename F::State;
  const RowParameters<T>& p = parameters.row;
  const std::int64_t row = blockIdx.x;
  const auto parts = static_cast<std::int64_t>(parameters.parts.divisor);
  const State* const states = static_cast<const State*>(parameters.states) + row * parts;
  State state = F::empty();
  for (std::int64_t i = threadIdx.x; i < parts; i += passes_tuning().threads)
    state = F::template merge<M>(p, state, states[i]);
  state = combine_warps<F, M>(p, state, passes_tuning().threads / 32);
  if (threadIdx.x != 0) return;
  const RowConstants<T> constants = F::template finish<M>(p, state);
  parameters.constants[row] = constants;
  if (p.has_statistics()) store_statistics(p, row, state, constants);
}

template <class F, class S, class M, RowKind Kind, class T>
__global__ void __launch_bounds__(passes_tuning().threads, passes_tuning().blocks(Kind == RowKind::full))
    row_map_kernel(const __grid_constant__ PassesParameters<T> parameters) {
  const RowParameters<T>& p = parameters.row;
  const std::uint64_t number = gridDim.x - 1 - blockIdx.x;
  const auto row = static_cast<std::int64_t>(parameters.pieces.divide(number));
  const Piece<S, T> piece(parameters, row, number - static_cast<std::uint64_t>(row) * parameters.pieces.divisor);
  if (piece.length == 0) return;
  constexpr int V = Piece<S, T>::V;
  T v[V];
  load_row<GlobalAccess, V>(piece.x, piece.columns, piece.length, v);
  const RowConstants<T> constants = parameters.constants[row];
  if constexpr (Kind == RowKind::full) apply_before<M, V>(p, row, piece.columns, piece.length, v, piece.first);
  F::template map<M, V>(p, constants, v);
  apply_rest<Kind, M, V>(p, row, piece.columns, piece.length, v, piece.first, parameters.in_run);
  store_row<GlobalAccess, V>(piece.y, piece.columns, piece.length, v);
}

template <class F, class S, class M, RowKind Kind, class T>
void launch_passes_of(const RowProblem& problem, const detail::Queue& queue) {
  PassesParameters<T> parameters;
  parameters.row = make_row_parameters<T>(problem);
  parameters.run = run_of(problem);
  parameters.in_run = problem.axis.rank > 0 && problem.axis.extent[problem.axis.rank - 1] == parameters.run;
  const std::int64_t lead = line_bytes / static_cast<int>(sizeof(S)) - 1;
  const std::int64_t pieces_per_run = (parameters.run + lead + piece_elements<T> - 1) / piece_elements<T>;
  const std::int64_t pieces = problem.length() / parameters.run * pieces_per_run;
  const std::int64_t per_part = (pieces + passes_tuning().most_parts - 1) / passes_tuning().most_parts;
  parameters.pieces_per_part =
      static_cast<int>(per_part < passes_tuning().pieces_per_part ? passes_tuning().pieces_per_part : per_part);
  const std::int64_t parts = (pieces + parameters.pieces_per_part - 1) / parameters.pieces_per_part;
  parameters.pieces_per_run = detail::Divider(pieces_per_run);
  parameters.pieces = detail::Divider(pieces);
  parameters.parts = detail::Divider(parts);

  const std::int64_t rows = problem.rows.count;
  const std::size_t constants_bytes = static_cast<std::size_t>(rows) * sizeof(RowConstants<T>) / 16 * 16 + 16;
  const Scratch scratch(queue.stream,
                        constants_bytes + static_cast<std::size_t>(rows * parts) * sizeof(typename F::State));
  parameters.constants = static_cast<RowConstants<T>*>(scratch.data());
  parameters.states = static_cast<unsigned char*>(scratch.data()) + constants_bytes;
  constexpr int threads = passes_tuning().threads;
  launch(row_partial_kernel<F, S, M, Kind == RowKind::full, T>, rows * parts, threads, queue.stream, parameters);
  launch(row_combine_kernel<F, M, T>, rows, threads, queue.stream, parameters);
  launch(row_map_kernel<F, S, M, Kind, T>, rows * pieces, threads, queue.stream, parameters);
}

template <class F, class S, class M, class T>
void launch_passes(const RowProblem& problem, const detail::Queue& queue) {
  if (problem.has_chains() || problem.is_causal) return launch_passes_of<F, S, M, RowKind::full, T>(problem, queue);
  if constexpr (F::has_affine) {
    if (problem.has_affine()) return launch_passes_of<F, S, M, RowKind::affine, T>(problem, queue);
  }
  launch_passes_of<F, S, M, RowKind::light, T>(problem, queue);
}

}  // namespace mylos::cuda
