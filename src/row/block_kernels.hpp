// The inner loops of block.hpp: loads, chains, statistics and maps of up to 1024 consecutive values of a row, as
// functions that a backend compiles for an instruction set of its choice.
#pragma once

#include "core/access.hpp"
#include "core/apply.hpp"
#include "row/policy.hpp"

namespace mylos::detail {

/// MYLOS_FUNCTION without the device: vector types are the host's.
#define MYLOS_ROW_HOST inline __attribute__((always_inline))

/// Values of a row that are worked on at once. Statistics are those of such blocks, merged in order, so this number is
/// part of the result's last bits.
inline constexpr int row_block = 1024;
/// Blocks are padded to a multiple of this, which is also the number of partial sums in a ragged block.
inline constexpr int row_padding = 16;

MYLOS_FUNCTION int padded(int n) { return (n + row_padding - 1) / row_padding * row_padding; }

/// The exponential of policies on the host, for x <= 0 or NaN: no call, so that loops vectorise with every compiler.
/// 1 ulp; below the smallest normal number 0.
struct HostMath : math::Precise {
  using math::Precise::exp;
  MYLOS_FUNCTION static float exp(float x) {
    constexpr float shifter = 12582912.0f;  // 1.5 * 2^23: the sum's last bits are the nearest integer
    const float shifted = x * 1.44269504f + shifter;
    const float n = shifted - shifter;
    // ln 2 in two parts, the first short enough for its product with n to be exact.
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;  // minimax for |r| <= ln(2) / 2 (Cephes, expf)
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const float y = (p * (r * r) + r) + 1.0f;
    const std::uint32_t power = (bits_as<std::uint32_t>(shifted) + 127u) << 23;
    return x < -87.3365448f ? 0.0f : y * bits_as<float>(power);
  }
};

/// A policy's state, whichever it is.
struct RowState {
  alignas(double) unsigned char bytes[3 * sizeof(double)];
};

/// Fetches a chain's tensor operand beside a block.
template <class T>
struct OperandLoader {
  const void* context;
  void (*load)(const void* context, int operand, T* to);
};

/// What depends on the operator, for n <= row_block values of each of some rows, `pitch` apart.
template <class T>
struct PolicyKernels {
  /// The statistic of these values, merged into those before them; `first`: there are none before.
  void (*add)(RowState* states, bool first, const T* values, std::int64_t pitch, int rows, int n,
              const RowNumbers<T>& numbers);
  void (*merge)(RowState& state, const RowState& other);
  RowConstants<T> (*finish)(const RowState& state, const RowNumbers<T>& numbers);
  void (*map)(T* values, std::int64_t pitch, int rows, int n, const RowConstants<T>* constants);
  /// From other memory than `to`, n a multiple of row_padding.
  void (*map_from)(const T* from, std::int64_t from_pitch, T* to, std::int64_t to_pitch, int rows, int n,
                   const RowConstants<T>* constants);
  /// Null where the policy keeps nothing. add() of one row's values, n a multiple of held_lanes, that leaves its part
  /// of the map's work in `held`, and what belongs to them in `tile`; and the rest of the map.
  void (*hold)(RowState& state, bool first, const T* values, T* held, int n, RowState& tile);
  void (*map_held)(T* held, int n, const RowState& tile, const RowConstants<T>& constants);
};
inline constexpr int held_lanes = 4 * row_padding;

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
                       std::int64_t pitch, int rows, int n);
  /// values * factors + terms, either of them null.
  void (*affine)(T* values, const T* factors, const T* terms, int n);
  void (*scale)(T* values, T factor, T term, int n);
  PolicyKernels<T> (*policy)(RowOperator op);
};

// ---- the loops; always inlined into functions that carry a target attribute
// ------------------------------------------

/// Values in the cache as a tile; `Whole`: their number is a multiple of the lanes, and all count.
template <class T, bool Whole>
struct BlockTile {
  const T* __restrict__ value;
  int n;
  MYLOS_FUNCTION int size() const { return Whole ? n : padded(n); }
  MYLOS_FUNCTION T operator[](int k) const { return value[k]; }
  MYLOS_FUNCTION bool valid(int k) const { return Whole || k < n; }
  MYLOS_FUNCTION int count() const { return n; }
  MYLOS_FUNCTION T first() const { return value[0]; }
};

template <class P, class T>
struct PolicyLoops {
  using State = typename P::State;
  static_assert(sizeof(State) <= sizeof(RowState) && std::is_trivially_copyable_v<State>);
  MYLOS_FUNCTION static State read(const RowState& state) {
    State s;
    __builtin_memcpy(&s, state.bytes, sizeof(s));
    return s;
  }
  MYLOS_FUNCTION static void write(RowState& state, const State& s) { __builtin_memcpy(state.bytes, &s, sizeof(s)); }

