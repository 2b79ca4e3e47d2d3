// Local response normalisation where a row's channels are neighbours in memory (channels last). Where windows reach no
// further than the next vectors, threads have them from their neighbours. Else, and where channels are no vectors, a
// block has a tile of rows, or of a part of one, in shared memory, with zeros where windows reach beyond a row.
#pragma once

#include "cuda/primitives/launch.cuh"
#include "cuda/row_local_response.cuh"

namespace mylos::cuda {

template <class T>
struct NearParameters {
  ResponseParameters<T> response;
  detail::Divider row_chunks;
  std::int64_t chunks;  // of all rows
  bool is_dense;        // rows follow each other without gaps
};

/// Vectors, of which a thread has one or two, with the H vectors on either side of each. Neighbouring threads load the
/// same ones at the same time: they come from memory once. Passing them on by shuffles takes longer.
template <class S, int H, class T>
__global__ void __launch_bounds__(response_tuning().near_threads)
    row_response_near_kernel(const __grid_constant__ NearParameters<T> parameters) {
  constexpr int E = 16 / static_cast<int>(sizeof(S));
  using Chunk = detail::Pack<S, E>;
  constexpr int turns = response_near_turns(sizeof(S));
  constexpr int threads = response_tuning().near_threads;
  const ResponseParameters<T>& p = parameters.response;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * (threads * turns) + threadIdx.x;
  const int row_chunks = static_cast<int>(parameters.row_chunks.divisor);
  Chunk chunk[turns][2 * H + 1] = {};
  S* to[turns];
#pragma unroll
  for (int u = 0; u < turns; ++u) {
    const std::int64_t number = first + u * threads;
    to[u] = nullptr;
    if (number >= parameters.chunks) continue;
    const std::uint64_t row = parameters.row_chunks.divide(static_cast<std::uint64_t>(number));
    const int at = static_cast<int>(number - static_cast<std::int64_t>(row * parameters.row_chunks.divisor));
    std::int64_t x = number * E;
    std::int64_t y = x;
    if (!parameters.is_dense) {
      x = p.row_offset(p.x_stride, static_cast<std::int64_t>(row)) + at * E;
      y = p.row_offset(p.y_stride, static_cast<std::int64_t>(row)) + at * E;
    }
    const Chunk* const from = reinterpret_cast<const Chunk*>(static_cast<const S*>(p.x) + x);
    to[u] = static_cast<S*>(p.y) + y;
#pragma unroll
    for (int h = -H; h <= H; ++h)
      if (static_cast<unsigned>(at + h) < static_cast<unsigned>(row_chunks))
        chunk[u][h + H] = GlobalAccess::load(from + h);
  }
  T v[turns][(2 * H + 1) * E];
  T sum[turns][E] = {};
#pragma unroll
  for (int u = 0; u < turns; ++u)
#pragma unroll
    for (int h = 0; h <= 2 * H; ++h) detail::unpack(chunk[u][h], v[u] + h * E);
#pragma unroll
  for (int d = -H * E; d <= H * E; ++d) {
    if (d < -p.before || d > p.behind) continue;
#pragma unroll
    for (int u = 0; u < turns; ++u)
#pragma unroll
      for (int e = 0; e < E; ++e) sum[u][e] += v[u][H * E + e + d] * v[u][H * E + e + d];
  }
#pragma unroll
  for (int u = 0; u < turns; ++u) {
    T own[E];
#pragma unroll
    for (int e = 0; e < E; ++e) own[e] = v[u][H * E + e];
    respond<S>(p, sum[u], own);
    if (to[u] != nullptr) GlobalAccess::store(reinterpret_cast<Chunk*>(to[u]), detail::pack_up<S, E>(own));
  }
}

template <class T>
struct AlongParameters {
  ResponseParameters<T> response;
  int rows;                // of a tile
  int columns;             // of a row in a tile, whole vectors
  int head;                // places in front of them and behind them, whole vectors too
  int pitch;               // all of a row's places
  detail::Divider pieces;  // tiles side by side in a row
  detail::Divider row_vectors;
  detail::Divider column_vectors;
  detail::Divider column_steps;
};

/// A tile in shared memory: a free place after each R values keeps threads that work on R each out of the same banks.
template <int R, class T>
struct ResponseTile {
  T* values;
  __device__ __forceinline__ T& operator[](int i) const {
    return values[static_cast<unsigned>(i) + static_cast<unsigned>(i) / R];
  }
  static constexpr int bytes(int count) { return (count + count / R) * static_cast<int>(sizeof(T)); }
};

/// Where a tile is.
template <class T>
struct TilePosition {
  std::int64_t row;
  std::int64_t column;
  int rows;

