// What a warpgroup does with its samples on sm_90a: as mlp_halves.cuh, a warp's 16 samples of 64, with products that
// read the weights from shared memory (wgmma). No function may be called: then such products would wait for each other.
#pragma once

#include "cuda/mlp_tensor.cuh"
#include "cuda/primitives/wgmma_left.cuh"

namespace mylos::cuda {

/// tanh x to 4 units in the last place, without branches: each lane has another x.
__device__ __forceinline__ float tanh_of_any(float x) {
  const float a = fabsf(x);
  float e;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(e) : "f"(a * 2.8853900817779268F));  // e^(2 a)
  const float large = fmaf(-2.0F, math::Precise::divide(1.0F, e + 1.0F), 1.0F);
  const float square = x * x;
  float p = fmaf(square, 1.643758066e-2F, -5.267181359e-2F);
  p = fmaf(p, square, 1.333007216e-1F);
  p = fmaf(p, square, -3.333321810e-1F);
  const float small = fmaf(p * square, x, x);
  return a < 0.55F ? small : copysignf(large, x);
}

/// One layer between the first and the last, or as many as there are.
enum class MlpDepth : int { three, any };

template <int Width>
struct MlpGroupWarp : MlpHalvesWarp<Width, 1> {
  using Base = MlpHalvesWarp<Width, 1>;
  using Base::lane;
  using Base::N;
  using typename Base::Hidden;
  using typename Base::Trouble;
  using typename Base::Values;
  static constexpr MlpSide side = MlpSide::pieces;
  static constexpr int threads = 128;
  template <int Tiles>
  using Sums = typename Base::template Sums<Tiles>;

  static __device__ __forceinline__ std::uint32_t descriptor(const unsigned char* memory) {
    return pieces_descriptor(static_cast<std::uint32_t>(__cvta_generic_to_shared(memory)));
  }
  template <int Tiles>
  __device__ __forceinline__ void start(const unsigned char* bias, float (&d)[4 * Tiles]) const {
    const auto* const from = reinterpret_cast<const float4*>(bias) + lane.t;
#pragma unroll
    for (int n = 0; n < Tiles; ++n) {
      const float4 b = from[4 * n];
      d[4 * n] = b.x;
      d[4 * n + 1] = b.y;
      d[4 * n + 2] = b.z;
      d[4 * n + 3] = b.w;
    }
  }
  /// Of a tile of samples, while products may run, which read `x` and write `sum`.
  struct Tile {
    Values v;
    Trouble trouble;
    Hidden x;
    float sum[4 * N];

    __device__ __forceinline__ void wait() {
      wait_for_products();
      pin(sum);
    }
    __device__ __forceinline__ Sums<N>& sums() { return reinterpret_cast<Sums<N>&>(sum); }
  };

