// A loss of vectors as its candidates see it: the box of a reduction along one axis, and what becomes of its rows.
#pragma once

#include <mylos/detail/vector_loss_call.hpp>

#include "reduce/problem.hpp"

namespace mylos::detail {

/// What is accumulated along the axis (reducer.hpp).
enum class VectorLoss : std::uint8_t {
  scores,           // log sum e^x
  weighted_scores,  // and sums of weighted scores: label smoothing, probabilities
  nothing,          // a row's loss is one of its scores
  cosine,
  triplet,
};

/// What a row's loss is made of.
enum class RowEnd : std::uint8_t { class_index, probabilities, similarity, embedding, triplet };

enum class NormKind : std::uint8_t { one, two, infinite, power };

/// a, b, target, weight: numbers of operands of the box, -1 where there is none. a and b are read along the axis beside
/// x: probabilities and class weights, or the other embeddings. target has one element per row; weight one per class,
/// of which a row takes its target's.
struct VectorLossOptions {
  VectorLoss loss = VectorLoss::scores;
  RowEnd end = RowEnd::class_index;
  LossReduction reduction = LossReduction::mean;
  NormKind norm = NormKind::two;
  DType total_dtype = DType::f32;
  std::int8_t a = -1;
  std::int8_t b = -1;
  std::int8_t target = -1;
  std::int8_t weight = -1;
  bool swap = false;
  std::int64_t ignore_index = 0;
  double smoothing = 0;
  double share = 1;  // of a in a class's probability, `spread` being added
  double spread = 0;
  double margin = 0;
  double p = 2;
  double eps = 0;
  std::int32_t* status = nullptr;
  void* total = nullptr;  // where sum and mean go

  MYLOS_HOST_DEVICE bool per_row() const { return reduction == LossReduction::none; }
};

/// Operands of the box: those of `before`, then those of the options. y[0]: one element per row, where there is no sum.
struct VectorLossProblem {
  ReduceProblem box;
  VectorLossOptions options;
};

template <VectorLoss L>
using VectorLossConstant = std::integral_constant<VectorLoss, L>;

/// Calls visit(VectorLossConstant<L>(), T()).
template <class Visit>
void with_vector_loss(const VectorLossProblem& problem, const Visit& visit) {
  const auto with_type = [&](auto loss) {
    problem.box.compute == Compute::f64 ? visit(loss, double()) : visit(loss, float());
  };
  switch (problem.options.loss) {
    case VectorLoss::scores:
      return with_type(VectorLossConstant<VectorLoss::scores>());
    case VectorLoss::weighted_scores:
      return with_type(VectorLossConstant<VectorLoss::weighted_scores>());
    case VectorLoss::nothing:
      return with_type(VectorLossConstant<VectorLoss::nothing>());
    case VectorLoss::cosine:
      return with_type(VectorLossConstant<VectorLoss::cosine>());
    case VectorLoss::triplet:
      return with_type(VectorLossConstant<VectorLoss::triplet>());
  }
}

}  // namespace mylos::detail
