// f32 products without tensor cores: any strides, all of the result or what the tensor cores left out. Sums of 64
// products each are added up, so that the error is no larger than that of one running sum.
#include "cuda/gemm_epilogue.cuh"
#include "cuda/gemm_tensor.hpp"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/launch.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {
namespace {

constexpr int threads = 256;
constexpr int tile_rows = 64;
constexpr int tile_columns = 128;
constexpr int depth = 16;     // elements along K in shared memory
constexpr int promoted = 64;  // after so many, sums are added up
constexpr int own_rows = 8;   // a thread has 8 rows of 4 columns
constexpr int own_columns = 4;
static_assert(tile_rows / own_rows * (tile_columns / own_columns) == threads);

struct PlainParameters {
  TensorParameters tensor;
  bool is_rest;
  bool one_by_one;  // where few elements are left out
};

/// One factor's share of a tile, [k][row], and how threads load it: neighbours along rows or along K.
template <int Rows, bool Chained>
struct PlainSide {
  static constexpr int pitch = Rows + 4;
  static constexpr int count = Rows * depth / threads;
  const GemmParameters& p;
  const GemmFactor& factor;
  const float* data;
  std::int64_t batch;
  std::int64_t end;  // of K
  std::int64_t first;
  bool along_rows;

  __device__ __forceinline__ PlainSide(const GemmParameters& parameters, int index, std::int64_t batch_,
                                       std::int64_t first_)
      : p(parameters),
        factor(parameters.factor[index]),
        data(factor.data + parameters.batch.offset(factor.batch, batch_)),
        batch(batch_),
        end(parameters.depth(batch_)),
        first(first_),
        along_rows(llabs(factor.row) < llabs(factor.depth)) {}

  __device__ __forceinline__ int row(int i) const {
    const int t = static_cast<int>(threadIdx.x);
    return along_rows ? t % Rows : t / depth + i * (threads / depth);
  }
  __device__ __forceinline__ int step(int i) const {
    const int t = static_cast<int>(threadIdx.x);
    return along_rows ? t / Rows + i * (threads / Rows) : t % depth;
  }
  __device__ __forceinline__ void load(std::int64_t k, detail::RegisterTile<float, count>& v) const {
    const std::int64_t r = first + row(0);
    const std::int64_t e = k + step(0);
    if (factor.structure == MatrixStructure::general) {
      // The elements of a thread are evenly apart, and the first of them exist.
      const std::int64_t left = along_rows ? end - e : factor.rows - r;
      const int exist = r < factor.rows && e < end ? static_cast<int>(left < tile_columns ? left : tile_columns) : 0;
      const float* const from = data + r * factor.row + e * factor.depth;
      const std::int64_t stride = along_rows ? threads / Rows * factor.depth : threads / depth * factor.row;
      const int distance = along_rows ? threads / Rows : threads / depth;
#pragma unroll
      for (int i = 0; i < count; ++i) v[i] = i * distance < exist ? from[i * stride] : 0.F;
    } else {
#pragma unroll
      for (int i = 0; i < count; ++i) {
        const bool exists = first + row(i) < factor.rows && k + step(i) < end;
        v[i] = exists ? factor.load<false>(data, first + row(i), k + step(i)) : 0.F;
      }
    }
    if (!Chained || !factor.is_chained) return;
    apply_gemm_chain(p, p.before, 0,
                     {batch, first + row(0), k + step(0), row(1) - row(0), step(1) - step(0), factor.rows, end}, v);
#pragma unroll
    for (int i = 0; i < count; ++i)
      if (k + step(i) >= end || factor.is_zero(first + row(i), k + step(i))) v[i] = 0.F;  // a chain need not keep 0
  }
  __device__ __forceinline__ void store(float (&to)[depth][pitch], const detail::RegisterTile<float, count>& v) const {
#pragma unroll
    for (int i = 0; i < count; ++i) to[step(i)][row(i)] = v[i];
  }
};

/// Rows [row, row + 64) and columns [column, column + 128); of the elements whose bit is set, where there are bits.
template <bool Chained>
__device__ __forceinline__ void plain_tile(const GemmParameters& p, std::int64_t batch, std::int64_t row,
                                           std::int64_t column, const unsigned* bits) {
  __shared__ float a_tile[depth][PlainSide<tile_rows, Chained>::pitch];
  __shared__ float b_tile[depth][PlainSide<tile_columns, Chained>::pitch];
  const PlainSide<tile_rows, Chained> a(p, 0, batch, row);
  const PlainSide<tile_columns, Chained> b(p, 1, batch, column);
  const int own_row = static_cast<int>(threadIdx.x) / 32 * own_rows;
  const int own_column = static_cast<int>(threadIdx.x) % 32;  // and those 32, 64, 96 further
  float total[own_columns][own_rows] = {};
  float sum[own_columns][own_rows] = {};
  detail::RegisterTile<float, PlainSide<tile_rows, Chained>::count> next_a;
  detail::RegisterTile<float, PlainSide<tile_columns, Chained>::count> next_b;
  a.load(0, next_a);
  b.load(0, next_b);
#pragma unroll 1
  for (std::int64_t k = 0; k < a.end; k += depth) {
    __syncthreads();
    a.store(a_tile, next_a);
    b.store(b_tile, next_b);
    __syncthreads();
    a.load(k + depth, next_a);
    b.load(k + depth, next_b);
#pragma unroll
    for (int e = 0; e < depth; ++e) {
      float x[own_rows];
      *reinterpret_cast<float4*>(x) = *reinterpret_cast<const float4*>(&a_tile[e][own_row]);
      *reinterpret_cast<float4*>(x + 4) = *reinterpret_cast<const float4*>(&a_tile[e][own_row + 4]);
#pragma unroll
      for (int j = 0; j < own_columns; ++j) {
        const float y = b_tile[e][own_column + j * 32];
#pragma unroll
        for (int i = 0; i < own_rows; ++i) sum[j][i] = fmaf(x[i], y, sum[j][i]);
      }
    }
    if ((k + depth) % promoted == 0 || k + depth >= a.end) {
#pragma unroll
      for (int j = 0; j < own_columns; ++j)
#pragma unroll
        for (int i = 0; i < own_rows; ++i) {
          total[j][i] += sum[j][i];
          sum[j][i] = 0.F;
        }
    }
  }
#pragma unroll 1
  for (int j = 0; j < own_columns; ++j) {
    detail::RegisterTile<float, own_rows> v;
#pragma unroll
    for (int i = 0; i < own_rows; ++i)
      v[i] = j == 0 ? total[0][i] : j == 1 ? total[1][i] : j == 2 ? total[2][i] : total[3][i];
    unsigned stored = 0;
#pragma unroll
    for (int i = 0; i < own_rows; ++i)
      if (bits == nullptr || (bits[(own_row + i) * 4 + j] >> own_column & 1U) != 0) stored |= 1U << i;
    store_sums<Chained>(p, batch, row + own_row, column + own_column + j * 32, stored, v);
  }
}

template <bool Chained>
__device__ __forceinline__ float element_of(const GemmParameters& p, const GemmFactor& factor, const float* data,
                                            std::int64_t batch, std::int64_t row, std::int64_t k) {
  detail::RegisterTile<float, 1> v;
  v[0] = factor.load<false>(data, row, k);
  if (Chained && factor.is_chained) apply_gemm_chain(p, p.before, 0, {batch, row, k, 0, 0, factor.rows, p.k}, v);
  return v[0];
}

/// One element, by the whole block.
template <bool Chained>
__device__ __forceinline__ void plain_element(const GemmParameters& p, std::int64_t batch, std::int64_t row,
                                              std::int64_t column) {
  __shared__ float of_warp[threads / 32];
  const float* const a = p.factor[0].data + p.batch.offset(p.factor[0].batch, batch);
  const float* const b = p.factor[1].data + p.batch.offset(p.factor[1].batch, batch);
  const std::int64_t end = p.depth(batch);
  float sum = 0;
#pragma unroll 8
  for (std::int64_t k = threadIdx.x; k < end; k += threads)
    sum = fmaf(element_of<Chained>(p, p.factor[0], a, batch, row, k),
               element_of<Chained>(p, p.factor[1], b, batch, column, k), sum);
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffU, sum, distance);
  __syncthreads();
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  detail::RegisterTile<float, 1> v;
  v[0] = 0.F;
#pragma unroll
  for (int w = 0; w < threads / 32; ++w) v[0] += of_warp[w];
  store_sums<Chained>(p, batch, row, column, threadIdx.x == 0 ? 1U : 0U, v);
}

