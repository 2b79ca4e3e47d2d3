// The inner loops of block.hpp: loads, chains and stores of up to 1024 consecutive values of a row, and
// policy_loops.hpp, as functions that a backend compiles for an instruction set of its choice.
#pragma once

#include "core/apply.hpp"
#include "row/policy_loops.hpp"

namespace mylos::detail {

/// Positions of rows side by side that change places at once.
inline constexpr int across_block = 16;

/// Fetches a chain's tensor operand beside a block.
template <class T>
struct OperandLoader {
  const void* context;
  void (*load)(const void* context, int operand, T* to);
};

/// Strides are in elements of what they belong to; `n` values, arrays of T padded.
template <class T>
struct RowKernels {
  void (*load)(DType dtype, const void* from, std::int64_t from_step, T* to, std::int64_t to_step, int n);
  void (*store)(DType dtype, void* to, std::int64_t to_step, const T* from, std::int64_t from_step, int n,
                bool streaming);
  /// values: the first of three blocks of row_block.
  void (*apply)(const LoweredChain<T>& chain, T* values, int n, const OperandLoader<T>& loader);
  /// load() and store() of `rows` neighbouring rows, `row_step` apart, `pitch` in the buffer.
  void (*load_across)(DType dtype, const void* from, std::int64_t from_step, std::int64_t row_step, T* to,
                      std::int64_t pitch, int rows, int n);
  void (*store_across)(DType dtype, void* to, std::int64_t to_step, std::int64_t row_step, const T* from,
                       std::int64_t pitch, int rows, int n, bool streaming);
  /// values * factors + terms, either of them null.
  void (*affine)(T* values, const T* factors, const T* terms, int n);
  void (*scale)(T* values, T factor, T term, int n);
  PolicyKernels<T> (*policy)(RowOperator op);
};

// ---- the loops; always inlined into functions that carry a target attribute

template <class T>
struct RowLoops {
  template <class S>
  MYLOS_FUNCTION static void load_as(const S* from, std::int64_t from_step, T* __restrict__ to, std::int64_t to_step,
                                     int n) {
    if (from_step == 1 && to_step == 1) {
      for (int k = 0; k < n; ++k) to[k] = widen<T>(from[k]);
    } else if (from_step == 0 && to_step == 1) {
      const T value = widen<T>(from[0]);
      for (int k = 0; k < n; ++k) to[k] = value;
    } else if (from_step == 1) {
      for (int k = 0; k < n; ++k) to[k * to_step] = widen<T>(from[k]);
    } else {
      for (int k = 0; k < n; ++k) to[k * to_step] = widen<T>(from[k * from_step]);
    }
  }
  MYLOS_FUNCTION static void load(DType dtype, const void* from, std::int64_t from_step, T* to, std::int64_t to_step,
                                  int n) {
    switch (dtype) {
#define MYLOS_CASE(D, S) \
  case DType::D:         \
    return load_as(static_cast<const S*>(from), from_step, to, to_step, n);
      MYLOS_CASE(f64, double)
      MYLOS_CASE(f32, float)
      MYLOS_CASE(f16, half)
      MYLOS_CASE(bf16, bfloat16)
      MYLOS_CASE(u8, std::uint8_t)
      MYLOS_CASE(i32, std::int32_t)
      MYLOS_CASE(i64, std::int64_t)
#undef MYLOS_CASE
    }
  }

  /// Through `Memory::copy(S* to, const S* from, int n, bool streaming)` where elements are consecutive; n <= row_block
  /// then.
  template <class Memory, class S>
  MYLOS_FUNCTION static void store_as(S* to, std::int64_t to_step, const T* __restrict__ from, std::int64_t from_step,
                                      int n, bool streaming) {
    if (to_step != 1 || from_step != 1) {
      for (int k = 0; k < n; ++k) to[k * to_step] = narrow<S>(from[k * from_step]);
    } else if constexpr (std::is_same_v<S, T>) {
      Memory::copy(to, from, n, streaming);
    } else {
      alignas(64) S stored[row_block];
      for (int k = 0; k < n; ++k) stored[k] = narrow<S>(from[k]);
      Memory::copy(to, stored, n, streaming);
    }
  }
  template <class Memory>
  MYLOS_FUNCTION static void store(DType dtype, void* to, std::int64_t to_step, const T* from, std::int64_t from_step,
                                   int n, bool streaming) {
    switch (dtype) {
      case DType::f64:
        return store_as<Memory>(static_cast<double*>(to), to_step, from, from_step, n, streaming);
      case DType::f32:
        return store_as<Memory>(static_cast<float*>(to), to_step, from, from_step, n, streaming);
      case DType::f16:
        return store_as<Memory>(static_cast<half*>(to), to_step, from, from_step, n, streaming);
      case DType::bf16:
        return store_as<Memory>(static_cast<bfloat16*>(to), to_step, from, from_step, n, streaming);
      default:
        return;
    }
  }

