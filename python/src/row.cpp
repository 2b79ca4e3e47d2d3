#include <mylos/detail/row_call.hpp>

#include "bind.hpp"

namespace mylos::python {
namespace {

using detail::RowOperator;

constexpr const char* softmax_text =
    "\n\nx: any shape and strides, f64, f32, f16 or bf16. axis: an int, several, or None for all. Returns an array of "
    "x's\n"
    "shape and element type, or `out`, which may be x. The chain `before` acts on x on its way in and `after` on the\n"
    "result on its way out, in the same pass. Raises Error for axes, shapes, element types and partial overlap.";
constexpr const char* norm_text =
    "\n\nReturns an array of x's shape and element type, or `out`, which may be x. weight, bias: arrays, either or "
    "none.\n"
    "mean, rstd: arrays that receive the statistics, one element per row. `before` acts on x on its way in and `after` "
    "on\n"
    "the result. Raises Error for axes, shapes, element types and partial overlap.";

/// x, y and the chains: what every row operator has.
struct Row {
  Call call;
  Tensor x;
  Chain before;
  Chain after;

  Row(const char* function, Array array, const PyChain* in, const PyChain* out)
      : call(function), x(call.input(array.handle, "x")), before(call.chain(in)), after(call.chain(out)) {}

  detail::NormTensors tensors(Array weight, Array bias, Array mean, Array rstd) {
    detail::NormTensors it;
    it.weight = call.optional_input(weight.handle, "weight");
    it.bias = call.optional_input(bias.handle, "bias");
    it.mean = call.optional_output(mean.handle, "mean");
    it.rstd = call.optional_output(rstd.handle, "rstd");
    return it;
  }

