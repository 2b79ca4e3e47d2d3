// A network on the tensor cores: a warp takes its samples through all layers, in registers from the first load to the
// last store. Weights stand in shared memory, all layers at once where they fit, else layer by layer.
//
// A sample that meets an infinity or overflows ends as NaN, whatever IEEE arithmetic has for it: widths are filled up
// with zeros, and in f32 an infinity is split into infinity and NaN. Those samples are found at the end and computed
// again by a single thread in plain arithmetic.
#pragma once

#include "cuda/mlp.hpp"
#include "cuda/mlp_warp.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/primitives/occupancy.cuh"
#include "cuda/primitives/scratch.cuh"

namespace mylos::cuda {

/// Vectors of 16 bytes, by all threads of the block.
__device__ __forceinline__ void copy_to_shared(unsigned char* to, const unsigned char* from, int bytes) {
  for (int i = static_cast<int>(threadIdx.x) * 16; i < bytes; i += static_cast<int>(blockDim.x) * 16)
    *reinterpret_cast<uint4*>(to + i) = *reinterpret_cast<const uint4*>(from + i);
}

template <class T, int Width>
__global__ void __launch_bounds__(mlp_tuning(Width, sizeof(T)).threads, mlp_tuning(Width, sizeof(T)).blocks)
    mlp_tiles_kernel(const __grid_constant__ MlpTilesParameters<T> p) {
  using Warp = MlpWarp<T, Width>;
  constexpr int warps = Warp::tuning.threads / 32;
  extern __shared__ __align__(16) unsigned char memory[];
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  if (p.resident) {
    copy_to_shared(memory, p.weights, p.bytes);
    __syncthreads();
  }
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * warps * Warp::rows;
  std::int64_t block_first = static_cast<std::int64_t>(blockIdx.x) * warps * Warp::rows;
  for (; block_first < p.count; block_first += step) {  // the same for all warps, who wait for each other's weights
    const Warp own{p, {block_first + warp * Warp::rows, lane / 4, lane % 4, Warp::slots, p.chunked}};
    typename Warp::Values v;
    own.load(v);
    std::int64_t offset = 0;
#pragma unroll 1
    for (int l = 0; l < p.layers; ++l) {
      const MlpHead head = p.head[l];
      if (!p.resident) {
        __syncthreads();
        copy_to_shared(memory, p.weights + offset, head.bytes);
        __syncthreads();
      }
      own.layer(head, p.record + l, p.resident ? memory + offset : memory, v);
      offset += head.bytes;
    }
    own.store(v);
  }
}

/// Which way the elements of x or of y may move.
template <class T>
MlpAccess mlp_access(const detail::MlpProblem& problem, const detail::MlpTensor& tensor, int features, int slots) {
  const auto size = static_cast<std::int64_t>(size_of(tensor.dtype));
  const std::int64_t sample = problem.samples.rank == 0 ? 0 : tensor.samples.stride[0];
  const auto aligned = [&](std::int64_t stride, std::int64_t elements) {
    const std::int64_t bytes = elements * size < 16 ? elements * size : 16;
    return reinterpret_cast<std::uintptr_t>(tensor.data) % static_cast<std::uintptr_t>(bytes) == 0 &&
           stride * size % bytes == 0;
  };
  if (tensor.dtype != dtype_of<T>) return MlpAccess::single;
  if (tensor.feature == 1 && features % 2 == 0 && aligned(sample, 2)) return MlpAccess::pairs;
  if (sample == 1 && (aligned(tensor.feature, slots) || features == 1) && aligned(0, slots)) return MlpAccess::samples;
  return MlpAccess::single;
}

template <class T>
__global__ void __launch_bounds__(256) mlp_pack_kernel(const __grid_constant__ detail::MlpPack<T> pack) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * 256 + threadIdx.x;
  if (i < pack.count()) pack(i);
}

template <class T, int Width>
void launch_mlp_tiles(const detail::MlpProblem& problem, const detail::Queue& queue) {
  using Warp = MlpWarp<T, Width>;
  constexpr int unit = Warp::N / 4;
  const Mlp& network = *problem.network;
  std::int64_t all = 0;
  int largest = 0;
  for (int l = 0; l < network.size(); ++l) {
    const Tensor& weight = network[l].weight;
    const int own = mlp_layer_bytes<T>(static_cast<int>(weight.extent[1]), static_cast<int>(weight.extent[0]), unit);
    all += own;
    largest = own > largest ? own : largest;
  }
  const std::size_t packed = detail::mlp_packed_bytes<T>(network);
  const std::size_t heads = sizeof(MlpHead) * static_cast<std::size_t>(network.size());
  const Scratch scratch(queue.stream, packed + heads + static_cast<std::size_t>(all));
  detail::pack_mlp<T>(network, scratch.data(), [&](const detail::MlpPack<T>& pack) {
    launch(mlp_pack_kernel<T>, (pack.count() + 255) / 256, 256, queue.stream, pack);
  });
  auto* const memory = static_cast<unsigned char*>(scratch.data());
  const auto* const record = reinterpret_cast<const MlpRecord<T>*>(memory);
  auto* const head = reinterpret_cast<MlpHead*>(memory + packed);
  unsigned char* const weights = memory + packed + heads;
  launch(mlp_layout_kernel<T>, network.size(), 256, queue.stream, MlpLayout<T>{record, head, weights, unit});
  MlpTilesParameters<T> p{};
  p.samples = detail::make_mlp_samples(problem);
  p.count = problem.samples.count;
  p.record = record;
  p.head = head;
  p.weights = weights;
  p.layers = network.size();
  p.x = mlp_access<T>(problem, problem.x, problem.in(), Warp::slots);
  p.y = mlp_access<T>(problem, problem.y, problem.out(), Warp::slots);
  p.chunked = p.x == MlpAccess::samples || p.y == MlpAccess::samples;
  const int room = device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  p.resident = all <= room;
  p.bytes = p.resident ? static_cast<int>(all) : largest;
  const int bytes = p.bytes;
  const auto kernel = mlp_tiles_kernel<T, Width>;
  const std::int64_t per_block = Warp::tuning.threads / 32 * Warp::rows;
  const std::int64_t needed = (p.count + per_block - 1) / per_block;
  const std::int64_t at_once = resident_blocks(kernel, Warp::tuning.threads, bytes);
  launch(kernel, needed < at_once ? needed : at_once, Warp::tuning.threads, queue.stream, p, bytes);
}

template <class T>
void run_mlp_tiles(const detail::MlpProblem& problem, const detail::Queue& queue) {
  if (problem.widest <= 32) return launch_mlp_tiles<T, 32>(problem, queue);
  if (problem.widest <= 64) return launch_mlp_tiles<T, 64>(problem, queue);
  launch_mlp_tiles<T, 128>(problem, queue);
}

}  // namespace mylos::cuda
