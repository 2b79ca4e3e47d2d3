// Launch constants of the CUDA kernels, apart from the kernels: constexpr functions of what they depend on.
#pragma once

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

}  // namespace mylos::cuda
