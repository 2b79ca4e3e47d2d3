// A network in f32 on the tensor cores' f16: a warp takes its samples through all layers, as in mlp_tiles.cuh. Samples
// that do not fit are left to that kernel, which follows and reads which they are.
#pragma once

#include "cuda/mlp_halves.cuh"
#include "cuda/mlp_tiles.cuh"
#include "cuda/primitives/mbarrier.cuh"

namespace mylos::cuda {

/// First and last layer's numbers of eights are known, those between are as wide as the kernel.
template <int Width, int Inputs, int Outputs>
__global__ void __launch_bounds__(mlp_tensor_tuning(Width).threads, mlp_tensor_tuning(Width).blocks)
    mlp_tensor_kernel(const __grid_constant__ MlpTilesParameters<float> p) {
  using Warp = MlpHalvesWarp<Width>;
  constexpr int N = Warp::N;
  constexpr int warps = Warp::threads / 32;
  constexpr MlpLayerTiles first{Inputs, N, mlp_first_is_exact(Inputs, Warp::unit), Warp::side};
  constexpr MlpLayerTiles hidden{N, N, false, Warp::side};
  extern __shared__ __align__(16) unsigned char memory[];
  if (p.left.state->all != 0) return;
  const unsigned checked = p.left.state->checked;
  copy_to_shared(memory, p.weights, p.bytes);
  __syncthreads();
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t tiles = (p.count + Warp::rows - 1) / Warp::rows;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * warps;
  const auto warp_of = [&](std::int64_t tile) {
    return Warp{{p, {tile * Warp::rows, lane / 4, lane % 4, Warp::slots, p.chunked, Warp::all_wanted}}};
  };
  std::int64_t tile = static_cast<std::int64_t>(blockIdx.x) * warps + warp;
  if (tile >= tiles) return;
  constexpr bool loads_early = Inputs <= 2;  // the next samples, that is: few registers
  typename Warp::Values v;
  if (loads_early) warp_of(tile).load(v);
  for (; tile < tiles; tile += step) {
    const Warp own = warp_of(tile);
    if (!loads_early) own.load(v);
    typename Warp::Trouble trouble;
    typename Warp::template Sums<N> hidden_sum;
    own.template first<Inputs>(memory, v, hidden_sum, trouble);
    if (loads_early && tile + step < tiles) warp_of(tile + step).load(v);
    const unsigned char* weights = memory + first.bytes();
    int l = 1;
#pragma unroll 1
    for (;; ++l, weights += hidden.bytes()) {
      own.finish(p.activation[l - 1], (checked >> (l - 1) & 1U) != 0, p.record + l - 1, hidden_sum, trouble);
      if (l == p.layers - 1) break;
      typename Warp::template Sums<N> sum;
      own.template next<N>(p.activation[l - 1], weights, hidden_sum, sum, trouble);
      Warp::copy(sum, hidden_sum);
    }
    typename Warp::template Sums<Outputs> sum;
    own.template next<Outputs>(p.activation[l - 1], weights, hidden_sum, sum, trouble);
    typename Warp::Values y;
    Warp::results(sum, trouble, y);
    if (p.has_last_chain) own.apply_chain(p.record + p.layers - 1, y);
    const unsigned left = __ballot_sync(0xffffffffU, own.store(y, Warp::marked_slots(trouble)));
    if (left != 0 && lane == 0) p.left.list[atomicAdd(&p.left.state->listed, 1U)] = {static_cast<unsigned>(tile), left};
  }
}

extern template void run_mlp_tiles_kernel<float, 32>(const MlpTilesParameters<float>&, const detail::Queue&);
extern template void run_mlp_tiles_kernel<float, 64>(const MlpTilesParameters<float>&, const detail::Queue&);

inline MlpLayerTiles mlp_layer_tiles_of(const Mlp& network, int l, int unit, MlpSide side) {
  const Tensor& weight = network[l].weight;
  return mlp_layer_tiles(l, network.size(), static_cast<int>(weight.extent[1]), static_cast<int>(weight.extent[0]),
                         unit, side);
}

using MlpTensorKernel = void (*)(MlpTilesParameters<float>);

/// kernel_for(inputs' eights, results' eights).
template <class Warp, class KernelFor>
void run_mlp_tensor_on(const detail::MlpProblem& problem, const detail::Queue& queue, const KernelFor& kernel_for) {
  using Rest = MlpWarp<float, 8 * Warp::N>;
  const Mlp& network = *problem.network;
  const int layers = network.size();
  const MlpBytes exact =
      mlp_bytes(network, [](int, int in, int out) { return mlp_layer_bytes<float>(in, out, Warp::unit); });
  const auto tiles_of = [&](int l) { return mlp_layer_tiles_of(network, l, Warp::unit, Warp::side); };
  const MlpBytes halves = mlp_bytes(network, [&](int l, int, int) { return tiles_of(l).bytes(); });
  const auto tiles = static_cast<std::size_t>((problem.samples.count + Warp::rows - 1) / Warp::rows);
  const auto align = [](std::size_t bytes) { return (bytes + 15) / 16 * 16; };
  const std::size_t parts[] = {detail::mlp_packed_bytes<float>(network),
                               align(sizeof(MlpLeft::State)),
                               sizeof(MlpHead) * static_cast<std::size_t>(layers),
                               static_cast<std::size_t>(exact.all),
                               static_cast<std::size_t>(halves.all),
                               tiles * sizeof(uint2)};
  std::size_t all = 0;
  for (const std::size_t part : parts) all += part;
  const Scratch scratch(queue.stream, all);
  unsigned char* at[6] = {static_cast<unsigned char*>(scratch.data())};
  for (int i = 1; i < 6; ++i) at[i] = at[i - 1] + parts[i - 1];
  const MlpLeft left{reinterpret_cast<MlpLeft::State*>(at[1]), reinterpret_cast<uint2*>(at[5])};
  const MlpRecord<float>* const record = pack_mlp_on<float>(network, at[0], queue, left.state);
  MlpTilesParameters<float> fast = mlp_tiles_parameters<float>(problem, halves, Warp::slots);
  fast.record = record;
  fast.left = left;
  fast.weights = at[4];
  unsigned checked = 0;
  for (int l = 0; l < layers; ++l) {
    fast.activation[l] = mlp_activation(network[l].chain);
    if (fast.activation[l] == MlpActivation::any) checked |= 1U << l;
  }
  fast.has_last_chain = !network[layers - 1].chain.empty();
  MlpTilesParameters<float> rest = mlp_tiles_parameters<float>(problem, exact, Rest::slots);
  rest.record = record;
  rest.left = left;
  rest.head = reinterpret_cast<MlpHead*>(at[2]);
  rest.weights = at[3];
  launch(mlp_halves_layout_kernel, 2 * layers, 256, queue.stream,
         MlpHalvesLayout{record,
                         at[4],
                         Warp::unit,
                         layers,
                         Warp::side,
                         checked,
                         left.state,
                         {record, reinterpret_cast<MlpHead*>(at[2]), at[3], Warp::unit}});
  launch_mlp(kernel_for(tiles_of(0).in, tiles_of(layers - 1).out), Warp::threads, Warp::rows, fast, queue);
  run_mlp_tiles_kernel<float, 8 * Warp::N>(rest, queue);
}

template <int Width, int Inputs>
MlpTensorKernel mlp_tensor_kernel_for(int out_tiles) {
  constexpr int unit = MlpWarp<float, Width>::unit;
  if (out_tiles == unit) return mlp_tensor_kernel<Width, Inputs, unit>;
  if (out_tiles == 2 * unit) return mlp_tensor_kernel<Width, Inputs, 2 * unit>;
  return mlp_tensor_kernel<Width, Inputs, 4 * unit>;
}
template <int Width>
void run_mlp_tensor_of(const detail::MlpProblem& problem, const detail::Queue& queue) {
  constexpr int unit = MlpWarp<float, Width>::unit;
  run_mlp_tensor_on<MlpHalvesWarp<Width>>(problem, queue, [](int in_tiles, int out_tiles) {
    if (in_tiles == unit) return mlp_tensor_kernel_for<Width, unit>(out_tiles);
    if (in_tiles == 2 * unit) return mlp_tensor_kernel_for<Width, 2 * unit>(out_tiles);
    return mlp_tensor_kernel_for<Width, 4 * unit>(out_tiles);
  });
}

}  // namespace mylos::cuda
