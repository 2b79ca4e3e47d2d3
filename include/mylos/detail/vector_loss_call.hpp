// What vector_loss.hpp calls: the library's own functions, which are not templates. Free of Kokkos and vendor headers,
// but for Execution.
#pragma once

#include <mylos/chain.hpp>
#include <mylos/loss_reduction.hpp>

namespace mylos::detail {

struct Execution;

/// Tensors that are not given have a null pointer and rank 0.
struct ClassArguments {
  Tensor weight;
  Tensor status;
  std::int64_t ignore_index;
  double label_smoothing;
  int axis;
};

struct TripletArguments {
  double margin;
  double p;
  double eps;
  bool swap;
};

void cross_entropy(const Execution& exec, const Tensor& input, const Tensor& target, const Tensor& y,
                   LossReduction reduction, const ClassArguments& arguments, const Chain& before);
void nll_loss(const Execution& exec, const Tensor& input, const Tensor& target, const Tensor& y,
              LossReduction reduction, const ClassArguments& arguments, const Chain& before);
void cosine_similarity(const Execution& exec, const Tensor& x1, const Tensor& x2, const Tensor& y, int axis,
                       double eps);
void cosine_embedding_loss(const Execution& exec, const Tensor& x1, const Tensor& x2, const Tensor& target,
                           const Tensor& y, LossReduction reduction, double margin);
void triplet_margin_loss(const Execution& exec, const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                         const Tensor& y, LossReduction reduction, const TripletArguments& arguments);

}  // namespace mylos::detail
