// What a warp does with its samples: loads them, takes them through a layer, stores the results; all between in
// registers.
#pragma once

#include <cmath>
#include <type_traits>

#include "cuda/mlp.hpp"
#include "cuda/mlp_layers.cuh"
#include "cuda/primitives/access.cuh"
#include "cuda/tuning.hpp"
#include "mlp/samples.hpp"

namespace mylos::cuda {

/// How a warp's samples move.
///   pairs:   two neighbouring features at once
///   samples: all of a lane's samples at once, which are neighbours
///   single:  element by element
enum class MlpAccess : std::uint8_t { pairs, samples, single };

/// What a faster kernel left to be computed: everything, or a list of warps' samples by number, with the bits of those
/// that count.
struct MlpLeft {
  struct State {
    unsigned all;
    unsigned listed;
    unsigned checked;  // a bit for each layer whose small results count
  };
  State* state;  // null: everything, without looking
  uint2* list;
};

template <class T>
struct MlpTilesParameters {
  detail::MlpSamples samples;
  std::int64_t count;
  const MlpRecord<T>* record;
  const MlpHead* head;           // as mlp_layout_kernel left them
  const unsigned char* weights;  // likewise
  int layers;
  int bytes;      // of shared memory
  bool resident;  // all layers are in shared memory at once
  bool chunked;   // a lane's samples are neighbours
  MlpAccess x;
  MlpAccess y;
  MlpLeft left;                                 // what is to be computed, if not everything
  bool has_last_chain;                          // of mlp_tensor.cuh
  MlpActivation activation[mlp_halves_layers];  // likewise: the layers' chains
};

/// Where a lane's samples are; see MlpWarp.
struct MlpLane {
  std::int64_t first;  // the warp's first sample
  int g;
  int t;
  int slots;
  bool chunked;     // a lane's samples are neighbours
  unsigned wanted;  // a bit for each of the warp's samples: whether its results are

  /// Of a slot, in the warp's samples.
  __device__ __forceinline__ int row(int slot) const { return chunked ? g * slots + slot : g + 8 * slot; }
  __device__ __forceinline__ std::int64_t sample(int slot) const { return first + row(slot); }
  /// Of feature c of two, of 8 features j, in MlpWarp's Values.
  template <class A>
  __device__ __forceinline__ int place(int j, int slot, int c) const {
    return j * 2 * slots + slot / 2 * 4 + A::place(slot % 2, c);
  }
};

// Element by element, out of line and by way of local memory: rare, and the products need the registers.
template <class A, class T>
__device__ __noinline__ void load_mlp_values(const MlpTilesParameters<T>& p, MlpLane lane, int tiles, T* values) {
  for (int j = 0; j < tiles; ++j)  // zeros behind the last feature: products read them
    for (int slot = 0; slot < lane.slots; ++slot)
      for (int c = 0; c < 2; ++c) {
        const int feature = 8 * j + 2 * lane.t + c;
        const std::int64_t sample = lane.sample(slot);
        T one = T(0);
        if (feature < p.samples.in && sample < p.count)
          one = detail::load_element<T>(p.samples.x_dtype, p.samples.x,
                                        p.samples.offset(p.samples.x_stride, sample) + feature * p.samples.x_feature);
        values[lane.place<A>(j, slot, c)] = one;
      }
}
template <class A, class T>
__device__ __noinline__ void store_mlp_values(const MlpTilesParameters<T>& p, MlpLane lane, unsigned bad,
                                              const T* values) {
  for (int j = 0; 8 * j < p.samples.out; ++j)
    for (int slot = 0; slot < lane.slots; ++slot)
      for (int c = 0; c < 2; ++c) {
        const int feature = 8 * j + 2 * lane.t + c;
        const std::int64_t sample = lane.sample(slot);
        if (feature < p.samples.out && sample < p.count && (bad >> slot & 1U) == 0)
          detail::store_element<T>(p.samples.y_dtype, p.samples.y,
                                   p.samples.offset(p.samples.y_stride, sample) + feature * p.samples.y_feature,
                                   values[lane.place<A>(j, slot, c)]);
      }
}

template <class T>
__device__ __noinline__ void run_mlp_sample_again(const MlpTilesParameters<T>& p, std::int64_t sample) {
  detail::run_mlp_sample<max_mlp_width>(p.samples, p.record, p.layers, sample);
}

/// What a warp does. Tiles of 16 samples; a lane (g, t) has rows g and g + 8 of each, slots 2 m and 2 m + 1.
template <class T, int Width, class Arithmetic = MlpArithmetic<T>, int Tiles = mlp_tuning(Width, sizeof(T)).tiles>
struct MlpWarp {
  static constexpr MlpTuning tuning = mlp_tuning(Width, sizeof(T));
  static constexpr int M = Tiles;
  static constexpr int N = Width / 8;
  static constexpr int slots = 2 * M;
  static constexpr int rows = 16 * M;
  static constexpr int unit = N / 4;  // of mlp_feature_tiles
  using A = Arithmetic;
  /// For each 8 features, of each 16 samples: features 2 t and 2 t + 1 (c) of samples g and g + 8 (h) at A::place(h,
  /// c).
  using Values = T[N][M][4];
  static __device__ __forceinline__ constexpr int place(int slot, int c) { return A::place(slot % 2, c); }
  struct alignas(16) Bias {
    T value[4];
  };

