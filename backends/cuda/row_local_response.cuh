// Local response normalisation: what its kernels share. The sums of neighbouring windows are made of what they have in
// common and what each has in front of it and behind it, so that a value is squared and added a few times, whatever the
// size, and nothing is ever subtracted.
#pragma once

#include <mylos/detail/divider.hpp>
#include <mylos/math.hpp>

#include "cuda/primitives/access.cuh"
#include "cuda/tuning.hpp"
#include "row/local_response.hpp"

namespace mylos::cuda {

using detail::LocalResponseProblem;

template <class T>
struct ResponseParameters {
  const void* x;
  void* y;
  std::int64_t x_step;  // from channel to channel
  std::int64_t y_step;
  std::int64_t rows;
  std::int64_t channels;
  int rows_rank;
  detail::Divider extent[max_rank];
  std::int64_t x_stride[max_rank];
  std::int64_t y_stride[max_rank];
  int before;  // channels of a window in front of its own
  int behind;
  T scale;
  T exponent;  // -beta
  T k;

  __device__ __forceinline__ int window() const { return before + 1 + behind; }
  __device__ __forceinline__ std::int64_t row_offset(const std::int64_t* stride, std::int64_t row) const {
    std::int64_t sum = 0;
    auto rest = static_cast<std::uint64_t>(row);
#pragma unroll 1
    for (int d = rows_rank - 1; d > 0; --d) {
      const std::uint64_t quotient = extent[d].divide(rest);
      sum += static_cast<std::int64_t>(rest - quotient * extent[d].divisor) * stride[d];
      rest = quotient;
    }
    return sum + static_cast<std::int64_t>(rest) * stride[0];
  }
};

/// Windows no longer than the channels: their other places count 0 in any case.
inline int window_before(const LocalResponseProblem& p) {
  return static_cast<int>(p.before < p.channels ? p.before : p.channels - 1);
}
inline int window_behind(const LocalResponseProblem& p) {
  return static_cast<int>(p.behind < p.channels ? p.behind : p.channels - 1);
}

template <class T>
ResponseParameters<T> make_response_parameters(const LocalResponseProblem& problem) {
  ResponseParameters<T> p;
  p.x = problem.x.data;
  p.y = problem.y.data;
  p.x_step = problem.channel_stride_x;
  p.y_step = problem.channel_stride_y;
  p.rows = problem.rows.count;
  p.channels = problem.channels;
  p.rows_rank = problem.rows.rank;
  for (int d = 0; d < max_rank; ++d) {
    const bool is = d < problem.rows.rank;
    p.extent[d] = detail::Divider(is ? problem.rows.extent[d] : 1);
    p.x_stride[d] = is ? problem.x.strides.stride[d] : 0;
    p.y_stride[d] = is ? problem.y.strides.stride[d] : 0;
  }
  p.before = window_before(problem);
  p.behind = window_behind(problem);
  p.scale = static_cast<T>(problem.scale);
  p.exponent = static_cast<T>(-problem.beta);
  p.k = static_cast<T>(problem.k);
  return p;
}

/// The sums of squares of R windows that begin at positions 0 to R - 1, of E rows: load(i, v) gives the values at
/// position i. `window` is R - 1 at least. Few numbers are added at a time: sums of long windows stay accurate.
template <int R, int E, class T, class Load>
__device__ __forceinline__ void window_sums(int window, const Load& load, T (&sum)[R][E]) {
  const auto add = [&](int i, T(&to)[E]) {
    T v[E];
    load(i, v);
#pragma unroll
    for (int e = 0; e < E; ++e) to[e] += v[e] * v[e];
  };
  T part[E] = {};
#pragma unroll
  for (int i = R - 2; i >= 0; --i) {
    add(i, part);
#pragma unroll
    for (int e = 0; e < E; ++e) sum[i][e] = part[e];
  }
  T common[E] = {};
#pragma unroll 1
  for (int i = R - 1; i < window;) {
    const int end = i + 8 < window ? i + 8 : window;
    T few[E] = {};
#pragma unroll 1
    for (; i < end; ++i) add(i, few);
#pragma unroll
    for (int e = 0; e < E; ++e) common[e] += few[e];
  }
#pragma unroll
  for (int e = 0; e < E; ++e) {
    part[e] = T(0);
    sum[R - 1][e] = T(0);
  }
#pragma unroll
  for (int r = 0; r < R; ++r) {
    if (r > 0) add(window + r - 1, part);
#pragma unroll
    for (int e = 0; e < E; ++e) sum[r][e] += common[e] + part[e];
  }
}

/// The hardware's own: log2 of m in [0.7, 1.5], absolute error 2^-22; 2^f, relative error 2^-22.
__device__ __forceinline__ float log2_approx(float m) {
  float log;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(log) : "f"(m));
  return log;
}
__device__ __forceinline__ float exp2_approx(float f) {
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(f));
  return power;
}

/// base^exponent wherever the functions below do not go.
template <class T>
__device__ __noinline__ T any_power(T base, T exponent) {
  return math::Precise::pow(base, exponent);
}

