// What the shapes of the scan share: a run of neighbouring values as a state and as results, states across the lanes of
// a warp, chains, and pieces of long axes.
#pragma once

#include "core/apply.hpp"
#include "cuda/fixed_steps.cuh"
#include "cuda/primitives/access.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/primitives/occupancy.cuh"
#include "cuda/primitives/scratch.cuh"
#include "cuda/tuning.hpp"
#include "scan/parameters.hpp"

namespace mylos::cuda {

using detail::Pack;
using detail::ScanMonoid;
using detail::Scanner;
using detail::ScanParameters;
using detail::ScanPieces;
using detail::ScanView;

enum class ScanStage : std::uint8_t { whole, totals, results };

/// The type that S is scanned in, and the elementary functions of its chains.
template <class S>
struct ScanValueOf {
  using type = float;
};
template <>
struct ScanValueOf<double> {
  using type = double;
};
template <>
struct ScanValueOf<std::int32_t> {
  using type = std::int64_t;
};
template <>
struct ScanValueOf<std::int64_t> {
  using type = std::int64_t;
};
template <class S>
using ScanValue = typename ScanValueOf<S>::type;
template <class S>
using ScanMath = std::conditional_t<detail::is_sixteen_bit_type<S>, math::Reduced, math::Precise>;

/// The operations of a monoid as these kernels use them; tidy(): what a state needs from time to time.
template <ScanMonoid M, class T>
struct ScanArithmetic : Scanner<M, T> {
  using State = typename Scanner<M, T>::State;
  static __device__ __forceinline__ void tidy(State&) {}
};

/// Products of f32 without a branch: numbers are normalized as they come from the elements, and whenever up to 256 of
/// them have been multiplied; the exponents add up.
template <>
struct ScanArithmetic<ScanMonoid::product, float> : Scanner<ScanMonoid::product, float> {
  static __device__ __forceinline__ void combine(State& s, const State& later) {
    s.number *= later.number;
    s.exponent += later.exponent;
  }
  /// To 1 <= |number| < 2. Of f32 no number but 0 is subnormal; 0, infinity and NaN stay.
  static __device__ __forceinline__ void normalize(State& s) {
    const int high = __double2hiint(s.number);
    const int field = high >> 20 & 0x7ff;
    const bool is_number = static_cast<unsigned>(field - 1) < 2046U;
    s.exponent += is_number ? field - 1023 : 0;
    s.number = __hiloint2double(is_number ? (high & 0x800fffff) | 0x3ff00000 : high, __double2loint(s.number));
  }
  static __device__ __forceinline__ void tidy(State& s) {
    normalize(s);
    s.exponent = ::max(::min(s.exponent, 1 << 30), -(1 << 30));
  }
  /// As ScaledNumber::scaled(), of any state.
  static __device__ __forceinline__ double scaled(State s) {
    normalize(s);
    const int high = __double2hiint(s.number);
    const bool is_one = (high >> 20 & 0x7ff) == 1023;
    const int e = ::max(::min(s.exponent, 730), -700);
    return __hiloint2double(is_one ? high + (e << 20) : high, __double2loint(s.number));
  }
};

/// Of cummin, which is the maximum of the negated.
template <ScanMonoid M, class T, int K>
__device__ __forceinline__ void negate_if(bool negated, T (&v)[K]) {
  if constexpr (M == ScanMonoid::maximum || M == ScanMonoid::arg_maximum) {
    if (negated) {
#pragma unroll
      for (int k = 0; k < K; ++k) v[k] = T(-v[k]);
    }
  }
}

/// K values that follow each other: of(v, first) is their state, emit(before, ...) the results of them, `before` being
/// the state of all that comes before. Positions count from `first`; bit k of `hidden`: value k has none.
template <ScanMonoid M, class S, int K>
struct ScanRun {
  using T = ScanValue<S>;
  using R = ScanArithmetic<M, T>;
  using State = typename R::State;

