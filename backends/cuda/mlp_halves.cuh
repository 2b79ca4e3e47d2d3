// What a warp does with its samples where hidden layers are products of f16: every f32 is two of them.
//
// A hidden value v is x = 2^4 v: high = f16(x), cut with relu, and low = f16(2^10 (x - high)). A weight is high =
// f16(2^10 w), rounded away from 0, and low = f16(2^10 w - high). A sum is 2^10 x of the next layer, low high + high
// low
// + high high, where the first one's weight is 2^-10 high. What is lost:
//   2^-22 of x, and where x is small 2^-35: 2^-39 of v
//   2^-22 of w, and where w is small 2^-34
//   the product of the low parts, 2^-20 of w x.
// With relu a value beyond the range ends at the largest f16, by which its sample is found. Else it is infinite, and
// low is so with the other sign: their products with a weight, or 0, add up to NaN. Values below 2^-17 lose more than
// 2^-22. That is no more than 4 u of the layer's bias if this is as large; else they are looked for (is_checked).
#pragma once

#include "cuda/mlp_warp.cuh"

namespace mylos::cuda {

inline constexpr float mlp_value_scale = 16;                               // x of v
inline constexpr float mlp_sum_scale = 1024;                               // a sum of x
inline constexpr float mlp_whole_scale = mlp_value_scale * mlp_sum_scale;  // a sum of v
/// Where |v| is less, something of it may be lost that counts: 2^-22 of it.
inline constexpr float mlp_least_value = 0x1p-17F;
/// A row of weights has one of this size, or none but 0.
inline constexpr float mlp_least_weight = 0x1p-7F;
inline constexpr float mlp_largest_weight = 62;  // times 2^10: within f16
/// Of the first layer where it is exact: with inputs up to 2^64, no sum is infinite.
inline constexpr float mlp_largest_exact = 0x1p40F;
inline constexpr std::uint32_t mlp_down = 0x14001400U;  // 2^-10 twice, in f16

struct MlpHalvesLayout {
  const MlpRecord<float>* record;
  unsigned char* to;
  int unit;
  int layers;
  MlpSide side;
  unsigned checked;  // layers whose small results count, whatever the biases
  MlpLeft::State* state;
  MlpLayout<float> rest;  // of mlp_tiles.cuh
};

/// High halves of two weights, low ones.
__device__ __forceinline__ uint2 split_mlp_weights(float w0, float w1) {
  const auto away = [](float w) {
    const std::uint32_t bits = round_to_halves(w, 0);
    return fabsf(low_half(bits)) < fabsf(w) ? bits + 1 : bits;
  };
  const std::uint32_t h0 = away(w0);
  const std::uint32_t h1 = away(w1);
  return {h0 | h1 << 16, round_to_halves(w0 - low_half(h0), w1 - low_half(h1))};
}

/// Weights as a warpgroup's products read them (primitives/wgmma_left.cuh): for each step of K the parts one after
/// another, in the order in which they are multiplied. By a block of 256.
__device__ __forceinline__ void lay_out_mlp_pieces(const detail::MlpLayer<float>& layer, unsigned char* to,
                                                   const MlpLayerTiles& tiles) {
  const auto weight = [&](int output, int input) {
    return output < layer.out && input < layer.in ? layer.weight[output * layer.in + input] : 0.0F;
  };
  const int part = tiles.out * 64;  // words
  for (int i = static_cast<int>(threadIdx.x); i < tiles.steps() * part; i += 256) {
    const int step = i / part;
    const int piece = i % part / 32;
    const int output = piece / 2 * 8 + i % 32 / 4;
    const int word = i % 4;
    auto* const at = reinterpret_cast<std::uint32_t*>(to) + step * tiles.parts() * part + i % part;
    if (tiles.is_exact) {
      // Columns t and t + 4 are features 2 t and 2 t + 1, as in MlpArithmetic.
      const float w = weight(output, step * 8 + word * 2 + piece % 2) * mlp_whole_scale;
      at[0] = round_to_tf32(w);
      at[part] = round_to_tf32(w - __uint_as_float(at[0]));
    } else {
      const int input = step * 16 + piece % 2 * 8 + word * 2;
      const uint2 both =
          split_mlp_weights(weight(output, input) * mlp_sum_scale, weight(output, input + 1) * mlp_sum_scale);
      // For a warp's own products a lane's words of both pieces lie side by side: small ones first, then the others.
      const bool by_lane = tiles.out == 1;
      const int number = i % 32;
      auto* const begin = at - i % part;
      *(by_lane ? begin + number * 4 + piece : at) = multiply_halves(both.x, mlp_down);
      *(by_lane ? begin + number * 4 + piece + 2 : at + part) = both.y;
      *(by_lane ? begin + 128 + number * 2 + piece : at + 2 * part) = both.x;
    }
  }
}

/// Two blocks for each layer, one for each kernel. Weights that do not fit leave everything to the other kernel; biases
/// that are small make small results count.
static __global__ void __launch_bounds__(256) mlp_halves_layout_kernel(const __grid_constant__ MlpHalvesLayout k) {
  const int l = static_cast<int>(blockIdx.x) / 2;
  if (blockIdx.x % 2 != 0) return lay_out_mlp_layer(k.rest, l);
  const auto tiles_of = [&](int i) {
    return mlp_layer_tiles(i, k.layers, k.record[i].layer.in, k.record[i].layer.out, k.unit, k.side);
  };
  unsigned char* to = k.to;
  for (int i = 0; i < l; ++i) to += tiles_of(i).bytes();
  const detail::MlpLayer<float>& layer = k.record[l].layer;
  const MlpLayerTiles tiles = tiles_of(l);
  const float largest_weight = tiles.is_exact ? mlp_largest_exact : mlp_largest_weight;
  bool fits = true;
  bool is_small = false;
  for (int output = static_cast<int>(threadIdx.x); output < layer.out; output += 256) {
    float largest = 0;
    for (int input = 0; input < layer.in; ++input) {
      const float w = fabsf(layer.weight[output * layer.in + input]);
      fits = fits && w < largest_weight;
      largest = fmaxf(largest, w);
    }
    const float bias = fabsf(layer.bias[output]);
    fits = fits && bias < mlp_largest_exact && (tiles.is_exact || largest == 0 || largest >= mlp_least_weight);
    is_small = is_small || bias < mlp_least_value;
  }
  const bool some_do_not_fit = __syncthreads_or(!fits) != 0;
  const bool some_are_small = __syncthreads_or(is_small) != 0;
  if (threadIdx.x == 0) {
    if (some_do_not_fit) k.state->all = 1;
    if (some_are_small || (k.checked >> l & 1U) != 0) atomicOr(&k.state->checked, 1U << l);
  }
  if (tiles.side == MlpSide::pieces) {
    lay_out_mlp_pieces(layer, to, tiles);
  } else if (tiles.is_exact) {
    lay_out_mlp_weights(layer, to, tiles.in, 8, tiles.out, mlp_whole_scale,
                        [](const auto& weight, int output, int input) {
                          return MlpArithmetic<float>::weights(weight(output, input), weight(output, input + 1));
                        });
  } else {
    lay_out_mlp_weights(layer, to, tiles.steps(), 16, tiles.out, mlp_sum_scale,
                        [](const auto& weight, int output, int input) {
                          const uint2 a = split_mlp_weights(weight(output, input), weight(output, input + 1));
                          const uint2 b = split_mlp_weights(weight(output, input + 8), weight(output, input + 9));
                          return uint4{a.x, b.x, a.y, b.y};
                        });
  }
  lay_out_mlp_bias(layer, reinterpret_cast<float*>(to + tiles.weight_bytes()), tiles.out, mlp_whole_scale);
}

template <int Width, int TilesAtOnce = mlp_tuning(Width, 4).tiles>
struct MlpHalvesWarp : MlpWarp<float, Width, MlpFirstArithmetic, TilesAtOnce> {
  using Base = MlpWarp<float, Width, MlpFirstArithmetic, TilesAtOnce>;
  static constexpr MlpSide side = MlpSide::lanes;
  static constexpr int threads = mlp_tensor_tuning(Width).threads;
  using Values = typename Base::Values;
  using Base::lane;
  using Base::M;
  using Base::N;
  template <int Tiles>
  using Sums = float[Tiles][M][4];

