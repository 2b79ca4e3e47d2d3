// Row operators by Kokkos teams: the generic kernel where a thread is not worth a row, that is on GPUs.
//
// A team of threads takes one row or several; the lanes of a row take vectors of 16 bytes in turn, and their statistics
// are merged as a tree. x is read twice, the second time from a cache where rows are short. Rows beyond team_piece
// values are cut into pieces of that length, one kernel for their statistics, one to merge them, one for the map. All
// of this follows from a row's length and strides, so its bits do not depend on how many rows there are.
#pragma once

#include <mylos/detail/divider.hpp>
#include "core/apply.hpp"
#include "core/raw.hpp"
#include "core/scratch.hpp"
#include "row/policy.hpp"

namespace mylos::detail {

inline constexpr int team_threads = 256;
inline constexpr std::int64_t team_piece = 64 << 10;
template <class T>
inline constexpr int team_values = sizeof(T) == 8 ? 4 : 8;  // that a lane takes at once
template <class T>
inline constexpr int team_vector = 16 / static_cast<int>(sizeof(T));  // of them neighbours

struct TeamTensor {
  void* data;
  DType dtype;
  bool is_run;  // one stride all along the axis
  std::int64_t stride[max_rank];
};

template <class T>
struct TeamParameters {
  TeamTensor x;
  TeamTensor y;
  TeamTensor weight;
  TeamTensor bias;
  TeamTensor mean;
  TeamTensor rstd;
  TeamTensor running_mean;
  TeamTensor running_variance;
  int rows_rank;
  int rank;  // of rows and axis together
  Divider extent[max_rank];
  std::int64_t rows;
  std::int64_t length;
  std::int64_t pieces;
  T momentum;
  RowNumbers<T> numbers;
  LoweredChain<T> before;
  LoweredChain<T> after;
  int before_operands;
  TeamTensor operand[max_operands];
  bool is_causal;
  std::int64_t causal_limit;
  std::int64_t causal_stride[max_rank];
  int threads;        // of a team
  int lanes;          // of a row, a power of two
  bool rows_fastest;  // neighbouring threads on neighbouring rows
};

template <class T>
TeamParameters<T> make_teams(const RowProblem& problem, int threads) {
  TeamParameters<T> p{};
  p.rows_rank = problem.rows.rank;
  p.rank = problem.rows.rank + problem.axis.rank;
  const auto set = [&](TeamTensor& to, const RowTensor& from) {
    to.data = from.data;
    to.dtype = from.dtype;
    to.is_run = problem.axis_stride(from.strides).has_value();
    for (int d = 0; d < p.rank; ++d) to.stride[d] = from.strides.stride[d];
  };
  set(p.x, problem.x);
  set(p.y, problem.y);
  set(p.weight, problem.weight);
  set(p.bias, problem.bias);
  set(p.mean, problem.mean);
  set(p.rstd, problem.rstd);
  set(p.running_mean, problem.running_mean);
  set(p.running_variance, problem.running_variance);
  for (int d = 0; d < p.rank; ++d)
    p.extent[d] = Divider(d < p.rows_rank ? problem.rows.extent[d] : problem.axis.extent[d - p.rows_rank]);
  p.rows = problem.rows.count;
  p.length = problem.length();
  p.pieces = (p.length + team_piece - 1) / team_piece;
  p.momentum = static_cast<T>(problem.momentum);
  p.numbers = numbers_of<T>(problem);
  p.before = lower<T>(*problem.before);
  p.after = lower<T>(*problem.after);
  p.before_operands = problem.before->operand_count();
  for (int o = 0; o < problem.operand_count(); ++o) {
    const Tensor& tensor = problem.operand_tensor(o);
    set(p.operand[o], {tensor.data, tensor.dtype, problem.operand[o]});
  }
  p.is_causal = problem.is_causal;
  p.causal_limit = problem.causal_limit;
  for (int d = 0; d < max_rank; ++d) p.causal_stride[d] = problem.causal.stride[d];
  // By the axis alone: a single row of a strided axis must be summed as one of many is.
  p.rows_fastest = p.rank > p.rows_rank && p.x.stride[p.rank - 1] != 1;
  p.threads = threads;
  const int most = p.rows_fastest && threads >= 64 ? threads / 32 : threads;
  p.lanes = 1;
  while (p.lanes < most && p.lanes * team_values<T> < p.length) p.lanes *= 2;
  return p;
}

/// What each thread of a team does; Member is a Kokkos team member.
template <class T, class P>
struct RowTeams {
  using State = typename P::State;
  using M = math::Precise;
  static constexpr int V = team_values<T>;
  static constexpr int E = team_vector<T>;
  using Tile = RegisterTile<T, V>;
  enum class Stage : std::uint8_t { all, statistic, merge, map };

