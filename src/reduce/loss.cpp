#include <mylos/loss.hpp>

#include "core/checks.hpp"
#include "reduce/run.hpp"

namespace mylos::detail {
namespace {

Prepare prepare_of(LossId id, double p) {
  switch (id) {
    case LossId::mse:
      return Prepare::mse;
    case LossId::l1:
      return Prepare::l1;
    case LossId::smooth_l1:
      return p == 0 ? Prepare::l1 : Prepare::smooth_l1;
    case LossId::huber:
      return Prepare::huber;
    case LossId::bce:
      return Prepare::bce;
    case LossId::bce_logits:
      return Prepare::bce_logits;
    case LossId::kl_div:
      return Prepare::kl_div;
    case LossId::kl_div_log:
      return Prepare::kl_div_log;
    case LossId::hinge:
      return Prepare::hinge;
    case LossId::hinge_embedding:
      return Prepare::hinge_embedding;
    case LossId::poisson_nll:
      return Prepare::poisson_nll;
    case LossId::poisson_nll_log:
      return Prepare::poisson_nll_log;
    case LossId::gaussian_nll:
      return Prepare::gaussian_nll;
  }
  return Prepare::none;
}

void check_parameter(const char* function, LossId id, double p) {
  if (id == LossId::smooth_l1 && !(p >= 0))
    throw Error(std::string("mylos::") + function + ": beta: " + std::to_string(p) + ", expected at least 0");
  if (id == LossId::huber && !(p > 0))
    throw Error(std::string("mylos::") + function + ": delta: " + std::to_string(p) + ", expected more than 0");
}

double divisor_of(LossReduction reduction, const Tensor& input) {
  if (reduction == LossReduction::mean) return static_cast<double>(input.size());
  return input.rank == 0 ? 1.0 : static_cast<double>(input.extent[0]);
}

/// y of any rank with extents 1 as one of rank 0.
Tensor single(const Tensor& y) {
  Tensor one = y;
  for (int d = 0; d < y.rank; ++d)
    if (y.extent[d] != 1) return y;
  one.rank = 0;
  return one;
}

}  // namespace

void loss(LossId id, const char* function, const Execution& execution, const Tensor& input, const Tensor& target,
          const Tensor& y, const LossOptions& options, const Chain& before) {
  check_floating(function, "input", input);
  check_floating(function, "y", y);
  check_parameter(function, id, options.p);
  const bool none = options.reduction == LossReduction::none;
  ReduceArguments a;
  a.x = input;
  a.x_name = "input";
  a.y = none ? y : single(y);
  a.axes = none ? 0 : axis_mask(function, input, Axes());
  a.operand[0] = &target;
  a.operand_name[0] = "target";
  Reduction reduction;
  reduction.prepare = prepare_of(id, options.p);
  reduction.p = options.p;
  reduction.q = options.q;
  if (options.b != nullptr && options.b->is_tensor()) {
    a.operand[1] = &options.b->tensor();
    a.operand_name[1] = options.b_name;
  } else if (options.b != nullptr) {
    reduction.b = options.b->scalar();
  }
  const bool divides = options.reduction == LossReduction::mean || options.reduction == LossReduction::batch_mean;
  reduction.finish = divides ? Finish::mean : Finish::sum;
  if (divides) reduction.finish_p = divisor_of(options.reduction, input);
  run_reduction(function, execution, a, reduction, before, Chain());
}

}  // namespace mylos::detail