  __device__ __forceinline__ TilePosition(const AlongParameters<T>& parameters, std::int64_t number) {
    const std::uint64_t tile = parameters.pieces.divide(static_cast<std::uint64_t>(number));
    const auto piece = number - static_cast<std::int64_t>(tile * parameters.pieces.divisor);
    row = static_cast<std::int64_t>(tile) * parameters.rows;
    column = piece * parameters.columns;
    const std::int64_t left = parameters.response.rows - row;
    rows = left < parameters.rows ? static_cast<int>(left) : parameters.rows;
  }
};

template <int R, class S, int E, class T>
__device__ __forceinline__ void fill_tile(const AlongParameters<T>& parameters, const TilePosition<T>& tile,
                                          const ResponseTile<R, T>& values) {
  using Chunk = detail::Pack<S, E>;
  constexpr int batch = E == 1 ? 8 : 4;
  const ResponseParameters<T>& p = parameters.response;
  const int step = static_cast<int>(blockDim.x);
  const int vectors = static_cast<int>(parameters.row_vectors.divisor);
  const int count = tile.rows * vectors;
#pragma unroll 1
  for (int from = static_cast<int>(threadIdx.x); from < count; from += batch * step) {
    Chunk chunk[batch];
#pragma unroll
    for (int b = 0; b < batch; ++b) {
      const int i = from + b * step;
      const int row = static_cast<int>(parameters.row_vectors.divide32(static_cast<std::uint32_t>(i)));
      const std::int64_t channel = tile.column - parameters.head + (i - row * vectors) * E;
      chunk[b] = {};
      if (i < count && channel >= 0 && channel < p.channels)
        chunk[b] = GlobalAccess::load(reinterpret_cast<const Chunk*>(
            static_cast<const S*>(p.x) + p.row_offset(p.x_stride, tile.row + row) + channel));
    }
#pragma unroll
    for (int b = 0; b < batch; ++b) {
      T v[E];
      detail::unpack(chunk[b], v);
#pragma unroll
      for (int e = 0; e < E; ++e)
        if (from + b * step < count) values[(from + b * step) * E + e] = v[e];
    }
  }
}

template <int R, class S, int E, class T>
__device__ __forceinline__ void store_tile(const AlongParameters<T>& parameters, const TilePosition<T>& tile,
                                           const ResponseTile<R, T>& values) {
  using Chunk = detail::Pack<S, E>;
  const ResponseParameters<T>& p = parameters.response;
  const int vectors = static_cast<int>(parameters.column_vectors.divisor);
  const int count = tile.rows * vectors;
#pragma unroll 2
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) {
    const int row = static_cast<int>(parameters.column_vectors.divide32(static_cast<std::uint32_t>(i)));
    const int column = (i - row * vectors) * E;
    if (tile.column + column >= p.channels) continue;
    T v[E];
#pragma unroll
    for (int e = 0; e < E; ++e) v[e] = values[row * parameters.pitch + parameters.head + column + e];
    GlobalAccess::store(reinterpret_cast<Chunk*>(static_cast<S*>(p.y) + p.row_offset(p.y_stride, tile.row + row) +
                                                 tile.column + column),
                        detail::pack_up<S, E>(v));
  }
}

template <class S, int E, int R, class T>
__global__ void __launch_bounds__(response_tuning().tile_threads)
    row_response_along_kernel(const __grid_constant__ AlongParameters<T> parameters) {
  constexpr int threads = response_tuning().tile_threads;
  constexpr int turns = response_tuning().tile_values / threads / R;
  extern __shared__ __align__(16) unsigned char storage[];
  const ResponseParameters<T>& p = parameters.response;
  const TilePosition<T> tile(parameters, blockIdx.x);
  const ResponseTile<R, T> values{reinterpret_cast<T*>(storage)};
  fill_tile<R, S, E>(parameters, tile, values);
  __syncthreads();

  const int steps = static_cast<int>(parameters.column_steps.divisor);
  T results[turns][R];
  int place[turns];
#pragma unroll
  for (int u = 0; u < turns; ++u) {
    const int i = static_cast<int>(threadIdx.x) + u * threads;
    const int row = static_cast<int>(parameters.column_steps.divide32(static_cast<std::uint32_t>(i)));
    place[u] = row < tile.rows ? row * parameters.pitch + parameters.head + (i - row * steps) * R : -1;
    if (place[u] < 0) continue;
    const int first = place[u] - p.before;
    T sum[R][1];
    window_sums<R, 1>(
        p.window(), [&](int k, T* v) { *v = values[first + k]; }, sum);
    T all[R];
#pragma unroll
    for (int r = 0; r < R; ++r) {
      all[r] = sum[r][0];
      results[u][r] = values[place[u] + r];
    }
    respond<S>(p, all, results[u]);
  }
  __syncthreads();
#pragma unroll
  for (int u = 0; u < turns; ++u)
#pragma unroll
    for (int r = 0; r < R; ++r)
      if (place[u] >= 0) values[place[u] + r] = results[u][r];
  __syncthreads();
  store_tile<R, S, E>(parameters, tile, values);
}

