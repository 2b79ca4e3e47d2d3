// The pointwise losses in long double, from PyTorch's definitions, each with the magnitude of its terms: an error of 16
// units roundoff of that is what loss.hpp states for one value.
#pragma once

#include <cmath>
#include <functional>
#include <mylos/loss.hpp>
#include <string>
#include <vector>

namespace mylos::test::reference {

struct LossValue {
  long double value;
  long double terms;
};

/// One loss as it is called and as it is defined: of input x, target t and weight w.
struct LossCase {
  std::string name;
  mylos::detail::LossId id;
  double p;
  double q;
  bool weighted;
  std::function<LossValue(long double x, long double t, long double w)> definition;
};

inline long double x_log_x(long double x) { return x == 0 ? 0 : x * std::log(x); }

inline LossValue of_terms(std::initializer_list<long double> terms) {
  LossValue v{0, 0};
  for (const long double term : terms) {
    v.value += term;
    v.terms += std::fabs(term);
  }
  return v;
}

inline LossValue binary_cross_entropy(long double x, long double t, long double w) {
  const auto log_of = [](long double v) { return std::fmax(std::log(v), -100.0L); };
  return of_terms({-w * t * log_of(x), -w * (1 - t) * log_of(1 - x)});
}

inline LossValue poisson(long double rate, long double log_rate, long double t, bool full) {
  const long double pi = 3.14159265358979323846264338327950288L;
  if (!full || !(t > 1)) return of_terms({rate, -t * log_rate});
  return of_terms({rate, -t * log_rate, t * std::log(t), -t, std::log(2 * pi * t) / 2});
}

inline std::vector<LossCase> losses() {
  using Id = mylos::detail::LossId;
  using Real = long double;
  const auto huber = [](Real d, Real delta) { return d <= delta ? d * d / 2 : delta * (d - delta / 2); };
  const auto smooth = [](Real d, Real beta) { return d < beta ? d * d / 2 / beta : d - beta / 2; };
  const Real half_log_two_pi = 0.918938533204672741780329736405617639861L;
  return {
      {"mse", Id::mse, 0, 0, false, [](Real x, Real t, Real) { return of_terms({(x - t) * (x - t)}); }},
      {"l1", Id::l1, 0, 0, false, [](Real x, Real t, Real) { return of_terms({std::fabs(x - t)}); }},
      {"smooth_l1", Id::smooth_l1, 0.5, 0, false,
       [=](Real x, Real t, Real) { return of_terms({smooth(std::fabs(x - t), 0.5L)}); }},
      {"smooth_l1 of 0", Id::smooth_l1, 0, 0, false, [](Real x, Real t, Real) { return of_terms({std::fabs(x - t)}); }},
      {"huber", Id::huber, 0.75, 0, false,
       [=](Real x, Real t, Real) { return of_terms({huber(std::fabs(x - t), 0.75L)}); }},
      {"bce", Id::bce, 0, 0, false, [](Real x, Real t, Real) { return binary_cross_entropy(x, t, 1); }},
      {"bce weighted", Id::bce, 0, 0, true, binary_cross_entropy},
      {"bce_logits", Id::bce_logits, 0, 0, true,
       [](Real x, Real t, Real w) {
         const Real tail = x > 0 ? std::log1p(std::exp(-x)) : std::log1p(std::exp(x)) - x;
         return of_terms({(1 - t) * x, (1 + (w - 1) * t) * tail});
       }},
      {"kl_div", Id::kl_div, 0, 0, false,
       [](Real x, Real t, Real) {
         return of_terms({x_log_x(t), -t * x});
       }},
      {"kl_div_log", Id::kl_div_log, 0, 0, false,
       [](Real x, Real t, Real) {
         return of_terms({std::exp(t) * t, -std::exp(t) * x});
       }},
      {"hinge", Id::hinge, 0, 0, false,
       [](Real x, Real t, Real) {
         return LossValue{std::fmax(1 - x * t, 0.0L), 1 + std::fabs(x * t)};
       }},
      {"hinge_embedding", Id::hinge_embedding, 0.5, 0, false,
       [](Real x, Real t, Real) {
         return of_terms({t == 1 ? 0 : std::fmax(0.5L - x, 0.0L), t == -1 ? 0 : x});
       }},
      {"poisson", Id::poisson_nll, 1e-8, 1, false,
       [](Real x, Real t, Real) { return poisson(x, std::log(x + 1e-8L), t, true); }},
      {"poisson of logarithms", Id::poisson_nll_log, 0, 1, false,
       [](Real x, Real t, Real) { return poisson(std::exp(x), x, t, true); }},
      {"poisson without Stirling", Id::poisson_nll_log, 0, 0, false,
       [](Real x, Real t, Real) { return poisson(std::exp(x), x, t, false); }},
      {"gaussian", Id::gaussian_nll, 0.25, 1, true,
       [=](Real x, Real t, Real w) {
         const Real v = std::fmax(w, 0.25L);
         return of_terms({std::log(v) / 2, (x - t) * (x - t) / v / 2, half_log_two_pi});
       }},
  };
}

}  // namespace mylos::test::reference
