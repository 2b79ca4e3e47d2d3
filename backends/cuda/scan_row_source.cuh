// Tiles of rows on their way to shared memory.
#pragma once

#include "cuda/scan_row_place.cuh"

namespace mylos::cuda {

/// Sends the tiles of unit after unit on their way.
template <class Rows, class S>
struct ScanSource {
  static constexpr int E = Rows::E;
  static constexpr int N = Rows::N;
  using Stages = typename Rows::Stages;
  const Rows& rows;
  ScanPlaceOf<Rows> place;
  const S* x;
  const std::uint8_t* mask;
  bool mask_bytes;
  std::int64_t first;  // position of the group's next tile
  std::int64_t unit;
  int left;  // units

  __device__ __forceinline__ void open() {
    const auto& k = rows.k;
    place.find(rows, unit);
    x = static_cast<const S*>(k.p.x.data) + k.p.row_offset(k.p.x, place.row);
    const int skip = rows.skip_of(static_cast<const S*>(k.p.y.data) + k.p.row_offset(k.p.y, place.row));
    place.measure(rows, skip);
    first = static_cast<std::int64_t>(place.begin) * rows.tile() - skip + rows.first_in_tile;
    if (k.p.mask.data == nullptr) return;
    mask = static_cast<const std::uint8_t*>(k.p.mask.data) + k.p.row_offset(k.p.mask, place.row);
    const auto byte = static_cast<int>(reinterpret_cast<std::uintptr_t>(mask) % E);
    mask_bytes = k.mask_bytes && (k.backward ? E - 1 - byte : byte) == skip;
  }

  __device__ __forceinline__ void next(const Stages& stages, int stage) {
    if (left > 0) {
      load(stages, stage);
      first += rows.tile();
      if (++place.begin == place.end) {
        unit += rows.stride();
        if (--left > 0) open();
      }
    }
    end_copies();
  }

 private:
  __device__ __forceinline__ void load(const Stages& stages, int stage) const {
    const int lanes = rows.k.lanes;
    const bool inside = rows.holds(first, place.length);
    if (inside && rows.k.vectors) {
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const int c = i * lanes + rows.lane;
        copy_async<16>(stages.chunk(stage, c), rows.lowest(x, first + c * E));
      }
    } else if (rows.k.vectors) {
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const int c = i * lanes + rows.lane;
        const std::int64_t at = first + c * E;
        if (at >= 0 && at + E <= place.length)
          copy_async<16>(stages.chunk(stage, c), rows.lowest(x, at));
        else
          load_part(stages.chunk(stage, c), at);
      }
    } else {
#pragma unroll 1
      for (int i = 0; i < N; ++i) load_elements(stages, stage, i * lanes);
    }
    if (rows.k.p.mask.data == nullptr) return;
    if (inside && mask_bytes) {
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const int c = i * lanes + rows.lane;
        load_mask_bytes(rows.lowest(mask, first + c * E), stages.mask(stage, c));
      }
    } else {
#pragma unroll 1
      for (int i = 0; i < N; ++i) load_mask_elements(stages, stage, i * lanes);
    }
  }
  /// A chunk of which some values, or all, lie outside of the row.
  __device__ __forceinline__ void load_part(S* slot, std::int64_t at) const {
    const S neutral = neutral_of<typename Rows::R, S>(rows.k.p);
    Pack<S, E> chunk;
#pragma unroll
    for (int e = 0; e < E; ++e) chunk.value[e] = neutral;
    if (at + E > 0 && at < place.length) {
#pragma unroll
      for (int e = 0; e < E; ++e) {
        const std::int64_t position = at + rows.in_memory(e);
        if (position >= 0 && position < place.length) chunk.value[e] = x[rows.offset(position)];
      }
    }
    *reinterpret_cast<Pack<S, E>*>(slot) = chunk;
  }
  /// As many chunks as there are lanes, neighbouring elements by neighbouring lanes.
  __device__ __forceinline__ void load_elements(const Stages& stages, int stage, int chunk) const {
    const S neutral = neutral_of<typename Rows::R, S>(rows.k.p);
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const int element = e * rows.k.lanes + rows.lane;
      const int c = chunk + element / E;
      const std::int64_t at = first + c * E + rows.in_memory(element % E);
      S* const slot = stages.chunk(stage, c) + element % E;
      const bool is = at >= 0 && at < place.length;
      if constexpr (sizeof(S) >= 4) {
        if (is)
          copy_async<static_cast<int>(sizeof(S))>(slot, x + rows.offset(at));
        else
          *slot = neutral;
      } else {
        *slot = is ? x[rows.offset(at)] : neutral;
      }
    }
  }
  static __device__ __forceinline__ void load_mask_bytes(const std::uint8_t* from, unsigned char* to) {
    if constexpr (E == 2)
      *reinterpret_cast<std::uint16_t*>(to) = *reinterpret_cast<const std::uint16_t*>(from);
    else
      copy_async<E>(to, from);
  }
  __device__ __forceinline__ void load_mask_elements(const Stages& stages, int stage, int chunk) const {
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const int element = e * rows.k.lanes + rows.lane;
      const int c = chunk + element / E;
      const std::int64_t at = first + c * E + rows.in_memory(element % E);
      stages.mask(stage, c)[element % E] = at >= 0 && at < place.length ? mask[at * rows.k.p.mask.step] : 0;
    }
  }
};

}  // namespace mylos::cuda
