// The row operators in three families, each one kernel: what is summed is the same within a family, or a choice per
// tile. Built from the policies of row/policy.hpp; here are the choice, and combining the parts of many threads.
#pragma once

#include "cuda/row_parameters.cuh"
#include "row/policy.hpp"

namespace mylos::cuda {

using detail::RowConstants;
using detail::RowNumbers;

/// Neighbouring lanes of a warp, a power of two of them; all lanes of the warp call together. Width: known to the
/// compiler, or 0.
template <int Width = 0>
struct LaneGroup {
  int width;

  template <class V, class F>
  __device__ __forceinline__ V reduce(V v, const F& f) const {
    if (Width != 0 || width == 32) {
#pragma unroll
      for (int o = Width != 0 ? Width / 2 : 16; o > 0; o >>= 1) v = f(v, __shfl_xor_sync(0xffffffffu, v, o));
    } else {
#pragma unroll 1
      for (int o = width >> 1; o > 0; o >>= 1) v = f(v, __shfl_xor_sync(0xffffffffu, v, o));
    }
    return v;
  }
  template <class V>
  __device__ __forceinline__ V sum(V v) const {
    return reduce(v, [](V a, V b) { return a + b; });
  }
  template <class V>
  __device__ __forceinline__ V max(V v) const {
    return reduce(v, [](V a, V b) { return a < b ? b : a; });
  }
};

/// N values in registers; valid(k) says which are elements of the row.
template <int N, class T, class Valid>
struct ValueTile {
  const T* value;
  Valid is_valid;
  static constexpr __device__ __forceinline__ int size() { return N; }
  __device__ __forceinline__ const T& operator[](int k) const { return value[k]; }
  __device__ __forceinline__ bool valid(int k) const { return is_valid(k); }
  __device__ __forceinline__ int count() const {
    int n = 0;
#pragma unroll
    for (int k = 0; k < N; ++k) n += valid(k) ? 1 : 0;
    return n;
  }
  __device__ __forceinline__ T first() const {
    T v = T(0);
#pragma unroll
    for (int k = N - 1; k >= 0; --k) v = valid(k) ? value[k] : v;
    return v;
  }
};
template <int N, class T, class Valid>
__device__ __forceinline__ ValueTile<N, T, Valid> value_tile(const T* value, const Valid& is_valid) {
  return {value, is_valid};
}

template <class T>
__device__ __forceinline__ RowNumbers<T> numbers_of(const RowParameters<T>& p) {
  return {static_cast<T>(p.length), p.eps, p.exponent};
}

/// Partial sums that a thread keeps side by side of so many values, which are whole groups of them.
template <int N>
inline constexpr int strands = N % 4 == 0   ? 4
                               : N % 2 == 0 ? 2
                                            : 1;

/// softmax and log_softmax.
template <class T, class A>
struct ExponentialFamily : detail::ExponentialSum<T, A> {
  using Base = detail::ExponentialSum<T, A>;
  using State = typename Base::State;
  static constexpr bool knows_neutral = true;
  static constexpr bool holds = true;
  static constexpr bool has_affine = false;
  static __device__ __forceinline__ T neutral() { return detail::minus_infinity<T>(); }

