// A matrix times a vector: the matrix read once, at the speed of memory. K is cut into pieces of a fixed length, so
// that a result's bits do not depend on the number of rows; their sums are added up in order by a pass over the result.
#include <algorithm>

#include "core/access.hpp"
#include "cuda/gemm.hpp"
#include "cuda/gemm_parameters.cuh"
#include "cuda/gemm_passes.hpp"
#include "cuda/primitives/access.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/primitives/scratch.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {
namespace {

using detail::GemmMatrix;
using detail::GemmProblem;

constexpr int threads = 256;

/// Of K: as many as one block has at least, and no more pieces than the pass goes through quickly.
std::int64_t piece_of(std::int64_t k) {
  constexpr GemvTuning tuning = gemv_tuning();
  const std::int64_t longest = (k + tuning.most_pieces - 1) / tuning.most_pieces;
  return (std::max(longest, tuning.piece) + tuning.piece - 1) / tuning.piece * tuning.piece;
}

template <class T>
struct VectorParameters {
  const void* matrix;
  const void* vector;
  T* partial;
  std::int64_t rows;
  std::int64_t row;  // stride; along K the elements are neighbours
  std::int64_t k;
  std::int64_t step;  // of the vector
  std::int64_t row_groups;
  std::int64_t piece;
  std::int64_t pieces;
  std::int64_t batches;
  GemmBatch batch;
  std::int64_t matrix_batch[max_rank];
  std::int64_t vector_batch[max_rank];
};

/// Some rows of a piece of K: each vector of x serves all of them.
template <class S, class T, int Rows>
__global__ void __launch_bounds__(threads, 2) gemv_kernel(const __grid_constant__ VectorParameters<T> p) {
  constexpr int e = 16 / static_cast<int>(sizeof(S));
  std::int64_t index = blockIdx.x;
  const std::int64_t first = index % p.row_groups * Rows;
  index /= p.row_groups;
  const std::int64_t part = index % p.pieces;
  const std::int64_t batch = index / p.pieces;
  const S* matrix = static_cast<const S*>(p.matrix) + p.batch.offset(p.matrix_batch, batch);
  const S* vector = static_cast<const S*>(p.vector) + p.batch.offset(p.vector_batch, batch);
  const S* row[Rows];
#pragma unroll
  for (int r = 0; r < Rows; ++r) row[r] = matrix + ::min(first + r, p.rows - 1) * p.row;
  T sum[Rows] = {};
  const std::int64_t end = ::min(p.k, (part + 1) * p.piece);
#pragma unroll 2
  for (std::int64_t k = part * p.piece + threadIdx.x * e; k < end; k += threads * e) {
    detail::Pack<S, e> loaded[Rows];
#pragma unroll
    for (int r = 0; r < Rows; ++r)
      loaded[r] = StreamingAccess::load(reinterpret_cast<const detail::Pack<S, e>*>(row[r] + k));
    T x[e];
#pragma unroll
    for (int i = 0; i < e; ++i) x[i] = detail::widen<T>(vector[(k + i) * p.step]);
#pragma unroll
    for (int r = 0; r < Rows; ++r) {
      T v[e];
      detail::unpack(loaded[r], v);
#pragma unroll
      for (int i = 0; i < e; ++i) sum[r] += v[i] * x[i];
    }
  }
  __shared__ T of_warp[Rows][threads / 32];
#pragma unroll
  for (int r = 0; r < Rows; ++r) {
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) sum[r] += __shfl_xor_sync(0xffffffffU, sum[r], distance);
    if (threadIdx.x % 32 == 0) of_warp[r][threadIdx.x / 32] = sum[r];
  }
  __syncthreads();
  const auto r = static_cast<int>(threadIdx.x);
  if (r >= Rows || first + r >= p.rows) return;
  T total = 0;
  for (int w = 0; w < threads / 32; ++w) total += of_warp[r][w];
  p.partial[(part * p.batches + batch) * p.rows + first + r] = total;
}

/// The factor that is a matrix and the one that is a vector, as of c = matrix times vector.
struct VectorShape {
  const GemmMatrix& matrix;
  const GemmMatrix& vector;
  std::int64_t rows;
  std::int64_t row;
  std::int64_t depth;
  std::int64_t step;
};
VectorShape vector_shape(const GemmProblem& problem) {
  if (problem.n == 1) return {problem.a, problem.b, problem.m, problem.a.row, problem.a.column, problem.b.row};
  return {problem.b, problem.a, problem.n, problem.b.column, problem.b.row, problem.a.column};
}

