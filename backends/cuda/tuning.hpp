// Launch constants of the CUDA kernels, apart from the kernels: constexpr functions of what they depend on.
#pragma once

#include <cstddef>

#include <mylos/macros.hpp>

namespace mylos::cuda {

struct MapTuning {
  int threads;  // per block
  int chunks;   // of 16 bytes per thread, loaded together
  int passes;   // in which they are worked on
  int blocks;   // per multiprocessor at least: caps the registers, above what would spill
};

/// Measured on H200 (sm_90): 64 to 96 bytes in flight per thread, worked on 8 values (f64: 4) at a time, so that 54 to
/// 70 registers do. A single register spilled on the common path costs a quarter of the bandwidth.
MYLOS_HOST_DEVICE constexpr MapTuning flat_tuning(int elements_per_chunk) {
  switch (elements_per_chunk) {
    case 8:
      return {128, 4, 4, 8};
    case 4:
      return {128, 6, 3, 8};
    default:
      return {128, 4, 2, 7};
  }
}

/// Operands take registers.
MYLOS_HOST_DEVICE constexpr MapTuning rows_tuning(int elements_per_chunk) {
  switch (elements_per_chunk) {
    case 8:
      return {128, 4, 4, 4};
    case 4:
      return {128, 4, 2, 4};
    default:
      return {128, 2, 1, 3};
  }
}

MYLOS_HOST_DEVICE constexpr MapTuning general_tuning(int elements_per_chunk) {
  switch (elements_per_chunk) {
    case 8:
      return {128, 4, 4, 5};
    case 4:
      return {128, 4, 2, 4};
    default:
      return {128, 4, 2, 4};
  }
}

struct TransposeTuning {
  int threads;
  int tile;    // elements along either side
  int passes;  // in which a thread's share of the tile is worked on and stored
};
MYLOS_HOST_DEVICE constexpr TransposeTuning transpose_tuning() { return {256, 64, 2}; }

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
