// What the three shapes of the reduction share: loads of one vector of values, the chain, the combination of a team's
// states, and the end.
#pragma once

#include "core/raw.hpp"
#include "cuda/primitives/access.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/primitives/scratch.cuh"
#include "cuda/primitives/shifted.cuh"
#include "cuda/tuning.hpp"
#include "reduce/lanes.hpp"

namespace mylos::cuda {

using detail::Monoid;
using detail::Pieces;
using detail::ReduceParameters;
using detail::Reducer;

/// What x is stored as: f32, f64, or either 16-bit type, of which a kernel asks once for each vector.
struct StoredF32 {
  using Unit = std::uint32_t;
  static constexpr int width = 4;
};
struct StoredF64 {
  using Unit = std::uint64_t;
  static constexpr int width = 2;
};
struct Stored16 {
  using Unit = std::uint16_t;
  static constexpr int width = 8;
};

/// One vector of x as bits.
struct RawVector {
  uint4 bits;
};

template <class Stored>
__device__ __forceinline__ RawVector load_raw_vector(const void* x, std::int64_t offset) {
  return {__ldcs(reinterpret_cast<const uint4*>(static_cast<const typename Stored::Unit*>(x) + offset))};
}

template <class Stored>
__device__ __forceinline__ typename Stored::Unit load_unit(const void* x, std::int64_t offset) {
  return static_cast<const typename Stored::Unit*>(x)[offset];
}

/// The first `valid` of a vector's elements, `step` apart; zeros behind them.
template <class Stored>
__device__ __forceinline__ RawVector load_raw_elements(const void* x, std::int64_t offset, std::int64_t step,
                                                       int valid) {
  struct Units {
    typename Stored::Unit unit[Stored::width];
  } units;
  if (step == 1) {
    MYLOS_UNROLL
    for (int j = 0; j < Stored::width; ++j)
      units.unit[j] = j < valid ? load_unit<Stored>(x, offset + j) : typename Stored::Unit(0);
  } else {
    MYLOS_UNROLL
    for (int j = 0; j < Stored::width; ++j)
      units.unit[j] = j < valid ? load_unit<Stored>(x, offset + j * step) : typename Stored::Unit(0);
  }
  return {detail::bits_as<uint4>(units)};
}

/// The bytes that a tensor's elements lie in.
struct Span {
  std::uintptr_t begin;
  std::uintptr_t end;
};
inline Span span_of(const Tensor& x) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  for (int d = 0; d < x.rank; ++d) {
    const std::int64_t reach = (x.extent[d] - 1) * x.stride[d];
    (reach < 0 ? low : high) += reach;
  }
  const auto size = static_cast<std::int64_t>(size_of(x.dtype));
  const auto address = reinterpret_cast<std::intptr_t>(x.data);
  return {static_cast<std::uintptr_t>(address + low * size), static_cast<std::uintptr_t>(address + (high + 1) * size)};
}

/// The parts of an aligned vector that lie in the span, by elements; zeros elsewhere.
template <class Stored>
__device__ __noinline__ RawVector load_partial(const Span& span, const uint4* vector) {
  struct Units {
    typename Stored::Unit unit[Stored::width];
  } units;
  const auto* from = reinterpret_cast<const typename Stored::Unit*>(vector);
  MYLOS_UNROLL
  for (int j = 0; j < Stored::width; ++j) {
    const auto address = reinterpret_cast<std::uintptr_t>(from + j);
    units.unit[j] =
        address >= span.begin && address + sizeof(units.unit[j]) <= span.end ? from[j] : typename Stored::Unit(0);
  }
  return {detail::bits_as<uint4>(units)};
}

/// An aligned vector, part of which may lie outside the span.
template <class Stored>
__device__ __forceinline__ RawVector load_within(const Span& span, const uint4* vector) {
  const auto address = reinterpret_cast<std::uintptr_t>(vector);
  if (address >= span.begin && address + 16 <= span.end) return {__ldcs(vector)};
  return load_partial<Stored>(span, vector);
}

/// The aligned vectors of a run of elements that begins anywhere.
struct AlignedVectors {
  const uint4* first;  // the run begins in this one
  unsigned shift;      // so many bytes into it
  /// Whether vectors [begin, end) lie in the span.
  __device__ __forceinline__ bool inside(const Span& span, std::int64_t begin, std::int64_t end) const {
    return reinterpret_cast<std::uintptr_t>(first + begin) >= span.begin &&
           reinterpret_cast<std::uintptr_t>(first + end) <= span.end;
  }
};
template <class Stored>
__device__ __forceinline__ AlignedVectors aligned_vectors(const void* x, std::int64_t offset) {
  const auto address = reinterpret_cast<std::uintptr_t>(static_cast<const typename Stored::Unit*>(x) + offset);
  return {reinterpret_cast<const uint4*>(address & ~std::uintptr_t{15}), static_cast<unsigned>(address & 15U)};
}

