#include "cuda/row_parameters.cuh"

namespace mylos::cuda {
namespace {

void copy_strides(const detail::Strides& from, int rank, std::int64_t* to) {
  for (int d = 0; d < max_rank; ++d) to[d] = d < rank ? from.stride[d] : 0;
}

RowOperand make_operand(const RowProblem& problem, const void* data, DType dtype, const detail::Strides& strides) {
  RowOperand operand;
  operand.data = data;
  operand.dtype = dtype;
  const auto run = problem.axis_stride(strides);
  const int rank = problem.rows.rank + problem.axis.rank;
  operand.is_run = run.has_value();
  operand.step = operand.is_run ? *run : strides.stride[rank - 1];
  copy_strides(strides, rank, operand.stride);
  return operand;
}

RowValue make_value(const RowProblem& problem, const detail::RowTensor& tensor) {
  RowValue value;
  value.data = tensor.data;
  value.dtype = tensor.dtype;
  copy_strides(tensor.strides, problem.rows.rank, value.stride);
  return value;
}

RowOperand make_affine(const RowProblem& problem, const detail::RowTensor& tensor) {
  return make_operand(problem, tensor.data, tensor.dtype, tensor.strides);
}

/// The operands of `before` come first.
template <class T>
detail::LoweredChain<T> lower_after(const RowProblem& problem) {
  auto after = detail::lower<T>(*problem.after);
  for (int s = 0; s < after.size; ++s)
    for (std::int8_t& tensor : after.step[s].tensor)
      if (tensor >= 0) tensor = static_cast<std::int8_t>(tensor + problem.before->operand_count());
  return after;
}

}  // namespace

template <class T>
RowParameters<T> make_row_parameters(const RowProblem& problem) {
  RowParameters<T> p;
  p.x = problem.x.data;
  p.y = problem.y.data;
  p.x_dtype = problem.x.dtype;
  p.y_dtype = problem.y.dtype;
  p.op = problem.op;
  p.is_causal = problem.is_causal;
  p.rows_rank = problem.rows.rank;
  p.axis_rank = problem.axis.rank;
  p.rows = problem.rows.count;
  p.length = problem.axis.count;
  const int rank = p.rows_rank + p.axis_rank;
  for (int d = 0; d < rank; ++d)
    p.extent[d] = detail::Divider(d < p.rows_rank ? problem.rows.extent[d] : problem.axis.extent[d - p.rows_rank]);
  copy_strides(problem.x.strides, rank, p.x_stride);
  copy_strides(problem.y.strides, rank, p.y_stride);
  p.causal_limit = problem.causal_limit;
  copy_strides(problem.causal, p.rows_rank, p.causal_stride);
  p.eps = static_cast<T>(problem.eps);
  p.exponent = static_cast<T>(problem.exponent);
  p.momentum = static_cast<T>(problem.momentum);
  p.mean = make_value(problem, problem.mean);
  p.rstd = make_value(problem, problem.rstd);
  p.running_mean = make_value(problem, problem.running_mean);
  p.running_variance = make_value(problem, problem.running_variance);
  p.weight = make_affine(problem, problem.weight);
  p.bias = make_affine(problem, problem.bias);
  p.before = detail::lower<T>(*problem.before);
  p.after = lower_after<T>(problem);
  p.operands = problem.operand_count();
  for (int o = 0; o < p.operands; ++o) {
    const Tensor& tensor = problem.operand_tensor(o);
    p.operand[o] = make_operand(problem, tensor.data, tensor.dtype, problem.operand[o]);
  }
  return p;
}

template RowParameters<float> make_row_parameters<float>(const RowProblem& problem);
template RowParameters<double> make_row_parameters<double>(const RowProblem& problem);

}  // namespace mylos::cuda
