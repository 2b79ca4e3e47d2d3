// Rows along a strided axis, such as the channels of NCHW: a block takes neighbouring rows, so that accesses are
// coalesced across them, and its threads share each row's elements, which registers hold: read once, written once.
#pragma once

#include "cuda/primitives/kernel_settings.hpp"
#include "cuda/row_affine.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

template <class T>
struct ColumnsParameters {
  RowParameters<T> row;
  std::int64_t x_step;  // between a row's elements
  std::int64_t y_step;
  std::int64_t inner;     // neighbouring rows; they are the last dimension of the rows' box
  int across;             // threads along them, a power of two; the others share rows
  int shares;             // parts of a row, of G places each: they decide the order of its sums
  int strands;            // threads that share a row; each has one or more parts
  detail::Divider tiles;  // along the neighbouring rows
};

template <class F, class T, int E>
struct ColumnsLayout {
  static int bytes(int shares, int across) {
    return shares * across * E * static_cast<int>(sizeof(typename F::State)) +
           across * E * static_cast<int>(sizeof(RowConstants<T>));
  }
};

/// E neighbouring rows at J places each, G of each part: value j * E + k is at place(j) of row k.
template <int G>
struct ColumnsPlace {
  int strand;
  int strands;
  int shares;
  __device__ __forceinline__ int share(int j) const { return strand + j / G * strands; }
  __device__ __forceinline__ int operator()(int j) const { return share(j) + j % G * shares; }
  __device__ __forceinline__ bool has(int j, std::int64_t length) const {
    return (j < G || share(j) < shares) && (*this)(j) < length;
  }
};

template <class M, int E, int J, int G, class T>
__device__ __forceinline__ void chain_columns(const RowParameters<T>& p, const detail::LoweredChain<T>& chain,
                                              std::int64_t row, const ColumnsPlace<G>& place, T* v) {
  if (chain.size == 0) return;
  constexpr int N = chain_values<T> < G * E ? chain_values<T> : G * E;
  static_assert(N % E == 0 && J * E % N == 0);
#pragma unroll
  for (int i = 0; i < J * E; i += N) {
    const TilePlace tile_place{row, place(i / E), place.shares, p.length, E, true};
    ChainTile<T> tile;
#pragma unroll
    for (int k = 0; k < chain_values<T>; ++k) tile[k] = k < N ? v[i + k] : T(0);
    tile = chain_tile<M>(p, chain, tile_place, tile);
#pragma unroll
    for (int k = 0; k < N; ++k) v[i + k] = tile[k];
  }
}

/// v = f(v, w) with the values of weight or bias.
template <int E, int J, int G, class T, class F>
__device__ __forceinline__ void affine_columns(const RowParameters<T>& p, const RowOperand& operand, std::int64_t row,
                                               const ColumnsPlace<G>& place, T* v, const F& f) {
  if (operand.data == nullptr) return;
  // Often neighbouring rows share the value.
  const bool shared = p.rows_rank == 0 || operand.stride[p.rows_rank - 1] == 0;
#pragma unroll
  for (int k = 0; k < E; ++k) {
    if (shared && k > 0) break;
    const std::int64_t base = p.row_offset(operand.stride, row + k);
#pragma unroll
    for (int j = 0; j < J; ++j) {
      if (!place.has(j, p.length)) continue;
      const T w = operand_element(p, operand, base, place(j));
      if (shared) {
#pragma unroll
        for (int i = 0; i < E; ++i) v[j * E + i] = f(v[j * E + i], w);
      } else {
        v[j * E + k] = f(v[j * E + k], w);
      }
    }
  }
}

