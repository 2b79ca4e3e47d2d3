// Row operators by Kokkos teams: the generic kernel where a thread is not worth a row, that is on GPUs.
//
// A team takes one row or several; the lanes of a row take vectors of 16 bytes in turn. Lanes are the vector lanes of
// Kokkos threads, which combine their statistics among themselves; the threads of a row do so through the team's
// scratch memory. Rows of up to 256 lanes' registers are read once. Longer ones are read twice, the second time from a
// cache unless they are long; those beyond team_piece values are cut into pieces of that length, one kernel for their
// statistics, one to merge them, one for the map. All of this follows from a row's length and strides, so its bits do
// not depend on how many rows there are.
//
// Outside of loops over vector lanes each lane has variables of its own, as on every GPU: lanes keep their values
// there.
//
// The parameters lie in device memory, put there by a kernel of its own. Kokkos passes a functor on by address where
// its body is too large to inline, and each thread would then copy 3 KB of it into memory of its own: with that rows of
// 4096 took 7 times as long (H200).
#pragma once

#include "core/scratch.hpp"
#include "row/team_lanes.hpp"
#include "row/team_tiles.hpp"

namespace mylos::detail {

enum class TeamStage : std::uint8_t { all, statistic, merge, map };

/// What each lane of a team does, V values at once; Member is a Kokkos team member. Not Chained: there are neither
/// chains nor a mask, and a thread keeps half as many registers.
template <class T, class P, bool Chained, int V, TeamAccess Access>
struct RowTeamWork : TeamTiles<T, V, Access> {
  using Tiles = TeamTiles<T, V, Access>;
  using Tiles::cursor;
  using Tiles::E;
  using Tiles::load;
  using Tiles::p;
  using Tiles::row_offset;
  using typename Tiles::Cursor;
  using typename Tiles::Share;
  using typename Tiles::Tile;
  using State = typename P::State;
  using Stage = TeamStage;
  using M = math::Precise;
  static constexpr int strands = V < 4 ? V : 4;

  Stage stage;
  State* states;               // rows x pieces
  RowConstants<T>* constants;  // rows

  KOKKOS_INLINE_FUNCTION RowTeamWork(const TeamParameters<T>& parameters, Stage s, State* of_pieces,
                                     RowConstants<T>* of_rows)
      : Tiles{parameters}, stage(s), states(of_pieces), constants(of_rows) {}

  /// Rows whose lanes keep them.
  template <class Member>
  KOKKOS_INLINE_FUNCTION void run_held(const Member& team) const {
    const VectorLanes<Member> group{team, p.vector};
    const Share share = share_of(team.league_rank(), team.team_rank(), group.own());
    const bool has_values = share.row < p.rows && share.first < share.end;
    const RowCursors cursors = cursors_of(share);
    Tile values{};
    State own = P::empty();
    if (has_values) {
      load_values(cursors.x, share, share.first, values);
      own = hold(share, values);
    }
    const State whole = combined(team, group, share, own);
    if (!has_values) return;
    const RowConstants<T> c = P::template finish<M>(whole, p.numbers);
    if constexpr (holds_values<P>) {
      const T factor = P::template held_factor<M>(own, c);
      MYLOS_UNROLL
      for (int k = 0; k < V; ++k) values[k] = M::product(values[k], factor);
    } else {
      MYLOS_UNROLL
      for (int k = 0; k < V; ++k) values[k] = P::template map<M>(values[k], c);
    }
    finish(cursors, share, share.first, values);
    if (share.lane == 0) write_statistics(share, whole, c);
  }

  /// Rows that are read twice.
  template <class Member>
  KOKKOS_INLINE_FUNCTION void run(const Member& team) const {
    const VectorLanes<Member> group{team, p.vector};
    // The map begins where the statistics ended: there the caches still have what is read.
    const std::int64_t number = stage == Stage::map ? team.league_size() - 1 - team.league_rank() : team.league_rank();
    const Share share = share_of(number, team.team_rank(), group.own());
    const bool exists = share.row < p.rows;
    if (stage == Stage::map) {
      if (exists) write(share, constants[share.row]);
      return;
    }
    const State whole = combined(team, group, share, stage == Stage::merge ? merged_pieces(share) : statistic(share));
    if (!exists) return;
    const bool first = share.lane == 0;
    if (stage == Stage::statistic) {
      if (first) states[share.row * p.pieces + share.piece] = whole;
      return;
    }
    const RowConstants<T> c = P::template finish<M>(whole, p.numbers);
    if (first) write_statistics(share, whole, c);
    if (stage == Stage::merge && first) constants[share.row] = c;
    if (stage == Stage::all) write(share, c);
  }