  /// Of 16 features of 16 samples, as the left side of a product.
  struct Halves {
    std::uint32_t high[4];
    std::uint32_t low[4];
  };
  using Hidden = Halves[(N + 1) / 2][M];

  /// What a sample may be found by that does not fit, for each slot.
  struct Trouble {
    std::uint32_t largest[2 * M] = {};  // high halves with relu, which end at the largest f16
    unsigned small = 0;                 // bits
    float nan[2 * M] = {};              // 0 or NaN
  };

  /// Two sums; negative ones are 0 with Relu: cut, both halves have the same sign, so that this costs nothing.
  template <bool Relu>
  static __device__ __forceinline__ void split(float even, float odd, std::uint32_t& high, std::uint32_t& low) {
    const float e = even * (1 / mlp_sum_scale);
    const float o = odd * (1 / mlp_sum_scale);
    high = Relu ? cut_to_positive_halves(e, o) : round_to_halves(e, o);
    low = round_to_halves<Relu>(fmaf(low_half(high), -mlp_sum_scale, even), fmaf(high_half(high), -mlp_sum_scale, odd));
  }
  template <bool Relu, int Tiles, int All>
  static __device__ __forceinline__ void split(const float (&sum)[All][M][4], Hidden& x, Trouble& trouble) {
#pragma unroll
    for (int n = 0; n < Tiles; ++n)
#pragma unroll
      for (int i = 0; i < 2 * M; ++i) {
        const float(&pair)[4] = sum[n][i / 2];
        Halves& to = x[n / 2][i / 2];
        std::uint32_t& high = to.high[n % 2 * 2 + i % 2];
        split<Relu>(pair[i % 2 * 2], pair[i % 2 * 2 + 1], high, to.low[n % 2 * 2 + i % 2]);
        if (Relu && n % 2 != 0) trouble.largest[i] = largest_halves(trouble.largest[i], to.high[i % 2], high);
      }
    static_assert(!Relu || Tiles % 2 == 0, "in twos");
  }

