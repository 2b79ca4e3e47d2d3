// Rows of any length, and rows in several pieces of memory (the channels of a batch norm): the statistics of parts, the
// rows' constants from them, and the map in a second read. The map goes backwards, so that what the L2 still holds of
// the first read is read first. Rows that share a weight and a bias too large for the L2 are taken side by side.
#pragma once

#include "cuda/primitives/launch.cuh"
#include "cuda/primitives/scratch.cuh"
#include "cuda/row_registers.cuh"
#include "cuda/row_runs.hpp"

namespace mylos::cuda {

/// Parts of rows, of so many pieces each.
struct RowParts {
  detail::Divider per_row;
  int pieces;
};

/// How rows are cut into pieces.
struct RowPieces {
  detail::Divider per_run;
  detail::Divider per_row;
};

/// What the map of a run needs where weight and bias are the same all along it.
template <class T>
struct RunConstants {
  RowConstants<T> row;
  T weight;
  T bias;
};

template <class T>
struct PassesParameters {
  RowParameters<T> row;
  void* states;  // of the parts, row by row
  RowConstants<T>* constants;
  RunConstants<T>* run_constants;  // row by row, or null
  std::int64_t run;                // consecutive elements
  std::int64_t runs;               // of a row
  bool in_run;                     // they lie within the axis' fastest dimension
  detail::Divider rows;
  RowPieces pieces;            // whose statistics come first
  RowParts parts;              // of a block
  RowPieces map_pieces;        // what a block maps
  bool across_rows;            // rows are taken side by side, so that what they share is read once
  detail::Divider row_groups;  // row_map_shared_kernel: blocks that share the rows of a piece
};

/// Pieces of a row one after the other: what a block works on at once, and a thread's elements of it.
template <class S, class T, int Threads = passes_tuning().threads>
struct Piece {
  static constexpr int E = 16 / static_cast<int>(sizeof(S));
  static constexpr int V = passes_tuning().bytes / static_cast<int>(sizeof(T));
  static constexpr int elements = Threads * V;
  const S* x;
  S* y;
  std::int64_t first;  // in the row, where x and y point to
  int length;
  std::int64_t run;
  Columns<E, 32> columns;

  /// To piece `number` of a row.
  __device__ __forceinline__ void find(const PassesParameters<T>& k, const RowPieces& pieces, std::int64_t row,
                                       std::uint64_t number) {
    const RowParameters<T>& p = k.row;
    const std::uint64_t quotient = pieces.per_run.divide(number);
    const auto in_run = static_cast<std::int64_t>(number - quotient * pieces.per_run.divisor);
    run = static_cast<std::int64_t>(quotient);
    first = run * k.run;
    x = static_cast<const S*>(p.x) + p.row_offset(p.x_stride, row) + p.axis_offset(p.x_stride, first);
    y = static_cast<S*>(p.y) + p.row_offset(p.y_stride, row) + p.axis_offset(p.y_stride, first);
    // Pieces meet on boundaries of lines.
    const int lead = lead_of<line_bytes>(y);
    const std::int64_t begin = in_run == 0 ? 0 : in_run * elements - lead;
    x += begin;
    y += begin;
    first += begin;
    left_ = k.run - begin;
    pieces_ = static_cast<std::int64_t>(pieces.per_run.divisor) - in_run;
    cut(in_run == 0 ? lead : 0);
  }
  /// From piece `number - 1` to the next one.
  __device__ __forceinline__ void advance(const PassesParameters<T>& k, std::int64_t row, std::uint64_t number) {
    if (--pieces_ == 0) return find(k, k.pieces, row, number);
    const int step = elements - lead_;
    x += step;
    y += step;
    first += step;
    left_ -= step;
    cut(0);
  }

