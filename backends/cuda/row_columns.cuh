// Rows along a strided axis, such as the channels of NCHW: a block takes neighbouring rows, so that accesses are
// coalesced across them, and its threads share each row's elements, which registers hold: read once, written once.
#pragma once

#include "cuda/primitives/check.hpp"
#include "cuda/row_tile.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {

template <class T>
struct ColumnsParameters {
  RowParameters<T> row;
  std::int64_t x_step;  // between a row's elements
  std::int64_t y_step;
  std::int64_t inner;     // neighbouring rows; they are the last dimension of the rows' box
  int across;             // threads along them, a power of two; the others share rows
  int shares;             // threads that share a row
  detail::Divider tiles;  // along the neighbouring rows
};

template <class F, class T, int E>
struct ColumnsLayout {
  static int bytes(int threads, int across) {
    return threads * E * static_cast<int>(sizeof(typename F::State)) +
           across * E * static_cast<int>(sizeof(RowConstants<T>));
  }
};

/// E neighbouring rows at J places each: value j * E + k is at place(j) of row k.
struct ColumnsPlace {
  int first;
  int step;
  __device__ __forceinline__ int operator()(int j) const { return first + j * step; }
};

template <class M, int E, int J, class T>
__device__ __forceinline__ void chain_columns(const RowParameters<T>& p, const detail::LoweredChain<T>& chain,
                                              std::int64_t row, const ColumnsPlace& place, T* v) {
  if (chain.size == 0) return;
  constexpr int N = chain_values<T>;
  static_assert(N % E == 0 && J * E % N == 0);
#pragma unroll
  for (int i = 0; i < J * E; i += N) {
    const TilePlace tile_place{row, place(i / E), place.step, p.length, E, true};
    ChainTile<T> tile;
#pragma unroll
    for (int k = 0; k < N; ++k) tile[k] = v[i + k];
    tile = chain_tile<M>(p, chain, tile_place, tile);
#pragma unroll
    for (int k = 0; k < N; ++k) v[i + k] = tile[k];
  }
}