 private:
  /// The statistic of a row, or of a piece, in each of its lanes.
  template <class Member>
  KOKKOS_INLINE_FUNCTION State combined(const Member& team, const VectorLanes<Member>& group, const Share& share,
                                        const State& own) const {
    State whole = P::template combine<M>(own, group);
    const int sharers = 1 << p.log2_threads;
    if (sharers == 1) return whole;
    auto* shared = static_cast<State*>(team.team_shmem().get_shmem(static_cast<int>(sizeof(State)) * p.threads));
    shared[share.slot] = whole;
    team.team_barrier();
    const int first = share.slot & ~(sharers - 1);
    whole = shared[first];
    MYLOS_NO_UNROLL
    for (int i = 1; i < sharers; ++i) whole = P::template merge<M>(whole, shared[first + i]);
    return whole;
  }

  KOKKOS_INLINE_FUNCTION Share share_of(std::int64_t team, int thread, int vector_lane) const {
    const bool pieces = stage == Stage::statistic || stage == Stage::map;
    Share s;
    std::int64_t piece = 0;
    if (pieces) {
      const auto rows = static_cast<std::int64_t>(p.piece_divider.divide(static_cast<std::uint64_t>(team)));
      piece = team - rows * p.pieces;
      team = rows;
    }
    s.piece = static_cast<int>(piece);
    s.begin = piece * team_piece;
    s.end = static_cast<int>(pieces && s.begin + team_piece < p.length ? team_piece : p.length - s.begin);
    const bool rows_fastest = Access != TeamAccess::vectors && p.rows_fastest;
    const int group = rows_fastest ? thread & ((1 << p.log2_rows) - 1) : thread >> p.log2_threads;
    const int of_row = rows_fastest ? thread >> p.log2_rows : thread & ((1 << p.log2_threads) - 1);
    s.slot = (group << p.log2_threads) + of_row;
    s.lane = of_row * p.vector + vector_lane;
    s.near = Access == TeamAccess::vectors ? 1 : p.near;
    s.far = p.far;
    s.row = (team << p.log2_rows) + group;
    s.first = s.lane * (s.near == 1 ? E : 1);
    s.limit = Chained && p.is_causal && s.row < p.rows ? p.causal_limit + row_offset(p.causal_stride, s.row) : p.length;
    return s;
  }

  struct RowCursors {
    Cursor x;
    Cursor y;
    Cursor weight;
    Cursor bias;
  };
  KOKKOS_INLINE_FUNCTION RowCursors cursors_of(const Share& s) const {
    return {cursor(p.x, s), cursor(p.y, s), cursor(p.weight, s), cursor(p.bias, s)};
  }

  KOKKOS_INLINE_FUNCTION void apply_chain(const LoweredChain<T>& chain, int first_operand, const Share& s, int at,
                                          Tile& tile) const {
    if constexpr (Chained)
      apply<M>(chain, tile, [&](int o, Tile& values) {
        load(cursor(p.operand[first_operand + o], s), s, at, [&](int k, T value) { values[k] = value; });
      });
  }
  /// x, `before` and the mask.
  KOKKOS_INLINE_FUNCTION void load_values(const Cursor& x, const Share& s, int at, Tile& tile) const {
    load(x, s, at, [&](int k, T value) { tile[k] = value; });
    apply_chain(p.before, 0, s, at, tile);
    if constexpr (Chained) {
      if (!p.is_causal) return;
      MYLOS_UNROLL
      for (int k = 0; k < V; ++k)
        if (s.begin + at + s.ahead(k) >= s.limit) tile[k] = minus_infinity<T>();
    }
  }
  KOKKOS_INLINE_FUNCTION RowTile<T, V> masked(const Share& s, int at, const Tile& values) const {
    RowTile<T, V> tile;
    tile.mask = 0;
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k) {
      tile.value[k] = values[k];
      tile.mask |= s.ahead(k) <= s.last(at) ? typename RowTile<T, V>::Mask(1) << k : 0;
    }
    return tile;
  }
  /// The statistic of a lane's values, which may become what the map continues with.
  KOKKOS_INLINE_FUNCTION State hold(const Share& s, Tile& values) const {
    const bool all = s.template has_all<V>(s.first);
    if constexpr (holds_values<P>) {
      if (!all) {
        MYLOS_UNROLL
        for (int k = 0; k < V; ++k) values[k] = s.ahead(k) <= s.last(s.first) ? values[k] : minus_infinity<T>();
      }
      Tile exponentials;
      const State state = P::template hold<M, strands>(WholeTile<T, V>{values.value}, exponentials.value);
      values = exponentials;
      return state;
    } else {
      if (all) return P::template of<M, strands>(WholeTile<T, V>{values.value}, p.numbers);
      return P::template of<M, strands>(masked(s, s.first, values), p.numbers);
    }
  }

