// Row operators: from C's options to C++'s arguments.
#include <mylos/row.hpp>

#include "c/options.hpp"

namespace mylos::c {

#define MYLOS_SOFTMAX(name)                                                                      \
  void name(const Exec& exec, const Tensor& x, const Tensor& y, const name##_options& options) { \
    mylos::name(exec, x, y, options.axes, options.before, options.after);                        \
  }
MYLOS_SOFTMAX(softmax)
MYLOS_SOFTMAX(log_softmax)
MYLOS_SOFTMAX(softmin)
#undef MYLOS_SOFTMAX

void causal_softmax(const Exec& exec, const Tensor& x, const Tensor& y, const causal_softmax_options& options) {
  mylos::causal_softmax(exec, x, y, options.before, options.after, options.diagonal);
}

void layer_norm(const Exec& exec, const Tensor& x, const Tensor& y, const layer_norm_options& options) {
  mylos::layer_norm(exec, x, y, options.axes, {options.weight, options.bias}, options.eps, {options.mean, options.rstd},
                    options.before, options.after);
}

void rms_norm(const Exec& exec, const Tensor& x, const Tensor& y, const rms_norm_options& options) {
  mylos::rms_norm(exec, x, y, options.axes, {options.weight, options.bias}, options.eps, {options.mean, options.rstd},
                  options.before, options.after);
}

void group_norm(const Exec& exec, const Tensor& x, const Tensor& y, std::int64_t groups,
                const group_norm_options& options) {
  mylos::group_norm(exec, x, y, groups, {options.weight, options.bias}, options.eps, {options.mean, options.rstd},
                    options.before, options.after);
}

void instance_norm(const Exec& exec, const Tensor& x, const Tensor& y, const instance_norm_options& options) {
  mylos::instance_norm(exec, x, y, {options.weight, options.bias}, options.eps, {options.mean, options.rstd},
                       options.before, options.after);
}

void batch_norm_training(const Exec& exec, const Tensor& x, const Tensor& y,
                         const batch_norm_training_options& options) {
  mylos::batch_norm_training(exec, x, y, {options.running_mean, options.running_variance},
                             {options.weight, options.bias}, options.momentum, options.eps,
                             {options.mean, options.rstd}, options.before, options.after);
}

void batch_norm(const Exec& exec, const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& y,
                const batch_norm_options& options) {
  mylos::batch_norm(exec, x, mean, variance, y, {options.weight, options.bias}, options.eps, options.before,
                    options.after);
}

void lp_normalize(const Exec& exec, const Tensor& x, const Tensor& y, double p, const lp_normalize_options& options) {
  mylos::lp_normalize(exec, x, y, p, options.axes, options.eps, options.before, options.after);
}

void l1_normalize(const Exec& exec, const Tensor& x, const Tensor& y, const l1_normalize_options& options) {
  mylos::l1_normalize(exec, x, y, options.axes, options.eps, options.before, options.after);
}

void l2_normalize(const Exec& exec, const Tensor& x, const Tensor& y, const l2_normalize_options& options) {
  mylos::l2_normalize(exec, x, y, options.axes, options.eps, options.before, options.after);
}

void frobenius_normalize(const Exec& exec, const Tensor& x, const Tensor& y,
                         const frobenius_normalize_options& options) {
  mylos::frobenius_normalize(exec, x, y, options.before, options.after);
}

void local_response_norm(const Exec& exec, const Tensor& x, const Tensor& y, std::int64_t size,
                         const local_response_norm_options& options) {
  mylos::local_response_norm(exec, x, y, size, options.alpha, options.beta, options.k);
}

}  // namespace mylos::c
