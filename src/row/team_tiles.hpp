// What a thread of teams.hpp has of a row: which elements, and how they are loaded and stored.
#pragma once

#include "core/raw.hpp"
#include "row/team_parameters.hpp"

namespace mylos::detail {

/// n, read from memory at this place. Compilers move all multiples of a loop's constants out of the loop, into
/// registers that they do not have.
template <class N>
MYLOS_FUNCTION N read_again(const N& n) {
  return *static_cast<const volatile N*>(&n);
}

/// A lane's elements of a row: groups of E neighbours (near is 1), those of all lanes in turn; or the groups are taken
/// apart, and all lanes' first elements come before their second ones (near is the number of lanes).
template <int E>
struct TeamShare {
  std::int64_t row;
  std::int64_t begin;  // of the piece of the row that its lanes share; all below are counted from there
  int piece;
  int end;
  int first;  // the lane's
  int near;
  int far;
  int lane;
  int slot;            // of the thread in the team's scratch memory: a row's threads side by side
  std::int64_t limit;  // causal: values from there on are hidden

  /// Value k of a tile, counted from its first one.
  MYLOS_FUNCTION int ahead(int k) const { return k / E * far + k % E * near; }
  /// The last element of the row, likewise, or one that lies behind the tile.
  MYLOS_FUNCTION int last(int at) const { return end - 1 - at; }
  template <int V>
  MYLOS_FUNCTION bool has_all(int at) const {
    return ahead(V - 1) <= last(at);
  }
};

/// Loads and stores tiles of V values.
template <class T, int V, TeamAccess Access>
struct TeamTiles {
  static constexpr int E = team_vector<T>;
  using Share = TeamShare<E>;
  using Tile = RegisterTile<T, V>;

  const TeamParameters<T>& p;

  // What is slow is called, not inlined: it would take registers from all the rest. No call may come while a tile is
  // alive in kernels that are to be fast: the compiler then keeps the tile in memory.

  /// The offset of a linear index over dimensions [first, end), of which there is one at least.
  static KOKKOS_FUNCTION MYLOS_NOINLINE std::int64_t offset_in(const TeamParameters<T>& p, const std::int64_t* stride,
                                                               std::int64_t index, int first, int end) {
    std::int64_t offset = 0;
    auto rest = static_cast<std::uint64_t>(index);
    for (int d = end - 1; d > first; --d) {
      const std::uint64_t quotient = p.extent[d].divide(rest);
      offset += static_cast<std::int64_t>(rest - quotient * p.extent[d].divisor) * stride[d];
      rest = quotient;
    }
    return offset + static_cast<std::int64_t>(rest) * stride[first];
  }
  KOKKOS_INLINE_FUNCTION std::int64_t row_offset(const std::int64_t* stride, std::int64_t row) const {
    if (p.rows_rank <= 1) return p.rows_rank == 0 ? 0 : row * stride[0];
    return offset_in(p, stride, row, 0, p.rows_rank);
  }
  static KOKKOS_FUNCTION MYLOS_NOINLINE T load_one(const TeamParameters<T>& p, const TeamTensor& t, const char* first,
                                                   std::int64_t i) {
    return load_element<T>(t.dtype, first, offset_in(p, t.stride, i, p.rows_rank, p.rank));
  }
  static KOKKOS_FUNCTION MYLOS_NOINLINE void store_one(const TeamParameters<T>& p, const TeamTensor& t, char* first,
                                                       std::int64_t i, T value) {
    store_element(t.dtype, first, offset_in(p, t.stride, i, p.rows_rank, p.rank), value);
  }

  /// A tensor's part of a thread's row. What else is known of the tensor is read again for each tile: there are not
  /// registers enough to keep it.
  struct Cursor {
    const TeamTensor* tensor;
    char* first;  // element of the row; null: there is no tensor
  };
  KOKKOS_INLINE_FUNCTION Cursor cursor(const TeamTensor& t, const Share& s) const {
    if (t.data == nullptr) return {&t, nullptr};
    std::int64_t offset = row_offset(t.stride, s.row) * t.size;
    if constexpr (Access != TeamAccess::parts) offset += s.begin * t.step;
    return {&t, static_cast<char*>(t.data) + offset};
  }

  /// Where the tile lies that starts at `at`, if its elements are a run: of the tensor's row, or of the axis' fastest
  /// dimension.
  KOKKOS_INLINE_FUNCTION char* place(const Cursor& c, const Share& s, int at) const {
    const std::int64_t step = c.tensor->step;
    if constexpr (Access != TeamAccess::parts) return c.first + at * step;
    const std::int64_t i = s.begin + at;
    if (!is_floating(c.tensor->dtype)) return nullptr;
    if (c.tensor->is_run) return c.first + i * step;
    if (p.rank == p.rows_rank) return nullptr;
    const Divider& extent = p.extent[p.rank - 1];
    const auto run = static_cast<std::int64_t>(extent.divide(static_cast<std::uint64_t>(i)));
    const std::int64_t in_run = i - run * static_cast<std::int64_t>(extent.divisor);
    const int last = s.last(at) < s.ahead(V - 1) ? s.last(at) : s.ahead(V - 1);
    if (in_run + last >= static_cast<std::int64_t>(extent.divisor)) return nullptr;
    return c.first + in_run * step + offset_in(p, c.tensor->stride, run, p.rows_rank, p.rank - 1) * c.tensor->size;
  }
  /// Whether the elements at `from` are whole vectors.
  KOKKOS_INLINE_FUNCTION bool in_vectors(const Cursor& c, const Share& s, const char* from) const {
    if constexpr (Access == TeamAccess::vectors) return true;
    if constexpr (Access == TeamAccess::elements) return false;
    const int size = c.tensor->size;
    return s.near == 1 && s.end % E == 0 && c.tensor->step == size && size * E <= 16 &&
           reinterpret_cast<std::uintptr_t>(from) % static_cast<unsigned>(E * size) == 0;
  }