  /// Asks for what follows the block of positions from k on: the next block, at last that of the rows behind these.
  /// Each position may be a page of its own, which a processor does not foresee.
  template <bool Write>
  MYLOS_ROW_HOST static void fetch_across(const char* first, std::int64_t step, int k, std::int64_t bytes, int n) {
    const std::int64_t ahead = k + across_block < n ? (k + across_block) * step : bytes;
    for (int i = 0; i < across_block && i < n; ++i)
      for (std::int64_t line = 0; line < bytes; line += 64)
        __builtin_prefetch(first + ahead + i * step + line, Write ? 1 : 0);
  }
  /// Of neighbouring rows, some positions at a time: as they lie in memory, and by square tiles.
  template <class Memory>
  MYLOS_ROW_HOST static void load_across(DType dtype, const void* from, std::int64_t from_step, std::int64_t row_step,
                                         T* to, std::int64_t pitch, int rows, int n) {
    alignas(64) T stage[across_block * max_panel_rows];
    const auto size = static_cast<std::int64_t>(size_of(dtype));
    const auto* const first = static_cast<const char*>(from);
    const bool in_place = dtype == dtype_of<T> && row_step == 1;
    for (int k = 0; k < n; k += across_block) {
      const int count = n - k < across_block ? n - k : across_block;
      if (row_step == 1) fetch_across<false>(first, from_step * size, k, rows * size, n);
      for (int i = 0; i < count && !in_place; ++i)
        load(dtype, first + (k + i) * from_step * size, row_step, stage + i * max_panel_rows, 1, rows);
      transpose<Memory>(in_place ? static_cast<const T*>(from) + k * from_step : stage,
                        in_place ? from_step : max_panel_rows, to + k, pitch, count, rows);
    }
  }
  template <class Memory>
  MYLOS_ROW_HOST static void store_across(DType dtype, void* to, std::int64_t to_step, std::int64_t row_step,
                                          const T* from, std::int64_t pitch, int rows, int n, bool streaming) {
    alignas(64) T stage[across_block * max_panel_rows];
    const auto size = static_cast<std::int64_t>(size_of(dtype));
    auto* const first = static_cast<char*>(to);
    // Past the caches whole lines only.
    streaming = streaming && ((reinterpret_cast<std::intptr_t>(to) | to_step * size | rows * size) & 63) == 0;
    for (int k = 0; k < n; k += across_block) {
      const int count = n - k < across_block ? n - k : across_block;
      if (row_step == 1 && !streaming) fetch_across<true>(first, to_step * size, k, rows * size, n);
      transpose<Memory>(from + k, pitch, stage, max_panel_rows, rows, count);
      for (int i = 0; i < count; ++i)
        store<Memory>(dtype, first + (k + i) * to_step * size, row_step, stage + i * max_panel_rows, 1, rows,
                      streaming);
    }
  }

