// How long a product takes one way or another, for choosing: estimates in microseconds, fitted to measurements on H200.
#pragma once

#include "cuda/gemm_tensor.hpp"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

struct GemmCost {
  double multiprocessors;

  /// How many tiles a multiprocessor takes one after the other.
  double rounds_of(const GemmTiling& tiling, std::int64_t slices) const {
    return rounds_of(static_cast<double>(tiling.count) * static_cast<double>(slices));
  }
  double rounds_of(double tiles) const {
    return static_cast<double>(static_cast<std::int64_t>((tiles + multiprocessors - 1) / multiprocessors));
  }

  /// `slices` of K side by side, each of this depth and with all tiles.
  double tensor(const GemmTiling& tiling, std::int64_t depth, std::int64_t slices) const {
    return rounds_of(tiling, slices) * tensor_tile(tiling, depth);
  }
  static double tensor_tile(const GemmTiling& tiling, std::int64_t depth) {
    const GemmCostTuning tuning = gemm_cost_tuning();
    const double stages = static_cast<double>((depth + halves_depth - 1) / halves_depth);
    const int units = tiling.tile_rows / 128;
    return tuning.tile[units - 1] + stages * tuning.stage[units - 1];
  }
  /// Likewise, of 128 rows, where the factors are split as they are loaded, in vectors, by warps that have one of them.
  /// Two stages go by before the first products; rows that do not exist take longer to load than others.
  double direct(const GemmTiling& tiling, std::int64_t depth, std::int64_t slices, bool along_rows, bool ragged) const {
    const GemmCostTuning tuning = gemm_cost_tuning();
    const double stages = static_cast<double>((depth + halves_depth - 1) / halves_depth + 2);
    const double stage = tuning.direct_stage[along_rows ? 1 : 0] * (ragged ? tuning.direct_ragged : 1);
    return rounds_of(tiling, slices) * (tuning.tile[0] + stages * stage);
  }
  /// All of K, with so many elements that are split beside. The first tiles have to wait.
  double overlap(const GemmTiling& tiling, std::int64_t k, double elements) const {
    const GemmCostTuning tuning = gemm_cost_tuning();
    const double first = multiprocessors / static_cast<double>(tiling.count);
    return tensor(tiling, k, 1) + split(elements) * (tuning.overlap[0] + (first < 1 ? first : 1) * tuning.overlap[1]);
  }
  /// Multiprocessors that split, so that they take as long as the others take to multiply. `split`: how long one of
  /// them would take.
  int splitters(const GemmTiling& tiling, std::int64_t k, double split) const {
    const double multiply = static_cast<double>(tiling.count) * tensor_tile(tiling, k);
    return 1 + static_cast<int>((multiprocessors - 1) * split / (split + multiply));
  }
  /// One block of K, by the elements of the result.
  double shallow(double elements) const {
    const GemmCostTuning tuning = gemm_cost_tuning();
    return tuning.tile[0] + elements * 4 / tuning.shallow_bytes;
  }
  double split(double elements) const { return elements * 8 / gemm_cost_tuning().split_bytes; }
  /// The partial results of several slices.
  double combine(double elements, std::int64_t slices) const {
    const GemmCostTuning tuning = gemm_cost_tuning();
    return slices == 1 ? 0.0 : tuning.launch + elements * 8 * static_cast<double>(slices + 1) / tuning.split_bytes;
  }
  /// By gemm_tiles_tuning(way).
  double tiles(int way, std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t batches) const {
    const GemmTilesTuning tuning = gemm_tiles_tuning(way);
    const auto up = [](std::int64_t x, std::int64_t unit) { return static_cast<double>((x + unit - 1) / unit); };
    const double tiles = up(m, gemm_tile_rows) * up(n, tuning.columns) * static_cast<double>(batches);
    return gemm_cost_tuning().tiles_launch + rounds_of(tiles) * (tuning.tile + up(k, tuning.depth) * tuning.stage);
  }
  /// `columns`: elements of the small factor; `elements` of all three.
  double skinny(double columns, double elements) const {
    const GemmCostTuning tuning = gemm_cost_tuning();
    return tuning.skinny_launch + columns * tuning.skinny_columns + elements * 4 / tuning.skinny_bytes;
  }
  double vendor_narrow(double elements) const {
    return gemm_cost_tuning().vendor_launch + elements * 4 / gemm_cost_tuning().vendor_narrow_bytes;
  }
  /// `results` of k products each, from and to so many elements in memory.
  double vendor(double results, double k, double elements, bool is_vector) const {
    const GemmCostTuning tuning = gemm_cost_tuning();
    // As far as its times tell: few tiles, of 64 x 64 say, and a k that is worth it.
    const bool is_sliced = k >= 256 && k * multiprocessors * (64 * 64) >= 768 * results;
    const double launch =
        is_vector ? tuning.vendor_vector_launch : tuning.vendor_launch + (is_sliced ? tuning.vendor_slices : 0);
    return launch + results * k * 2 / tuning.vendor_flops + elements * 4 / tuning.vendor_bytes;
  }
  /// Its results through a chain.
  double vendor_pass(double elements) const {
    const GemmCostTuning tuning = gemm_cost_tuning();
    return tuning.vendor_pass + elements * 8 / tuning.vendor_bytes;
  }
};

}  // namespace mylos::cuda
