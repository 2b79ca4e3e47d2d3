#include "cuda/gemm_passes.hpp"

#include "core/access.hpp"
#include "core/apply.hpp"
#include "cuda/gemm_parameters.cuh"
#include "cuda/primitives/access.cuh"
#include "cuda/primitives/launch.cuh"

namespace mylos::cuda {

using detail::GemmMatrix;
using detail::GemmProblem;

namespace {

constexpr int threads = 256;
constexpr int span = 4;  // neighbouring columns of a thread
constexpr int tile_columns = 32 * span;
constexpr int tile_rows = threads / 32;  // a warp has a row, or several, tile_rows apart

struct PassMatrix {
  void* data;
  DType dtype;
  bool is_vectors;  // spans are vectors
  std::int64_t row;
  std::int64_t column;
  std::int64_t batch[max_rank];
};

template <class T>
struct PassParameters {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t row_tiles;
  std::int64_t column_tiles;
  GemmBatch batch;
  PassMatrix from;
  PassMatrix to;
  GemmSlices slices;
  T alpha;
  T beta;
  detail::LoweredChain<T> chain;
  PassMatrix operand[max_operands];
};

/// A thread's part: `Rows` spans.
template <class T, int Rows>
struct PassPart {
  using Values = detail::RegisterTile<T, Rows * span>;
  const PassParameters<T>& p;
  std::int64_t batch;
  std::int64_t row;
  std::int64_t column;

