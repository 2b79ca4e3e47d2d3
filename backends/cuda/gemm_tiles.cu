// Small f32 products in one launch, chain included: a block for each tile of 32 x 32 of the result. Its warps share the
// sums, each taking every eighth group of four along K, and their parts are added in order: even the shortest sums keep
// all warps busy, and what a result's bits depend on is k alone.
#include "cuda/gemm.hpp"
#include "cuda/gemm_epilogue.cuh"
#include "cuda/primitives/async.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {
namespace {

constexpr GemmTilesTuning tuning = gemm_tiles_tuning();
constexpr int side = 32;                 // rows and columns of a tile
constexpr int group = 4;                 // elements along K that are loaded at once
constexpr int pitch = tuning.depth + 4;  // of a row in shared memory: eight neighbouring rows are in other banks
constexpr int warps = tuning.threads / 32;
constexpr int groups = tuning.depth / group;
constexpr int own_rows = 8;  // a thread has 8 rows, 4 apart, of 4 columns, 8 apart
constexpr int own_columns = 4;
constexpr int stored_rows = side / warps;
static_assert(own_rows * own_columns * 32 == side * side && tuning.threads % groups == 0);

struct Stage {
  float row[2][side][pitch];  // of each factor
};
struct Sums {
  float of_warp[warps][side * side];
};
static_assert(sizeof(Sums) <= tuning.stages * sizeof(Stage));

/// How the threads load a factor: neighbouring ones along K in vectors, or single elements along K or along rows.
enum class TileLoading { vectors, along_depth, along_rows };

struct TilesParameters {
  TileLoading loading[2];
  detail::Divider row_tiles;
  detail::Divider column_tiles;
  GemmParameters gemm;
};

/// A thread's elements of one factor's rows of a tile, on their way to shared memory stage by stage: evenly apart, in
/// memory as in a stage. Zeros stand for those that do not exist.
class TileSource {
 public:
  __device__ __forceinline__ TileSource(const TilesParameters& p, int index, std::int64_t batch, std::int64_t first)
      : vectors_(p.loading[index] == TileLoading::vectors) {
    const GemmFactor& factor = p.gemm.factor[index];
    const int t = static_cast<int>(threadIdx.x);
    const bool along_rows = p.loading[index] == TileLoading::along_rows;
    row_ = vectors_ ? t / groups : along_rows ? t % side : t / tuning.depth;
    row_step_ = vectors_ ? tuning.threads / groups : along_rows ? 0 : tuning.threads / tuning.depth;
    at_ = vectors_ ? t % groups * group : along_rows ? t / side : t % tuning.depth;
    at_step_ = along_rows ? tuning.threads / side : 0;
    begin_ = factor.data + first * factor.row;
    if (batch != 0) begin_ += p.gemm.batch.offset(factor.batch, batch);
    from_ = begin_ + row_ * factor.row + at_ * factor.depth;
    step_ = row_step_ * factor.row + at_step_ * factor.depth;
    next_stage_ = tuning.depth * factor.depth;
    const std::int64_t left = factor.rows - first;
    rows_ = static_cast<int>(left < side ? left : side);
  }

  /// The next stage, which has `left` elements of K: at least one.
  __device__ __forceinline__ void load(float (&to)[side][pitch], std::int64_t left) {
    const int count = static_cast<int>(left < tuning.depth ? left : tuning.depth);
    std::uint32_t place = shared_address(&to[row_][at_]);
    const auto place_step = static_cast<std::uint32_t>((row_step_ * pitch + at_step_) * 4);
    const float* from = from_;
    if (vectors_) {
      const int valid = at_ + group <= count ? 16 : at_ < count ? (count - at_) * 4 : 0;
#pragma unroll
      for (int i = 0; i < side * groups / tuning.threads; ++i, from += step_, place += place_step) {
        const bool exists = valid != 0 && row_ + i * row_step_ < rows_;
        copy_async<16>(place, exists ? from : begin_, exists ? valid : 0);
      }
    } else {
#pragma unroll
      for (int i = 0; i < side * tuning.depth / tuning.threads; ++i, from += step_, place += place_step) {
        const bool exists = at_ + i * at_step_ < count && row_ + i * row_step_ < rows_;
        copy_async<4>(place, exists ? from : begin_, exists ? 4 : 0);
      }
    }
    from_ += next_stage_;
  }

