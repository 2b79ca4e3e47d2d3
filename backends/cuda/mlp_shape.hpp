// How a network's layers are cut for the tensor cores: in eights of features.
#pragma once

#include <mylos/macros.hpp>

namespace mylos::cuda {

/// Eights of features that a layer of so many is computed for: `unit`, twice or four times that, for each of which
/// there is code. What is too many is zeros.
MYLOS_HOST_DEVICE constexpr int mlp_feature_tiles(int features, int unit) {
  const int tiles = (features + 7) / 8;
  return tiles <= unit ? unit : tiles <= 2 * unit ? 2 * unit : 4 * unit;
}

/// The unit of the kernel for layers up to so wide.
MYLOS_HOST_DEVICE constexpr int mlp_unit(int widest) { return widest <= 32 ? 1 : widest <= 64 ? 2 : 4; }

/// Layers that the kernel of halves (mlp_tensor.cuh) takes at most: a bit for each.
inline constexpr int mlp_halves_layers = 32;

/// Whether the first layer is a product of TensorFloat-32, which has all exponents.
MYLOS_HOST_DEVICE constexpr bool mlp_first_is_exact(int in_tiles, int unit) {
  return in_tiles <= (unit < 2 ? 2 : unit);
}

/// How weights lie in shared memory: as a warp's products take them from registers, or as a warpgroup's read them.
enum class MlpSide : int { lanes, pieces };

/// A layer of the kernels of halves. Between two layers there are always as many features as the kernel is wide.
struct MlpLayerTiles {
  int in;
  int out;
  bool is_exact;
  MlpSide side;

  /// For each 8 inputs (exact) or 16, for each 8 outputs: two parts of the weights of 256 bytes, and with pieces of
  /// halves the high one again, scaled; then the biases.
  MYLOS_HOST_DEVICE constexpr int steps() const { return is_exact ? in : (in + 1) / 2; }
  MYLOS_HOST_DEVICE constexpr int parts() const { return is_exact || side == MlpSide::lanes ? 2 : 3; }
  MYLOS_HOST_DEVICE constexpr int weight_bytes() const { return steps() * out * parts() * 256; }
  MYLOS_HOST_DEVICE constexpr int bytes() const { return weight_bytes() + out * 64; }
};
/// Eights of results: with pieces one, or as many as the kernel is wide.
MYLOS_HOST_DEVICE constexpr int mlp_result_tiles(int out, int unit, MlpSide side) {
  return side == MlpSide::lanes ? mlp_feature_tiles(out, unit) : out <= 8 ? 1 : 4 * unit;
}
MYLOS_HOST_DEVICE constexpr MlpLayerTiles mlp_layer_tiles(int layer, int layers, int in, int out, int unit,
                                                          MlpSide side) {
  const int in_tiles = layer == 0 ? mlp_feature_tiles(in, unit) : 4 * unit;
  return {in_tiles, layer == layers - 1 ? mlp_result_tiles(out, unit, side) : 4 * unit,
          layer == 0 && mlp_first_is_exact(in_tiles, unit), side};
}

}  // namespace mylos::cuda