  /// What lies outside of the row is neutral. The exponentials of the sum may err by more than those of the results:
  /// what the exponent's rounding costs counts twice here.
  template <class M, class Tile>
  static __device__ __forceinline__ State of(const RowParameters<T>&, const Tile& v) {
    const T most = largest(v);
    const T zero = Base::origin(most);
    return {most,
            A(detail::sum_of<strands<Tile::size()>, T>(Tile::size(), [&](int k) { return exponential(v[k] - zero); }))};
  }
  /// merge(state, of(v)), the sum relative to the common maximum at once.
  template <class M, class Tile>
  static __device__ __forceinline__ State add(const RowParameters<T>&, const State& state, const Tile& v) {
    const T most = larger(state.max, largest(v));
    const T zero = Base::origin(most);
    const T sum =
        detail::sum_of<strands<Tile::size()>, T>(Tile::size(), [&](int k) { return exponential(v[k] - zero); });
    return {most, state.sum * A(M::exp(state.max - zero)) + A(sum)};
  }
  template <class M>
  static __device__ __forceinline__ State merge(const RowParameters<T>&, const State& a, const State& b) {
    return Base::template merge<M>(a, b);
  }
  template <class M, int N, class Group>
  static __device__ __forceinline__ State combine(const RowParameters<T>&, const State (&part)[N], const Group& group) {
    T max = part[0].max;
#pragma unroll
    for (int i = 1; i < N; ++i) max = max < part[i].max ? part[i].max : max;
    max = group.max(max);
    A sum = A(0);
#pragma unroll
    for (int i = 0; i < N; ++i) sum += part[i].sum * A(M::exp(part[i].max - Base::origin(max)));
    return {max, group.sum(sum)};
  }
  template <class M>
  static __device__ __forceinline__ RowConstants<T> finish(const RowParameters<T>& p, const State& state) {
    if (p.op == RowOperator::softmax) return detail::SoftmaxPolicy<T, A>::template finish<M>(state, numbers_of(p));
    return detail::LogSoftmaxPolicy<T, A>::template finish<M>(state, numbers_of(p));
  }
  template <class Tile>
  static __device__ __forceinline__ T largest(const Tile& v) {
    constexpr int lanes = strands<Tile::size()>;
    T max[lanes];
#pragma unroll
    for (int l = 0; l < lanes; ++l) max[l] = v[l];
#pragma unroll
    for (int k = lanes; k < Tile::size(); ++k) max[k % lanes] = larger(max[k % lanes], v[k]);
    detail::fold<lanes / 2>(max, [](T a, T b) { return larger(a, b); });
    return max[0];
  }
  /// The number of the two, where one is NaN.
  static __device__ __forceinline__ float larger(float a, float b) { return fmaxf(a, b); }
  static __device__ __forceinline__ double larger(double a, double b) { return a < b ? b : a; }
  static __device__ __forceinline__ float exponential(float x) { return math::Reduced::exp(x); }
  static __device__ __forceinline__ double exponential(double x) { return ::exp(x); }
  /// softmax: the values become their exponentials relative to the largest of them.
  template <class M, int N>
  static __device__ __forceinline__ State hold(const RowParameters<T>& p, T* v) {
    const bool keep = p.op != RowOperator::softmax;
    const T max = detail::max_of<strands<N>>(N, detail::minus_infinity<T>(), [&](int k) { return v[k]; });
    const T zero = Base::origin(max);
    const T sum = detail::sum_of<strands<N>, T>(N, [&](int k) {
      const T e = M::exp(v[k] - zero);
      v[k] = keep ? v[k] : e;
      return e;
    });
    return {max, A(sum)};
  }
  template <class M, int N>
  static __device__ __forceinline__ void map_held(const RowParameters<T>& p, const RowConstants<T>& c,
                                                  const State& held, T* v) {
    if (p.op != RowOperator::softmax) return map<M, N>(p, c, v);
    const T factor = M::exp(held.max - c.shift) * c.scale;
#pragma unroll
    for (int k = 0; k < N; ++k) v[k] = M::product(v[k], factor);
  }
  template <class M, int N>
  static __device__ __forceinline__ void map(const RowParameters<T>& p, const RowConstants<T>& c, T* v) {
    if (p.op == RowOperator::softmax) {
      if constexpr (std::is_same_v<T, float> && std::is_same_v<M, math::Precise>)
        if (fabsf(c.shift) <= most_shift) return map_small_shift<N>(c, v);
#pragma unroll
      for (int k = 0; k < N; ++k) v[k] = detail::SoftmaxPolicy<T, A>::template map<M>(v[k], c);
    } else {
#pragma unroll
      for (int k = 0; k < N; ++k) v[k] = detail::LogSoftmaxPolicy<T, A>::template map<M>(v[k], c);
    }
  }

 private:
  static constexpr float most_shift = 4096.0F;  // what its product's rounding takes is 2^-12 at most
  static __device__ __forceinline__ float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
  }
  /// scale e^(v - shift) in half as many instructions: v log2(e) - shift log2(e) is rounded once, as v - shift is
  /// elsewhere. What the second product's rounding took goes into the scale, and what log2(e) lacks as a float is made
  /// up for to first order.
  template <int N>
  static __device__ __forceinline__ void map_small_shift(const RowConstants<float>& c, float* v) {
    constexpr float log2_e = 1.4426950216F;
    constexpr float rest = 9.2535e-9F;  // ln 2 (log2(e) - log2_e) / log2_e
    const float origin = __fmul_rn(c.shift, log2_e);
    const float scale = fmaf(-0.69314718F * fmaf(c.shift, log2_e, -origin), c.scale, c.scale);
    const float slope = scale * rest;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      const float exponent = fmaxf(fmaf(v[k], log2_e, -origin), -256.0F);  // of -inf too a number
      v[k] = __fmul_rn(exp2_fast(exponent), fmaf(exponent, slope, scale));
    }
  }
};

