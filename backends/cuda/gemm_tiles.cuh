// Small f32 products in one launch, chain included: a block for each tile of the result. Its warps share the sums, each
// taking every eighth group along K, and their parts are added in order: even short sums keep all warps busy.
//
// Products are plain f32 ones in groups of four, or, in groups of sixteen, those of the tensor cores:
// gemm_tiles_sums.cuh.
#pragma once

#include <type_traits>

#include "cuda/gemm_epilogue.cuh"
#include "cuda/gemm_tiles_sums.cuh"
#include "cuda/primitives/async.cuh"
#include "cuda/primitives/launch.cuh"

namespace mylos::cuda {

/// How neighbouring threads load a factor: vectors of 16 bytes or single elements, along K or along rows.
struct TileLoading {
  bool along_rows;
  bool vectors;
};

struct TilesParameters {
  TileLoading loading[2];
  detail::Divider row_tiles;
  detail::Divider column_tiles;
  GemmParameters gemm;
};

/// A thread's elements of one factor's rows of a tile, on their way to shared memory stage by stage: evenly apart, as
/// they lie in memory along K or along rows. Zeros stand for those that do not exist.
template <class Shape, int Side, bool AlongRows>
class TileSource {
  using Place = TilePlace<Shape, Side>;
  static constexpr int inner_extent = AlongRows ? Place::extent : Shape::depth;
  static constexpr int outer_extent = AlongRows ? Shape::depth : Place::extent;

 public:
  __device__ __forceinline__ TileSource(const TilesParameters& p, std::int64_t batch, std::int64_t first)
      : vectors_(p.loading[Side].vectors) {
    const GemmFactor& factor = p.gemm.factor[Side];
    const int t = static_cast<int>(threadIdx.x);
    const int width = vectors_ ? 4 : 1;
    inner_ = t % (inner_extent / width) * width;
    outer_ = t / (inner_extent / width);
    begin_ = factor.data + first * factor.row;
    if (batch != 0) begin_ += p.gemm.batch.offset(factor.batch, batch);
    const std::int64_t outer_stride = AlongRows ? factor.depth : factor.row;
    from_ = begin_ + outer_ * outer_stride + inner_ * (AlongRows ? factor.row : factor.depth);
    step_ = outer_stride * (Shape::threads * width / inner_extent);
    next_stage_ = Shape::depth * factor.depth;
    const std::int64_t left = factor.rows - first;
    rows_ = static_cast<int>(left < Place::extent ? left : Place::extent);
  }

  /// The next stage, which has `left` elements of K: at least one.
  __device__ __forceinline__ void load(float* to, std::int64_t left) {
    const int count = static_cast<int>(left < Shape::depth ? left : Shape::depth);
    const int inner_left = (AlongRows ? rows_ : count) - inner_;
    const int outer_left = (AlongRows ? count : rows_) - outer_;
    const std::uint32_t stage = shared_address(to);
    if (vectors_)
      load_as<4>(stage, inner_left, outer_left);
    else
      load_as<1>(stage, inner_left, outer_left);
    from_ += next_stage_;
  }

 private:
  template <int Width>
  __device__ __forceinline__ void load_as(std::uint32_t stage, int inner_left, int outer_left) const {
    constexpr int step = Shape::threads * Width / inner_extent;
    static_assert(Shape::threads * Width % inner_extent == 0 && outer_extent % step == 0);
    const int valid = inner_left <= 0 ? 0 : inner_left < Width ? inner_left * 4 : Width * 4;
    const float* from = from_;
#pragma unroll
    for (int i = 0; i < outer_extent / step; ++i, from += step_) {
      // What a step adds has no bits in common with what comes before it.
      const int at = AlongRows ? Place::along_rows(outer_, inner_ ^ Place::swizzle(i * step)) + i * step * Place::extent
                               : Place::along_depth(outer_, inner_) + Place::along_depth(i * step, 0);
      const bool exists = valid != 0 && i * step < outer_left;
      copy_async<Width * 4>(stage + static_cast<std::uint32_t>(at * 4), exists ? from : begin_, exists ? valid : 0);
    }
  }

  const float* begin_;
  const float* from_;
  std::int64_t step_;
  std::int64_t next_stage_;
  int inner_;
  int outer_;
  int rows_;  // that exist
  bool vectors_;
};

struct TilePosition {
  std::int64_t batch;
  std::int64_t row;
  std::int64_t column;
};

/// Takes all of K through shared memory and adds it up; leaves the warps' shares there.
template <class Sums, class Shape, bool ARows, bool BRows>
__device__ __forceinline__ bool sum_stages(const TilesParameters& p, const TilePosition& tile, float* memory) {
  TileSource<Shape, 0, ARows> a(p, tile.batch, tile.row);
  TileSource<Shape, 1, BRows> b(p, tile.batch, tile.column);
  Sums sums;
  const std::int64_t end = p.gemm.k;
  constexpr int ahead = (Shape::stages - 1) * Shape::depth;
  int to = 0;
#pragma unroll 1
  for (std::int64_t k = -ahead; k < end; k += Shape::depth) {
    if (k >= 0) {
      wait_for_copies<Shape::stages - 2>();
      __syncthreads();  // the stage is there for all, and all have read the one that is loaded next
    }
    if (k + ahead < end) {
      float* const stage = memory + to * Shape::stage_words;
      a.load(stage, end - k - ahead);
      b.load(stage + Shape::row_words, end - k - ahead);
    }
    end_copies();
    to = to + 1 == Shape::stages ? 0 : to + 1;
    if (k >= 0)
      sums.template add<ARows, BRows>(memory + to * Shape::stage_words,
                                      end - k < Shape::depth ? static_cast<int>(end - k) : Shape::depth);
  }
  __syncthreads();
  sums.share(memory);
  return sums.fits();
}
/// Out of the way of the instructions that are needed otherwise.
template <class Shape, bool ARows, bool BRows>
__device__ __noinline__ void sum_plainly(const TilesParameters& p, const TilePosition& tile, float* memory) {
  sum_stages<PlainTileSums<Shape>, Shape, ARows, BRows>(p, tile, memory);
}

/// What a thread has of the tile when the shares are put together: neighbouring rows of a column in each 32.
template <class Shape>
struct TileResult {
  detail::RegisterTile<float, Shape::stored_rows> block[Shape::column_blocks];