  TeamParameters<T> p;
  Stage stage;
  State* states;               // rows x pieces
  RowConstants<T>* constants;  // rows

  std::int64_t teams() const {
    const std::int64_t groups = (p.rows + p.threads / p.lanes - 1) / (p.threads / p.lanes);
    return stage == Stage::statistic || stage == Stage::map ? groups * p.pieces : groups;
  }
  static std::size_t scratch_bytes(int threads) { return sizeof(State) * static_cast<std::size_t>(threads) + 64; }

  /// A thread's row, its place in the row, and the part of the row it shares.
  struct Share {
    std::int64_t row;
    int lane;
    int slot;  // in the team's scratch memory: a row's lanes side by side
    std::int64_t piece;
    std::int64_t begin;
    std::int64_t end;
    std::int64_t limit;  // causal: values from there on are hidden
  };

  template <class Member>
  KOKKOS_INLINE_FUNCTION void operator()(const Member& team) const {
    auto* shared = static_cast<State*>(team.team_shmem().get_shmem(static_cast<int>(sizeof(State)) * p.threads));
    const Share share = share_of(team.league_rank(), team.team_rank());
    if (stage == Stage::map) return write(share, constants[share.row < p.rows ? share.row : 0]);
    const State own = stage == Stage::merge ? merged_pieces(share) : statistic(share);
    shared[share.slot] = own;
    for (int half = p.lanes / 2; half > 0; half /= 2) {
      team.team_barrier();
      if (share.lane < half) shared[share.slot] = P::template merge<M>(shared[share.slot], shared[share.slot + half]);
    }
    team.team_barrier();
    if (share.row >= p.rows) return;
    const State& whole = shared[share.slot - share.lane];
    if (stage == Stage::statistic) {
      if (share.lane == 0) states[share.row * p.pieces + share.piece] = whole;
      return;
    }
    const RowConstants<T> c = P::template finish<M>(whole, p.numbers);
    if (share.lane == 0) write_statistics(share, whole, c);
    if (stage == Stage::all) return write(share, c);
    if (share.lane == 0) constants[share.row] = c;
  }

 private:
  KOKKOS_INLINE_FUNCTION Share share_of(std::int64_t team, int thread) const {
    const int rows_of_team = p.threads / p.lanes;
    const bool pieces = stage == Stage::statistic || stage == Stage::map;
    Share s;
    s.piece = pieces ? team % p.pieces : 0;
    const int group = p.rows_fastest ? thread % rows_of_team : thread / p.lanes;
    s.lane = p.rows_fastest ? thread / rows_of_team : thread % p.lanes;
    s.slot = group * p.lanes + s.lane;
    s.row = (pieces ? team / p.pieces : team) * rows_of_team + group;
    s.begin = s.piece * team_piece;
    s.end = pieces && s.begin + team_piece < p.length ? s.begin + team_piece : p.length;
    s.limit = p.is_causal && s.row < p.rows ? p.causal_limit + row_offset(p.causal_stride, s.row) : p.length;
    return s;
  }

  KOKKOS_INLINE_FUNCTION std::int64_t row_offset(const std::int64_t* stride, std::int64_t row) const {
    return offset_in(stride, row, 0, p.rows_rank);
  }
  KOKKOS_INLINE_FUNCTION std::int64_t axis_offset(const std::int64_t* stride, std::int64_t index) const {
    return offset_in(stride, index, p.rows_rank, p.rank);
  }
  /// The offset of a linear index over dimensions [first, end).
  KOKKOS_INLINE_FUNCTION std::int64_t offset_in(const std::int64_t* stride, std::int64_t index, int first,
                                                int end) const {
    if (end == first) return 0;
    std::int64_t offset = 0;
    auto rest = static_cast<std::uint64_t>(index);
    for (int d = end - 1; d > first; --d) {
      const std::uint64_t quotient = p.extent[d].divide(rest);
      offset += static_cast<std::int64_t>(rest - quotient * p.extent[d].divisor) * stride[d];
      rest = quotient;
    }
    return offset + static_cast<std::int64_t>(rest) * stride[first];
  }