  /// As vectors come: arrange() before the values are used, which would wait for them.
  template <int Tiles, class Stream>
  static __device__ __forceinline__ void load(const Stream& x, Values& v) {
#pragma unroll
    for (int i = 0; i < 2 * Tiles; ++i) {
      float2 two = {};
      if (x.has(i / 2, i % 2))
        two = GlobalAccess::load(reinterpret_cast<const float2*>(x.at + i / 2 * x.eights + i % 2 * x.second));
      v[i / 2][0][i % 2 * 2] = two.x;
      v[i / 2][0][i % 2 * 2 + 1] = two.y;
    }
  }
  template <int Tiles, class Stream>
  static __device__ __forceinline__ void arrange(const Stream& x, Values& v) {
#pragma unroll
    for (int j = 0; j < Tiles; ++j) {
      const float a = v[j][0][1];
      const float b = v[j][0][2];
      v[j][0][1] = x.pairs ? a : b;
      v[j][0][2] = x.pairs ? b : a;
    }
  }
  template <int Tiles, class Stream>
  static __device__ __forceinline__ void store(const Stream& y, Values& v) {
    arrange<Tiles>(y, v);
#pragma unroll
    for (int i = 0; i < 2 * Tiles; ++i)
      if (y.has(i / 2, i % 2))
        GlobalAccess::store(reinterpret_cast<float2*>(y.at + i / 2 * y.eights + i % 2 * y.second),
                            float2{v[i / 2][0][i % 2 * 2], v[i / 2][0][i % 2 * 2 + 1]});
  }
  /// Calls visit(number in Values, sample, feature) for what exists of the warp's samples from `begin` on.
  template <int Tiles, class Visit>
  __device__ __forceinline__ void for_each(std::int64_t begin, int features, const Visit& visit) const {
#pragma unroll
    for (int i = 0; i < 4 * Tiles; ++i) {
      const int feature = i / 4 * 8 + 2 * lane.t + i % 2;
      const std::int64_t sample = begin + lane.row(i % 4 / 2);
      if (feature < features && sample < this->p.count) visit(i, sample, feature);
    }
  }
  template <int Tiles, class Stream>
  __device__ __forceinline__ void load_each(std::int64_t begin, const Stream& x, Values& v) const {
#pragma unroll
    for (int i = 0; i < 4 * Tiles; ++i) v[i / 4][0][i % 4] = 0;
    for_each<Tiles>(begin, this->p.samples.in, [&](int i, std::int64_t sample, int feature) {
      v[i / 4][0][i % 4] = static_cast<const float*>(
          this->p.samples.x)[sample * this->p.samples.x_stride.stride[0] + feature * this->p.samples.x_feature];
    });
    arrange<Tiles>(x, v);  // twice is not at all
  }
  /// All but bad samples, of which a bit is returned for each of the warp.
  template <int Tiles>
  __device__ __forceinline__ unsigned store_each(std::int64_t begin, const Values& v, const Trouble& trouble) const {
    MlpGroupWarp here = *this;
    here.lane.first = begin;
    unsigned again = 0;
    const unsigned bad = here.template bad_slots<Tiles>(v, Base::marked_slots(trouble), again);
    for_each<Tiles>(begin, this->p.samples.out, [&](int i, std::int64_t sample, int feature) {
      if ((bad >> (i % 4 / 2) & 1U) == 0)
        static_cast<float*>(
            this->p.samples.y)[sample * this->p.samples.y_stride.stride[0] + feature * this->p.samples.y_feature] =
            v[i / 4][0][i % 4];
    });
    return __ballot_sync(0xffffffffU, again != 0);
  }

  /// Begins sum = x * weights + bias.
  template <int Inputs>
  __device__ __forceinline__ void multiply(const unsigned char* memory, Tile& tile) const {
    constexpr MlpLayerTiles tiles{Inputs, N, false, side};
    constexpr int part = N * 256 / 16;
    const std::uint32_t weights = descriptor(memory);
    start<N>(memory + tiles.weight_bytes(), tile.sum);
    fence_products();
#pragma unroll
    for (int j = 0; j < tiles.steps(); ++j) {
      const std::uint32_t from = weights + 3 * j * part;
      multiply_add_left<true>(tile.sum, tile.x[j][0].low, from);
      multiply_add_left<true>(tile.sum, tile.x[j][0].high, from + part);
      multiply_add_left<true>(tile.sum, tile.x[j][0].high, from + 2 * part);
    }
    end_products();
  }
  /// Eight results alone: by a warp's own products, which take half the time.
  __device__ __forceinline__ void multiply_at_once(const unsigned char* memory, const Hidden& x, float (&d)[4]) const {
    constexpr MlpLayerTiles tiles{N, 1, false, side};
    start<1>(memory + tiles.weight_bytes(), d);
#pragma unroll
    for (int j = 0; j < tiles.steps(); ++j) {
      const uint4 small = reinterpret_cast<const uint4*>(memory + 768 * j)[this->number()];
      const uint2 large = reinterpret_cast<const uint2*>(memory + 768 * j + 512)[this->number()];
      multiply_add_halves(d, x[j][0].low, small.x, small.y, d);
      multiply_add_halves(d, x[j][0].high, small.z, small.w, d);
      multiply_add_halves(d, x[j][0].high, large.x, large.y, d);
    }
  }

