// From a described reduction to a kernel: shared by the reductions and the losses.
#pragma once

#include <mylos/execution.hpp>
#include <string>

#include "reduce/problem.hpp"

namespace mylos::detail {

/// What a call gives: prepare's operands (losses) broadcast to x.
struct ReduceArguments {
  Tensor x;
  const char* x_name = "x";
  Tensor y;
  Tensor second;
  bool has_second = false;
  AxisMask axes = 0;
  const Tensor* operand[2] = {nullptr, nullptr};
  const char* operand_name[2] = {"", ""};
};

/// Checks memory, extents and overlap, chooses a kernel and runs it. The dtypes of x and y have been checked.
void run_reduction(const char* function, const Execution& execution, const ReduceArguments& arguments,
                   const Reduction& reduction, const Chain& before, const Chain& after);

/// The Kokkos kernels (generic.hpp), by the type that a problem is computed in.
void run_generic_f32(const Execution& execution, const std::string& label, const ReduceProblem& problem);
void run_generic_f64(const Execution& execution, const std::string& label, const ReduceProblem& problem);
void run_generic_i64(const Execution& execution, const std::string& label, const ReduceProblem& problem);

}  // namespace mylos::detail