  static __device__ __forceinline__ std::int64_t position(std::int64_t first, unsigned hidden, int k) {
    return M == ScanMonoid::arg_maximum && (hidden >> k & 1U) == 0 ? first + k : -1;
  }
  static __device__ __forceinline__ State of(const T (&v)[K], std::int64_t first, unsigned hidden) {
    if constexpr (M == ScanMonoid::product && std::is_same_v<T, float>) {
      State s = quad(v);
#pragma unroll
      for (int k = 4; k < K; k += 4) R::combine(s, quad(v + k));
      return s;
    } else if constexpr (M == ScanMonoid::sum && detail::is_sixteen_bit_type<S>) {
      // Each of them rounds once or twice; what the state adds is in f64.
      float sum[K];
#pragma unroll
      for (int k = 0; k < K; ++k) sum[k] = v[k];
#pragma unroll
      for (int n = K / 2; n > 0; n /= 2) {
#pragma unroll
        for (int k = 0; k < n; ++k) sum[k] = sum[2 * k] + sum[2 * k + 1];
      }
      return static_cast<double>(sum[0]);
    } else {
      State s = R::identity();
#pragma unroll
      for (int k = 0; k < K; ++k) R::take(s, v[k], position(first, hidden, k));
      return s;
    }
  }

  static __device__ __forceinline__ void emit(State before, bool exclusive, std::int64_t first, unsigned hidden,
                                              const T (&v)[K], T (&out)[K], std::int64_t (&index)[K]) {
    if constexpr (M == ScanMonoid::sum && detail::is_sixteen_bit_type<S>) {
      const float base = static_cast<float>(before);
      float sum = 0.0f;
#pragma unroll
      for (int k = 0; k < K; ++k) {
        const float last = sum;
        sum += v[k];
        out[k] = base + (exclusive ? last : sum);
      }
    } else if constexpr (M == ScanMonoid::product && std::is_same_v<T, float>) {
#pragma unroll
      for (int k = 0; k < K; k += 4) {
        double product = R::scaled(before);
#pragma unroll
        for (int q = 0; q < 4; ++q) {
          const double last = product;
          product *= static_cast<double>(v[k + q]);
          out[k + q] = static_cast<float>(exclusive ? last : product);
        }
        if (k + 4 < K) R::combine(before, quad(v + k));
      }
    } else {
      T last = exclusive ? R::value_of(before) : T(0);
#pragma unroll
      for (int k = 0; k < K; ++k) {
        if constexpr (M == ScanMonoid::arg_maximum) index[k] = before.position;
        R::take(before, v[k], position(first, hidden, k));
        const T value = R::value_of(before);
        out[k] = exclusive ? last : value;
        last = value;
        if constexpr (M == ScanMonoid::arg_maximum) index[k] = exclusive ? index[k] : before.position;
      }
    }
  }

 private:
  static __device__ __forceinline__ State quad(const T* v) {
    State s{(static_cast<double>(v[0]) * static_cast<double>(v[1])) *
                (static_cast<double>(v[2]) * static_cast<double>(v[3])),
            0};
    R::normalize(s);
    return s;
  }
};

/// A state as the words that shuffles move; the last one of a ScaledNumber is empty.
template <class State>
struct StateWords {
  static constexpr int size = static_cast<int>(sizeof(State) / 4);
  static constexpr int count = std::is_same_v<State, detail::ScaledNumber> ? 3 : size;
  std::uint32_t word[size];
};
template <class State>
__device__ __forceinline__ State shuffle_up(const State& s, int by, int lanes) {
  auto words = detail::bits_as<StateWords<State>>(s);
#pragma unroll
  for (int w = 0; w < words.count; ++w)
    words.word[w] = __shfl_up_sync(0xffffffffu, words.word[w], static_cast<unsigned>(by), lanes);
  return detail::bits_as<State>(words);
}
template <class State>
__device__ __forceinline__ State shuffle_from(const State& s, int lane, int lanes) {
  auto words = detail::bits_as<StateWords<State>>(s);
#pragma unroll
  for (int w = 0; w < words.count; ++w) words.word[w] = __shfl_sync(0xffffffffu, words.word[w], lane, lanes);
  return detail::bits_as<State>(words);
}

/// N states of each lane, scanned over the lanes apart from each other.
template <class R, int N, class State>
__device__ __forceinline__ void scan_step(State (&s)[N], int lane, int by, int lanes) {
#pragma unroll
  for (int i = 0; i < N; ++i) {
    State before = shuffle_up(s[i], by, lanes);
    R::combine(before, s[i]);
    if (lane >= by) s[i] = before;
  }
}
template <class R, int N, class State>
__device__ __forceinline__ void scan_lanes(State (&s)[N], int lane, int lanes) {
  if (lanes == 32) {
#pragma unroll
    for (int by = 1; by < 32; by *= 2) scan_step<R>(s, lane, by, 32);
  } else {
    for (int by = 1; by < lanes; by *= 2) scan_step<R>(s, lane, by, lanes);
  }
}

/// Sums of exponentials of f32 with one reference, the largest, for all values that a warp has at once: each value
/// takes one exponential and one logarithm, and what the lanes have is put together without any. It serves where no
/// result is far below that reference: a running maximum only rises, so the first one tells.
template <int N, int E>
class LevelScan {
 public:
  using State = Scanner<ScanMonoid::log_sum_exp, float>::State;

