// The row operators on NVIDIA GPUs: which variant serves which problem.
#include "cuda/row.hpp"

#include <iterator>

#include "cuda/row_columns.cuh"
#include "cuda/row_passes.cuh"
#include "cuda/row_registers.cuh"
#include "cuda/row_ring.cuh"
#include "row/candidates.hpp"

namespace mylos::cuda {
namespace {

constexpr detail::Candidate<RowProblem> list[] = {
    {"cuda/staged", refuse_staged, run_staged},    {"cuda/registers", refuse_registers, run_registers},
    {"cuda/cluster", refuse_cluster, run_cluster}, {"cuda/ring", refuse_ring, run_ring},
    {"cuda/columns", refuse_columns, run_columns}, {"cuda/passes", refuse_passes, run_passes},
};

/// Below, most threads of a block would have nothing to do.
constexpr std::int64_t shortest_run = 1024;

/// What the kernels with rows in one place ask for.
const char* refuse_held_rows(const RowProblem& problem) {
  if (problem.x.dtype != problem.y.dtype) return "x and y differ in dtype";
  if (!problem.is_consecutive()) return "the elements of a row are not consecutive";
  return nullptr;
}

/// What the kernels with rows in long runs ask for.
const char* refuse_runs(const RowProblem& problem) {
  if (problem.x.dtype != problem.y.dtype) return "x and y differ in dtype";
  const std::int64_t run = run_of(problem);
  if (run < shortest_run) return "rows have no long runs of consecutive elements";
  if (!runs_are_aligned_alike(problem, run)) return "rows of x and y are not aligned alike";
  return nullptr;
}

template <class Visit>
void with_storage(DType dtype, const Visit& visit) {
  switch (dtype) {
    case DType::f64:
      return visit(RowKernels<double>());
    case DType::f32:
      return visit(RowKernels<float>());
    case DType::f16:
      return visit(RowKernels<half>());
    default:
      return visit(RowKernels<bfloat16>());
  }
}

}  // namespace

const char* refuse_staged(const RowProblem& problem) {
  if (const char* reason = refuse_held_rows(problem)) return reason;
  if (problem.has_chains_or_mask()) return "chains and masks are worked on in registers";
  const std::int64_t length = problem.length();
  if (length > staged_longest) return "a warp's registers do not hold a row";
  if (length % row_chunk_elements(problem) == 0 && !stages_whole_vectors(length, problem.has_affine()))
    return "rows of whole vectors need no shared memory";
  const bool packed = problem.rows.rank == 0 || (problem.rows.rank == 1 && problem.x.strides.stride[0] == length &&
                                                 problem.y.strides.stride[0] == length);
  if (!packed) return "rows are apart";
  for (const detail::RowTensor* tensor : {&problem.weight, &problem.bias})
    if (tensor->given() && problem.rows.rank == 1 && tensor->strides.stride[0] != 0)
      return "rows have weights and biases of their own";
  return nullptr;
}
void run_staged(const RowProblem& problem, const detail::Queue& queue) {
  with_storage(problem.x.dtype, [&](auto kernels) { kernels.run_staged(problem, queue); });
}

const char* refuse_registers(const RowProblem& problem) {
  if (const char* reason = refuse_held_rows(problem)) return reason;
  const bool chained = problem.has_chains_or_mask();
  const int value = problem.computes_in_f64() ? sizeof(double) : sizeof(float);
  if (problem.length() <= registers_tiny_length(static_cast<std::size_t>(value))) return nullptr;
  if (!rows_are_aligned_alike(problem)) return "rows of x and y are not aligned alike";
  const WarpsTuning tuning = warps_tuning(problem.has_affine(), chained);
  if (problem.length() + longest_lead(problem, sector_bytes) > tuning.longest * (tuning.bytes / value))
    return "a block's registers do not hold a row";
  return nullptr;
}
void run_registers(const RowProblem& problem, const detail::Queue& queue) {
  with_storage(problem.x.dtype, [&](auto kernels) { kernels.run_registers(problem, queue); });
}

const char* refuse_cluster(const RowProblem& problem) {
  if (const char* reason = refuse_held_rows(problem)) return reason;
  if (problem.op == RowOperator::standardize) return "mean and variance take more registers";
  if (problem.has_affine()) return "weights and biases take more registers";
  // gelu before softmax of 65536 values: 4.7 ms against 3.8 in the ring, H200. The code for all of a thread's values is
  // long.
  if (problem.has_chains_or_mask()) return "chains and masks are worked on in shared memory";
  if (problem.x.dtype != DType::f32) return "not f32";
  if (!rows_are_aligned_alike(problem)) return "rows of x and y are not aligned alike";
  const ClusterShape shape = cluster_shape(problem);
  if (shape.blocks == 0) return "the registers and the shared memory of a few blocks do not hold a row";
  if (shape.blocks > 1 && device_attribute(cudaDevAttrClusterLaunch) == 0) return "the device has no clusters";
  constexpr int others = 4096;  // bytes that the kernel and the system take
  if (shape.bytes() + others > device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin))
    return "a multiprocessor's shared memory does not hold a block's part of a row";
  return nullptr;
}
void run_cluster(const RowProblem& problem, const detail::Queue& queue) {
  RowKernels<float>::run_cluster(problem, queue);
}

