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
  const bool is_listed = p.left.state != nullptr && p.left.state->all == 0;
  const std::int64_t tiles = is_listed ? p.left.state->listed : (p.count + Warp::rows - 1) / Warp::rows;
  if (static_cast<std::int64_t>(blockIdx.x) * warps >= tiles) return;
  if (p.resident) {
    copy_to_shared(memory, p.weights, p.bytes);
    __syncthreads();
  }
  // The same for all warps, who wait for each other's weights.
  for (std::int64_t tile = static_cast<std::int64_t>(blockIdx.x) * warps; tile < tiles;
       tile += static_cast<std::int64_t>(gridDim.x) * warps) {
    uint2 which{static_cast<unsigned>(tile) + warp, Warp::all_wanted};
    if (is_listed) which = tile + warp < tiles ? p.left.list[tile + warp] : uint2{0, 0};
    const Warp own{
        p, {static_cast<std::int64_t>(which.x) * Warp::rows, lane / 4, lane % 4, Warp::slots, p.chunked, which.y}};
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

/// Layers that one launch prepares, as many as its parameters have room for.
template <class T>
struct MlpPacks {
  static constexpr int most = CUDART_VERSION >= 12010 ? 8 : 1;
  detail::MlpPack<T> pack[most];
  MlpLeft::State* state;  // to be zeroed, or null
};
template <class T>
__global__ void __launch_bounds__(256) mlp_pack_kernel(const __grid_constant__ MlpPacks<T> packs) {
  const detail::MlpPack<T>& pack = packs.pack[blockIdx.x % MlpPacks<T>::most];
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x / MlpPacks<T>::most) * 256 + threadIdx.x;
  if (i < pack.count()) pack(i);
  if (blockIdx.x == 0 && threadIdx.x == 0 && packs.state != nullptr) *packs.state = {};
}

/// Bytes of the layers as a kernel has them.
struct MlpBytes {
  std::int64_t all = 0;
  int largest = 0;
};
template <class Bytes>
MlpBytes mlp_bytes(const Mlp& network, const Bytes& bytes_of) {
  MlpBytes bytes;
  for (int l = 0; l < network.size(); ++l) {
    const Tensor& weight = network[l].weight;
    const int own = bytes_of(l, static_cast<int>(weight.extent[1]), static_cast<int>(weight.extent[0]));
    bytes.all += own;
    bytes.largest = own > bytes.largest ? own : bytes.largest;
  }
  return bytes;
}

/// All but head and weights.
template <class T>
MlpTilesParameters<T> mlp_tiles_parameters(const detail::MlpProblem& problem, const MlpBytes& bytes, int slots) {
  MlpTilesParameters<T> p{};
  p.samples = detail::make_mlp_samples(problem);
  p.count = problem.samples.count;
  p.layers = problem.network->size();
  p.x = mlp_access<T>(problem, problem.x, problem.in(), slots);
  p.y = mlp_access<T>(problem, problem.y, problem.out(), slots);
  p.chunked = p.x == MlpAccess::samples || p.y == MlpAccess::samples;
  p.resident = bytes.all <= device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  p.bytes = p.resident ? static_cast<int>(bytes.all) : bytes.largest;
  return p;
}

template <class T>
void launch_mlp(void (*kernel)(MlpTilesParameters<T>), int threads, int rows, const MlpTilesParameters<T>& p,
                const detail::Queue& queue) {
  const std::int64_t per_block = threads / 32 * rows;
  const std::int64_t needed = (p.count + per_block - 1) / per_block;
  const std::int64_t at_once = resident_blocks(kernel, threads, p.bytes);
  launch(kernel, needed < at_once ? needed : at_once, threads, queue.stream, p, p.bytes);
}

template <class T, int Width>
void run_mlp_tiles_kernel(const MlpTilesParameters<T>& p, const detail::Queue& queue) {
  using Warp = MlpWarp<T, Width>;
  launch_mlp(mlp_tiles_kernel<T, Width>, Warp::tuning.threads, Warp::rows, p, queue);
}

template <class T>
const MlpRecord<T>* pack_mlp_on(const Mlp& network, void* memory, const detail::Queue& queue,
                                MlpLeft::State* state = nullptr) {
  MlpPacks<T> packs{};
  packs.state = state;
  int count = 0;
  std::int64_t largest = 0;
  const auto flush = [&] {
    if (count == 0) return;
    for (int i = count; i < MlpPacks<T>::most; ++i) packs.pack[i] = {};
    launch(mlp_pack_kernel<T>, (largest + 255) / 256 * MlpPacks<T>::most, 256, queue.stream, packs);
    packs.state = nullptr;
    count = 0;
    largest = 0;
  };
  detail::pack_mlp<T>(network, memory, [&](const detail::MlpPack<T>& pack) {
    packs.pack[count++] = pack;
    largest = pack.count() > largest ? pack.count() : largest;
    if (count == MlpPacks<T>::most) flush();
  });
  flush();
  return static_cast<const MlpRecord<T>*>(memory);
}

template <class T, int Width>
void launch_mlp_tiles(const detail::MlpProblem& problem, const detail::Queue& queue) {
  using Warp = MlpWarp<T, Width>;
  const Mlp& network = *problem.network;
  const MlpBytes bytes =
      mlp_bytes(network, [](int, int in, int out) { return mlp_layer_bytes<T>(in, out, Warp::unit); });
  const std::size_t packed = detail::mlp_packed_bytes<T>(network);
  const std::size_t heads = sizeof(MlpHead) * static_cast<std::size_t>(network.size());
  const Scratch scratch(queue.stream, packed + heads + static_cast<std::size_t>(bytes.all));
  auto* const memory = static_cast<unsigned char*>(scratch.data());
  auto* const head = reinterpret_cast<MlpHead*>(memory + packed);
  unsigned char* const weights = memory + packed + heads;
  MlpTilesParameters<T> p = mlp_tiles_parameters<T>(problem, bytes, Warp::slots);
  p.record = pack_mlp_on<T>(network, memory, queue);
  p.head = head;
  p.weights = weights;
  launch(mlp_layout_kernel<T>, network.size(), 256, queue.stream, MlpLayout<T>{p.record, head, weights, Warp::unit});
  run_mlp_tiles_kernel<T, Width>(p, queue);
}

template <class T>
void run_mlp_tiles(const detail::MlpProblem& problem, const detail::Queue& queue) {
  if (problem.widest <= 32) return launch_mlp_tiles<T, 32>(problem, queue);
  if (problem.widest <= 64) return launch_mlp_tiles<T, 64>(problem, queue);
  launch_mlp_tiles<T, 128>(problem, queue);
}

}  // namespace mylos::cuda