  MYLOS_FUNCTION static void add(RowState* states, bool first, const T* values, std::int64_t pitch, int rows, int n,
                                 const RowNumbers<T>& numbers) {
    constexpr int lanes = held_lanes;
    const int head = n / lanes * lanes;
    for (int r = 0; r < rows; ++r, values += pitch) {
      State state = first ? P::empty() : read(states[r]);
      if (head > 0) {
        const State part = P::template of<HostMath, lanes>(BlockTile<T, true>{values, head}, numbers);
        state = first ? part : P::template merge<HostMath>(state, part);
      }
      if (head < n) {
        const State part = P::template of<HostMath, row_padding>(BlockTile<T, false>{values + head, n - head}, numbers);
        state = first && head == 0 ? part : P::template merge<HostMath>(state, part);
      }
      write(states[r], state);
    }
  }
  MYLOS_FUNCTION static void merge(RowState& state, const RowState& other) {
    write(state, P::template merge<HostMath>(read(state), read(other)));
  }
  MYLOS_FUNCTION static RowConstants<T> finish(const RowState& state, const RowNumbers<T>& numbers) {
    return P::template finish<HostMath>(read(state), numbers);
  }
  MYLOS_FUNCTION static void map(T* values, std::int64_t pitch, int rows, int n, const RowConstants<T>* constants) {
    for (int r = 0; r < rows; ++r) {
      const RowConstants<T> c = constants[r];
      T* __restrict__ v = values + r * pitch;
      for (int k = 0, end = padded(n); k < end; ++k) v[k] = P::template map<HostMath>(v[k], c);
    }
  }
  MYLOS_FUNCTION static void map_from(const T* from, std::int64_t from_pitch, T* to, std::int64_t to_pitch, int rows,
                                      int n, const RowConstants<T>* constants) {
    for (int r = 0; r < rows; ++r) {
      const RowConstants<T> c = constants[r];
      const T* __restrict__ v = from + r * from_pitch;
      T* __restrict__ w = to + r * to_pitch;
      for (int k = 0; k < n; ++k) w[k] = P::template map<HostMath>(v[k], c);
    }
  }
};

