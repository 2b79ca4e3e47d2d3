// What row.hpp calls: the library's own functions, which are not templates. Free of Kokkos and vendor headers, but for
// Execution.
#pragma once

#include <cstdint>

#include <mylos/axes.hpp>
#include <mylos/chain.hpp>

namespace mylos::detail {

struct Execution;

/// What is done with a row: a statistic and a map (policy.hpp).
enum class RowOperator : std::uint8_t {
  softmax,      // exp(x - max) / sum exp(x - max)
  log_softmax,  // x - max - log(sum exp(x - max))
  standardize,  // (x - mean) / sqrt(variance + eps): layer, group, instance and batch norm
  rms,          // x / sqrt(mean(x^2) + eps)
  l1,           // x / max(sum |x|, eps)
  l2,           // x / max(sqrt(sum x^2), eps)
  lp,           // x / max((sum |x|^p)^(1/p), eps)
  linf          // x / max(max |x|, eps)
};

/// The tensors of a normalisation besides x and y, each optional: not given where the pointer is null and the rank 0.
struct NormTensors {
  Tensor weight;
  Tensor bias;
  Tensor mean;
  Tensor rstd;
  Tensor running_mean;
  Tensor running_variance;
};

struct Chains {
  const Chain& before;
  const Chain& after;
};

void softmax(const char* function, const Execution& exec, RowOperator op, const Tensor& x, const Tensor& y,
             const Axes& axes, const Chains& chains);
void causal_softmax(const Execution& exec, const Tensor& x, const Tensor& y, std::int64_t diagonal,
                    const Chains& chains);
void axis_norm(const char* function, const Execution& exec, RowOperator op, const Tensor& x, const Tensor& y,
               const Axes& axes, const NormTensors& tensors, double eps, double exponent, const Chains& chains);
/// groups = 0: as many as there are channels (instance norm).
void group_norm(const char* function, const Execution& exec, const Tensor& x, const Tensor& y, std::int64_t groups,
                const NormTensors& tensors, double eps, const Chains& chains);
void batch_norm(const Execution& exec, const Tensor& x, const Tensor& y, const NormTensors& tensors, double eps,
                const Chains& chains);
void batch_norm_training(const Execution& exec, const Tensor& x, const Tensor& y, const NormTensors& tensors,
                         double momentum, double eps, const Chains& chains);
void local_response_norm(const Execution& exec, const Tensor& x, const Tensor& y, std::int64_t size, double alpha,
                         double beta, double k);

}  // namespace mylos::detail