  /// A lane's first element, and value k of its tile that starts at `at`.
  KOKKOS_INLINE_FUNCTION std::int64_t first_of(const Share& s) const { return s.begin + s.lane * E; }
  KOKKOS_INLINE_FUNCTION std::int64_t index_of(std::int64_t at, int k) const {
    return at + k / E * (E * p.lanes) + k % E;
  }
  KOKKOS_INLINE_FUNCTION std::int64_t offset_of(const TeamTensor& t, std::int64_t row, std::int64_t i) const {
    return t.is_run ? row + i * (p.rank > p.rows_rank ? t.stride[p.rank - 1] : 1) : row + axis_offset(t.stride, i);
  }
  /// The address of the tile's first element where all of its vectors lie in the row and on their boundaries, else
  /// null.
  KOKKOS_INLINE_FUNCTION char* vectors(const TeamTensor& t, const Share& s, std::int64_t row, std::int64_t at) const {
    const auto size = static_cast<std::int64_t>(size_of(t.dtype));
    if (!is_floating(t.dtype) || !t.is_run || p.rank == p.rows_rank || t.stride[p.rank - 1] != 1 || size * E > 16 ||
        index_of(at, V - 1) >= s.end)
      return nullptr;
    char* const address = static_cast<char*>(t.data) + (row + at) * size;
    const auto bits = reinterpret_cast<std::uintptr_t>(address) | static_cast<std::uintptr_t>(E * p.lanes * size);
    return bits % static_cast<std::uintptr_t>(E * size) == 0 ? address : nullptr;
  }

  KOKKOS_INLINE_FUNCTION void load(const TeamTensor& t, const Share& s, std::int64_t at, Tile& tile) const {
    const std::int64_t row = row_offset(t.stride, s.row);
    if (const char* const address = vectors(t, s, row, at)) {
      RawChunks<V / E> raw;
      load_raw<PlainAccess, E, V / E>(static_cast<int>(size_of(t.dtype)), raw.chunk,
                                      [&](int q, int bytes) { return address + q * p.lanes * bytes; });
      return unpack_raw<E, V / E>(t.dtype, raw, tile.value);
    }
    for (int k = 0; k < V; ++k) {
      const std::int64_t i = index_of(at, k);
      tile[k] = i < s.end ? load_element<T>(t.dtype, t.data, offset_of(t, row, i)) : T(1);
    }
  }
  KOKKOS_INLINE_FUNCTION void store(const TeamTensor& t, const Share& s, std::int64_t at, const Tile& tile) const {
    const std::int64_t row = row_offset(t.stride, s.row);
    if (char* const address = vectors(t, s, row, at))
      return store_chunks<PlainAccess, E, V / E>(
          t.dtype, tile.value, [&](int q, int bytes) { return address + q * p.lanes * bytes; }, Always());
    for (int k = 0; k < V; ++k) {
      const std::int64_t i = index_of(at, k);
      if (i < s.end) store_element(t.dtype, t.data, offset_of(t, row, i), tile[k]);
    }
  }
  KOKKOS_INLINE_FUNCTION void apply_chain(const LoweredChain<T>& chain, int first_operand, const Share& s,
                                          std::int64_t at, Tile& tile) const {
    apply<M>(chain, tile, [&](int o, Tile& values) { load(p.operand[first_operand + o], s, at, values); });
  }
  /// x, `before` and the mask.
  KOKKOS_INLINE_FUNCTION void load_values(const Share& s, std::int64_t at, Tile& tile) const {
    load(p.x, s, at, tile);
    apply_chain(p.before, 0, s, at, tile);
    for (int k = 0; k < V && p.is_causal; ++k)
      if (index_of(at, k) >= s.limit) tile[k] = minus_infinity<T>();
  }

  KOKKOS_INLINE_FUNCTION State statistic(const Share& s) const {
    State state = P::empty();
    if (s.row >= p.rows) return state;
    // In two levels: the rounding of long sums grows with the number of terms that are added one after the other.
    const std::int64_t step = V * p.lanes;
    for (std::int64_t from = first_of(s); from < s.end; from += 64 * step) {
      const std::int64_t end = from + 64 * step < s.end ? from + 64 * step : s.end;
      State part = P::empty();
      for (std::int64_t at = from; at < end; at += step) {
        Tile values;
        load_values(s, at, values);
        RowTile<T, V> tile;
        tile.mask = 0;
        for (int k = 0; k < V; ++k) {
          tile.value[k] = values[k];
          tile.mask |= index_of(at, k) < s.end ? 1U << k : 0U;
        }
        part = P::template merge<M>(part, P::template of<M>(tile, p.numbers));
      }
      state = P::template merge<M>(state, part);
    }
    return state;
  }
  KOKKOS_INLINE_FUNCTION State merged_pieces(const Share& s) const {
    State state = P::empty();
    for (std::int64_t i = s.lane; i < p.pieces && s.row < p.rows; i += p.lanes)
      state = P::template merge<M>(state, states[s.row * p.pieces + i]);
    return state;
  }

