// Launch constants of the CUDA kernels, apart from the kernels: constexpr functions of what they depend on.
#pragma once

#include <cstddef>
#include <cstdint>

#include <mylos/macros.hpp>

namespace mylos::cuda {

/// What memory moves in: lines of the L2, and the sectors of one.
inline constexpr int line_bytes = 128;
inline constexpr int sector_bytes = 32;

struct MapTuning {
  int threads;  // per block
  int chunks;   // of 16 bytes per thread, loaded together
  int passes;   // in which they are worked on
  int blocks;   // per multiprocessor at least: caps the registers, above what would spill
};

/// Measured on H200 (sm_90): 64 to 96 bytes in flight per thread; the more values a pass works on, the less the chain's
/// switches cost; 64 to 80 registers do. A single register spilled on the common path costs a quarter of the bandwidth.
/// Of small blocks reads and writes stay closer together in memory: 128 threads instead of 32 cost 2 % of it.
MYLOS_HOST_DEVICE constexpr MapTuning flat_tuning(int elements_per_chunk) {
  switch (elements_per_chunk) {
    case 8:
      return {64, 6, 2, 14};
    case 4:
      return {32, 6, 2, 32};
    default:
      return {64, 4, 2, 16};
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

/// Threads that take `units` vectors of a row: more would leave some of them without work at its end. Measured on H200,
/// sums of 2^31 f32 in rows of 5121 and 6144: 2.47 and 1.93 ms by 128 threads, 3.10 and 2.43 by 256.
MYLOS_HOST_DEVICE constexpr int reduce_team(std::int64_t units) {
  const std::int64_t warp = reduce_tuning().warp_units;
  return units <= warp ? 32 : (units <= 4 * warp ? 128 : 256);
}

/// Blocks of 256 threads per multiprocessor at least, which caps the registers: a chain needs more of them, and so do
/// several columns' states of several numbers.
MYLOS_HOST_DEVICE constexpr int reduce_blocks(bool chained, std::size_t state = 0) {
  return chained || state > 16 ? 3 : 4;
}

/// Vectors of 16 bytes that a thread loads before it works on any.
MYLOS_HOST_DEVICE constexpr int rows_in_flight(int) { return 4; }
/// Pairs with another tensor likewise: of each, or of x where one vector of the other is shared. From so many runs on
/// it is.
inline constexpr int pairs_in_flight = 4;
/// Values of pairs that pass at once through what the compiler knows.
inline constexpr int pairs_fixed_at_once = 8;
inline constexpr int pairs_blocks = 3;
inline constexpr std::int64_t pairs_shared_runs = 1024;
/// Short results: the bytes of x that a block of 256 threads stages, and blocks per multiprocessor at least.
inline constexpr int short_rows_bytes = 16384;
MYLOS_HOST_DEVICE constexpr int short_rows_blocks(bool transforms) { return transforms ? 3 : 6; }
/// Results of two to four values: groups of results that a thread has at once, and blocks per multiprocessor at least.
inline constexpr int tiny_rows_turns = 2;
inline constexpr int tiny_rows_blocks = 4;
/// Results of two or three values that lie apart likewise; where these are no vectors, single ones.
MYLOS_HOST_DEVICE constexpr int thin_columns_turns(bool vectors) { return vectors ? 2 : 8; }
inline constexpr int thin_columns_blocks = 4;
/// Values of a result at most: more of them where rows of whole vectors, which need no staging, are out of the
/// question.
MYLOS_HOST_DEVICE constexpr int short_rows_longest(std::int64_t count, int width) {
  return (count % width == 0 ? 128 : 340) * width;
}
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
/// Measured on H200, cross_entropy of 32768 x 4096 f32: 0.160 ms; three vectors 0.171, two and four blocks 0.188.
MYLOS_HOST_DEVICE constexpr int vector_loss_in_flight(int inputs, int width) {
  if (width == 8) return inputs == 1 ? 2 : 1;
  return inputs == 3 ? 3 : 4;
}
MYLOS_HOST_DEVICE constexpr int vector_loss_blocks(bool chained, int inputs) { return chained || inputs > 1 ? 2 : 3; }
/// From so many positions on, eight lanes share a column: each costs two exponentials when they are put together.
inline constexpr std::int64_t vector_loss_rows_for_lanes = 512;
/// Columns that a thread takes in turn: a block that ends with few values has little to put together for its sum.
MYLOS_HOST_DEVICE constexpr int vector_loss_turns(std::int64_t count, std::int64_t column_blocks) {
  return count <= 256 && column_blocks >= 64 ? 4 : 1;
}
/// Classes at most that are taken from shared memory.
MYLOS_HOST_DEVICE constexpr int vector_loss_short_longest(int width) { return 64 * width; }
/// Vectors of a row that a warp takes alone at most.
inline constexpr std::int64_t vector_loss_warp_units = 4096;
/// Several rows of a warp in turn help short rows (1000 scores: 0.44 ms in place of 0.49), not those of 4096.
MYLOS_HOST_DEVICE constexpr int vector_loss_rows(int team, std::int64_t units) {
  return units <= 512 ? 8 * (256 / team) : 256 / team;
}

struct RegistersTuning {
  int bytes;    // of values that a thread holds
  int threads;  // per block
  int blocks;   // per multiprocessor at least
};
/// Rows that lanes of a warp share. Chains take registers.
MYLOS_HOST_DEVICE constexpr RegistersTuning lanes_tuning(bool chained) { return {64, 128, chained ? 4 : 8}; }
/// Up to here rows are loaded by single elements, whatever their alignment, and a thread has a quarter of the values.
MYLOS_HOST_DEVICE constexpr int registers_tiny_length(std::size_t value_size) { return value_size == 8 ? 8 : 16; }

/// Short rows in shared memory, each by one thread or by several. Measured on H200, softmax of 1.6e9 f32: what counts
/// is how many bytes a multiprocessor has on their way, so a thread has as many values as its registers allow.
inline constexpr int staged_threads = 256;
/// Values of a row that one thread has at most, or of those that each of several has.
MYLOS_HOST_DEVICE constexpr int staged_longest_share(bool single) { return single ? 23 : 24; }
/// Bytes of a block's part of the rows.
MYLOS_HOST_DEVICE constexpr int staged_bytes(bool single) { return single ? 16384 : 24576; }
/// Blocks per multiprocessor at least, by the bytes of values that a thread holds and of a statistic.
MYLOS_HOST_DEVICE constexpr int staged_blocks(std::size_t bytes, std::size_t state) {
  return bytes <= (state > 8 ? 40 : 64) ? 5 : bytes <= 96 ? 4 : 3;
}
/// Whether rows of whole vectors are staged too: registers alone are faster from some length on, and where the rows'
/// values would lie in the same banks. With weight and bias registers are slower.
MYLOS_HOST_DEVICE constexpr bool stages_whole_vectors(std::int64_t length, bool affine) {
  return length <= 16 || (affine ? length < 64 && length % 16 != 0 : length < 48 && length % 8 != 0);
}
/// Rows of a block from which on its part begins with a whole vector where the tensor does.
inline constexpr int staged_whole_rows = 64;
/// Values at least of threads that share a row.
inline constexpr int staged_least_shared = 14;
struct StagedShare {
  int lanes;   // that share a row: a power of two
  int values;  // of each: all of a row's where one has it alone; else an even number, of which the last two may be none
};
/// The fewest lanes.
MYLOS_HOST_DEVICE constexpr StagedShare staged_share(int length) {
  if (length <= staged_longest_share(true)) return {1, length};
  int lanes = 2;
  while (lanes * staged_longest_share(false) < length) lanes *= 2;
  const int values = ((length + lanes - 1) / lanes + 1) / 2 * 2;
  return {lanes, values < staged_least_shared ? staged_least_shared : values};
}
/// Rows so far apart that the groups of `lanes` in a warp read different banks, as far as eight warps allow it.
MYLOS_HOST_DEVICE constexpr int staged_apart(int length, int lanes) {
  int apart = lanes;
  for (; length % 2 == 0 && apart > 1; length /= 2) apart /= 2;
  return apart < 8 ? apart : 8;
}
inline constexpr int staged_longest = 32 * staged_longest_share(false);

struct WarpsTuning {
  int bytes;    // of values that a thread holds
  int threads;  // per multiprocessor at least
  int longest;  // threads that share a row at most
};
/// Rows of whole warps. Weight and bias take registers, chains more.
MYLOS_HOST_DEVICE constexpr WarpsTuning warps_tuning(bool affine, bool chained) {
  if (chained) return {128, 512, 256};
  if (affine) return {128, 768, 256};
  return {128, 1024, 512};
}

struct ClusterTuning {
  int threads;       // of a block
  int bytes;         // of values that a thread holds in registers
  int pieces;        // of 16 bytes that it has in shared memory at most, two blocks on a multiprocessor
  int alone_pieces;  // likewise where one block holds a row, which may have a multiprocessor to itself
  int blocks;        // of a cluster at most
};
/// Rows that a few blocks hold. Measured on H200, softmax of 1.6e9 f32, share of the copy: 20481 to 40961 values 0.98
/// (in the ring 0.68 to 0.92), 65536 in two blocks 0.97, 131072 in four 0.945; in eight, 262144 0.92 and 327681 0.88,
/// no more than in the ring, since a cluster starts when all of its blocks find room. Slower were blocks that stay for
/// all rows (0.88 to 0.92), 256 and 1024 threads, 16 or 64 values in registers, and leaner code for warps without the
/// ends of a row (0.93 to 0.96).
MYLOS_HOST_DEVICE constexpr ClusterTuning cluster_tuning() { return {512, 128, 12, 14, 4}; }
/// Values from shared memory that are worked on together.
inline constexpr int cluster_group_values = 8;

inline constexpr int ring_chunk_bytes = 2048;
struct RingTuning {
  int warps;         // per block, which has a multiprocessor to itself, beside the producer
  int stages;        // of a chunk for each warp
  int grid_stages;   // that a row takes at most where a grid shares it, if the device is large enough
  int max_cluster;   // blocks
  int wide_cluster;  // likewise where the device has room for such, of rows that take grid_stages of it at least
};
/// Measured on H200, softmax of 1.6e9 f32, share of the copy: rows of 32768 to 393216 0.92, of 1 to 2 million 0.77, of
/// 4 million 0.64. Slower were rings twice as long as a row, so that the next row is looked at before this one is
/// mapped (more blocks share a row), looking at the next row's chunks between the maps of this one's, 24 warps, and two
/// blocks of half the size on a multiprocessor. Rows of 524288 to 786432 in clusters of 16 blocks: layer norm 0.80 to
/// 0.86, softmax 0.79 to 0.86; where a grid shares them 0.71 to 0.75 and 0.75 to 0.82. Rows of 400000 are faster there.
MYLOS_HOST_DEVICE constexpr RingTuning ring_tuning() { return {16, 6, 4, 8, 16}; }
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
  int map_threads;      // per block that maps a piece
  MYLOS_HOST_DEVICE constexpr int blocks(bool affine, bool chained) const { return chained || affine ? 2 : 4; }
  MYLOS_HOST_DEVICE constexpr int map_blocks(bool light) const { return light ? 16 : 12; }
};
/// Rows in several passes. Measured on H200, 4.3 GB of f32 of which the statistics take 0.94 ms and a copy 2.03: batch
/// norm 3.04 ms, rows of 4 million 2.94; by blocks of 256 threads that map eight pieces each 3.09 and 3.02. Statistics
/// of parts of four pieces are as fast, of two 4 % slower.
MYLOS_HOST_DEVICE constexpr PassesTuning passes_tuning() { return {64, 256, 8, 16384, 64}; }
/// Rows at most for which a block keeps a piece of weight and bias. Measured on H200, layer_norm of 16 x 4194304 f32:
/// 0.229 ms; 0.325 where each piece loads its own when it needs them.
inline constexpr std::int64_t passes_shared_rows = 8;

/// Local response normalisation. Measured on H200, 64 x 64 x 256 x 256 f32 with windows of 5, share of the copy: along
/// strided channels 0.95 (f16 0.94, f64 0.76, which its power binds), along neighbouring ones 0.88 (f16 0.70, f64
/// 0.72).
struct ResponseTuning {
  int threads;                  // of a block that walks along channels
  int single_threads;           // likewise by single elements
  int ahead;                    // steps that are on their way
  int ring_bytes;               // of a block's rings at most, before it has fewer threads
  std::int64_t enough_threads;  // fewer share the channels of a row
  int near_threads;             // of a block whose threads have neighbouring vectors
  int tile_threads;             // of a block that has rows in shared memory
  int tile_values;
};
MYLOS_HOST_DEVICE constexpr ResponseTuning response_tuning() {
  return {128, 256, 1, 65536, 132 * 2048, 256, 256, 2048};
}
/// Vectors of a thread that has neighbouring ones.
MYLOS_HOST_DEVICE constexpr int response_near_turns(std::size_t element) { return element == 8 ? 2 : 1; }

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

/// Splitting a factor into halves: blocks of 64 elements that a thread has its share of at once, and blocks of 256
/// threads per multiprocessor at least.
inline constexpr int split_in_flight = 2;
MYLOS_HOST_DEVICE constexpr int split_blocks(bool chained) { return chained ? 2 : 5; }

/// Products of halves on tensor cores: a block's tile has 128 columns and `units` times 128 rows.
struct TensorTuning {
  int units;   // of 64 rows that each of two warpgroups has
  int stages;  // of 64 elements along K in shared memory
  MYLOS_HOST_DEVICE constexpr int rows() const { return 128 * units; }
};
MYLOS_HOST_DEVICE constexpr TensorTuning tensor_tuning(int units) { return {units, units == 2 ? 2 : 3}; }
/// Products that split what they load: warps that load and split, and registers of a thread of them and of those that
/// multiply.
struct DirectTuning {
  int producers;
  int producer_registers;
  int consumer_registers;
};
MYLOS_HOST_DEVICE constexpr DirectTuning direct_tuning() { return {8, 104, 152}; }
/// Splitting beside products, by blocks that have a multiprocessor to themselves. Measured on H200, 128 of (512 x 1024)
/// (1024 x 2048), row-major: 28 of them 2.02 ms, 24 2.09, 20 2.52, 32 2.17; all before the products 2.27.
struct OverlapTuning {
  int threads;
  int ring_bytes;  // of shared memory
  int blocks;      // of 64 along K that a warp takes at once, as far as a part of K allows it
  double element;  // microseconds of a multiprocessor
};
MYLOS_HOST_DEVICE constexpr OverlapTuning overlap_tuning() { return {768, 196608, 4, 130e-6}; }
/// Rows of the result that are worked on together, so that what their tiles read stays in the L2 cache.
inline constexpr std::int64_t tensor_group_rows = 2048;
/// Small products in one launch: tiles, and what they take in microseconds.
struct GemmTilesTuning {
  bool on_tensor_cores;
  int columns;
  int depth;     // elements along K in a stage
  int stages;    // in shared memory
  int blocks;    // per multiprocessor at least
  double tile;   // before and after its stages
  double stage;  // of a multiprocessor that has several tiles, for each
};
inline constexpr int gemm_tile_rows = 32;
inline constexpr int gemm_tiles_ways = 3;
MYLOS_HOST_DEVICE constexpr GemmTilesTuning gemm_tiles_tuning(int way) {
  switch (way) {
    case 0:
      return {false, 32, 64, 4, 2, 0.6, 0.68};
    case 1:
      return {true, 32, 128, 3, 2, 0.7, 1.02};
    default:
      return {true, 64, 128, 3, 1, 1.4, 1.77};
  }
}
/// K at most: a warp adds the products of its share one after the other.
inline constexpr std::int64_t gemm_tiles_longest = 8192;
/// Microseconds, and units of work per microsecond. By units of a tile where there are two: of 128 or 256 rows.
struct GemmCostTuning {
  double launches;  // of the kernels of a product on tensor cores
  double launch;    // of one more
  double tile[2];   // before and after its stages
  double stage[2];
  double direct_stage[2];  // that splits what it loads: both factors along K, or one along rows
  double direct_ragged;    // so many times as long where tiles are not full
  double shallow_bytes;    // of a result of one stage
  double split_bytes;
  double overlap[2];  // of the time to split: what is left of it beside products, and how much more if all of them
                      // had to wait for it
  double vendor_launch;
  double vendor_slices;         // where K is cut into slices, the second launch
  double vendor_vector_launch;  // where a factor is a vector
  double vendor_flops;          // f32
  double vendor_bytes;
  double vendor_pass;          // the launch of a chain behind it
  double vendor_narrow_bytes;  // where k and a side of c are short
  double tiles_launch;
  double skinny_launch;
  double skinny_columns;  // for each element of b
  double skinny_bytes;
};
MYLOS_HOST_DEVICE constexpr GemmCostTuning gemm_cost_tuning() {
  return {10, 6,   {4.5, 6}, {1.2, 2.2}, {2.3, 2.7}, 1.15,  2.7e6, 3.3e6, {0.8, 1}, 8.5,
          3,  6.5, 50e6,     4e6,        4,          2.2e6, 5,     7,     2.1e-3,   2.8e6};
}
/// Of K at least that a slice has.
inline constexpr std::int64_t gemm_slice_depth = 512;
/// A matrix times a vector: rows of a block of 256 threads, and of K.
struct GemvTuning {
  int rows;
  std::int64_t piece;
  std::int64_t most_pieces;
};
MYLOS_HOST_DEVICE constexpr GemvTuning gemv_tuning() { return {8, 8192, 512}; }
/// For cuBLAS, which wants 32 MiB on sm_90.
inline constexpr std::size_t vendor_workspace_bytes = std::size_t{32} << 20;
/// Of K at most in one of its calls, where it sums in f32: with FMA, and on tensor cores.
inline constexpr std::int64_t vendor_depth_f32 = 4096;
inline constexpr std::int64_t vendor_depth_tensor = 16384;
/// Elements of partial results at most, where parts of K are taken side by side.
inline constexpr std::int64_t vendor_slice_elements = std::int64_t{16} << 20;
/// Elements of 64 x 128 that are computed one by one at most; beyond, all of the 64 x 128.
inline constexpr int plain_single_elements = 64;

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

/// With halves of f16 (mlp_tensor.cuh), tiles as above.
MYLOS_HOST_DEVICE constexpr MlpTuning mlp_tensor_tuning(int width) {
  return {128, width <= 32 ? 4 : 3, mlp_tuning(width, 4).tiles};
}

/// By warpgroups (mlp_group.cuh): blocks per multiprocessor at least, of one warpgroup each. Measured on H200, 8 -> 32
/// -> 32 -> 4 over 2^24 samples: five are as fast as four and 4 % faster than six, where registers spill; two tiles of
/// 64 samples at once in each warpgroup, with three or four blocks, are 5 % slower than one.
MYLOS_HOST_DEVICE constexpr int mlp_group_blocks(int width, int input_tiles) {
  return width <= 32 ? 5 : input_tiles <= 2 ? 4 : 3;
}

}  // namespace mylos::cuda