/// Mean and variance, of each part in two passes. The first pass finds the mean as well as T can; the second corrects
/// it by the mean of what is left (Chan, Golub and LeVeque 1983), and needs no copy of the values beside them. Parts
/// are combined by their common mean, which needs no division for each.
template <class T, class A>
struct MomentFamily : detail::StandardizePolicy<T, double> {
  using Base = detail::StandardizePolicy<T, double>;
  using State = typename Base::State;
  static constexpr bool knows_neutral = false;
  static constexpr bool holds = false;
  static constexpr bool has_affine = true;
  static __device__ __forceinline__ T neutral() { return T(0); }

  template <class M, class Tile>
  static __device__ __forceinline__ State of(const RowParameters<T>&, const Tile& v) {
    const T count = T(v.count());
    if (count == T(0)) return Base::empty();
    const T mean =
        detail::sum_of<strands<Tile::size()>, T>(v.size(), [&](int k) { return v.valid(k) ? v[k] : T(0); }) / count;
    T rest = T(0);
    T squares = T(0);
#pragma unroll
    for (int k = 0; k < v.size(); ++k) {
      const T d = v.valid(k) ? v[k] - mean : T(0);
      rest += d;
      squares += d * d;
    }
    rest /= count;
    return {double(mean) + double(rest), double(squares - rest * rest * count), double(count)};
  }
  /// As the policy's; the share may be rounded to T, since the means differ by no more than the values do.
  template <class M>
  static __device__ __forceinline__ State merge(const RowParameters<T>&, const State& a, const State& b) {
    const double count = a.count + b.count;
    const double share = count > 0 ? double(T(b.count) / T(count)) : 0;
    const double d = b.mean - a.mean;
    return {a.mean + d * share, a.squares + b.squares + d * d * (a.count * share), count};
  }
  template <class M, class Tile>
  static __device__ __forceinline__ State add(const RowParameters<T>& p, const State& state, const Tile& v) {
    return merge<M>(p, state, of<M>(p, v));
  }
  template <class M, int N, class Group>
  static __device__ __forceinline__ State combine(const RowParameters<T>&, const State (&part)[N], const Group& group) {
    double count = 0;
    double sum = 0;
#pragma unroll
    for (int i = 0; i < N; ++i) {
      count += part[i].count;
      sum += part[i].mean * part[i].count;
    }
    count = group.sum(count);
    const double mean = group.sum(sum) / (count > 0 ? count : 1);
    double squares = 0;
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const double d = part[i].mean - mean;
      squares += part[i].count > 0 ? part[i].squares + d * d * part[i].count : 0;
    }
    return {mean, group.sum(squares), count};
  }
  template <class M>
  static __device__ __forceinline__ RowConstants<T> finish(const RowParameters<T>& p, const State& state) {
    return Base::template finish<M>(state, numbers_of(p));
  }
  template <class M, int N>
  static __device__ __forceinline__ void map_held(const RowParameters<T>& p, const RowConstants<T>& c, const State&,
                                                  T* v) {
    map<M, N>(p, c, v);
  }
  template <class M, int N>
  static __device__ __forceinline__ void map(const RowParameters<T>&, const RowConstants<T>& c, T* v) {
#pragma unroll
    for (int k = 0; k < N; ++k) v[k] = Base::template map<M>(v[k], c);
  }
};

/// rms and the norms.
template <class T, class A>
struct NormFamily : detail::ScalePolicy<T, A> {
  using Base = detail::ScalePolicy<T, A>;
  using State = typename Base::State;
  static constexpr bool knows_neutral = true;
  static constexpr bool holds = false;
  static constexpr bool has_affine = true;
  static __device__ __forceinline__ T neutral() { return T(0); }

