// Losses of vectors along the fastest dimension. The unit of work is a vector of 16 bytes: a team of threads takes the
// units of a row in turn, the same ones whether or not they are aligned, so that the order of a sum depends on the axis
// alone. Rows at any alignment are read as the aligned vectors that they lie in.
#pragma once

#include "cuda/primitives/shifted.cuh"
#include "cuda/vector_loss.hpp"
#include "cuda/vector_loss_values.cuh"

namespace mylos::cuda {

/// How the inputs lie: as aligned vectors of one dtype, at any alignment, or anyhow.
enum class UnitAccess : std::uint8_t { aligned, shifted, any };

template <class T>
struct LossRowsParameters {
  VectorLossParameters<T> v;
  Pieces pieces;  // in units
  std::int64_t units;
  std::int64_t rows_per_block;
  void* states;
  LossSum* sums;
  Span span[3];  // of the inputs
  int team;
  bool is_half;
};

/// `before` and the state take N values, a multiple of the vector's width, of a row; `step` units lie between vectors.
template <VectorLoss L, bool Chained, int N, int Width, class T>
__device__ __forceinline__ void take_values(const LossRowsParameters<T>& k, std::int64_t row, std::int64_t u, int step,
                                            typename VectorReducer<L, T>::State& state,
                                            T (&v)[VectorReducer<L, T>::inputs][N]) {
  using R = VectorReducer<L, T>;
  if constexpr (Chained) {
    constexpr int group = Width < 4 ? 1 : 4;
    MYLOS_UNROLL
    for (int n = 0; n < N; n += group)
      apply_before<group>(k.v.box, row, (u + n / Width * step) * Width + n % Width, 1, v[0] + n);
  }
  R::template take<N>(state, k.v.o, v[0], v[R::inputs > 1 ? 1 : 0], v[R::inputs > 2 ? 2 : 0]);
}

/// One unit of a row by single elements of any dtype and stride.
template <VectorLoss L, bool Chained, class Stored, class T>
__device__ __noinline__ typename VectorReducer<L, T>::State take_elements(const LossRowsParameters<T>& k,
                                                                          std::int64_t row, std::int64_t u,
                                                                          typename VectorReducer<L, T>::State state) {
  using R = VectorReducer<L, T>;
  constexpr int width = Stored::width;
#pragma unroll 1
  for (std::int64_t at = u * width; at < (u + 1) * width && at < k.v.box.count; at += 4) {
    const std::int64_t left = k.v.box.count - at;
    const int most = width < 4 ? width : 4;
    const int valid = left < most ? static_cast<int>(left) : most;
    T v[R::inputs][4];
    MYLOS_UNROLL
    for (int i = 0; i < R::inputs; ++i) {
      const LossInput input = loss_input(k.v, i);
      FourValues<T> values{{T(1), T(1), T(1), T(1)}};
      if (input.data != nullptr) {
        const std::int64_t step = k.v.box.rank > k.v.box.kept_rank ? input.stride[k.v.box.kept_rank] : 0;
        const std::int64_t offset = detail::kept_offset(k.v.box, input.stride, row) + at * step;
        values = load_any<T>(input.dtype, input.data, offset, step, valid);
      }
      MYLOS_UNROLL
      for (int j = 0; j < 4; ++j) v[i][j] = values.v[j];
    }
    MYLOS_UNROLL
    for (int j = 0; j < 4; ++j) {
      if (j >= valid) continue;
      if constexpr (Chained) apply_before<1>(k.v.box, row, at + j, 1, v[0] + j);
      R::template take<1>(state, k.v.o, v[0] + j, v[R::inputs > 1 ? 1 : 0] + j, v[R::inputs > 2 ? 2 : 0] + j);
    }
  }
  return state;
}

/// Units u, u + team, ... of a row's inputs, as aligned vectors; those from `last` on are read at `last`.
template <int F, UnitAccess Access>
struct UnitBatch {
  uint4 a[Access == UnitAccess::shifted ? F + 1 : F];