  KOKKOS_INLINE_FUNCTION Share again(const Share& share) const {
    Share s = share;
    s.near = Access == TeamAccess::vectors ? 1 : read_again(p.near);
    s.far = read_again(p.far);
    return s;
  }
  KOKKOS_INLINE_FUNCTION State statistic(const Share& share) const {
    State state = P::empty();
    if (share.row >= p.rows) return state;
    const Cursor x = cursor(p.x, share);
    const RowNumbers<T> numbers = p.numbers;
    // In two levels: the rounding of long sums grows with the number of terms that are added one after the other.
    const int step = V / E * share.far;
    for (int from = share.first; from < share.end; from += 64 * step) {
      const int end = share.end - from < 64 * step ? share.end : from + 64 * step;
      State part = P::empty();
      for (int at = from; at < end; at += step) {
        const Share s = again(share);
        Tile values{};
        load_values(x, s, at, values);
        if (s.template has_all<V>(at))
          part = add_tile<P, M, strands>(part, WholeTile<T, V>{values.value}, numbers);
        else
          part = P::template merge<M>(part, P::template of<M, strands>(masked(s, at, values), numbers));
      }
      state = P::template merge<M>(state, part);
    }
    return state;
  }
  KOKKOS_INLINE_FUNCTION State merged_pieces(const Share& s) const {
    State state = P::empty();
    for (std::int64_t i = s.lane; i < p.pieces && s.row < p.rows; i += s.far / E)
      state = P::template merge<M>(state, states[s.row * p.pieces + i]);
    return state;
  }