  /// Begins the first layer, after which v may be overwritten.
  template <int Inputs>
  __device__ __forceinline__ void begin(const unsigned char* memory, Tile& tile) const {
    if constexpr (!mlp_first_is_exact(Inputs, Base::unit)) {
      this->template scale<Inputs>(tile.v, mlp_whole_scale);
      tile.trouble.small |= this->template small_slots<Inputs, false>(tile.v);
      this->template split<false, Inputs>(tile.v, tile.x, tile.trouble);
      multiply<Inputs>(memory, tile);
    } else {
      constexpr MlpLayerTiles tiles{Inputs, N, true, side};
      constexpr int part = N * 256 / 16;
      const std::uint32_t weights = descriptor(memory);
      this->template find_huge<Inputs>(tile.v, tile.trouble);
      for (float& nan : tile.trouble.nan) asm volatile("" : "+f"(nan));  // now, not when v is no more
#pragma unroll
      for (int i = 0; i < 4 * Inputs; ++i) {
        const float one = tile.v[i / 4][0][i % 4 / 2 + i % 2 * 2];
        auto& parts = tile.x[i / 4][0];
        parts.high[i % 4] = cut_to_tf32(one);
        parts.low[i % 4] = __float_as_uint(one - __uint_as_float(parts.high[i % 4]));
      }
      start<N>(memory + tiles.weight_bytes(), tile.sum);
      fence_products();
#pragma unroll
      for (int j = 0; j < Inputs; ++j) {
        const std::uint32_t from = weights + 2 * j * part;
        multiply_add_left<false>(tile.sum, tile.x[j][0].low, from);
        multiply_add_left<false>(tile.sum, tile.x[j][0].high, from + part);
        multiply_add_left<false>(tile.sum, tile.x[j][0].high, from);
      }
      end_products();
    }
  }

  template <int Tiles, class Function>
  static __device__ __forceinline__ void apply(Sums<Tiles>& sum, const Function& function) {
#pragma unroll
    for (int i = 0; i < 4 * Tiles; ++i) {
      float& one = sum[i / 4][0][i % 4];
      one = function(one * (1 / mlp_whole_scale)) * mlp_whole_scale;
    }
  }
  /// All but relu.
  template <int Tiles>
  static __device__ __forceinline__ void activate(MlpActivation activation, Sums<Tiles>& sum) {
    switch (activation) {
      case MlpActivation::tanh:
        return apply<Tiles>(sum, [](float v) { return tanh_of_any(v); });
      case MlpActivation::gelu:
        return apply<Tiles>(sum, [](float v) { return op::gelu<math::Precise>(v); });
      case MlpActivation::silu:
        return apply<Tiles>(sum, [](float v) { return op::silu<math::Precise>(v); });
      case MlpActivation::sigmoid:
        return apply<Tiles>(sum, [](float v) { return op::sigmoid<math::Precise>(v); });
      default:
        return;
    }
  }
  /// From a hidden layer's sums to the next layer's values.
  template <bool Relu>
  static __device__ __forceinline__ void finish(MlpActivation activation, bool is_checked, Tile& tile) {
    Sums<N>& sum = tile.sums();
    if (Relu || activation == MlpActivation::relu) {
      if (is_checked) tile.trouble.small |= Base::template small_slots<N, true>(sum);
      Base::template split<true, N>(sum, tile.x, tile.trouble);
    } else {
      activate<N>(activation, sum);
      if (is_checked) tile.trouble.small |= Base::template small_slots<N, false>(sum);
      Base::template split<false, N>(sum, tile.x, tile.trouble);
    }
  }
  /// From the last layer's sums to results.
  template <int Tiles>
  static __device__ __forceinline__ void finish_last(MlpActivation activation, Sums<Tiles>& sum, const Trouble& trouble,
                                                     Values& y) {
    if (activation == MlpActivation::relu)
      apply<Tiles>(sum, [](float v) { return math::Precise::maximum(v, 0.0F); });
    else
      activate<Tiles>(activation, sum);
    Base::results(sum, trouble, y);
  }
  /// From the first layer, begun, to the results. `checked`: a bit for each layer whose small results count.
  template <int Outputs, MlpDepth Depth, bool Relu>
  __device__ __forceinline__ void finish_all(const unsigned char* weights, unsigned checked, Tile& tile,
                                             Values& y) const {
    constexpr MlpLayerTiles hidden{N, N, false, side};
    const MlpTilesParameters<float>& p = this->p;
    const auto values_of = [&](int l) {
      tile.wait();
      finish<Relu>(p.activation[l], (checked >> l & 1U) != 0, tile);
    };
    const auto between = [&](int l) {
      values_of(l);
      multiply<N>(weights, tile);
      weights += hidden.bytes();
    };
    if constexpr (Depth == MlpDepth::three) {
      between(0);
    } else {
#pragma unroll 1
      for (int l = 0; l < p.layers - 2; ++l) between(l);
    }
    const MlpActivation last = Relu ? MlpActivation::none : p.activation[p.layers - 1];
    if constexpr (Outputs == N) {
      between(p.layers - 2);
      tile.wait();
      finish_last<N>(last, tile.sums(), tile.trouble, y);
    } else {
      values_of(p.layers - 2);
      Sums<1> sum;
      multiply_at_once(weights, tile.x, sum[0][0]);
      finish_last<1>(last, sum, tile.trouble, y);
    }
  }
};

