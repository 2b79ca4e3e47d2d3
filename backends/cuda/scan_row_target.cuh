// Where the results of rows go.
#pragma once

#include "cuda/scan_row_place.cuh"

namespace mylos::cuda {

/// Where the results of a unit go.
template <class Rows, class S>
struct ScanTarget {
  using T = typename Rows::T;
  static constexpr int E = Rows::E;
  static constexpr int N = Rows::N;
  const Rows& rows;
  ScanPlaceOf<Rows> place;
  S* y;
  std::int64_t* indices;  // of arg_maximum
  std::int64_t first;     // position of the group's tile

  __device__ __forceinline__ void open(std::int64_t unit) {
    const auto& k = rows.k;
    place.find(rows, unit);
    y = static_cast<S*>(k.p.y.data) + k.p.row_offset(k.p.y, place.row);
    if (k.p.indices.data != nullptr)
      indices = static_cast<std::int64_t*>(k.p.indices.data) + k.p.row_offset(k.p.indices, place.row);
    const int skip = rows.skip_of(y);
    place.measure(rows, skip);
    first = static_cast<std::int64_t>(place.begin) * rows.tile() - skip + rows.first_in_tile;
  }
  /// Results of a lane's chunk, to where others find them.
  __device__ __forceinline__ void put(const T (&out)[E], Pack<S, E>& to) const {
    if (!rows.k.backward) {
      to = detail::pack_up<S, E>(out);
    } else {
      T turned[E];
#pragma unroll
      for (int e = 0; e < E; ++e) turned[e] = out[E - 1 - e];
      to = detail::pack_up<S, E>(turned);
    }
  }
  __device__ __forceinline__ void store(const typename Rows::Stages& stages, int stage) const {
    const int lanes = rows.k.lanes;
    if (rows.holds(first, place.length)) {
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const int c = i * lanes + rows.lane;
        GlobalAccess::store(reinterpret_cast<Pack<S, E>*>(rows.lowest(y, first + c * E)), stages.pack(stage, c));
      }
      return;
    }
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const int c = i * lanes + rows.lane;
      const std::int64_t at = first + c * E;
      if (at >= 0 && at + E <= place.length)
        GlobalAccess::store(reinterpret_cast<Pack<S, E>*>(rows.lowest(y, at)), stages.pack(stage, c));
      else if (at + E > 0 && at < place.length)
        store_part(y, at, place.length, rows.k.backward, &stages.pack(stage, c));
    }
  }
  /// Indices of this lane's chunk at a position. All lanes of the warp call this together.
  __device__ __forceinline__ void store_indices(std::int64_t at, std::int64_t (&index)[E]) const {
#pragma unroll
    for (int e = 0; e < E; ++e) index[e] = rows.k.p.index_of(index[e]);
    if constexpr (E % 4 == 0)
      if (rows.k.index_vectors) return store_index_vectors(at, index);
    store_each_index(at, index);
  }

 private:
  /// A chunk at one of the row's ends; apart, and with nothing of this object, which stays in registers.
  static __device__ __noinline__ void store_part(S* y, std::int64_t at, std::int64_t length, bool backward,
                                                 const Pack<S, E>* chunk) {
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const std::int64_t position = at + (backward ? E - 1 - e : e);
      if (position >= 0 && position < length) y[backward ? -position : position] = chunk->value[e];
    }
  }
  __device__ __forceinline__ void store_each_index(std::int64_t at, const std::int64_t (&index)[E]) const {
#pragma unroll
    for (int e = 0; e < E; ++e)
      if (at + e >= 0 && at + e < place.length) indices[(at + e) * rows.k.p.indices.step] = index[e];
  }
  /// Neighbouring lanes exchange halves of each four indices, so that together they store 32 bytes of one chunk, then
  /// of the other: what a store leaves of such a sector open, the memory would have to put together.
  __device__ __forceinline__ void store_index_vectors(std::int64_t at, const std::int64_t (&index)[E]) const {
    const bool odd = (rows.lane & 1) != 0;
    const bool inside = rows.holds(first, place.length);
    const std::int64_t even_chunk = at - (odd ? N * E : 0);
#pragma unroll
    for (int e = 0; e < E; e += 4) {
      const std::int64_t given[2] = {odd ? index[e] : index[e + 2], odd ? index[e + 1] : index[e + 3]};
      const std::int64_t kept[2] = {odd ? index[e + 2] : index[e], odd ? index[e + 3] : index[e + 1]};
      const std::int64_t taken[2] = {__shfl_xor_sync(0xffffffffu, given[0], 1),
                                     __shfl_xor_sync(0xffffffffu, given[1], 1)};
      if (!inside) continue;
      const std::int64_t place_in_chunk = e + (odd ? 2 : 0);
      store_pair(even_chunk + place_in_chunk, odd ? taken[0] : kept[0], odd ? taken[1] : kept[1]);
      store_pair(even_chunk + N * E + place_in_chunk, odd ? kept[0] : taken[0], odd ? kept[1] : taken[1]);
    }
    if (!inside) store_each_index(at, index);
  }
  __device__ __forceinline__ void store_pair(std::int64_t at, std::int64_t earlier, std::int64_t later) const {
    auto* const to = reinterpret_cast<longlong2*>(rows.k.backward ? indices - at - 1 : indices + at);
    *to = rows.k.backward ? make_longlong2(later, earlier) : make_longlong2(earlier, later);
  }
};

}  // namespace mylos::cuda
