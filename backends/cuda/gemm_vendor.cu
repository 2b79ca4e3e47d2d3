// Products by cuBLAS: what it has kernels for, with the chains in passes of their own.
#include <algorithm>

#include "cuda/gemm.hpp"
#include "cuda/gemm_passes.hpp"
#include "cuda/gemm_structure.hpp"
#include "cuda/primitives/cublas.hpp"
#include "cuda/primitives/scratch.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {
namespace {

using detail::GemmMatrix;
using detail::GemmProblem;

bool is_narrow(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

cudaDataType_t vendor_type(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return CUDA_R_64F;
    case DType::f16:
      return CUDA_R_16F;
    case DType::bf16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

cublasComputeType_t compute_type(const GemmProblem& problem) {
  if (problem.computes_in_f64()) return CUBLAS_COMPUTE_64F;
  if (problem.a.dtype != DType::f32) return CUBLAS_COMPUTE_32F;
  if (problem.precision == Precision::tf32) return CUBLAS_COMPUTE_32F_FAST_TF32;
  if (problem.precision == Precision::half) return CUBLAS_COMPUTE_32F_FAST_16F;
  return CUBLAS_COMPUTE_32F;
}

/// A matrix as cuBLAS takes it, column by column: its transpose where `is_transposed`.
struct VendorMatrix {
  bool is_transposed;
  std::int64_t leading;
};

/// Of rows x columns; leading is 0 where cuBLAS does not take it.
VendorMatrix vendor_matrix(const GemmMatrix& matrix, std::int64_t rows, std::int64_t columns) {
  const bool row_step = matrix.row == 1 || rows == 1;
  const bool column_step = matrix.column == 1 || columns == 1;
  if (row_step && (columns == 1 || matrix.column >= rows)) return {false, columns == 1 ? rows : matrix.column};
  if (column_step && (rows == 1 || matrix.row >= columns)) return {true, rows == 1 ? columns : matrix.row};
  return {false, 0};
}

/// A dense copy of a factor: row by row, for each batch in which it or one of the `operands` differs.
struct DenseCopy {
  GemmMatrix matrix;
  std::int64_t elements = 0;  // 0: there is none

  DenseCopy(const GemmProblem& problem, const GemmMatrix& from, std::int64_t rows, std::int64_t columns, int operands)
      : matrix(from), elements(rows * columns) {
    matrix.structure = MatrixStructure::general;
    matrix.row = columns;
    matrix.column = 1;
    for (int d = problem.batch.rank - 1; d >= 0; --d) {
      bool varies = from.batch.stride[d] != 0;
      for (int o = 0; o < operands; ++o) varies = varies || problem.operand[o].batch.stride[d] != 0;
      matrix.batch.stride[d] = varies ? elements : 0;
      if (varies) elements *= problem.batch.extent[d];
    }
  }
  std::size_t bytes() const { return (static_cast<std::size_t>(elements) * size_of(matrix.dtype) + 255) / 256 * 256; }
};

/// The addresses that a tensor's elements lie between.
struct AddressRange {
  std::uintptr_t begin;
  std::uintptr_t end;

  AddressRange(const void* data, DType dtype)
      : begin(reinterpret_cast<std::uintptr_t>(data)), end(begin + size_of(dtype)), size_(size_of(dtype)) {}
  void extend(std::int64_t extent, std::int64_t stride) {
    const auto reach = static_cast<std::uintptr_t>((extent - 1) * (stride < 0 ? -stride : stride)) * size_;
    (stride < 0 ? begin : end) += stride < 0 ? std::uintptr_t{0} - reach : reach;
  }

 private:
  std::uintptr_t size_;
};

/// Whether an operand of `after` may be c itself.
bool after_reads_c(const GemmProblem& problem) {
  AddressRange c(problem.c.data, problem.c.dtype);
  c.extend(problem.m, problem.c.row);
  c.extend(problem.n, problem.c.column);
  for (int d = 0; d < problem.batch.rank; ++d) c.extend(problem.batch.extent[d], problem.c.batch.stride[d]);
  for (int o = 0; o < problem.after->operand_count(); ++o) {
    const Tensor& tensor = problem.after->operand(o);
    AddressRange range(tensor.data, tensor.dtype);
    for (int d = 0; d < tensor.rank; ++d) range.extend(tensor.extent[d], tensor.stride[d]);
    if (range.begin < c.end && c.begin < range.end) return true;
  }
  return false;
}

/// Of K in one call: cuBLAS adds f32 products one after the other, so long sums are put together from shorter ones.
std::int64_t vendor_depth(const GemmProblem& problem) {
  if (problem.computes_in_f64()) return problem.k;
  return problem.a.dtype == DType::f32 && problem.precision == Precision::standard ? vendor_depth_f32
                                                                                   : vendor_depth_tensor;
}

std::int64_t parts_of_k(const GemmProblem& problem) {
  const std::int64_t depth = vendor_depth(problem);
  return (problem.k + depth - 1) / depth;
}

/// Whether the parts of K are a batch: a small result does not fill the device otherwise.
bool is_sliced(const GemmProblem& problem) {
  const std::int64_t parts = parts_of_k(problem);
  return parts > 1 && problem.batch.count == 1 && problem.is_general() &&
         parts * problem.m * problem.n <= vendor_slice_elements;
}

/// Where the result must not go to c at once: what is 16-bit is rounded only once, and operands may be in the same
/// place. It has a dense copy then.
bool needs_wide_result(const GemmProblem& problem) {
  const bool goes_on = !problem.after->empty() || parts_of_k(problem) > 1;
  return (is_narrow(problem.c.dtype) && goes_on) || (!problem.after->empty() && after_reads_c(problem));
}

GemmMatrix wide_like(const GemmProblem& problem) {
  GemmMatrix wide = problem.c;
  wide.dtype = problem.computes_in_f64() ? DType::f64 : DType::f32;
  const bool by_rows = problem.c.column == 1;
  wide.row = by_rows ? problem.n : 1;
  wide.column = by_rows ? 1 : problem.m;
  std::int64_t step = problem.m * problem.n;
  for (int d = problem.batch.rank - 1; d >= 0; --d) {
    wide.batch.stride[d] = step;
    step *= problem.batch.extent[d];
  }
  return wide;
}

/// One call for the last dimension of the batch box, and one for each index of the others and each part of K.
void multiply(cublasHandle_t handle, const GemmProblem& problem) {
  VendorMatrix a = vendor_matrix(problem.a, problem.m, problem.k);
  VendorMatrix b = vendor_matrix(problem.b, problem.k, problem.n);
  const VendorMatrix c = vendor_matrix(problem.c, problem.m, problem.n);
  const bool f64 = problem.computes_in_f64();
  const auto alpha32 = static_cast<float>(problem.alpha);
  const void* alpha = f64 ? static_cast<const void*>(&problem.alpha) : &alpha32;
  const auto operation = [&](const VendorMatrix& matrix) {
    return matrix.is_transposed != c.is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
  };
  const int rank = problem.batch.rank;
  const std::int64_t inner = rank == 0 ? 1 : problem.batch.extent[rank - 1];
  const auto step = [&](const GemmMatrix& matrix) { return rank == 0 ? 0 : matrix.batch.stride[rank - 1]; };
  const std::int64_t calls = problem.batch.count / inner;
  const std::int64_t depth = vendor_depth(problem);
  const std::int64_t parts = parts_of_k(problem);
  for (std::int64_t call = 0; call < calls * parts; ++call) {
    const std::int64_t first = call / calls * depth;  // of K
    const std::int64_t k = std::min(depth, problem.k - first);
    const double beta64 = first == 0 ? problem.beta : 1.0;
    const auto beta32 = static_cast<float>(beta64);
    const void* beta = f64 ? static_cast<const void*>(&beta64) : &beta32;
    const auto at = [&](const GemmMatrix& matrix, std::int64_t step_of_k) {
      std::int64_t rest = call % calls;
      std::int64_t offset = first * step_of_k;
      for (int d = rank - 2; d >= 0; --d) {
        offset += rest % problem.batch.extent[d] * matrix.batch.stride[d];
        rest /= problem.batch.extent[d];
      }
      return static_cast<unsigned char*>(matrix.data) + offset * static_cast<std::int64_t>(size_of(matrix.dtype));
    };
    const cudaDataType_t type = vendor_type(problem.a.dtype);
    const cudaDataType_t c_type = vendor_type(problem.c.dtype);
    const cublasComputeType_t compute = compute_type(problem);
    const auto call_with = [&](const VendorMatrix& left, const GemmMatrix& left_matrix, std::int64_t left_step,
                               const VendorMatrix& right, const GemmMatrix& right_matrix, std::int64_t right_step,
                               std::int64_t rows, std::int64_t columns) {
      // With a batch of one it chooses other kernels, some of them slower.
      if (inner == 1)
        MYLOS_CUBLAS_CHECK(cublasGemmEx_64(handle, operation(left), operation(right), rows, columns, k, alpha,
                                           at(left_matrix, left_step), type, left.leading, at(right_matrix, right_step),
                                           type, right.leading, beta, at(problem.c, 0), c_type, c.leading, compute,
                                           CUBLAS_GEMM_DEFAULT));
      else
        MYLOS_CUBLAS_CHECK(cublasGemmStridedBatchedEx_64(
            handle, operation(left), operation(right), rows, columns, k, alpha, at(left_matrix, left_step), type,
            left.leading, step(left_matrix), at(right_matrix, right_step), type, right.leading, step(right_matrix),
            beta, at(problem.c, 0), c_type, c.leading, step(problem.c), inner, compute, CUBLAS_GEMM_DEFAULT));
    };
    if (c.is_transposed)  // c^T = b^T a^T
      call_with(b, problem.b, problem.b.row, a, problem.a, problem.a.column, problem.n, problem.m);
    else
      call_with(a, problem.a, problem.a.column, b, problem.b, problem.b.row, problem.m, problem.n);
  }
}

/// The parts of K side by side, results one behind the other from c on. Their number is parts_of_k().
void multiply_sliced(cublasHandle_t handle, const GemmProblem& problem) {
  const std::int64_t depth = vendor_depth(problem);
  GemmProblem full = problem;
  full.k = depth;
  full.batch.rank = 1;
  full.batch.count = full.batch.extent[0] = problem.k / depth;
  full.a.batch.stride[0] = depth * problem.a.column;
  full.b.batch.stride[0] = depth * problem.b.row;
  full.c.batch.stride[0] = problem.m * problem.n;
  multiply(handle, full);
  GemmProblem rest = problem;
  rest.k = problem.k % depth;
  if (rest.k == 0) return;
  const auto advance = [&](GemmMatrix& matrix, std::int64_t step) {
    matrix.data = static_cast<unsigned char*>(matrix.data) +
                  full.batch.count * step * static_cast<std::int64_t>(size_of(matrix.dtype));
  };
  advance(rest.a, full.a.batch.stride[0]);
  advance(rest.b, full.b.batch.stride[0]);
  advance(rest.c, full.c.batch.stride[0]);
  multiply(handle, rest);
}

/// What is copied before cuBLAS is called, and what its results are collected in.
struct VendorPlan {
  DenseCopy a;
  DenseCopy b;
  bool sliced;
  bool is_wide;
  std::int64_t slices;
  std::int64_t results;  // of each

  explicit VendorPlan(const GemmProblem& problem)
      : a(problem, problem.a, problem.m, problem.k, problem.before->operand_count()),
        b(problem, problem.b, problem.k, problem.n, 0),
        sliced(is_sliced(problem)),
        is_wide(sliced || needs_wide_result(problem)),
        slices(sliced ? parts_of_k(problem) : 1),
        results(problem.batch.count * problem.m * problem.n) {
    if (problem.before->empty() && problem.a.structure == MatrixStructure::general) a.elements = 0;
    if (problem.b.structure == MatrixStructure::general) b.elements = 0;
    if (is_wide) wide_bytes_ = static_cast<std::size_t>(slices * results) * size_of(wide_like(problem).dtype);
  }
  std::size_t bytes() const { return vendor_workspace_bytes + a.bytes() + b.bytes() + wide_bytes_; }

 private:
  std::size_t wide_bytes_ = 0;
};

}  // namespace

const char* refuse_gemm_vendor(const GemmProblem& problem) {
  if (!problem.is_general() && (problem.a.dtype == DType::f32 || !problem.before->empty()))
    return "a or b is triangular or symmetric";
  if (problem.a.dtype != problem.b.dtype) return "a and b differ in dtype";
  if (problem.c.dtype != problem.a.dtype && !(is_narrow(problem.a.dtype) && problem.c.dtype == DType::f32))
    return "cuBLAS has no such combination of dtypes";
  if (problem.determinism == Determinism::batch_invariant) return "cuBLAS chooses by the number of rows";
  if (problem.k == 0) return "there is nothing to sum";
  if (!problem.before->empty() && is_narrow(problem.a.dtype)) return "before(a) would be rounded to 16 bits";
  const bool a_is_copied = !problem.before->empty() || problem.a.structure != MatrixStructure::general;
  if (!a_is_copied && vendor_matrix(problem.a, problem.m, problem.k).leading == 0)
    return "neither rows nor columns of a are neighbours";
  if (problem.b.structure == MatrixStructure::general && vendor_matrix(problem.b, problem.k, problem.n).leading == 0)
    return "neither rows nor columns of b are neighbours";
  if (vendor_matrix(problem.c, problem.m, problem.n).leading == 0)
    return "neither rows nor columns of c are neighbours";
  return nullptr;
}

void run_gemm_vendor(const GemmProblem& problem, const detail::Queue& queue) {
  VendorPlan plan(problem);
  GemmProblem inner = problem;
  if (plan.is_wide) inner.c = wide_like(problem);
  const Scratch scratch(queue.stream, plan.bytes());
  auto* const memory = static_cast<unsigned char*>(scratch.data());
  const auto copy = [&](DenseCopy& dense, GemmMatrix& factor, unsigned char* to, std::int64_t n) {
    if (dense.elements == 0) return;
    dense.matrix.data = to;
    if (factor.structure == MatrixStructure::general)
      pass_before(problem, dense.matrix, queue.stream);
    else
      expand_structure(factor, dense.matrix, n, problem.batch, queue.stream);
    factor = dense.matrix;
  };
  copy(plan.a, inner.a, memory + vendor_workspace_bytes, problem.k);
  copy(plan.b, inner.b, memory + vendor_workspace_bytes + plan.a.bytes(), problem.k);
  if (plan.is_wide) {
    inner.c.data = memory + vendor_workspace_bytes + plan.a.bytes() + plan.b.bytes();
    inner.beta = 0;  // the pass adds what is there
  }
  {
    const CublasHandle handle;
    MYLOS_CUBLAS_CHECK(cublasSetStream(handle.get(), static_cast<cudaStream_t>(queue.stream)));
    MYLOS_CUBLAS_CHECK(cublasSetWorkspace(handle.get(), memory, vendor_workspace_bytes));
    MYLOS_CUBLAS_CHECK(cublasSetMathMode(handle.get(), CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
    if (plan.sliced)
      multiply_sliced(handle.get(), inner);
    else
      for_each_panel(inner, problem.a.structure, problem.b.structure,
                     [&](const GemmProblem& panel) { multiply(handle.get(), panel); });
  }
  if (plan.is_wide || !problem.after->empty())
    pass_after(problem, inner.c, {plan.slices, plan.results}, 1, plan.is_wide ? problem.beta : 0.0, queue.stream);
}

std::size_t gemm_vendor_workspace(const GemmProblem& problem) { return VendorPlan(problem).bytes(); }

}  // namespace mylos::cuda