/// Whether the channels of every row make vectors of `e` elements.
inline bool channels_are_vectors(const LocalResponseProblem& p, int e) {
  const auto aligned = [&](const detail::RowTensor& tensor) {
    bool is = reinterpret_cast<std::uintptr_t>(tensor.data) % 16 == 0;
    for (int d = 0; d < p.rows.rank; ++d) is = is && tensor.strides.stride[d] % e == 0;
    return is;
  };
  return p.channels % e == 0 && aligned(p.x) && aligned(p.y);
}

/// How rows are cut into tiles.
struct TileShape {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t head;
  std::int64_t pitch;
  std::int64_t pieces;
};
inline TileShape tile_shape(const LocalResponseProblem& p) {
  constexpr int vector = 8;  // elements that head and columns are multiples of
  const auto whole = [](std::int64_t n) { return (n + vector - 1) / vector * vector; };
  constexpr std::int64_t most = response_tuning().tile_values;
  TileShape shape;
  shape.pieces = (p.channels + most - 1) / most;
  shape.columns = whole((p.channels + shape.pieces - 1) / shape.pieces);
  shape.rows = most / shape.columns;
  shape.head = whole(window_before(p));
  shape.pitch = shape.head + shape.columns + whole(window_behind(p));
  return shape;
}

template <class S, int E, int R, class T>
void launch_along_of(const LocalResponseProblem& problem, void* stream) {
  const TileShape shape = tile_shape(problem);
  AlongParameters<T> parameters;
  parameters.response = make_response_parameters<T>(problem);
  parameters.rows = static_cast<int>(shape.rows);
  parameters.columns = static_cast<int>(shape.columns);
  parameters.head = static_cast<int>(shape.head);
  parameters.pitch = static_cast<int>(shape.pitch);
  parameters.pieces = detail::Divider(shape.pieces);
  parameters.row_vectors = detail::Divider(shape.pitch / E);
  parameters.column_vectors = detail::Divider(shape.columns / E);
  parameters.column_steps = detail::Divider(shape.columns / R);
  const std::int64_t tiles = (problem.rows.count + shape.rows - 1) / shape.rows * shape.pieces;
  launch(row_response_along_kernel<S, E, R, T>, tiles, response_tuning().tile_threads, stream, parameters,
         ResponseTile<R, T>::bytes(static_cast<int>(shape.rows * shape.pitch)));
}

template <class S, int H, class T>
void launch_near(const LocalResponseProblem& problem, void* stream) {
  constexpr int vector = 16 / static_cast<int>(sizeof(S));
  constexpr int threads = response_tuning().near_threads;
  constexpr int per_block = threads * response_near_turns(sizeof(S));
  NearParameters<T> parameters;
  parameters.response = make_response_parameters<T>(problem);
  parameters.row_chunks = detail::Divider(problem.channels / vector);
  parameters.chunks = problem.rows.count * (problem.channels / vector);
  const auto dense = [&](const detail::RowTensor& tensor) {
    return problem.rows.rank == 0 || tensor.strides.stride[0] == problem.channels;
  };
  parameters.is_dense = problem.rows.rank <= 1 && dense(problem.x) && dense(problem.y);
  launch(row_response_near_kernel<S, H, T>, (parameters.chunks + per_block - 1) / per_block, threads, stream,
         parameters);
}

template <class S, int R>
void launch_along(const LocalResponseProblem& problem, void* stream) {
  using T = ResponseValue<S>;
  constexpr int vector = 16 / static_cast<int>(sizeof(S));
  const int reach = window_before(problem) > window_behind(problem) ? window_before(problem) : window_behind(problem);
  if (!channels_are_vectors(problem, vector)) return launch_along_of<S, 1, R, T>(problem, stream);
  const bool near = problem.channels <= INT32_MAX;
  if (near && reach <= vector) return launch_near<S, 1, T>(problem, stream);
  if constexpr (vector < 4)
    if (near && reach <= 2 * vector) return launch_near<S, 2, T>(problem, stream);
  launch_along_of<S, vector, R, T>(problem, stream);
}

}  // namespace mylos::cuda
