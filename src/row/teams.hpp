// Row operators by Kokkos teams: the generic kernel where a thread is not worth a row, that is on GPUs.
//
// A team of threads takes one row or several; the lanes of a row take vectors of 16 bytes in turn, and their statistics
// are merged as a tree. x is read twice, the second time from a cache where rows are short. Rows beyond team_piece
// values are cut into pieces of that length, one kernel for their statistics, one to merge them, one for the map. All
// of this follows from a row's length and strides, so its bits do not depend on how many rows there are.
//
// The parameters lie in device memory, put there by a kernel of its own. Kokkos passes a functor on by address where
// its body is too large to inline, and each thread would then copy 3 KB of it into memory of its own: with that rows of
// 4096 took 7 times as long (H200).
#pragma once

#include "core/raw.hpp"
#include "core/scratch.hpp"
#include "row/team_parameters.hpp"

namespace mylos::detail {

enum class TeamStage : std::uint8_t { all, statistic, merge, map };

/// What each thread of a team does; Member is a Kokkos team member. Not Chained: there are neither chains nor a mask,
/// and a thread keeps half as many registers.
template <class T, class P, bool Chained>
struct RowTeamWork {
  using State = typename P::State;
  using Stage = TeamStage;
  using M = math::Precise;
  static constexpr int V = team_values<T, Chained>;
  static constexpr int E = team_vector<T>;
  using Tile = RegisterTile<T, V>;

  const TeamParameters<T>& p;
  Stage stage;
  State* states;               // rows x pieces
  RowConstants<T>* constants;  // rows

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
  KOKKOS_INLINE_FUNCTION void run(const Member& team) const {
    const Share share = share_of(team.league_rank(), team.team_rank());
    const bool exists = share.row < p.rows;
    RowConstants<T> c{};
    if (stage == Stage::map) {
      if (exists) c = constants[share.row];
    } else if (!find_constants(team, share, exists, c)) {
      return;
    }
    if (exists) write(share, c);
  }

 private:
  /// Whether there is more to do: c is what the map takes.
  template <class Member>
  KOKKOS_INLINE_FUNCTION bool find_constants(const Member& team, const Share& share, bool exists,
                                             RowConstants<T>& c) const {
    auto* shared = static_cast<State*>(team.team_shmem().get_shmem(static_cast<int>(sizeof(State)) * p.threads));
    const State own = stage == Stage::merge ? merged_pieces(share) : statistic(share);
    shared[share.slot] = own;
    for (int half = p.lanes / 2; half > 0; half /= 2) {
      team.team_barrier();
      if (share.lane < half) shared[share.slot] = P::template merge<M>(shared[share.slot], shared[share.slot + half]);
    }
    team.team_barrier();
    if (!exists) return false;
    const State& whole = shared[share.slot - share.lane];
    const bool first = share.lane == 0;
    if (stage == Stage::statistic) {
      if (first) states[share.row * p.pieces + share.piece] = whole;
      return false;
    }
    c = P::template finish<M>(whole, p.numbers);
    if (first) write_statistics(share, whole, c);
    if (stage == Stage::merge && first) constants[share.row] = c;
    return stage == Stage::all;
  }

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
    s.limit = Chained && p.is_causal && s.row < p.rows ? p.causal_limit + row_offset(p.causal_stride, s.row) : p.length;
    return s;
  }

  // What is rare or slow is called, not inlined: it would take registers from all the rest.

