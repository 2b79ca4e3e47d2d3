// A call of a matrix product before it is checked: every form of gemm.hpp becomes one.
#pragma once

#include <mylos/detail/gemm_call.hpp>

#include "gemm/problem.hpp"

namespace mylos::detail {

/// a (..., m, k), b (..., k, n), c (..., m, n): views of the caller's tensors, which messages name as he knows them.
struct GemmCall {
  const char* function;
  const char* a_name;
  const char* b_name;
  const char* c_name;
  Tensor a;
  Tensor b;
  Tensor c;
  const void* prepared_b;
  GemmOptions options;
};

/// Checks everything but what the forms of gemm.hpp check in their own words, and runs it.
void run_gemm(const Execution& execution, const GemmCall& call, const Chain& before, const Chain& after);

/// The canonical problem of a checked call, which has no extent of 0 but k.
GemmProblem describe(const GemmCall& call, const Chain& before, const Chain& after);

/// The tensor with a further dimension of extent 1 at `at`, counted from the end: 0 is behind the last one.
Tensor with_unit_dimension(const Tensor& tensor, int at);

/// A matrix seen from its other side: the last two dimensions exchanged.
Tensor transposed(const Tensor& tensor);

}  // namespace mylos::detail