template <bool Chained>
__global__ void __launch_bounds__(threads, 2) plain_kernel(const __grid_constant__ PlainParameters k) {
  const TensorParameters& p = k.tensor;
  const int per_tile = p.tiling.tile_rows / tile_rows;
  const std::int64_t count = (k.is_rest ? static_cast<std::int64_t>(*p.rest.count) : p.tiling.count) * per_tile;
  for (std::int64_t item = blockIdx.x; item < count; item += gridDim.x) {
    const std::int64_t index = k.is_rest ? p.rest.tile[item / per_tile] : item / per_tile;
    const int first = static_cast<int>(item % per_tile) * tile_rows;
    GemmTiling::Tile tile = p.tiling.at(index);
    tile.row += first;
    if (tile.row >= p.gemm.factor[0].rows) continue;
    const unsigned* const bits = k.is_rest ? p.rest.bits + (index * p.tiling.tile_rows + first) * 4 : nullptr;
    if (k.is_rest) {
      __shared__ int left;
      __shared__ unsigned short element[plain_single_elements];  // in any order
      __syncthreads();
      if (threadIdx.x == 0) left = 0;
      __syncthreads();
      unsigned own = bits[threadIdx.x];  // 64 rows of four words
      if (own != 0) {
        int at = atomicAdd(&left, __popc(own));
        for (; own != 0 && at < plain_single_elements; own &= own - 1, ++at)
          element[at] =
              static_cast<unsigned short>(threadIdx.x * 32U + static_cast<unsigned>(__ffs(static_cast<int>(own))) - 1U);
      }
      __syncthreads();
      const int all = left;
      if (all == 0) continue;
      if (all <= plain_single_elements && k.one_by_one) {
        for (int i = 0; i < all; ++i)
          plain_element<Chained>(p.gemm, tile.batch, tile.row + element[i] / 128, tile.column + element[i] % 128);
        continue;
      }
    }
    plain_tile<Chained>(p.gemm, tile.batch, tile.row, tile.column, bits);
  }
}

}  // namespace

void launch_plain(const TensorParameters& parameters, bool is_rest, bool one_by_one, void* stream) {
  const std::int64_t most = 2 * device_attribute(cudaDevAttrMultiProcessorCount);
  const std::int64_t items = parameters.tiling.count * (parameters.tiling.tile_rows / tile_rows);
  const std::int64_t blocks = items < most ? items : most;
  const PlainParameters p{parameters, is_rest, one_by_one};
  if (parameters.gemm.after.size + parameters.gemm.before.size != 0)
    launch(plain_kernel<true>, blocks, threads, stream, p);
  else
    launch(plain_kernel<false>, blocks, threads, stream, p);
}

}  // namespace mylos::cuda