/// How a lane's features of its two samples move: two vectors of two floats for each 8 features, those of a sample
/// (pairs), or of a feature (samples). `at` is where the first one is of the warp's next samples.
template <class Float>
struct MlpGroupStream {
  Float* at;
  std::int64_t second;  // elements from the first vector to the second
  std::int64_t eights;  // elements from 8 features to the next
  std::int64_t tile;    // elements from 16 samples to the next
  std::int64_t step;    // elements from a block's samples to its next ones
  int features[2];      // beyond the lane's: the last eight has the vector where there are any
  bool pairs;
  bool vectors;

  __device__ __forceinline__ MlpGroupStream(Float* data, MlpAccess access, const MlpLane& lane, std::int64_t sample,
                                            std::int64_t feature, std::int64_t samples_a_step, int all)
      : at(data + lane.sample(0) * sample + 2 * lane.t * feature),
        second(access == MlpAccess::pairs ? (lane.row(1) - lane.row(0)) * sample : feature),
        eights(8 * feature),
        tile(16 * sample),
        step(samples_a_step * sample),
        features{all - 2 * lane.t, all - 2 * lane.t - (access == MlpAccess::pairs ? 0 : 1)},
        pairs(access == MlpAccess::pairs),
        vectors(access != MlpAccess::single) {}

  /// To the warp's next 16 samples, from the first or the second ones of a block's.
  __device__ __forceinline__ void advance(int half) { at += half == 0 ? tile : step - tile; }
  __device__ __forceinline__ bool has(int eight, int vector) const { return 8 * eight < features[vector]; }
};

