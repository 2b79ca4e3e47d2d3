// What the three shapes of the reduction share: what happens to values before they enter a state, the combination of a
// team's states, and the end.
#pragma once

#include "cuda/fixed_steps.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/primitives/named_barrier.cuh"
#include "cuda/primitives/scratch.cuh"
#include "cuda/reduce.hpp"
#include "cuda/reduce_loads.cuh"
#include "cuda/tuning.hpp"
#include "reduce/lanes.hpp"

namespace mylos::cuda {

using detail::Monoid;
using detail::Pieces;
using detail::ReduceParameters;
using detail::Reducer;

// ---- prepare steps of an instruction or two ------------------------------------------------------------------------

/// The sign is kept and turned by masks, so that sums and extrema of -x, |x| and -|x| are one kernel.
template <class T>
__device__ __forceinline__ T with_sign(T v, std::uint32_t kept, std::uint32_t turned) {
  if constexpr (sizeof(T) == 8)
    return __hiloint2double(static_cast<int>((static_cast<std::uint32_t>(__double2hiint(v)) & kept) ^ turned),
                            __double2loint(v));
  else
    return __uint_as_float((__float_as_uint(v) & kept) ^ turned);
}

/// Plain steps for N values of x; the other monoids have none.
template <Monoid M, int N, class T>
__device__ __forceinline__ void prepare_plain(const ReduceParameters<T>& p, T* v) {
  using detail::Prepare;
  if constexpr (M == Monoid::sum || M == Monoid::maximum || M == Monoid::arg_maximum) {
    constexpr std::uint32_t sign = 0x80000000U;
    const bool is_abs = p.prepare == Prepare::abs || p.prepare == Prepare::negate_abs;
    const bool is_turned = p.prepare == Prepare::negate || p.prepare == Prepare::negate_abs;
    const std::uint32_t kept = is_abs ? ~sign : ~0U;
    const std::uint32_t turned = is_turned ? sign : 0U;
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) v[k] = with_sign(v[k], kept, turned);
  }
  if constexpr (M == Monoid::sum)
    if (p.prepare == Prepare::nonzero) {
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) v[k] = v[k] != T(0) ? T(1) : T(0);
    }
}

/// N values through a chain's only step, which the compiler knows.
template <StepId Id, int N>
__device__ __forceinline__ void pass_fixed(const ReduceParameters<float>& p, float* v) {
  detail::RegisterTile<float, N> tile;
  MYLOS_UNROLL
  for (int k = 0; k < N; ++k) tile[k] = v[k];
  FixedSteps<0, Id>::template apply<N>(p.before, tile, tile);
  MYLOS_UNROLL
  for (int k = 0; k < N; ++k) v[k] = tile[k];
}

// ---- chains, apart: a switch over all steps, inlined into each kernel, would cost registers where there is none, and
// minutes of the compiler's time. One function for both chains and any number of values ------------------------------

template <class T>
struct FourValues {
  T v[4];
};

/// How many of them pass through the steps at once: the steps' double forms are long.
template <class T>
inline constexpr int values_at_once = sizeof(T) == 8 ? 1 : 4;

/// `before` and `prepare`, or `after`, for values of one result at positions at, at + step, ... Those that are not
/// needed have a position, too (step 0), since the operands there are read.
template <class T>
__device__ __noinline__ FourValues<T> transform(const ReduceParameters<T>& p, bool is_after, std::int64_t output,
                                                std::int64_t at, std::int64_t step, FourValues<T> values) {
  constexpr int n = values_at_once<T>;
#pragma unroll 1
  for (int first = 0; first < 4; first += n) {
    detail::RegisterTile<T, n> tile;
    MYLOS_UNROLL
    for (int k = 0; k < n; ++k) tile[k] = n == 4 ? values.v[k] : values.v[0];
    detail::transform_values<n>(p, is_after, output, at + first * step, step, tile);
    if constexpr (n == 4) {
      MYLOS_UNROLL
      for (int k = 0; k < n; ++k) values.v[k] = tile[k];
    } else {
      values = {{values.v[1], values.v[2], values.v[3], tile[0]}};
      if (step == 0 && first == 0) return {{tile[0], tile[0], tile[0], tile[0]}};
    }
  }
  return values;
}

