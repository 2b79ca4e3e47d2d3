// What becomes of a sum: after(alpha * sum + beta * c).
#pragma once

#include "cuda/gemm_parameters.cuh"

namespace mylos::cuda {

/// V sums of one column and neighbouring rows, those stored whose bit of `stored` is set.
template <bool Chained, int V>
__device__ __forceinline__ void store_sums(const GemmParameters& p, std::int64_t batch, std::int64_t row,
                                           std::int64_t column, unsigned stored, detail::RegisterTile<float, V>& v) {
  const std::int64_t rows = p.factor[0].rows;
  const std::int64_t columns = p.factor[1].rows;
  const std::int64_t left = rows - row;
  if (left < V) stored &= left > 0 ? (1U << static_cast<int>(left)) - 1U : 0U;
  if (column >= columns) stored = 0;
  float* c = p.c + p.batch.offset(p.c_batch, batch) + row * p.c_row + column * p.c_column;
#pragma unroll
  for (int i = 0; i < V; ++i) v[i] *= p.alpha;
  if (p.beta != 0.F) {
#pragma unroll
    for (int i = 0; i < V; ++i)
      if ((stored >> i & 1U) != 0) v[i] = fmaf(p.beta, c[i * p.c_row], v[i]);
  }
  if constexpr (Chained) apply_gemm_chain(p, p.after, p.after_operands, {batch, row, column, 1, 0, rows, columns}, v);
  if (stored == (1U << V) - 1U) {
#pragma unroll
    for (int i = 0; i < V; ++i) c[i * p.c_row] = v[i];
  } else {
#pragma unroll
    for (int i = 0; i < V; ++i)
      if ((stored >> i & 1U) != 0) c[i * p.c_row] = v[i];
  }
}

}  // namespace mylos::cuda
