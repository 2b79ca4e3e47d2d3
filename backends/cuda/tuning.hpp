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

struct RingTuning {
  int warps;        // per block
  int blocks;       // per multiprocessor
  int stages;       // of 2 KB per warp
  int held;         // chunks per warp in registers, for rows beyond what the stages hold
  int max_cluster;  // blocks; above 8 only where the device grants it
};
/// Measured on H200, softmax of 1.6e9 f32 in rows of 32768 to 393216: one block of 16 warps per multiprocessor 3.24 to
/// 3.29 ms (copy 3.01), two of 8 warps 3.27 to 3.38.
MYLOS_HOST_DEVICE constexpr RingTuning ring_tuning() { return {16, 1, 6, 3, 16}; }

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

}  // namespace mylos::cuda