/// The statistics of E rows over each part's places, to shared memory too.
template <class F, class M, int E, int J, int G, class T>
__device__ __forceinline__ void hold_columns(const RowParameters<T>& p, const ColumnsPlace<G>& place, T* v,
                                             typename F::State (&held)[J / G][E], typename F::State* states,
                                             int across) {
#pragma unroll
  for (int g = 0; g < J / G; ++g) {
    if (g > 0 && place.share(g * G) >= place.shares) break;
    const bool all = place(g * G + G - 1) < p.length;
#pragma unroll
    for (int k = 0; k < E; ++k) {
      T column[G];
#pragma unroll
      for (int j = 0; j < G; ++j) column[j] = v[(g * G + j) * E + k];
      if constexpr (F::knows_neutral) {
#pragma unroll
        for (int j = 0; j < G; ++j) column[j] = place(g * G + j) < p.length ? column[j] : F::neutral();
      }
      if constexpr (F::holds)
        held[g][k] = F::template hold<M, G>(p, column);
      else if (F::knows_neutral || all)
        held[g][k] = F::template of<M>(p, value_tile<G>(column, [](int) { return true; }));
      else
        held[g][k] = F::template of<M>(p, value_tile<G>(column, [&](int j) { return place(g * G + j) < p.length; }));
      states[place.share(g * G) * across * E + k] = held[g][k];
#pragma unroll
      for (int j = 0; j < G; ++j) v[(g * G + j) * E + k] = column[j];
    }
  }
}

template <class F, class S, class M, int E, int J, int G, bool Chained, class T>
__global__ void __launch_bounds__(columns_tuning().longest, columns_tuning().threads / columns_tuning().longest)
    row_columns_kernel(const __grid_constant__ ColumnsParameters<T> parameters) {
  using State = typename F::State;
  using Chunk = detail::Pack<S, E>;
  extern __shared__ __align__(16) unsigned char storage[];
  const RowParameters<T>& p = parameters.row;
  const int across = parameters.across;
  const int lane = static_cast<int>(threadIdx.x) & (across - 1);
  const std::uint64_t outer = parameters.tiles.divide(blockIdx.x);
  const auto tile = static_cast<std::int64_t>(blockIdx.x - outer * parameters.tiles.divisor);
  const std::int64_t first_inner = tile * (across * E);
  const std::int64_t inner = first_inner + lane * E;
  const std::int64_t row = static_cast<std::int64_t>(outer) * parameters.inner + inner;
  const ColumnsPlace<G> place{static_cast<int>(threadIdx.x) / across, parameters.strands, parameters.shares};
  const bool active = inner < parameters.inner;

  T v[J * E];
  if (active) {
    const S* const x = static_cast<const S*>(p.x) + p.row_offset(p.x_stride, row);
    Chunk chunk[J];
#pragma unroll
    for (int j = 0; j < J; ++j)
      if (place.has(j, p.length))
        chunk[j] = GlobalAccess::load(reinterpret_cast<const Chunk*>(x + place(j) * parameters.x_step));
#pragma unroll
    for (int j = 0; j < J; ++j) detail::unpack(chunk[j], v + j * E);
    if constexpr (Chained) {
      chain_columns<M, E, J, G>(p, p.before, row, place, v);
      if (p.is_causal) {
#pragma unroll
        for (int k = 0; k < E; ++k) {
          const std::int64_t limit = p.limit(row + k);
#pragma unroll
          for (int j = 0; j < J; ++j) v[j * E + k] = place(j) < limit ? v[j * E + k] : detail::minus_infinity<T>();
        }
      }
    }
  }
  State* const states = reinterpret_cast<State*>(storage);
  auto* const constants = reinterpret_cast<RowConstants<T>*>(
      storage + sizeof(State) * E * static_cast<unsigned>(across * parameters.shares));
  State held[J / G][E];
  if (active) hold_columns<F, M, E, J, G>(p, place, v, held, states + lane * E, across);
  __syncthreads();
  // Each row's parts by one thread, in the order of the shares.
  for (int column = static_cast<int>(threadIdx.x); column < across * E; column += static_cast<int>(blockDim.x)) {
    if (first_inner + column >= parameters.inner) break;
    State state = states[column];
    for (int i = 1; i < parameters.shares; i += 4) {
      State part[5];
      part[0] = state;
#pragma unroll
      for (int k = 0; k < 4; ++k)
        part[k + 1] = i + k < parameters.shares ? states[(i + k) * across * E + column] : F::empty();
      state = F::template combine<M>(p, part, LaneGroup<1>{1});
    }
    const RowConstants<T> c = F::template finish<M>(p, state);
    constants[column] = c;
    if (p.has_statistics())
      store_statistics(p, static_cast<std::int64_t>(outer) * parameters.inner + first_inner + column, state, c);
  }
  __syncthreads();
  if (!active) return;
#pragma unroll
  for (int k = 0; k < E; ++k) {
    const RowConstants<T> c = constants[lane * E + k];
#pragma unroll
    for (int g = 0; g < J / G; ++g) {
      T column[G];
#pragma unroll
      for (int j = 0; j < G; ++j) column[j] = v[(g * G + j) * E + k];
      F::template map_held<M, G>(p, c, held[g][k], column);
#pragma unroll
      for (int j = 0; j < G; ++j) v[(g * G + j) * E + k] = column[j];
    }
  }
  if constexpr (Chained) {
    affine_columns<E, J, G>(p, p.weight, row, place, v, [](T value, T w) { return rounded_product(value, w); });
    affine_columns<E, J, G>(p, p.bias, row, place, v, [](T value, T b) { return value + b; });
    chain_columns<M, E, J, G>(p, p.after, row, place, v);
  }
  S* const y = static_cast<S*>(p.y) + p.row_offset(p.y_stride, row);
#pragma unroll
  for (int j = 0; j < J; ++j)
    if (place.has(j, p.length))
      GlobalAccess::store(reinterpret_cast<Chunk*>(y + place(j) * parameters.y_step), detail::pack_up<S, E>(v + j * E));
}