  KOKKOS_INLINE_FUNCTION void write(const Share& s, const RowConstants<T>& c) const {
    if (s.row >= p.rows) return;
    for (std::int64_t at = first_of(s); at < s.end; at += V * p.lanes) {
      Tile values;
      load_values(s, at, values);
      for (int k = 0; k < V; ++k) values[k] = P::template map<M>(values[k], c);
      Tile affine;
      if (p.weight.data != nullptr) {
        load(p.weight, s, at, affine);
        for (int k = 0; k < V; ++k) values[k] *= affine[k];
      }
      if (p.bias.data != nullptr) {
        load(p.bias, s, at, affine);
        for (int k = 0; k < V; ++k) values[k] += affine[k];
      }
      apply_chain(p.after, p.before_operands, s, at, values);
      store(p.y, s, at, values);
    }
  }

  KOKKOS_INLINE_FUNCTION void write_statistics(const Share& s, const State& state, const RowConstants<T>& c) const {
    const auto put = [&](const TeamTensor& t, T value) {
      if (t.data != nullptr) store_element(t.dtype, t.data, row_offset(t.stride, s.row), value);
    };
    const auto update = [&](const TeamTensor& t, T value) {
      if (t.data == nullptr) return;
      const T old = load_element<T>(t.dtype, t.data, row_offset(t.stride, s.row));
      put(t, (T(1) - p.momentum) * old + p.momentum * value);
    };
    put(p.mean, c.shift);
    put(p.rstd, c.scale);
    if constexpr (std::is_same_v<P, StandardizePolicy<T, double>>) {
      update(p.running_mean, c.shift);
      update(p.running_variance, static_cast<T>(state.squares / (state.count - 1)));
    }
  }
};

template <class Exec, class T, class P>
void run_row_teams_of(const Exec& exec, const std::string& label, const RowProblem& problem, int threads) {
  using Teams = RowTeams<T, P>;
  static_assert(sizeof(Teams) <= 4096);  // larger functors Kokkos copies through constant memory, and waits for it
  using Policy = Kokkos::TeamPolicy<Exec, Kokkos::IndexType<std::int64_t>>;
  Teams teams{make_teams<T>(problem, threads), Teams::Stage::all, nullptr, nullptr};
  const auto launch = [&](typename Teams::Stage stage) {
    teams.stage = stage;
    Policy policy(exec, static_cast<int>(teams.teams()), threads);
    policy.set_scratch_size(0, Kokkos::PerTeam(static_cast<int>(Teams::scratch_bytes(threads))));
    Kokkos::parallel_for(
        label, Kokkos::Experimental::require(policy, Kokkos::Experimental::WorkItemProperty::HintLightWeight), teams);
  };
  if (teams.p.pieces == 1) return launch(Teams::Stage::all);
  const auto state_bytes = sizeof(typename Teams::State) * static_cast<std::size_t>(teams.p.rows * teams.p.pieces);
  const Scratch<Exec> scratch(exec,
                              state_bytes + sizeof(RowConstants<T>) * static_cast<std::size_t>(teams.p.rows) + 64);
  teams.states = static_cast<typename Teams::State*>(scratch.data());
  teams.constants = reinterpret_cast<RowConstants<T>*>(static_cast<char*>(scratch.data()) + state_bytes);
  launch(Teams::Stage::statistic);
  launch(Teams::Stage::merge);
  launch(Teams::Stage::map);
}

template <class Exec>
void run_row_teams(const Exec& exec, const std::string& label, const RowProblem& problem, int threads = team_threads) {
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    visit_policy<T, double>(
        problem.op, [&](auto policy) { run_row_teams_of<Exec, T, decltype(policy)>(exec, label, problem, threads); });
  };
  problem.computes_in_f64() ? run(double()) : run(float());
}

}  // namespace mylos::detail