  const MlpTilesParameters<T>& p;
  MlpLane lane;

  __device__ __forceinline__ std::int64_t sample(int slot) const { return lane.sample(slot); }

  /// A number that the compiler takes for another one each time: else it keeps every address's share of it in registers
  /// from one round to the next.
  static __device__ __forceinline__ std::int64_t fresh(std::int64_t stride) {
    asm volatile("" : "+l"(stride));
    return stride;
  }

  /// To local memory and back, in the same order: in another one the compiler would move registers for it everywhere.
  static __device__ __forceinline__ void spill(const Values& v, T* to) {
#pragma unroll
    for (int i = 0; i < N * 4 * M; ++i) to[i] = v[i / (4 * M)][i / 4 % M][i % 4];
  }
  static __device__ __forceinline__ void fill(Values& v, const T* from) {
#pragma unroll
    for (int i = 0; i < N * 4 * M; ++i) v[i / (4 * M)][i / 4 % M][i % 4] = from[i];
  }

  /// Of samples that all exist.
  __device__ __forceinline__ void load_pairs(Values& v) const {
    const std::int64_t stride = fresh(p.samples.x_stride.stride[0]);
    const T* x[slots];
#pragma unroll
    for (int slot = 0; slot < slots; ++slot)
      x[slot] = static_cast<const T*>(p.samples.x) + sample(slot) * stride + 2 * lane.t;
#pragma unroll
    for (int j = 0; j < N; ++j) {
      detail::Pack<T, 2> two[slots] = {};
      if (8 * j < p.samples.in) {
        const bool is = 8 * j + 2 * lane.t < p.samples.in;
#pragma unroll
        for (int slot = 0; slot < slots; ++slot)
          if (is) two[slot] = StreamingAccess::load(reinterpret_cast<const detail::Pack<T, 2>*>(x[slot] + 8 * j));
      }
#pragma unroll
      for (int slot = 0; slot < slots; ++slot)
#pragma unroll
        for (int c = 0; c < 2; ++c) v[j][slot / 2][place(slot, c)] = two[slot].value[c];
    }
  }

  __device__ __forceinline__ void load_samples(Values& v) const {
    constexpr int piece = detail::piece_of<T, slots>;
    const std::int64_t step = fresh(p.samples.x_feature);
    const T* x = static_cast<const T*>(p.samples.x) + lane.first + lane.g * slots + 2 * lane.t * step;
#pragma unroll
    for (int j = 0; j < N; ++j, x += 6 * step)
#pragma unroll
      for (int c = 0; c < 2; ++c, x += step) {
        T some[slots] = {};
        if (8 * j + 2 * lane.t + c < p.samples.in) {
#pragma unroll
          for (int i = 0; i < slots / piece; ++i)
            detail::unpack(StreamingAccess::load(reinterpret_cast<const detail::Pack<T, piece>*>(x) + i),
                           some + i * piece);
        }
#pragma unroll
        for (int slot = 0; slot < slots; ++slot) v[j][slot / 2][place(slot, c)] = some[slot];
      }
  }

  __device__ __forceinline__ void load(Values& v) const {
    const bool whole = lane.first + rows <= p.count;
    if (p.x == MlpAccess::pairs && whole)
      load_pairs(v);
    else if (p.x == MlpAccess::samples && whole)
      load_samples(v);
    else
      load_by_element(v);
  }
  __device__ __forceinline__ void load_by_element(Values& v) const {
    T values[N * 4 * M];
    load_mlp_values<A>(p, lane, N, values);
    fill(v, values);
  }

