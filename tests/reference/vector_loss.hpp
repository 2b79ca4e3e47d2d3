// Losses of vectors in long double, from PyTorch's definitions, each with what vector_loss.hpp allows it to be off by.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace mylos::test::reference {

using Vector = std::vector<long double>;

/// u: unit roundoff of the compute type.
struct Rounding {
  bool f64;
  long double u() const { return std::ldexp(1.0L, f64 ? -53 : -24); }
  /// 16 u, or (16 + n / 64) u.
  long double grown(std::size_t n) const { return (16 + (f64 ? static_cast<long double>(n) / 64 : 0)) * u(); }
};

/// One row: its loss, what it counts in the mean, and the bound.
struct RowValue {
  long double loss;
  long double weight;
  long double bound;
};

/// log sum e^x as in PyTorch's log_softmax, which has NaN where x has +inf or nothing but -inf.
inline long double log_of_sum(const Vector& x) {
  const long double largest = *std::max_element(x.begin(), x.end());
  long double sum = 0;
  for (const long double v : x) sum += std::exp(v - largest);
  return largest + std::log(sum);
}

/// sum_c factor[c] (log sum e^x - x[c]); factors of 0 count where they meet infinities, as in 0 * inf.
inline RowValue weighted_scores(const Vector& x, const Vector& factor, const Rounding& rounding) {
  const long double log_sum = log_of_sum(x);
  RowValue v{0, 0, 0};
  long double size = 0;
  for (std::size_t c = 0; c < x.size(); ++c) {
    v.loss += factor[c] * (log_sum - x[c]);
    v.weight += factor[c];
    size += factor[c] * (rounding.f64 ? std::fabs(log_sum) + std::fabs(x[c]) : log_sum - x[c]);
  }
  v.bound = rounding.grown(x.size()) * (v.weight + size);
  return v;
}

/// Of a class index; `weight` of every class.
inline RowValue cross_entropy(const Vector& x, std::int64_t target, std::int64_t ignored, const Vector& weight,
                              long double smoothing, const Rounding& rounding) {
  if (target == ignored) return {0, 0, 0};
  if (target < 0 || target >= static_cast<std::int64_t>(x.size())) return {NAN, NAN, 0};
  const auto t = static_cast<std::size_t>(target);
  const RowValue own = weighted_scores(
      {x},
      [&] {
        Vector only(x.size(), 0);
        only[t] = weight[t];
        return only;
      }(),
      rounding);
  const long double alone = weight[t] * (log_of_sum(x) - x[t]);  // without 0 * inf of the others
  if (smoothing == 0) {
    const long double size = rounding.f64 ? std::fabs(log_of_sum(x)) + std::fabs(x[t]) : log_of_sum(x) - x[t];
    return {alone, weight[t], rounding.grown(x.size()) * weight[t] * (1 + size)};
  }
  const RowValue all = weighted_scores(x, weight, rounding);
  const long double share = smoothing / static_cast<long double>(x.size());
  return {(1 - smoothing) * alone + share * all.loss, weight[t], own.bound + all.bound * share};
}

inline RowValue negative_log_likelihood(const Vector& x, std::int64_t target, std::int64_t ignored,
                                        const Vector& weight, const Rounding& rounding) {
  if (target == ignored) return {0, 0, 0};
  if (target < 0 || target >= static_cast<std::int64_t>(x.size())) return {NAN, NAN, 0};
  const auto t = static_cast<std::size_t>(target);
  const long double loss = -weight[t] * x[t];
  return {loss, weight[t], 2 * rounding.u() * std::fabs(loss)};
}

struct Products {
  long double ab = 0;
  long double aa = 0;
  long double bb = 0;
};
inline Products products(const Vector& a, const Vector& b) {
  Products p;
  for (std::size_t i = 0; i < a.size(); ++i) {
    p.ab += a[i] * b[i];
    p.aa += a[i] * a[i];
    p.bb += b[i] * b[i];
  }
  return p;
}

inline long double cosine_bound(std::size_t n, const Rounding& rounding) {
  return rounding.f64 ? rounding.grown(n) : 4 * rounding.u();
}

inline RowValue cosine_similarity(const Vector& a, const Vector& b, long double eps, const Rounding& rounding) {
  const Products p = products(a, b);
  return {p.ab / (std::max(std::sqrt(p.aa), eps) * std::max(std::sqrt(p.bb), eps)), 1,
          cosine_bound(a.size(), rounding)};
}

inline RowValue cosine_embedding(const Vector& a, const Vector& b, long double target, long double margin,
                                 const Rounding& rounding) {
  const Products p = products(a, b);
  const long double cosine = p.ab / std::sqrt((p.aa + 1e-12L) * (p.bb + 1e-12L));
  const long double bound = cosine_bound(a.size(), rounding) * (1 + std::fabs(margin));
  if (target == 1) return {1 - cosine, 1, bound};
  if (target == -1) return {cosine - margin < 0 ? 0 : cosine - margin, 1, bound};
  return {0, 1, 0};
}

struct Distance {
  long double value;
  long double slack;  // what the rounding of the differences costs
};

/// (sum |a - b + eps|^p)^(1/p). A difference off by 2 u (|a| + |b|) moves the distance by no more than the norm of
/// that.
inline Distance distance(const Vector& a, const Vector& b, long double p, long double eps, const Rounding& rounding) {
  Vector difference;
  Vector off;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference.push_back(std::fabs(a[i] - b[i] + eps));
    off.push_back(2 * rounding.u() * (std::fabs(a[i]) + std::fabs(b[i])));
  }
  const auto norm = [p](const Vector& v, long double power) {
    long double sum = 0;
    for (const long double x : v) sum = std::isinf(p) ? (x > sum || x != x ? x : sum) : sum + std::pow(x, power);
    return std::isinf(p) ? sum : std::pow(sum, 1 / power);
  };
  // Below 1 it is no norm: the sum of the parts' own shifts bounds it.
  long double slack = norm(off, std::max(p, 1.0L));
  if (p < 1) {
    Vector moved;
    for (std::size_t i = 0; i < a.size(); ++i) moved.push_back(difference[i] + off[i]);
    slack = norm(moved, p) - norm(difference, p);
  }
  return {norm(difference, p), slack};
}

inline RowValue triplet_margin(const Vector& a, const Vector& p, const Vector& n, long double margin, long double power,
                               long double eps, bool swap, const Rounding& rounding) {
  const Distance positive = distance(a, p, power, eps, rounding);
  const Distance negative = distance(a, n, power, eps, rounding);
  const Distance swapped = swap ? distance(p, n, power, eps, rounding) : negative;
  const bool plain = power == 1 || power == 2 || std::isinf(power);
  const long double relative = rounding.grown(a.size()) + (plain ? 0 : 32 * rounding.u() * (1 + 1 / power));
  const long double farther = swapped.value < negative.value ? swapped.value : negative.value;
  const long double loss = margin + positive.value - farther;
  const long double sizes = std::fabs(margin) + positive.value + std::max(negative.value, swapped.value);
  return {loss < 0 ? 0 : loss, 1, relative * sizes + positive.slack + std::max(negative.slack, swapped.slack)};
}

}  // namespace mylos::test::reference
