// Tiles through shared memory: read by vectors along x's fastest dimension (call it m), written by vectors along y's
// (n), the chain applied between.
#include "cuda/pointwise.hpp"

#include <mylos/detail/divider.hpp>

#include "cuda/primitives/access.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/tuning.hpp"
#include "pointwise/flat.hpp"

namespace mylos::cuda {
namespace {

using detail::Divider;
using detail::LoweredChain;
using detail::LoweredOperand;
using detail::PointwiseProblem;
using detail::Queue;

/// The box split into m, n and the remaining dimensions.
template <class T>
struct TransposeParameters {
  const void* x;
  void* y;
  DType x_dtype;
  DType y_dtype;
  bool x_vector;
  bool y_vector;
  std::int64_t extent_m;
  std::int64_t extent_n;
  std::int64_t tiles;
  Divider tiles_n;
  Divider tiles_m;
  int outer_rank;
  int outer[max_rank];  // dimensions of the box, fastest first
  int m;
  int n;
  Divider extent[max_rank];
  std::int64_t x_stride[max_rank];
  std::int64_t y_stride[max_rank];
  LoweredChain<T> chain;
  LoweredOperand<max_rank> operand[max_operands];
};

int fastest_of_x(const PointwiseProblem& problem) {
  const detail::PointwiseGeometry& g = problem.geometry;
  for (int d = 0; d + 1 < g.box.rank; ++d)
    if (g.x.stride[d] == 1) return d;
  return -1;
}

template <int E>
bool vectors_fit(const void* data, DType dtype, const std::int64_t* stride, int rank, int along) {
  const std::size_t alignment = detail::vector_alignment(dtype, E);
  bool fit = detail::aligned(data, alignment);
  for (int d = 0; d < rank; ++d)
    fit = fit && (d == along || static_cast<std::size_t>(std::abs(stride[d])) * size_of(dtype) % alignment == 0);
  return fit;
}

template <class T, int E>
TransposeParameters<T> make_parameters(const PointwiseProblem& problem) {
  constexpr int tile = transpose_tuning().tile;
  const detail::PointwiseGeometry& g = problem.geometry;
  TransposeParameters<T> p;
  p.x = problem.x;
  p.y = problem.y;
  p.x_dtype = problem.x_dtype;
  p.y_dtype = problem.y_dtype;
  p.m = fastest_of_x(problem);
  p.n = g.box.rank - 1;
  p.extent_m = g.box.extent[p.m];
  p.extent_n = g.box.extent[p.n];
  const std::int64_t tiles_m = (p.extent_m + tile - 1) / tile;
  const std::int64_t tiles_n = (p.extent_n + tile - 1) / tile;
  p.tiles = g.box.count / (p.extent_m * p.extent_n) * tiles_m * tiles_n;
  p.tiles_m = Divider(tiles_m);
  p.tiles_n = Divider(tiles_n);
  p.outer_rank = 0;
  for (int d = g.box.rank - 1; d >= 0; --d) {
    p.x_stride[d] = g.x.stride[d];
    p.y_stride[d] = g.y.stride[d];
    p.extent[d] = Divider(g.box.extent[d]);
    if (d != p.m && d != p.n) p.outer[p.outer_rank++] = d;
  }
  p.x_vector = vectors_fit<E>(p.x, p.x_dtype, p.x_stride, g.box.rank, p.m);
  p.y_vector = vectors_fit<E>(p.y, p.y_dtype, p.y_stride, g.box.rank, p.n);
  p.chain = detail::lower<T>(*problem.chain);
  detail::lower_operands(problem, problem.geometry, p.operand);
  return p;
}

/// Where a tile starts: its corner, and what the remaining dimensions add to each tensor's offset.
struct Tile {
  std::int64_t m;
  std::int64_t n;
  std::uint64_t outer;

  template <class T>
  static __device__ __forceinline__ Tile locate(const TransposeParameters<T>& p, std::uint64_t tile) {
    constexpr int side = transpose_tuning().tile;
    const std::uint64_t row = p.tiles_n.divide(tile);
    const std::uint64_t plane = p.tiles_m.divide(row);
    return {static_cast<std::int64_t>(row - plane * p.tiles_m.divisor) * side,
            static_cast<std::int64_t>(tile - row * p.tiles_n.divisor) * side, plane};
  }

