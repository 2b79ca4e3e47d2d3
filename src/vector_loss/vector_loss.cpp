#include <mylos/vector_loss.hpp>

#include <cmath>

#include "core/checks.hpp"
#include "core/dispatch.hpp"
#include "vector_loss/arguments.hpp"
#include "vector_loss/candidates.hpp"
#include "vector_loss/generic.hpp"

namespace mylos::detail {
namespace {

[[noreturn]] void fail_option(const char* function, const std::string& text) {
  throw Error(std::string("mylos::") + function + ": " + text);
}

bool is_class_index(DType dtype) { return dtype == DType::i64 || dtype == DType::i32; }

/// The first element of a host tensor that is neither a class nor ignore_index, in row-major order.
template <class I>
void check_classes_of(const char* function, const Tensor& target, std::int64_t classes, std::int64_t ignored) {
  const int last = target.rank - 1;
  const std::int64_t n = target.rank == 0 ? 1 : target.extent[last];
  const std::int64_t step = target.rank == 0 ? 0 : target.stride[last];
  const std::int64_t runs = n == 0 ? 0 : target.size() / n;
  std::int64_t at[max_rank] = {};
  for (std::int64_t run = 0; run < runs; ++run) {
    const I* from = static_cast<const I*>(target.data);
    for (int d = 0; d < last; ++d) from += at[d] * target.stride[d];
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t t = from[i * step];
      if ((t >= 0 && t < classes) || t == ignored) continue;
      std::string where;
      for (int d = 0; d < last; ++d) where += std::to_string(at[d]) + ", ";
      if (target.rank != 0) where += std::to_string(i);
      fail(function, "target", target,
           "class " + std::to_string(t) + " in row (" + where + "), expected 0 to " + std::to_string(classes - 1) +
               ", or ignore_index " + std::to_string(ignored));
    }
    for (int d = last - 1; d >= 0 && ++at[d] == target.extent[d]; --d) at[d] = 0;
  }
}

/// On the host the targets are there already: earlier work on the instance is done.
void check_classes(const char* function, const Tensor& target, std::int64_t classes, std::int64_t ignored) {
  if (target.dtype == DType::i32)
    check_classes_of<std::int32_t>(function, target, classes, ignored);
  else
    check_classes_of<std::int64_t>(function, target, classes, ignored);
}

void run(const char* function, const Execution& execution, VectorLossArguments& arguments) {
  const VectorLossProblem& problem = arguments.finish();
  if (problem.box.kept.count == 0 && problem.options.per_row()) return set_last_kernel("none");
  dispatch(function, execution, MYLOS_BACKEND_CANDIDATES(vector_loss_candidates), problem,
           [&](const auto& exec, const std::string& label) { run_generic(exec, label, problem); });
}

int class_axis(const Tensor& input, int axis) { return input.rank == 1 && axis == 1 ? 0 : axis; }

void check_some_classes(const char* function, const Tensor& input, std::int64_t classes) {
  if (classes == 0) fail(function, "input", input, "no classes in extents " + shape_of(input));
}

/// Scores with a class index per row.
void run_class_index(const char* function, const Execution& execution, VectorLossArguments& arguments,
                     const Tensor& target, const Tensor& y, LossReduction reduction, const ClassArguments& c) {
  VectorLossOptions& o = arguments.options();
  o.end = RowEnd::class_index;
  o.target = arguments.add_per_row("target", target);
  o.ignore_index = c.ignore_index;
  arguments.set_output(y, reduction);
  arguments.set_status(c.status);
  if (!on_device(execution)) check_classes(function, target, arguments.axis_count(), c.ignore_index);
  run(function, execution, arguments);
}

}  // namespace