  __device__ __forceinline__ void load(const AlignedVectors& input, std::int64_t u, int team, std::int64_t last) {
    if constexpr (Access == UnitAccess::shifted) {
      MYLOS_UNROLL
      for (int f = 0; f < F; ++f) a[f] = __ldcs(input.first + (u + f * team < last ? u + f * team : last));
      if ((threadIdx.x & (team - 1)) == 0) a[F] = __ldcs(input.first + last);
    } else {
      MYLOS_UNROLL
      for (int f = 0; f < F; ++f)
        if (u + f * team < last) a[f] = __ldcs(input.first + u + f * team);
    }
  }
  __device__ __forceinline__ RawVector unit(const AlignedVectors& input, int f, int team) const {
    if constexpr (Access == UnitAccess::shifted) return {shifted_vector<F>(a, f, team, input.shift)};
    return {a[f]};
  }
};

/// What a thread takes at once: `Batch` units, `team` apart, those of them that lie before `whole`.
template <VectorLoss L, bool Chained, class Stored, int Batch, class T>
__device__ __forceinline__ void take_batch(const LossRowsParameters<T>& k, std::int64_t row, std::int64_t u, int team,
                                           std::int64_t whole, typename VectorReducer<L, T>::State& state,
                                           T (&v)[VectorReducer<L, T>::inputs][Batch * Stored::width]) {
  constexpr int inputs = VectorReducer<L, T>::inputs;
  constexpr int width = Stored::width;
  if (u + (Batch - 1) * team < whole) return take_values<L, Chained, Batch * width, width>(k, row, u, team, state, v);
  MYLOS_UNROLL
  for (int f = 0; f < Batch; ++f) {
    if (u + f * team >= whole) continue;
    T one[inputs][width];
    MYLOS_UNROLL
    for (int i = 0; i < inputs; ++i) MYLOS_UNROLL
    for (int j = 0; j < width; ++j) one[i][j] = v[i][f * width + j];
    take_values<L, Chained, width, width>(k, row, u + f * team, team, state, one);
  }
}

/// Such a batch by single elements; of one dtype and along neighbours in the order of the vectors, so that a row has
/// the same bits wherever it lies.
template <VectorLoss L, UnitAccess Access, bool Chained, class Stored, int Batch, class T>
__device__ __noinline__ typename VectorReducer<L, T>::State take_slowly(const LossRowsParameters<T>& k,
                                                                        std::int64_t row, std::int64_t u, int team,
                                                                        std::int64_t whole,
                                                                        typename VectorReducer<L, T>::State state) {
  constexpr int inputs = VectorReducer<L, T>::inputs;
  constexpr int width = Stored::width;
  if constexpr (Access == UnitAccess::any) {
#pragma unroll 1
    for (int f = 0; f < Batch; ++f)
      if (u + f * team < whole) state = take_elements<L, Chained, Stored>(k, row, u + f * team, state);
  } else {
    T v[inputs][Batch * width];
    MYLOS_UNROLL
    for (int i = 0; i < inputs; ++i) {
      const LossInput input = loss_input(k.v, i);
      MYLOS_UNROLL
      for (int f = 0; f < Batch; ++f) {
        MYLOS_UNROLL
        for (int j = 0; j < width; ++j) v[i][f * width + j] = T(1);
        if (input.data == nullptr || u + f * team >= whole) continue;
        const std::int64_t offset = detail::kept_offset(k.v.box, input.stride, row) + (u + f * team) * width;
        widen_vector<Stored>(k.is_half, load_raw_elements<Stored>(input.data, offset, 1, width), v[i] + f * width);
      }
    }
    take_batch<L, Chained, Stored, Batch>(k, row, u, team, whole, state, v);
  }
  return state;
}

/// Units [begin, end) of one row, those of a warp or a smaller team following each other, the one that ends with the
/// row last where it is not whole. Only the first and the last row of a tensor have vectors that stick out of it.
template <VectorLoss L, UnitAccess Access, bool Chained, class Stored, class T>
__device__ __forceinline__ typename VectorReducer<L, T>::State reduce_units(const LossRowsParameters<T>& k,
                                                                            std::int64_t row, std::int64_t begin,
                                                                            std::int64_t end, int thread) {
  using R = VectorReducer<L, T>;
  constexpr int inputs = R::inputs;
  constexpr int width = Stored::width;
  constexpr int in_flight = vector_loss_in_flight(inputs, width);
  typename R::State state = R::identity();
  const int team = k.team < 32 ? k.team : 32;
  const int lane = thread & (team - 1);
  const int at_once = team * in_flight;
  const std::int64_t step = static_cast<std::int64_t>(k.team) * in_flight;
  const std::int64_t whole = k.v.box.count / width < end ? k.v.box.count / width : end;
  std::int64_t u = begin + (thread - lane) * in_flight + lane;
  if constexpr (Access != UnitAccess::any) {
    AlignedVectors input[inputs] = {};
    MYLOS_UNROLL
    for (int i = 0; i < inputs; ++i) {
      const LossInput from = loss_input(k.v, i);
      if (from.data != nullptr)
        input[i] = aligned_vectors<Stored>(from.data, detail::kept_offset(k.v.box, from.stride, row));
    }
    const auto last_of = [&](std::int64_t v) { return v - lane + at_once < k.units ? v - lane + at_once : k.units; };
    const auto inside = [&](std::int64_t v) {
      bool is_inside = true;
      if constexpr (Access == UnitAccess::shifted) {
        MYLOS_UNROLL
        for (int i = 0; i < inputs; ++i)
          is_inside = is_inside && (input[i].first == nullptr || input[i].inside(k.span[i], v - lane, last_of(v) + 1));
      }
      return is_inside;
    };
    for (; u - lane < whole && !inside(u); u += step)
      state = take_slowly<L, Access, Chained, Stored, in_flight>(k, row, u, team, whole, state);
    const auto goes_on = [&](std::int64_t v) { return v - lane < whole && inside(v); };
    UnitBatch<in_flight, Access> batch[inputs];
    const auto load = [&](UnitBatch<in_flight, Access>(&to)[inputs], std::int64_t v) {
      MYLOS_UNROLL
      for (int i = 0; i < inputs; ++i)
        if (input[i].first != nullptr)
          to[i].load(input[i], v, team, Access == UnitAccess::shifted ? last_of(v) : whole);
    };
    // One input's next vectors are under way while these are worked on; more would take too many registers.
    constexpr bool ahead = inputs == 1;
    bool more = goes_on(u);
    if (ahead && more) load(batch, u);
    while (more) {
      UnitBatch<in_flight, Access> next[ahead ? inputs : 1];
      if (!ahead) load(batch, u);
      more = goes_on(u + step);
      if constexpr (ahead)
        if (more) load(next, u + step);
      T v[inputs][in_flight * width];
      MYLOS_UNROLL
      for (int i = 0; i < inputs; ++i) MYLOS_UNROLL
      for (int f = 0; f < in_flight; ++f) {
        if (i == 0 || input[i].first != nullptr) {
          widen_vector<Stored>(k.is_half, batch[i].unit(input[i], f, team), v[i] + f * width);
        } else {
          MYLOS_UNROLL
          for (int j = 0; j < width; ++j) v[i][f * width + j] = T(1);
        }
      }
      if constexpr (ahead) batch[0] = next[0];
      take_batch<L, Chained, Stored, in_flight>(k, row, u, team, whole, state, v);
      u += step;
    }
  }
  for (; u - lane < whole; u += step)
    state = take_slowly<L, Access, Chained, Stored, in_flight>(k, row, u, team, whole, state);
  if (whole < end && thread == k.team - 1) state = take_elements<L, Chained, Stored>(k, row, whole, state);
  return state;
}

template <VectorLoss L, UnitAccess Access, bool Chained, class Stored, class T>
__global__ void __launch_bounds__(256, vector_loss_blocks(Chained, VectorReducer<L, T>::inputs))
    loss_rows_kernel(const __grid_constant__ LossRowsParameters<T> k) {
  using R = VectorReducer<L, T>;
  const int thread = static_cast<int>(threadIdx.x) % k.team;
  const int teams = 256 / k.team;
  const std::int64_t group = k.pieces.count == 1 ? blockIdx.x : blockIdx.x / k.pieces.count;
  const std::int64_t piece = blockIdx.x - group * k.pieces.count;
  const std::int64_t begin = piece * k.pieces.length;
  const std::int64_t end = begin + k.pieces.length < k.units ? begin + k.pieces.length : k.units;
  ThreadSum<T> sum{};
  for (std::int64_t i = static_cast<int>(threadIdx.x) / k.team; i < k.rows_per_block; i += teams) {
    const std::int64_t row = group * k.rows_per_block + i;
    const bool exists = row < k.v.box.outputs;  // for a whole team; others of the warp may go on
    typename R::State state = R::identity();
    if (exists && thread == 0) prefetch_target(k.v, row);
    if (exists) state = reduce_units<L, Access, Chained, Stored>(k, row, begin, end, thread);
    combine_loss_team<L, T>(k.v.o, state, k.team);
    if (thread != 0 || !exists) continue;
    if (k.pieces.count == 1)
      put_row(k.v, row, end_row<L, Chained>(k.v, row, state), sum);
    else
      static_cast<typename R::State*>(k.states)[row * k.pieces.count + piece] = state;
  }
  if (k.pieces.count == 1 && k.sums != nullptr) store_block_sum(sum, k.sums + blockIdx.x);
}

/// How the inputs of a problem lie.
inline UnitAccess unit_access(const detail::VectorLossProblem& problem, int width) {
  const detail::ReduceProblem& box = problem.box;
  UnitAccess access = UnitAccess::aligned;
  const auto look = [&](const Tensor& tensor, const detail::Strides& kept, const detail::Strides& axis) {
    if (tensor.dtype != box.x.dtype || (box.axis.rank != 0 && axis.stride[0] != 1)) access = UnitAccess::any;
    bool aligned = reinterpret_cast<std::uintptr_t>(tensor.data) % 16 == 0;
    for (int d = 0; d < box.kept.rank; ++d) aligned = aligned && kept.stride[d] % width == 0;
    if (!aligned && access == UnitAccess::aligned) access = UnitAccess::shifted;
  };
  look(box.x, box.x_kept, box.x_axis);
  for (const int operand : {problem.options.a, problem.options.b})
    if (operand >= 0) look(box.operand[operand], box.operand_kept[operand], box.operand_axis[operand]);
  return access;
}

template <VectorLoss L, class Stored, class T>
auto loss_rows_kernel_for(UnitAccess access, bool chained) {
  constexpr bool has_chain = L == VectorLoss::scores || L == VectorLoss::weighted_scores;
  if constexpr (has_chain)
    if (chained)
      return access == UnitAccess::any ? loss_rows_kernel<L, UnitAccess::any, true, Stored, T>
                                       : loss_rows_kernel<L, UnitAccess::shifted, true, Stored, T>;
  if (access == UnitAccess::any) return loss_rows_kernel<L, UnitAccess::any, false, Stored, T>;
  return access == UnitAccess::shifted ? loss_rows_kernel<L, UnitAccess::shifted, false, Stored, T>
                                       : loss_rows_kernel<L, UnitAccess::aligned, false, Stored, T>;
}

template <VectorLoss L>
void run_vector_loss_rows(const detail::VectorLossProblem& problem, const detail::Queue& queue) {
  with_loss_stored(problem, [&](auto stored, auto value) {
    using Stored = decltype(stored);
    using T = decltype(value);
    LossRowsParameters<T> k;
    k.v = detail::make_vector_loss_parameters<T>(problem);
    k.is_half = problem.box.x.dtype == DType::f16;
    k.units = (k.v.box.count + Stored::width - 1) / Stored::width;
    const ReduceTuning tuning = reduce_tuning();
    k.pieces = detail::cut(k.units, tuning.whole_units, tuning.piece_units);
    k.team = 1;
    while (k.team < 32 && k.team < k.units) k.team *= 2;
    if (k.units > vector_loss_warp_units) k.team = 256;
    for (int i = 0; i < 3; ++i) {
      const int operand = i == 1 ? problem.options.a : problem.options.b;
      if (i == 0 || operand >= 0) k.span[i] = span_of(i == 0 ? problem.box.x : problem.box.operand[operand]);
    }
    k.rows_per_block = k.pieces.count > 1 ? 1 : vector_loss_rows(k.team, k.units);
    const std::int64_t groups = (k.v.box.outputs + k.rows_per_block - 1) / k.rows_per_block;
    const auto kernel =
        loss_rows_kernel_for<L, Stored, T>(unit_access(problem, Stored::width), k.v.box.before.size != 0);
    launch_stages<L>(k.v, k.pieces.count, groups, queue.stream, [&](auto* states, LossSum* sums) {
      k.states = states;
      k.sums = sums;
      launch(kernel, groups * k.pieces.count, 256, queue.stream, k);
    });
  });
}

}  // namespace mylos::cuda