/// Values that pass through inlined steps at once: the more, the less the steps' switches cost. Measured on H200, sums
/// of the squares of 32768 x 65536 f32: 2.51 ms with 16, 2.80 with 8 (1.85 without a chain; 6.61 when it was called).
inline constexpr int steps_at_once = 16;

/// `before`, without tensors, for N values: fewer than steps_at_once, or a multiple.
template <int N>
__device__ __forceinline__ void pass_steps(const ReduceParameters<float>& p, float (&v)[N]) {
  constexpr int n = N < steps_at_once ? N : steps_at_once;
  static_assert(N % n == 0);
#pragma unroll 1
  for (int turn = 0; turn < N; turn += n) {
    detail::RegisterTile<float, n> tile;
    MYLOS_UNROLL
    for (int k = 0; k < n; ++k) tile[k] = v[k];
    detail::apply_plain<math::Precise>(p.before, tile);
    MYLOS_UNROLL
    for (int k = 0; k + n < N; ++k) v[k] = v[k + n];
    MYLOS_UNROLL
    for (int k = 0; k < n; ++k) v[N - n + k] = tile[k];
  }
}

/// Likewise with a tensor beside x, or one vector of it beside several of x.
MYLOS_HOST_DEVICE constexpr int pairs_at_once(bool shared) { return shared ? 16 : 8; }

/// N values of one result, a multiple of four, at positions at, at + step, ...
template <Monoid M, Through Way, int N, class T>
__device__ __forceinline__ void take_groups(const ReduceParameters<T>& p, typename Reducer<M, T>::State& state,
                                            std::int64_t output, std::int64_t at, std::int64_t step, T* v) {
  MYLOS_UNROLL
  for (int k = 0; k < N; k += 4) {
    if constexpr (Way == Through::calls) {
      const FourValues<T> changed =
          transform<T>(p, false, output, at + k * step, step, {{v[k], v[k + 1], v[k + 2], v[k + 3]}});
      MYLOS_UNROLL
      for (int j = 0; j < 4; ++j) v[k + j] = changed.v[j];
    } else if constexpr (is_fixed(Way)) {
      pass_fixed<step_of(Way), 4>(p, v + k);
    } else if constexpr (Way != Through::nothing) {
      prepare_plain<M, 4>(p, v + k);
    }
    Reducer<M, T>::take4(state, v[k], v[k + 1], v[k + 2], v[k + 3], at + k * step, step);
  }
}

template <Monoid M, Through Way, class T>
__device__ __forceinline__ void take_one(const ReduceParameters<T>& p, typename Reducer<M, T>::State& state,
                                         std::int64_t output, std::int64_t at, T v) {
  if constexpr (Way == Through::calls)
    v = transform<T>(p, false, output, at, 0, {{v, v, v, v}}).v[0];
  else if constexpr (is_fixed(Way))
    pass_fixed<step_of(Way), 1>(p, &v);
  else if constexpr (Way != Through::nothing)
    prepare_plain<M, 1>(p, &v);
  Reducer<M, T>::take(state, v, at);
}

/// What is left of a group of four: `valid` values, and zeros.
template <Monoid M, Through Way, class T>
__device__ __forceinline__ void take_rest_of_four(const ReduceParameters<T>& p, typename Reducer<M, T>::State& state,
                                                  std::int64_t output, std::int64_t at, std::int64_t step, int valid,
                                                  const T (&v)[3]) {
  if constexpr (M == Monoid::sum && !is_chained(Way) && !is_fixed(Way) && std::is_same_v<T, float>) {
    T four[4] = {v[0], v[1], v[2], T(0)};  // of 0 no plain step makes anything else
    take_groups<M, Way, 4>(p, state, output, at, step, four);
  } else {
    MYLOS_UNROLL
    for (int j = 0; j < 3; ++j)
      if (j < valid) take_one<M, Way>(p, state, output, at + j * step, v[j]);
  }
}

/// Any end without a chain, once for each result; not inlined, for it is long. What calls a chain in turn would take
/// registers from the kernel's loops: those results' states go through a second kernel.
template <Monoid M, class T>
__device__ __noinline__ void finish_any(const ReduceParameters<T>& p, std::int64_t output,
                                        typename Reducer<M, T>::State state) {
  detail::store_result<M, T>(p, output, state, [](const ReduceParameters<T>&, std::int64_t, T value) { return value; });
}