/// 2^z for z = p + t, where |t| is small: of each its own part of the result's exponent and of its digits.
__device__ __forceinline__ float power_of_two(float p, float t) {
  constexpr float integers = 12582912.0f;  // 1.5 2^23: adding it rounds to an integer, kept in the last bits
  const float n = (p + t) + integers;
  const float digits = exp2_approx((p - (n - integers)) + t);
  return __int_as_float(__float_as_int(digits) + (__float_as_int(n) << 23));
}
__device__ __forceinline__ double power_of_two(double p, double t) {
  constexpr double integers = 6755399441055744.0;  // 1.5 2^52
  const double n = (p + t) + integers;
  const double f = (p - (n - integers)) + t;
  double d = 4.4558179083360645e-10;  // a fit of 2^f on [-0.5, 0.5], relative error 2e-17
  d = d * f + 7.074194297288521e-09;
  d = d * f + 1.0178057087733941e-07;
  d = d * f + 1.3215432535912375e-06;
  d = d * f + 1.5252733841556773e-05;
  d = d * f + 0.00015403530463724353;
  d = d * f + 0.001333355814640647;
  d = d * f + 0.009618129107587256;
  d = d * f + 0.055504108664821625;
  d = d * f + 0.24022650695910158;
  d = d * f + 0.6931471805599453;
  d = d * f + 1.0;
  return __hiloint2double(__double2hiint(d) + (__double2loint(n) << 20), __double2loint(d));
}

/// base^exponent by 2^(exponent (e + log2 m)), base = 2^e m: the product with e is kept in two parts, so that a large
/// logarithm costs no digits. Within 6 units in the last place where |exponent| is 1 at most, in f64 4. False where
/// that is not known.
__device__ __forceinline__ bool find_power(float base, float exponent, float* result) {
  const int bits = __float_as_int(base);
  const int e = (bits - 0x3f3504f3) >> 23;
  const float whole = __int_as_float(0x4b400000 + e) - 12582912.0f;
  const float log = log2_approx(__int_as_float(bits - (e << 23)));
  const float p = exponent * whole;
  const float t = exponent * log + ::fmaf(exponent, whole, -p);
  *result = power_of_two(p, t);
  return static_cast<unsigned>(bits) - 0x00800000u < 0x7f000000u && ::fabsf(p) < 120.0f && ::fabsf(exponent) < 8.0f;
}
__device__ __forceinline__ bool find_power(double base, double exponent, double* result) {
  const int high = __double2hiint(base);
  const int e = (high - 0x3fe6a09e) >> 20;
  const double whole = __hiloint2double(0x43380000, 0x80000000 ^ e) - 6755401588539392.0;
  const double m = __hiloint2double(high - (e << 20), __double2loint(base));
  // 2 artanh(s) / log 2, s = (m - 1) / (m + 1); a fit, relative error 1.4e-17.
  const double above = m + 1.0;
  double r;
  asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(r) : "d"(above));
  r = r + r * (1.0 - above * r);
  double s = (m - 1.0) * r;
  s = s + r * ((m - 1.0) - s * above);
  const double q = s * s;
  double d = 0.21365953362798235;
  d = d * q + 0.22091302908679103;
  d = d * q + 0.26233435456331544;
  d = d * q + 0.3205985348761017;
  d = d * q + 0.41219858584125485;
  d = d * q + 0.5770780163455187;
  d = d * q + 0.9617966939259898;
  d = d * q + 2.8853900817779268;
  const double p = exponent * whole;
  const double t = exponent * (d * s) + ::fma(exponent, whole, -p);
  *result = power_of_two(p, t);
  constexpr int nine_hundred = 0x408c2000;
  constexpr int fifty = 0x40490000;
  return static_cast<unsigned>(high) - 0x00100000u < 0x7fe00000u && (__double2hiint(p) & 0x7fffffff) < nine_hundred &&
         (__double2hiint(exponent) & 0x7fffffff) < fifty;
}
/// Of results that are rounded to 16 bits: where the logarithm is small, so is what its error costs.
__device__ __forceinline__ bool find_reduced_power(float base, float exponent, float* result) {
  const float z = exponent * log2_approx(base);
  *result = exp2_approx(z);
  return ::fabsf(z) <= 4.0f;
}

/// v = v / (k + scale * sum)^beta of neighbours, which look at the rare ways together; each takes its own.
template <class S, int E, class T>
__device__ __forceinline__ void respond(const ResponseParameters<T>& p, const T (&sum)[E], T (&v)[E]) {
  constexpr bool reduced = sizeof(S) == 2;
  const auto find = [&](T base, T* power) {
    if constexpr (reduced)
      return find_reduced_power(base, p.exponent, power);
    else
      return find_power(base, p.exponent, power);
  };
  T power[E];
  bool all = true;
#pragma unroll
  for (int e = 0; e < E; ++e) all = find(p.k + p.scale * sum[e], &power[e]) && all;
  if (!all) {
#pragma unroll
    for (int e = 0; e < E; ++e) {
      const T base = p.k + p.scale * sum[e];
      if (find(base, &power[e])) continue;
      if (!reduced || !find_power(base, p.exponent, &power[e])) power[e] = any_power(base, p.exponent);
    }
  }
#pragma unroll
  for (int e = 0; e < E; ++e) v[e] *= power[e];
}

/// Neighbours from shared memory by one load: f16 that are loaded where they are converted come in pairs, at a third of
/// the speed.
template <class Chunk>
__device__ __forceinline__ Chunk load_shared(const Chunk* from) {
  if constexpr (sizeof(Chunk) == 16)
    return detail::bits_as<Chunk>(*reinterpret_cast<const uint4*>(from));
  else
    return detail::bits_as<Chunk>(*reinterpret_cast<const uint2*>(from));
}

/// The value type of a storage type.
template <class S>
using ResponseValue = std::conditional_t<std::is_same_v<S, double>, double, float>;

}  // namespace mylos::cuda
