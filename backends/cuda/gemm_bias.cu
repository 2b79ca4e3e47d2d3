// 16-bit products with a bias, by cuBLASLt: it adds the bias to the f32 sums, before they are rounded, so there is no
// f32 copy of c and no pass over it.
//
// Its relu is not used: what it makes of NaN is not documented. Its gelu is the one by tanh, to an error that is not
// either.
#include <cublasLt.h>

#include <memory>
#include <type_traits>

#include "cuda/gemm.hpp"
#include "cuda/gemm_cublas.hpp"
#include "cuda/primitives/cublas.hpp"
#include "cuda/primitives/scratch.cuh"
#include "gemm/vendor.hpp"

namespace mylos::cuda {
namespace {

using detail::GemmProblem;
using detail::VendorFactor;
using detail::VendorProduct;

template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* made) const {
    destroy(made);
  }
};
template <class T, auto destroy>
using Made = std::unique_ptr<std::remove_pointer_t<T>, Destroy<destroy>>;

using Operation = Made<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Made<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Made<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

template <class T>
void set(const Operation& operation, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  MYLOS_CUBLAS_CHECK(cublasLtMatmulDescSetAttribute(operation.get(), attribute, &value, sizeof(value)));
}
template <class T>
void set(const Layout& layout, cublasLtMatrixLayoutAttribute_t attribute, const T& value) {
  MYLOS_CUBLAS_CHECK(cublasLtMatrixLayoutSetAttribute(layout.get(), attribute, &value, sizeof(value)));
}
template <class T>
void set(const Preference& preference, cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
  MYLOS_CUBLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(preference.get(), attribute, &value, sizeof(value)));
}

Operation make_operation(const VendorProduct& p, const void* bias) {
  cublasLtMatmulDesc_t made = nullptr;
  MYLOS_CUBLAS_CHECK(cublasLtMatmulDescCreate(&made, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  Operation operation(made);
  const auto stored = [](const VendorFactor& f) { return f.is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  set(operation, CUBLASLT_MATMUL_DESC_TRANSA, stored(p.left));
  set(operation, CUBLASLT_MATMUL_DESC_TRANSB, stored(p.right));
  set(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
  set(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  return operation;
}

Layout make_layout(DType dtype, std::int64_t rows, std::int64_t columns, std::int64_t leading, std::int64_t batch,
                   std::int64_t step) {
  cublasLtMatrixLayout_t made = nullptr;
  MYLOS_CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&made, cublas_type(dtype), static_cast<std::uint64_t>(rows),
                                                static_cast<std::uint64_t>(columns), leading));
  Layout layout(made);
  set(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<std::int32_t>(batch));
  set(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, step);
  return layout;
}
Layout make_layout(const VendorProduct& p, const VendorFactor& f, std::int64_t rows, std::int64_t columns) {
  if (f.is_transposed) std::swap(rows, columns);
  return make_layout(p.dtype, rows, columns, f.leading, p.batch, f.step);
}

/// The power of two, up to 256, that an address is a multiple of.
std::uint32_t alignment(const void* address) {
  const std::uintptr_t bits = reinterpret_cast<std::uintptr_t>(address) | 256U;
  return static_cast<std::uint32_t>(bits & (~bits + 1));
}

Preference make_preference(const VendorProduct& p) {
  cublasLtMatmulPreference_t made = nullptr;
  MYLOS_CUBLAS_CHECK(cublasLtMatmulPreferenceCreate(&made));
  Preference preference(made);
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, vendor_workspace_bytes);
  // Parts of k are added in f32, and in order.
  set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(p.left.data));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(p.right.data));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(p.c));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(p.c));
  return preference;
}

/// One call; false where the library has no kernel for it.
bool multiply_with_bias(const VendorProduct& p, const void* bias, void* workspace, void* stream) {
  const CublasHandle blas;
  const auto handle = reinterpret_cast<cublasLtHandle_t>(blas.get());  // as its documentation allows
  const Operation operation = make_operation(p, bias);
  const Layout left = make_layout(p, p.left, p.rows, p.k);
  const Layout right = make_layout(p, p.right, p.k, p.columns);
  const Layout c = make_layout(p.c_dtype, p.rows, p.columns, p.c_leading, p.batch, p.c_step);
  const Preference preference = make_preference(p);
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle, operation.get(), left.get(), right.get(),
                                                               c.get(), c.get(), preference.get(), 1, &found, &count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || count == 0) return false;
  MYLOS_CUBLAS_CHECK(status);
  const auto alpha = static_cast<float>(p.alpha);
  const auto beta = static_cast<float>(p.beta);
  MYLOS_CUBLAS_CHECK(cublasLtMatmul(handle, operation.get(), &alpha, p.left.data, left.get(), p.right.data, right.get(),
                                    &beta, p.c, c.get(), p.c, c.get(), &found.algo, workspace, vendor_workspace_bytes,
                                    static_cast<cudaStream_t>(stream)));
  return true;
}

/// Whether `after` is one bias for the library: neighbours in c's type, one for each row of what it calls c.
bool is_bias(const GemmProblem& problem) {
  const Chain& after = *problem.after;
  if (after.size() != 1 || after.step(0).id != StepId::add || after.operand_count() != 1) return false;
  if (after.operand(0).dtype != problem.c.dtype) return false;
  const detail::GemmOperand& bias = problem.operand[problem.before->operand_count()];
  for (int d = 0; d < problem.batch.rank; ++d)
    if (bias.batch.stride[d] != 0) return false;
  const bool by_rows = detail::vendor_matrix(problem.c, problem.m, problem.n).is_transposed;
  return by_rows ? bias.row == 0 && bias.column == 1 : bias.row == 1 && bias.column == 0;
}

}  // namespace

const char* refuse_gemm_bias(const GemmProblem& problem) {
  if (const char* reason = refuse_gemm_vendor(problem)) return reason;
  if (!detail::is_narrow(problem.a.dtype) || problem.c.dtype != problem.a.dtype)
    return "a, b and c are not f16 or bf16";
  if (!problem.is_general()) return "a or b is triangular or symmetric";
  if (!is_bias(problem)) return "after is not one bias";
  if (detail::after_reads_c(problem)) return "the bias is in c";
  if (detail::parts_of_k(problem, cublas_limits) > 1) return "the sum is put together from shorter ones";
  if (problem.batch.rank > 1) return "the batch has several dimensions";
  return nullptr;
}

void run_gemm_bias(const GemmProblem& problem, const detail::Queue& queue) {
  const Scratch scratch(queue.stream, vendor_workspace_bytes);
  bool done = false;
  detail::multiply(problem, cublas_limits, [&](const VendorProduct& product) {
    done = multiply_with_bias(product, problem.after->operand(0).data, scratch.data(), queue.stream);
  });
  if (!done) run_gemm_vendor(problem, queue);
}

}  // namespace mylos::cuda
