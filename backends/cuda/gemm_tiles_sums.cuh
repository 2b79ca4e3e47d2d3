// Sums of products of small tiles (gemm_tiles.cuh): what warps make of a stage in shared memory.
#pragma once

#include <cstdint>

#include <mylos/macros.hpp>

#include "cuda/gemm_split_tf32.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

/// A tile of the result, and how its factors lie in shared memory, stage by stage. Eight warps share it, and each takes
/// a group of neighbours along K of every eight.
template <int Way>
struct TileShape {
  static constexpr GemmTilesTuning tuning = gemm_tiles_tuning(Way);
  static constexpr bool on_tensor_cores = tuning.on_tensor_cores;
  static constexpr int rows = gemm_tile_rows;
  static constexpr int columns = tuning.columns;
  static constexpr int depth = tuning.depth;
  static constexpr int stages = tuning.stages;
  static constexpr int shares = 8;  // of K
  static constexpr int threads = shares * 32;
  static constexpr int group = on_tensor_cores ? 16 : 4;
  static constexpr int pitch = depth + group;  // of a row in shared memory: lanes that read together use other banks
  static constexpr int column_blocks = columns / 32;
  static constexpr int stored_rows = rows / shares;  // of a warp
  static constexpr int row_words = rows * pitch;
  static constexpr int stage_words = row_words + columns * pitch;
  static constexpr int share_words = rows * columns;
  static constexpr int words = stages * stage_words > shares* share_words ? stages* stage_words : shares* share_words;
  static constexpr int bytes = words * static_cast<int>(sizeof(float));
};

/// Where elements of a factor's rows are in a stage.
template <class Shape, int Side>
struct TilePlace {
  static constexpr int extent = Side == 0 ? Shape::rows : Shape::columns;
  /// That have four rows each.
  static constexpr int lanes = Side == 0 && !Shape::on_tensor_cores ? 4 : 8;

  /// Rows that lie along K: in each 4 * lanes the firsts of all fours, then their seconds, so that lanes read
  /// neighbours. Bits change places: of numbers that have none in common the places add up.
  static constexpr MYLOS_HOST_DEVICE int along_depth(int row, int k) {
    constexpr int fours = 4 * lanes;
    return (row / fours * fours + row % 4 * lanes + row / 4 % lanes) * Shape::pitch + k;
  }
  /// Where neighbours along rows are neighbours.
  static constexpr MYLOS_HOST_DEVICE int along_rows(int k, int row) { return k * extent + (row ^ swizzle(k)); }
  /// Lanes that read fours along K at once meet in no bank.
  static constexpr MYLOS_HOST_DEVICE int swizzle(int k) { return Shape::on_tensor_cores ? k / 4 % 4 * 8 : 0; }

  /// Four rows, from `first` + 4 * lane on, of four along K: v[row][k].
  template <bool AlongRows>
  static __device__ __forceinline__ void load(const float* side, int first, int lane, int k, float (&v)[4][4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int at =
          AlongRows ? along_rows(k, first + lane * 4) + i * extent : along_depth(first + i, k) + lane * Shape::pitch;
      const float4 four = *reinterpret_cast<const float4*>(side + at);
      (AlongRows ? v[0][i] : v[i][0]) = four.x;
      (AlongRows ? v[1][i] : v[i][1]) = four.y;
      (AlongRows ? v[2][i] : v[i][2]) = four.z;
      (AlongRows ? v[3][i] : v[i][3]) = four.w;
    }
  }
};

__device__ __forceinline__ int tile_warp() { return static_cast<int>(threadIdx.x) / 32; }
__device__ __forceinline__ int tile_lane() { return static_cast<int>(threadIdx.x) % 32; }

/// A thread has eight rows, two blocks of four neighbours, and four neighbouring columns of each 32.
template <class Shape>
struct PlainTileSums {
  float of[2][Shape::column_blocks][4][4] = {};