 private:
  __device__ __forceinline__ void cut(int lead) {
    lead_ = lead;
    columns = Columns<E, 32>::of_lane(static_cast<int>(threadIdx.x) % 32, 32)
                  .from(static_cast<int>(threadIdx.x) / 32 * (32 * V) - lead);
    length = left_ < elements - lead ? static_cast<int>(left_ < 0 ? 0 : left_) : elements - lead;
  }

  std::int64_t left_;    // of the run from x on
  std::int64_t pieces_;  // likewise, this one among them
  int lead_;
};

/// What a block maps: of small blocks reads and writes stay closer together in memory.
template <class S, class T>
using MapPiece = Piece<S, T, passes_tuning().map_threads>;

/// A block's part of a row.
struct PiecesOfBlock {
  std::int64_t row;
  std::uint64_t begin;
  std::uint64_t end;

  /// Part `number` of all rows'.
  __device__ __forceinline__ PiecesOfBlock(const RowParts& parts, const detail::Divider& pieces, std::uint64_t number)
      : row(static_cast<std::int64_t>(parts.per_row.divide(number))) {
    begin = (number - static_cast<std::uint64_t>(row) * parts.per_row.divisor) * static_cast<unsigned>(parts.pieces);
    end = begin + static_cast<unsigned>(parts.pieces);
    if (end > pieces.divisor) end = pieces.divisor;
  }
};

/// The part that comes at this turn: row by row, or the same part of all rows before the next one.
template <class T>
__device__ __forceinline__ std::uint64_t part_at(const PassesParameters<T>& k, const detail::Divider& per_row,
                                                 std::uint64_t turn) {
  if (!k.across_rows) return turn;
  const std::uint64_t part = k.rows.divide(turn);
  return (turn - part * k.rows.divisor) * per_row.divisor + part;
}

/// Calls visit(piece, v) with a block's pieces, chunks as they were loaded. The next one is on its way meanwhile.
template <class Access, class S, class T, class Visit>
__device__ __forceinline__ void for_pieces(const PassesParameters<T>& k, const PiecesOfBlock& part,
                                           const Visit& visit) {
  constexpr int V = Piece<S, T>::V;
  constexpr int E = Piece<S, T>::E;
  Piece<S, T> piece;
  piece.find(k, k.pieces, part.row, part.begin);
  detail::Pack<S, E> chunk[V / E];
  load_chunks<Access, V>(piece.x, piece.columns, piece.length, chunk);
#pragma unroll 1
  for (std::uint64_t next = part.begin + 1; next <= part.end; ++next) {
    T v[V];
    unpack_chunks<V>(chunk, v);
    const Piece<S, T> here = piece;
    if (next < part.end) {
      piece.advance(k, part.row, next);
      load_chunks<Access, V>(piece.x, piece.columns, piece.length, chunk);
    }
    visit(here, v);
  }
}

constexpr RowKind partial_kind(RowKind kind) {
  if (kind == RowKind::full) return kind;
  return has_chains(kind) ? RowKind::chained : RowKind::light;
}
/// Through: full; chained; or light, where nothing is before the statistic.
template <class F, class S, class M, RowKind Through, class T>
__global__ void __launch_bounds__(passes_tuning().threads, passes_tuning().blocks(false, Through != RowKind::light))
    row_partial_kernel(const __grid_constant__ PassesParameters<T> parameters) {
  using State = typename F::State;
  const RowParameters<T>& p = parameters.row;
  const std::uint64_t number = part_at(parameters, parameters.parts.per_row, blockIdx.x);
  const PiecesOfBlock part(parameters.parts, parameters.pieces.per_row, number);
  State state = F::empty();
  for_pieces<detail::PlainAccess, S>(parameters, part, [&](const Piece<S, T>& piece, T* v) {
    constexpr int V = Piece<S, T>::V;
    if constexpr (Through == RowKind::full)
      apply_before<M, V>(p, part.row, piece.columns, piece.length, v, piece.first);
    else if constexpr (Through != RowKind::light)
      apply_plain_chain<M, V>(p.before, v);
    state = F::template merge<M>(p, state, statistic_of<F, M, V>(p, piece.columns, piece.length, v));
  });
  state = combine_warps<F, M>(p, state, passes_tuning().threads / 32);
  if (threadIdx.x == 0) static_cast<State*>(parameters.states)[number] = state;
}

/// One block a row.
template <class F, class M, class T>
__global__ void __launch_bounds__(passes_tuning().threads)
    row_combine_kernel(const __grid_constant__ PassesParameters<T> parameters) {
  using State = typename F::State;
  const RowParameters<T>& p = parameters.row;
  const std::int64_t row = blockIdx.x;
  const auto parts = static_cast<std::int64_t>(parameters.parts.per_row.divisor);
  const State* const states = static_cast<const State*>(parameters.states) + row * parts;
  State state = F::empty();
  for (std::int64_t i = threadIdx.x; i < parts; i += passes_tuning().threads)
    state = F::template merge<M>(p, state, states[i]);
  state = combine_warps<F, M>(p, state, passes_tuning().threads / 32);
  __shared__ RowConstants<T> constants;
  if (threadIdx.x == 0) {
    constants = F::template finish<M>(p, state);
    parameters.constants[row] = constants;
    if (p.has_statistics()) store_statistics(p, row, state, constants);
  }
  if (parameters.run_constants == nullptr) return;
  __syncthreads();
  for (std::int64_t run = threadIdx.x; run < parameters.runs; run += passes_tuning().threads) {
    RunAffine<T> affine;
    affine.template locate<1>(p, row, run * parameters.run, run * parameters.run, parameters.in_run);
    parameters.run_constants[row * parameters.runs + run] = {constants, affine.weight.value, affine.bias.value};
  }
}

/// One piece a block. Even: weight and bias are the same all along a run.
template <class F, class S, class M, RowKind Kind, bool Even, class T>
__global__ void __launch_bounds__(passes_tuning().map_threads, passes_tuning().map_blocks(Kind == RowKind::light))
    row_map_kernel(const __grid_constant__ PassesParameters<T> parameters) {
  using P = MapPiece<S, T>;
  constexpr int V = P::V;
  const RowParameters<T>& p = parameters.row;
  const detail::Divider& per_row = parameters.map_pieces.per_row;
  const std::uint64_t at = part_at(parameters, per_row, gridDim.x - 1 - blockIdx.x);
  const auto row = static_cast<std::int64_t>(per_row.divide(at));
  P piece;
  piece.find(parameters, parameters.map_pieces, row, at - static_cast<std::uint64_t>(row) * per_row.divisor);
  if (piece.length == 0) return;  // of a run that begins on a line, behind its end
  detail::Pack<S, P::E> chunk[V / P::E];
  load_chunks<GlobalAccess, V>(piece.x, piece.columns, piece.length, chunk);
  constexpr bool has_affine = Kind == RowKind::affine || Kind == RowKind::chained_affine;
  RunConstants<T> constants;
  RunAffine<T> affine;
  if constexpr (Even) {
    constants = parameters.run_constants[row * parameters.runs + piece.run];
  } else {
    constants.row = parameters.constants[row];
    if constexpr (has_affine)
      affine.template locate<P::E>(p, row, piece.first + piece.columns.first, piece.first, parameters.in_run);
  }
  T v[V];
  unpack_chunks<V>(chunk, v);
  if constexpr (Kind == RowKind::full)
    apply_before<M, V>(p, row, piece.columns, piece.length, v, piece.first);
  else if constexpr (Kind == RowKind::chained)
    apply_plain_chain<M, V>(p.before, v);
  else if constexpr (Kind == RowKind::chained_affine)
    call_chain<M, V>(p.before, v);
  F::template map<M, V>(p, constants.row, v);
  if constexpr (Even) {
#pragma unroll
    for (int i = 0; i < V; ++i) v[i] = rounded_product(v[i], constants.weight) + constants.bias;
  } else if constexpr (has_affine) {
    apply_affine<V>(p, affine, row, piece.columns, piece.length, v, piece.first, parameters.in_run);
  }
  if constexpr (Kind == RowKind::full)
    apply_after<M, V>(p, row, piece.columns, piece.length, v, piece.first, parameters.in_run);
  else if constexpr (has_chains(Kind))
    apply_plain_chain<M, V>(p.after, v);
  store_row<GlobalAccess, V>(piece.y, piece.columns, piece.length, v);
}

/// One piece of several rows in turn, which share the weight and bias that the threads keep meanwhile. Pieces are cut
/// alike in all rows.
template <class F, class S, class M, class T>
__global__ void __launch_bounds__(passes_tuning().threads, passes_tuning().blocks(true, false))
    row_map_shared_kernel(const __grid_constant__ PassesParameters<T> parameters) {
  constexpr int V = Piece<S, T>::V;
  constexpr int E = Piece<S, T>::E;
  const RowParameters<T>& p = parameters.row;
  const std::uint64_t turn = gridDim.x - 1 - blockIdx.x;
  const std::uint64_t number = parameters.row_groups.divide(turn);
  const auto group = static_cast<std::int64_t>(turn - number * parameters.row_groups.divisor);
  const auto groups = static_cast<std::int64_t>(parameters.row_groups.divisor);
  const std::int64_t begin = p.rows * group / groups;
  const std::int64_t end = p.rows * (group + 1) / groups;
  Piece<S, T> piece;
  piece.find(parameters, parameters.pieces, begin, number);
  detail::Pack<S, E> chunk[V / E];
  load_chunks<GlobalAccess, V>(piece.x, piece.columns, piece.length, chunk);
  RowConstants<T> constants = parameters.constants[begin];
  RunAffine<T> affine;
  affine.template locate<E>(p, begin, piece.first + piece.columns.first, piece.first, parameters.in_run);
  T weight[V];
  T bias[V];
#pragma unroll
  for (int i = 0; i < V; ++i) weight[i] = bias[i] = T(0);
  if (affine.is_simple) affine.template keep<V>(piece.first, piece.columns, piece.length, weight, bias);
#pragma unroll 1
  for (std::int64_t row = begin; row < end; ++row) {
    T v[V];
    unpack_chunks<V>(chunk, v);
    const RowConstants<T> own = constants;
    S* const y = piece.y;
    if (row + 1 < end) {
      piece.find(parameters, parameters.pieces, row + 1, number);
      load_chunks<GlobalAccess, V>(piece.x, piece.columns, piece.length, chunk);
      constants = parameters.constants[row + 1];
    }
    F::template map<M, V>(p, own, v);
    if (affine.is_simple) {
#pragma unroll
      for (int i = 0; i < V; ++i) v[i] = rounded_product(v[i], weight[i]) + bias[i];
    } else {
      apply_affine_tile<V>(p, row, piece.columns, piece.length, v, piece.first, parameters.in_run);
    }
    store_row<GlobalAccess, V>(y, piece.columns, piece.length, v);
  }
}

template <class F, class S, class M, RowKind Kind, class T>
void launch_passes_of(const RowProblem& problem, const detail::Queue& queue) {
  PassesParameters<T> parameters;
  parameters.row = make_row_parameters<T>(problem);
  parameters.run = run_of(problem);
  parameters.runs = problem.length() / parameters.run;
  parameters.in_run = problem.axis.rank > 0 && problem.axis.extent[problem.axis.rank - 1] == parameters.run;
  const std::int64_t reach = parameters.run + longest_run_lead(problem, parameters.run);
  const auto pieces_of = [&](std::int64_t elements) {
    const std::int64_t per_run = (reach + elements - 1) / elements;
    return RowPieces{detail::Divider(per_run), detail::Divider(parameters.runs * per_run)};
  };
  parameters.pieces = pieces_of(Piece<S, T>::elements);
  parameters.map_pieces = pieces_of(MapPiece<S, T>::elements);
  const auto pieces = static_cast<std::int64_t>(parameters.pieces.per_row.divisor);
  const std::int64_t most = (pieces + passes_tuning().most_parts - 1) / passes_tuning().most_parts;
  const std::int64_t per_part = most < passes_tuning().pieces_per_part ? passes_tuning().pieces_per_part : most;
  parameters.parts = {detail::Divider((pieces + per_part - 1) / per_part), static_cast<int>(per_part)};

  const std::int64_t rows = problem.rows.count;
  parameters.rows = detail::Divider(rows);
  parameters.across_rows = affine_outgrows_cache(problem);
  const std::int64_t parts = rows * static_cast<std::int64_t>(parameters.parts.per_row.divisor);
  const bool even = (Kind == RowKind::affine || Kind == RowKind::chained_affine) && affine_is_even(problem);
  const auto bytes_of = [](std::int64_t count, std::size_t size) {
    return static_cast<std::size_t>(count) * size / 16 * 16 + 16;
  };
  const std::size_t constants_bytes = bytes_of(rows, sizeof(RowConstants<T>));
  const std::size_t states_bytes = bytes_of(parts, sizeof(typename F::State));
  const std::int64_t runs = even ? rows * parameters.runs : 0;
  const Scratch scratch(queue.stream, constants_bytes + states_bytes + bytes_of(runs, sizeof(RunConstants<T>)));
  auto* const memory = static_cast<unsigned char*>(scratch.data());
  parameters.constants = reinterpret_cast<RowConstants<T>*>(memory);
  parameters.states = memory + constants_bytes;
  parameters.run_constants =
      even ? reinterpret_cast<RunConstants<T>*>(memory + constants_bytes + states_bytes) : nullptr;
  constexpr int threads = passes_tuning().threads;
  launch(row_partial_kernel<F, S, M, partial_kind(Kind), T>, parts, threads, queue.stream, parameters);
  launch(row_combine_kernel<F, M, T>, rows, threads, queue.stream, parameters);
  if constexpr (Kind == RowKind::affine) {
    if (parameters.across_rows && longest_run_lead(problem, parameters.run) == 0) {
      const std::int64_t groups = (rows + passes_shared_rows - 1) / passes_shared_rows;
      parameters.row_groups = detail::Divider(groups);
      return launch(row_map_shared_kernel<F, S, M, T>, pieces * groups, threads, queue.stream, parameters);
    }
  }
  const auto map = [&](auto is_even) {
    launch(row_map_kernel<F, S, M, Kind, decltype(is_even)::value, T>,
           rows * static_cast<std::int64_t>(parameters.map_pieces.per_row.divisor), passes_tuning().map_threads,
           queue.stream, parameters);
  };
  if constexpr (Kind == RowKind::affine || Kind == RowKind::chained_affine)
    if (even) return map(std::true_type());
  map(std::false_type());
}

template <class F, class S, class M, class T>
void launch_passes(const RowProblem& problem, const detail::Queue& queue) {
  if (problem.is_causal || problem.operand_count() > 0)
    return launch_passes_of<F, S, M, RowKind::full, T>(problem, queue);
  if constexpr (F::has_affine)
    if (problem.has_chains() && problem.has_affine())
      return launch_passes_of<F, S, M, RowKind::chained_affine, T>(problem, queue);
  if (problem.has_chains()) return launch_passes_of<F, S, M, RowKind::chained, T>(problem, queue);
  if constexpr (F::has_affine) {
    if (problem.has_affine()) return launch_passes_of<F, S, M, RowKind::affine, T>(problem, queue);
  }
  launch_passes_of<F, S, M, RowKind::light, T>(problem, queue);
}

}  // namespace mylos::cuda
