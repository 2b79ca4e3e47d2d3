// From a factor in memory to a stage in shared memory, for warps that split what they load (gemm_direct.cuh): where
// elements lie before and after, and their copies.
#pragma once

#include "cuda/gemm_direct.hpp"
#include "cuda/gemm_tensor_block.cuh"
#include "cuda/primitives/async.cuh"

namespace mylos::cuda {

template <bool AAlongRows, bool BAlongRows>
using DirectLayout = TensorLayout<1, tensor_tuning(1).stages, direct_tuning().producers, AAlongRows, BAlongRows>;
/// What the order of halves does not change.
using DirectStages = DirectLayout<false, false>;
static_assert(DirectStages::sides == DirectStages::producers * 32);
static_assert(DirectStages::b_low - DirectStages::b_high == DirectStages::low);
static_assert(DirectStages::slots == 2 * DirectStages::stages);

/// Where 64 elements of 32 rows lie before they are split: half of them where the high halves will be, the others where
/// the low ones will be. The order of elements along K is the same in both factors, and otherwise of no interest: 8 p +
/// e is element 4 p + e for e < 4, and 4 p + e + 28 else.
///
/// Along K: lines of 128 bytes are rows. Piece p, of 16 bytes, lies at p ^ line % 8, those elements below 32 in the
/// high line, and is split into piece p of both halves.
struct PlaceAlongDepth {
  /// Of element k < 32 of a row, piece 0; piece p is at this ^ p * 16.
  static __device__ __forceinline__ unsigned of(unsigned row, unsigned k) {
    return row * line + (row % 8 << 4) + k % 4 * 4;
  }
};

/// Along rows: lines are elements of K, and 64 rows share them: 32 of them have four pieces of each. A lane has four
/// rows, of two neighbouring elements of K in each of eight groups of lines; it reads what it has copied itself.
struct PlaceAlongRows {
  static __device__ __forceinline__ unsigned lane() { return threadIdx.x % 32U; }
  static __device__ __forceinline__ unsigned first_row() { return lane() % 8 * 4; }
  static __device__ __forceinline__ unsigned first_depth() { return lane() / 8 % 2 * 32 + lane() / 16 * 2; }
  static __device__ __forceinline__ unsigned first_line() { return lane() / 8 % 2 * 4 + lane() / 16 * 2; }
  /// From the first line of the 64 rows: these rows' piece in line `at`.
  static __device__ __forceinline__ unsigned piece(unsigned at, unsigned row) {
    return at * line + ((row / 8 ^ at % 8) << 4);
  }
  /// Of four elements of K `pair` of group 0, before they are split; other groups are so many times eight lines
  /// further. `warp_row`: of the 64. The second half of the rows lies four lines apart, in other banks.
  static __device__ __forceinline__ unsigned whole(unsigned warp_row, unsigned pair) {
    const unsigned vector = lane() % 8;
    const unsigned at = first_line() + pair;
    return vector < 4 ? piece(at, warp_row + vector * 8)
                      : DirectStages::low + piece(at ^ 4, warp_row + (vector - 4) * 8);
  }
  /// Of their high halves.
  static __device__ __forceinline__ unsigned split(unsigned warp_row, unsigned pair) {
    return piece(first_line() + pair, warp_row + first_row()) + lane() % 2 * 8;
  }
};

/// 32 rows of a factor on their way to a stage.
template <DirectLoading Loading>
struct DirectSource {
  static constexpr bool along_rows = is_along_rows(Loading);
  static constexpr bool vectors =
      Loading == DirectLoading::vectors_along_rows || Loading == DirectLoading::vectors_along_depth;
  // Along K, neighbouring lanes have neighbouring elements, in vectors or one by one; they advance by so many rows.
  static constexpr int lanes = vectors ? 16 : 32;
  static constexpr int advance = 32 / lanes;

  const GemmFactor& factor;
  const float* base = nullptr;  // an element that exists
  const float* from = nullptr;  // this lane's first
  int rows = 0;                 // that exist, of 32
  std::int64_t left = 0;        // elements along K

  static __device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x % 32U); }
  static __device__ __forceinline__ int first_depth() {
    return along_rows ? static_cast<int>(PlaceAlongRows::first_depth()) : lane() % lanes * (vectors ? 4 : 1);
  }
  static __device__ __forceinline__ int first_row() {
    return along_rows ? static_cast<int>(PlaceAlongRows::first_row()) : lane() / lanes;
  }

  __device__ __forceinline__ void begin(const GemmParameters& p, const GemmTiling::Tile& tile, std::int64_t first) {
    base = factor.data + p.batch.offset(factor.batch, tile.batch);
    const std::int64_t exist = factor.rows - first;
    rows = static_cast<int>(exist < 0 ? 0 : exist < 32 ? exist : 32);
    left = p.depth(tile.batch);
    from = base + (first + first_row()) * factor.row + first_depth() * factor.depth;
  }
  /// The next 64 elements; `high`: the line of the first row's high halves, along rows that of the first of 64 rows, of
  /// which `warp_row` is the first one here.
  __device__ __forceinline__ void copy(std::uint32_t high, unsigned warp_row) {
    if (rows == 32 && left >= halves_depth)
      copy<true>(high, warp_row);
    else
      copy<false>(high, warp_row);
    from += halves_depth * factor.depth;
    left -= halves_depth;
  }

 private:
  template <bool Whole>
  __device__ __forceinline__ void copy(std::uint32_t high, unsigned warp_row) const {
    const float* next = from;
    const int depth = static_cast<int>(left < halves_depth ? left : halves_depth) - first_depth();
    if constexpr (along_rows) {
      const std::uint32_t to[2] = {high + PlaceAlongRows::whole(warp_row, 0),
                                   high + PlaceAlongRows::whole(warp_row, 1)};
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        const int exist = i / 2 * 4 + i % 2 < depth ? rows - first_row() : 0;
        const std::uint32_t at = to[i % 2] + static_cast<unsigned>(i / 2 * 8 * line);
#pragma unroll
        for (int e = 0; e < (vectors ? 1 : 4); ++e)
          copy_one<Whole>(at + static_cast<unsigned>(e * 4), next + e * factor.row, exist - e);
        next += (i % 2 == 0 ? 1 : 3) * factor.depth;
      }
    } else {
      const unsigned piece = static_cast<unsigned>(first_depth() % 32 / 4) << 4;
      const std::uint32_t to =
          high + PlaceAlongDepth::of(static_cast<unsigned>(first_row()), static_cast<unsigned>(first_depth()));
#pragma unroll
      for (int row = 0; row < 32; row += advance, next += advance * factor.row) {
        const std::uint32_t at = (to ^ piece ^ static_cast<unsigned>(row % 8 << 4)) + static_cast<unsigned>(row * line);
        const int exist = row + first_row() < rows ? depth : 0;
        if (vectors) {
          copy_one<Whole>(at + (first_depth() < 32 ? 0U : static_cast<unsigned>(DirectStages::low)), next, exist);
        } else {
          copy_one<Whole>(at, next, exist);
          copy_one<Whole>(at + DirectStages::low, next + 32 * factor.depth, exist - 32);
        }
      }
    }
  }
  /// Of the elements that a lane copies at once, so many or more exist.
  template <bool Whole>
  __device__ __forceinline__ void copy_one(std::uint32_t to, const float* next, int exist) const {
    constexpr int most = vectors ? 4 : 1;
    const int count = Whole ? most : ::min(::max(exist, 0), most);
    copy_async<most * 4>(to, count != 0 ? next : base, count * 4);
  }
};

}  // namespace mylos::cuda