void cross_entropy(const Execution& execution, const Tensor& input, const Tensor& target, const Tensor& y,
                   LossReduction reduction, const ClassArguments& c, const Chain& before) {
  constexpr const char* function = "cross_entropy";
  VectorLossArguments arguments(function, on_device(execution), input, "input", class_axis(input, c.axis), &before);
  const std::int64_t classes = arguments.axis_count();
  check_some_classes(function, input, classes);
  if (!(c.label_smoothing >= 0 && c.label_smoothing <= 1))
    fail_option(function, "label_smoothing: " + std::to_string(c.label_smoothing) + ", expected 0 to 1");
  const bool probabilities = is_floating(target.dtype);
  if (!probabilities && !is_class_index(target.dtype))
    fail(function, "target", target,
         std::string("dtype ") + name_of(target.dtype) + ", expected i64 or i32, or a floating one for probabilities");
  VectorLossOptions& o = arguments.options();
  o.smoothing = c.label_smoothing;
  o.loss = probabilities || o.smoothing != 0 ? VectorLoss::weighted_scores : VectorLoss::scores;
  if (c.weight.data != nullptr || c.weight.rank != 0) o.weight = arguments.add_per_position("weight", c.weight);
  o.b = o.weight;
  if (!probabilities) return run_class_index(function, execution, arguments, target, y, reduction, c);
  bool same = target.rank == input.rank;
  for (int d = 0; same && d < input.rank; ++d) same = target.extent[d] == input.extent[d];
  if (!same)
    fail(function, "target", target,
         "extents " + shape_of(target) + ", expected those of the input, " + shape_of(input) + ", for probabilities");
  if (c.ignore_index >= 0)
    fail_option(function, "ignore_index: no index can be ignored where targets are probabilities");
  o.end = RowEnd::probabilities;
  o.a = arguments.add_broadcast("target", target);
  o.share = 1 - o.smoothing;
  o.spread = o.smoothing / static_cast<double>(classes);
  arguments.set_output(y, reduction);
  arguments.set_status(c.status);
  run(function, execution, arguments);
}

void nll_loss(const Execution& execution, const Tensor& input, const Tensor& target, const Tensor& y,
              LossReduction reduction, const ClassArguments& c, const Chain& before) {
  constexpr const char* function = "nll_loss";
  VectorLossArguments arguments(function, on_device(execution), input, "input", class_axis(input, c.axis), &before);
  check_some_classes(function, input, arguments.axis_count());
  if (c.label_smoothing != 0) fail_option(function, "label_smoothing: is given, expected none: nll_loss takes none");
  if (!is_class_index(target.dtype))
    fail(function, "target", target, std::string("dtype ") + name_of(target.dtype) + ", expected i64 or i32");
  VectorLossOptions& o = arguments.options();
  o.loss = VectorLoss::nothing;
  if (c.weight.data != nullptr || c.weight.rank != 0) o.weight = arguments.add_per_position("weight", c.weight);
  run_class_index(function, execution, arguments, target, y, reduction, c);
}

void cosine_similarity(const Execution& execution, const Tensor& x1, const Tensor& x2, const Tensor& y, int axis,
                       double eps) {
  constexpr const char* function = "cosine_similarity";
  VectorLossArguments arguments(function, on_device(execution), x1, "x1", axis);
  if (!(eps >= 0)) fail_option(function, "eps: " + std::to_string(eps) + ", expected at least 0");
  check_floating(function, "x2", x2);
  VectorLossOptions& o = arguments.options();
  o.loss = VectorLoss::cosine;
  o.end = RowEnd::similarity;
  o.a = arguments.add_broadcast("x2", x2);
  o.eps = eps;
  arguments.set_output(y, LossReduction::none);
  run(function, execution, arguments);
}

void cosine_embedding_loss(const Execution& execution, const Tensor& x1, const Tensor& x2, const Tensor& target,
                           const Tensor& y, LossReduction reduction, double margin) {
  constexpr const char* function = "cosine_embedding_loss";
  VectorLossArguments arguments(function, on_device(execution), x1, "x1", -1);
  check_floating(function, "x2", x2);
  VectorLossOptions& o = arguments.options();
  o.loss = VectorLoss::cosine;
  o.end = RowEnd::embedding;
  o.a = arguments.add_broadcast("x2", x2);
  o.target = arguments.add_per_row("target", target);
  o.margin = margin;
  o.eps = 1e-12;
  arguments.set_output(y, reduction);
  run(function, execution, arguments);
}

void triplet_margin_loss(const Execution& execution, const Tensor& anchor, const Tensor& positive,
                         const Tensor& negative, const Tensor& y, LossReduction reduction, const TripletArguments& t) {
  constexpr const char* function = "triplet_margin_loss";
  VectorLossArguments arguments(function, on_device(execution), anchor, "anchor", -1);
  if (!(t.p > 0)) fail_option(function, "p: " + std::to_string(t.p) + ", expected a positive number");
  check_floating(function, "positive", positive);
  check_floating(function, "negative", negative);
  VectorLossOptions& o = arguments.options();
  o.loss = VectorLoss::triplet;
  o.end = RowEnd::triplet;
  o.a = arguments.add_broadcast("positive", positive);
  o.b = arguments.add_broadcast("negative", negative);
  o.norm = t.p == 1 ? NormKind::one : (t.p == 2 ? NormKind::two : NormKind::power);
  if (std::isinf(t.p)) o.norm = NormKind::infinite;
  o.margin = t.margin;
  o.p = t.p;
  o.eps = t.eps;
  o.swap = t.swap;
  arguments.set_output(y, reduction);
  run(function, execution, arguments);
}

}  // namespace mylos::detail
