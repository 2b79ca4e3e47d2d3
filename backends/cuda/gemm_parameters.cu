#include "cuda/gemm_parameters.cuh"

#include <algorithm>

namespace mylos::cuda {
namespace {

void copy_batch(const detail::Box& box, const detail::Strides& from, std::int64_t* to) {
  for (int d = 0; d < max_rank; ++d) to[d] = d < box.rank ? from.stride[d] : 0;
}

GemmFactor make_factor(const GemmProblem& problem, const detail::GemmMatrix& matrix, bool is_a) {
  GemmFactor factor{};
  factor.data = static_cast<const float*>(matrix.data);
  factor.rows = is_a ? problem.m : problem.n;
  factor.row = is_a ? matrix.row : matrix.column;
  factor.depth = is_a ? matrix.column : matrix.row;
  factor.is_a = is_a;
  factor.is_chained = is_a && !problem.before->empty();
  factor.structure = is_a ? matrix.structure : transposed(matrix.structure);
  copy_batch(problem.batch, matrix.batch, factor.batch);
  return factor;
}

}  // namespace

GemmParameters make_gemm_parameters(const GemmProblem& problem) {
  GemmParameters p{};
  // A single row has no distance from the next, and the two ways round differ in the order of the halves' products.
  const bool transposed = problem.determinism == Determinism::run_to_run && problem.c.column != 1 && problem.c.row == 1;
  p.k = p.k_total = problem.k;
  p.batches = p.slice_batches = problem.batch.count;
  p.batch.rank = problem.batch.rank;
  for (int d = 0; d < problem.batch.rank; ++d) p.batch.extent[d] = detail::Divider(problem.batch.extent[d]);
  p.factor[transposed ? 1 : 0] = make_factor(problem, problem.a, true);
  p.factor[transposed ? 0 : 1] = make_factor(problem, problem.b, false);
  p.c = static_cast<float*>(problem.c.data);
  p.c_row = transposed ? problem.c.column : problem.c.row;
  p.c_column = transposed ? problem.c.row : problem.c.column;
  copy_batch(problem.batch, problem.c.batch, p.c_batch);
  p.alpha = static_cast<float>(problem.alpha);
  p.beta = static_cast<float>(problem.beta);
  p.before = detail::lower<float>(*problem.before);
  p.after = detail::lower<float>(*problem.after);
  p.after_operands = problem.before->operand_count();
  for (int o = 0; o < p.after_operands + problem.after->operand_count(); ++o) {
    const detail::GemmOperand& operand = problem.operand[o];
    GemmTensor& to = p.operand[o];
    to.data = problem.operand_tensor(o).data;
    to.dtype = problem.operand_tensor(o).dtype;
    to.row = operand.row;
    to.column = operand.column;
    if (transposed && o >= p.after_operands) std::swap(to.row, to.column);
    copy_batch(problem.batch, operand.batch, to.batch);
  }
  return p;
}

}  // namespace mylos::cuda