  /// Whether it serves the warp's values, `shift` being the reference of what comes before in the piece. All lanes call
  /// it.
  __device__ __forceinline__ bool find(const float (&v)[N][E], float shift) {
    float most = shift;
    float first = -infinity();
    bool numbers = true;
#pragma unroll
    for (int i = N - 1; i >= 0; --i) {
#pragma unroll
      for (int e = E - 1; e >= 0; --e) {
        most = ::fmaxf(most, v[i][e]);
        first = v[i][e] == -infinity() ? first : v[i][e];
        numbers = numbers && v[i][e] == v[i][e];
      }
    }
    if (!numbers) most = infinity();
#pragma unroll
    for (int by = 16; by > 0; by /= 2) most = ::fmaxf(most, __shfl_xor_sync(0xffffffffu, most, by));
    first = ::fmaxf(shift, __shfl_sync(0xffffffffu, first, 0));
    reference_ = most;
    return most < infinity() && first > most - window;
  }
  /// This lane's values and those of the lanes before it.
  __device__ __forceinline__ State scan(const float (&v)[N][E], int lane) {
    double sum[1] = {0.0};
#pragma unroll
    for (int i = 0; i < N; ++i) {
      float part = 0.0f;
#pragma unroll
      for (int e = 0; e < E; ++e) {
        part += math::Precise::exp(v[i][e] - reference_);
        running_[i][e] = part;
      }
      sum[0] += static_cast<double>(part);
    }
    scan_lanes<Scanner<ScanMonoid::sum, float>>(sum, lane, 32);
    return {reference_, sum[0]};
  }
  /// Before the first chunk's results: what comes before this lane's values.
  __device__ __forceinline__ void begin(const State& before) {
    shift_ = ::fmaxf(before.shift, reference_);
    scale_ = reference_ == shift_ ? 1.0f : math::Precise::exp(reference_ - shift_);
    const float raised = before.shift == shift_ ? 1.0f : math::Precise::exp(before.shift - shift_);
    before_ = before.sum * static_cast<double>(raised);
  }
  __device__ __forceinline__ void emit(bool exclusive, int i, float (&out)[E]) {
    const auto base = static_cast<float>(before_);
    float values[E];
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const float last = e == 0 ? 0.0f : running_[i][e == 0 ? 0 : e - 1];
      values[e] = base + scale_ * (exclusive ? last : running_[i][e]);
    }
    log_values<E>(values, values);
#pragma unroll
    for (int e = 0; e < E; ++e) out[e] = shift_ + values[e];
    before_ += static_cast<double>(scale_ * running_[i][E - 1]);
  }

 private:
  /// A result is at most so far below: rounding the difference and its logarithm then costs 24 units at most.
  static constexpr float window = 12.0f;
  static __device__ __forceinline__ float infinity() { return detail::infinity_of<float>(); }

  float reference_;
  float running_[N][E];  // sums within each chunk
  float shift_;
  float scale_;
  double before_;
};