const char* refuse_ring(const RowProblem& problem) {
  if (const char* reason = refuse_runs(problem)) return reason;
  if (device_attribute(cudaDevAttrClusterLaunch) == 0) return "the device has no bulk copies";
  if (problem.has_affine() && run_of(problem) < problem.length())
    return "weight and bias may differ between a row's runs: two reads of x are faster";  // 5.05 against 8.33 ms, H200
  if (affine_outgrows_cache(problem)) return "weight and bias would be read again for each row";
  const int multiprocessors = device_attribute(cudaDevAttrMultiProcessorCount);
  const int blocks = ring_shape(problem, multiprocessors).blocks_per_row;
  if (blocks == 0) return "the device's shared memory does not hold a row";
  // 4 million f32 on H200: 0.64 of the copy, 0.67 with two reads.
  if (2 * blocks > multiprocessors) return "the device holds one row at a time: two reads of x are faster";
  return nullptr;
}
void run_ring(const RowProblem& problem, const detail::Queue& queue) {
  with_storage(problem.x.dtype, [&](auto kernels) { kernels.run_ring(problem, queue); });
}

const char* refuse_columns(const RowProblem& problem) {
  if (problem.x.dtype != problem.y.dtype) return "x and y differ in dtype";
  const int last = problem.rows.rank - 1;
  if (last >= 0 && (problem.x.strides.stride[last] != 1 || problem.y.strides.stride[last] != 1))
    return "neighbouring rows are not one element apart";
  if (!problem.axis_stride(problem.x.strides) || !problem.axis_stride(problem.y.strides))
    return "the elements of a row are not evenly apart";
  const std::size_t value = problem.computes_in_f64() ? sizeof(double) : sizeof(float);
  const int e = row_chunk_elements(problem);
  const int per_thread =
      columns_are_vectors(problem, e) ? columns_tuning().bytes / static_cast<int>(value) / e : columns_single(value);
  // Two vectors of neighbours at least, or whole sectors of single elements.
  const int across = columns_are_vectors(problem, e) ? 2 : 32 / static_cast<int>(size_of(problem.x.dtype));
  if (problem.length() > static_cast<std::int64_t>(columns_tuning().longest / across) * per_thread)
    return "a block's registers do not hold a row beside its neighbours";
  return nullptr;
}
void run_columns(const RowProblem& problem, const detail::Queue& queue) {
  with_storage(problem.x.dtype, [&](auto kernels) { kernels.run_columns(problem, queue); });
}

const char* refuse_passes(const RowProblem& problem) { return refuse_runs(problem); }
void run_passes(const RowProblem& problem, const detail::Queue& queue) {
  with_storage(problem.x.dtype, [&](auto kernels) { kernels.run_passes(problem, queue); });
}

detail::CandidateList<RowProblem> row_candidates() { return {list, static_cast<int>(std::size(list))}; }

}  // namespace mylos::cuda