  /// The warps' shares are in shared memory.
  __device__ __forceinline__ void collect(const float* memory) {
#pragma unroll
    for (int j = 0; j < Shape::column_blocks; ++j)
#pragma unroll
      for (int i = 0; i < Shape::stored_rows; ++i) {
        const float* const from = memory + (first_row() + i) * Shape::columns + j * 32 + tile_lane();
        float sum = from[0];
#pragma unroll
        for (int w = 1; w < Shape::shares; ++w) sum += from[w * Shape::share_words];
        block[j][i] = sum;
      }
  }
  __device__ __forceinline__ bool is_finite() const {
    bool all = true;
#pragma unroll
    for (int j = 0; j < Shape::column_blocks; ++j)
#pragma unroll
      for (int i = 0; i < Shape::stored_rows; ++i) all = all && isfinite(block[j][i]);
    return all;
  }
  template <bool Chained>
  __device__ __forceinline__ void store(const TilesParameters& p, const TilePosition& tile) {
#pragma unroll
    for (int j = 0; j < Shape::column_blocks; ++j)
      store_sums<Chained>(p.gemm, tile.batch, tile.row + first_row(), tile.column + j * 32 + tile_lane(),
                          (1U << Shape::stored_rows) - 1U, block[j]);
  }
  static __device__ __forceinline__ int first_row() { return static_cast<int>(threadIdx.x) / 32 * Shape::stored_rows; }
};

template <class Shape, bool ARows, bool BRows, bool Chained>
__global__ void __launch_bounds__(Shape::threads, Shape::tuning.blocks)
    tiles_kernel(const __grid_constant__ TilesParameters p) {
  extern __shared__ __align__(16) float tiles_memory[];
  const std::uint32_t row_index = p.column_tiles.divide32(blockIdx.x);
  const std::uint32_t batch = p.row_tiles.divide32(row_index);
  const std::uint32_t column = blockIdx.x - row_index * static_cast<std::uint32_t>(p.column_tiles.divisor);
  const std::uint32_t row = row_index - batch * static_cast<std::uint32_t>(p.row_tiles.divisor);
  const TilePosition tile{batch, static_cast<std::int64_t>(row) * Shape::rows,
                          static_cast<std::int64_t>(column) * Shape::columns};
  using Sums = std::conditional_t<Shape::on_tensor_cores, TensorTileSums<Shape>, PlainTileSums<Shape>>;
  const bool fits = sum_stages<Sums, Shape, ARows, BRows>(p, tile, tiles_memory);
  __syncthreads();
  TileResult<Shape> result;
  result.collect(tiles_memory);
  if constexpr (Shape::on_tensor_cores) {
    if (__syncthreads_or(static_cast<int>(!fits || !result.is_finite())) != 0) {
      sum_plainly<Shape, ARows, BRows>(p, tile, tiles_memory);
      __syncthreads();
      result.collect(tiles_memory);
    }
  }
  result.template store<Chained>(p, tile);
}

template <class Shape>
void launch_tiles(TilesParameters& p, void* stream) {
  const auto tiles = [](std::int64_t extent, std::int64_t side) { return (extent + side - 1) / side; };
  const std::int64_t row_tiles = tiles(p.gemm.factor[0].rows, Shape::rows);
  const std::int64_t column_tiles = tiles(p.gemm.factor[1].rows, Shape::columns);
  p.row_tiles = detail::Divider(row_tiles);
  p.column_tiles = detail::Divider(column_tiles);
  const auto launch_as = [&](auto a_rows, auto b_rows, auto chained) {
    launch(tiles_kernel<Shape, decltype(a_rows)::value, decltype(b_rows)::value, decltype(chained)::value>,
           row_tiles * column_tiles * p.gemm.batches, Shape::threads, stream, p, Shape::bytes);
  };
  const auto with = [](bool choice, const auto& then) { choice ? then(std::true_type{}) : then(std::false_type{}); };
  with(p.loading[0].along_rows, [&](auto a_rows) {
    with(p.loading[1].along_rows,
         [&](auto b_rows) { with(p.gemm.after.size != 0, [&](auto chained) { launch_as(a_rows, b_rows, chained); }); });
  });
}

}  // namespace mylos::cuda