  template <class M, class Tile>
  static __device__ __forceinline__ State of(const RowParameters<T>& p, const Tile& v) {
    switch (p.op) {
      case RowOperator::l1:
        return detail::L1Policy<T, A>::template of<M, strands<Tile::size()>>(v, numbers_of(p));
      case RowOperator::linf:
        return detail::LinfPolicy<T, A>::template of<M, strands<Tile::size()>>(v, numbers_of(p));
      case RowOperator::lp:
        return sum_of_powers<M>(v, p.exponent);
      default:
        return detail::L2Policy<T, A>::template of<M, strands<Tile::size()>>(v, numbers_of(p));
    }
  }
  template <class M>
  static __device__ __forceinline__ State merge(const RowParameters<T>& p, const State& a, const State& b) {
    if (p.op == RowOperator::linf) return detail::LinfPolicy<T, A>::template merge<M>(a, b);
    return Base::template merge<M>(a, b);
  }
  template <class M, class Tile>
  static __device__ __forceinline__ State add(const RowParameters<T>& p, const State& state, const Tile& v) {
    return merge<M>(p, state, of<M>(p, v));
  }
  template <class M, int N, class Group>
  static __device__ __forceinline__ State combine(const RowParameters<T>& p, const State (&part)[N],
                                                  const Group& group) {
    State own = part[0];
#pragma unroll
    for (int i = 1; i < N; ++i) own = merge<M>(p, own, part[i]);
    if (p.op == RowOperator::linf) return {group.reduce(own.sum, [](A a, A b) { return M::maximum(a, b); })};
    return {group.sum(own.sum)};
  }
  template <class M>
  static __device__ __forceinline__ RowConstants<T> finish(const RowParameters<T>& p, const State& state) {
    switch (p.op) {
      case RowOperator::rms:
        return detail::RmsPolicy<T, A>::template finish<M>(state, numbers_of(p));
      case RowOperator::l1:
        return detail::L1Policy<T, A>::template finish<M>(state, numbers_of(p));
      case RowOperator::l2:
        return detail::L2Policy<T, A>::template finish<M>(state, numbers_of(p));
      case RowOperator::lp:
        return detail::LpPolicy<T, A>::template finish<M>(state, numbers_of(p));
      default:
        return detail::LinfPolicy<T, A>::template finish<M>(state, numbers_of(p));
    }
  }
  template <class M, int N>
  static __device__ __forceinline__ void map_held(const RowParameters<T>& p, const RowConstants<T>& c, const State&,
                                                  T* v) {
    map<M, N>(p, c, v);
  }
  template <class M, int N>
  static __device__ __forceinline__ void map(const RowParameters<T>&, const RowConstants<T>& c, T* v) {
#pragma unroll
    for (int k = 0; k < N; ++k) v[k] = Base::template map<M>(v[k], c);
  }

 private:
  /// A power is many instructions: a function of its own.
  template <class M>
  static __device__ __noinline__ T power(T magnitude, T exponent) {
    return M::pow(magnitude, exponent);
  }
  template <class M, class Tile>
  static __device__ __forceinline__ State sum_of_powers(const Tile& v, T exponent) {
    T sum = T(0);
#pragma unroll
    for (int k = 0; k < Tile::size(); ++k) sum += power<M>(v.valid(k) ? M::abs(v[k]) : T(0), exponent);
    return {A(sum)};
  }
};

/// What a row leaves besides its values. By one thread.
template <class T, class State>
__device__ __noinline__ void store_statistics(const RowParameters<T>& p, std::int64_t row, const State& state,
                                              const RowConstants<T>& c) {
  const auto at = [&](const RowValue& value) { return p.row_offset(value.stride, row); };
  const auto store = [&](const RowValue& value, double number) {
    if (value.data != nullptr) detail::store_element<double>(value.dtype, value.data, at(value), number);
  };
  store(p.rstd, double(c.scale));
  if constexpr (sizeof(State) == 3 * sizeof(double)) {
    store(p.mean, state.mean);
    const auto update = [&](const RowValue& value, double number) {
      if (value.data == nullptr) return;
      const double old = detail::load_element<double>(value.dtype, value.data, at(value));
      store(value, (1.0 - double(p.momentum)) * old + double(p.momentum) * number);
    };
    update(p.running_mean, state.mean);
    update(p.running_variance, state.squares / (double(p.length) - 1.0));
  }
}

/// The statistic of the lanes' parts, in every lane.
template <class F, class M, class T, class Group = LaneGroup<32>>
__device__ __forceinline__ typename F::State combine_lanes(const RowParameters<T>& p, const typename F::State& part,
                                                           const Group& group = {32}) {
  const typename F::State parts[1] = {part};
  return F::template combine<M>(p, parts, group);
}

}  // namespace mylos::cuda
