// A matrix product as the kernels see it: two factors whose rows run along K, and what becomes of each sum.
#pragma once

#include <mylos/detail/divider.hpp>

#include "core/access.hpp"
#include "core/apply.hpp"
#include "gemm/problem.hpp"

namespace mylos::cuda {

using detail::GemmProblem;

/// The batch box, to turn an index into offsets.
struct GemmBatch {
  int rank;
  detail::Divider extent[max_rank];

  __device__ __forceinline__ std::int64_t offset(const std::int64_t* stride, std::int64_t index) const {
    if (rank <= 1) return index * stride[0];
    std::int64_t sum = 0;
    auto rest = static_cast<std::uint64_t>(index);
#pragma unroll 1
    for (int d = rank - 1; d > 0; --d) {
      const std::uint64_t quotient = extent[d].divide(rest);
      sum += static_cast<std::int64_t>(rest - quotient * extent[d].divisor) * stride[d];
      rest = quotient;
    }
    return sum + static_cast<std::int64_t>(rest) * stride[0];
  }
};

/// Rows of a, or columns of b: element k of row i is at data + i * row + k * depth.
struct GemmFactor {
  const float* data;
  std::int64_t rows;
  std::int64_t row;
  std::int64_t depth;
  std::int64_t batch[max_rank];
  bool is_a;
  bool is_chained;            // `before` is applied to its elements
  MatrixStructure structure;  // as of a matrix of these rows

  /// Whether element k of row i is 0 by the structure alone.
  __device__ __forceinline__ bool is_zero(std::int64_t i, std::int64_t k) const {
    return (k > i && structure == MatrixStructure::lower) || (k < i && structure == MatrixStructure::upper);
  }

  /// Element k of row i of the matrix at `from`, past the caches where that is asked for.
  template <bool Streaming>
  __device__ __forceinline__ float load(const float* from, std::int64_t i, std::int64_t k) const {
    if (structure != MatrixStructure::general) {
      if (is_zero(i, k)) return 0.F;
      if (k > i ? structure == MatrixStructure::symmetric_lower
                : k < i && structure == MatrixStructure::symmetric_upper) {
        const std::int64_t other = i;
        i = k;
        k = other;
      }
    }
    const float* const at = from + i * row + k * depth;
    return Streaming ? __ldcs(at) : *at;
  }
};

/// A chain's operand: over rows and K of a factor, or over rows and columns of the result.
struct GemmTensor {
  const void* data;
  DType dtype;
  std::int64_t row;
  std::int64_t column;
  std::int64_t batch[max_rank];
};

struct GemmParameters {
  std::int64_t k;        // of a slice, where K is cut into slices
  std::int64_t k_total;  // of all slices, which are the slowest part of the batch
  std::int64_t slice_batches;
  std::int64_t batches;
  GemmBatch batch;
  GemmFactor factor[2];  // of the result's rows, of its columns
  float* c;
  std::int64_t c_row;
  std::int64_t c_column;
  std::int64_t c_batch[max_rank];
  float alpha;
  float beta;
  detail::LoweredChain<float> before;
  detail::LoweredChain<float> after;
  int after_operands;  // the first of them
  GemmTensor operand[max_operands];

  /// Elements along K of this batch: the last slice may have fewer.
  __device__ __forceinline__ std::int64_t depth(std::int64_t batch) const {
    if (slice_batches == batches) return k;
    const std::int64_t left = k_total - batch / slice_batches * k;
    return left < k ? left : k;
  }
};

/// Elements (row + i * row_step, column + i * column_step) of a batch pass through a chain; those from `rows` or
/// `columns` on are not needed and read what the last ones do.
struct GemmTile {
  std::int64_t batch;
  std::int64_t row;
  std::int64_t column;
  int row_step;
  int column_step;
  std::int64_t rows;
  std::int64_t columns;
};

template <int V>
__device__ __forceinline__ void apply_gemm_chain(const GemmParameters& p, const detail::LoweredChain<float>& chain,
                                                 int first_operand, const GemmTile& at,
                                                 detail::RegisterTile<float, V>& v) {
  detail::apply<math::Precise>(chain, v, [&](int o, detail::RegisterTile<float, V>& block) {
    const GemmTensor& tensor = p.operand[first_operand + o];
    const std::int64_t origin = p.batch.offset(tensor.batch, at.batch);
    MYLOS_UNROLL
    for (int i = 0; i < V; ++i) {
      const std::int64_t row = at.row + i * at.row_step;
      const std::int64_t column = at.column + i * at.column_step;
      block[i] = detail::load_element<float>(tensor.dtype, tensor.data,
                                             origin + (row < at.rows ? row : at.rows - 1) * tensor.row +
                                                 (column < at.columns ? column : at.columns - 1) * tensor.column);
    }
  });
}

/// Where the columns of the result are not neighbours and its rows are, the product is taken as b^T a^T, unless a row's
/// bits must not depend on the number of rows.
GemmParameters make_gemm_parameters(const GemmProblem& problem);

}  // namespace mylos::cuda