/// v = f(v, w) with the values of weight or bias.
template <int E, int J, class T, class F>
__device__ __forceinline__ void affine_columns(const RowParameters<T>& p, const RowOperand& operand, std::int64_t row,
                                               const ColumnsPlace& place, T* v, const F& f) {
  if (operand.data == nullptr) return;
  // Often neighbouring rows share the value.
  const bool shared = p.rows_rank == 0 || operand.stride[p.rows_rank - 1] == 0;
#pragma unroll
  for (int k = 0; k < E; ++k) {
    if (shared && k > 0) break;
    const std::int64_t base = p.row_offset(operand.stride, row + k);
#pragma unroll
    for (int j = 0; j < J; ++j) {
      if (place(j) >= p.length) continue;
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

/// The statistics of E rows, each over J places, to shared memory too.
template <class F, class M, int E, int J, class T>
__device__ __forceinline__ void hold_columns(const RowParameters<T>& p, const ColumnsPlace& place, T* v,
                                             typename F::State* held, typename F::State* state) {
#pragma unroll
  for (int k = 0; k < E; ++k) {
    T column[J];
#pragma unroll
    for (int j = 0; j < J; ++j) column[j] = v[j * E + k];
    const bool all = place(J - 1) < p.length;
    if constexpr (F::knows_neutral) {
#pragma unroll
      for (int j = 0; j < J; ++j) column[j] = place(j) < p.length ? column[j] : F::neutral();
    }
    if constexpr (F::holds)
      held[k] = F::template hold<M, J>(p, column);
    else if (F::knows_neutral || all)
      held[k] = F::template of<M>(p, value_tile<J>(column, [](int) { return true; }));
    else
      held[k] = F::template of<M>(p, value_tile<J>(column, [&](int j) { return place(j) < p.length; }));
    state[k] = held[k];
#pragma unroll
    for (int j = 0; j < J; ++j) v[j * E + k] = column[j];
  }
}

template <class F, class S, class M, int E, int J, bool Chained, class T>
__global__ void __launch_bounds__(columns_tuning().longest, columns_tuning().threads / columns_tuning().longest)
    row_columns_kernel(const __grid_constant__ ColumnsParameters<T> parameters) {
  using State = typename F::State;
  using Chunk = detail::Pack<S, E>;
  extern __shared__ __align__(16) unsigned char storage[];
  const RowParameters<T>& p = parameters.row;
  const int across = parameters.across;
  const int lane = static_cast<int>(threadIdx.x) & (across - 1);
  const int share = static_cast<int>(threadIdx.x) / across;
  const std::uint64_t outer = parameters.tiles.divide(blockIdx.x);
  const auto tile = static_cast<std::int64_t>(blockIdx.x - outer * parameters.tiles.divisor);
  const std::int64_t first_inner = tile * (across * E);
  const std::int64_t inner = first_inner + lane * E;
  const std::int64_t row = static_cast<std::int64_t>(outer) * parameters.inner + inner;
  const ColumnsPlace place{share, parameters.shares};
  const bool active = inner < parameters.inner;

  T v[J * E];
  if (active) {
    const S* const x = static_cast<const S*>(p.x) + p.row_offset(p.x_stride, row) + share * parameters.x_step;
    const std::int64_t step = parameters.shares * parameters.x_step;
    Chunk chunk[J];
#pragma unroll
    for (int j = 0; j < J; ++j)
      if (place(j) < p.length) chunk[j] = StreamingAccess::load(reinterpret_cast<const Chunk*>(x + j * step));
#pragma unroll
    for (int j = 0; j < J; ++j) detail::unpack(chunk[j], v + j * E);
    if constexpr (Chained) {
      chain_columns<M, E, J>(p, p.before, row, place, v);
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
  auto* const constants = reinterpret_cast<RowConstants<T>*>(storage + sizeof(State) * E * blockDim.x);
  State held[E];
  if (active) hold_columns<F, M, E, J>(p, place, v, held, states + (share * across + lane) * E);
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
      state = F::template combine<M>(p, part, LaneGroup{1});
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
    T column[J];
#pragma unroll
    for (int j = 0; j < J; ++j) column[j] = v[j * E + k];
    F::template map_held<M, J>(p, c, held[k], column);
#pragma unroll
    for (int j = 0; j < J; ++j) v[j * E + k] = column[j];
  }
  if constexpr (Chained) {
    affine_columns<E, J>(p, p.weight, row, place, v, [](T value, T w) { return value * w; });
    affine_columns<E, J>(p, p.bias, row, place, v, [](T value, T b) { return value + b; });
    chain_columns<M, E, J>(p, p.after, row, place, v);
  }
  S* const y = static_cast<S*>(p.y) + p.row_offset(p.y_stride, row) + share * parameters.y_step;
  const std::int64_t step = parameters.shares * parameters.y_step;
#pragma unroll
  for (int j = 0; j < J; ++j)
    if (place(j) < p.length)
      StreamingAccess::store(reinterpret_cast<Chunk*>(y + j * step), detail::pack_up<S, E>(v + j * E));
}

/// Whether vectors of E neighbouring rows are aligned everywhere.
inline bool columns_are_vectors(const RowProblem& problem, int e) {
  const int last = problem.rows.rank - 1;
  const std::int64_t inner = problem.rows.extent[last];
  const auto aligned = [&](const detail::RowTensor& tensor) {
    bool fit = reinterpret_cast<std::uintptr_t>(tensor.data) % 16 == 0;
    for (int d = 0; d < problem.rows.rank + problem.axis.rank; ++d)
      fit = fit && (d == last || tensor.strides.stride[d] % e == 0);
    return fit;
  };
  return inner % e == 0 && aligned(problem.x) && aligned(problem.y);
}

template <class F, class S, class M, int E, int J, bool Chained, class T>
void launch_columns_of(const RowProblem& problem, const detail::Queue& queue) {
  ColumnsParameters<T> parameters;
  parameters.row = make_row_parameters<T>(problem);
  parameters.x_step = *problem.axis_stride(problem.x.strides);
  parameters.y_step = *problem.axis_stride(problem.y.strides);
  parameters.inner = problem.rows.extent[problem.rows.rank - 1];
  const std::int64_t shares = (problem.length() + J - 1) / J;
  parameters.shares = static_cast<int>(shares);
  parameters.across = 32;
  while (parameters.across > 1 && parameters.across * shares > columns_tuning().longest) parameters.across /= 2;
  while (parameters.across > 1 && (parameters.across / 2) * E >= parameters.inner) parameters.across /= 2;
  const std::int64_t tiles = (parameters.inner + parameters.across * E - 1) / (parameters.across * E);
  parameters.tiles = detail::Divider(tiles);
  const std::int64_t blocks = problem.rows.count / parameters.inner * tiles;
  if (blocks > 0x7fffffff) throw Error("mylos: launch: more than 2^31 - 1 blocks");

  const auto kernel = row_columns_kernel<F, S, M, E, J, Chained, T>;
  const int threads = parameters.across * parameters.shares;
  const int bytes = ColumnsLayout<F, T, E>::bytes(threads, parameters.across);
  if (bytes > 48 * 1024)
    MYLOS_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = static_cast<std::size_t>(bytes);
  config.stream = static_cast<cudaStream_t>(queue.stream);
  MYLOS_CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, parameters));
}

template <class F, class S, class M, int E, bool Chained, class T>
void launch_columns(const RowProblem& problem, const detail::Queue& queue) {
  constexpr int values = columns_tuning().bytes / static_cast<int>(sizeof(T));
  if (columns_are_vectors(problem, E)) return launch_columns_of<F, S, M, E, values / E, Chained, T>(problem, queue);
  launch_columns_of<F, S, M, 1, columns_single(sizeof(T)), Chained, T>(problem, queue);
}

}  // namespace mylos::cuda
