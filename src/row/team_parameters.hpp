// What the teams of teams.hpp are told: tensors, extents, and who takes what, all by a row's length and strides.
#pragma once

#include <algorithm>

#include <mylos/detail/divider.hpp>

#include "core/apply.hpp"
#include "row/policy.hpp"

namespace mylos::detail {

/// How the tensors of a problem lie: all of them runs along the axis, of whole vectors or not; or in any other way, or
/// with chains.
enum class TeamAccess : std::uint8_t { vectors, elements, parts };

inline constexpr int team_threads = 256;
inline constexpr std::int64_t team_piece = 64 << 10;
inline constexpr int team_vector_lanes = 32;  // that combine without the team's memory, at most
inline constexpr int team_columns = 32;       // rows side by side, at least, where neighbouring rows are neighbours
template <class T>
inline constexpr int team_vector = 16 / static_cast<int>(sizeof(T));  // values that are neighbours, of a lane
template <class T>
inline constexpr int team_few = 32 / static_cast<int>(sizeof(T));  // that a lane keeps of a short row
template <class T>
inline constexpr int team_many = 64 / static_cast<int>(sizeof(T));  // and of a longer one
template <class T, bool Chained>
inline constexpr int team_values(TeamAccess access) {  // and takes at once of others
  return (Chained ? 16 : access == TeamAccess::parts ? 32 : 64) / static_cast<int>(sizeof(T));
}
/// Teams that a multiprocessor is to have room for, whose lanes have so many bytes of values.
inline constexpr int team_blocks(TeamAccess access, bool held, std::size_t bytes) {
  if (!held) return access == TeamAccess::vectors ? 3 : 2;
  return (bytes > 32 ? 3 : 4) - (access == TeamAccess::elements ? 1 : 0);
}

struct TeamTensor {
  void* data;
  DType dtype;
  int size;        // of an element, in bytes
  bool is_run;     // one stride all along the axis
  bool in_chunks;  // it has not, but vectors of neighbours along the axis are each one vector, or one value, in memory
  std::int64_t step;  // in bytes, along the axis' fastest dimension
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
  Divider piece_divider;
  T momentum;
  RowNumbers<T> numbers;
  LoweredChain<T> before;
  LoweredChain<T> after;
  int before_operands;
  TeamTensor operand[max_operands];
  bool is_causal;
  std::int64_t causal_limit;
  std::int64_t causal_stride[max_rank];
  int held;           // values that each of a row's lanes keeps; 0: the row is too long for that
  int near;           // from an element of a lane to its next one, and
  int far;            // from a group of a vector's length to the next one
  int threads;        // of a team, of `vector` lanes each
  int vector;         // a power of two, as the next one
  int log2_threads;   // that share a row
  int log2_rows;      // of a team
  bool rows_fastest;  // neighbouring threads on neighbouring rows; `vector` is 1
  TeamAccess access;

  int rows_of_team() const { return 1 << log2_rows; }
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

/// Whether all rows of a tensor are vectors on their boundaries, if they are as long as that.
template <class T>
bool lies_in_vectors(const RowProblem& problem, const RowTensor& tensor) {
  if (!tensor.given()) return true;
  constexpr int e = team_vector<T>;
  const std::size_t bytes = e * size_of(tensor.dtype);
  if (problem.axis_stride(tensor.strides) != 1 || bytes > 16) return false;
  const std::int64_t* stride = tensor.strides.stride;
  return reinterpret_cast<std::uintptr_t>(tensor.data) % bytes == 0 &&
         std::all_of(stride, stride + problem.rows.rank, [](std::int64_t s) { return s % e == 0; });
}

template <class T, bool Chained>
TeamParameters<T> make_teams(const RowProblem& problem, int threads) {
  TeamParameters<T> p{};
  p.rows_rank = problem.rows.rank;
  p.rank = problem.rows.rank + problem.axis.rank;
  bool all_runs = !Chained;
  const auto set = [&](TeamTensor& to, const RowTensor& from) {
    to.data = from.data;
    to.dtype = from.dtype;
    to.size = static_cast<int>(size_of(to.dtype));
    to.is_run = problem.axis_stride(from.strides).has_value();
    to.in_chunks = !to.is_run && comes_in_chunks<T>(problem, from);
    for (int d = 0; d < p.rank; ++d) to.stride[d] = from.strides.stride[d];
    to.step = (p.rank > p.rows_rank ? to.stride[p.rank - 1] : 1) * to.size;
    all_runs = all_runs && (to.data == nullptr || (to.is_run && is_floating(to.dtype)));
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
  p.piece_divider = Divider(p.pieces);
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
  const int most = p.rows_fastest && threads >= 2 * team_columns ? threads / team_columns : threads;
  const bool in_groups = p.length % team_vector<T> == 0;
  const bool vectors = in_groups && lies_in_vectors<T>(problem, problem.x) && lies_in_vectors<T>(problem, problem.y) &&
                       lies_in_vectors<T>(problem, problem.weight) && lies_in_vectors<T>(problem, problem.bias);
  p.access = !all_runs ? TeamAccess::parts : vectors ? TeamAccess::vectors : TeamAccess::elements;
  p.held = p.length <= (p.rows_fastest ? 1 : team_vector_lanes) * team_few<T> ? team_few<T> : team_many<T>;
  int lanes = 1;
  while (lanes < most && lanes * p.held < p.length) lanes *= 2;
  if (lanes * p.held < p.length || p.access == TeamAccess::parts) p.held = 0;
  p.vector = 1;
  while (!p.rows_fastest && p.vector < lanes && p.vector < team_vector_lanes) p.vector *= 2;
  p.near = in_groups ? 1 : lanes;
  p.far = team_vector<T> * lanes;
  p.threads = threads / p.vector;
  while (p.vector << p.log2_threads < lanes) ++p.log2_threads;
  while (p.rows_of_team() << p.log2_threads < p.threads) ++p.log2_rows;
  return p;
}

}  // namespace mylos::detail
