// f32 products on the tensor cores of sm_90a, and what they leave to plain arithmetic.
#pragma once

#include "cuda/gemm_halves.cuh"

namespace mylos::cuda {

/// Elements that the halves do not give exactly enough. A tile that has some is listed; it has a bit for each of its
/// elements: for each row four words, of 32 columns each.
struct GemmRest {
  unsigned* count;  // of tiles listed
  unsigned* tile;
  unsigned* bits;  // of the tiles by their number
};

/// The order of tiles: by batch, then groups of rows, then columns, rows fastest; last ones first along a side whose
/// last tiles have the most to sum.
struct GemmTiling {
  int tile_rows;
  std::int64_t rows;  // of tiles, per matrix
  std::int64_t columns;
  detail::Divider per_matrix;
  detail::Divider per_group;
  std::int64_t group;  // tiles along rows
  std::int64_t count;  // of all batches
  bool last_row_first;
  bool last_column_first;

  struct Tile {
    std::int64_t batch;
    std::int64_t row;  // of its first element
    std::int64_t column;
  };
  MYLOS_HOST_DEVICE Tile at(std::int64_t index) const {
    const auto i = static_cast<std::uint64_t>(index);
    const std::uint64_t batch = per_matrix.divide(i);
    const std::uint64_t in_matrix = i - batch * per_matrix.divisor;
    const std::uint64_t group_index = per_group.divide(in_matrix);
    const auto in_group = static_cast<std::uint32_t>(in_matrix - group_index * per_group.divisor);
    const std::int64_t first = static_cast<std::int64_t>(group_index) * group;
    const auto height = static_cast<std::uint32_t>(rows - first < group ? rows - first : group);
    const std::int64_t row = first + in_group % height;
    const std::int64_t column = in_group / height;
    return {static_cast<std::int64_t>(batch), (last_row_first ? rows - 1 - row : row) * tile_rows,
            (last_column_first ? columns - 1 - column : column) * 128};
  }
};

/// Blocks of 64 along K of which a tile's products are not all zero: [first, end).
struct TensorDepth {
  std::int64_t first;
  std::int64_t end;
};

/// Halves that are being made while products of them run: gemm_overlap.hpp.
struct HalvesProgress {
  unsigned* done;       // units of each slab of 128 rows, matrix by matrix; null where the halves are there
  std::int64_t groups;  // of 16 rows, in a matrix
  std::int64_t slabs;
  int stretches;  // of K: so many units has a group

  /// Groups of a slab.
  MYLOS_HOST_DEVICE int height(std::int64_t slab) const {
    return groups - slab * 8 < 8 ? static_cast<int>(groups - slab * 8) : 8;
  }
};

GemmTiling make_tiling(const GemmParameters& parameters, int tile_rows, std::int64_t group_rows);

struct TensorParameters {
  GemmParameters gemm;
  Halves halves[2];
  GemmTiling tiling;
  GemmRest rest;
  unsigned* next_tile;  // that no block has taken, less the number of blocks where the halves are there
  HalvesProgress progress[2];

  MYLOS_HOST_DEVICE bool is_overlapped() const { return progress[0].done != nullptr || progress[1].done != nullptr; }
};

/// Whether this build has the kernel for the current device.
bool has_tensor_kernel();
template <int Units, bool Chained>
void launch_tensor(const TensorParameters& parameters, void* stream);

/// Where K has one block of 64 at most, of which the first 16 * steps elements are not all 0: gemm_shallow.cuh.
void launch_shallow(const TensorParameters& parameters, void* stream);

/// In f32 without tensor cores: all of the result, or what `rest` lists, one by one where those are few.
void launch_plain(const TensorParameters& parameters, bool is_rest, bool one_by_one, void* stream);

}  // namespace mylos::cuda