  /// What lies outside reads what the last ones do.
  __device__ __forceinline__ void load(const PassMatrix& matrix, std::int64_t shift, Values& v) const {
    const std::int64_t origin = p.batch.offset(matrix.batch, batch) + shift;
#pragma unroll
    for (int r = 0; r < Rows; ++r) {
      const std::int64_t of_row = origin + ::min(row + r * tile_rows, p.rows - 1) * matrix.row;
      if (matrix.is_vectors) {
        detail::load_vector<StreamingAccess, span>(matrix.dtype, matrix.data, of_row + ::min(column, p.columns - span),
                                                   v.value + r * span);
      } else {
#pragma unroll
        for (int e = 0; e < span; ++e)
          v[r * span + e] = detail::load_element<T>(matrix.dtype, matrix.data,
                                                    of_row + ::min(column + e, p.columns - 1) * matrix.column);
      }
    }
  }
  __device__ __forceinline__ void store(const PassMatrix& matrix, const Values& v) const {
    const std::int64_t origin = p.batch.offset(matrix.batch, batch);
#pragma unroll
    for (int r = 0; r < Rows; ++r) {
      if (row + r * tile_rows >= p.rows) break;
      const std::int64_t of_row = origin + (row + r * tile_rows) * matrix.row;
      if (matrix.is_vectors) {
        if (column < p.columns)
          detail::store_vector<StreamingAccess, span>(matrix.dtype, matrix.data, of_row + column, v.value + r * span);
      } else {
#pragma unroll
        for (int e = 0; e < span; ++e)
          if (column + e < p.columns)
            detail::store_element<T>(matrix.dtype, matrix.data, of_row + (column + e) * matrix.column, v[r * span + e]);
      }
    }
  }
};

}  // namespace

template <class T, bool Narrow, int Rows>
__global__ void __launch_bounds__(threads) gemm_pass_kernel(const __grid_constant__ PassParameters<T> p) {
  using Part = PassPart<T, Rows>;
  std::int64_t index = blockIdx.x;
  const std::int64_t column = index % p.column_tiles * tile_columns + threadIdx.x % 32 * span;
  index /= p.column_tiles;
  const Part part{p, index / p.row_tiles, index % p.row_tiles * (tile_rows * Rows) + threadIdx.x / 32, column};
  typename Part::Values v;
  part.load(p.from, 0, v);
#pragma unroll 4
  for (std::int64_t s = 1; s < p.slices.count; ++s) {
    typename Part::Values next;
    part.load(p.from, s * p.slices.step, next);
#pragma unroll
    for (int i = 0; i < v.size(); ++i) v[i] += next[i];
  }
#pragma unroll
  for (int i = 0; i < v.size(); ++i) v[i] *= p.alpha;
  if (p.beta != T(0)) {
    typename Part::Values c;
    part.load(p.to, 0, c);
#pragma unroll
    for (int i = 0; i < v.size(); ++i) v[i] += p.beta * c[i];
  }
  detail::apply<std::conditional_t<Narrow, math::Reduced, math::Precise>>(
      p.chain, v, [&](int o, typename Part::Values& block) { part.load(p.operand[o], 0, block); });
  part.store(p.to, v);
}

namespace {

template <class T, int Rows>
void launch_rows(PassParameters<T>& p, std::int64_t batches, bool is_narrow, void* stream) {
  p.row_tiles = (p.rows + tile_rows * Rows - 1) / (tile_rows * Rows);
  p.column_tiles = (p.columns + tile_columns - 1) / tile_columns;
  const std::int64_t blocks = p.row_tiles * p.column_tiles * batches;
  if constexpr (sizeof(T) == sizeof(float)) {
    if (is_narrow) return launch(gemm_pass_kernel<T, true, Rows>, blocks, threads, stream, p);
  }
  launch(gemm_pass_kernel<T, false, Rows>, blocks, threads, stream, p);
}

template <class T>
void launch_pass(const GemmProblem& problem, const GemmMatrix& from, const GemmMatrix& to, const GemmSlices& slices,
                 double alpha, double beta, bool is_after, void* stream) {
  PassParameters<T> p{};
  // Neighbouring threads have neighbouring columns; where rows are neighbours the two change places.
  const bool swapped = to.column != 1 && to.row == 1;
  const std::int64_t columns = is_after ? problem.n : problem.k;
  p.rows = swapped ? columns : problem.m;
  p.columns = swapped ? problem.m : columns;
  p.batch.rank = problem.batch.rank;
  const auto matrix = [&](void* data, DType dtype, std::int64_t row, std::int64_t column,
                          const detail::Strides& batch) {
    PassMatrix m{data, dtype, false, swapped ? column : row, swapped ? row : column, {}};
    bool aligned = p.columns % span == 0 && m.column == 1 && m.row % span == 0 && slices.step % span == 0 &&
                   reinterpret_cast<std::uintptr_t>(data) % (::size_t{span} * size_of(dtype)) == 0;
    for (int d = 0; d < problem.batch.rank; ++d) {
      m.batch[d] = batch.stride[d];
      aligned = aligned && m.batch[d] % span == 0;
    }
    m.is_vectors = aligned;
    return m;
  };
  std::int64_t batches = 1;
  for (int d = 0; d < p.batch.rank; ++d) {
    // What is the same for several batches is written once.
    const std::int64_t extent = to.batch.stride[d] == 0 ? 1 : problem.batch.extent[d];
    p.batch.extent[d] = detail::Divider(extent);
    batches *= extent;
  }
  p.from = matrix(from.data, from.dtype, from.row, from.column, from.batch);
  p.to = matrix(to.data, to.dtype, to.row, to.column, to.batch);
  p.slices = slices;
  p.alpha = static_cast<T>(alpha);
  p.beta = static_cast<T>(beta);
  const Chain& chain = is_after ? *problem.after : *problem.before;
  const int first = is_after ? problem.before->operand_count() : 0;
  p.chain = detail::lower<T>(chain);
  for (int o = 0; o < chain.operand_count(); ++o) {
    const detail::GemmOperand& operand = problem.operand[first + o];
    const Tensor& tensor = problem.operand_tensor(first + o);
    p.operand[o] = matrix(tensor.data, tensor.dtype, operand.row, operand.column, operand.batch);
  }
  const bool is_narrow = size_of(problem.a.dtype) == 2 && size_of(to.dtype) == 2;
  // Many slices are walked through: more threads, each with less.
  if (slices.count > 1 || sizeof(T) == sizeof(double))
    launch_rows<T, 1>(p, batches, is_narrow, stream);
  else
    launch_rows<T, 2>(p, batches, is_narrow, stream);
}

}  // namespace

void pass_before(const GemmProblem& problem, const GemmMatrix& to, void* stream) {
  if (problem.computes_in_f64())
    launch_pass<double>(problem, problem.a, to, {}, 1, 0, false, stream);
  else
    launch_pass<float>(problem, problem.a, to, {}, 1, 0, false, stream);
}

void pass_after(const GemmProblem& problem, const GemmMatrix& from, const GemmSlices& slices, double alpha, double beta,
                void* stream) {
  if (problem.computes_in_f64())
    launch_pass<double>(problem, from, problem.c, slices, alpha, beta, true, stream);
  else
    launch_pass<float>(problem, from, problem.c, slices, alpha, beta, true, stream);
}

}  // namespace mylos::cuda
