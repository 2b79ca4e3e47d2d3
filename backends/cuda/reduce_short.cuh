// Reduction of short runs along one axis: a few threads for each result, four values at a time, in an order that
// follows from the axis alone. Where results lie close together a block reads all of its part of x as aligned vectors,
// whatever the results' own alignment, and takes the values from shared memory.
#pragma once

#include "cuda/reduce.hpp"
#include "cuda/reduce_values.cuh"

namespace mylos::cuda {

template <class T>
struct ShortRowsParameters {
  ReduceParameters<T> p;
  std::int64_t step;   // of x along the axis
  std::int64_t pitch;  // of x between neighbouring results, where a block reads all between them
  Span span;           // of x
  void* partial;       // states, where their ends have a chain
  int count;           // values of a result
  int team_log;        // of the number of threads that share it
  int rows;            // results of a block
  bool is_half;
};

/// A tile of x in shared memory: units in their order, with one word left out behind every 32 (8 bytes behind 16 of
/// f64), so that threads whose results lie a power of two apart read different banks.
template <class Stored>
struct StagedTile {
  using Unit = typename Stored::Unit;
  using Word = std::conditional_t<sizeof(Unit) == 8, std::uint64_t, std::uint32_t>;
  static constexpr int per_word = static_cast<int>(sizeof(Word) / sizeof(Unit));
  static constexpr int words = short_rows_bytes / static_cast<int>(sizeof(Word));
  static constexpr int row = sizeof(Word) == 8 ? 16 : 32;
  static constexpr int vector = 16 / static_cast<int>(sizeof(Word));
  static constexpr int padded(int w) { return w + w / row; }
  static __device__ __forceinline__ int place(int w) { return w + static_cast<int>(static_cast<unsigned>(w) / row); }

  Word storage[padded(words) + 1];

