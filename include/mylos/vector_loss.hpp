// Losses of vectors: of class scores (cross_entropy, nll_loss) and of embeddings (cosine_similarity,
// cosine_embedding_loss, triplet_margin_loss). Each is reduced along one axis and, unless asked not to, over all rows,
// in one pass over the data. The `reduce` skeleton.
//
//   mylos::cross_entropy(exec, logits, labels, y);                              // (N, C), (N): the mean, to rank 0
//   mylos::cross_entropy(exec, logits, labels, y, LossReduction::none, options) // (N, C, H, W), (N, H, W): one each
//
// dtype: scores, embeddings, probabilities, weights and y f64, f32, f16 or bf16, in any combination; class indices i64
// or i32. Any layout. Computed in f64 where the first input or y is f64, else in f32; sums along the axis and over rows
// are kept in f64, those over many rows compensated. y has rank 0 (or any rank with extents 1) for sum and mean, one
// element per row for none; there is no batch_mean. Definitions, defaults and edge cases are PyTorch's
// (torch.nn.functional). The mean over no rows is NaN, the sum 0.
//
// Bounds for one row, with u the unit roundoff of the compute type (2^-24 or 2^-53) and what storing rounds off left
// out; sum and mean: the sum or the mean of those, and u of the result. In f64, 16 becomes 16 + n / 64 for n values
// along the axis.
//
// Aliasing: y overlaps nothing that is read. Throws mylos::Error before anything is launched or written: extents,
// dtypes, axes, memory that the execution space cannot reach, overlap, options out of range. Asynchronous on the given
// instance; no fence; scratch memory is ordered with the instance's work; safe in a graph capture; the same bits in
// every run, and for a row whatever the number of rows beside it.
#pragma once

#include <mylos/chain.hpp>
#include <mylos/detail/vector_loss_call.hpp>
#include <mylos/path.hpp>
#include <mylos/view.hpp>

namespace mylos {

/// Options of the losses of class scores.
template <class Exec>
struct ClassOptionsOf {
  /// One factor per class, (C): 1 where not given.
  Input<Exec> weight{};
  /// Rows whose class index this is count nothing.
  std::int64_t ignore_index = -100;
  /// Of cross_entropy: this share of the target is spread evenly over the classes. 0 to 1.
  double label_smoothing = 0;
  /// The axis of the classes; of scores of rank 1 their only one.
  int axis = 1;
  /// An i32 of rank 0 that becomes 1 where a class index is out of range, and is left alone otherwise: set it to 0
  /// before. On a device such a row's loss is NaN, and this can be read when the instance's work is done; on the host
  /// the call throws instead.
  Output<Exec> status{};
};

namespace detail {
/// In a parameter's type these keep Exec from being deduced, so that `{}` converts.
template <class Exec>
struct VectorLossOf {
  using ClassOptions = ClassOptionsOf<Exec>;
};

template <class Exec>
ClassArguments class_arguments(const ClassOptionsOf<Exec>& o) {
  return {o.weight, o.status, o.ignore_index, o.label_smoothing, o.axis};
}
}  // namespace detail
template <class Exec>
using ClassOptions = typename detail::VectorLossOf<Exec>::ClassOptions;

/// weight[t] (log sum e^x - x[t]) for scores x and the class index t of each row; the mean is the sum divided by the
/// sum of weight[t]. With label smoothing s: (1 - s) of that and s / C sum_c weight[c] (log sum e^x - x[c]).
/// Or, where the target is of a floating dtype and has the scores' extents, a probability q per class:
/// sum_c weight[c] q[c] (log sum e^x - x[c]), q smoothed to (1 - s) q + s / C; the mean is over rows.
/// Scores (N, C, d1, ...) or (C), targets (N, d1, ...) or (); `before` is applied to the scores: mul(1 / temperature).
/// Scores of +inf, and rows of -inf, give NaN. Bound: 16 u w (1 + |x|), w the factors' sum and |x| the largest score
/// that counts; for f32, f16 and bf16 16 u w (1 + loss). PyTorch cross_entropy.
template <class Exec>
void cross_entropy(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
                   LossReduction reduction = LossReduction::mean, const ClassOptions<Exec>& options = {},
                   const Chain& before = {}) {
  detail::cross_entropy(detail::Execution(exec), input, target, y, reduction, detail::class_arguments<Exec>(options),
                        before);
}

/// -weight[t] x[t] for logarithms x of probabilities; the mean as for cross_entropy. Reads one score per row, and takes
/// no label smoothing. Bound: 2 u |loss|. PyTorch nll_loss.
template <class Exec>
void nll_loss(const Exec& exec, Input<Exec> input, Input<Exec> target, Output<Exec> y,
              LossReduction reduction = LossReduction::mean, const ClassOptions<Exec>& options = {},
              const Chain& before = {}) {
  detail::nll_loss(detail::Execution(exec), input, target, y, reduction, detail::class_arguments<Exec>(options),
                   before);
}

/// x1 x2 / (max(|x1|, eps) max(|x2|, eps)) along an axis, with 2-norms. x2 broadcasts to x1; y has x1's extents without
/// the axis, or with 1 along it. Bound: 4 u (f64: (16 + n / 64) u). PyTorch cosine_similarity.
template <class Exec>
void cosine_similarity(const Exec& exec, Input<Exec> x1, Input<Exec> x2, Output<Exec> y, int axis = 1,
                       double eps = 1e-8) {
  detail::cosine_similarity(detail::Execution(exec), x1, x2, y, axis, eps);
}

/// With c = x1 x2 / sqrt((x1 x1 + 1e-12) (x2 x2 + 1e-12)) along the last axis: 1 - c where the target is 1, max(c -
/// margin, 0) where it is -1, 0 elsewhere. x2 broadcasts to x1; targets of any dtype, with x1's extents without the
/// last. Bound: 4 u (1 + |margin|) (f64: (16 + n / 64) u (1 + |margin|)). PyTorch cosine_embedding_loss.
template <class Exec>
void cosine_embedding_loss(const Exec& exec, Input<Exec> x1, Input<Exec> x2, Input<Exec> target, Output<Exec> y,
                           LossReduction reduction = LossReduction::mean, double margin = 0) {
  detail::cosine_embedding_loss(detail::Execution(exec), x1, x2, target, y, reduction, margin);
}

/// max(margin + d(anchor, positive) - d(anchor, negative), 0) with d(a, b) = (sum |a - b + eps|^p)^(1/p) along the last
/// axis, p > 0, infinity too. swap: the smaller of d(anchor, negative) and d(positive, negative) in place of the
/// former. positive and negative broadcast to anchor. Bound: 16 u (|margin| + the distances), for p other than 1, 2 and
/// infinity 32 u (1 + 1 / p) in place of 16 u, and 2 u (|a| + |b|) for every difference. Balntas et al. 2016; PyTorch
/// triplet_margin_loss.
template <class Exec>
void triplet_margin_loss(const Exec& exec, Input<Exec> anchor, Input<Exec> positive, Input<Exec> negative,
                         Output<Exec> y, LossReduction reduction = LossReduction::mean, double margin = 1, double p = 2,
                         double eps = 1e-6, bool swap = false) {
  detail::triplet_margin_loss(detail::Execution(exec), anchor, positive, negative, y, reduction,
                              {margin, p, eps, swap});
}

}  // namespace mylos
