// Losses: from C's options to C++'s arguments.
#include <mylos/loss.hpp>
#include <mylos/vector_loss.hpp>

#include "c/options.hpp"

namespace mylos::c {

// __VA_ARGS__: what stands between the reduction and the chain.
#define MYLOS_LOSS(name, ...)                                                             \
  void name(const Exec& exec, const Tensor& input, const Tensor& target, const Tensor& y, \
            const name##_options& options) {                                              \
    mylos::name(exec, input, target, y, options.reduction, __VA_ARGS__ options.before);   \
  }
MYLOS_LOSS(mse_loss, )
MYLOS_LOSS(l1_loss, )
MYLOS_LOSS(hinge_loss, )
MYLOS_LOSS(smooth_l1_loss, options.beta, )
MYLOS_LOSS(huber_loss, options.delta, )
MYLOS_LOSS(binary_cross_entropy, options.weight, )
MYLOS_LOSS(binary_cross_entropy_with_logits, options.pos_weight, )
MYLOS_LOSS(kl_div, options.log_target, )
MYLOS_LOSS(hinge_embedding_loss, options.margin, )
MYLOS_LOSS(poisson_nll_loss, options.log_input, options.full, options.eps, )
#undef MYLOS_LOSS

void gaussian_nll_loss(const Exec& exec, const Tensor& input, const Tensor& target, const Operand& variance,
                       const Tensor& y, const gaussian_nll_loss_options& options) {
  mylos::gaussian_nll_loss(exec, input, target, variance, y, options.reduction, options.full, options.eps,
                           options.before);
}

void cross_entropy(const Exec& exec, const Tensor& input, const Tensor& target, const Tensor& y,
                   const cross_entropy_options& options) {
  mylos::cross_entropy(exec, input, target, y, options.reduction,
                       {options.weight, options.ignore_index, options.label_smoothing, options.axis, options.status},
                       options.before);
}

void nll_loss(const Exec& exec, const Tensor& input, const Tensor& target, const Tensor& y,
              const nll_loss_options& options) {
  mylos::nll_loss(exec, input, target, y, options.reduction,
                  {options.weight, options.ignore_index, 0, options.axis, options.status}, options.before);
}

void cosine_similarity(const Exec& exec, const Tensor& x1, const Tensor& x2, const Tensor& y,
                       const cosine_similarity_options& options) {
  mylos::cosine_similarity(exec, x1, x2, y, options.axis, options.eps);
}

void cosine_embedding_loss(const Exec& exec, const Tensor& x1, const Tensor& x2, const Tensor& target, const Tensor& y,
                           const cosine_embedding_loss_options& options) {
  mylos::cosine_embedding_loss(exec, x1, x2, target, y, options.reduction, options.margin);
}

void triplet_margin_loss(const Exec& exec, const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                         const Tensor& y, const triplet_margin_loss_options& options) {
  mylos::triplet_margin_loss(exec, anchor, positive, negative, y, options.reduction, options.margin, options.p,
                             options.eps, options.swap);
}

}  // namespace mylos::c