/// What a sum or an extremum of f32 comes to without a chain.
template <Monoid M>
__device__ __forceinline__ float plain_value(const ReduceParameters<float>& p,
                                             const typename Reducer<M, float>::State& state) {
  if constexpr (M == Monoid::sum)
    return static_cast<float>(p.finish == detail::Finish::mean ? state / p.finish_p : state);
  else
    return p.finish == detail::Finish::minimum ? -state : state;
}

/// Four neighbouring results as 16 bytes.
template <Monoid M, class T>
__device__ __forceinline__ void finish_four(const ReduceParameters<T>& p, std::int64_t output,
                                            const typename Reducer<M, T>::State (&state)[4]) {
  if constexpr ((M == Monoid::sum || M == Monoid::maximum) && std::is_same_v<T, float>)
    *reinterpret_cast<float4*>(static_cast<float*>(p.y[0]) + detail::kept_offset(p, p.y_stride[0], output)) =
        make_float4(plain_value<M>(p, state[0]), plain_value<M>(p, state[1]), plain_value<M>(p, state[2]),
                    plain_value<M>(p, state[3]));
}

/// The frequent ends in a few instructions: where results are many, they count.
template <Monoid M, class T>
__device__ __forceinline__ void finish_output(const ReduceParameters<T>& p, std::int64_t output,
                                              const typename Reducer<M, T>::State& state) {
  if constexpr ((M == Monoid::sum || M == Monoid::maximum) && std::is_same_v<T, float>) {
    if (p.plain_end) {
      static_cast<float*>(p.y[0])[detail::kept_offset(p, p.y_stride[0], output)] = plain_value<M>(p, state);
      return;
    }
  }
  if constexpr (M == Monoid::arg_maximum) {
    if (p.plain_end) {
      static_cast<std::int64_t*>(p.y[0])[detail::kept_offset(p, p.y_stride[0], output)] = state.index;
      return;
    }
  }
  finish_any<M, T>(p, output, state);
}

// ---- losses: inlined where the input and one target are vectors alike -----------------------------------------------

template <int N, class T>
__device__ __forceinline__ void prepare_vector(const ReduceParameters<T>& p, T* v, const T* a) {
  switch (p.prepare) {
#define MYLOS_CASE(name)                                                                                     \
  case detail::Prepare::name:                                                                                \
    MYLOS_UNROLL                                                                                             \
    for (int k = 0; k < N; ++k) v[k] = detail::prepare<T>(detail::Prepare::name, v[k], a[k], p.b, p.p, p.q); \
    return;
    MYLOS_CASE(mse)
    MYLOS_CASE(l1)
    MYLOS_CASE(smooth_l1)
    MYLOS_CASE(huber)
    MYLOS_CASE(bce)
    MYLOS_CASE(bce_logits)
    MYLOS_CASE(kl_div)
    MYLOS_CASE(kl_div_log)
    MYLOS_CASE(hinge)
    MYLOS_CASE(hinge_embedding)
    MYLOS_CASE(poisson_nll)
    MYLOS_CASE(poisson_nll_log)
#undef MYLOS_CASE
    default:
      return;
  }
}

// ---- teams ----------------------------------------------------------------------------------------------------------

template <class State>
__device__ __forceinline__ State shuffle_down(const State& state, int distance) {
  static_assert(sizeof(State) % 4 == 0);
  struct Words {
    std::uint32_t word[sizeof(State) / 4];
  };
  auto words = detail::bits_as<Words>(state);
  MYLOS_UNROLL
  for (int w = 0; w < static_cast<int>(sizeof(State) / 4); ++w)
    words.word[w] = __shfl_down_sync(0xffffffffU, words.word[w], static_cast<unsigned>(distance));
  return detail::bits_as<State>(words);
}

/// The states of `team` neighbouring threads (a power of two, up to a warp), combined into the first one's.
template <Monoid M, class T, class State>
__device__ __forceinline__ void combine_warp(State& state, int team) {
  for (int distance = team / 2; distance > 0; distance /= 2)
    Reducer<M, T>::combine(state, shuffle_down(state, distance));
}

