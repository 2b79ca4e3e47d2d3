// One builder for each family of operators: a new operator is a line in a suite's table.
#pragma once

#include "suite/cases/judge.hpp"

#include <mylos/mylos.hpp>

namespace mylos::bench {

/// A suite's name, a case's name and its dtype: what every case begins with.
struct Title {
  std::string suite;
  std::string name;
  std::string op;
  DType dtype = DType::f32;
};

inline CaseSpec case_spec(const Title& title, std::string family, std::string shape, Layout layout = Layout::right) {
  CaseSpec spec;
  spec.suite = title.suite;
  spec.name = title.name;
  spec.op = title.op;
  spec.dtype = title.dtype;
  spec.family = std::move(family);
  spec.shape = std::move(shape);
  spec.layout = layout;
  return spec;
}

/// A chain over the tensors of a case: x and y first, then its operands.
using MakeChain = std::function<Chain(const Tensors&)>;
inline MakeChain always(const Chain& chain) {
  return [chain](const Tensors&) { return chain; };
}

// ---- map ------------------------------------------------------------------------------------------------------------

struct MapArguments {
  MakeChain chain;
  std::vector<TensorSpec> operands{};  // those that the chain names, in its order: their extents broadcast to x's
  Content content{};
  Layout layout = Layout::right;
  /// In place of map(chain): an operator that is this chain by another name.
  std::function<void(const Exec&, const Tensors&)> call{};
};
CaseSpec map_case(const Title& title, const Shape& shape, const MapArguments& arguments);

// ---- row ------------------------------------------------------------------------------------------------------------

struct RowArguments {
  mylos::detail::RowOperator op;
  std::function<void(const Exec&, const Tensors&)> call;
  std::vector<int> axes{-1};
  double eps = 0;
  /// x seen with these extents, along whose `axes` the rows lie, and whose `affine` dimensions number weights and
  /// biases.
  std::function<Shape(const Shape&)> view{};
  std::vector<int> affine{};
  Chain before{};
  Chain after{};
  std::vector<TensorSpec> further{};  // after x and y: weight and bias first, where `affine` names dimensions
  Layout layout = Layout::right;
};
CaseSpec row_case(const Title& title, const Shape& shape, const RowArguments& arguments);

/// softmax, log_softmax along an axis
CaseSpec softmax_case(const Title& title, const Shape& shape, bool log = false, int axis = -1, const Chain& before = {},
                      Layout layout = Layout::right);
/// Along the last `dims` dimensions, or along one axis (dims = 0), with weight and bias.
CaseSpec layer_norm_case(const Title& title, const Shape& shape, int dims, int axis = -1,
                         Layout layout = Layout::right);
/// groups 0: instance norm, without weight and bias
CaseSpec group_norm_case(const Title& title, const Shape& shape, std::int64_t groups);
/// With running statistics.
CaseSpec batch_norm_training_case(const Title& title, const Shape& shape);
CaseSpec rms_norm_case(const Title& title, const Shape& shape, int axis, double eps);
CaseSpec l1_mean_case(const Title& title, const Shape& shape);  // x / mean |x| along axis 1
CaseSpec l2_normalize_case(const Title& title, const Shape& shape);
CaseSpec frobenius_case(const Title& title, const Shape& shape);

// ---- reduce ---------------------------------------------------------------------------------------------------------

/// axes {}: all. The reductions of reductions.def with one output; positions are i64.
CaseSpec reduce_case(const Title& title, const Shape& shape, ReductionId id, const std::vector<int>& axes,
                     Layout layout = Layout::right);

// ---- scan -----------------------------------------------------------------------------------------------------------

CaseSpec scan_case(const Title& title, const Shape& shape, mylos::detail::ScanId id, int axis, Scan scan = {},
                   bool masked = false, Layout layout = Layout::right);

// ---- loss -----------------------------------------------------------------------------------------------------------

enum class PointLoss : std::uint8_t { mse, smooth_l1, hinge, kl_div_of_probabilities };
/// The mean (kl_div: the sum divided by the rows) over input and target; target (n) where `target_row`.
CaseSpec loss_case(const Title& title, const Shape& shape, PointLoss loss, bool target_row = false);
/// Scores (rows, classes) and class indices; the mean.
CaseSpec cross_entropy_case(const Title& title, const Shape& shape);
/// Three matrices of (rows, n), margin 1, 2-norm; the mean.
CaseSpec triplet_case(const Title& title, const Shape& shape);

// ---- contract -------------------------------------------------------------------------------------------------------

/// c = a b for `batch` (any leading extents): a (batch..., m, k), b (batch..., k, n) or, without b_batched, (k, n).
struct Product {
  Shape batch{};
  std::int64_t m = 1;
  std::int64_t n = 1;
  std::int64_t k = 1;
  bool b_batched = false;
  bool a_turned = false;  // given as (..., k, m), and seen turned
  bool b_turned = false;
  MatrixStructure a = MatrixStructure::general;
  MatrixStructure b = MatrixStructure::general;

  double flops() const;
  std::string text() const;
};
CaseSpec gemm_case(const Title& title, const Product& product);
/// y (m) = a (m, k) x (k)
CaseSpec gemv_case(const Title& title, std::int64_t m, std::int64_t k);
/// diag(d) b for b of this shape
CaseSpec diagonal_case(const Title& title, const Shape& shape);
/// y = gelu(x w^T + bias), and softmax of that along the rows; shape (m, n, k)
CaseSpec linear_gelu_softmax_case(const Title& title, std::int64_t m, std::int64_t n, std::int64_t k, bool prepared);
/// The vendors' products on the same tensors.
void add_gemm_peers(Cases& cases, const CaseSpec& spec, const Product& product);

// ---- vendors' libraries beside softmax, activations and batch norm along the usual axes ----------------------------

/// Nothing where the library was not found or lacks the operator.
void add_vendor_peers(Cases& cases, const CaseSpec& spec);

// ---- mlp ------------------------------------------------------------------------------------------------------------

/// A network of these widths over `samples`, `chain` after every layer but the last; the samples fastest or slowest.
CaseSpec mlp_case(const Title& title, std::int64_t samples, const std::vector<std::int64_t>& widths, const Chain& chain,
                  bool samples_fastest);

// ---- plain Kokkos, as most write it
// -----------------------------------------------------------------------------------

/// One element at a time over a range.
Bind plain_selu();
Bind plain_leaky_relu();
/// A team for each row: maximum, sum, quotient. gelu on the way in.
Bind plain_gelu_softmax();

}  // namespace mylos::bench