  /// The offset of a linear index over dimensions [first, end).
  static KOKKOS_FUNCTION MYLOS_NOINLINE std::int64_t offset_in(const TeamParameters<T>& p, const std::int64_t* stride,
                                                               std::int64_t index, int first, int end) {
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
  static KOKKOS_FUNCTION MYLOS_NOINLINE T load_one(const TeamParameters<T>& p, const TeamTensor& t, std::int64_t row,
                                                   std::int64_t i) {
    const std::int64_t origin = offset_in(p, t.stride, row, 0, p.rows_rank);
    return load_element<T>(t.dtype, t.data, origin + offset_in(p, t.stride, i, p.rows_rank, p.rank));
  }
  static KOKKOS_FUNCTION MYLOS_NOINLINE void store_one(const TeamParameters<T>& p, const TeamTensor& t,
                                                       std::int64_t row, std::int64_t i, T value) {
    const std::int64_t origin = offset_in(p, t.stride, row, 0, p.rows_rank);
    store_element(t.dtype, t.data, origin + offset_in(p, t.stride, i, p.rows_rank, p.rank), value);
  }
  KOKKOS_INLINE_FUNCTION std::int64_t row_offset(const std::int64_t* stride, std::int64_t row) const {
    return offset_in(p, stride, row, 0, p.rows_rank);
  }

  /// A tensor's part of a thread's row.
  struct Cursor {
    const TeamTensor* tensor;
    char* first;          // element of the row
    std::int64_t stride;  // in bytes, where `is_run`
    bool is_run;          // of a floating dtype, which is then asked for once per tile
    bool in_vectors;      // that are on their boundaries
  };
  KOKKOS_INLINE_FUNCTION Cursor cursor(const TeamTensor& t, const Share& s) const {
    const auto size = static_cast<std::int64_t>(size_of(t.dtype));
    Cursor c{&t, static_cast<char*>(t.data) + row_offset(t.stride, s.row) * size,
             (p.rank > p.rows_rank ? t.stride[p.rank - 1] : 1) * size, t.is_run && is_floating(t.dtype), false};
    c.in_vectors = c.is_run && c.stride == size && size * E <= 16 &&
                   reinterpret_cast<std::uintptr_t>(c.first) % static_cast<std::uintptr_t>(E * size) == 0;
    return c;
  }

  /// A lane's first element, and value k of its tile that starts at `at`.
  KOKKOS_INLINE_FUNCTION std::int64_t first_of(const Share& s) const { return s.begin + s.lane * E; }
  KOKKOS_INLINE_FUNCTION std::int64_t index_of(std::int64_t at, int k) const {
    return at + k / E * (E * p.lanes) + k % E;
  }

  /// Of chunk q of a tile where the tensor has its elements in chunks; behind the row's end its last one.
  KOKKOS_INLINE_FUNCTION char* chunk_address(const Cursor& c, const Share& s, std::int64_t at, int q) const {
    const std::int64_t i = index_of(at, q * E);
    const std::int64_t offset = offset_in(p, c.tensor->stride, i < s.end ? i : s.end - E, p.rows_rank, p.rank);
    return c.first + offset * static_cast<std::int64_t>(size_of(c.tensor->dtype));
  }

  /// Values past the row's end are some of its own.
  KOKKOS_INLINE_FUNCTION Tile load(const Cursor& c, const Share& s, std::int64_t at) const {
    Tile tile;
    const DType dtype = c.tensor->dtype;
    const int size = static_cast<int>(size_of(dtype));
    if (c.in_vectors && index_of(at, V - 1) < s.end) {
      RawChunks<V / E> raw;
      load_raw<PlainAccess, E, V / E>(size, raw.chunk,
                                      [&](int q, int) { return c.first + index_of(at, q * E) * c.stride; });
      unpack_raw<E, V / E>(dtype, raw, tile.value);
    } else if (c.is_run) {
      RawChunks<V, 2> raw;
      load_raw<PlainAccess, 1, V>(size, raw.chunk, [&](int k, int) {
        const std::int64_t i = index_of(at, k);
        return c.first + (i < s.end ? i : s.end - 1) * c.stride;
      });
      unpack_raw<1, V>(dtype, raw, tile.value);
    } else if (c.tensor->in_chunks && c.stride == 0) {
      MYLOS_UNROLL
      for (int q = 0; q < V / E; ++q) {
        const T value = load_element<T>(dtype, chunk_address(c, s, at, q), 0);
        MYLOS_UNROLL
        for (int k = 0; k < E; ++k) tile[q * E + k] = value;
      }
    } else if (c.tensor->in_chunks) {
      RawChunks<V / E> raw;
      load_raw<PlainAccess, E, V / E>(size, raw.chunk, [&](int q, int) { return chunk_address(c, s, at, q); });
      unpack_raw<E, V / E>(dtype, raw, tile.value);
    } else {
      MYLOS_UNROLL
      for (int k = 0; k < V; ++k) {
        const std::int64_t i = index_of(at, k);
        tile[k] = load_one(p, *c.tensor, s.row, i < s.end ? i : s.end - 1);
      }
    }
    return tile;
  }
  KOKKOS_INLINE_FUNCTION void store(const Cursor& c, const Share& s, std::int64_t at, const Tile& tile) const {
    const DType dtype = c.tensor->dtype;
    if (c.in_vectors && index_of(at, V - 1) < s.end)
      return store_chunks<PlainAccess, E, V / E>(
          dtype, tile.value, [&](int q, int) { return c.first + index_of(at, q * E) * c.stride; }, Always());
    if (c.is_run)
      return store_chunks<PlainAccess, 1, V>(
          dtype, tile.value, [&](int k, int) { return c.first + index_of(at, k) * c.stride; },
          [&](int k) { return index_of(at, k) < s.end; });
    if (c.tensor->in_chunks)
      return store_chunks<PlainAccess, E, V / E>(
          dtype, tile.value, [&](int q, int) { return chunk_address(c, s, at, q); },
          [&](int q) { return index_of(at, q * E) < s.end; });
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k)
      if (index_of(at, k) < s.end) store_one(p, *c.tensor, s.row, index_of(at, k), tile[k]);
  }
  KOKKOS_INLINE_FUNCTION void apply_chain(const LoweredChain<T>& chain, int first_operand, const Share& s,
                                          std::int64_t at, Tile& tile) const {
    if constexpr (Chained)
      apply<M>(chain, tile,
               [&](int o, Tile& values) { values = load(cursor(p.operand[first_operand + o], s), s, at); });
  }
  /// x, `before` and the mask.
  KOKKOS_INLINE_FUNCTION void load_values(const Cursor& x, const Share& s, std::int64_t at, Tile& tile) const {
    tile = load(x, s, at);
    apply_chain(p.before, 0, s, at, tile);
    if (!Chained || !p.is_causal) return;
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k)
      if (index_of(at, k) >= s.limit) tile[k] = minus_infinity<T>();
  }

  KOKKOS_INLINE_FUNCTION State statistic(const Share& s) const {
    State state = P::empty();
    if (s.row >= p.rows) return state;
    const Cursor x = cursor(p.x, s);
    // In two levels: the rounding of long sums grows with the number of terms that are added one after the other.
    const std::int64_t step = V * p.lanes;
    for (std::int64_t from = first_of(s); from < s.end; from += 64 * step) {
      const std::int64_t end = from + 64 * step < s.end ? from + 64 * step : s.end;
      State part = P::empty();
      for (std::int64_t at = from; at < end; at += step) {
        Tile values;
        load_values(x, s, at, values);
        RowTile<T, V> tile;
        tile.mask = 0;
        MYLOS_UNROLL
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
    const Cursor x = cursor(p.x, s);
    const Cursor y = cursor(p.y, s);
    const Cursor weight = cursor(p.weight, s);
    const Cursor bias = cursor(p.bias, s);
    for (std::int64_t at = first_of(s); at < s.end; at += V * p.lanes) {
      Tile values;
      load_values(x, s, at, values);
      MYLOS_UNROLL
      for (int k = 0; k < V; ++k) values[k] = P::template map<M>(values[k], c);
      if (weight.tensor->data != nullptr) {
        const Tile affine = load(weight, s, at);
        MYLOS_UNROLL
        for (int k = 0; k < V; ++k) values[k] *= affine[k];
      }
      if (bias.tensor->data != nullptr) {
        const Tile affine = load(bias, s, at);
        MYLOS_UNROLL
        for (int k = 0; k < V; ++k) values[k] += affine[k];
      }
      apply_chain(p.after, p.before_operands, s, at, values);
      store(y, s, at, values);
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

template <class T, class P, bool Chained>
struct RowTeams {
  using State = typename P::State;
  const TeamParameters<T>* parameters;
  TeamStage stage;
  State* states;
  RowConstants<T>* constants;

  template <class Member>
  KOKKOS_INLINE_FUNCTION void operator()(const Member& team) const {
    RowTeamWork<T, P, Chained>{*parameters, stage, states, constants}.run(team);
  }
};

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

template <class Exec, class T, class P, bool Chained>
void run_row_teams_of(const Exec& exec, const std::string& label, const RowProblem& problem, int threads) {
  using Teams = RowTeams<T, P, Chained>;
  using State = typename P::State;
  using Store = StoreTeamParameters<T>;
  static_assert(sizeof(Store) <= 4096);  // larger functors Kokkos copies through constant memory, and waits for it
  const TeamParameters<T> p = make_teams<T, Chained>(problem, threads);
  // In scratch memory: the parameters, a constant for each row, a state for each piece.
  const auto rounded = [](std::size_t bytes) { return (bytes + 63) / 64 * 64; };
  const std::size_t parameter_bytes = rounded(sizeof(p));
  const std::size_t constant_bytes =
      p.pieces == 1 ? 0 : rounded(sizeof(RowConstants<T>) * static_cast<std::size_t>(p.rows));
  const std::size_t state_bytes = p.pieces == 1 ? 0 : sizeof(State) * static_cast<std::size_t>(p.rows * p.pieces);
  const Scratch<Exec> scratch(exec, parameter_bytes + constant_bytes + state_bytes);
  auto* const memory = static_cast<char*>(scratch.data());
  // As kernel arguments: the constant memory that Kokkos takes for larger functors would be waited for.
  const auto light = [](auto policy) {
    return Kokkos::Experimental::require(policy, Kokkos::Experimental::WorkItemProperty::HintLightWeight);
  };
  Kokkos::parallel_for(label, light(Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, Store::words)),
                       Store{p, reinterpret_cast<std::uint32_t*>(memory)});
  const std::int64_t groups = (p.rows + p.rows_of_team() - 1) / p.rows_of_team();
  const auto launch = [&](TeamStage stage, std::int64_t teams) {
    using Policy =
        Kokkos::TeamPolicy<Exec, Kokkos::IndexType<std::int64_t>, Kokkos::LaunchBounds<team_threads, Chained ? 1 : 2>>;
    Policy policy(exec, static_cast<int>(teams), threads);
    policy.set_scratch_size(0, Kokkos::PerTeam(sizeof(State) * static_cast<std::size_t>(threads) + 64));
    Kokkos::parallel_for(label, light(policy),
                         Teams{reinterpret_cast<const TeamParameters<T>*>(memory), stage,
                               reinterpret_cast<State*>(memory + parameter_bytes + constant_bytes),
                               reinterpret_cast<RowConstants<T>*>(memory + parameter_bytes)});
  };
  if (p.pieces == 1) return launch(TeamStage::all, groups);
  launch(TeamStage::statistic, groups * p.pieces);
  launch(TeamStage::merge, groups);
  launch(TeamStage::map, groups * p.pieces);
}

/// Of the problems that are computed in T; Chained: with chains or a mask.
template <class T, bool Chained, class Exec>
void run_row_teams(const Exec& exec, const std::string& label, const RowProblem& problem, int threads = team_threads) {
  visit_policy<T, double>(problem.op, [&](auto policy) {
    run_row_teams_of<Exec, T, decltype(policy), Chained>(exec, label, problem, threads);
  });
}

}  // namespace mylos::detail