  /// sum = v * weights + bias for so many times 8 inputs and outputs, a lane's features 2 t + c of samples h at 2 h +
  /// c.
  template <int Inputs, int Outputs>
  __device__ __forceinline__ void sums(const unsigned char* memory, const Values& v, T (&sum)[Outputs][M][4]) const {
    const auto* const weights = reinterpret_cast<const typename A::Weights*>(memory) + number();
    const auto* const bias = reinterpret_cast<const Bias*>(memory + Inputs * Outputs * 512) + lane.t;
#pragma unroll
    for (int j = 0; j < Inputs; ++j) {
      typename A::Values values[M];
#pragma unroll
      for (int m = 0; m < M; ++m) values[m].take(v[j][m]);
      // A few products that do not wait for each other, before those that wait for them.
      constexpr int group = Outputs < 4 ? Outputs : 4;
#pragma unroll
      for (int first = 0; first < Outputs; first += group) {
        typename A::Weights w[group];
#pragma unroll
        for (int n = 0; n < group; ++n) w[n] = weights[(j * Outputs + first + n) * 32];
#pragma unroll
        for (int n = 0; n < group; ++n) {
          if (j == 0) {
            const Bias b = bias[4 * (first + n)];
#pragma unroll
            for (int m = 0; m < M; ++m) A::template add<0>(sum[first + n][m], values[m], w[n], b.value);
          } else {
#pragma unroll
            for (int m = 0; m < M; ++m) A::template add<0>(sum[first + n][m], values[m], w[n], sum[first + n][m]);
          }
        }
        if constexpr (A::parts == 3) {
#pragma unroll
          for (int i = 0; i < group * M; ++i)
            A::template add<1>(sum[first + i / M][i % M], values[i % M], w[i / M], sum[first + i / M][i % M]);
#pragma unroll
          for (int i = 0; i < group * M; ++i)
            A::template add<2>(sum[first + i / M][i % M], values[i % M], w[i / M], sum[first + i / M][i % M]);
        }
      }
    }
  }
  /// v = max(v * weights + bias, floor); NaN stays.
  template <int Inputs, int Outputs>
  __device__ __forceinline__ void products(const unsigned char* memory, T floor, Values& v) const {
    T sum[Outputs][M][4];
    sums<Inputs, Outputs>(memory, v, sum);
#pragma unroll
    for (int n = 0; n < Outputs; ++n)
#pragma unroll
      for (int i = 0; i < 4 * M; ++i) v[n][i / 4][place(i % 4 / 2, i % 2)] = A::at_least(sum[n][i / 4][i % 4], floor);
  }

  /// visit(Inputs, Outputs) with a layer's numbers of eights.
  template <class Visit>
  static __device__ __forceinline__ void with_tiles(const MlpHead& head, const Visit& visit) {
    const int inputs = head.in_tiles == unit ? 0 : (head.in_tiles == 2 * unit ? 3 : 6);
    switch (inputs + (head.out_tiles == unit ? 0 : (head.out_tiles == 2 * unit ? 1 : 2))) {
#define MYLOS_CASE(number, inputs, outputs)                                                             \
  case number:                                                                                          \
    visit(std::integral_constant<int, (inputs)*unit>(), std::integral_constant<int, (outputs)*unit>()); \
    break;
      MYLOS_CASE(0, 1, 1)
      MYLOS_CASE(1, 1, 2)
      MYLOS_CASE(2, 1, 4)
      MYLOS_CASE(3, 2, 1)
      MYLOS_CASE(4, 2, 2)
      MYLOS_CASE(5, 2, 4)
      MYLOS_CASE(6, 4, 1)
      MYLOS_CASE(7, 4, 2)
      MYLOS_CASE(8, 4, 4)
#undef MYLOS_CASE
    }
  }
  static __device__ __forceinline__ T floor_of(const MlpHead& head) {
    return head.chain == MlpChainKind::relu ? T(0) : static_cast<T>(-INFINITY);
  }
  __device__ __forceinline__ void apply_chain(const MlpRecord<T>* record, Values& v) const {
#pragma unroll
    for (int n = 0; n < N; ++n) {
      if (8 * n >= record->layer.out) break;
      detail::RegisterTile<T, 4 * M> tile;
#pragma unroll
      for (int i = 0; i < 4 * M; ++i) tile[i] = v[n][i / 4][i % 4];
      tile = chain_mlp_tile<A>(record, 8 * n + 2 * lane.t, tile);
#pragma unroll
      for (int i = 0; i < 4 * M; ++i) v[n][i / 4][i % 4] = tile[i];
    }
  }

  /// v = layer(v), where `memory` holds the layer.
  __device__ __forceinline__ void layer(const MlpHead& head, const MlpRecord<T>* record, const unsigned char* memory,
                                        Values& v) const {
    with_tiles(head, [&](auto inputs, auto outputs) {
      products<decltype(inputs)::value, decltype(outputs)::value>(memory, floor_of(head), v);
    });
    if (head.chain == MlpChainKind::any) apply_chain(record, v);
  }

