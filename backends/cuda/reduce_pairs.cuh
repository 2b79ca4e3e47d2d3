// Sums over pairs: of a value of x, along the fastest dimension, and one of the one tensor beside it, which is the
// target of a loss or an operand of a chain. What is done with a pair is inlined; the losses, and frequent chains
// before them, have kernels of their own, all else one kernel with switches over the steps and the losses.
#pragma once

#include "cuda/fixed_steps.cuh"
#include "cuda/reduce_rows.cuh"

namespace mylos::cuda {

/// What becomes of pairs: any chain, then any loss or plain step. A chain takes more values at once: its switches are
/// paid for all of them together.
struct AnyPairs {
  static constexpr bool fixed = false;
  static bool matches(const detail::ReduceProblem&) { return true; }
  template <int N>
  static __device__ __forceinline__ void apply(const ReduceParameters<float>& p, detail::RegisterTile<float, N>& v,
                                               const detail::RegisterTile<float, N>& a) {
    detail::apply<math::Precise>(p.before, v, [&](int, auto& operand) { operand = a; });
    if (p.prepare < detail::Prepare::mse)
      prepare_plain<Monoid::sum, N>(p, v.value);
    else
      prepare_vector<N>(p, v.value, a.value);
  }
};

/// The steps before a loss, or a chain whose first step has the tensor for its operand; known to the compiler.
template <detail::Prepare Loss, StepId... Ids>
struct FixedPairs {
  static constexpr bool fixed = true;
  static constexpr bool is_loss = Loss != detail::Prepare::none;
  using Steps = FixedSteps<is_loss ? 0 : 1, Ids...>;

  static bool matches(const detail::ReduceProblem& problem) {
    return problem.reduction.prepare == Loss && Steps::matches(*problem.before);
  }
  template <int N>
  static __device__ __forceinline__ void apply(const ReduceParameters<float>& p, detail::RegisterTile<float, N>& v,
                                               const detail::RegisterTile<float, N>& a) {
    Steps::template apply<N>(p.before, v, a);
    if constexpr (Loss == detail::Prepare::kl_div) {
      // a log a, 0 for a = 0
      float log_a[N];
      log_values<N>(a.value, log_a);
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) v[k] = (a[k] == 0.0F ? 0.0F : a[k] * log_a[k]) - a[k] * v[k];
    } else if constexpr (is_loss) {
      MYLOS_UNROLL
      for (int k = 0; k < N; ++k) v[k] = detail::prepare<float>(Loss, v[k], a[k], p.b, p.p, p.q);
    }
  }
};

/// Vectors of x and of the one tensor beside it, the first n of them, into the sum of what becomes of their pairs. One:
/// the same vector is beside all of x's.
template <class Stored, class Pairs, bool One, int N>
__device__ __forceinline__ void take_pairs(const RowsParameters<float>& k, RawVector (&raw)[N],
                                           RawVector (&second)[One ? 1 : N], int n,
                                           Reducer<Monoid::sum, float>::State& state) {
  constexpr int width = Stored::width;
  constexpr int most_at_once = (Pairs::fixed ? pairs_fixed_at_once : pairs_at_once(One)) / width;
  constexpr int units_at_once = most_at_once < N ? most_at_once : N;
  constexpr int values = units_at_once * width;
#pragma unroll(Pairs::fixed ? N : 1)
  for (int i = 0; i < N; i += units_at_once) {
    detail::RegisterTile<float, values> v;
    detail::RegisterTile<float, values> a;
    MYLOS_UNROLL
    for (int g = 0; g < units_at_once; ++g) {
      const int from = Pairs::fixed ? i + g : g;
      widen_vector<Stored>(k.is_half, raw[from], &v[g * width]);
      widen_vector<Stored>(k.is_half, second[One ? 0 : from], &a[g * width]);
    }
    Pairs::template apply<values>(k.p, v, a);
    if constexpr (!Pairs::fixed) {
      MYLOS_UNROLL
      for (int g = 0; g + units_at_once < N; ++g) {
        raw[g] = raw[g + units_at_once];
        if (!One) second[g] = second[g + units_at_once];
      }
    }
    MYLOS_UNROLL
    for (int j = 0; j < values; j += 4)
      if (i + j / width < n) Reducer<Monoid::sum, float>::take4(state, v[j], v[j + 1], v[j + 2], v[j + 3], 0, 0);
  }
}