  /// sum = x * weights + bias for so many times 8 inputs and outputs.
  template <int Inputs, int Outputs>
  __device__ __forceinline__ void multiply(const unsigned char* memory, const Hidden& x, Sums<Outputs>& sum) const {
    constexpr int steps = (Inputs + 1) / 2;
    const auto* const weights = reinterpret_cast<const uint4*>(memory) + this->number();
    const auto* const bias = reinterpret_cast<const typename Base::Bias*>(memory + steps * Outputs * 512) + lane.t;
#pragma unroll
    for (int j = 0; j < steps; ++j) {
      // A few products that do not wait for each other, before those that wait for them.
      constexpr int group = Outputs < 4 ? Outputs : 4;
#pragma unroll
      for (int first = 0; first < Outputs; first += group) {
        uint4 w[group];
#pragma unroll
        for (int n = 0; n < group; ++n) w[n] = weights[(j * Outputs + first + n) * 32];
#pragma unroll
        for (int n = 0; n < group; ++n) {
          const std::uint32_t w0 = multiply_halves(w[n].x, mlp_down);
          const std::uint32_t w1 = multiply_halves(w[n].y, mlp_down);
          if (j == 0) {
            const typename Base::Bias b = bias[4 * (first + n)];
#pragma unroll
            for (int m = 0; m < M; ++m) multiply_add_halves(sum[first + n][m], x[j][m].low, w0, w1, b.value);
          } else {
#pragma unroll
            for (int m = 0; m < M; ++m) multiply_add_halves(sum[first + n][m], x[j][m].low, w0, w1, sum[first + n][m]);
          }
        }
#pragma unroll
        for (int i = 0; i < group * M; ++i) {
          float(&d)[4] = sum[first + i / M][i % M];
          multiply_add_halves(d, x[j][i % M].high, w[i / M].z, w[i / M].w, d);
        }
#pragma unroll
        for (int i = 0; i < group * M; ++i) {
          float(&d)[4] = sum[first + i / M][i % M];
          multiply_add_halves(d, x[j][i % M].high, w[i / M].x, w[i / M].y, d);
        }
      }
    }
  }

