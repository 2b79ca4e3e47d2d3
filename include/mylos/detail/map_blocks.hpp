// mylos::map on the host: blocks of consecutive elements that one loop takes, which compilers vectorise. What does not
// lie consecutively is gathered into the L1 cache first, or scattered from there.
#pragma once

#include <mylos/detail/map_plan.hpp>
#include <mylos/detail/map_values.hpp>

// Elements do not depend on each other, also in place: the compiler cannot know, and its own check fails there.
#if defined(__clang__)
#define MYLOS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define MYLOS_INDEPENDENT _Pragma("GCC ivdep")
#else
#define MYLOS_INDEPENDENT
#endif

namespace mylos::detail {

// Compiled into the library, for the widest vectors that the processor has.
void widen_block(const half* from, float* to, int n);
void widen_block(const bfloat16* from, float* to, int n);
void narrow_block(const float* from, half* to, int n);
void narrow_block(const float* from, bfloat16* to, int n);
/// memcpy past the caches, where the processor has stores for that.
void copy_streaming(void* to, const void* from, std::int64_t bytes);

/// A place in the box, and its offset in one tensor.
struct MapCursor {
  std::int64_t coordinate[max_rank];
  std::int64_t offset = 0;

  MapCursor(const MapPlan& plan, int tensor, std::int64_t index) {
    for (int d = plan.rank - 1; d >= 0; --d) {
      coordinate[d] = index % plan.extent[d];
      index /= plan.extent[d];
      offset += coordinate[d] * plan.stride[tensor][d];
    }
  }
  /// Elements from here to the end of the row.
  std::int64_t left(const MapPlan& plan) const {
    return plan.rank == 0 ? 1 : plan.extent[plan.rank - 1] - coordinate[plan.rank - 1];
  }
  /// To the start of the next row.
  void next_row(const MapPlan& plan, int tensor) {
    const std::int64_t* stride = plan.stride[tensor];
    int d = plan.rank - 1;
    offset -= coordinate[d] * stride[d];
    coordinate[d] = 0;
    while (--d >= 0) {
      offset += stride[d];
      if (++coordinate[d] < plan.extent[d]) return;
      offset -= plan.extent[d] * stride[d];
      coordinate[d] = 0;
    }
  }
};

/// Calls visit(first, n, offset) for each part of `count` elements from the cursor on that lies in one row.
template <class Visit>
void for_each_row(const MapPlan& plan, int tensor, MapCursor cursor, int count, const Visit& visit) {
  for (int done = 0;;) {
    const std::int64_t left = cursor.left(plan);
    const int n = left < count - done ? static_cast<int>(left) : count - done;
    visit(done, n, cursor.offset);
    done += n;
    if (done == count) return;
    cursor.next_row(plan, tensor);
  }
}

/// Elements of a block, a power of two: all its tensors fit into half of a 32 KB cache.
constexpr int map_block_elements(std::size_t bytes_per_element) {
  int elements = 1024;
  while (static_cast<std::size_t>(elements) * bytes_per_element > 16384) elements /= 2;
  return elements;
}

#if defined(__clang__)
// A functor that does not vectorise is no mistake.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

/// The kernel. Returns: the one output is what the functor returns.
template <bool Returns, class F, class Inputs, class Outputs>
struct MapBlocks;
template <bool Returns, class F, class... X, class... Y>
struct MapBlocks<Returns, F, TypeList<X...>, TypeList<Y...>> {
  static constexpr int block_elements = map_block_elements((sizeof(ValueOf<X>) + ... + (sizeof(ValueOf<Y>) + ... + 0)));
  F functor;
  MapPlan plan;

  std::int64_t blocks() const { return (plan.count + block_elements - 1) / block_elements; }

  void operator()(std::int64_t block) const {
    run(block, std::index_sequence_for<X...>(), std::index_sequence_for<Y...>());
  }

 private:
  static constexpr int inputs = sizeof...(X);
  /// Values, or elements, of a block.
  template <class T>
  struct Buffer {
    alignas(64) T value[block_elements];
  };
  using Sources = LeavesOf<const ValueOf<X>*...>;
  using Targets = LeavesOf<ValueOf<Y>*...>;

  template <std::size_t... I, std::size_t... O>
  void run(std::int64_t block, std::index_sequence<I...>, std::index_sequence<O...>) const {
    const std::int64_t begin = block * block_elements;
    const int count = static_cast<int>(plan.count - begin < block_elements ? plan.count - begin : block_elements);
    [[maybe_unused]] LeavesOf<Buffer<ValueOf<X>>...> in;
    LeavesOf<Buffer<ValueOf<Y>>...> out;
    const Sources x{{source<X>(static_cast<int>(I), begin, count, leaf<I>(in).value)}...};
    const Targets y{{target<Y>(inputs + static_cast<int>(O), begin, count, leaf<O>(out).value)}...};
    // A number of elements that is known lets also careful optimisation levels vectorise.
    if (count == block_elements)
      call<I...>(functor, x, y, std::integral_constant<int, block_elements>(), std::index_sequence<O...>());
    else
      call<I...>(functor, x, y, count, std::index_sequence<O...>());
    (finish<Y>(inputs + static_cast<int>(O), begin, count, leaf<O>(out).value, leaf<O>(y)), ...);
  }