  template <class T>
  __device__ __forceinline__ std::int64_t offset(const TransposeParameters<T>& p, const std::int64_t* stride) const {
    std::int64_t sum = m * stride[p.m] + n * stride[p.n];
    std::uint64_t rest = outer;
    for (int i = 0; i < p.outer_rank; ++i) {
      const Divider& extent = p.extent[p.outer[i]];
      const std::uint64_t quotient = extent.divide(rest);
      sum += static_cast<std::int64_t>(rest - quotient * extent.divisor) * stride[p.outer[i]];
      rest = quotient;
    }
    return sum;
  }
};

template <class M, int E, class T>
__global__ void __launch_bounds__(transpose_tuning().threads)
    transpose_kernel(const __grid_constant__ TransposeParameters<T> p) {
  constexpr int side = transpose_tuning().tile;
  constexpr int threads = transpose_tuning().threads;
  constexpr int vectors = side / E;                     // along one side
  constexpr int per_thread = side * vectors / threads;  // vectors
  // Odd pitch, and in the second half as many chunks of a warp along n as banks allow: no conflicts there, two-way
  // here.
  constexpr int pitch = side + 1;
  constexpr int lanes_n = (sizeof(T) == 8 ? 16 : 32) / E;
  __shared__ T staged[side * pitch];

  const Tile tile = Tile::locate(p, blockIdx.x);
  const std::int64_t room_m = p.extent_m - tile.m;
  const std::int64_t room_n = p.extent_n - tile.n;
  const bool whole = room_m >= side && room_n >= side;

  const std::int64_t x_offset = tile.offset(p, p.x_stride);
  {
    const auto m_of = [](int i) { return (i * threads + static_cast<int>(threadIdx.x)) % vectors * E; };
    const auto n_of = [](int i) { return (i * threads + static_cast<int>(threadIdx.x)) / vectors; };
    const auto offset_of = [&](int i) { return x_offset + m_of(i) + n_of(i) * p.x_stride[p.n]; };
    T v[per_thread * E];
    if (whole && p.x_vector) {
      detail::RawChunks<per_thread> raw;
      const auto address_of = [&](int i, auto bytes) {
        return static_cast<const char*>(p.x) + offset_of(i) * (bytes / E);
      };
      detail::load_raw<StreamingAccess, E, per_thread>(static_cast<int>(size_of(p.x_dtype)), raw.chunk, address_of);
      detail::unpack_raw<E, per_thread>(p.x_dtype, raw, v);
    } else {
#pragma unroll
      for (int i = 0; i < per_thread; ++i)
#pragma unroll
        for (int k = 0; k < E; ++k)
          if (n_of(i) < room_n && m_of(i) + k < room_m)
            v[i * E + k] = detail::load_element<T>(p.x_dtype, p.x, offset_of(i) + k);
    }
#pragma unroll
    for (int i = 0; i < per_thread; ++i)
#pragma unroll
      for (int k = 0; k < E; ++k) staged[n_of(i) * pitch + m_of(i) + k] = v[i * E + k];
  }
  __syncthreads();

  const auto m_of = [](int i) {
    const int chunk = i * threads + static_cast<int>(threadIdx.x);
    return chunk / vectors / (32 / lanes_n) * (32 / lanes_n) + chunk % 32 / lanes_n;
  };
  const auto n_of = [](int i) {
    const int chunk = i * threads + static_cast<int>(threadIdx.x);
    constexpr int groups = vectors / lanes_n;  // of lanes_n chunks, along n
    return (chunk / 32 % groups * lanes_n + chunk % lanes_n) * E;
  };
  const std::int64_t y_offset = tile.offset(p, p.y_stride);
  constexpr int passes = transpose_tuning().passes;
  constexpr int n_chunks = per_thread / passes;
#pragma unroll 1
  for (int pass = 0; pass < passes; ++pass) {
    const int first = pass * n_chunks;
    detail::RegisterTile<T, n_chunks * E> values;
#pragma unroll
    for (int i = 0; i < n_chunks; ++i)
#pragma unroll
      for (int k = 0; k < E; ++k) values[i * E + k] = staged[(n_of(first + i) + k) * pitch + m_of(first + i)];

    detail::apply<M>(p.chain, values, [&](int o, detail::RegisterTile<T, n_chunks * E>& block) {
      const LoweredOperand<max_rank>& operand = p.operand[o];
      const std::int64_t base = tile.offset(p, operand.stride);
#pragma unroll
      for (int i = 0; i < n_chunks; ++i) {
        const int m = m_of(first + i);
        const int n = n_of(first + i);
#pragma unroll
        for (int k = 0; k < E; ++k)
          if (m < room_m && n + k < room_n)
            block[i * E + k] = detail::load_element<T>(operand.dtype, operand.data,
                                                       base + m * operand.stride[p.m] + (n + k) * operand.stride[p.n]);
      }
    });

    const auto offset_of = [&](int i) { return y_offset + m_of(first + i) * p.y_stride[p.m] + n_of(first + i); };
    if (whole && p.y_vector) {
      const auto address_of = [&](int i, auto bytes) { return static_cast<char*>(p.y) + offset_of(i) * (bytes / E); };
      detail::store_chunks<StreamingAccess, E, n_chunks>(p.y_dtype, values.value, address_of, detail::Always());
    } else {
#pragma unroll
      for (int i = 0; i < n_chunks; ++i)
#pragma unroll
        for (int k = 0; k < E; ++k)
          if (m_of(first + i) < room_m && n_of(first + i) + k < room_n)
            detail::store_element<T>(p.y_dtype, p.y, offset_of(i) + k, values[i * E + k]);
    }
  }
}

template <class T, int E>
void run_tiles(const PointwiseProblem& problem, const Queue& queue) {
  using M = std::conditional_t<E == 8, math::Reduced, math::Precise>;
  const TransposeParameters<T> p = make_parameters<T, E>(problem);
  launch(transpose_kernel<M, E, T>, p.tiles, transpose_tuning().threads, queue.stream, p);
}

}  // namespace

const char* refuse_transpose(const PointwiseProblem& problem) {
  const detail::PointwiseGeometry& g = problem.geometry;
  const int m = fastest_of_x(problem);
  if (m < 0 || g.x.stride[g.box.rank - 1] == 1) return "x has no other dimension of stride 1 than y";
  if (g.y.stride[g.box.rank - 1] != 1) return "y has no dimension of stride 1";
  if (g.x.stride[g.box.rank - 1] == 0) return "x is broadcast along y's fastest dimension";
  if (g.box.extent[m] < 8 || g.box.extent[g.box.rank - 1] < 8) return "a side of the tiles would be less than 8";
  return nullptr;
}

void run_transpose(const PointwiseProblem& problem, const Queue& queue) {
  switch (detail::chunk_elements(problem.x_dtype, problem.y_dtype)) {
    case 2:
      return run_tiles<double, 2>(problem, queue);
    case 4:
      return run_tiles<float, 4>(problem, queue);
    default:
      return run_tiles<float, 8>(problem, queue);
  }
}

}  // namespace mylos::cuda