/// A thread's share of a run along which both tensors lie alike: every team-th unit from `x` and `second` on, the last
/// of them before `left`. Loads of several come before anything else. What the compiler knows takes whole batches, then
/// units one by one; switches are there once, for any number of units.
template <class Stored, class Pairs>
__device__ __forceinline__ void take_run(const RowsParameters<float>& k, const uint4* x, const uint4* second,
                                         std::int64_t left, Reducer<Monoid::sum, float>::State& state) {
  constexpr int in_flight = pairs_in_flight;
  const int team = k.team;
  const std::int64_t least = Pairs::fixed ? (in_flight - 1) * team : 0;
  for (; left > least; left -= in_flight * team) {
    RawVector raw[in_flight];
    RawVector other[in_flight];
    int n = Pairs::fixed ? in_flight : 0;
    MYLOS_UNROLL
    for (int i = 0; i < in_flight; ++i) {
      if (!Pairs::fixed && left <= i * team) continue;
      if (!Pairs::fixed) n = i + 1;
      raw[i] = load_passing_vector(x + i * team);
      other[i] = load_passing_vector(second + i * team);
    }
    take_pairs<Stored, Pairs, false>(k, raw, other, n, state);
    x += in_flight * team;
    second += in_flight * team;
  }
  if constexpr (Pairs::fixed) {
#pragma unroll 1
    for (; left > 0; left -= team, x += team, second += team) {
      RawVector raw[1] = {load_passing_vector(x)};
      RawVector other[1] = {load_passing_vector(second)};
      take_pairs<Stored, Pairs, false>(k, raw, other, 1, state);
    }
  }
}

/// The sum over pairs of a value of x and of the one tensor beside it: the target of a loss, or the operand of a chain.
/// Their vectors are loaded together, and what is done with them is inlined. Shared: every run of the innermost axis
/// has the same values of the other tensor beside it; they are loaded once for several runs.
template <class Stored, class Pairs, bool Shared>
__global__ void __launch_bounds__(256, pairs_blocks) pairs_kernel(const __grid_constant__ RowsParameters<float> k) {
  using R = Reducer<Monoid::sum, float>;
  constexpr int width = Stored::width;
  [[maybe_unused]] constexpr int in_flight = pairs_in_flight;
  const int thread = static_cast<int>(threadIdx.x) % k.team;
  const std::int64_t item =
      static_cast<std::int64_t>(blockIdx.x) * (256 / k.team) + static_cast<int>(threadIdx.x) / k.team;
  if (item >= k.items) return;  // a whole team
  const std::int64_t output = k.pieces.count == 1 ? item : item / k.pieces.count;
  const std::int64_t begin = (item - output * k.pieces.count) * k.pieces.length;
  const auto& second = k.p.operand[0];
  const std::int64_t base = detail::kept_offset(k.p, k.p.x_stride, output);
  const std::int64_t second_base = detail::kept_offset(k.p, second.stride, output);
  R::State state = R::identity();
  const auto units = static_cast<std::int64_t>(k.units.divisor);
  if constexpr (Shared) {  // pieces of whole runs
    RawVector raw[in_flight];
    RawVector second_raw[1];
    const std::int64_t runs = k.all_units / units;
    const std::int64_t end = begin + k.pieces.length < runs ? begin + k.pieces.length : runs;
    for (std::int64_t run = begin; run < end; run += in_flight) {
      const int n = run + in_flight < end ? in_flight : static_cast<int>(end - run);
      std::int64_t x_run[in_flight];
      MYLOS_UNROLL
      for (int i = 0; i < in_flight; ++i) {
        x_run[i] = base;
        detail::for_coordinates(k.p, k.p.kept_rank, k.p.rank - 1, i < n ? run + i : run,
                                [&](int d, std::int64_t c) { x_run[i] += c * k.p.x_stride[d]; });
      }
      for (std::int64_t u = thread; u < units; u += k.team) {
        second_raw[0] = load_kept_vector<Stored>(second.data, second_base + u * width);
        MYLOS_UNROLL
        for (int i = 0; i < in_flight; ++i)
          if (i < n) raw[i] = load_passing_vector(vector_at<Stored>(k.p.x, x_run[i] + u * width));
        take_pairs<Stored, Pairs, true>(k, raw, second_raw, n, state);
      }
    }
  } else {
    const std::int64_t end = begin + k.pieces.length < k.all_units ? begin + k.pieces.length : k.all_units;
    // Run by run of the innermost axis: within one, the other tensor lies as x does.
    for (std::int64_t run = begin / units; run * units < end; ++run) {
      std::int64_t x_run = base - run * units * width;
      std::int64_t second_run = second_base - run * units * width;
      detail::for_coordinates(k.p, k.p.kept_rank, k.p.rank - 1, run, [&](int d, std::int64_t c) {
        x_run += c * k.p.x_stride[d];
        second_run += c * second.stride[d];
      });
      const std::int64_t first = run * units < begin ? begin : run * units;
      const std::int64_t last = (run + 1) * units < end ? (run + 1) * units : end;
      const std::int64_t u = first + thread;
      take_run<Stored, Pairs>(k, vector_at<Stored>(k.p.x, x_run + u * width),
                              vector_at<Stored>(second.data, second_run + u * width), last - u, state);
    }
  }
  combine_team<Monoid::sum, float>(state, k.team);
  if (thread != 0) return;
  if (k.partial == nullptr)
    finish_output<Monoid::sum, float>(k.p, output, state);
  else
    static_cast<R::State*>(k.partial)[item] = state;
}