  /// Whether a result of this lane may be NaN.
  template <int Count = N>
  __device__ __forceinline__ bool has_nan(const Values& v) const {
    T sum = v[0][0][0];
#pragma unroll
    for (int n = 0; n < Count; ++n) {
      if (n > 0 && 8 * n >= p.samples.out) break;
#pragma unroll
      for (int i = n == 0 ? 1 : 0; i < 4 * M; ++i) sum += v[n][i / 4][i % 4];
    }
    return sum != sum;
  }
  /// Bit of each slot whose sample is NaN somewhere, or marked in some lane, and must be computed again, or is not
  /// wanted; the same for a row's four lanes. Of the lane: whether the sample of its own number is to be computed
  /// again.
  template <int Count = N>
  __device__ __forceinline__ unsigned bad_slots(const Values& v, unsigned marked, unsigned& of_lane) const {
    unsigned bad = 0;
    of_lane = 0;
    const int own = number();
#pragma unroll
    for (int slot = 0; slot < slots; ++slot) {
      bool is_bad = (marked >> slot & 1U) != 0;
#pragma unroll
      for (int n = 0; n < Count; ++n) {
        if (8 * n >= p.samples.out) break;
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          const T one = v[n][slot / 2][place(slot, c)];
          is_bad = is_bad || one != one;
        }
      }
      const bool is_wanted = (lane.wanted >> lane.row(slot) & 1U) != 0;
      const unsigned all = __ballot_sync(0xffffffffU, is_bad && is_wanted && sample(slot) < p.count);
      bad |= (all >> (4 * lane.g) & 15U) != 0 || !is_wanted ? 1U << slot : 0;
      // The lane takes the sample of its own number.
      const int own_slot = p.chunked ? own % slots : own / 8;
      const int own_g = p.chunked ? own / slots : own % 8;
      if (own_slot == slot && own < rows && (all >> (4 * own_g) & 15U) != 0) of_lane = 1;
    }
    return bad;
  }

  __device__ __forceinline__ void store_pairs(const Values& v) const {
    const std::int64_t stride = fresh(p.samples.y_stride.stride[0]);
    T* y[slots];
#pragma unroll
    for (int slot = 0; slot < slots; ++slot)
      y[slot] = static_cast<T*>(p.samples.y) + sample(slot) * stride + 2 * lane.t;
#pragma unroll
    for (int n = 0; n < N; ++n) {
      if (8 * n >= p.samples.out) break;
      if (8 * n + 2 * lane.t < p.samples.out) {
#pragma unroll
        for (int slot = 0; slot < slots; ++slot)
          StreamingAccess::store(reinterpret_cast<detail::Pack<T, 2>*>(y[slot] + 8 * n),
                                 detail::Pack<T, 2>{{v[n][slot / 2][place(slot, 0)], v[n][slot / 2][place(slot, 1)]}});
      }
    }
  }

  __device__ __forceinline__ void store_samples(const Values& v) const {
    constexpr int piece = detail::piece_of<T, slots>;
    const std::int64_t step = fresh(p.samples.y_feature);
    T* y = static_cast<T*>(p.samples.y) + lane.first + lane.g * slots + 2 * lane.t * step;
#pragma unroll
    for (int n = 0; n < N; ++n, y += 6 * step) {
      if (8 * n >= p.samples.out) break;
#pragma unroll
      for (int c = 0; c < 2; ++c, y += step) {
        if (8 * n + 2 * lane.t + c >= p.samples.out) continue;
        T some[slots];
#pragma unroll
        for (int slot = 0; slot < slots; ++slot) some[slot] = v[n][slot / 2][place(slot, c)];
#pragma unroll
        for (int i = 0; i < slots / piece; ++i)
          StreamingAccess::store(reinterpret_cast<detail::Pack<T, piece>*>(y) + i,
                                 detail::pack_up<T, piece>(some + i * piece));
      }
    }
  }

  static constexpr unsigned all_wanted = 0xffffffffU >> (32 - rows);
  /// Stores all but bad samples. Whether the sample of the lane's own number is to be computed again.
  __device__ __forceinline__ bool store(const Values& v, unsigned marked) const {
    bool plain = lane.first + rows <= p.count && lane.wanted == all_wanted;
    plain = !__any_sync(0xffffffffU, has_nan(v) || marked != 0) && plain;
    if (plain && p.y != MlpAccess::single) {
      p.y == MlpAccess::pairs ? store_pairs(v) : store_samples(v);
      return false;
    }
    unsigned again = 0;
    const unsigned bad = bad_slots(v, marked, again);
    if (__any_sync(0xffffffffU, bad != (1U << slots) - 1)) store_by_element(v, bad);
    return again != 0;
  }
  __device__ __forceinline__ void store(const Values& v) const {
    if (store(v, 0)) run_mlp_sample_again(p, lane.first + number());
  }
  __device__ __forceinline__ void store_by_element(const Values& v, unsigned bad) const {
    T values[N * 4 * M];
    spill(v, values);
    store_mlp_values<A>(p, lane, bad, values);
  }
  __device__ __forceinline__ int number() const { return lane.g * 4 + lane.t; }
};

}  // namespace mylos::cuda
