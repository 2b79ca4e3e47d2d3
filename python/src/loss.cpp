#include <mylos/loss.hpp>

#include "bind.hpp"

namespace mylos::python {
namespace {

using detail::LossId;

struct Options {
  nb::str reduction;
  const PyChain* before;
  Array out;
  double p = 0;
  double q = 0;
  nb::handle b = {};
  const char* b_name = "";
};

Result loss(LossId id, const char* function, Array input, Array target, const Options& o) {
  Call call(function);
  const Tensor x = call.input(input.handle, "input");
  const Tensor t = call.input(target.handle, "target");
  const Operand b = o.b.is_valid() ? call.operand(o.b, o.b_name) : Operand(0.0);
  const Chain before = call.chain(o.before);
  const LossReduction reduction = named("reduction", loss_reduction_names, o.reduction);
  const Extents extents = reduction == LossReduction::none ? Extents(x) : Extents();
  const Tensor y = call.output(o.out.handle, extents, x.dtype, &x);
  const detail::LossOptions options = {reduction, o.p, o.q, o.b.is_valid() ? &b : nullptr, o.b_name};
  return {call.run([&](const detail::Execution& exec) { detail::loss(id, function, exec, x, t, y, options, before); })};
}

std::string about(const char* formula) {
  return std::string(formula) +
         "\n\ninput: any shape and strides, f64, f32, f16 or bf16; target (and weights): broadcast to it. reduction: "
         "'mean',\n"
         "'sum', 'batch_mean' (a rank of 0), or 'none' (input's shape). `before` acts on input as it is read. Returns "
         "an\n"
         "array of input's element type, or `out`. Raises Error for shapes, element types and overlap.";
}

#define MYLOS_TAIL nb::arg("before").none() = none(), nb::arg("out").none() = none()
#define MYLOS_HEAD nb::arg("input"), nb::arg("target"), nb::arg("reduction") = "mean"

void bind_plain(nb::module_& m, const char* name, LossId id, const char* formula) {
  m.def(
      name,
      [name, id](Array input, Array target, const nb::str& reduction, const PyChain* before, Array out) {
        return loss(id, name, input, target, {reduction, before, out});
      },
      MYLOS_HEAD, nb::kw_only(), MYLOS_TAIL, documented(about(formula)));
}

void bind_parameter(nb::module_& m, const char* name, LossId id, const char* parameter, const char* formula) {
  m.def(
      name,
      [name, id](Array input, Array target, const nb::str& reduction, double p, const PyChain* before, Array out) {
        return loss(id, name, input, target, {reduction, before, out, p});
      },
      MYLOS_HEAD, nb::arg(parameter) = 1.0, nb::kw_only(), MYLOS_TAIL, documented(about(formula)));
}

void bind_weighted(nb::module_& m, const char* name, LossId id, const char* weight, const char* formula) {
  m.def(
      name,
      [name, id, weight](Array input, Array target, const nb::str& reduction, Value b, const PyChain* before,
                         Array out) {
        return loss(id, name, input, target, {reduction, before, out, 0, 0, b.handle, weight});
      },
      MYLOS_HEAD, nb::arg(weight) = 1.0, nb::kw_only(), MYLOS_TAIL, documented(about(formula)));
}

}  // namespace

void bind_loss(nb::module_& m) {
  bind_plain(m, "mse_loss", LossId::mse, "(input - target)^2");
  bind_plain(m, "l1_loss", LossId::l1, "|input - target|");
  bind_plain(m, "hinge_loss", LossId::hinge, "max(1 - input target, 0)");
  bind_parameter(m, "smooth_l1_loss", LossId::smooth_l1, "beta",
                 "d = |input - target|: d < beta ? d^2 / (2 beta) : d - beta / 2");
  bind_parameter(m, "huber_loss", LossId::huber, "delta",
                 "d = |input - target|: d <= delta ? d^2 / 2 : delta (d - delta / 2)");
  bind_parameter(m, "hinge_embedding_loss", LossId::hinge_embedding, "margin",
                 "target = 1: input; target = -1: max(0, margin - input)");
  bind_weighted(m, "binary_cross_entropy", LossId::bce, "weight",
                "-weight (target log input + (1 - target) log(1 - input))");
  bind_weighted(m, "binary_cross_entropy_with_logits", LossId::bce_logits, "pos_weight",
                "(1 - target) input + (1 + (pos_weight - 1) target) log(1 + e^-input)");
  m.def(
      "kl_div",
      [](Array input, Array target, const nb::str& reduction, bool log_target, const PyChain* before, Array out) {
        return loss(log_target ? LossId::kl_div_log : LossId::kl_div, "kl_div", input, target,
                    {reduction, before, out});
      },
      MYLOS_HEAD, nb::arg("log_target") = false, nb::kw_only(), MYLOS_TAIL,
      documented(about("target (log target - input); with log_target e^target (target - input)")));
  m.def(
      "poisson_nll_loss",
      [](Array input, Array target, const nb::str& reduction, bool log_input, bool full, double eps,
         const PyChain* before, Array out) {
        return loss(log_input ? LossId::poisson_nll_log : LossId::poisson_nll, "poisson_nll_loss", input, target,
                    {reduction, before, out, eps, full ? 1.0 : 0.0});
      },
      MYLOS_HEAD, nb::arg("log_input") = true, nb::arg("full") = false, nb::arg("eps") = 1e-8, nb::kw_only(),
      MYLOS_TAIL,
      documented(
          about("log_input: e^input - target input, else input - target log(input + eps); full: Stirling's term")));
  m.def(
      "gaussian_nll_loss",
      [](Array input, Array target, Value variance, const nb::str& reduction, bool full, double eps,
         const PyChain* before, Array out) {
        return loss(LossId::gaussian_nll, "gaussian_nll_loss", input, target,
                    {reduction, before, out, eps, full ? 1.0 : 0.0, variance.handle, "variance"});
      },
      nb::arg("input"), nb::arg("target"), nb::arg("variance"), nb::arg("reduction") = "mean", nb::arg("full") = false,
      nb::arg("eps") = 1e-6, nb::kw_only(), MYLOS_TAIL,
      documented(about("(log v + (input - target)^2 / v) / 2 with v = max(variance, eps); full: + log(2 pi) / 2")));
}

#undef MYLOS_TAIL
#undef MYLOS_HEAD

}  // namespace mylos::python