  /// `depth`: of the stage's elements along K that exist.
  template <bool ARows, bool BRows>
  __device__ __forceinline__ void add(const float* stage, int depth) {
    const int lane = tile_lane();
#pragma unroll 1
    for (int k = tile_warp() * 4; k < depth; k += Shape::shares * 4) {
      float x[2][4][4];
#pragma unroll
      for (int i = 0; i < 2; ++i) TilePlace<Shape, 0>::template load<ARows>(stage, i * 16, lane / 8, k, x[i]);
#pragma unroll
      for (int j = 0; j < Shape::column_blocks; ++j) {
        float y[4][4];
        TilePlace<Shape, 1>::template load<BRows>(stage + Shape::row_words, j * 32, lane % 8, k, y);
#pragma unroll
        for (int e = 0; e < 4; ++e)
#pragma unroll
          for (int i = 0; i < 2; ++i)
#pragma unroll
            for (int r = 0; r < 4; ++r)
#pragma unroll
              for (int c = 0; c < 4; ++c) of[i][j][r][c] = fmaf(x[i][r][e], y[c][e], of[i][j][r][c]);
      }
    }
  }
  __device__ __forceinline__ void share(float* memory) const {
    const int lane = tile_lane();
    float* const to = memory + tile_warp() * Shape::share_words + lane / 8 * 4 * Shape::columns + lane % 8 * 4;
#pragma unroll
    for (int i = 0; i < 2; ++i)
#pragma unroll
      for (int j = 0; j < Shape::column_blocks; ++j)
#pragma unroll
        for (int r = 0; r < 4; ++r)
          *reinterpret_cast<float4*>(to + (i * 16 + r) * Shape::columns + j * 32) =
              make_float4(of[i][j][r][0], of[i][j][r][1], of[i][j][r][2], of[i][j][r][3]);
  }
  __device__ __forceinline__ bool fits() const { return true; }
};

/// The products of gemm_split_tf32.cuh. What the accumulators of 16 elements along K hold is added to sums in f32. A
/// thread has four neighbouring rows, and eight neighbouring columns of each 32.
template <class Shape>
struct TensorTileSums {
  float of[Shape::column_blocks][4][2][4] = {};  // [32 columns][row][four columns][column]
  SplitTf32 split;

  template <bool ARows, bool BRows>
  __device__ __forceinline__ void add(const float* stage, int depth) {
    const int k = tile_warp() * 16;
    static_assert(Shape::depth == Shape::shares * 16);
    if (k >= depth) return;
    std::uint32_t a_high[4][4];
    std::uint32_t a_low[4][4];
    load_split<0, ARows>(stage, 0, k, a_high, a_low);
#pragma unroll
    for (int j = 0; j < Shape::column_blocks; ++j) {
      std::uint32_t b_high[4][4];
      std::uint32_t b_low[4][4];
      load_split<1, BRows>(stage + Shape::row_words, j * 32, k, b_high, b_low);
#pragma unroll
      for (int c = 0; c < 4; ++c)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          float sum[4] = {};
          multiply_split(sum, a_high[2 * i], a_high[2 * i + 1], a_low[2 * i], a_low[2 * i + 1], b_high[c], b_low[c]);
#pragma unroll
          for (int r = 0; r < 2; ++r)
#pragma unroll
            for (int s = 0; s < 2; ++s) of[j][2 * i + r][s][c] += sum[2 * r + s];
        }
    }
  }
  __device__ __forceinline__ void share(float* memory) const {
    const int lane = tile_lane();
    float* const to = memory + tile_warp() * Shape::share_words + lane / 4 * 4 * Shape::columns + lane % 4 * 8;
#pragma unroll
    for (int j = 0; j < Shape::column_blocks; ++j)
#pragma unroll
      for (int r = 0; r < 4; ++r)
#pragma unroll
        for (int s = 0; s < 2; ++s)
          *reinterpret_cast<float4*>(to + r * Shape::columns + j * 32 + s * 4) =
              make_float4(of[j][r][s][0], of[j][r][s][1], of[j][r][s][2], of[j][r][s][3]);
  }
  __device__ __forceinline__ bool fits() const { return split.fits(); }

 private:
  template <int Side, bool AlongRows>
  __device__ __forceinline__ void load_split(const float* side, int first, int k, std::uint32_t (&high)[4][4],
                                             std::uint32_t (&low)[4][4]) {
    const int lane = tile_lane();
    float v[4][4];
    TilePlace<Shape, Side>::template load<AlongRows>(side, first, lane / 4, k + lane % 4 * 4, v);
#pragma unroll
    for (int r = 0; r < 4; ++r)
#pragma unroll
      for (int e = 0; e < 4; ++e) split(v[r][e], high[r][e], low[r][e]);
  }
};

}  // namespace mylos::cuda
