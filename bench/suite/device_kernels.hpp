// The kernels behind the ceilings of a device: data moved in pieces of 16 bytes, several of them under way in each
// thread, and chains of multiply-adds that stay in registers.
#pragma once

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <mylos/types.hpp>

namespace mylos::bench {

enum class Move { copy, read, write, triad };

/// What a move adds up with: the dtype's own arithmetic where it costs nothing, integers for types of 16 bits, whose
/// conversions would be measured instead.
template <class T>
struct alignas(16) Piece {
  static constexpr int count = 16 / static_cast<int>(sizeof(T));
  T lane[count];
};

/// a = b; sum of a; a = constant; a = b + 3 c. Thread t handles the pieces t, t + threads, ... of each pass. Each pass
/// starts elsewhere, so that no thread finds in a cache of its own processor what it has just seen.
template <class T, Move kind, int unroll>
struct DeviceMove {
  Piece<T>* a;
  const Piece<T>* b;
  const Piece<T>* c;
  std::int64_t threads;  // unroll * threads pieces in all
  int passes;
  T scalar;
  std::int64_t* never;  // written where a sum is what it cannot be, so that sums are not thrown away

  KOKKOS_FUNCTION void operator()(std::int64_t t) const {
    const std::int64_t pieces = unroll * threads;
    T sum{};
    for (int pass = 0; pass < passes; ++pass) {
      const std::int64_t shift = pieces / passes * pass;
      Piece<T> first[unroll];
      Piece<T> second[unroll];
      for (int u = 0; u < unroll; ++u) {
        const std::int64_t i = wrapped(t + u * threads + shift, pieces);
        if constexpr (kind == Move::read) first[u] = a[i];
        if constexpr (kind == Move::copy || kind == Move::triad) first[u] = b[i];
        if constexpr (kind == Move::triad) second[u] = c[i];
      }
      for (int u = 0; u < unroll; ++u) {
        const std::int64_t i = wrapped(t + u * threads + shift, pieces);
        if constexpr (kind == Move::read) {
          for (int k = 0; k < Piece<T>::count; ++k) sum = static_cast<T>(sum + first[u].lane[k]);
        } else {
          for (int k = 0; k < Piece<T>::count; ++k) {
            if constexpr (kind == Move::write) first[u].lane[k] = scalar;
            if constexpr (kind == Move::triad)
              first[u].lane[k] = static_cast<T>(first[u].lane[k] + scalar * second[u].lane[k]);
          }
          a[i] = first[u];
        }
      }
    }
    if (kind == Move::read && sum == static_cast<T>(-12345)) *never = t;
  }

 private:
  KOKKOS_FUNCTION static std::int64_t wrapped(std::int64_t i, std::int64_t pieces) {
    return i < pieces ? i : i - pieces;
  }
};

/// A number as wide as a multiply-add instruction takes: two of 16 bits on CUDA.
template <class T>
struct FmaValue {
  using type = T;
  static constexpr int lanes = 1;
  KOKKOS_FUNCTION static T of(double x) { return static_cast<T>(x); }
  KOKKOS_FUNCTION static T fma(T a, T b, T c) { return Kokkos::fma(a, b, c); }
  KOKKOS_FUNCTION static double seen(T a) { return static_cast<double>(a); }
};

#ifdef KOKKOS_ENABLE_CUDA
template <class Pair>
struct FmaPair {
  using type = Pair;
  static constexpr int lanes = 2;
  KOKKOS_FUNCTION static type fma([[maybe_unused]] type a, [[maybe_unused]] type b, type c) {
    KOKKOS_IF_ON_DEVICE((return __hfma2(a, b, c);))
    KOKKOS_IF_ON_HOST((return c;))
  }
  KOKKOS_FUNCTION static double seen(type a) { return static_cast<double>(__low2float(a) + __high2float(a)); }
};
template <>
struct FmaValue<half> : FmaPair<__half2> {
  KOKKOS_FUNCTION static type of(double x) { return __float2half2_rn(static_cast<float>(x)); }
};
template <>
struct FmaValue<bfloat16> : FmaPair<__nv_bfloat162> {
  KOKKOS_FUNCTION static type of(double x) { return __float2bfloat162_rn(static_cast<float>(x)); }
};
#endif

/// x = x p + q in `chains` independent chains, which stay near 1.
template <class T>
struct DeviceFma {
  static constexpr int chains = 8;
  int steps;
  double* never;

  static double flops_per_thread(int steps) { return 2.0 * chains * steps * FmaValue<T>::lanes; }

  KOKKOS_FUNCTION void operator()(std::int64_t t) const {
    using V = FmaValue<T>;
    typename V::type x[chains];
    const typename V::type p = V::of(0.5);
    const typename V::type q = V::of(0.5 + 1e-3 * static_cast<double>(t % 7));
    for (int k = 0; k < chains; ++k) x[k] = V::of(1 + 0.25 * k);
    for (int step = 0; step < steps; step += 8) {
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#pragma unroll
#endif
      for (int inner = 0; inner < 8; ++inner)
        for (int k = 0; k < chains; ++k) x[k] = V::fma(x[k], p, q);
    }
    double sum = 0;
    for (int k = 0; k < chains; ++k) sum += V::seen(x[k]);
    if (sum == -12345) *never = sum;
  }
};

}  // namespace mylos::bench
