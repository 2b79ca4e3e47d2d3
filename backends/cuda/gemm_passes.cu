#include "cuda/gemm_passes.hpp"

#include <mylos/detail/divider.hpp>

#include "core/access.hpp"
#include "core/apply.hpp"
#include "cuda/primitives/launch.cuh"

namespace mylos::cuda {

using detail::GemmMatrix;
using detail::GemmProblem;

namespace {

constexpr int threads = 256;
constexpr int tile_rows = 32;
constexpr int own = tile_rows / 8;  // a warp has rows 8 apart of 32 columns

struct PassMatrix {
  void* data;
  DType dtype;
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
  int rank;
  detail::Divider extent[max_rank];
  PassMatrix from;
  PassMatrix to;
  GemmSlices slices;
  T alpha;
  T beta;
  detail::LoweredChain<T> chain;
  PassMatrix operand[max_operands];
};

}  // namespace

template <class T, bool Narrow>
__global__ void __launch_bounds__(threads) gemm_pass_kernel(const __grid_constant__ PassParameters<T> p) {
  std::int64_t index = blockIdx.x;
  const std::int64_t column = index % p.column_tiles * 32 + threadIdx.x % 32;
  index /= p.column_tiles;
  const std::int64_t row = index % p.row_tiles * tile_rows + threadIdx.x / 32;
  const std::int64_t batch = index / p.row_tiles;
  const auto offset = [&](const PassMatrix& matrix, int i) {
    std::int64_t sum = ::min(row + i * 8, p.rows - 1) * matrix.row + ::min(column, p.columns - 1) * matrix.column;
    auto rest = static_cast<std::uint64_t>(batch);
#pragma unroll 1
    for (int d = p.rank - 1; d >= 0; --d) {
      const std::uint64_t quotient = p.extent[d].divide(rest);
      sum += static_cast<std::int64_t>(rest - quotient * p.extent[d].divisor) * matrix.batch[d];
      rest = quotient;
    }
    return sum;
  };
  const auto load = [&](const PassMatrix& matrix, detail::RegisterTile<T, own>& v) {
#pragma unroll
    for (int i = 0; i < own; ++i) v[i] = detail::load_element<T>(matrix.dtype, matrix.data, offset(matrix, i));
  };
  detail::RegisterTile<T, own> v;
  load(p.from, v);
#pragma unroll 4
  for (std::int64_t s = 1; s < p.slices.count; ++s)
#pragma unroll
    for (int i = 0; i < own; ++i)
      v[i] += detail::load_element<T>(p.from.dtype, p.from.data, offset(p.from, i) + s * p.slices.step);
#pragma unroll
  for (int i = 0; i < own; ++i) v[i] *= p.alpha;
  if (p.beta != T(0)) {
    detail::RegisterTile<T, own> c;
    load(p.to, c);
#pragma unroll
    for (int i = 0; i < own; ++i) v[i] += p.beta * c[i];
  }
  detail::apply<std::conditional_t<Narrow, math::Reduced, math::Precise>>(
      p.chain, v, [&](int o, detail::RegisterTile<T, own>& block) { load(p.operand[o], block); });
#pragma unroll
  for (int i = 0; i < own; ++i)
    if (row + i * 8 < p.rows && column < p.columns)
      detail::store_element<T>(p.to.dtype, p.to.data, offset(p.to, i), v[i]);
}

namespace {

template <class T>
void launch_pass(const GemmProblem& problem, const GemmMatrix& from, const GemmMatrix& to, const GemmSlices& slices,
                 double alpha, double beta, bool is_after, void* stream) {
  PassParameters<T> p{};
  // Neighbouring threads have neighbouring columns; where rows are neighbours the two change places.
  const bool swapped = to.column != 1 && to.row == 1;
  const auto matrix = [&](void* data, DType dtype, std::int64_t row, std::int64_t column,
                          const detail::Strides& batch) {
    PassMatrix m{data, dtype, swapped ? column : row, swapped ? row : column, {}};
    for (int d = 0; d < problem.batch.rank; ++d) m.batch[d] = batch.stride[d];
    return m;
  };
  const std::int64_t columns = is_after ? problem.n : problem.k;
  p.rows = swapped ? columns : problem.m;
  p.columns = swapped ? problem.m : columns;
  p.row_tiles = (p.rows + tile_rows - 1) / tile_rows;
  p.column_tiles = (p.columns + 31) / 32;
  p.rank = problem.batch.rank;
  std::int64_t batches = 1;
  for (int d = 0; d < p.rank; ++d) {
    // What is the same for several batches is written once.
    const std::int64_t extent = to.batch.stride[d] == 0 ? 1 : problem.batch.extent[d];
    p.extent[d] = detail::Divider(extent);
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
  const std::int64_t blocks = p.row_tiles * p.column_tiles * batches;
  if constexpr (sizeof(T) == sizeof(float)) {
    if (size_of(problem.a.dtype) == 2 && size_of(to.dtype) == 2)
      return launch(gemm_pass_kernel<T, true>, blocks, threads, stream, p);
  }
  launch(gemm_pass_kernel<T, false>, blocks, threads, stream, p);
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