  /// Of chunk q of a tile where the tensor has its elements in chunks; behind the row's end its last one.
  KOKKOS_INLINE_FUNCTION char* chunk_address(const Cursor& c, const Share& s, int at, int q) const {
    const int i = at + s.ahead(q * E);
    return c.first +
           offset_in(p, c.tensor->stride, s.begin + (i < s.end ? i : s.end - E), p.rows_rank, p.rank) * c.tensor->size;
  }

  /// Calls take(k, value) with the values of a tile that has one of the row at least; what is outside of the row is any
  /// value.
  template <class Take>
  KOKKOS_INLINE_FUNCTION void load(const Cursor& c, const Share& s, int at, const Take& take) const {
    const char* const from = place(c, s, at);
    if (Access == TeamAccess::parts && from == nullptr) return load_parts(c, s, at, take);
    switch (c.tensor->dtype) {
      case DType::f64:
        return load_run<double>(c, s, at, from, take);
      case DType::f32:
        return load_run<float>(c, s, at, from, take);
      case DType::f16:
        return load_run<half>(c, s, at, from, take);
      case DType::bf16:
        return load_run<bfloat16>(c, s, at, from, take);
      default:
        return;
    }
  }
  KOKKOS_INLINE_FUNCTION void store(const Cursor& c, const Share& s, int at, const Tile& tile) const {
    char* const from = place(c, s, at);
    if (Access == TeamAccess::parts && from == nullptr) return store_parts(c, s, at, tile);
    const int last = s.last(at);
    if (in_vectors(c, s, from)) {
      store_chunks<PlainAccess, E, V / E>(
          c.tensor->dtype, tile.value,
          [&](int q, auto bytes) { return from + s.ahead(q * E) * (decltype(bytes)::value / E); },
          [&](int q) { return s.ahead(q * E) <= last; });
    } else if constexpr (Access != TeamAccess::vectors) {
      const std::int64_t step = read_again(c.tensor->step);
      store_chunks<PlainAccess, 1, V>(
          c.tensor->dtype, tile.value, [&](int k, int) { return from + s.ahead(k) * step; },
          [&](int k) { return s.ahead(k) <= last; });
    }
  }

 private:
  template <class S, class Take>
  KOKKOS_INLINE_FUNCTION void load_run(const Cursor& c, const Share& s, int at, const char* from,
                                       const Take& take) const {
    const int last = s.last(at);
    if (in_vectors(c, s, from)) {
      if constexpr (sizeof(S) * E <= 16) {
        Pack<S, E> chunk[V / E];
        MYLOS_UNROLL
        for (int q = 0; q < V / E; ++q) {
          const int ahead = s.ahead(q * E);
          chunk[q] = PlainAccess::load(reinterpret_cast<const Pack<S, E>*>(from) + (ahead <= last ? ahead : 0) / E);
        }
        MYLOS_UNROLL
        for (int q = 0; q < V / E; ++q) {
          T v[E];
          unpack(chunk[q], v);
          MYLOS_UNROLL
          for (int k = 0; k < E; ++k) take(q * E + k, v[k]);
        }
      }
    } else if constexpr (Access != TeamAccess::vectors) {
      const std::int64_t step = read_again(c.tensor->step);
      constexpr int N = V < 8 ? V : 8;  // that are on their way at once
      MYLOS_UNROLL
      for (int k0 = 0; k0 < V; k0 += N) {
        S stored[N];
        MYLOS_UNROLL
        for (int k = 0; k < N; ++k) {
          const int ahead = s.ahead(k0 + k);
          stored[k] = *reinterpret_cast<const S*>(from + (ahead <= last ? ahead : 0) * step);
        }
        MYLOS_UNROLL
        for (int k = 0; k < N; ++k) take(k0 + k, widen<T>(stored[k]));
      }
    }
  }
  /// Of several runs.
  template <class Take>
  KOKKOS_INLINE_FUNCTION void load_parts(const Cursor& c, const Share& s, int at, const Take& take) const {
    if (c.tensor->in_chunks && s.near == 1) {
      MYLOS_UNROLL
      for (int q = 0; q < V / E; ++q) {
        T v[E] = {};
        const char* const from = chunk_address(c, s, at, q);
        if (c.tensor->step == 0) {
          const T value = load_element<T>(c.tensor->dtype, from, 0);
          MYLOS_UNROLL
          for (int k = 0; k < E; ++k) v[k] = value;
        } else {
          load_vector<PlainAccess, E>(c.tensor->dtype, from, 0, v);
        }
        MYLOS_UNROLL
        for (int k = 0; k < E; ++k) take(q * E + k, v[k]);
      }
    } else {
      MYLOS_UNROLL
      for (int k = 0; k < V; ++k) {
        const int i = at + s.ahead(k);
        take(k, load_one(p, *c.tensor, c.first, s.begin + (i < s.end ? i : s.end - 1)));
      }
    }
  }
  KOKKOS_INLINE_FUNCTION void store_parts(const Cursor& c, const Share& s, int at, const Tile& tile) const {
    if (c.tensor->in_chunks && s.near == 1)
      return store_chunks<PlainAccess, E, V / E>(
          c.tensor->dtype, tile.value, [&](int q, int) { return chunk_address(c, s, at, q); },
          [&](int q) { return at + s.ahead(q * E) < s.end; });
    MYLOS_UNROLL
    for (int k = 0; k < V; ++k)
      if (at + s.ahead(k) < s.end) store_one(p, *c.tensor, c.first, s.begin + at + s.ahead(k), tile[k]);
  }
};

}  // namespace mylos::detail
