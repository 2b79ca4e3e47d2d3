// The calls of row.hpp: check, canonicalise, select, run.
#include <mylos/row.hpp>

#include <cmath>
#include <limits>
#include <mylos/pointwise.hpp>

#include "core/checks.hpp"
#include "core/queue.hpp"
#include "row/canonical.hpp"
#include "row/run.hpp"

namespace mylos::detail {
namespace {

[[noreturn]] void fail_option(const char* function, const std::string& message) {
  throw Error(std::string("mylos::") + function + ": " + message);
}

void check_eps(const char* function, double eps) {
  if (!(eps >= 0)) fail_option(function, "eps: " + std::to_string(eps) + ", expected a number that is not negative");
}

void check_rank(const char* function, const Tensor& x, int least, int most) {
  if (x.rank < least || x.rank > most)
    fail(function, "x", x,
         "extents " + shape_of(x) + ", expected (N, C, ...) of rank " + std::to_string(least) + " to " +
             std::to_string(most));
}

/// All dimensions of x but one.
AxisMask all_but(const Tensor& x, int d) { return ((AxisMask{1} << x.rank) - 1) & ~(AxisMask{1} << d); }

void run(const char* function, const Execution& execution, RowArguments& arguments) {
  if (!arguments.finish()) return set_last_kernel("none");
  run_rows(function, execution, arguments.problem());
}

double epsilon_of(DType dtype) {
  return dtype == DType::f64 ? std::numeric_limits<double>::epsilon()
                             : static_cast<double>(std::numeric_limits<float>::epsilon());
}

}  // namespace

void softmax(const char* function, const Execution& execution, RowOperator op, const Tensor& x, const Tensor& y,
             const Axes& axes, const Chains& chains) {
  RowArguments arguments(function, on_device(execution), op, x, y, chains);
  arguments.set_axes(axis_mask(function, x, axes));
  run(function, execution, arguments);
}

void causal_softmax(const Execution& execution, const Tensor& x, const Tensor& y, std::int64_t diagonal,
                    const Chains& chains) {
  constexpr const char* function = "causal_softmax";
  RowArguments arguments(function, on_device(execution), RowOperator::softmax, x, y, chains);
  if (x.rank < 2) fail(function, "x", x, "extents " + shape_of(x) + ", expected (..., L, S)");
  arguments.set_axes(AxisMask{1} << (x.rank - 1));
  arguments.set_causal(diagonal);
  run(function, execution, arguments);
}

void axis_norm(const char* function, const Execution& execution, RowOperator op, const Tensor& x, const Tensor& y,
               const Axes& axes, const NormTensors& tensors, double eps, double exponent, const Chains& chains) {
  if (op == RowOperator::rms && eps == type_epsilon) eps = epsilon_of(x.dtype);
  check_eps(function, eps);
  if (op == RowOperator::lp && !(exponent > 0))
    fail_option(function, "p: " + std::to_string(exponent) + ", expected a positive number");
  if (op == RowOperator::lp && std::isinf(exponent)) op = RowOperator::linf;
  if (op == RowOperator::lp && exponent == 1) op = RowOperator::l1;
  if (op == RowOperator::lp && exponent == 2) op = RowOperator::l2;
  if (op == RowOperator::rms && given(tensors.mean))
    fail(function, "mean", tensors.mean, "is given, expected none: this operator takes no mean");
  RowArguments arguments(function, on_device(execution), op, x, y, chains);
  const AxisMask mask = axis_mask(function, x, axes);
  arguments.set_axes(mask);
  int dimensions[max_rank];
  int rank = 0;
  for (int d = 0; d < x.rank; ++d)
    if ((mask >> d & 1U) != 0) dimensions[rank++] = d;
  arguments.set_affine(tensors, dimensions, rank);
  arguments.set_statistics(tensors);
  arguments.problem().eps = eps;
  arguments.problem().exponent = exponent;
  run(function, execution, arguments);
}

void group_norm(const char* function, const Execution& execution, const Tensor& x, const Tensor& y, std::int64_t groups,
                const NormTensors& tensors, double eps, const Chains& chains) {
  const bool instance = groups == 0 && std::string(function) == "instance_norm";
  check_eps(function, eps);
  RowArguments arguments(function, on_device(execution), RowOperator::standardize, x, y, chains);
  check_rank(function, x, instance ? 3 : 2, max_rank - 1);
  const std::int64_t channels = x.extent[1];
  if (!instance && (groups < 1 || channels % groups != 0))
    fail(function, "x", x,
         std::to_string(channels) + " channels in " + shape_of(x) + ", expected a multiple of the " +
             std::to_string(groups) + " groups");
  if (instance && x.size() != 0 && x.size() == x.extent[0] * channels)
    fail(function, "x", x, "extents " + shape_of(x) + ", expected more than one value per channel");
  if (x.size() == 0) return set_last_kernel("none");
  arguments.split_dimension(1, instance ? channels : groups);
  arguments.set_axes(((AxisMask{1} << arguments.shape().rank) - 1) & ~AxisMask{3});
  // A channel is its group and its number in the group: weight and bias, (C), are split alike.
  arguments.set_channel_affine(tensors, channels);
  arguments.set_statistics(tensors);
  arguments.problem().eps = eps;
  run(function, execution, arguments);
}

void batch_norm_training(const Execution& execution, const Tensor& x, const Tensor& y, const NormTensors& tensors,
                         double momentum, double eps, const Chains& chains) {
  constexpr const char* function = "batch_norm_training";
  check_eps(function, eps);
  RowArguments arguments(function, on_device(execution), RowOperator::standardize, x, y, chains);
  check_rank(function, x, 2, max_rank);
  if (x.size() != 0 && x.size() == x.extent[1])
    fail(function, "x", x, "extents " + shape_of(x) + ", expected more than one value per channel");
  arguments.set_axes(all_but(x, 1));
  const int channel = 1;
  arguments.set_affine(tensors, &channel, 1);
  arguments.set_statistics(tensors);
  arguments.set_running(tensors, momentum);
  arguments.problem().eps = eps;
  run(function, execution, arguments);
}

void batch_norm(const Execution& execution, const Tensor& x, const Tensor& y, const NormTensors& tensors, double eps,
                const Chains& chains) {
  constexpr const char* function = "batch_norm";
  check_eps(function, eps);
  check_rank(function, x, 2, max_rank);
  if (!on_device(execution) && x.size() >= 64 * x.extent[0] * x.extent[1]) {
    // A thread keeps a row's constants; a chain would take a root for every value.
    RowArguments arguments(function, false, RowOperator::standardize, x, y, chains);
    arguments.set_axes(((AxisMask{1} << x.rank) - 1) & ~AxisMask{3});
    arguments.set_given(tensors.running_mean, tensors.running_variance);
    const int channel = 1;
    arguments.set_affine(tensors, &channel, 1);
    arguments.problem().eps = eps;
    return run(function, execution, arguments);
  }
  // Along the channels: (C) as (C, 1, ...).
  const auto along_channels = [&](const char* argument, const Tensor& t) {
    check_floating(function, argument, t);
    check_reachable(function, argument, t, on_device(execution));
    if (t.rank != 1 || t.extent[0] != x.extent[1])
      fail(function, argument, t, "extents " + shape_of(t) + ", expected (" + std::to_string(x.extent[1]) + ")");
    Tensor seen = t;
    seen.rank = static_cast<std::int8_t>(x.rank - 1);
    for (int d = 1; d < seen.rank; ++d) {
      seen.extent[d] = 1;
      seen.stride[d] = 0;
    }
    return seen;
  };
  const Tensor mean = along_channels("mean", tensors.running_mean);
  const Tensor variance = along_channels("variance", tensors.running_variance);
  Chain chain = chains.before;
  chain.append(steps::standardize(mean, variance, eps));
  if (given(tensors.weight)) chain.append(steps::mul(along_channels("weight", tensors.weight)));
  if (given(tensors.bias)) chain.append(steps::add(along_channels("bias", tensors.bias)));
  chain.append(chains.after);
  pointwise(function, execution, x, y, chain);
}

}  // namespace mylos::detail