  KOKKOS_INLINE_FUNCTION void write(const Share& share, const RowConstants<T>& c) const {
    const RowCursors cursors = cursors_of(share);
    for (int at = share.first; at < share.end; at += V / E * share.far) {
      const Share s = again(share);
      Tile values{};
      load_values(cursors.x, s, at, values);
      MYLOS_UNROLL
      for (int k = 0; k < V; ++k) values[k] = P::template map<M>(values[k], c);
      finish(cursors, s, at, values);
    }
  }
  /// From the map's results to y.
  KOKKOS_INLINE_FUNCTION void finish(const RowCursors& cursors, const Share& s, int at, Tile& values) const {
    MYLOS_NO_UNROLL
    for (int a = 0; a < 2; ++a) {
      const Cursor affine = a == 0 ? cursors.weight : cursors.bias;
      if (affine.first == nullptr) continue;
      load(affine, s, at, [&](int k, T value) { values[k] = a == 0 ? values[k] * value : values[k] + value; });
    }
    apply_chain(p.after, p.before_operands, s, at, values);
    this->store(cursors.y, s, at, values);
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

template <class T, class P, bool Chained, int V, TeamAccess Access, bool Held>
struct RowTeams {
  using State = typename P::State;
  const TeamParameters<T>* parameters;
  TeamStage stage;
  State* states;
  RowConstants<T>* constants;

  template <class Member>
  KOKKOS_INLINE_FUNCTION void operator()(const Member& team) const {
    const RowTeamWork<T, P, Chained, V, Access> work(*parameters, stage, states, constants);
    if constexpr (Held)
      work.run_held(team);
    else
      work.run(team);
  }
};

/// As kernel arguments: the constant memory that Kokkos takes for larger functors would be waited for.
template <class Policy>
auto light(const Policy& policy) {
  return Kokkos::Experimental::require(policy, Kokkos::Experimental::WorkItemProperty::HintLightWeight);
}

/// The parameters, a word by each thread, to device memory.
template <class T>
struct StoreTeamParameters {
  TeamParameters<T> from;
  std::uint32_t* to;
  static constexpr std::int64_t words = sizeof(TeamParameters<T>) / sizeof(std::uint32_t);

  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t i) const {
    to[i] = reinterpret_cast<const std::uint32_t*>(&from)[i];
  }
};

/// Where a call's kernels find what they need, in its scratch memory.
template <class T, class P>
struct TeamMemory {
  const TeamParameters<T>* parameters;
  RowConstants<T>* constants;  // of each row
  typename P::State* states;   // of each piece
};

template <class P, bool Chained, TeamAccess Access, class Exec, class T>
void launch_row_teams(const Exec& exec, const std::string& label, const TeamParameters<T>& p,
                      const TeamMemory<T, P>& memory) {
  const auto launch = [&](auto values, auto held, TeamStage stage, std::int64_t teams) {
    using Policy =
        Kokkos::TeamPolicy<Exec, Kokkos::IndexType<std::int64_t>,
                           Kokkos::LaunchBounds<team_threads, team_blocks(Access, held, values * sizeof(T))>>;
    Policy policy(exec, static_cast<int>(teams), p.threads, p.vector);
    policy.set_scratch_size(0, Kokkos::PerTeam(sizeof(typename P::State) * static_cast<std::size_t>(p.threads) + 64));
    Kokkos::parallel_for(
        label, light(policy),
        RowTeams<T, P, Chained, values, Access, held>{memory.parameters, stage, memory.states, memory.constants});
  };
  const std::int64_t groups = (p.rows + p.rows_of_team() - 1) / p.rows_of_team();
  if constexpr (Access != TeamAccess::parts) {
    if (p.held == team_few<T>) return launch(Constant<team_few<T>>(), std::true_type(), TeamStage::all, groups);
    if (p.held > 0) return launch(Constant<team_many<T>>(), std::true_type(), TeamStage::all, groups);
  }
  constexpr Constant<team_values<T, Chained>(Access)> at_once;
  if (p.pieces == 1) return launch(at_once, std::false_type(), TeamStage::all, groups);
  launch(at_once, std::false_type(), TeamStage::statistic, groups * p.pieces);
  launch(at_once, std::false_type(), TeamStage::merge, groups);
  launch(at_once, std::false_type(), TeamStage::map, groups * p.pieces);
}

template <class Exec, class T, class P, bool Chained>
void run_row_teams_of(const Exec& exec, const std::string& label, const RowProblem& problem, int threads) {
  using State = typename P::State;
  using Store = StoreTeamParameters<T>;
  static_assert(sizeof(Store) <= 4096);  // larger functors Kokkos copies through constant memory, and waits for it
  const TeamParameters<T> p = make_teams<T, Chained>(problem, threads);
  const auto rounded = [](std::size_t bytes) { return (bytes + 63) / 64 * 64; };
  const std::size_t parameter_bytes = rounded(sizeof(p));
  const std::size_t constant_bytes =
      p.pieces == 1 ? 0 : rounded(sizeof(RowConstants<T>) * static_cast<std::size_t>(p.rows));
  const std::size_t state_bytes = p.pieces == 1 ? 0 : sizeof(State) * static_cast<std::size_t>(p.rows * p.pieces);
  const Scratch<Exec> scratch(exec, parameter_bytes + constant_bytes + state_bytes);
  auto* const bytes = static_cast<char*>(scratch.data());
  Kokkos::parallel_for(label, light(Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, Store::words)),
                       Store{p, reinterpret_cast<std::uint32_t*>(bytes)});
  const TeamMemory<T, P> memory{reinterpret_cast<const TeamParameters<T>*>(bytes),
                                reinterpret_cast<RowConstants<T>*>(bytes + parameter_bytes),
                                reinterpret_cast<State*>(bytes + parameter_bytes + constant_bytes)};
  if constexpr (!Chained) {
    if (p.access == TeamAccess::vectors)
      return launch_row_teams<P, Chained, TeamAccess::vectors>(exec, label, p, memory);
    if (p.access == TeamAccess::elements)
      return launch_row_teams<P, Chained, TeamAccess::elements>(exec, label, p, memory);
  }
  launch_row_teams<P, Chained, TeamAccess::parts>(exec, label, p, memory);
}

/// Of the problems that are computed in T; Chained: with chains or a mask.
template <class T, bool Chained, class Exec>
void run_row_teams(const Exec& exec, const std::string& label, const RowProblem& problem, int threads = team_threads) {
  visit_policy<T, double>(problem.op, [&](auto policy) {
    run_row_teams_of<Exec, T, decltype(policy), Chained>(exec, label, problem, threads);
  });
}

}  // namespace mylos::detail