template <class S, class T>
void launch_vector(const GemmProblem& problem, const detail::Queue& queue) {
  const VectorShape shape = vector_shape(problem);
  VectorParameters<T> p{};
  p.matrix = shape.matrix.data;
  p.vector = shape.vector.data;
  p.rows = shape.rows;
  p.row = shape.row;
  p.k = problem.k;
  p.step = shape.step;
  constexpr int several = gemv_tuning().rows;
  const int rows_per_block = p.rows < several / 2 ? 1 : several;
  p.row_groups = (p.rows + rows_per_block - 1) / rows_per_block;
  p.piece = piece_of(p.k);
  p.pieces = (p.k + p.piece - 1) / p.piece;
  p.batches = problem.batch.count;
  p.batch.rank = problem.batch.rank;
  GemmMatrix partial = problem.c;
  partial.dtype = dtype_of<T>;
  partial.row = problem.n;
  partial.column = 1;
  std::int64_t step = p.rows;
  for (int d = p.batch.rank - 1; d >= 0; --d) {
    p.batch.extent[d] = detail::Divider(problem.batch.extent[d]);
    p.matrix_batch[d] = shape.matrix.batch.stride[d];
    p.vector_batch[d] = shape.vector.batch.stride[d];
    partial.batch.stride[d] = step;
    step *= problem.batch.extent[d];
  }
  const Scratch scratch(queue.stream, gemm_vector_workspace(problem));
  partial.data = scratch.data();
  p.partial = static_cast<T*>(scratch.data());
  const auto kernel = rows_per_block == 1 ? gemv_kernel<S, T, 1> : gemv_kernel<S, T, several>;
  launch(kernel, p.row_groups * p.pieces * p.batches, threads, queue.stream, p);
  pass_after(problem, partial, {p.pieces, step}, problem.alpha, problem.beta, queue.stream);
}

}  // namespace

/// A partial result for each piece of K.
std::size_t gemm_vector_workspace(const GemmProblem& problem) {
  const std::int64_t piece = piece_of(problem.k);
  const std::int64_t results = problem.m * problem.n * problem.batch.count;
  return static_cast<std::size_t>((problem.k + piece - 1) / piece * results) *
         (problem.computes_in_f64() ? sizeof(double) : sizeof(float));
}

const char* refuse_gemm_vector(const GemmProblem& problem) {
  if (problem.m != 1 && problem.n != 1) return "neither a nor b is a vector";
  if (problem.determinism == Determinism::batch_invariant) return "a single row must come out as one of many does";
  if (!problem.is_general()) return "a or b is triangular or symmetric";
  if (!problem.before->empty()) return "a chain before";
  if (problem.a.dtype != problem.b.dtype) return "a and b differ in dtype";
  if (problem.computes_in_f64() != (problem.a.dtype == DType::f64)) return "c is wider than a and b";
  if (problem.k == 0) return "there is nothing to sum";
  const VectorShape shape = vector_shape(problem);
  const auto e = static_cast<std::int64_t>(16 / size_of(problem.a.dtype));
  bool aligned = shape.depth == 1 && shape.row % e == 0 && problem.k % e == 0 &&
                 reinterpret_cast<std::uintptr_t>(shape.matrix.data) % 16 == 0;
  for (int d = 0; d < problem.batch.rank; ++d) aligned = aligned && shape.matrix.batch.stride[d] % e == 0;
  return aligned ? nullptr : "the matrix is not read as vectors along K";
}

const char* refuse_gemm_long_vector(const GemmProblem& problem) {
  if (const char* reason = refuse_gemm_vector(problem)) return reason;
  // Beyond, cuBLAS is called for parts of K, and in f64 takes 1.3 times as long as the matrix is read.
  const std::int64_t longest = problem.a.dtype == DType::f32 ? vendor_depth_f32 : vendor_depth_tensor;
  if (problem.k <= longest) return "cuBLAS is as fast";
  return nullptr;
}

void run_gemm_vector(const GemmProblem& problem, const detail::Queue& queue) {
  switch (problem.a.dtype) {
    case DType::f64:
      return launch_vector<double, double>(problem, queue);
    case DType::f32:
      return launch_vector<float, float>(problem, queue);
    case DType::f16:
      return launch_vector<half, float>(problem, queue);
    default:
      return launch_vector<bfloat16, float>(problem, queue);
  }
}

}  // namespace mylos::cuda
