// What a network's layers are on the tensor cores: weights laid out as the products take them, f32 split in two.
//
// A product of f32 numbers is that of two TensorFloat-32 parts each, the product of the small parts left out:
// (h + l)(h' + l') = l h' + h l' + h h'. A value is cut: h has its first 11 bits, and of the 13 that are left l loses
// the last two, 3 * 2^-23 of the value. A weight is rounded, to within 2^-23, which makes the product of the small
// parts at most 2^-21. Together 2^-20 of a product at worst. Both parts have the exponents of f32, so there is no range
// in which this fails; where h is infinite, l is NaN, and so is what comes of it (mlp_tiles.cuh).
#pragma once

#include "core/apply.hpp"
#include "cuda/mlp_shape.hpp"
#include "cuda/primitives/mma.cuh"
#include "mlp/pack.hpp"

namespace mylos::cuda {

using detail::MlpRecord;

/// A column of a matrix product's left side takes the values as the right side of the one before left them: features
/// 8 j + 2 t and 8 j + 2 t + 1 of lane (g, t) stand for columns t and t + 4 of step j. So nothing moves between lanes.
template <class T>
struct MlpArithmetic;

template <>
struct MlpArithmetic<float> {
  using Weights = uint4;  // of two features: large parts, small parts
  static __device__ __forceinline__ Weights weights(float w0, float w1) {
    const std::uint32_t h0 = round_to_tf32(w0);
    const std::uint32_t h1 = round_to_tf32(w1);
    return {h0, h1, round_to_tf32(w0 - __uint_as_float(h0)), round_to_tf32(w1 - __uint_as_float(h1))};
  }
  using Type = float;
  /// Where feature c of two of sample h of two is among a lane's four values: as products take it.
  static MYLOS_HOST_DEVICE constexpr int place(int h, int c) { return 2 * c + h; }
  struct Values {
    std::uint32_t high[4];
    std::uint32_t low[4];
    __device__ __forceinline__ void take(const float (&v)[4]) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        high[i] = cut_to_tf32(v[i]);
        low[i] = __float_as_uint(v[i] - __uint_as_float(high[i]));
      }
    }
  };
  /// The larger of the two; NaN stays.
  static __device__ __forceinline__ float at_least(float v, float floor) { return math::Precise::maximum(v, floor); }
  /// Products of which `values * weights` consists, the small ones first.
  static constexpr int parts = 3;
  /// d = c + part of values * weights; d may be c.
  template <int Part>
  static __device__ __forceinline__ void add(float (&d)[4], const Values& v, const Weights& w, const float (&c)[4]) {
    if constexpr (Part == 0) multiply_add(d, v.low, w.x, w.y, c);
    if constexpr (Part == 1) multiply_add(d, v.high, w.z, w.w, c);
    if constexpr (Part == 2) multiply_add(d, v.high, w.x, w.y, c);
  }
};

template <>
struct MlpArithmetic<double> {
  using Type = double;
  using Weights = double2;
  static MYLOS_HOST_DEVICE constexpr int place(int h, int c) { return 2 * c + h; }
  static __device__ __forceinline__ Weights weights(double w0, double w1) { return {w0, w1}; }
  struct Values {
    double value[4];
    __device__ __forceinline__ void take(const double (&v)[4]) {
#pragma unroll
      for (int i = 0; i < 4; ++i) value[i] = v[i];
    }
  };
  static __device__ __forceinline__ double at_least(double v, double floor) { return v <= floor ? floor : v; }
  static constexpr int parts = 1;
  template <int Part>
  static __device__ __forceinline__ void add(double (&d)[4], const Values& v, const Weights& w, const double (&c)[4]) {
    multiply_add(d, v.value, w.x, w.y, c);
  }
};

/// f32 with values as products leave them; for the first layer of mlp_halves.cuh. They are rounded instead of cut, as
/// the compiler knows that products cut, and would move the values themselves, once for each of the three.
struct MlpFirstArithmetic : MlpArithmetic<float> {
  static MYLOS_HOST_DEVICE constexpr int place(int h, int c) { return 2 * h + c; }
  struct Values : MlpArithmetic<float>::Values {
    __device__ __forceinline__ void take(const float (&v)[4]) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float one = v[place(i % 2, i / 2)];
        high[i] = cut_to_tf32(__uint_as_float(__float_as_uint(one) + 0x1000U));
        low[i] = __float_as_uint(one - __uint_as_float(high[i]));
      }
    }
  };
};

/// Of a lane's values, which of two features it is.
template <class A>
MYLOS_HOST_DEVICE constexpr int mlp_feature_of(int k) {
  return k % 4 == A::place(0, 1) || k % 4 == A::place(1, 1) ? 1 : 0;
}

/// Bytes of a layer: for each 8 inputs, for each 8 outputs, a vector of 16 bytes for each lane; then the biases, as a
/// lane has them in a product.
template <class T>
MYLOS_HOST_DEVICE constexpr int mlp_layer_bytes(int in, int out, int unit) {
  return mlp_feature_tiles(out, unit) * (mlp_feature_tiles(in, unit) * 32 * 16 + 16 * static_cast<int>(sizeof(T)));
}

enum class MlpChainKind : int { none, relu, any };

/// What a warp must know of a layer, in one load.
struct alignas(16) MlpHead {
  int in_tiles;
  int out_tiles;
  MlpChainKind chain;
  int bytes;
};