/// Those of a warp, of half a block, or of a block of `team` = 256 threads. The result is the first thread's.
template <Monoid M, class T, class State>
__device__ __forceinline__ void combine_team(State& state, int team) {
  combine_warp<M, T>(state, 32);
  if (team == 32) return;
  __shared__ alignas(16) unsigned char storage[8 * sizeof(State)];
  auto* states = reinterpret_cast<State*>(storage);
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int first = team == 256 ? 0 : warp & 4;
  if (lane == 0) states[warp] = state;
  if (team == 256)
    __syncthreads();
  else if (first == 0)
    meet_at(1, 128);
  else
    meet_at(2, 128);
  if (warp != first) return;
  state = lane < team / 32 ? states[warp + lane] : Reducer<M, T>::identity();
  combine_warp<M, T>(state, 32);
}

template <Through Way>
using ThroughConstant = std::integral_constant<Through, Way>;

/// Calls run(Stored(), T(), ThroughConstant<Way>()) for what a problem's x is stored as. Way: how its chain is inlined,
/// or `nothing` where it is not.
template <Monoid M, Through Way, class Run>
void with_stored(const detail::ReduceProblem& problem, const Run& run) {
  if constexpr (Way != Through::nothing) {
    constexpr ThroughConstant<Way> way;
    return problem.x.dtype == DType::f32 ? run(StoredF32(), float(), way) : run(Stored16(), float(), way);
  } else {
    const detail::Prepare prepare = problem.reduction.prepare;
    const auto with_type = [&](auto stored, auto value) {
      if (!problem.before->empty() || !is_plain(prepare)) return run(stored, value, ThroughConstant<Through::calls>());
      if constexpr (M == Monoid::sum || M == Monoid::maximum || M == Monoid::arg_maximum)
        if (prepare != detail::Prepare::none) return run(stored, value, ThroughConstant<Through::plain>());
      run(stored, value, ThroughConstant<Through::nothing>());
    };
    if (problem.x.dtype == DType::f64) return with_type(StoredF64(), double());
    if (problem.x.dtype == DType::f32) return with_type(StoredF32(), float());
    with_type(Stored16(), float());
  }
}

// ---- the second stage -----------------------------------------------------------------------------------------------

template <class T>
struct CombineParameters {
  ReduceParameters<T> p;
  const void* partial;
  std::int64_t pieces;
  int team;
};

/// A team for each result: the states of its pieces in a fixed order, and the end with a chain.
template <Monoid M, class T>
__global__ void __launch_bounds__(256) combine_kernel(const __grid_constant__ CombineParameters<T> k) {
  using R = Reducer<M, T>;
  const int thread = static_cast<int>(threadIdx.x) % k.team;
  const std::int64_t output =
      static_cast<std::int64_t>(blockIdx.x) * (256 / k.team) + static_cast<int>(threadIdx.x) / k.team;
  if (output >= k.p.outputs) return;  // a whole team
  const auto* partial = static_cast<const typename R::State*>(k.partial) + output * k.pieces;
  typename R::State state = R::identity();
  for (std::int64_t i = thread; i < k.pieces; i += k.team) R::combine(state, partial[i]);
  if (k.team > 1) combine_team<M, T>(state, k.team);
  if (thread != 0) return;
  if (k.p.after.size == 0) return finish_output<M, T>(k.p, output, state);
  detail::store_result<M, T>(k.p, output, state, [](const ReduceParameters<T>& p, std::int64_t o, T value) {
    return transform<T>(p, true, o, 0, 0, {{value, value, value, value}}).v[0];
  });
}

/// States that are kept for the second stage: those of pieces, and those that end with a chain.
template <class T>
std::int64_t states_of(const ReduceParameters<T>& p, std::int64_t pieces) {
  return pieces > 1 || p.after.size != 0 ? p.outputs * pieces : 0;
}

template <Monoid M, class T>
void launch_combine(const ReduceParameters<T>& p, const void* partial, std::int64_t pieces, void* stream) {
  const int team = pieces == 1 ? 1 : (pieces <= 1024 ? 32 : 256);
  const int per_block = 256 / team;
  launch(combine_kernel<M, T>, (p.outputs + per_block - 1) / per_block, 256, stream,
         CombineParameters<T>{p, partial, pieces, team});
}

}  // namespace mylos::cuda
