// An f32 factor as two of f16, as the tensor cores read it.
//
// 64 neighbours along K of one row share a scale, a power of two that takes their largest to [2^14, 2^15): y = x /
// unit. Then high = f16(y), low = f16(y - high). Where |y| >= 2^-3 the two keep all but 2^-22 of y. What smaller
// elements lose (at most 2^-25 each, f16's last place) is summed up for each row as it occurs, so that a product can
// tell whether it matters: gemm_tensor.cuh.
//
// The tensor cores truncate: a sum of 64 products of one sign comes out short by 1.3 to 2 times 2^-23. The units
// of a are larger by 2^-23 where it has low halves at all, which takes most of that back; where sums are exact
// (of small integers, say) there are none, and they stay exact.  Whatever cannot be scaled (2^55 and more, infinities,
// NaN) counts as an infinite loss.
#pragma once

#include <cstddef>

#include "cuda/gemm_parameters.cuh"

namespace mylos::cuda {

inline constexpr int halves_depth = 64;  // elements that share a scale
inline constexpr int halves_parts = 8;   // of K at most, each with a loss of its own

/// What a row, in one part of K, has at most: the largest |x|, and the sum of what is lost.
struct HalvesLoss {
  float largest;
  float lost;
};

/// For each matrix, for each block of 64 along K: `pitch` rows of 128 bytes of high halves, then of low ones, with
/// pieces of 16 bytes at (piece ^ row % 8); the unit of each row; for each part of K the loss of each row.
struct Halves {
  unsigned char* data;
  float* unit;
  HalvesLoss* loss;
  std::int64_t rows;
  std::int64_t pitch;  // rows rounded up to 8
  std::int64_t blocks;
  int parts;
  std::int64_t matrices;
  std::int64_t batch[max_rank];  // from the batch box to a matrix

  MYLOS_HOST_DEVICE std::int64_t block_bytes() const { return pitch * (2 * halves_depth * 2); }
  MYLOS_HOST_DEVICE std::int64_t blocks_per_part() const { return (blocks + parts - 1) / parts; }
  std::size_t data_bytes() const { return static_cast<std::size_t>(matrices * blocks * block_bytes()); }
  std::size_t unit_bytes() const { return static_cast<std::size_t>(matrices * blocks * pitch) * sizeof(float); }
  std::size_t loss_bytes() const { return static_cast<std::size_t>(matrices * parts * pitch) * sizeof(HalvesLoss); }
  std::size_t bytes() const { return data_bytes() + unit_bytes() + loss_bytes(); }
  /// `memory`: bytes() of them, at a multiple of 128.
  void place(void* memory) {
    data = static_cast<unsigned char*>(memory);
    unit = reinterpret_cast<float*>(data + data_bytes());
    loss = reinterpret_cast<HalvesLoss*>(data + data_bytes() + unit_bytes());
  }
};

/// Without memory. A factor that is the same for several batches is there once.
Halves plan_halves(const GemmProblem& problem, const GemmParameters& parameters, int factor);

/// Fills those that are to be split; two counters (or null) are set to 0 on the way.
void split_factors(const GemmParameters& parameters, const Halves (&halves)[2], const bool (&is_split)[2],
                   unsigned* counters, void* stream);

}  // namespace mylos::cuda
