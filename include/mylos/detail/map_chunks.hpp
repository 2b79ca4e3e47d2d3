// mylos::map on a device: chunks of consecutive elements in registers, several per index, all loads first.
#pragma once

#include <Kokkos_Core.hpp>

#include <mylos/detail/divider.hpp>
#include <mylos/detail/map_plan.hpp>
#include <mylos/detail/map_values.hpp>

namespace mylos::detail {

/// A MapPlan for N tensors, ready for division.
template <int N>
struct MapLayout {
  void* data[N];
  MapAccess access[N];
  int rank;
  std::int64_t count;
  std::int64_t lead;
  std::int64_t chunks;
  std::int64_t distance;  // between the chunks of one index; also the number of indices
  std::int64_t step[N];
  Divider chunks_per_row;
  Divider extent[max_rank];
  std::int64_t stride[N][max_rank];

  MapLayout(const MapPlan& plan, int per_index) : rank(plan.rank), count(plan.count), lead(plan.lead) {
    // Below this, one chunk each already leaves part of a GPU idle, and is done sooner.
    constexpr std::int64_t few = 65536;
    chunks = (lead + count + plan.chunk - 1) / plan.chunk;
    distance = chunks <= few ? chunks : (chunks + per_index - 1) / per_index;
    chunks_per_row = Divider(rank == 0 ? 1 : plan.extent[rank - 1] / plan.chunk);
    for (int d = 0; d < rank; ++d) extent[d] = Divider(plan.extent[d]);
    for (int t = 0; t < N; ++t) {
      data[t] = plan.data[t];
      access[t] = plan.access[t];
      step[t] = plan.step(t);
      for (int d = 0; d < rank; ++d) stride[t][d] = plan.stride[t][d];
    }
  }
};

/// E elements of type S, and as words that a GPU moves at once.
template <class S, int E>
struct MapVector {
  static constexpr int bytes = sizeof(S) * E;
  static constexpr int word_bytes = bytes < 4 ? bytes : 4;
  using Word = std::conditional_t<word_bytes == 4, std::uint32_t,
                                  std::conditional_t<word_bytes == 2, std::uint16_t, std::uint8_t>>;
#if defined(__clang__)
  using Words = Word __attribute__((vector_size(bytes)));
#else
  struct alignas(bytes) Words {
    Word word[bytes / word_bytes];
    MYLOS_FUNCTION Word& operator[](int w) { return word[w]; }
  };
#endif
  S value[E];

  MYLOS_FUNCTION void load(const S* from) {
    const Words words = *reinterpret_cast<const Words*>(from);
    __builtin_memcpy(value, &words, bytes);
  }
  MYLOS_FUNCTION void store(S* to) const {
    Words words;
    // Word by word: as one copy it would be taken apart into elements again.
    MYLOS_UNROLL
    for (int w = 0; w < bytes / word_bytes; ++w) {
      Word word;
      __builtin_memcpy(&word, reinterpret_cast<const char*>(value) + w * word_bytes, word_bytes);
      words[w] = word;
    }
    *reinterpret_cast<Words*>(to) = words;
  }
};

/// Where N chunks lie in each of T tensors; Flat: all tensors are one row, and a chunk lies equally in all.
template <int N, int T, bool Flat>
struct MapPlaces {
  std::int64_t offset[N][Flat ? 1 : T];
  MYLOS_FUNCTION std::int64_t at(int n, int t) const { return offset[n][Flat ? 0 : t]; }
};

/// The kernel: E elements to a chunk. Returns: the one output is what the functor returns. Flat: rank 1, E > 1.
template <int E, bool Flat, bool Returns, class F, class Inputs, class Outputs>
struct MapChunks;
template <int E, bool Flat, bool Returns, class F, class... X, class... Y>
struct MapChunks<E, Flat, Returns, F, TypeList<X...>, TypeList<Y...>> {
  static constexpr int inputs = sizeof...(X);
  static constexpr int tensors = inputs + static_cast<int>(sizeof...(Y));
  static constexpr int per_index = tensors <= 3 ? 4 : 2;
  F functor;
  MapLayout<tensors> p;

  MapChunks(const F& f, const MapPlan& plan) : functor(f), p(plan, per_index) {}

  MYLOS_DEVICE void operator()(std::int64_t index) const {
    const std::int64_t last = index + (per_index - 1) * p.distance;
    if (index * E >= p.lead && (last + 1) * E - p.lead <= p.count) return run<per_index>(index, 0, E);
#if MYLOS_DEVICE_CODE
#pragma unroll 1
#endif
    for (int n = 0; n < per_index; ++n) {
      const std::int64_t chunk = index + n * p.distance;
      if (chunk >= p.chunks) return;
      const std::int64_t before = p.lead - chunk * E;
      const std::int64_t room = p.count + before;
      run<1>(chunk, before > 0 ? static_cast<int>(before) : 0, room < E ? static_cast<int>(room) : E);
    }
  }