  __device__ __forceinline__ void store(int v, const uint4& bits) {
    struct Words {
      Word word[vector];
    };
    const auto from = detail::bits_as<Words>(bits);
    MYLOS_UNROLL
    for (int w = 0; w < vector; ++w) storage[place(v * vector + w)] = from.word[w];
  }
  __device__ __forceinline__ Unit load(int unit) const {
    if constexpr (per_word == 1) {
      return storage[place(unit)];
    } else {
      const Word word = storage[place(unit / per_word)];
      return static_cast<Unit>(unit % per_word == 0 ? word : word >> 16);
    }
  }
};

/// A block of 256 threads fills a tile with `count` units. Returns how many lie before the first of them.
template <class Stored>
__device__ __forceinline__ int stage_tile(StagedTile<Stored>& tile, const Span& span, const typename Stored::Unit* from,
                                          int count) {
  constexpr int in_flight = short_rows_bytes / (256 * 16);
  const int thread = static_cast<int>(threadIdx.x);
  const auto address = reinterpret_cast<std::uintptr_t>(from);
  const auto* vectors = reinterpret_cast<const uint4*>(address & ~std::uintptr_t{15});
  const int skipped = static_cast<int>((address & 15U) / sizeof(*from));
  const int needed = (skipped + count + Stored::width - 1) / Stored::width;
  uint4 bits[in_flight];
  MYLOS_UNROLL
  for (int i = 0; i < in_flight; ++i)
    if (thread + i * 256 < needed) bits[i] = load_within<Stored>(span, vectors + thread + i * 256).bits;
  MYLOS_UNROLL
  for (int i = 0; i < in_flight; ++i)
    if (thread + i * 256 < needed) tile.store(thread + i * 256, bits[i]);
  __syncthreads();
  return skipped;
}

/// The values of one result for one thread of its team; load(position) fetches a unit. Whole groups of four in turn,
/// then what is left.
template <Monoid M, Through Way, class Stored, class T, class Load>
__device__ __forceinline__ typename Reducer<M, T>::State reduce_short(const ShortRowsParameters<T>& k,
                                                                      std::int64_t output, int lane, const Load& load) {
  typename Reducer<M, T>::State state = Reducer<M, T>::identity();
  const int team = 1 << k.team_log;
  const int whole = k.count & ~3;
  for (int at = 4 * lane; at < whole; at += 4 * team) {
    typename Stored::Unit unit[4];
    MYLOS_UNROLL
    for (int j = 0; j < 4; ++j) unit[j] = load(at + j);
    T v[4];
    widen_units<Stored, 4>(k.is_half, unit, v);
    take_groups<M, Way, 4>(k.p, state, output, at, 1, v);
  }
  if (whole != k.count && lane == (whole / 4 & (team - 1))) {
    typename Stored::Unit unit[3];
    MYLOS_UNROLL
    for (int j = 0; j < 3; ++j) unit[j] = whole + j < k.count ? load(whole + j) : typename Stored::Unit(0);
    T v[3];
    widen_units<Stored, 3>(k.is_half, unit, v);
    take_rest_of_four<M, Way>(k.p, state, output, whole, 1, k.count - whole, v);
  }
  return state;
}

/// The same through the steps, two groups at a time.
template <Monoid M, class Stored, class Load>
__device__ __forceinline__ typename Reducer<M, float>::State reduce_short_steps(const ShortRowsParameters<float>& k,
                                                                                std::int64_t output, int lane,
                                                                                const Load& load) {
  typename Reducer<M, float>::State state = Reducer<M, float>::identity();
  const int apart = 4 << k.team_log;
  for (int at = 4 * lane; at < k.count; at += 2 * apart) {
    typename Stored::Unit unit[8];
    MYLOS_UNROLL
    for (int j = 0; j < 8; ++j) {
      const int position = at + j % 4 + (j < 4 ? 0 : apart);
      unit[j] = position < k.count ? load(position) : typename Stored::Unit(0);
    }
    float v[8];
    widen_units<Stored, 8>(k.is_half, unit, v);
    pass_steps(k.p, v);
    MYLOS_UNROLL
    for (int g = 0; g < 2; ++g) {
      const int first = at + g * apart;
      if (first + 4 <= k.count) {
        take_groups<M, Through::steps, 4>(k.p, state, output, first, 1, v + 4 * g);
      } else {
        MYLOS_UNROLL
        for (int j = 0; j < 3; ++j)
          if (first + j < k.count) take_one<M, Through::steps>(k.p, state, output, first + j, v[4 * g + j]);
      }
    }
  }
  return state;
}

/// What is stored without further ado (plain_end), at a place that is a multiple of the result's number.
template <Monoid M, class T>
__device__ __forceinline__ void finish_plain(const ReduceParameters<T>& p, std::int64_t output,
                                             const typename Reducer<M, T>::State& state) {
  const std::int64_t offset = output * (p.kept_rank == 0 ? 0 : p.y_stride[0][0]);
  if constexpr (M == Monoid::arg_maximum) static_cast<std::int64_t*>(p.y[0])[offset] = state.index;
  if constexpr ((M == Monoid::sum || M == Monoid::maximum) && std::is_same_v<T, float>)
    static_cast<float*>(p.y[0])[offset] = plain_value<M>(p, state);
}

/// How results are stored and x is read.
enum class ShortAccess : std::uint8_t { plain, staged, direct };

template <Monoid M, Through Way, ShortAccess Access, class Stored, class T>
__global__ void __launch_bounds__(256, short_rows_blocks(is_chained(Way)))
    short_rows_kernel(const __grid_constant__ ShortRowsParameters<T> k) {
  using Unit = typename Stored::Unit;
  constexpr bool staged = Access != ShortAccess::direct;
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * k.rows;
  const std::int64_t left = k.p.outputs - first;
  const int rows = left < k.rows ? static_cast<int>(left) : k.rows;
  __shared__ std::conditional_t<staged, StagedTile<Stored>, char> tile;
  int skipped = 0;  // units of the first vector that lie before the first result
  if constexpr (staged)
    skipped = stage_tile(tile, k.span, static_cast<const Unit*>(k.p.x) + first * k.pitch,
                         (rows - 1) * static_cast<int>(k.pitch) + k.count);
  const int lane = thread & ((1 << k.team_log) - 1);
  const int rows_at_once = 256 >> k.team_log;
  for (int row = thread >> k.team_log; row - (thread >> k.team_log) < rows; row += rows_at_once) {
    const std::int64_t output = first + row;
    typename Reducer<M, T>::State state = Reducer<M, T>::identity();
    if (row < rows) {
      const auto reduce = [&](const auto& load) {
        if constexpr (Way == Through::steps)
          return reduce_short_steps<M, Stored>(k, output, lane, load);
        else
          return reduce_short<M, Way, Stored>(k, output, lane, load);
      };
      if constexpr (staged) {
        const int base = skipped + row * static_cast<int>(k.pitch);
        state = reduce([&](int at) { return tile.load(base + at); });
      } else {
        const std::int64_t base = detail::kept_offset(k.p, k.p.x_stride, output);
        state = reduce([&](int at) { return load_unit<Stored>(k.p.x, base + at * k.step); });
      }
    }
    combine_warp<M, T>(state, 1 << k.team_log);
    if (lane != 0 || row >= rows) continue;
    if constexpr (Access == ShortAccess::plain)
      finish_plain<M, T>(k.p, output, state);
    else if (k.partial != nullptr)
      static_cast<typename Reducer<M, T>::State*>(k.partial)[output] = state;
    else
      finish_output<M, T>(k.p, output, state);
  }
}

/// Up to four values of each result, one result behind the other from an aligned address on: a thread has as many
/// vectors as a result has values, and stores 16 bytes or 32. The sums are those of the other kernel.
template <Monoid M, Through Way, int Count, class Stored>
__global__ void __launch_bounds__(256, tiny_rows_blocks)
    tiny_rows_kernel(const __grid_constant__ ShortRowsParameters<float> k) {
  using R = Reducer<M, float>;
  constexpr int width = Stored::width;
  constexpr int turns = tiny_rows_turns;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * (256 * turns) + threadIdx.x;
  const auto* const x = static_cast<const uint4*>(k.p.x);
  RawVector raw[turns][Count];
  MYLOS_UNROLL
  for (int t = 0; t < turns; ++t) MYLOS_UNROLL
  for (int j = 0; j < Count; ++j)
    if ((first + t * 256 + 1) * width <= k.p.outputs) raw[t][j] = {__ldg(x + (first + t * 256) * Count + j)};
  MYLOS_UNROLL
  for (int t = 0; t < turns; ++t) {
    const std::int64_t output = (first + t * 256) * width;
    if (output + width > k.p.outputs) continue;
    float v[Count * width];
    MYLOS_UNROLL
    for (int j = 0; j < Count; ++j) widen_vector<Stored>(k.is_half, raw[t][j], v + j * width);
    typename R::State state[width];
    MYLOS_UNROLL
    for (int r = 0; r < width; ++r) {
      state[r] = R::identity();
      if constexpr (Count == 4) {
        take_groups<M, Way, 4>(k.p, state[r], output + r, 0, 1, v + 4 * r);
      } else {
        const float rest[3] = {v[Count * r], v[Count * r + 1], Count > 2 ? v[Count * r + (Count > 2 ? 2 : 0)] : 0.0F};
        take_rest_of_four<M, Way>(k.p, state[r], output + r, 0, 1, Count, rest);
      }
    }
    auto* const y = reinterpret_cast<float4*>(static_cast<float*>(k.p.y[0]) + output);
    MYLOS_UNROLL
    for (int r = 0; r < width; r += 4)
      y[r / 4] = make_float4(plain_value<M>(k.p, state[r]), plain_value<M>(k.p, state[r + 1]),
                             plain_value<M>(k.p, state[r + 2]), plain_value<M>(k.p, state[r + 3]));
  }
}

/// Elements between neighbouring results where a block may as well read all of them, else 0.
inline std::int64_t staged_pitch(const detail::ReduceProblem& problem) {
  if (problem.axis.count == 0 || (problem.axis.rank != 0 && problem.x_step() != 1)) return 0;
  if (problem.kept.rank == 0) return problem.axis.count;
  const std::int64_t pitch = problem.x_kept.stride[0];
  return problem.kept.rank == 1 && pitch >= problem.axis.count && 2 * pitch <= 3 * problem.axis.count + 2 ? pitch : 0;
}

/// Whether tiny_rows_kernel serves a problem; its end is plain.
template <class T>
bool is_tiny(const ShortRowsParameters<T>& k, int width) {
  return k.count >= 2 && k.count <= 4 && k.pitch == k.count && k.p.plain_end && k.p.outputs % width == 0 &&
         k.p.kept_rank == 1 && k.p.y_stride[0][0] == 1 && reinterpret_cast<std::uintptr_t>(k.p.x) % 16 == 0 &&
         reinterpret_cast<std::uintptr_t>(k.p.y[0]) % 16 == 0;
}

template <Monoid M, Through Way, class Stored>
void launch_tiny_rows(const ShortRowsParameters<float>& k, void* stream) {
  const std::int64_t groups = k.p.outputs / Stored::width;
  auto kernel = tiny_rows_kernel<M, Way, 2, Stored>;
  if (k.count == 3) kernel = tiny_rows_kernel<M, Way, 3, Stored>;
  if (k.count == 4) kernel = tiny_rows_kernel<M, Way, 4, Stored>;
  launch(kernel, (groups + 256 * tiny_rows_turns - 1) / (256 * tiny_rows_turns), 256, stream, k);
}

template <Monoid M, Through Way>
void run_reduce_short_rows(const detail::ReduceProblem& problem, const detail::Queue& queue) {
  with_stored<M, Way>(problem, [&](auto stored, auto value, auto through) {
    constexpr Through way = decltype(through)::value;
    using Stored = decltype(stored);
    using T = decltype(value);
    ShortRowsParameters<T> k;
    k.p = detail::make_reduce_parameters<T>(problem);
    k.step = problem.axis.rank == 0 ? 0 : problem.x_step();
    k.pitch = staged_pitch(problem);
    k.span = span_of(problem.x);
    k.count = static_cast<int>(problem.axis.count);
    k.is_half = problem.x.dtype == DType::f16;
    k.team_log = short_rows_team_log(k.count, Stored::width);
    const std::int64_t pitch = k.pitch != 0 ? k.pitch : (k.count == 0 ? 1 : k.count);
    k.rows = short_rows_results(pitch, Stored::width);
    if constexpr ((way == Through::nothing || way == Through::plain) && (M == Monoid::sum || M == Monoid::maximum) &&
                  std::is_same_v<T, float>)
      if (is_tiny(k, Stored::width)) return launch_tiny_rows<M, way, Stored>(k, queue.stream);
    const std::int64_t states = states_of(k.p, 1);
    const Scratch scratch(queue.stream, static_cast<std::size_t>(states) * sizeof(typename Reducer<M, T>::State));
    k.partial = scratch.data();
    auto kernel = short_rows_kernel<M, way, ShortAccess::staged, Stored, T>;
    if (k.pitch == 0) kernel = short_rows_kernel<M, way, ShortAccess::direct, Stored, T>;
    // Where results are many, their ends count.
    if constexpr (!is_chained(way) && (M == Monoid::arg_maximum ||
                                       ((M == Monoid::sum || M == Monoid::maximum) && std::is_same_v<T, float>)))
      if (k.pitch != 0 && k.p.plain_end) kernel = short_rows_kernel<M, way, ShortAccess::plain, Stored, T>;
    launch(kernel, (k.p.outputs + k.rows - 1) / k.rows, 256, queue.stream, k);
    if (states != 0) launch_combine<M, T>(k.p, k.partial, 1, queue.stream);
  });
}

}  // namespace mylos::cuda
