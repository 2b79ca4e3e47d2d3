// Products of halves on the tensor cores: what a block has in shared memory, and how its warps meet there.
#pragma once

#include "cuda/gemm_tensor.hpp"
#include "cuda/primitives/mbarrier.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

inline constexpr int tensor_columns = 128;
inline constexpr int tensor_consumers = 256;
inline constexpr int line = 128;  // bytes of a row in a stage, in each half

/// Offsets in a block's shared memory. `Producers`: warps that come before those that multiply. A factor's halves lie
/// along K or along rows (wgmma.cuh).
template <int Units, int Stages, int Producers, bool AAlongRows = false, bool BAlongRows = false>
struct TensorLayout {
  static constexpr bool a_along_rows = AAlongRows;
  static constexpr bool b_along_rows = BAlongRows;
  static constexpr int units = Units;
  static constexpr int stages = Stages;
  static constexpr int producers = Producers;
  static constexpr int threads = Producers * 32 + tensor_consumers;
  static constexpr int rows = tensor_tuning(Units).rows();
  static constexpr int sides = rows + tensor_columns;
  // A stage: high and low halves of the rows, high and low halves of the columns.
  static constexpr int low = rows * line;
  static constexpr int b_high = 2 * rows * line;
  static constexpr int b_low = b_high + tensor_columns * line;
  static constexpr int stage_bytes = 2 * sides * line;
  static constexpr int b_stage_bytes = stage_bytes;
  // The units of a stage are read a little after its products are over.
  static constexpr int slots = 2 * stages;
  static constexpr int unit = stages * stage_bytes;
  static constexpr int unit_bytes = sides * static_cast<int>(sizeof(float));
  static constexpr int loss = unit + slots * unit_bytes;
  // Of a warp: 16 rows of 32 sums.
  static constexpr int staging = loss + sides * static_cast<int>(sizeof(HalvesLoss));
  static constexpr int staging_pitch = 40;
  static constexpr int staging_bytes = 16 * staging_pitch * static_cast<int>(sizeof(float));
  static constexpr int barriers = staging + tensor_consumers / 32 * staging_bytes;
  // The tiles that come next.
  static constexpr int turns = 2;
  static constexpr int tiles = barriers + (2 * stages + 2 + 2 * turns) * 8;
  static constexpr int bytes = tiles + turns * 8;
  static constexpr int alignment = 1024;  // that the products ask for
};

template <class L>
struct TensorBlock {
  using Layout = L;
  unsigned char* memory;
  std::uint32_t address;

  __device__ __forceinline__ Mbarrier full(int stage) const {
    return {address + Layout::barriers + static_cast<unsigned>(stage) * 8};
  }
  __device__ __forceinline__ Mbarrier empty(int stage) const { return full(Layout::stages + stage); }
  __device__ __forceinline__ Mbarrier losses_full() const { return full(2 * Layout::stages); }
  __device__ __forceinline__ Mbarrier losses_empty() const { return full(2 * Layout::stages + 1); }
  __device__ __forceinline__ Mbarrier tile_full(int turn) const { return full(2 * Layout::stages + 2 + turn); }
  __device__ __forceinline__ Mbarrier tile_empty(int turn) const { return tile_full(Layout::turns + turn); }
  __device__ __forceinline__ std::int64_t& tile(int turn) const {
    return reinterpret_cast<std::int64_t*>(memory + Layout::tiles)[turn];
  }
  __device__ __forceinline__ float* unit(int slot) const {
    return reinterpret_cast<float*>(memory + Layout::unit + slot * Layout::unit_bytes);
  }
  __device__ __forceinline__ const float* row_units(int slot) const { return unit(slot); }
  __device__ __forceinline__ const float* column_units(int slot) const { return unit(slot) + Layout::rows; }
  __device__ __forceinline__ const HalvesLoss* row_losses() const { return loss(); }
  __device__ __forceinline__ const HalvesLoss* column_losses() const { return loss() + Layout::rows; }
  /// A warp's: it has read the stage.
  __device__ __forceinline__ void release(int stage) const { empty(stage).arrive(); }
  __device__ __forceinline__ HalvesLoss* loss() const { return reinterpret_cast<HalvesLoss*>(memory + Layout::loss); }
  __device__ __forceinline__ float* staging(int warp) const {
    return reinterpret_cast<float*>(memory + Layout::staging + warp * Layout::staging_bytes);
  }
};

/// A factor's rows of a tile: what one stage holds of them.
struct TensorSide {
  const Halves* halves;
  std::int64_t row;
  std::int64_t matrix;
  int rows;

  __device__ __forceinline__ TensorSide(const TensorParameters& p, int factor, const GemmTiling::Tile& tile,
                                        int tile_rows)
      : halves(&p.halves[factor]), row(factor == 0 ? tile.row : tile.column) {
    matrix = p.gemm.batch.offset(halves->batch, tile.batch);
    rows = static_cast<int>(::min(static_cast<std::int64_t>(tile_rows), halves->pitch - row));
  }
  __device__ __forceinline__ int bytes() const { return rows * (2 * line + static_cast<int>(sizeof(float))); }
  __device__ __forceinline__ void copy(std::int64_t block, std::uint32_t high, std::uint32_t low, std::uint32_t unit,
                                       Mbarrier barrier) const {
    const std::int64_t index = matrix * halves->blocks + block;
    const unsigned char* from = halves->data + index * halves->block_bytes() + row * line;
    copy_bulk(high, from, rows * line, barrier);
    copy_bulk(low, from + halves->pitch * line, rows * line, barrier);
    copy_bulk(unit, halves->unit + index * halves->pitch + row, rows * static_cast<int>(sizeof(float)), barrier);
  }
  /// What the rows lose, where K has one part.
  __device__ __forceinline__ int loss_bytes() const { return rows * static_cast<int>(sizeof(HalvesLoss)); }
  __device__ __forceinline__ void copy_loss(std::uint32_t to, Mbarrier barrier) const {
    copy_bulk(to, halves->loss + matrix * halves->pitch + row, loss_bytes(), barrier);
  }
};

/// Where a walk around the stages is.
template <int Count>
struct Turn {
  int index = 0;
  unsigned phase = 0;
  __device__ __forceinline__ void next() {
    if (++index == Count) {
      index = 0;
      phase ^= 1U;
    }
  }
};

/// The tiles of a block, as the producer takes them. All threads of the other warps walk along.
template <class Layout>
struct TileWalk {
  const TensorBlock<Layout>& block;
  Turn<Layout::turns> turn{};

  __device__ __forceinline__ void publish(std::int64_t tile) {
    block.tile_empty(turn.index).wait(turn.phase ^ 1U);
    block.tile(turn.index) = tile;
    block.tile_full(turn.index).arrive();
    turn.next();
  }
  __device__ __forceinline__ std::int64_t next() {
    block.tile_full(turn.index).wait(turn.phase);
    const std::int64_t tile = block.tile(turn.index);
    block.tile_empty(turn.index).arrive();
    turn.next();
    return tile;
  }
};

}  // namespace mylos::cuda