template <class P, class T>
struct HeldLoops {
  using Loops = PolicyLoops<P, T>;
  MYLOS_FUNCTION static void hold(RowState& state, bool first, const T* values, T* held, int n, RowState& tile) {
    const auto part = P::template hold<HostMath, held_lanes>(BlockTile<T, true>{values, n}, held);
    Loops::write(tile, part);
    Loops::write(state, first ? part : P::template merge<HostMath>(Loops::read(state), part));
  }
  MYLOS_FUNCTION static void map_held(T* held, int n, const RowState& tile, const RowConstants<T>& constants) {
    const T factor = P::template held_factor<HostMath>(Loops::read(tile), constants);
    T* __restrict__ v = held;
    for (int k = 0; k < n; ++k) v[k] *= factor;
  }
};

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

  /// Through `Write::copy(S* to, const S* from, int n, bool streaming)` where elements are consecutive; n <= row_block
  /// then.
  template <class Write, class S>
  MYLOS_FUNCTION static void store_as(S* to, std::int64_t to_step, const T* __restrict__ from, std::int64_t from_step,
                                      int n, bool streaming) {
    if (to_step != 1 || from_step != 1) {
      for (int k = 0; k < n; ++k) to[k * to_step] = narrow<S>(from[k * from_step]);
    } else if constexpr (std::is_same_v<S, T>) {
      Write::copy(to, from, n, streaming);
    } else {
      alignas(64) S stored[row_block];
      for (int k = 0; k < n; ++k) stored[k] = narrow<S>(from[k]);
      Write::copy(to, stored, n, streaming);
    }
  }
  template <class Write>
  MYLOS_FUNCTION static void store(DType dtype, void* to, std::int64_t to_step, const T* from, std::int64_t from_step,
                                   int n, bool streaming) {
    switch (dtype) {
      case DType::f64:
        return store_as<Write>(static_cast<double*>(to), to_step, from, from_step, n, streaming);
      case DType::f32:
        return store_as<Write>(static_cast<float*>(to), to_step, from, from_step, n, streaming);
      case DType::f16:
        return store_as<Write>(static_cast<half*>(to), to_step, from, from_step, n, streaming);
      case DType::bf16:
        return store_as<Write>(static_cast<bfloat16*>(to), to_step, from, from_step, n, streaming);
      default:
        return;
    }
  }

  /// panel[r * pitch + k] = memory[k * step + r] for 0 <= r < rows, 0 <= k < n, or the other way round: in 4 x 4 tiles
  /// in registers, so that neither side moves by single elements, line by line of the memory, whose lines lie far
  /// apart.
  template <bool Load, class Panel, class Memory>
  MYLOS_ROW_HOST static void transpose(Panel* __restrict__ panel, std::int64_t pitch, Memory* __restrict__ memory,
                                       std::int64_t step, int rows, int n) {
    const int whole_rows = rows / 4 * 4;
    const int whole_n = n / 4 * 4;
    for (int k = 0; k < whole_n; k += 4) {
      // Each step may be a page of its own, which a processor does not foresee.
      for (int i = k + 32; i < k + 36 && i < n; ++i)
        for (int r = 0; r < rows; r += 16) __builtin_prefetch(memory + i * step + r, Load ? 0 : 1);
      for (int r = 0; r < whole_rows; r += 4) {
        if constexpr (Load)
          transpose_tile(memory + k * step + r, step, panel + r * pitch + k, pitch);
        else
          transpose_tile(panel + r * pitch + k, pitch, memory + k * step + r, step);
      }
    }
    for (int k = 0; k < n; ++k)
      for (int r = k < whole_n ? whole_rows : 0; r < rows; ++r) {
        if constexpr (Load)
          panel[r * pitch + k] = memory[k * step + r];
        else
          memory[k * step + r] = panel[r * pitch + k];
      }
  }
  MYLOS_ROW_HOST static void transpose_tile(const float* from, std::int64_t from_step, float* to,
                                            std::int64_t to_step) {
    using Four = float __attribute__((vector_size(16)));
    Four v[4];
    for (int i = 0; i < 4; ++i) __builtin_memcpy(&v[i], from + i * from_step, sizeof(Four));
    const Four a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
    const Four b = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
    const Four c = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
    const Four d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    v[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    v[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    v[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    v[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
    for (int i = 0; i < 4; ++i) __builtin_memcpy(to + i * to_step, &v[i], sizeof(Four));
  }
  MYLOS_ROW_HOST static void load_across(DType dtype, const void* from, std::int64_t from_step, std::int64_t row_step,
                                         T* to, std::int64_t pitch, int rows, int n) {
    if constexpr (std::is_same_v<T, float>)
      if (dtype == DType::f32 && row_step == 1)
        return transpose<true>(to, pitch, static_cast<const float*>(from), from_step, rows, n);
    const auto bytes = static_cast<std::int64_t>(size_of(dtype));
    for (int k = 0; k < n; ++k)
      load(dtype, static_cast<const char*>(from) + k * from_step * bytes, row_step, to + k, pitch, rows);
  }
  template <class Write>
  MYLOS_ROW_HOST static void store_across(DType dtype, void* to, std::int64_t to_step, std::int64_t row_step,
                                          const T* from, std::int64_t pitch, int rows, int n) {
    if constexpr (std::is_same_v<T, float>)
      if (dtype == DType::f32 && row_step == 1)
        return transpose<false>(from, pitch, static_cast<float*>(to), to_step, rows, n);
    const auto bytes = static_cast<std::int64_t>(size_of(dtype));
    for (int k = 0; k < n; ++k)
      store<Write>(dtype, static_cast<char*>(to) + k * to_step * bytes, row_step, from + k, pitch, rows, false);
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

/// Defines `<prefix>_kernels<T>()` from functions with the target attribute `attribute`, storing through Write.
#define MYLOS_DEFINE_ROW_KERNELS(prefix, attribute, Write)                                                          \
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
      Loops::template store<Write>(dtype, to, to_step, from, from_step, n, streaming);                              \
    }                                                                                                               \
    attribute static void apply(const ::mylos::detail::LoweredChain<T>& chain, T* values, int n,                    \
                                const ::mylos::detail::OperandLoader<T>& loader) {                                  \
      Loops::apply(chain, values, n, loader);                                                                       \
    }                                                                                                               \
    attribute static void load_across(::mylos::DType dtype, const void* from, std::int64_t from_step,               \
                                      std::int64_t row_step, T* to, std::int64_t pitch, int rows, int n) {          \
      Loops::load_across(dtype, from, from_step, row_step, to, pitch, rows, n);                                     \
    }                                                                                                               \
    attribute static void store_across(::mylos::DType dtype, void* to, std::int64_t to_step, std::int64_t row_step, \
                                       const T* from, std::int64_t pitch, int rows, int n) {                        \
      Loops::template store_across<Write>(dtype, to, to_step, row_step, from, pitch, rows, n);                      \
    }                                                                                                               \
    attribute static void affine(T* values, const T* factors, const T* terms, int n) {                              \
      Loops::affine(values, factors, terms, n);                                                                     \
    }                                                                                                               \
    attribute static void scale(T* values, T factor, T term, int n) { Loops::scale(values, factor, term, n); }      \
    static ::mylos::detail::PolicyKernels<T> policy(::mylos::detail::RowOperator op) {                              \
      ::mylos::detail::PolicyKernels<T> kernels{};                                                                  \
      ::mylos::detail::visit_policy<T, double>(op, [&](auto p) {                                                    \
        using P = prefix##Policy<decltype(p), T>;                                                                   \
        kernels = {P::add, P::merge, P::finish, P::map, P::map_from, nullptr, nullptr};                             \
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
