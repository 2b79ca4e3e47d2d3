#include "gemm/call.hpp"

namespace mylos::detail {
namespace {

constexpr int max_gemm_tensors = max_operands + 3;

/// What a dimension of the batch is to a matrix, an operand or one of the three tensors.
struct Part {
  std::int64_t* row;
  std::int64_t* column;
  Strides* batch;
  bool has_rows;     // moves along m
  bool has_columns;  // moves along n
};

Tensor leading(const Tensor& tensor) {
  Tensor lead = tensor;
  lead.rank = static_cast<std::int8_t>(tensor.rank - 2);
  return lead;
}

void remove_dimension(GemmProblem& p, Part* parts, int count, int d) {
  for (int e = d; e + 1 < p.batch.rank; ++e) {
    p.batch.extent[e] = p.batch.extent[e + 1];
    for (int t = 0; t < count; ++t) parts[t].batch->stride[e] = parts[t].batch->stride[e + 1];
  }
  --p.batch.rank;
}

/// Whether dimension d of the batch joins the rows (the columns) of the one product: b (a) must be the same along it,
/// and the others must go on where a matrix ends, or alternate with it.
bool fold(GemmProblem& p, Part* parts, int count, int d, bool rows) {
  std::int64_t& extent = rows ? p.m : p.n;
  const std::int64_t batches = p.batch.extent[d];
  bool outer = true;  // matrix after matrix
  bool inner = true;  // the batch is the faster of the two
  for (int t = 0; t < count; ++t) {
    const std::int64_t batch = parts[t].batch->stride[d];
    if (!(rows ? parts[t].has_rows : parts[t].has_columns)) {
      if (batch != 0) return false;
      continue;
    }
    const std::int64_t own = rows ? *parts[t].row : *parts[t].column;
    outer = outer && (extent == 1 || batch == own * extent);
    inner = inner && own == batch * batches;
  }
  if (!outer && !inner) return false;
  for (int t = 0; t < count; ++t) {
    std::int64_t& own = rows ? *parts[t].row : *parts[t].column;
    const bool moves = rows ? parts[t].has_rows : parts[t].has_columns;
    if (moves && (extent == 1 || !outer)) own = parts[t].batch->stride[d];
  }
  extent *= batches;
  p.batch.count /= batches;
  remove_dimension(p, parts, count, d);
  return true;
}

/// Strides of what broadcasts to `shape`, whose own leading dimensions broadcast to those of the batch.
GemmOperand strides_of(const Tensor& operand, const Tensor& shape) {
  GemmOperand strides;
  strides.row = broadcast_stride(operand, shape, shape.rank - 2);
  strides.column = broadcast_stride(operand, shape, shape.rank - 1);
  return strides;
}

/// `operand`, which broadcasts to `shape`, with shape's rank: extent 1 and stride 0 where it is broadcast.
Tensor of_rank(const Tensor& operand, const Tensor& shape) {
  Tensor whole = operand;
  whole.rank = shape.rank;
  for (int d = 0; d < shape.rank; ++d) {
    const int own = d - (shape.rank - operand.rank);
    whole.extent[d] = own < 0 ? 1 : operand.extent[own];
    whole.stride[d] = broadcast_stride(operand, shape, d);
  }
  return whole;
}

void set_matrix(GemmMatrix& matrix, const Tensor& tensor, MatrixStructure structure) {
  matrix.data = tensor.data;
  matrix.dtype = tensor.dtype;
  matrix.structure = structure;
  matrix.row = tensor.extent[tensor.rank - 2] == 1 ? 0 : tensor.stride[tensor.rank - 2];
  matrix.column = tensor.extent[tensor.rank - 1] == 1 ? 0 : tensor.stride[tensor.rank - 1];
}

}  // namespace

GemmProblem describe(const GemmCall& call, const Chain& before, const Chain& after) {
  GemmProblem p;
  p.m = call.c.extent[call.c.rank - 2];
  p.n = call.c.extent[call.c.rank - 1];
  p.k = call.options.alpha == 0 ? 0 : call.a.extent[call.a.rank - 1];
  p.alpha = call.options.alpha;
  p.beta = call.options.beta;
  p.precision = call.options.precision;
  p.determinism = call.options.determinism;
  p.prepared_b = call.prepared_b;
  p.before = &before;
  p.after = &after;
  set_matrix(p.a, call.a, call.options.a);
  set_matrix(p.b, call.b, call.options.b);
  set_matrix(p.c, call.c, MatrixStructure::general);

  Part parts[max_gemm_tensors] = {{&p.a.row, &p.a.column, &p.a.batch, true, false},
                                  {&p.b.row, &p.b.column, &p.b.batch, false, true},
                                  {&p.c.row, &p.c.column, &p.c.batch, true, true}};
  FixedVector<Tensor, max_gemm_tensors> lead;
  for (const Tensor* tensor : {&call.a, &call.b, &call.c}) lead.push_back(leading(*tensor));
  for (int o = 0; o < p.operand_count(); ++o) {
    const bool of_a = o < before.operand_count();
    const Tensor& shape = of_a ? call.a : call.c;
    const Tensor whole = of_rank(p.operand_tensor(o), shape);
    p.operand[o] = strides_of(whole, shape);
    parts[lead.size()] = {&p.operand[o].row, &p.operand[o].column, &p.operand[o].batch, true, !of_a};
    lead.push_back(leading(whole));
  }
  const int count = lead.size();
  BoxTensor list[max_gemm_tensors];
  for (int t = 0; t < count; ++t) list[t] = {&lead[t], parts[t].batch};
  p.batch = canonical_box(lead[2], list, count);
  for (int d = p.batch.rank - 1; d >= 0; --d)
    if (p.a.structure != MatrixStructure::general || !fold(p, parts, count, d, true))
      if (p.b.structure == MatrixStructure::general) fold(p, parts, count, d, false);
  return p;
}

Tensor with_unit_dimension(const Tensor& tensor, int at) {
  Tensor more = tensor;
  more.rank = static_cast<std::int8_t>(tensor.rank + 1);
  const int place = tensor.rank - at;
  for (int d = tensor.rank; d > place; --d) {
    more.extent[d] = tensor.extent[d - 1];
    more.stride[d] = tensor.stride[d - 1];
  }
  more.extent[place] = 1;
  more.stride[place] = 0;
  return more;
}

Tensor transposed(const Tensor& tensor) {
  Tensor other = tensor;
  const int last = tensor.rank - 1;
  other.extent[last] = tensor.extent[last - 1];
  other.extent[last - 1] = tensor.extent[last];
  other.stride[last] = tensor.stride[last - 1];
  other.stride[last - 1] = tensor.stride[last];
  return other;
}

}  // namespace mylos::detail