/// N values of type T from their bits, N whole units in `bits`.
template <class Stored, int N, class T>
__device__ __forceinline__ void widen_units(bool is_half, const typename Stored::Unit* bits, T* v) {
  if constexpr (std::is_same_v<Stored, Stored16>) {
    if (is_half) {
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) v[k] = detail::f16_to_f32(bits[k]);
    } else {
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) v[k] = detail::bf16_to_f32(bits[k]);
    }
  } else {
    MYLOS_UNROLL
    for (int k = 0; k < N; ++k) v[k] = detail::bits_as<T>(bits[k]);
  }
}

template <class Stored, class T>
__device__ __forceinline__ void widen_vector(bool is_half, const RawVector& raw, T* v) {
  struct Units {
    typename Stored::Unit unit[Stored::width];
  };
  const auto units = detail::bits_as<Units>(raw.bits);
  widen_units<Stored, Stored::width>(is_half, units.unit, v);
}

// ---- chains, apart: a switch over all steps, inlined into each kernel, would cost registers where there is none, and
// minutes of the compiler's time. One function for both chains and any number of values
// ---------------------------------

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

/// Four values of one result at positions at, at + step, ...
template <Monoid M, bool Transforms, class T>
__device__ __forceinline__ void take_four(const ReduceParameters<T>& p, typename Reducer<M, T>::State& state,
                                          std::int64_t output, std::int64_t at, std::int64_t step, T a, T b, T c, T d) {
  if constexpr (Transforms) {
    const FourValues<T> changed = transform<T>(p, false, output, at, step, {{a, b, c, d}});
    a = changed.v[0];
    b = changed.v[1];
    c = changed.v[2];
    d = changed.v[3];
  }
  Reducer<M, T>::take4(state, a, b, c, d, at, step);
}

template <Monoid M, bool Transforms, class T>
__device__ __forceinline__ void take_one(const ReduceParameters<T>& p, typename Reducer<M, T>::State& state,
                                         std::int64_t output, std::int64_t at, T v) {
  if constexpr (Transforms) v = transform<T>(p, false, output, at, 0, {{v, v, v, v}}).v[0];
  Reducer<M, T>::take(state, v, at);
}

/// Any end, once for each result; not inlined, for it is long.
template <Monoid M, class T>
__device__ __noinline__ void finish_any(const ReduceParameters<T>& p, std::int64_t output,
                                        typename Reducer<M, T>::State state) {
  detail::store_result<M, T>(p, output, state, [](const ReduceParameters<T>& q, std::int64_t o, T value) {
    return q.after.size == 0 ? value : transform<T>(q, true, o, 0, 0, {{value, value, value, value}}).v[0];
  });
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

/// Those of a warp, or of a whole block of `team` threads. The result is the first thread's.
template <Monoid M, class T, class State>
__device__ __forceinline__ void combine_team(State& state, int team) {
  combine_warp<M, T>(state, 32);
  if (team == 32) return;
  __shared__ alignas(16) unsigned char storage[32 * sizeof(State)];
  auto* states = reinterpret_cast<State*>(storage);
  const int warp = static_cast<int>(threadIdx.x) / 32;
  if (threadIdx.x % 32 == 0) states[warp] = state;
  __syncthreads();
  if (warp == 0) {
    state = static_cast<int>(threadIdx.x) < team / 32 ? states[threadIdx.x] : Reducer<M, T>::identity();
    combine_warp<M, T>(state, 32);
  }
}

/// Calls run(Stored(), T(), Transforms()) for what a problem's x is stored as.
template <class Run>
void with_stored(const detail::ReduceProblem& problem, const Run& run) {
  const bool transforms = !problem.before->empty() || problem.reduction.prepare != detail::Prepare::none;
  const auto with_type = [&](auto stored, auto value) {
    transforms ? run(stored, value, std::true_type()) : run(stored, value, std::false_type());
  };
  if (problem.x.dtype == DType::f64) return with_type(StoredF64(), double());
  if (problem.x.dtype == DType::f32) return with_type(StoredF32(), float());
  with_type(Stored16(), float());
}

// ---- the second stage -----------------------------------------------------------------------------------------------

template <class T>
struct CombineParameters {
  ReduceParameters<T> p;
  const void* partial;
  std::int64_t pieces;
  int team;
};

/// A team for each result: the states of its pieces in a fixed order.
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
  combine_team<M, T>(state, k.team);
  if (thread == 0) finish_output<M, T>(k.p, output, state);
}

template <Monoid M, class T>
void launch_combine(const ReduceParameters<T>& p, const void* partial, std::int64_t pieces, void* stream) {
  const int team = pieces <= 1024 ? 32 : 256;
  const int per_block = 256 / team;
  launch(combine_kernel<M, T>, (p.outputs + per_block - 1) / per_block, 256, stream,
         CombineParameters<T>{p, partial, pieces, team});
}

}  // namespace mylos::cuda