/// Neighbouring rows.
inline std::int64_t columns_inner(const RowProblem& problem) {
  return problem.rows.rank == 0 ? 1 : problem.rows.extent[problem.rows.rank - 1];
}

/// Whether vectors of E neighbouring rows are aligned everywhere.
inline bool columns_are_vectors(const RowProblem& problem, int e) {
  const int last = problem.rows.rank - 1;
  const std::int64_t inner = columns_inner(problem);
  const auto aligned = [&](const detail::RowTensor& tensor) {
    bool fit = reinterpret_cast<std::uintptr_t>(tensor.data) % 16 == 0;
    for (int d = 0; d < problem.rows.rank + problem.axis.rank; ++d)
      fit = fit && (d == last || tensor.strides.stride[d] % e == 0);
    return fit;
  };
  return last >= 0 && inner % e == 0 && aligned(problem.x) && aligned(problem.y);
}

template <class F, class S, class M, int E, int J, int G, bool Chained, class T>
void launch_columns_of(const RowProblem& problem, const detail::Queue& queue) {
  ColumnsParameters<T> parameters;
  parameters.row = make_row_parameters<T>(problem);
  parameters.x_step = *problem.axis_stride(problem.x.strides);
  parameters.y_step = *problem.axis_stride(problem.y.strides);
  parameters.inner = columns_inner(problem);
  parameters.shares = static_cast<int>((problem.length() + G - 1) / G);
  const std::int64_t strands = (parameters.shares + J / G - 1) / (J / G);
  parameters.strands = static_cast<int>(strands);
  parameters.across = 32;
  while (parameters.across > 1 && parameters.across * strands > columns_tuning().longest) parameters.across /= 2;
  while (parameters.across > 1 && (parameters.across / 2) * E >= parameters.inner) parameters.across /= 2;
  const std::int64_t tiles = (parameters.inner + parameters.across * E - 1) / (parameters.across * E);
  parameters.tiles = detail::Divider(tiles);
  const std::int64_t blocks = problem.rows.count / parameters.inner * tiles;
  if (blocks > 0x7fffffff) throw Error("mylos: launch: more than 2^31 - 1 blocks");

  const auto kernel = row_columns_kernel<F, S, M, E, J, G, Chained, T>;
  const int threads = parameters.across * parameters.strands;
  const int bytes = ColumnsLayout<F, T, E>::bytes(parameters.shares, parameters.across);
  if (bytes > 48 * 1024) allow_shared_memory(reinterpret_cast<const void*>(kernel), bytes);
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = static_cast<std::size_t>(bytes);
  config.stream = static_cast<cudaStream_t>(queue.stream);
  MYLOS_CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, parameters));
}

template <class F, class S, class M, int E, bool Chained, class T>
void launch_columns(const RowProblem& problem, const detail::Queue& queue) {
  // The parts are the same either way, so that a row's bits do not depend on its neighbours.
  constexpr int G = columns_tuning().bytes / static_cast<int>(sizeof(T)) / E;
  if (columns_are_vectors(problem, E)) return launch_columns_of<F, S, M, E, G, G, Chained, T>(problem, queue);
  launch_columns_of<F, S, M, 1, columns_single(sizeof(T)), G, Chained, T>(problem, queue);
}

}  // namespace mylos::cuda