  template <int Tiles, int All>
  static __device__ __forceinline__ void scale(float (&v)[All][M][4], float factor) {
#pragma unroll
    for (int i = 0; i < Tiles * 4 * M; ++i) v[i / (4 * M)][i / 4 % M][i % 4] *= factor;
  }
  static __device__ __forceinline__ void copy(const Sums<N>& from, Sums<N>& to) {
#pragma unroll
    for (int i = 0; i < N * 4 * M; ++i) to[i / (4 * M)][i / 4 % M][i % 4] = from[i / (4 * M)][i / 4 % M][i % 4];
  }
  /// Of the last layer's sums; zeros behind them.
  template <int Tiles>
  static __device__ __forceinline__ void results(const Sums<Tiles>& sum, const Trouble& trouble, Values& y) {
#pragma unroll
    for (int n = 0; n < N; ++n)
#pragma unroll
      for (int i = 0; i < 4 * M; ++i)
        y[n][i / 4][i % 4] =
            n < Tiles ? fmaf(sum[n < Tiles ? n : 0][i / 4][i % 4], 1 / mlp_whole_scale, trouble.nan[i / 2]) : 0.0F;
  }
  /// Whether a slot had one.
  static __device__ __forceinline__ bool has_trouble(const Trouble& trouble) {
    std::uint32_t any = 0;
#pragma unroll
    for (int slot = 0; slot < 2 * M; ++slot) any |= trouble.largest[slot] + 0x04010401U;
    return (any & 0x80008000U) != 0 || trouble.small != 0;
  }
  /// A bit for each slot that had a value of 4096 or more, or a small one that counts.
  static __device__ __forceinline__ unsigned marked_slots(const Trouble& trouble) {
    unsigned marked = trouble.small;
#pragma unroll
    for (int slot = 0; slot < 2 * M; ++slot)
      if (((trouble.largest[slot] + 0x04010401U) & 0x80008000U) != 0) marked |= 1U << slot;  // 0x7bff or more
    return marked;
  }
  /// A bit for each slot that has a sum which is small, but not 0. Positive: negative ones do not count.
  template <int Tiles, bool Positive, int All>
  static __device__ __forceinline__ unsigned small_slots(const float (&v)[All][M][4]) {
    unsigned least[2 * M];
#pragma unroll
    for (unsigned& one : least) one = 0xffffffffU;
#pragma unroll
    for (int i = 0; i < Tiles * 4 * M; ++i) {
      const unsigned bits = __float_as_uint(v[i / (4 * M)][i / 4 % M][i % 4]);
      unsigned& one = least[i / 4 % M * 2 + i / 2 % 2];
      one = __viaddmin_u32(Positive ? bits : bits & 0x7fffffffU, 0xffffffffU, one);
    }
    unsigned small = 0;
#pragma unroll
    for (int slot = 0; slot < 2 * M; ++slot)
      if (least[slot] < __float_as_uint(mlp_least_value * mlp_whole_scale) - 1) small |= 1U << slot;
    return small;
  }

  /// NaN for samples with inputs of 2^64 or more.
  template <int Inputs>
  static __device__ __forceinline__ void find_huge(const Values& v, Trouble& trouble) {
#pragma unroll
    for (int slot = 0; slot < 2 * M; ++slot) {
      float squares = 0;
#pragma unroll
      for (int i = 0; i < 2 * Inputs; ++i) {
        const float one = v[i / 2][slot / 2][slot % 2 * 2 + i % 2];
        squares = i == 0 ? one * one : fmaf(one, one, squares);
      }
      trouble.nan[slot] = squares * 0.0F;
    }
  }
  /// The first layer, from values to sums.
  template <int Inputs>
  __device__ __forceinline__ void first(const unsigned char* memory, Values& v, Sums<N>& sum, Trouble& trouble) const {
    if constexpr (mlp_first_is_exact(Inputs, Base::unit)) {
      find_huge<Inputs>(v, trouble);
      Base::template sums<Inputs, N>(memory, v, sum);
    } else {
      scale<Inputs>(v, mlp_whole_scale);
      trouble.small |= small_slots<Inputs, false>(v);
      Hidden x = {};
      split<false, Inputs>(v, x, trouble);
      multiply<Inputs, N>(memory, x, sum);
    }
  }
  /// What is left of a hidden layer that is not relu, or not that alone.
  __device__ __forceinline__ void finish(MlpActivation activation, bool is_checked, const MlpRecord<float>* record,
                                         Sums<N>& sum, Trouble& trouble) const {
    if (activation != MlpActivation::relu) {
      scale<N>(sum, 1 / mlp_whole_scale);
      this->apply_chain(record, sum);
      scale<N>(sum, mlp_whole_scale);
    }
    if (is_checked) trouble.small |= small_slots<N, false>(sum);
  }
  /// From a layer's sums to the next one's. In one piece with relu, so that the one's end and the other's beginning
  /// mix.
  template <int Outputs>
  __device__ __forceinline__ void next(MlpActivation activation, const unsigned char* memory, const Sums<N>& from,
                                       Sums<Outputs>& to, Trouble& trouble) const {
    Hidden x;
    if (activation == MlpActivation::relu) {
      split<true, N>(from, x, trouble);
      multiply<N, Outputs>(memory, x, to);
    } else {
      split<false, N>(from, x, trouble);
      multiply<N, Outputs>(memory, x, to);
    }
  }
};

}  // namespace mylos::cuda
