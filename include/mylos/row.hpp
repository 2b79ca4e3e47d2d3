// Row operators: a statistic of each row, then a map of its values. softmax and its kin, and every normalisation.
//
// A row is what lies along the given axes: any of them, in any layout, of tensors of rank 0 to 8. x is read, y is
// written and has x's extents. x, y: f64, f32, f16, bf16 in any combination; weights, biases and statistics likewise.
// Computed in f64 where x or y is f64, else in f32; the host keeps sums over a row in f64 beyond 1024 values. y may be
// x (same elements, same dtype), except for local_response_norm; any other overlap of what is written is an error.
//
// `before` is applied to x on its way in and `after` to the result on its way out, in registers: softmax(exec, x, y,
// -1, gelu()) reads and writes once. Tensor operands broadcast to the shape of x. So masks are steps: add(mask) where
// the mask is additive, masked_fill(mask, -INFINITY) where it is boolean; mul(1 / temperature) is the temperature.
//
// A row's bits do not depend on how many rows there are, nor on its neighbours. NaN anywhere in a row makes all of the
// row NaN, as in PyTorch. Extents of 0: nothing to do. Definitions and defaults are PyTorch's. Bounds below are for f32
// and f64 in units of the last place (ulp) of that type; half a unit of y's own type comes on top (docs/numerics.md).
//
// Throws mylos::Error before anything is launched or written: axes out of range or given twice, extents that differ,
// dtypes not supported, memory that the execution space cannot reach, overlap, an output with a zero stride, more than
// 16 tensor operands in both chains. Asynchronous on the given instance; no fence; safe in a graph capture.
#pragma once

#include <limits>

#include <mylos/axes.hpp>
#include <mylos/chain.hpp>
#include <mylos/detail/row_call.hpp>
#include <mylos/path.hpp>
#include <mylos/view.hpp>