  /// By value: a copy of the functor's state that no store can change. Not inlined: Clang would report a loop that does
  /// not vectorise under the name of Kokkos' loop around it.
  template <std::size_t... I, std::size_t... O, class Count>
  __attribute__((noinline)) static void call(const F f, [[maybe_unused]] const Sources x, const Targets y, Count count,
                                             std::index_sequence<O...>) {
    const int n = count;
    MYLOS_INDEPENDENT
    for (int k = 0; k < n; ++k) {
      LeavesOf<ValueOf<Y>...> out{};
      if constexpr (Returns)
        ((leaf<O>(out) = from_result<Y>(f(ValueOf<X>(leaf<I>(x)[k])...))), ...);
      else
        f(ValueOf<X>(leaf<I>(x)[k])..., leaf<O>(out)...);
      ((leaf<O>(y)[k] = leaf<O>(out)), ...);
    }
  }

  /// Where a tensor's elements of a block lie, if they are consecutive.
  template <class S>
  S* direct(int tensor, const MapCursor& cursor, int count) const {
    if (plan.step(tensor) != 1 || cursor.left(plan) < count) return nullptr;
    return static_cast<S*>(plan.data[tensor]) + cursor.offset;
  }

  /// The values of an input: in place where they are stored like that, else in the buffer.
  template <class S>
  const ValueOf<S>* source(int tensor, std::int64_t begin, int count, ValueOf<S>* buffer) const {
    const MapCursor cursor(plan, tensor, begin);
    const S* from = direct<S>(tensor, cursor, count);
    if constexpr (std::is_same_v<S, ValueOf<S>>) {
      if (from != nullptr) return from;
      gather(tensor, cursor, count, buffer);
    } else {
      Buffer<S> stored;
      if (from == nullptr) {
        gather(tensor, cursor, count, stored.value);
        from = stored.value;
      }
      widen_block(from, buffer, count);
    }
    return buffer;
  }

  /// Where the values of an output go: to their place where they are stored like that, else to the buffer.
  template <class S>
  ValueOf<S>* target(int tensor, std::int64_t begin, int count, ValueOf<S>* buffer) const {
    if constexpr (std::is_same_v<S, ValueOf<S>>) {
      S* to = plan.streams[tensor] ? nullptr : direct<S>(tensor, MapCursor(plan, tensor, begin), count);
      if (to != nullptr) return to;
    }
    return buffer;
  }

  template <class S>
  void finish(int tensor, std::int64_t begin, int count, const ValueOf<S>* buffer, const ValueOf<S>* written) const {
    if (written != buffer) return;
    const MapCursor cursor(plan, tensor, begin);
    if constexpr (std::is_same_v<S, ValueOf<S>>) {
      scatter(tensor, cursor, count, buffer);
    } else {
      S* to = plan.streams[tensor] ? nullptr : direct<S>(tensor, cursor, count);
      if (to != nullptr) return narrow_block(buffer, to, count);
      Buffer<S> stored;
      narrow_block(buffer, stored.value, count);
      scatter(tensor, cursor, count, stored.value);
    }
  }

  template <class S>
  void gather(int tensor, const MapCursor& cursor, int count, S* buffer) const {
    const std::int64_t step = plan.step(tensor);
    for_each_row(plan, tensor, cursor, count, [&](int first, int n, std::int64_t offset) {
      const S* from = static_cast<const S*>(plan.data[tensor]) + offset;
      if (step == 1) {
        for (int k = 0; k < n; ++k) buffer[first + k] = from[k];
      } else {
        for (int k = 0; k < n; ++k) buffer[first + k] = from[k * step];
      }
    });
  }

  template <class S>
  void scatter(int tensor, const MapCursor& cursor, int count, const S* buffer) const {
    const std::int64_t step = plan.step(tensor);
    for_each_row(plan, tensor, cursor, count, [&](int first, int n, std::int64_t offset) {
      S* to = static_cast<S*>(plan.data[tensor]) + offset;
      const S* from = buffer + first;
      if (step == 1 && plan.streams[tensor]) {
        copy_streaming(to, from, n * static_cast<std::int64_t>(sizeof(S)));
      } else if (step == 1) {
        for (int k = 0; k < n; ++k) to[k] = from[k];
      } else {
        for (int k = 0; k < n; ++k) to[k * step] = from[k];
      }
    });
  }
};

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace mylos::detail
#undef MYLOS_INDEPENDENT
