// The rows of a scan along neighbouring elements: how they are shared by threads, and where the tiles of each lie.
#pragma once

#include "cuda/scan.hpp"
#include "cuda/scan_stages.cuh"

namespace mylos::cuda {

template <class T>
struct ScanRowsParameters {
  ScanParameters<T> p;
  void* totals;
  std::int64_t units;   // of work: rows, or pieces of them
  std::int64_t pieces;  // of a row
  int tiles_per_piece;
  int row_tiles;  // of rows that some lanes share
  int rounds;     // units of each group of threads
  ScanStage stage;
  int lanes;           // of a warp that share a row: a power of two
  int warps;           // that do: 1, or all of the block, and then 32 lanes
  bool backward;       // the step is -1
  bool vectors;        // rows of x and y are aligned alike
  bool mask_bytes;     // and the mask's step is that of x
  bool index_vectors;  // indices are stored by whole sectors
};

inline constexpr int scan_threads = scan_rows_tuning().threads;
inline constexpr int scan_stages = scan_rows_tuning().stages;

/// Chunks of 16 bytes in a thread's tile; fewer with chains, which work on values twice as wide.
template <class S, bool Chained>
inline constexpr int scan_chunks = Chained && sizeof(S) == 2 ? 2 : 4;

/// The chunks of a group's tile in shared memory, in the order of the scan, and a byte of the mask for each value.
/// Which of eight neighbours lies where depends on the eight, so that lanes meet different banks whichever way they go.
template <class S, int E, int N>
struct GroupStages {
  unsigned char* chunks;
  unsigned char* masks;

  static constexpr int bytes(bool masked) { return scan_stages * N * scan_threads * (16 + (masked ? E : 0)); }
  __device__ __forceinline__ GroupStages(unsigned char* memory, int first_thread)
      : chunks(memory + first_thread * (N * 16)),
        masks(memory + scan_stages * N * scan_threads * 16 + first_thread * (N * E)) {}
  __device__ __forceinline__ S* chunk(int stage, int c) const {
    return reinterpret_cast<S*>(chunks + stage * (N * scan_threads * 16) + (c ^ (c >> 3 & 7)) * 16);
  }
  __device__ __forceinline__ Pack<S, E>& pack(int stage, int c) const {
    return *reinterpret_cast<Pack<S, E>*>(chunk(stage, c));
  }
  __device__ __forceinline__ unsigned char* mask(int stage, int c) const {
    return masks + stage * (N * scan_threads * E) + c * E;
  }
};

/// What a kernel knows of its rows.
template <ScanMonoid M, class S, bool Chained>
struct ScanRows {
  using T = ScanValue<S>;
  using R = ScanArithmetic<M, T>;
  using State = typename R::State;
  static constexpr int E = 16 / static_cast<int>(sizeof(S));
  static constexpr int N = scan_chunks<S, Chained>;
  using Run = ScanRun<M, S, E>;
  using Stages = GroupStages<S, E, N>;

  const ScanRowsParameters<T>& k;
  int lane;
  int first_in_tile;  // position of the group's part, which is a warp's where a block walks along a row

  __device__ __forceinline__ int tile() const { return k.warps * k.lanes * N * E; }
  /// From a group's unit to its next.
  __device__ __forceinline__ std::int64_t stride() const {
    return static_cast<std::int64_t>(gridDim.x) * (k.warps > 1 ? 1 : scan_threads / k.lanes);
  }
  /// Positions before the row in its first chunk: chunks stand on vectors of y.
  __device__ __forceinline__ int skip_of(const S* y) const {
    const auto element = static_cast<int>(reinterpret_cast<std::uintptr_t>(y) / sizeof(S) % E);
    return k.backward ? E - 1 - element : element;
  }
  /// Whether all of the group's part of a tile lies in the row.
  __device__ __forceinline__ bool holds(std::int64_t first, std::int64_t length) const {
    return first >= 0 && first + k.lanes * (N * E) <= length;
  }
  /// Which of a chunk's values, in the order of the scan, the e-th in memory is.
  __device__ __forceinline__ int in_memory(int e) const { return k.backward ? E - 1 - e : e; }
  __device__ __forceinline__ std::int64_t offset(std::int64_t at) const { return k.backward ? -at : at; }
  /// The lowest address of the chunk at a position, `p` being where the scan begins.
  template <class P>
  __device__ __forceinline__ P* lowest(P* p, std::int64_t at) const {
    return k.backward ? p - at - (E - 1) : p + at;
  }
};

/// The tiles of a unit of work, which begins `begin` tiles into its row. All threads that walk together have as many.
template <class Rows>
struct ScanPlaceOf {
  std::int64_t row;
  std::int64_t length;  // 0 where there is no such unit
  int begin;
  int end;

  __device__ __forceinline__ void find(const Rows& rows, std::int64_t unit) {
    const auto& k = rows.k;
    const bool shared = k.stage != ScanStage::whole;
    const bool is = unit < k.units;
    row = is ? (shared ? unit / k.pieces : unit) : 0;
    length = is ? k.p.length : 0;
    begin = shared && is ? static_cast<int>(unit - row * k.pieces) * k.tiles_per_piece : 0;
  }
  __device__ __forceinline__ void measure(const Rows& rows, int skip) {
    const auto& k = rows.k;
    // Lanes of one warp have as many for all of their rows.
    const auto tiles = k.lanes < 32 ? k.row_tiles : static_cast<int>((skip + length + rows.tile() - 1) / rows.tile());
    end = k.stage != ScanStage::whole && begin + k.tiles_per_piece < tiles ? begin + k.tiles_per_piece : tiles;
    if (end <= begin) end = begin + 1;
  }
};

}  // namespace mylos::cuda
