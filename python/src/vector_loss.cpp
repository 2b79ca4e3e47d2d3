#include <mylos/detail/vector_loss_call.hpp>

#include "bind.hpp"

namespace mylos::python {
namespace {

using ClassLoss = void (*)(const detail::Execution&, const Tensor&, const Tensor&, const Tensor&, LossReduction,
                           const detail::ClassArguments&, const Chain&);

/// One element per row, or one in all.
Extents rows(const Tensor& x, int axis, LossReduction reduction) {
  return reduction == LossReduction::none ? reduced(x, &axis, 1, false) : Extents();
}

struct ClassOptions {
  nb::str reduction;
  Array weight;
  std::int64_t ignore_index;
  double label_smoothing;
  int axis;
  Array status;
  const PyChain* before;
};

Result class_loss(ClassLoss run, const char* function, Array input, Array target, const ClassOptions& o, Array out) {
  Call call(function);
  const Tensor x = call.input(input.handle, "input");
  const Tensor t = call.input(target.handle, "target");
  const Chain before = call.chain(o.before);
  const detail::ClassArguments arguments = {call.optional_input(o.weight.handle, "weight"),
                                            call.optional_output(o.status.handle, "status"), o.ignore_index,
                                            o.label_smoothing, o.axis};
  const LossReduction reduction = named("reduction", loss_reduction_names, o.reduction);
  const int axis = x.rank == 1 ? 0 : o.axis;
  const Tensor y = call.output(out.handle, rows(x, axis, reduction), x.dtype);
  return {call.run([&](const detail::Execution& exec) { run(exec, x, t, y, reduction, arguments, before); })};
}

std::string about(const char* formula) {
  return std::string(formula) +
         "\n\ninput: scores (N, C, d1, ...) or (C), the classes along `axis`; target: class indices, int64 or int32, "
         "(N, d1,\n"
         "...). weight (C). reduction: 'mean', 'sum' (a rank of 0) or 'none' (one per row). A class index out of "
         "range\n"
         "raises Error on the host; on a device its loss is NaN and `status`, an int32 of rank 0, becomes 1. `before` "
         "acts\n"
         "on the scores. Returns an array of input's element type, or `out`. Raises Error for shapes, element types, "
         "overlap.";
}

}  // namespace

void bind_vector_loss(nb::module_& m) {
  m.def(
      "cross_entropy",
      [](Array input, Array target, const nb::str& reduction, Array weight, std::int64_t ignore_index,
         double label_smoothing, int axis, Array status, const PyChain* before, Array out) {
        return class_loss(detail::cross_entropy, "cross_entropy", input, target,
                          {reduction, weight, ignore_index, label_smoothing, axis, status, before}, out);
      },
      nb::arg("input"), nb::arg("target"), nb::arg("reduction") = "mean", nb::kw_only(),
      nb::arg("weight").none() = none(), nb::arg("ignore_index") = -100, nb::arg("label_smoothing") = 0.0,
      nb::arg("axis") = 1, nb::arg("status").none() = none(), nb::arg("before").none() = none(),
      nb::arg("out").none() = none(),
      documented(about("weight[t] (log sum e^x - x[t]); or, for a target of input's shape, of probabilities.")));
  m.def(
      "nll_loss",
      [](Array input, Array target, const nb::str& reduction, Array weight, std::int64_t ignore_index, int axis,
         Array status, const PyChain* before, Array out) {
        return class_loss(detail::nll_loss, "nll_loss", input, target,
                          {reduction, weight, ignore_index, 0, axis, status, before}, out);
      },
      nb::arg("input"), nb::arg("target"), nb::arg("reduction") = "mean", nb::kw_only(),
      nb::arg("weight").none() = none(), nb::arg("ignore_index") = -100, nb::arg("axis") = 1,
      nb::arg("status").none() = none(), nb::arg("before").none() = none(), nb::arg("out").none() = none(),
      documented(about("-weight[t] x[t], x being logarithms of probabilities.")));
  m.def(
      "cosine_similarity",
      [](Array x1, Array x2, int axis, double eps, Array out) {
        Call call("cosine_similarity");
        const Tensor a = call.input(x1.handle, "x1");
        const Tensor b = call.input(x2.handle, "x2");
        const Tensor y = call.output(out.handle, reduced(a, &axis, 1, false), a.dtype);
        return Result{
            call.run([&](const detail::Execution& exec) { detail::cosine_similarity(exec, a, b, y, axis, eps); })};
      },
      nb::arg("x1"), nb::arg("x2"), nb::arg("axis") = 1, nb::arg("eps") = 1e-8, nb::kw_only(),
      nb::arg("out").none() = none(),
      "x1 x2 / (max(|x1|, eps) max(|x2|, eps)) along the axis.\n\n"
      "x2 broadcasts to x1. Returns an array of x1's shape without the axis and its element type, or `out`. Raises "
      "Error\n"
      "for shapes, element types and overlap.");
  m.def(
      "cosine_embedding_loss",
      [](Array x1, Array x2, Array target, const nb::str& reduction, double margin, Array out) {
        Call call("cosine_embedding_loss");
        const Tensor a = call.input(x1.handle, "x1");
        const Tensor b = call.input(x2.handle, "x2");
        const Tensor t = call.input(target.handle, "target");
        const LossReduction how = named("reduction", loss_reduction_names, reduction);
        const Tensor y = call.output(out.handle, rows(a, -1, how), a.dtype);
        return Result{call.run(
            [&](const detail::Execution& exec) { detail::cosine_embedding_loss(exec, a, b, t, y, how, margin); })};
      },
      nb::arg("x1"), nb::arg("x2"), nb::arg("target"), nb::arg("reduction") = "mean", nb::arg("margin") = 0.0,
      nb::kw_only(), nb::arg("out").none() = none(),
      "With c the cosine similarity along the last axis: 1 - c where target is 1, max(c - margin, 0) where it is "
      "-1.\n\n"
      "x1 (..., K), x2 broadcasts to it, target (...). reduction: 'mean', 'sum' or 'none'. Returns an array of x1's "
      "element\n"
      "type, or `out`. Raises Error for shapes, element types and overlap.");
  m.def(
      "triplet_margin_loss",
      [](Array anchor, Array positive, Array negative, const nb::str& reduction, double margin, double p, double eps,
         bool swap, Array out) {
        Call call("triplet_margin_loss");
        const Tensor a = call.input(anchor.handle, "anchor");
        const Tensor b = call.input(positive.handle, "positive");
        const Tensor c = call.input(negative.handle, "negative");
        const LossReduction how = named("reduction", loss_reduction_names, reduction);
        const Tensor y = call.output(out.handle, rows(a, -1, how), a.dtype);
        const detail::TripletArguments arguments = {margin, p, eps, swap};
        return Result{call.run(
            [&](const detail::Execution& exec) { detail::triplet_margin_loss(exec, a, b, c, y, how, arguments); })};
      },
      nb::arg("anchor"), nb::arg("positive"), nb::arg("negative"), nb::arg("reduction") = "mean",
      nb::arg("margin") = 1.0, nb::arg("p") = 2.0, nb::arg("eps") = 1e-6, nb::arg("swap") = false, nb::kw_only(),
      nb::arg("out").none() = none(),
      "max(margin + d(anchor, positive) - d(anchor, negative), 0), d the p-norm of the difference along the last "
      "axis.\n\n"
      "anchor (..., K), the others broadcast to it. swap: d(positive, negative) where that is smaller. reduction: "
      "'mean',\n"
      "'sum' or 'none'. Returns an array of anchor's element type, or `out`. Raises Error for shapes, element types, "
      "overlap.");
}

}  // namespace mylos::python
