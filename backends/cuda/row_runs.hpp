// Rows as runs of consecutive elements, and how long rows are cut.
#pragma once

#include "cuda/primitives/device.hpp"
#include "cuda/row_parameters.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

/// Consecutive elements in x and y alike, of which a row is one or more; 0 where there are none. Short ones of
/// consecutive rows count as one.
inline std::int64_t run_of(const RowProblem& problem) {
  const int last = problem.rows.rank + problem.axis.rank - 1;
  if (problem.axis.rank <= 1) return problem.is_consecutive() ? problem.length() : 0;
  const std::int64_t inner = problem.axis.extent[problem.axis.rank - 1];
  if (problem.is_consecutive() && inner < shortest_inner_run) return problem.length();
  return problem.x.strides.stride[last] == 1 && problem.y.strides.stride[last] == 1 ? inner : 0;
}

/// Whether each run starts equally far behind a boundary of 16 bytes in x and in y.
inline bool runs_are_aligned_alike(const RowProblem& problem, std::int64_t run) {
  bool alike = rows_are_aligned_alike(problem);
  if (run == problem.length()) return alike;
  for (int d = problem.rows.rank; d < problem.rows.rank + problem.axis.rank - 1; ++d)
    alike = alike && (problem.x.strides.stride[d] - problem.y.strides.stride[d]) % row_chunk_elements(problem) == 0;
  return alike;
}

/// Whether weight and bias, where all rows share them, are more than stays in the L2 while a row passes through it.
inline bool affine_outgrows_cache(const RowProblem& problem) {
  std::int64_t bytes = 0;
  for (const detail::RowTensor* tensor : {&problem.weight, &problem.bias}) {
    if (!tensor->given()) continue;
    for (int d = 0; d < problem.rows.rank; ++d)
      if (tensor->strides.stride[d] != 0) return false;
    std::int64_t elements = 1;
    for (int d = 0; d < problem.axis.rank; ++d)
      if (tensor->strides.stride[problem.rows.rank + d] != 0) elements *= problem.axis.extent[d];
    bytes += elements * static_cast<std::int64_t>(size_of(tensor->dtype));
  }
  return problem.rows.count > 1 && 4 * bytes > device_attribute(cudaDevAttrL2CacheSize);
}

/// How a cluster holds a row, by its length alone: as few blocks as do so, a power of two. No blocks where it does not.
struct ClusterShape {
  int blocks;
  int pieces;  // of a thread, whole groups of values

  int bytes() const { return pieces * 16 * cluster_tuning().threads; }  // of shared memory
};
inline ClusterShape cluster_shape(const RowProblem& problem) {
  constexpr ClusterTuning tuning = cluster_tuning();
  const int e = row_chunk_elements(problem);
  const int held = tuning.bytes / static_cast<int>(problem.computes_in_f64() ? sizeof(double) : sizeof(float));
  const int together = cluster_group_values > e ? cluster_group_values / e : 1;
  const std::int64_t reach = problem.length() + longest_lead(problem, line_bytes);
  for (int blocks = 1; blocks <= tuning.blocks; blocks *= 2) {
    const std::int64_t each = (reach - 1) / (blocks * tuning.threads) + 1;
    const std::int64_t group = together * e;
    const std::int64_t groups = each > held ? (each - held + group - 1) / group : 0;
    const int most = blocks == 1 ? tuning.alone_pieces : tuning.pieces;
    if (groups * together <= most) return {blocks, static_cast<int>(groups) * together};
  }
  return {0, 0};
}

/// Whether weight and bias are each the same all along a run, as those of channels are.
inline bool affine_is_even(const RowProblem& problem) {
  const int last = problem.rows.rank + problem.axis.rank - 1;
  const std::int64_t run = run_of(problem);
  if (problem.axis.rank > 0 && run != problem.axis.extent[problem.axis.rank - 1]) return false;
  for (const detail::RowTensor* tensor : {&problem.weight, &problem.bias})
    if (tensor->given() && problem.axis.rank > 0 && tensor->strides.stride[last] != 0) return false;
  return true;
}

/// How a row is cut into chunks: by its length and the device alone.
struct RingShape {
  std::int64_t run;     // consecutive elements; 0: there are none
  std::int64_t chunks;  // per row
  int blocks_per_row;
  bool is_cluster;
};

/// Elements by which a run may start behind a line of y: 0, or the most possible.
inline int longest_run_lead(const RowProblem& problem, std::int64_t run) {
  const int e = line_bytes / static_cast<int>(size_of(problem.y.dtype));
  bool aligned = run % e == 0 && rows_are_aligned(problem, problem.y, e);
  if (run < problem.length())
    for (int d = problem.rows.rank; d < problem.rows.rank + problem.axis.rank - 1; ++d)
      aligned = aligned && problem.y.strides.stride[d] % e == 0;
  return aligned ? 0 : e - 1;
}

/// Whether the clusters take rows by a counter and not every so many each. Measured on H200, softmax, share of the
/// copy: rows that fill the ring gain (163841 values 0.86 to 0.87, 393216 0.91 to 0.935), those of two blocks too
/// (65535, l2: 0.90 to 0.95); rows of four and more blocks that leave room for the next one lose (131072 0.91 to 0.87),
/// and chains gain nothing that could be told (gelu before 393216: 4 % in one run, -2 % in another; before 65536: -4
/// %).
inline bool ring_claims_rows(const RowProblem& problem, const RingShape& shape) {
  constexpr RingTuning tuning = ring_tuning();
  if (problem.has_chains_or_mask()) return false;
  const std::int64_t chunks = (shape.chunks + shape.blocks_per_row - 1) / shape.blocks_per_row;
  const bool fills = chunks > static_cast<std::int64_t>(tuning.warps) * (tuning.stages - 1);
  return shape.blocks_per_row <= 2 || (fills && shape.blocks_per_row <= tuning.max_cluster);
}

/// The smallest cluster that holds the row; else as many blocks as do so with room for the first slabs of the next row,
/// and as the device has for each of the rows that it works on at once. No blocks where it does not hold a row.
/// Wide: clusters larger than every device has are among them, for rows that use most of their memory.
inline RingShape ring_shape(const RowProblem& problem, int multiprocessors, bool wide = true) {
  constexpr RingTuning tuning = ring_tuning();
  const std::int64_t run = run_of(problem);
  if (run == 0) return {0, 0, 0, false};
  const auto chunk = static_cast<std::int64_t>(ring_chunk_bytes / size_of(problem.x.dtype));
  RingShape shape{run, problem.length() / run * ((run + longest_run_lead(problem, run) + chunk - 1) / chunk), 0, false};
  const auto holds = [&](int blocks, int stages) {
    return static_cast<std::int64_t>(blocks) * tuning.warps * stages >= shape.chunks;
  };
  for (int blocks = 1; blocks <= tuning.max_cluster; blocks *= 2)
    if (holds(blocks, tuning.stages)) return {shape.run, shape.chunks, blocks, true};
  const bool fills = shape.chunks >= static_cast<std::int64_t>(tuning.wide_cluster) * tuning.warps * tuning.grid_stages;
  if (wide && fills && holds(tuning.wide_cluster, tuning.stages) && multiprocessors >= 4 * tuning.wide_cluster)
    return {shape.run, shape.chunks, tuning.wide_cluster, true};
  if (!holds(multiprocessors, tuning.stages)) return shape;
  for (int groups = multiprocessors; shape.blocks_per_row == 0; --groups)
    if (groups == 1 || holds(multiprocessors / groups, tuning.grid_stages))
      shape.blocks_per_row = multiprocessors / groups;
  return shape;
}

}  // namespace mylos::cuda