 private:
  const float* begin_;
  const float* from_;
  std::int64_t step_;
  std::int64_t next_stage_;
  int row_;
  int row_step_;
  int at_;  // along K
  int at_step_;
  int rows_;  // that exist
  bool vectors_;
};

/// Adds what a stage's groups of this warp give; `count` groups have elements.
__device__ __forceinline__ void add_stage(const Stage& stage, int count, float (&sum)[own_rows][own_columns]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll 1
  for (int g = static_cast<int>(threadIdx.x) / 32; g < count; g += warps) {
    float4 x[own_rows];
#pragma unroll
    for (int i = 0; i < own_rows; ++i)
      x[i] = *reinterpret_cast<const float4*>(&stage.row[0][lane / 8 + i * 4][g * group]);
#pragma unroll
    for (int j = 0; j < own_columns; ++j) {
      const float4 y = *reinterpret_cast<const float4*>(&stage.row[1][lane % 8 + j * 8][g * group]);
#pragma unroll
      for (int i = 0; i < own_rows; ++i) {
        sum[i][j] = fmaf(x[i].x, y.x, sum[i][j]);
        sum[i][j] = fmaf(x[i].y, y.y, sum[i][j]);
        sum[i][j] = fmaf(x[i].z, y.z, sum[i][j]);
        sum[i][j] = fmaf(x[i].w, y.w, sum[i][j]);
      }
    }
  }
}

/// Columns exchange places by rows, so that the lanes of a warp that write, or read, meet in no bank.
__device__ __forceinline__ int place_of(int row, int column) { return row * side + (column ^ row % 4 * 8); }

template <bool Chained>
__global__ void __launch_bounds__(tuning.threads, tuning.blocks)
    tiles_kernel(const __grid_constant__ TilesParameters p) {
  extern __shared__ __align__(16) unsigned char memory[];
  auto* const stage = reinterpret_cast<Stage*>(memory);
  const std::uint32_t row_index = p.column_tiles.divide32(blockIdx.x);
  const std::uint32_t batch = p.row_tiles.divide32(row_index);
  const std::int64_t first_column =
      static_cast<std::int64_t>(blockIdx.x - row_index * static_cast<std::uint32_t>(p.column_tiles.divisor)) * side;
  const std::int64_t first_row =
      static_cast<std::int64_t>(row_index - batch * static_cast<std::uint32_t>(p.row_tiles.divisor)) * side;
  TileSource a(p, 0, batch, first_row);
  TileSource b(p, 1, batch, first_column);
  const std::int64_t end = p.gemm.k;
  const auto load = [&](int place, std::int64_t k) {
    if (k < end) {
      a.load(stage[place].row[0], end - k);
      b.load(stage[place].row[1], end - k);
    }
    end_copies();
  };
#pragma unroll
  for (int s = 0; s < tuning.stages - 1; ++s) load(s, s * tuning.depth);
  float sum[own_rows][own_columns] = {};
  int place = 0;
#pragma unroll 1
  for (std::int64_t k = 0; k < end; k += tuning.depth) {
    wait_for_copies<tuning.stages - 2>();
    __syncthreads();  // the stage is there for all, and all have read the one that is loaded next
    load(place == 0 ? tuning.stages - 1 : place - 1, k + (tuning.stages - 1) * tuning.depth);
    const std::int64_t left = (end - k + group - 1) / group;
    add_stage(stage[place], left < groups ? static_cast<int>(left) : groups, sum);
    place = place + 1 == tuning.stages ? 0 : place + 1;
  }
  __syncthreads();
  auto& sums = *reinterpret_cast<Sums*>(memory);
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int i = 0; i < own_rows; ++i)
#pragma unroll
    for (int j = 0; j < own_columns; ++j) sums.of_warp[warp][place_of(lane / 8 + i * 4, lane % 8 + j * 8)] = sum[i][j];
  __syncthreads();
  detail::RegisterTile<float, stored_rows> v;
#pragma unroll
  for (int i = 0; i < stored_rows; ++i) {
    const int at = place_of(warp * stored_rows + i, lane);
    v[i] = sums.of_warp[0][at];
#pragma unroll
    for (int w = 1; w < warps; ++w) v[i] += sums.of_warp[w][at];
  }
  store_sums<Chained>(p.gemm, batch, first_row + warp * stored_rows, first_column + lane, (1U << stored_rows) - 1U, v);
}

TileLoading tile_loading(const GemmParameters& gemm, const GemmFactor& factor) {
  bool aligned =
      factor.depth == 1 && factor.row % group == 0 && reinterpret_cast<std::uintptr_t>(factor.data) % 16 == 0;
  for (int d = 0; d < gemm.batch.rank; ++d) aligned = aligned && factor.batch[d] % group == 0;
  if (aligned) return TileLoading::vectors;
  const auto distance = [](std::int64_t stride) { return stride < 0 ? -stride : stride; };
  return distance(factor.row) < distance(factor.depth) ? TileLoading::along_rows : TileLoading::along_depth;
}

std::int64_t tiles_along(std::int64_t extent) { return (extent + side - 1) / side; }

}  // namespace

const char* refuse_gemm_any_tiles(const GemmProblem& problem) {
  if (problem.a.dtype != DType::f32 || problem.b.dtype != DType::f32 || problem.c.dtype != DType::f32)
    return "a, b and c are not all f32";
  if (!problem.is_general()) return "a triangular or symmetric factor";
  if (!problem.before->empty()) return "a chain before the product";
  if (problem.k == 0) return "there is nothing to sum";
  if (problem.k > tuning.longest) return "each warp's share of the sum is too long";
  return nullptr;
}

void run_gemm_tiles(const GemmProblem& problem, const detail::Queue& queue) {
  TilesParameters p{{}, {}, {}, make_gemm_parameters(problem)};
  const GemmFactor* const factor = p.gemm.factor;
  for (int f = 0; f < 2; ++f) p.loading[f] = tile_loading(p.gemm, factor[f]);
  const std::int64_t row_tiles = tiles_along(factor[0].rows);
  const std::int64_t column_tiles = tiles_along(factor[1].rows);
  p.row_tiles = detail::Divider(row_tiles);
  p.column_tiles = detail::Divider(column_tiles);
  const auto kernel = p.gemm.after.size != 0 ? tiles_kernel<true> : tiles_kernel<false>;
  launch(kernel, row_tiles * column_tiles * p.gemm.batches, tuning.threads, queue.stream, p,
         static_cast<int>(tuning.stages * sizeof(Stage)));
}

}  // namespace mylos::cuda
