// Local response normalisation where neighbouring rows are neighbours in memory (channels of NCHW): a thread walks
// along the channels of a few rows. What it needs of them is in a ring of its own in shared memory, which asynchronous
// copies fill ahead: each value is read once, and no thread waits for another.
#pragma once

#include "cuda/primitives/async.cuh"
#include "cuda/primitives/launch.cuh"
#include "cuda/row_local_response.cuh"

namespace mylos::cuda {

template <class T>
struct AcrossParameters {
  ResponseParameters<T> response;
  detail::Divider blocks;  // of threads side by side
  std::int64_t segment;    // channels that a thread takes, whole steps
  int slots;               // of a thread's ring: a power of two, as the number of threads
};

/// E rows of a thread, a vector of neighbours or single ones as far apart as the block has threads.
template <class S, int E, bool Vectors, class T>
struct RowsOfThread {
  using Chunk = detail::Pack<S, E>;
  static constexpr int count = Vectors ? 1 : E;
  const ResponseParameters<T>& p;
  std::int64_t x[count];
  std::int64_t y[count];
  int valid;

  __device__ __forceinline__ RowsOfThread(const ResponseParameters<T>& parameters, std::int64_t block)
      : p(parameters), valid(0) {
    const std::int64_t first = Vectors ? (block * blockDim.x + threadIdx.x) * E : block * blockDim.x * E + threadIdx.x;
#pragma unroll
    for (int i = 0; i < count; ++i) {
      const std::int64_t row = first + i * static_cast<std::int64_t>(blockDim.x);
      const bool is = row < p.rows;
      valid += is ? E / count : 0;
      x[i] = is ? p.row_offset(p.x_stride, row) : 0;
      y[i] = is ? p.row_offset(p.y_stride, row) : 0;
    }
  }
  /// Sends a channel's values on their way; zeros where there is none.
  __device__ __forceinline__ void bring(Chunk* to, std::int64_t channel, std::int64_t end) const {
    const bool is = channel >= 0 && channel < end;
    const S* const from = static_cast<const S*>(p.x) + channel * p.x_step;
    if constexpr (Vectors) {
      if (is)
        copy_async<16>(to, from + x[0]);
      else
        *reinterpret_cast<uint4*>(to) = uint4{};
    } else if constexpr (sizeof(S) >= 4) {
#pragma unroll
      for (int e = 0; e < E; ++e) {
        if (is && e < valid)
          copy_async<static_cast<int>(sizeof(S))>(&to->value[e], from + x[e]);
        else
          to->value[e] = S(0);
      }
    } else {
      Chunk chunk = {};
#pragma unroll
      for (int e = 0; e < E; ++e)
        if (is && e < valid) chunk.value[e] = from[x[e]];
      *to = chunk;
    }
  }
  __device__ __forceinline__ void store(std::int64_t channel, const T* v) const {
    S* const to = static_cast<S*>(p.y) + channel * p.y_step;
    const Chunk chunk = detail::pack_up<S, E>(v);
    if constexpr (Vectors) {
      GlobalAccess::store(reinterpret_cast<Chunk*>(to + y[0]), chunk);
    } else {
#pragma unroll
      for (int e = 0; e < E; ++e)
        if (e < valid) to[y[e]] = chunk.value[e];
    }
  }
};

template <class S, int E, int R, bool Vectors, class T>
__global__ void __launch_bounds__(Vectors ? response_tuning().threads : response_tuning().single_threads)
    row_response_across_kernel(const __grid_constant__ AcrossParameters<T> parameters) {
  using Chunk = detail::Pack<S, E>;
  constexpr int ahead = response_tuning().ahead;
  extern __shared__ __align__(16) unsigned char storage[];
  const ResponseParameters<T>& p = parameters.response;
  const std::uint64_t segment = parameters.blocks.divide(blockIdx.x);
  const RowsOfThread<S, E, Vectors, T> rows(
      p, static_cast<std::int64_t>(blockIdx.x - segment * parameters.blocks.divisor));
  if (rows.valid == 0) return;
  const std::int64_t begin = static_cast<std::int64_t>(segment) * parameters.segment;
  const std::int64_t end = begin + parameters.segment < p.channels ? begin + parameters.segment : p.channels;
  const std::int64_t read_end = end + p.behind < p.channels ? end + p.behind : p.channels;

  const unsigned pitch = blockDim.x * static_cast<unsigned>(sizeof(Chunk));
  const unsigned mask = pitch * static_cast<unsigned>(parameters.slots) - 1;
  unsigned char* const own = storage + threadIdx.x * sizeof(Chunk);
  const auto slot = [&](unsigned i) { return reinterpret_cast<Chunk*>(own + (i * pitch & mask)); };

  // Slot i has channel begin - before + i.
  const std::int64_t first = begin - p.before;
  unsigned brought = 0;
  const auto bring = [&](int count) {
#pragma unroll 4
    for (int i = 0; i < count; ++i, ++brought) rows.bring(slot(brought), first + brought, read_end);
  };
  bring(p.window() - 1);
#pragma unroll 1
  for (int i = 0; i < ahead; ++i) {
    bring(R);
    end_copies();
  }
  unsigned at = 0;
#pragma unroll 1
  for (std::int64_t channel = begin; channel < end; channel += R, at += R) {
    bring(R);
    end_copies();
    wait_for_copies<ahead>();
    const auto load = [&](int i, T* v) { detail::unpack(load_shared(slot(at + static_cast<unsigned>(i))), v); };
    T sum[R][E];
    window_sums<R, E>(p.window(), load, sum);
#pragma unroll
    for (int r = 0; r < R; ++r) {
      T v[E];
      load(p.before + r, v);
      respond<S>(p, sum[r], v);
      if (channel + r < end) rows.store(channel + r, v);
    }
  }
}

/// Whether neighbouring rows make vectors of `e` elements.
inline bool rows_are_vectors(const LocalResponseProblem& p, int e) {
  if (p.rows.rank == 0) return false;
  const auto aligned = [&](const detail::RowTensor& tensor, std::int64_t step) {
    bool is = reinterpret_cast<std::uintptr_t>(tensor.data) % 16 == 0 && step % e == 0;
    for (int d = 0; d < p.rows.rank - 1; ++d) is = is && tensor.strides.stride[d] % e == 0;
    return is && tensor.strides.stride[p.rows.rank - 1] == 1;
  };
  return p.rows.extent[p.rows.rank - 1] % e == 0 && aligned(p.x, p.channel_stride_x) &&
         aligned(p.y, p.channel_stride_y);
}

/// Neighbours in a chunk: vectors of 16 bytes, or as many single elements as have registers for their places.
template <class S>
inline constexpr int across_vector = 16 / static_cast<int>(sizeof(S));
template <class S>
inline constexpr int across_singles = across_vector<S> < 4 ? across_vector<S> : 4;

/// Slots of a ring: a window, the rest of a step, and the steps ahead.
inline std::int64_t ring_slots(std::int64_t window, int step) {
  std::int64_t slots = 1;
  while (slots < window - 1 + step * (response_tuning().ahead + 1)) slots *= 2;
  return slots;
}
inline int across_threads(std::int64_t slots, bool vectors) {
  int threads = vectors ? response_tuning().threads : response_tuning().single_threads;
  while (threads > 32 && threads * slots * 16 > response_tuning().ring_bytes) threads /= 2;
  return threads;
}

template <class S, int E, int R, bool Vectors, class T>
void launch_across_of(const LocalResponseProblem& problem, void* stream) {
  AcrossParameters<T> parameters;
  parameters.response = make_response_parameters<T>(problem);
  const int window = parameters.response.before + 1 + parameters.response.behind;
  const std::int64_t slots = ring_slots(window, R);
  const int threads = across_threads(slots, Vectors);
  const std::int64_t per_block = static_cast<std::int64_t>(threads) * E;
  const std::int64_t blocks = (problem.rows.count + per_block - 1) / per_block;
  // Few rows: their channels in segments, each of which reads the ends of its neighbours too.
  const std::int64_t wanted = (response_tuning().enough_threads + blocks * threads - 1) / (blocks * threads);
  const std::int64_t even = (problem.channels + wanted - 1) / wanted;
  const std::int64_t least = 2 * window > 16 ? 2 * window : 16;
  const std::int64_t segment = even < least ? least : even;
  parameters.blocks = detail::Divider(blocks);
  parameters.segment = (segment + R - 1) / R * R;
  parameters.slots = static_cast<int>(slots);
  const std::int64_t segments = (problem.channels + parameters.segment - 1) / parameters.segment;
  launch(row_response_across_kernel<S, E, R, Vectors, T>, blocks * segments, threads, stream, parameters,
         static_cast<int>(slots) * threads * static_cast<int>(sizeof(detail::Pack<S, E>)));
}

template <class S, int R>
void launch_across(const LocalResponseProblem& problem, void* stream) {
  using T = ResponseValue<S>;
  if (rows_are_vectors(problem, across_vector<S>))
    return launch_across_of<S, across_vector<S>, R, true, T>(problem, stream);
  launch_across_of<S, across_singles<S>, R, false, T>(problem, stream);
}

}  // namespace mylos::cuda