/// Relu: all hidden layers are that, and the last layer has no chain.
template <int Width, int Inputs, int Outputs, MlpDepth Depth, bool Relu>
__global__ void __launch_bounds__(128, mlp_group_blocks(Width, Inputs))
    mlp_group_kernel(const __grid_constant__ MlpTilesParameters<float> p) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)  // else empty
  using Warp = MlpGroupWarp<Width>;
  constexpr MlpLayerTiles first{Inputs, Warp::N, mlp_first_is_exact(Inputs, Warp::unit), Warp::side};
  extern __shared__ __align__(16) unsigned char memory[];
  if (p.left.state->all != 0) return;
  const unsigned checked = p.left.state->checked;
  copy_to_shared(memory, p.weights, p.bytes);
  fence_shared_writes();
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x) % 32;
  // A block takes 128 samples, 32 neighbours for each warp, in two halves: what is left of them is one entry of a list.
  constexpr int rows = 128;
  static_assert(MlpWarp<float, Width>::rows == 32, "the list is of mlp_tiles.cuh");
  const auto numbers = static_cast<unsigned>((p.count + rows - 1) / rows);
  const auto whole = static_cast<unsigned>(p.count / rows);
  const auto begin_of = [&](unsigned number) { return (number * std::int64_t{4} + threadIdx.x / 32) * 32; };
  const Warp own{{{p, {begin_of(blockIdx.x), lane / 4, lane % 4, 2, p.chunked, Warp::all_wanted}}}};
  const auto at_once = static_cast<std::int64_t>(gridDim.x) * rows;
  MlpGroupStream<const float> x(static_cast<const float*>(p.samples.x), p.x, own.lane, p.samples.x_stride.stride[0],
                                p.samples.x_feature, at_once, p.samples.in);
  MlpGroupStream<float> y(static_cast<float*>(p.samples.y), p.y, own.lane, p.samples.y_stride.stride[0],
                          p.samples.y_feature, at_once, p.samples.out);
  typename Warp::Tile tile;
  const auto load = [&](unsigned number, int half) {
    if (number >= numbers) return;
    if (x.vectors && number < whole)
      Warp::template load<Inputs>(x, tile.v);
    else
      own.template load_each<Inputs>(begin_of(number) + 16 * half, x, tile.v);
    x.advance(half);
  };
  constexpr bool loads_early = Inputs <= 2;  // the next samples, that is: few registers
  if (loads_early) load(blockIdx.x, 0);
  unsigned left = 0;
  int half = 0;
  for (unsigned number = blockIdx.x; number < numbers; half ^= 1) {
    const unsigned next = half == 0 ? number : number + gridDim.x;
    if (!loads_early) load(number, half);
    tile.trouble = {};
    Warp::template arrange<Inputs>(x, tile.v);
    own.template begin<Inputs>(memory, tile);
    if (loads_early) load(next, half ^ 1);
    typename Warp::Values results;
    own.template finish_all<Outputs, Depth, Relu>(memory + first.bytes(), checked, tile, results);
    const bool is_bad = own.template has_nan<Outputs>(results) || Warp::has_trouble(tile.trouble);
    if (y.vectors && number < whole && !__any_sync(0xffffffffU, is_bad))
      Warp::template store<Outputs>(y, results);
    else
      left |= own.template store_each<Outputs>(begin_of(number) + 16 * half, results, tile.trouble) << (16 * half);
    y.advance(half);
    if (half != 0 && left != 0) {
      if (lane == 0)
        p.left.list[atomicAdd(&p.left.state->listed, 1U)] = {static_cast<unsigned>(begin_of(number) / 32), left};
      left = 0;
    }
    number = next;
  }
#endif
}

template <int Width, int Inputs, int Outputs, MlpDepth Depth>
MlpTensorKernel mlp_group_kernel_for(const Mlp& network) {
  const int layers = network.size();
  bool relu = network[layers - 1].chain.empty();
  for (int l = 0; l + 1 < layers; ++l) relu = relu && mlp_activation(network[l].chain) == MlpActivation::relu;
  return relu ? mlp_group_kernel<Width, Inputs, Outputs, Depth, true>
              : mlp_group_kernel<Width, Inputs, Outputs, Depth, false>;
}
template <int Width, int Inputs, int Outputs>
MlpTensorKernel mlp_group_kernel_for(const Mlp& network) {
  return network.size() == 3 ? mlp_group_kernel_for<Width, Inputs, Outputs, MlpDepth::three>(network)
                             : mlp_group_kernel_for<Width, Inputs, Outputs, MlpDepth::any>(network);
}
template <int Width, int Inputs>
MlpTensorKernel mlp_group_kernel_for(const Mlp& network, int out_tiles) {
  if (out_tiles == 1) return mlp_group_kernel_for<Width, Inputs, 1>(network);
  return mlp_group_kernel_for<Width, Inputs, Width / 8>(network);
}

template <int Width>
void run_mlp_group_of(const detail::MlpProblem& problem, const detail::Queue& queue) {
  constexpr int unit = MlpWarp<float, Width>::unit;
  const Mlp& network = *problem.network;
  run_mlp_tensor_on<MlpGroupWarp<Width>>(problem, queue, [&network](int in_tiles, int out_tiles) {
    if (in_tiles == unit) return mlp_group_kernel_for<Width, unit>(network, out_tiles);
    if (in_tiles == 2 * unit) return mlp_group_kernel_for<Width, 2 * unit>(network, out_tiles);
    return mlp_group_kernel_for<Width, 4 * unit>(network, out_tiles);
  });
}

}  // namespace mylos::cuda