 private:
  template <class S>
  using Vector = MapVector<S, E>;
  template <int N, class S>
  struct Vectors {
    Vector<S> chunk[N];
  };
  using AllInputs = std::index_sequence_for<X...>;
  using AllOutputs = std::index_sequence_for<Y...>;

  template <int N>
  MYLOS_DEVICE void locate(std::int64_t first, MapPlaces<N, tensors, Flat>& places) const {
    MYLOS_UNROLL
    for (int n = 0; n < N; ++n) {
      const std::int64_t chunk = first + n * p.distance;
      if constexpr (Flat) {
        places.offset[n][0] = chunk * E - p.lead;
      } else {
        std::uint64_t row = p.chunks_per_row.divide(static_cast<std::uint64_t>(chunk));
        const std::int64_t position = (chunk - static_cast<std::int64_t>(row * p.chunks_per_row.divisor)) * E;
        MYLOS_UNROLL
        for (int t = 0; t < tensors; ++t) places.offset[n][t] = position * p.step[t];
        for (int d = p.rank - 2; d >= 0; --d) {
          const std::uint64_t quotient = d == 0 ? 0 : p.extent[d].divide(row);
          const auto coordinate = static_cast<std::int64_t>(row - quotient * p.extent[d].divisor);
          MYLOS_UNROLL
          for (int t = 0; t < tensors; ++t) places.offset[n][t] += coordinate * p.stride[t][d];
          row = quotient;
        }
      }
    }
  }

  /// N chunks, of which the elements [begin, end) are there; all, where N is not 1.
  template <int N>
  MYLOS_DEVICE void run(std::int64_t first, int begin, int end) const {
    MapPlaces<N, tensors, Flat> places;
    locate<N>(first, places);
    run<N>(places, begin, end, AllInputs(), AllOutputs());
  }
  template <int N, std::size_t... I, std::size_t... O>
  MYLOS_DEVICE void run(const MapPlaces<N, tensors, Flat>& places, int begin, int end, std::index_sequence<I...>,
                        std::index_sequence<O...>) const {
    [[maybe_unused]] LeavesOf<Vectors<N, X>...> x;
    (load<static_cast<int>(I), N, X>(places, begin, end, leaf<I>(x).chunk), ...);
    MYLOS_UNROLL
    for (int n = 0; n < N; ++n) {
      LeavesOf<Vector<Y>...> y;
      MYLOS_UNROLL
      for (int k = 0; k < E; ++k) {
        if (N == 1 && (k < begin || k >= end)) continue;  // nothing was loaded
        LeavesOf<ValueOf<Y>...> out{};
        if constexpr (Returns)
          ((leaf<O>(out) = from_result<Y>(functor(to_value(leaf<I>(x).chunk[n].value[k])...))), ...);
        else
          functor(to_value(leaf<I>(x).chunk[n].value[k])..., leaf<O>(out)...);
        ((leaf<O>(y).value[k] = to_stored<Y>(leaf<O>(out))), ...);
      }
      (store<inputs + static_cast<int>(O), N, Y>(places, n, begin, end, leaf<O>(y)), ...);
    }
  }

  template <int T, int N, class S>
  MYLOS_DEVICE void load(const MapPlaces<N, tensors, Flat>& places, int begin, int end, Vector<S>* x) const {
    const S* data = static_cast<const S*>(p.data[T]);
    const bool whole = N > 1 || (begin == 0 && end == E);
    if constexpr (E > 1) {
      if (p.access[T] == MapAccess::repeated) {
        S value[N];
        MYLOS_UNROLL
        for (int n = 0; n < N; ++n) value[n] = data[Flat ? 0 : places.at(n, T)];
        MYLOS_UNROLL
        for (int i = 0; i < N * E; ++i) x[i / E].value[i % E] = value[i / E];
        return;
      }
      if (!whole || p.access[T] == MapAccess::elements) {
        MYLOS_UNROLL
        for (int i = 0; i < N * E; ++i)
          if (whole || (i >= begin && i < end)) x[i / E].value[i % E] = data[places.at(i / E, T) + i % E];
        return;
      }
    }
    MYLOS_UNROLL
    for (int n = 0; n < N; ++n) x[n].load(data + places.at(n, T));
  }

  template <int T, int N, class S>
  MYLOS_DEVICE void store(const MapPlaces<N, tensors, Flat>& places, int n, int begin, int end,
                          const Vector<S>& y) const {
    S* to = static_cast<S*>(p.data[T]) + places.at(n, T);
    const bool whole = N > 1 || (begin == 0 && end == E);
    if constexpr (E > 1) {
      if (!whole || p.access[T] == MapAccess::elements) {
        MYLOS_UNROLL
        for (int k = 0; k < E; ++k)
          if (whole || (k >= begin && k < end)) to[k] = y.value[k];
        return;
      }
    }
    y.store(to);
  }
};

}  // namespace mylos::detail