/// Whether pairs_kernel serves a problem whose x has vectors: one tensor beside it, of x's dtype, in vectors too.
inline bool has_pairs(const detail::ReduceProblem& problem, int width) {
  const detail::Prepare prepare = problem.reduction.prepare;
  const bool is_loss = prepare >= detail::Prepare::mse && prepare != detail::Prepare::gaussian_nll;
  if (problem.first_after != 1 || !(is_loss || is_plain(prepare))) return false;
  const Tensor& second = problem.operand[0];
  const detail::Strides& kept = problem.operand_kept[0];
  const detail::Strides& axis = problem.operand_axis[0];
  const int rank = problem.axis.rank;
  // Runs that are shorter than a block's threads would leave most of them idle.
  if (rank > 1 && problem.axis.extent[rank - 1] < 256 * width) return false;
  bool aligned = second.dtype == problem.x.dtype && axis.stride[rank - 1] == 1 &&
                 reinterpret_cast<std::uintptr_t>(second.data) % 16 == 0;
  for (int d = 0; d < problem.kept.rank; ++d) aligned = aligned && kept.stride[d] % width == 0;
  for (int d = 0; d + 1 < rank; ++d) aligned = aligned && axis.stride[d] % width == 0;
  return aligned;
}

/// Likewise, whether that tensor has the same values beside each of many runs.
inline bool has_shared_pairs(const detail::ReduceProblem& problem) {
  const detail::Strides& axis = problem.operand_axis[0];
  const int rank = problem.axis.rank;
  if (rank < 2 || problem.axis.count / problem.axis.extent[rank - 1] < pairs_shared_runs) return false;
  bool shared = true;
  for (int d = 0; d + 1 < rank; ++d) shared = shared && axis.stride[d] == 0;
  return shared;
}

template <class Pairs>
void run_pairs(const detail::ReduceProblem& problem, const detail::Queue& queue) {
  const auto run = [&](auto stored) {
    using Stored = decltype(stored);
    using State = Reducer<Monoid::sum, float>::State;
    RowsParameters<float> k = make_rows_parameters<float>(problem, Stored::width);
    const bool shared = has_shared_pairs(problem);
    if (shared) {
      k.pieces = detail::cut(problem.axis.count / k.inner, 0, pairs_in_flight);
      k.items = k.p.outputs * k.pieces.count;
    }
    k.team = reduce_team(k.pieces.length * (shared ? static_cast<std::int64_t>(k.units.divisor) : 1));
    const std::int64_t states = states_of(k.p, k.pieces.count);
    const Scratch scratch(queue.stream, static_cast<std::size_t>(states) * sizeof(State));
    k.partial = scratch.data();
    const int per_block = 256 / k.team;
    launch(shared ? pairs_kernel<Stored, Pairs, true> : pairs_kernel<Stored, Pairs, false>,
           (k.items + per_block - 1) / per_block, 256, queue.stream, k);
    if (states != 0) launch_combine<Monoid::sum, float>(k.p, k.partial, k.pieces.count, queue.stream);
  };
  problem.x.dtype == DType::f32 ? run(StoredF32()) : run(Stored16());
}

template <class Pairs>
constexpr PairsEntry pairs_entry() {
  return {Pairs::matches, run_pairs<Pairs>};
}
template <int N>
const PairsEntry* find_pairs(const PairsEntry (&list)[N], const detail::ReduceProblem& problem) {
  for (const PairsEntry& entry : list)
    if (entry.matches(problem)) return &entry;
  return nullptr;
}

}  // namespace mylos::cuda
