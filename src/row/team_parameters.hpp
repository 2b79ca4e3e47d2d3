// What the teams of teams.hpp are told: tensors, extents, and who takes what, all by a row's length and strides.
#pragma once

#include <algorithm>

#include <mylos/detail/divider.hpp>

#include "core/apply.hpp"
#include "row/policy.hpp"

namespace mylos::detail {

inline constexpr int team_threads = 256;
inline constexpr std::int64_t team_piece = 64 << 10;
template <class T, bool Chained>
inline constexpr int team_values = (Chained ? 16 : 32) / static_cast<int>(sizeof(T));  // that a lane takes at once
template <class T>
inline constexpr int team_vector = 16 / static_cast<int>(sizeof(T));  // of them neighbours
inline constexpr int team_tiles = 8;  // that a lane takes where rows are long enough: merging lanes costs several tiles

struct TeamTensor {
  void* data;
  DType dtype;
  bool is_run;     // one stride all along the axis
  bool in_chunks;  // it has not, but vectors of neighbours along the axis are each one vector, or one value, in memory
  std::int64_t stride[max_rank];
};

template <class T>
struct TeamParameters {
  TeamTensor x;
  TeamTensor y;
  TeamTensor weight;
  TeamTensor bias;
  TeamTensor mean;
  TeamTensor rstd;
  TeamTensor running_mean;
  TeamTensor running_variance;
  int rows_rank;
  int rank;  // of rows and axis together
  Divider extent[max_rank];
  std::int64_t rows;
  std::int64_t length;
  std::int64_t pieces;
  T momentum;
  RowNumbers<T> numbers;
  LoweredChain<T> before;
  LoweredChain<T> after;
  int before_operands;
  TeamTensor operand[max_operands];
  bool is_causal;
  std::int64_t causal_limit;
  std::int64_t causal_stride[max_rank];
  int threads;        // of a team
  int lanes;          // of a row, a power of two
  bool rows_fastest;  // neighbouring threads on neighbouring rows

  int rows_of_team() const { return threads / lanes; }
};

/// Of a tensor with these strides over the rows' and the axis' dimensions.
template <class T>
bool comes_in_chunks(const RowProblem& problem, const RowTensor& tensor) {
  constexpr int e = team_vector<T>;
  const int rank = problem.rows.rank + problem.axis.rank;
  if (problem.axis.rank == 0 || !is_floating(tensor.dtype)) return false;
  if (problem.axis.extent[problem.axis.rank - 1] % e != 0) return false;
  const std::int64_t* stride = tensor.strides.stride;
  if (stride[rank - 1] == 0) return true;
  const std::size_t bytes = e * size_of(tensor.dtype);
  if (stride[rank - 1] != 1 || bytes > 16 || reinterpret_cast<std::uintptr_t>(tensor.data) % bytes != 0) return false;
  return std::all_of(stride, stride + rank - 1, [](std::int64_t s) { return s % e == 0; });
}

template <class T, bool Chained>
TeamParameters<T> make_teams(const RowProblem& problem, int threads) {
  TeamParameters<T> p{};
  p.rows_rank = problem.rows.rank;
  p.rank = problem.rows.rank + problem.axis.rank;
  const auto set = [&](TeamTensor& to, const RowTensor& from) {
    to.data = from.data;
    to.dtype = from.dtype;
    to.is_run = problem.axis_stride(from.strides).has_value();
    to.in_chunks = !to.is_run && comes_in_chunks<T>(problem, from);
    for (int d = 0; d < p.rank; ++d) to.stride[d] = from.strides.stride[d];
  };
  set(p.x, problem.x);
  set(p.y, problem.y);
  set(p.weight, problem.weight);
  set(p.bias, problem.bias);
  set(p.mean, problem.mean);
  set(p.rstd, problem.rstd);
  set(p.running_mean, problem.running_mean);
  set(p.running_variance, problem.running_variance);
  for (int d = 0; d < p.rank; ++d)
    p.extent[d] = Divider(d < p.rows_rank ? problem.rows.extent[d] : problem.axis.extent[d - p.rows_rank]);
  p.rows = problem.rows.count;
  p.length = problem.length();
  p.pieces = (p.length + team_piece - 1) / team_piece;
  p.momentum = static_cast<T>(problem.momentum);
  p.numbers = numbers_of<T>(problem);
  p.before = lower<T>(*problem.before);
  p.after = lower<T>(*problem.after);
  p.before_operands = problem.before->operand_count();
  for (int o = 0; o < problem.operand_count(); ++o) {
    const Tensor& tensor = problem.operand_tensor(o);
    set(p.operand[o], {tensor.data, tensor.dtype, problem.operand[o]});
  }
  p.is_causal = problem.is_causal;
  p.causal_limit = problem.causal_limit;
  for (int d = 0; d < max_rank; ++d) p.causal_stride[d] = problem.causal.stride[d];
  // By the axis alone: a single row of a strided axis must be summed as one of many is.
  p.rows_fastest = p.rank > p.rows_rank && p.x.stride[p.rank - 1] != 1;
  p.threads = threads;
  const int most = p.rows_fastest && threads >= 64 ? threads / 32 : threads;
  p.lanes = 1;
  while (p.lanes < most && p.lanes * team_values<T, Chained> * team_tiles < p.length) p.lanes *= 2;
  return p;
}

}  // namespace mylos::detail