  MYLOS_FUNCTION static void apply(const LoweredChain<T>& chain, T* values, int n, const OperandLoader<T>& loader) {
    WorkBlock<T, row_block> v{values, padded(n)};
    // The padding takes part, as ones: a loop's remainder would take the scalar forms of the elementary functions.
    for (int k = n; k < v.n; ++k) v[k] = T(1);
    detail::apply<math::Precise>(chain, v, [&](int o, WorkBlock<T, row_block>& block) {
      loader.load(loader.context, o, block.value);
      for (int k = n; k < block.n; ++k) block[k] = T(1);
    });
  }
  MYLOS_FUNCTION static void affine(T* __restrict__ values, const T* __restrict__ factors, const T* __restrict__ terms,
                                    int n) {
    if (terms == nullptr) {
      for (int k = 0; k < n; ++k) values[k] *= factors[k];
    } else if (factors == nullptr) {
      for (int k = 0; k < n; ++k) values[k] += terms[k];
    } else {
      for (int k = 0; k < n; ++k) values[k] = values[k] * factors[k] + terms[k];
    }
  }
  MYLOS_FUNCTION static void scale(T* __restrict__ values, T factor, T term, int n) {
    for (int k = 0, end = padded(n); k < end; ++k) values[k] = values[k] * factor + term;
  }
};

/// Defines `<prefix>_kernels<T>()` from functions with the target attribute `attribute`, with a Memory's copies and
/// tiles.
#define MYLOS_DEFINE_ROW_KERNELS(prefix, attribute, Memory)                                                         \
  template <class P, class T>                                                                                       \
  struct prefix##Policy {                                                                                           \
    using Loops = ::mylos::detail::PolicyLoops<P, T>;                                                               \
    using State = ::mylos::detail::RowState;                                                                        \
    using Numbers = ::mylos::detail::RowNumbers<T>;                                                                 \
    using Constants = ::mylos::detail::RowConstants<T>;                                                             \
    attribute static void add(State* states, bool first, const T* values, std::int64_t pitch, int rows, int n,      \
                              const Numbers& numbers) {                                                             \
      Loops::add(states, first, values, pitch, rows, n, numbers);                                                   \
    }                                                                                                               \
    attribute static void merge(State& state, const State& other) { Loops::merge(state, other); }                   \
    attribute static Constants finish(const State& state, const Numbers& numbers) {                                 \
      return Loops::finish(state, numbers);                                                                         \
    }                                                                                                               \
    attribute static void all(const ::mylos::detail::ShortRows<T>& span, const Numbers& numbers, State* states,     \
                              Constants* constants) {                                                               \
      Loops::template all<Memory>(span, numbers, states, constants);                                                \
    }                                                                                                               \
    attribute static void map(T* values, std::int64_t pitch, int rows, int n, const Constants* constants) {         \
      Loops::map(values, pitch, rows, n, constants);                                                                \
    }                                                                                                               \
    attribute static void map_from(const T* from, std::int64_t from_pitch, T* to, std::int64_t to_pitch, int rows,  \
                                   int n, const Constants* constants) {                                             \
      Loops::map_from(from, from_pitch, to, to_pitch, rows, n, constants);                                          \
    }                                                                                                               \
  };                                                                                                                \
  template <class P, class T>                                                                                       \
  struct prefix##Held {                                                                                             \
    using Loops = ::mylos::detail::HeldLoops<P, T>;                                                                 \
    using State = ::mylos::detail::RowState;                                                                        \
    attribute static void hold(State& state, bool first, const T* values, T* held, int n, State& tile) {            \
      Loops::hold(state, first, values, held, n, tile);                                                             \
    }                                                                                                               \
    attribute static void map_held(T* held, int n, const State& tile,                                               \
                                   const ::mylos::detail::RowConstants<T>& constants) {                             \
      Loops::map_held(held, n, tile, constants);                                                                    \
    }                                                                                                               \
  };                                                                                                                \
  template <class T>                                                                                                \
  struct prefix##Rows {                                                                                             \
    using Loops = ::mylos::detail::RowLoops<T>;                                                                     \
    attribute static void load(::mylos::DType dtype, const void* from, std::int64_t from_step, T* to,               \
                               std::int64_t to_step, int n) {                                                       \
      Loops::load(dtype, from, from_step, to, to_step, n);                                                          \
    }                                                                                                               \
    attribute static void store(::mylos::DType dtype, void* to, std::int64_t to_step, const T* from,                \
                                std::int64_t from_step, int n, bool streaming) {                                    \
      Loops::template store<Memory>(dtype, to, to_step, from, from_step, n, streaming);                             \
    }                                                                                                               \
    attribute static void apply(const ::mylos::detail::LoweredChain<T>& chain, T* values, int n,                    \
                                const ::mylos::detail::OperandLoader<T>& loader) {                                  \
      Loops::apply(chain, values, n, loader);                                                                       \
    }                                                                                                               \
    attribute static void load_across(::mylos::DType dtype, const void* from, std::int64_t from_step,               \
                                      std::int64_t row_step, T* to, std::int64_t pitch, int rows, int n) {          \
      Loops::template load_across<Memory>(dtype, from, from_step, row_step, to, pitch, rows, n);                    \
    }                                                                                                               \
    attribute static void store_across(::mylos::DType dtype, void* to, std::int64_t to_step, std::int64_t row_step, \
                                       const T* from, std::int64_t pitch, int rows, int n, bool streaming) {        \
      Loops::template store_across<Memory>(dtype, to, to_step, row_step, from, pitch, rows, n, streaming);          \
    }                                                                                                               \
    attribute static void affine(T* values, const T* factors, const T* terms, int n) {                              \
      Loops::affine(values, factors, terms, n);                                                                     \
    }                                                                                                               \
    attribute static void scale(T* values, T factor, T term, int n) { Loops::scale(values, factor, term, n); }      \
    static ::mylos::detail::PolicyKernels<T> policy(::mylos::detail::RowOperator op) {                              \
      ::mylos::detail::PolicyKernels<T> kernels{};                                                                  \
      ::mylos::detail::visit_policy<T, double>(op, [&](auto p) {                                                    \
        using Batch = ::mylos::detail::BatchOf<decltype(p), T, Memory>;                                             \
        using P = prefix##Policy<decltype(p), T>;                                                                   \
        kernels = {P::add, P::merge, P::finish, P::all, P::map, P::map_from, nullptr, nullptr, Batch::available};   \
        if constexpr (::mylos::detail::holds_values<decltype(p)>) {                                                 \
          kernels.hold = prefix##Held<decltype(p), T>::hold;                                                        \
          kernels.map_held = prefix##Held<decltype(p), T>::map_held;                                                \
        }                                                                                                           \
      });                                                                                                           \
      return kernels;                                                                                               \
    }                                                                                                               \
    static constexpr ::mylos::detail::RowKernels<T> table{load,         store,  apply, load_across,                 \
                                                          store_across, affine, scale, policy};                     \
  };

}  // namespace mylos::detail
