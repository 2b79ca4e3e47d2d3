// Launch constants of the CUDA kernels, apart from the kernels: constexpr functions of what they depend on.
#pragma once

#include <cstddef>
#include <cstdint>

#include <mylos/macros.hpp>

namespace mylos::cuda {

struct MapTuning {
  int threads;  // per block
  int chunks;   // of 16 bytes per thread, loaded together
  int passes;   // in which they are worked on
  int blocks;   // per multiprocessor at least: caps the registers, above what would spill
};

/// Measured on H200 (sm_90): 64 to 96 bytes in flight per thread; the more values a pass works on, the less the chain's
/// switches cost; 64 to 80 registers do. A single register spilled on the common path costs a quarter of the bandwidth.
MYLOS_HOST_DEVICE constexpr MapTuning flat_tuning(int elements_per_chunk) {
  switch (elements_per_chunk) {
    case 8:
      return {128, 6, 3, 7};
    case 4:
      return {128, 6, 2, 8};
    default:
      return {128, 6, 2, 6};
  }
}

/// As above, with registers left for an operand.
MYLOS_HOST_DEVICE constexpr MapTuning rows_tuning(int elements_per_chunk) {
  switch (elements_per_chunk) {
    case 8:
      return {128, 4, 4, 8};
    case 4:
      return {128, 4, 2, 8};
    default:
      return {128, 6, 3, 6};
  }
}

/// Chunks of one element.
MYLOS_HOST_DEVICE constexpr MapTuning general_tuning(int elements_per_chunk) {
  switch (elements_per_chunk) {
    case 8:
      return {128, 16, 2, 7};
    case 4:
      return {128, 16, 2, 7};
    default:
      return {128, 8, 2, 6};
  }
}

struct TransposeTuning {
  int threads;
  int tile;    // elements along either side
  int passes;  // in which a thread's share of the tile is worked on and stored
};
MYLOS_HOST_DEVICE constexpr TransposeTuning transpose_tuning() { return {256, 64, 2}; }

/// Where an axis is cut and who takes it. The order of a sum follows from these, so they do not depend on the device.
/// Measured on H200 (f32, share of a read-only kernel): sums of rows of 32768 0.998, of 1000 0.935; 128 x 4096 x 4096
/// along the middle 0.983; 1.6e9 values to one 0.979; two columns 0.955.
struct ReduceTuning {
  std::int64_t whole_units;  // vectors of 16 bytes that one block takes at most; beyond, pieces
  std::int64_t piece_units;
  std::int64_t warp_units;  // that one warp takes at most
  std::int64_t whole_rows;  // likewise across the fastest dimension
  std::int64_t piece_rows;
  std::int64_t rows_for_lanes;  // from so many on, eight lanes share a column
};
MYLOS_HOST_DEVICE constexpr ReduceTuning reduce_tuning() { return {16384, 4096, 1024, 4096, 1024, 64}; }

/// Blocks of 256 threads per multiprocessor at least, which caps the registers: a chain's call needs more of them.
MYLOS_HOST_DEVICE constexpr int reduce_blocks(bool transforms) { return transforms ? 2 : 4; }

/// Vectors of 16 bytes that a thread loads before it works on any.
MYLOS_HOST_DEVICE constexpr int rows_in_flight(int) { return 4; }
/// Short results: the bytes of x that a block of 256 threads stages, and blocks per multiprocessor at least.
inline constexpr int short_rows_bytes = 16384;
MYLOS_HOST_DEVICE constexpr int short_rows_blocks(bool transforms) { return transforms ? 2 : 6; }
/// Values of a result at most.
MYLOS_HOST_DEVICE constexpr int short_rows_longest(int width) { return 128 * width; }
/// Results of a block; one vector is left for a first one that does not begin with a vector.
MYLOS_HOST_DEVICE constexpr int short_rows_results(std::int64_t pitch, int width) {
  const std::int64_t rows = (short_rows_bytes / 16 - 1) * width / pitch;
  return static_cast<int>(rows < 2048 ? rows : 2048);
}
/// Threads that share a result, as a power of two: those that leave the fewest threads of a block without work. The
/// order of a sum follows from it.
MYLOS_HOST_DEVICE constexpr int short_rows_team_log(int count, int width) {
  if (count < 8) return 0;
  const int rows = short_rows_results(count, width);
  const int groups = (count + 3) / 4;
  int best = 0;
  std::int64_t least = INT64_MAX;
  for (int log = 0; log <= 5 && (1 << log) <= groups; ++log) {
    const std::int64_t passes = ((rows << log) + 255) / 256;
    const std::int64_t steps = (groups + (1 << log) - 1) >> log;
    const std::int64_t cost = passes * (8 * steps + 6 * log + 12);
    if (cost < least) best = log;
    if (cost < least) least = cost;
  }
  return best;
}

/// Losses of vectors: vectors of each input that a thread loads before it works on any; blocks of 256 threads per
/// multiprocessor at least; and the rows of one block, where `team` threads share a row.
MYLOS_HOST_DEVICE constexpr int vector_loss_in_flight(int inputs, int width) {
  if (width == 8) return inputs == 1 ? 2 : 1;
  return inputs == 3 ? 3 : 4;
}
MYLOS_HOST_DEVICE constexpr int vector_loss_blocks(bool chained, int inputs) { return chained || inputs > 1 ? 2 : 3; }
/// From so many positions on, eight lanes share a column: each costs two exponentials when they are put together.
inline constexpr std::int64_t vector_loss_rows_for_lanes = 512;
/// Classes at most that are taken from shared memory.
MYLOS_HOST_DEVICE constexpr int vector_loss_short_longest(int width) { return 64 * width; }
/// Vectors of a row that a warp takes alone at most.
inline constexpr std::int64_t vector_loss_warp_units = 4096;
MYLOS_HOST_DEVICE constexpr int vector_loss_rows(int team) { return team < 32 ? 8 * (256 / team) : 256 / team; }

struct RegistersTuning {
  int bytes;    // of values that a thread holds
  int threads;  // per block
  int blocks;   // per multiprocessor at least
};
/// Rows that lanes of a warp share. Chains take registers.
MYLOS_HOST_DEVICE constexpr RegistersTuning lanes_tuning(bool chained) { return {64, 128, chained ? 5 : 8}; }
/// Up to here rows are loaded by single elements, whatever their alignment, and a thread has a quarter of the values.
MYLOS_HOST_DEVICE constexpr int registers_tiny_length(std::size_t value_size) { return value_size == 8 ? 8 : 16; }

struct WarpsTuning {
  int bytes;    // of values that a thread holds
  int threads;  // per multiprocessor at least
  int longest;  // threads that share a row at most
};
/// Rows of whole warps.
MYLOS_HOST_DEVICE constexpr WarpsTuning warps_tuning(bool chained) {
  if (chained) return {128, 512, 256};
  return {128, 1024, 512};
}

inline constexpr int ring_chunk_bytes = 2048;
struct RingTuning {
  int warps;        // per block, which has a multiprocessor to itself, beside the producer
  int stages;       // of a chunk for each warp
  int grid_stages;  // that a row takes at most where a grid shares it, if the device is large enough
  int max_cluster;  // blocks
};
/// Measured on H200, softmax of 1.6e9 f32, share of the copy: rows of 32768 to 393216 0.92, of 1 to 2 million 0.77, of
/// 4 million 0.64. Rings twice as long as a row, so that the next row is looked at before this one is mapped, were
/// slower, for the more blocks that share a row; so were 24 warps.
MYLOS_HOST_DEVICE constexpr RingTuning ring_tuning() { return {16, 6, 4, 8}; }
/// Rows in several runs of which the fastest is shorter are taken as one run where they can be.
inline constexpr std::int64_t shortest_inner_run = 4096;

/// Rows along a strided axis.
MYLOS_HOST_DEVICE constexpr WarpsTuning columns_tuning() { return {128, 512, 512}; }
/// Values of a thread where neighbouring rows do not make vectors.
MYLOS_HOST_DEVICE constexpr int columns_single(std::size_t value_size) { return value_size == 8 ? 8 : 16; }

struct PassesTuning {
  int bytes;            // of values that a thread holds
  int threads;          // per block
  int pieces_per_part;  // at least, of as many values as a block holds
  int most_parts;       // of a row
  MYLOS_HOST_DEVICE constexpr int blocks(bool chained) const { return chained ? 2 : 4; }
};
/// Rows in several passes.
MYLOS_HOST_DEVICE constexpr PassesTuning passes_tuning() { return {64, 256, 8, 16384}; }

/// Scans along neighbouring elements. Measured on H200, cumsum of 32768 x 32768 f32 (copy 2.00 ms): with two blocks per
/// multiprocessor and three stages 2.15 ms, three and two 2.17, three and three 2.21: what is in flight beyond that is
/// in the way. Products need the third block: 2.21 to 2.23 instead of 2.27.
struct ScanRowsTuning {
  int threads;               // of a block, which long rows have to themselves
  int stages;                // tiles of a thread in shared memory
  int warp_tiles;            // that one warp walks at most
  std::int64_t piece_tiles;  // of a piece at least
  std::int64_t most_pieces;  // of a row
  std::int64_t enough_rows;  // for a block each: fewer are walked piece by piece
  MYLOS_HOST_DEVICE constexpr int blocks(bool product, bool chained) const { return product && !chained ? 3 : 2; }
};
MYLOS_HOST_DEVICE constexpr ScanRowsTuning scan_rows_tuning() { return {256, 3, 4, 4, 1024, 256}; }

/// Scans across the fastest dimension.
struct ScanColumnsTuning {
  int rows;                  // of a tile that a thread holds
  int lanes;                 // threads along the axis at most
  int stages;                // tiles of a thread in shared memory
  std::int64_t piece_tiles;  // as above
  std::int64_t most_pieces;
  std::int64_t enough_blocks;
  MYLOS_HOST_DEVICE constexpr int blocks(bool chained) const { return chained ? 1 : 2; }
};
MYLOS_HOST_DEVICE constexpr ScanColumnsTuning scan_columns_tuning() { return {8, 8, 2, 8, 512, 256}; }

/// Networks on the tensor cores: a warp takes 16 samples, or several times as many, through all layers.
struct MlpTuning {
  int threads;  // per block
  int blocks;   // per multiprocessor at least, which caps the registers
  int tiles;    // of 16 samples that a warp has at once: a weight is loaded once for all of them
};
/// Values and sums take tiles * width words of each thread, twice that in f64. Measured on H200, 8 -> 32 -> 32 -> 4
/// over 2^24 samples: in f32 five blocks are 3 % faster than four, though two registers spill; in f64 one tile and four
/// blocks are 8 % faster than two and two. Fewer registers than that spill in the products, 20 to 40 % slower.
MYLOS_HOST_DEVICE constexpr MlpTuning mlp_tuning(int width, std::size_t value_size) {
  if (value_size == 4)
    return width <= 32 ? MlpTuning{128, 5, 2} : width <= 64 ? MlpTuning{128, 2, 2} : MlpTuning{256, 1, 1};
  return width <= 32 ? MlpTuning{128, 4, 1} : width <= 64 ? MlpTuning{128, 2, 1} : MlpTuning{256, 1, 1};
}

}  // namespace mylos::cuda