/// Biases as a lane has them in a product, by a block of 256.
template <class T>
__device__ __forceinline__ void lay_out_mlp_bias(const detail::MlpLayer<T>& layer, T* to, int out_tiles, T scale) {
  for (int i = static_cast<int>(threadIdx.x); i < out_tiles * 16; i += 256) {
    const int output = i / 16 * 8 + i / 4 % 4 * 2 + i % 2;
    to[i] = output < layer.out ? layer.bias[output] * scale : T(0);
  }
}
/// Weights for each lane, as vectors of 16 bytes: vector(weight, output, input), where weight(output, input) is one, 0
/// where there is none, `output` and `input` are the lane's first ones. By a block of 256.
template <class T, class Vector>
__device__ __forceinline__ void lay_out_mlp_weights(const detail::MlpLayer<T>& layer, unsigned char* to, int in_steps,
                                                    int step, int out_tiles, T scale, const Vector& vector) {
  const int in = layer.in;
  const int out = layer.out;
  const auto weight = [&](int output, int input) {
    return output < out && input < in ? layer.weight[output * in + input] * scale : T(0);
  };
  for (int i = static_cast<int>(threadIdx.x); i < in_steps * out_tiles * 32; i += 256) {
    const int lane = i % 32;
    const int output = i / 32 % out_tiles * 8 + lane / 4;
    const int input = i / 32 / out_tiles * step + lane % 4 * 2;
    using Result = decltype(vector(weight, output, input));
    reinterpret_cast<Result*>(to)[i] = vector(weight, output, input);
  }
}
template <class T>
struct MlpLayout {
  const MlpRecord<T>* record;
  MlpHead* head;
  unsigned char* to;
  int unit;
};

/// One layer, by a block of 256.
template <class T>
__device__ __forceinline__ void lay_out_mlp_layer(const MlpLayout<T>& k, int number) {
  unsigned char* to = k.to;
  for (int l = 0; l < number; ++l) to += mlp_layer_bytes<T>(k.record[l].layer.in, k.record[l].layer.out, k.unit);
  const MlpRecord<T>& record = k.record[number];
  const detail::MlpLayer<T>& layer = record.layer;
  const int in_tiles = mlp_feature_tiles(layer.in, k.unit);
  const int out_tiles = mlp_feature_tiles(layer.out, k.unit);
  if (threadIdx.x == 0) {
    const bool is_relu = layer.steps == 1 && record.step[0].id == StepId::relu;
    k.head[number] = {in_tiles, out_tiles,
                      layer.steps == 0 ? MlpChainKind::none : (is_relu ? MlpChainKind::relu : MlpChainKind::any),
                      mlp_layer_bytes<T>(layer.in, layer.out, k.unit)};
  }
  lay_out_mlp_weights(layer, to, in_tiles, 8, out_tiles, T(1), [](const auto& weight, int output, int input) {
    return MlpArithmetic<T>::weights(weight(output, input), weight(output, input + 1));
  });
  lay_out_mlp_bias(layer, reinterpret_cast<T*>(to + in_tiles * out_tiles * 512), out_tiles, T(1));
}
template <class T>
__global__ void __launch_bounds__(256) mlp_layout_kernel(const __grid_constant__ MlpLayout<T> k) {
  lay_out_mlp_layer(k, static_cast<int>(blockIdx.x));
}

/// The chain on a lane's values of 8 features: of features `column` and the next one, as A has them. Those that do not
/// exist stay 0. Out of line: a step has much code. The values travel in registers.
template <class A, int N>
__device__ __noinline__ detail::RegisterTile<typename A::Type, N> chain_mlp_tile(
    const MlpRecord<typename A::Type>* record, int column, detail::RegisterTile<typename A::Type, N> v) {
  using T = typename A::Type;
  using Tile = detail::RegisterTile<T, N>;
  const int out = record->layer.out;
#pragma unroll 1
  for (int s = 0; s < record->layer.steps; ++s) {
    const detail::MlpStep<T>& from = record->step[s];
    const bool has_tensors = from.operand[0] != nullptr || from.operand[1] != nullptr;
    const detail::LoweredStep<T> step{
        {from.parameter[0], from.parameter[1]}, {from.scalar[0], from.scalar[1]}, from.id, has_tensors, {-1, -1}};
    if (!has_tensors) {
      detail::apply_step<math::Precise>(step, v, v);
      continue;
    }
    const auto operand = [&](int i) {
      const T even = from.operand_of(i, column < out ? column : 0);
      const T odd = from.operand_of(i, column + 1 < out ? column + 1 : 0);
      Tile both;
#pragma unroll
      for (int k = 0; k < N; ++k) both[k] = mlp_feature_of<A>(k) == 0 ? even : odd;
      return both;
    };
    const Tile a = operand(0);
    if (static_cast<int>(step.id) < detail::steps_without_operand + detail::steps_with_one_operand)
      detail::apply_step<math::Precise>(step, v, v, a);
    else
      detail::apply_step<math::Precise>(step, v, v, a, operand(1));
  }
#pragma unroll
  for (int k = 0; k < N; ++k)
    if (column + mlp_feature_of<A>(k) >= out) v[k] = T(0);
  return v;
}

}  // namespace mylos::cuda