namespace mylos {

/// weight and bias of a normalisation, either or none: result * weight + bias. Any floating dtype; `{weight, bias}`.
template <class Exec>
struct AffineOf {
  Input<Exec> weight{};
  Input<Exec> bias{};
};

/// Where a normalisation writes its statistics, either or none: the mean of each row, and 1 / sqrt(variance + eps), of
/// rms_norm 1 / sqrt(mean square + eps). One element per row: x's extents without the axes, or with 1 along them.
template <class Exec>
struct StatisticsOf {
  Output<Exec> mean{};
  Output<Exec> rstd{};
};

/// The running statistics of a batch norm: one element per channel.
template <class Exec>
struct RunningOf {
  Output<Exec> mean{};
  Output<Exec> variance{};
};

namespace detail {
/// In a parameter's type these keep Exec from being deduced, so that `{weight, bias}` converts.
template <class Exec>
struct NormOf {
  using Affine = AffineOf<Exec>;
  using Statistics = StatisticsOf<Exec>;
  using Running = RunningOf<Exec>;
};
}  // namespace detail
template <class Exec>
using Affine = typename detail::NormOf<Exec>::Affine;
template <class Exec>
using Statistics = typename detail::NormOf<Exec>::Statistics;
template <class Exec>
using Running = typename detail::NormOf<Exec>::Running;

namespace detail {
template <class Exec>
NormTensors tensors_of(const Affine<Exec>& affine, const Statistics<Exec>& statistics,
                       const Tensor& running_mean = Tensor(), const Tensor& running_variance = Tensor()) {
  NormTensors tensors;
  tensors.weight = affine.weight;
  tensors.bias = affine.bias;
  tensors.mean = statistics.mean;
  tensors.rstd = statistics.rstd;
  tensors.running_mean = running_mean;
  tensors.running_variance = running_variance;
  return tensors;
}
}  // namespace detail

// ---- softmax --------------------------------------------------------------------------------------------------------

/// y = exp(x - max) / sum exp(x - max) along the axes (all of them: `{}`). A row of -inf, or with +inf, gives NaN.
/// Bound: 4 ulp(y) (f64: 32) + (|x - max| + 2.5 m) ulp(1)/2 y, where m is the mean of |x - max| weighted with y: what
/// rounding the exponents costs, of y and of the sum. Results below 2^-119 (f64: 2^-1012) may be flushed to 0. Bridle
/// 1990; online: arXiv 1805.02867.
template <class Exec>
void softmax(const Exec& exec, Input<Exec> x, Output<Exec> y, const Axes& axes = -1, const Chain& before = {},
             const Chain& after = {}) {
  detail::softmax("softmax", detail::Execution(exec), detail::RowOperator::softmax, x, y, axes, {before, after});
}

/// y = x - max - log(sum exp(x - max)). Bound: 2 ulp(y) + ulp(x - max) + (4 + 1.25 m) ulp(1), m as for
/// softmax; f64: 32 in place of 4.
template <class Exec>
void log_softmax(const Exec& exec, Input<Exec> x, Output<Exec> y, const Axes& axes = -1, const Chain& before = {},
                 const Chain& after = {}) {
  detail::softmax("log_softmax", detail::Execution(exec), detail::RowOperator::log_softmax, x, y, axes,
                  {before, after});
}

/// y = softmax(-x): softmax with the step neg() at the end of `before`.
template <class Exec>
void softmin(const Exec& exec, Input<Exec> x, Output<Exec> y, const Axes& axes = -1, const Chain& before = {},
             const Chain& after = {}) {
  detail::softmax("softmin", detail::Execution(exec), detail::RowOperator::softmax, x, y, axes,
                  {before | steps::neg(), after});
}

/// softmax along the last dimension of x (..., L, S) under a causal mask: in row i of the L, values j > i + diagonal
/// count as -inf and their y is 0 (before `after`). No mask is read. A row without any visible value gives NaN.
template <class Exec>
void causal_softmax(const Exec& exec, Input<Exec> x, Output<Exec> y, const Chain& before = {}, const Chain& after = {},
                    std::int64_t diagonal = 0) {
  detail::causal_softmax(detail::Execution(exec), x, y, diagonal, {before, after});
}

// ---- normalisation by mean and variance -----------------------------------------------------------------------------
//
// y = (x - mean) / sqrt(variance + eps) * weight + bias, the variance being that of all values (biased). Mean and
// variance by pairwise merging (Chan, Golub and LeVeque 1983), the mean in two parts. Bound before the affine part,
// f32: 8 (|y| + 1) ulp(1), whatever the mean; f64: 32 (|y| + 1) ulp(1) + 16 ulp(mean) / sqrt(variance + eps). The
// squares of deviations must not overflow.

/// Along any axes; weight and bias have the extents of the axes, in the order of the dimensions. arXiv 1607.06450.
template <class Exec>
void layer_norm(const Exec& exec, Input<Exec> x, Output<Exec> y, const Axes& axes = -1, const Affine<Exec>& affine = {},
                double eps = 1e-5, const Statistics<Exec>& statistics = {}, const Chain& before = {},
                const Chain& after = {}) {
  detail::axis_norm("layer_norm", detail::Execution(exec), detail::RowOperator::standardize, x, y, axes,
                    detail::tensors_of<Exec>(affine, statistics), eps, 0, {before, after});
}

/// x is (N, C, ...): over each of `groups` equal parts of the channels; weight and bias (C), statistics (N, groups).
/// Rank 2 to 7. Throws where groups does not divide C. arXiv 1803.08494.
template <class Exec>
void group_norm(const Exec& exec, Input<Exec> x, Output<Exec> y, std::int64_t groups, const Affine<Exec>& affine = {},
                double eps = 1e-5, const Statistics<Exec>& statistics = {}, const Chain& before = {},
                const Chain& after = {}) {
  detail::group_norm("group_norm", detail::Execution(exec), x, y, groups, detail::tensors_of<Exec>(affine, statistics),
                     eps, {before, after});
}

/// x is (N, C, ...): over all of each channel of each sample; weight and bias (C), statistics (N, C). Rank 3 to 7.
/// Throws where a channel has one value only. arXiv 1607.08022.
template <class Exec>
void instance_norm(const Exec& exec, Input<Exec> x, Output<Exec> y, const Affine<Exec>& affine = {}, double eps = 1e-5,
                   const Statistics<Exec>& statistics = {}, const Chain& before = {}, const Chain& after = {}) {
  detail::group_norm("instance_norm", detail::Execution(exec), x, y, 0, detail::tensors_of<Exec>(affine, statistics),
                     eps, {before, after});
}

/// x is (N, C, ...): with the statistics of the batch, those of each channel over all else. Weight, bias, running and
/// returned statistics (C). running = (1 - momentum) running + momentum * (mean | unbiased variance), where given; of a
/// running statistic that is updated each value is read and written once. Throws where a channel has one value only.
/// arXiv 1502.03167.
template <class Exec>
void batch_norm_training(const Exec& exec, Input<Exec> x, Output<Exec> y, const Running<Exec>& running = {},
                         const Affine<Exec>& affine = {}, double momentum = 0.1, double eps = 1e-5,
                         const Statistics<Exec>& statistics = {}, const Chain& before = {}, const Chain& after = {}) {
  detail::batch_norm_training(detail::Execution(exec), x, y,
                              detail::tensors_of<Exec>(affine, statistics, running.mean, running.variance), momentum,
                              eps, {before, after});
}

/// Inference: with given mean and variance (C). A map, of the steps before | standardize(mean, variance, eps) |
/// mul(weight) | add(bias) | after, with their bounds.
template <class Exec>
void batch_norm(const Exec& exec, Input<Exec> x, Input<Exec> mean, Input<Exec> variance, Output<Exec> y,
                const Affine<Exec>& affine = {}, double eps = 1e-5, const Chain& before = {}, const Chain& after = {}) {
  detail::batch_norm(detail::Execution(exec), x, y,
                     detail::tensors_of<Exec>(affine, Statistics<Exec>(), mean, variance), eps, {before, after});
}

// ---- normalisation by a norm ----------------------------------------------------------------------------------------
//
// Bound: 8 ulp(y) before the affine part (lp: 16 + 2 p; f64: 32). Sums of squares or powers that overflow give 0, as in
// PyTorch.

/// Stands for the machine epsilon of x's type, that of f32 where x is f16 or bf16.
inline constexpr double type_epsilon = -1;

/// y = x / sqrt(mean(x^2) + eps) * weight + bias along the axes. Weight and bias as for layer_norm. arXiv 1910.07467.
template <class Exec>
void rms_norm(const Exec& exec, Input<Exec> x, Output<Exec> y, const Axes& axes = -1, const Affine<Exec>& affine = {},
              double eps = type_epsilon, const Statistics<Exec>& statistics = {}, const Chain& before = {},
              const Chain& after = {}) {
  detail::axis_norm("rms_norm", detail::Execution(exec), detail::RowOperator::rms, x, y, axes,
                    detail::tensors_of<Exec>(affine, statistics), eps, 0, {before, after});
}

/// y = x / max((sum |x|^p)^(1/p), eps), p > 0, infinity too. PyTorch nn.functional.normalize.
template <class Exec>
void lp_normalize(const Exec& exec, Input<Exec> x, Output<Exec> y, double p, const Axes& axes = 1, double eps = 1e-12,
                  const Chain& before = {}, const Chain& after = {}) {
  detail::axis_norm("lp_normalize", detail::Execution(exec), detail::RowOperator::lp, x, y, axes, {}, eps, p,
                    {before, after});
}
/// p = 1.
template <class Exec>
void l1_normalize(const Exec& exec, Input<Exec> x, Output<Exec> y, const Axes& axes = 1, double eps = 1e-12,
                  const Chain& before = {}, const Chain& after = {}) {
  detail::axis_norm("l1_normalize", detail::Execution(exec), detail::RowOperator::l1, x, y, axes, {}, eps, 1,
                    {before, after});
}
/// p = 2.
template <class Exec>
void l2_normalize(const Exec& exec, Input<Exec> x, Output<Exec> y, const Axes& axes = 1, double eps = 1e-12,
                  const Chain& before = {}, const Chain& after = {}) {
  detail::axis_norm("l2_normalize", detail::Execution(exec), detail::RowOperator::l2, x, y, axes, {}, eps, 2,
                    {before, after});
}
/// y = x / sqrt(sum x^2) over the whole tensor; a tensor of zeros gives NaN.
template <class Exec>
void frobenius_normalize(const Exec& exec, Input<Exec> x, Output<Exec> y, const Chain& before = {},
                         const Chain& after = {}) {
  detail::axis_norm("frobenius_normalize", detail::Execution(exec), detail::RowOperator::l2, x, y, Axes{}, {}, 0, 2,
                    {before, after});
}

/// x is (N, C, ...): y = x / (k + alpha/size * sum of x^2 over `size` neighbouring channels)^beta; the channels from
/// c - size/2 to c + (size - 1)/2, those outside count 0. y may not overlap x. Bound: 24 ulp(y). Krizhevsky et al.
/// 2012.
template <class Exec>
void local_response_norm(const Exec& exec, Input<Exec> x, Output<Exec> y, std::int64_t size, double alpha = 1e-4,
                         double beta = 0.75, double k = 1.0) {
  detail::local_response_norm(detail::Execution(exec), x, y, size, alpha, beta, k);
}

}  // namespace mylos
