// Losses: a pointwise function of an input and a target, reduced in the same pass over memory. The `reduce` skeleton.
//
//   mylos::mse_loss(exec, input, target, y);                              // the mean, to a View of rank 0
//   mylos::huber_loss(exec, input, target, y, LossReduction::none, 0.5);  // delta 0.5, one value per element
//
// Shape: input of rank 0 to 8, any layout; target and tensor weights broadcast to it. y has rank 0 (or any rank with
// extents 1) for sum and mean, the input's extents for none; batch_mean divides the sum by the input's first extent.
// dtype: input and y f64, f32, f16 or bf16, targets and weights of any. Computed in f64 where input or y is f64, else
// in f32; accumulated as sums are (reduce.hpp). Error: that of the sum, and 16 units in the last place of each value's
// largest term. Formulas, defaults and edge cases are PyTorch's (torch.nn.functional, named beside each).
// `before` is applied to the input as it is read. Aliasing: y overlaps nothing that is read. Errors: as reduce.hpp.
// Asynchronous on the given instance; no fence; safe in a graph capture; the same bits in every run.
#pragma once

#include <mylos/chain.hpp>
#include <mylos/loss_reduction.hpp>
#include <mylos/path.hpp>
#include <mylos/view.hpp>

namespace mylos {

namespace detail {

enum class LossId : std::uint8_t {
  mse,
  l1,
  smooth_l1,
  huber,
  bce,
  bce_logits,
  kl_div,
  kl_div_log,
  hinge,
  hinge_embedding,
  poisson_nll,
  poisson_nll_log,
  gaussian_nll,
};

/// p and q: the loss's parameters; b: a weight or variance.
struct LossOptions {
  LossReduction reduction = LossReduction::mean;
  double p = 0;
  double q = 0;
  const Operand* b = nullptr;
  const char* b_name = "";
};

void loss(LossId id, const char* function, const Execution& exec, const Tensor& input, const Tensor& target,
          const Tensor& y, const LossOptions& options, const Chain& before);

}  // namespace detail

/// (input - target)^2
template <class Exec>
void mse_loss(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
              LossReduction reduction = LossReduction::mean, const Chain& before = {}) {
  detail::loss(detail::LossId::mse, "mse_loss", detail::Execution(exec), input, target, y, {reduction}, before);
}

/// |input - target|
template <class Exec>
void l1_loss(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
             LossReduction reduction = LossReduction::mean, const Chain& before = {}) {
  detail::loss(detail::LossId::l1, "l1_loss", detail::Execution(exec), input, target, y, {reduction}, before);
}

/// With d = |input - target|: d < beta ? d^2 / (2 beta) : d - beta / 2; beta = 0 is l1_loss.
template <class Exec>
void smooth_l1_loss(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
                    LossReduction reduction = LossReduction::mean, double beta = 1, const Chain& before = {}) {
  detail::loss(detail::LossId::smooth_l1, "smooth_l1_loss", detail::Execution(exec), input, target, y,
               {reduction, beta}, before);
}

/// With d = |input - target|: d <= delta ? d^2 / 2 : delta (d - delta / 2)
template <class Exec>
void huber_loss(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
                LossReduction reduction = LossReduction::mean, double delta = 1, const Chain& before = {}) {
  detail::loss(detail::LossId::huber, "huber_loss", detail::Execution(exec), input, target, y, {reduction, delta},
               before);
}

/// -weight (target log input + (1 - target) log(1 - input)), the logarithms at least -100
template <class Exec>
void binary_cross_entropy(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
                          LossReduction reduction = LossReduction::mean, const Operand& weight = 1.0,
                          const Chain& before = {}) {
  detail::loss(detail::LossId::bce, "binary_cross_entropy", detail::Execution(exec), input, target, y,
               {reduction, 0, 0, &weight, "weight"}, before);
}

/// Of sigmoid(input), without its rounding: (1 - target) input + (1 + (pos_weight - 1) target) log(1 + e^-input)
template <class Exec>
void binary_cross_entropy_with_logits(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
                                      LossReduction reduction = LossReduction::mean, const Operand& pos_weight = 1.0,
                                      const Chain& before = {}) {
  detail::loss(detail::LossId::bce_logits, "binary_cross_entropy_with_logits", detail::Execution(exec), input, target,
               y, {reduction, 0, 0, &pos_weight, "pos_weight"}, before);
}

/// target (log target - input), the input a logarithm; with log_target e^target (target - input)
template <class Exec>
void kl_div(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
            LossReduction reduction = LossReduction::mean, bool log_target = false, const Chain& before = {}) {
  detail::loss(log_target ? detail::LossId::kl_div_log : detail::LossId::kl_div, "kl_div", detail::Execution(exec),
               input, target, y, {reduction}, before);
}

/// max(1 - input target, 0): the hinge loss of support vector machines, targets -1 and 1
template <class Exec>
void hinge_loss(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
                LossReduction reduction = LossReduction::mean, const Chain& before = {}) {
  detail::loss(detail::LossId::hinge, "hinge_loss", detail::Execution(exec), input, target, y, {reduction}, before);
}

/// target = 1: input; target = -1: max(0, margin - input); another target: the sum of both
template <class Exec>
void hinge_embedding_loss(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
                          LossReduction reduction = LossReduction::mean, double margin = 1, const Chain& before = {}) {
  detail::loss(detail::LossId::hinge_embedding, "hinge_embedding_loss", detail::Execution(exec), input, target, y,
               {reduction, margin}, before);
}

/// log_input: e^input - target input, else input - target log(input + eps). full adds Stirling's approximation of
/// log(target!) where target > 1.
template <class Exec>
void poisson_nll_loss(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
                      LossReduction reduction = LossReduction::mean, bool log_input = true, bool full = false,
                      double eps = 1e-8, const Chain& before = {}) {
  detail::loss(log_input ? detail::LossId::poisson_nll_log : detail::LossId::poisson_nll, "poisson_nll_loss",
               detail::Execution(exec), input, target, y, {reduction, eps, full ? 1.0 : 0.0}, before);
}

/// (log v + (input - target)^2 / v) / 2 with v = max(variance, eps); full adds log(2 pi) / 2. Negative variances are
/// not looked for.
template <class Exec>
void gaussian_nll_loss(const Exec& exec, Input<Exec> input, Input<Exec> target, const Operand& variance, Output<Exec> y,
                       LossReduction reduction = LossReduction::mean, bool full = false, double eps = 1e-6,
                       const Chain& before = {}) {
  detail::loss(detail::LossId::gaussian_nll, "gaussian_nll_loss", detail::Execution(exec), input, target, y,
               {reduction, eps, full ? 1.0 : 0.0, &variance, "variance"}, before);
}

}  // namespace mylos