  /// run(exec, y, chains)
  template <class F>
  Result run(Array out, const F& f) {
    const Tensor y = call.output(out.handle, Extents(x), x.dtype, &x);
    return {call.run([&](const detail::Execution& exec) { f(exec, y, detail::Chains{before, after}); })};
  }
};

void bind_softmax(nb::module_& m, const char* name, RowOperator op, bool negate, const std::string& text) {
  m.def(
      name,
      [name, op, negate](Array x, const Axes& axes, const PyChain* before, const PyChain* after, Array out) {
        Row row(name, x, before, after);
        if (negate) row.before.append(steps::neg());
        return row.run(out, [&](const detail::Execution& exec, const Tensor& y, const detail::Chains& chains) {
          detail::softmax(name, exec, op, row.x, y, axes, chains);
        });
      },
      nb::arg("x"), nb::arg("axis").none() = -1, nb::kw_only(), nb::arg("before").none() = none(),
      nb::arg("after").none() = none(), nb::arg("out").none() = none(), documented(text + softmax_text));
}

void bind_softmaxes(nb::module_& m) {
  bind_softmax(m, "softmax", RowOperator::softmax, false, "exp(x - max) / sum exp(x - max) along the axes.");
  bind_softmax(m, "log_softmax", RowOperator::log_softmax, false, "x - max - log(sum exp(x - max)) along the axes.");
  bind_softmax(m, "softmin", RowOperator::softmax, true, "softmax(-x) along the axes.");
  m.def(
      "causal_softmax",
      [](Array x, std::int64_t diagonal, const PyChain* before, const PyChain* after, Array out) {
        Row row("causal_softmax", x, before, after);
        return row.run(out, [&](const detail::Execution& exec, const Tensor& y, const detail::Chains& chains) {
          detail::causal_softmax(exec, row.x, y, diagonal, chains);
        });
      },
      nb::arg("x"), nb::arg("diagonal") = 0, nb::kw_only(), nb::arg("before").none() = none(),
      nb::arg("after").none() = none(), nb::arg("out").none() = none(),
      documented(
          std::string("softmax along the last axis of x (..., L, S), where in row i values j > i + diagonal count "
                      "as -inf.") +
          softmax_text));
}

#define MYLOS_AFFINE nb::arg("weight").none() = none(), nb::arg("bias").none() = none()
#define MYLOS_CHAINS nb::arg("before").none() = none(), nb::arg("after").none() = none(), nb::arg("out").none() = none()
#define MYLOS_STATISTICS nb::arg("mean").none() = none(), nb::arg("rstd").none() = none()

void bind_axis_norm(nb::module_& m, const char* name, RowOperator op, double eps, const std::string& text) {
  m.def(
      name,
      [name, op](Array x, const Axes& axes, Array weight, Array bias, double epsilon, Array mean, Array rstd,
                 const PyChain* before, const PyChain* after, Array out) {
        Row row(name, x, before, after);
        const detail::NormTensors tensors = row.tensors(weight, bias, mean, rstd);
        return row.run(out, [&](const detail::Execution& exec, const Tensor& y, const detail::Chains& chains) {
          detail::axis_norm(name, exec, op, row.x, y, axes, tensors, epsilon, 0, chains);
        });
      },
      nb::arg("x"), nb::arg("axis").none() = -1, MYLOS_AFFINE, nb::arg("eps") = eps, nb::kw_only(), MYLOS_STATISTICS,
      MYLOS_CHAINS, documented(text + norm_text));
}

void bind_channel_norms(nb::module_& m) {
  m.def(
      "group_norm",
      [](Array x, std::int64_t groups, Array weight, Array bias, double eps, Array mean, Array rstd,
         const PyChain* before, const PyChain* after, Array out) {
        Row row("group_norm", x, before, after);
        if (groups <= 0) row.call.refuse("groups", "it is " + std::to_string(groups) + ", 1 or more are expected");
        const detail::NormTensors tensors = row.tensors(weight, bias, mean, rstd);
        return row.run(out, [&](const detail::Execution& exec, const Tensor& y, const detail::Chains& chains) {
          detail::group_norm("group_norm", exec, row.x, y, groups, tensors, eps, chains);
        });
      },
      nb::arg("x"), nb::arg("groups"), MYLOS_AFFINE, nb::arg("eps") = 1e-5, nb::kw_only(), MYLOS_STATISTICS,
      MYLOS_CHAINS,
      documented(std::string("x (N, C, ...) by mean and variance of each of `groups` parts of the channels; weight and "
                             "bias (C), statistics (N, groups).") +
                 norm_text));
  m.def(
      "instance_norm",
      [](Array x, Array weight, Array bias, double eps, Array mean, Array rstd, const PyChain* before,
         const PyChain* after, Array out) {
        Row row("instance_norm", x, before, after);
        const detail::NormTensors tensors = row.tensors(weight, bias, mean, rstd);
        return row.run(out, [&](const detail::Execution& exec, const Tensor& y, const detail::Chains& chains) {
          detail::group_norm("instance_norm", exec, row.x, y, 0, tensors, eps, chains);
        });
      },
      nb::arg("x"), MYLOS_AFFINE, nb::arg("eps") = 1e-5, nb::kw_only(), MYLOS_STATISTICS, MYLOS_CHAINS,
      documented(std::string("x (N, C, ...) by mean and variance of each channel of each sample; weight and bias (C), "
                             "statistics (N, C).") +
                 norm_text));
}

void bind_batch_norms(nb::module_& m) {
  m.def(
      "batch_norm",
      [](Array x, Array mean, Array variance, Array weight, Array bias, double eps, const PyChain* before,
         const PyChain* after, Array out) {
        Row row("batch_norm", x, before, after);
        detail::NormTensors tensors;
        tensors.running_mean = row.call.input(mean.handle, "mean");
        tensors.running_variance = row.call.input(variance.handle, "variance");
        tensors.weight = row.call.optional_input(weight.handle, "weight");
        tensors.bias = row.call.optional_input(bias.handle, "bias");
        return row.run(out, [&](const detail::Execution& exec, const Tensor& y, const detail::Chains& chains) {
          detail::batch_norm(exec, row.x, y, tensors, eps, chains);
        });
      },
      nb::arg("x"), nb::arg("mean"), nb::arg("variance"), MYLOS_AFFINE, nb::arg("eps") = 1e-5, nb::kw_only(),
      MYLOS_CHAINS,
      documented(std::string("x (N, C, ...) by given mean and variance (C): inference. mean and variance are read.") +
                 norm_text));
  m.def(
      "batch_norm_training",
      [](Array x, Array running_mean, Array running_variance, Array weight, Array bias, double momentum, double eps,
         Array mean, Array rstd, const PyChain* before, const PyChain* after, Array out) {
        Row row("batch_norm_training", x, before, after);
        detail::NormTensors tensors = row.tensors(weight, bias, mean, rstd);
        tensors.running_mean = row.call.optional_output(running_mean.handle, "running_mean");
        tensors.running_variance = row.call.optional_output(running_variance.handle, "running_variance");
        return row.run(out, [&](const detail::Execution& exec, const Tensor& y, const detail::Chains& chains) {
          detail::batch_norm_training(exec, row.x, y, tensors, momentum, eps, chains);
        });
      },
      nb::arg("x"), nb::arg("running_mean").none() = none(), nb::arg("running_variance").none() = none(), MYLOS_AFFINE,
      nb::arg("momentum") = 0.1, nb::arg("eps") = 1e-5, nb::kw_only(), MYLOS_STATISTICS, MYLOS_CHAINS,
      documented(
          std::string("x (N, C, ...) by the mean and variance of the batch; the running ones (C) are updated where "
                      "given.") +
          norm_text));
}

// p > 0 where `given`, else the one of the name.
Result normalize(const char* name, RowOperator op, Array x, double p, const Axes& axes, double eps,
                 const PyChain* before, const PyChain* after, Array out) {
  Row row(name, x, before, after);
  return row.run(out, [&](const detail::Execution& exec, const Tensor& y, const detail::Chains& chains) {
    detail::axis_norm(name, exec, op, row.x, y, axes, {}, eps, p, chains);
  });
}

void bind_normalize(nb::module_& m, const char* name, RowOperator op, double p, const std::string& text) {
  m.def(
      name,
      [name, op, p](Array x, const Axes& axes, double eps, const PyChain* before, const PyChain* after, Array out) {
        return normalize(name, op, x, p, axes, eps, before, after, out);
      },
      nb::arg("x"), nb::arg("axis").none() = 1, nb::arg("eps") = 1e-12, nb::kw_only(), MYLOS_CHAINS,
      documented(text + softmax_text));
}

void bind_normalizes(nb::module_& m) {
  bind_normalize(m, "l1_normalize", RowOperator::l1, 1, "x / max(sum |x|, eps) along the axes.");
  bind_normalize(m, "l2_normalize", RowOperator::l2, 2, "x / max(sqrt(sum x^2), eps) along the axes.");
  m.def(
      "lp_normalize",
      [](Array x, double p, const Axes& axes, double eps, const PyChain* before, const PyChain* after, Array out) {
        return normalize("lp_normalize", RowOperator::lp, x, p, axes, eps, before, after, out);
      },
      nb::arg("x"), nb::arg("p"), nb::arg("axis").none() = 1, nb::arg("eps") = 1e-12, nb::kw_only(), MYLOS_CHAINS,
      documented(std::string("x / max((sum |x|^p)^(1/p), eps) along the axes, p > 0, infinity too.") + softmax_text));
  m.def(
      "frobenius_normalize",
      [](Array x, const PyChain* before, const PyChain* after, Array out) {
        return normalize("frobenius_normalize", RowOperator::l2, x, 2, Axes(), 0, before, after, out);
      },
      nb::arg("x"), nb::kw_only(), MYLOS_CHAINS,
      documented(std::string("x / sqrt(sum x^2) over the whole array.") + softmax_text));
  m.def(
      "local_response_norm",
      [](Array x, std::int64_t size, double alpha, double beta, double k, Array out) {
        Row row("local_response_norm", x, nullptr, nullptr);
        return row.run(out, [&](const detail::Execution& exec, const Tensor& y, const detail::Chains&) {
          detail::local_response_norm(exec, row.x, y, size, alpha, beta, k);
        });
      },
      nb::arg("x"), nb::arg("size"), nb::arg("alpha") = 1e-4, nb::arg("beta") = 0.75, nb::arg("k") = 1.0, nb::kw_only(),
      nb::arg("out").none() = none(),
      "x (N, C, ...) / (k + alpha / size * sum of x^2 over `size` neighbouring channels)^beta.\n\n"
      "Returns an array of x's shape and element type, or `out`, which may not overlap x. Raises Error for shapes,\n"
      "element types and overlap.");
}

#undef MYLOS_AFFINE
#undef MYLOS_CHAINS
#undef MYLOS_STATISTICS

}  // namespace

void bind_row(nb::module_& m) {
  bind_softmaxes(m);
  bind_axis_norm(
      m, "layer_norm", RowOperator::standardize, 1e-5,
      "(x - mean) / sqrt(variance + eps) * weight + bias along the axes; weight and bias have their extents.");
  bind_axis_norm(m, "rms_norm", RowOperator::rms, -1,
                 "x / sqrt(mean(x^2) + eps) * weight + bias along the axes; eps -1: the machine epsilon of x's type.");
  bind_channel_norms(m);
  bind_batch_norms(m);
  bind_normalizes(m);
}

}  // namespace mylos::python