/// N values at positions `at`, `at` + 1, ... of a row through a chain. A function of its own, not inlined: the code of
/// all steps is there once, and its registers are not the kernels'.
template <class M, int N, class T>
__device__ __noinline__ detail::RegisterTile<T, N> scan_chain(const ScanParameters<T>& p,
                                                              const detail::LoweredChain<T>& chain, int first_operand,
                                                              std::int64_t row, std::int64_t at,
                                                              detail::RegisterTile<T, N> tile) {
  detail::apply<M>(chain, tile, [&](int o, detail::RegisterTile<T, N>& to) {
    const ScanView& operand = p.operand[first_operand + o];
    const std::int64_t offset = p.row_offset(operand, row);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      // What lies outside of the row takes an element of it.
      const std::int64_t i = at + k < 0 ? 0 : (at + k < p.length ? at + k : p.length - 1);
      to[k] = detail::load_element<T>(operand.dtype, operand.data, offset + i * operand.step);
    }
  });
  return tile;
}
template <class M, int N, class T>
__device__ __forceinline__ void apply_chain(const ScanParameters<T>& p, bool is_after, std::int64_t row,
                                            std::int64_t at, T (&v)[N]) {
  const detail::LoweredChain<T>& chain = is_after ? p.after : p.before;
  if (chain.size == 0) return;
  detail::RegisterTile<T, N> tile;
#pragma unroll
  for (int k = 0; k < N; ++k) tile[k] = v[k];
  tile = scan_chain<M, N>(p, chain, is_after ? p.before_operands : 0, row, at, tile);
#pragma unroll
  for (int k = 0; k < N; ++k) v[k] = tile[k];
}

template <class State>
struct PieceTotals {
  State* totals;
  std::int64_t pieces;
  std::int64_t rows;
};

/// The totals of a row's pieces become what comes before each of them.
template <ScanMonoid M, class T>
__global__ void __launch_bounds__(128)
    scan_totals_kernel(const __grid_constant__ PieceTotals<typename Scanner<M, T>::State> k) {
  using R = Scanner<M, T>;
  using State = typename R::State;
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * 128 + threadIdx.x;
  if (row >= k.rows) return;
  State* const totals = k.totals + row * k.pieces;
  State before = R::identity();
  constexpr int batch = 8;  // loads that wait together
  for (std::int64_t i = 0; i < k.pieces; i += batch) {
    State total[batch];
#pragma unroll
    for (int b = 0; b < batch; ++b) total[b] = i + b < k.pieces ? totals[i + b] : R::identity();
#pragma unroll
    for (int b = 0; b < batch; ++b) {
      if (i + b < k.pieces) totals[i + b] = before;
      R::combine(before, total[b]);
    }
  }
}

/// One launch where each block takes all of its rows' pieces, three where they are shared. launch_stage(stage, totals).
template <ScanMonoid M, class T, class LaunchStage>
void launch_stages(std::int64_t rows, std::int64_t pieces, bool shared, void* stream, const LaunchStage& launch_stage) {
  using State = typename Scanner<M, T>::State;
  if (!shared) return launch_stage(ScanStage::whole, static_cast<State*>(nullptr));
  const Scratch scratch(stream, static_cast<std::size_t>(rows * pieces) * sizeof(State));
  auto* const totals = static_cast<State*>(scratch.data());
  launch_stage(ScanStage::totals, totals);
  launch(scan_totals_kernel<M, T>, (rows + 127) / 128, 128, stream, PieceTotals<State>{totals, pieces, rows});
  launch_stage(ScanStage::results, totals);
}

/// Calls visit(S()) with the storage type.
template <ScanMonoid M, class Visit>
void with_scan_storage(const detail::ScanProblem& problem, const Visit& visit) {
  switch (problem.x.dtype) {
    case DType::f64:
      return visit(double());
    case DType::f32:
      return visit(float());
    case DType::f16:
      return visit(half());
    case DType::bf16:
      return visit(bfloat16());
    default:
      break;
  }
  if constexpr (M == ScanMonoid::sum || M == ScanMonoid::product)
    problem.x.dtype == DType::i64 ? visit(std::int64_t()) : visit(std::int32_t());
}

}  // namespace mylos::cuda
