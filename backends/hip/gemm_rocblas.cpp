// Products by rocBLAS: what it has kernels for, with the chains in passes of their own (gemm/vendor.hpp).
#include "hip/gemm.hpp"

#if defined(MYLOS_HAVE_ROCBLAS)

#include <climits>

#include "gemm/passes.hpp"
#include "gemm/vectors.hpp"
#include "gemm/vendor.hpp"
#include "hip/primitives/device.hpp"
#include "hip/primitives/rocblas.hpp"
#include "hip/tuning.hpp"

namespace mylos::hip {
namespace {

using detail::GemmMatrix;
using detail::GemmProblem;
using detail::VendorFactor;
using detail::VendorProduct;

rocblas_datatype vendor_type(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return rocblas_datatype_f64_r;
    case DType::f16:
      return rocblas_datatype_f16_r;
    case DType::bf16:
      return rocblas_datatype_bf16_r;
    default:
      return rocblas_datatype_f32_r;
  }
}

rocblas_operation operation(const VendorFactor& factor) {
  return factor.is_transposed ? rocblas_operation_transpose : rocblas_operation_none;
}

/// rocBLAS on a stream, with a work space. f32 products are f32 products, whatever precision would do.
class Library {
 public:
  Library(hipStream_t stream, void* memory, std::size_t bytes) {
    MYLOS_ROCBLAS_CHECK(rocblas_set_stream(handle_.get(), stream));
    MYLOS_ROCBLAS_CHECK(rocblas_set_workspace(handle_.get(), memory, bytes));
  }
  /// A handle asks its stream questions when it is given another one: the stream must still be there.
  ~Library() { (void)rocblas_set_stream(handle_.get(), nullptr); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void operator()(const VendorProduct& product) const {
    // Its kernels count steps in 32 bits, and up.
    const auto fits = [](std::int64_t step) { return step >= 0 && step <= INT_MAX; };
    if (product.batch == 1 || (fits(product.left.step) && fits(product.right.step) && fits(product.c_step)))
      return call(product);
    VendorProduct one = product;
    one.batch = 1;
    const auto advance = [](const void* data, std::int64_t step, DType dtype) {
      return const_cast<unsigned char*>(static_cast<const unsigned char*>(data)) +
             step * static_cast<std::int64_t>(size_of(dtype));
    };
    for (std::int64_t b = 0; b < product.batch; ++b) {
      call(one);
      one.left.data = advance(one.left.data, one.left.step, one.dtype);
      one.right.data = advance(one.right.data, one.right.step, one.dtype);
      one.c = advance(one.c, one.c_step, one.c_dtype);
    }
  }

 private:
  void call(const VendorProduct& p) const {
    const bool f64 = p.dtype == DType::f64;
    const auto alpha32 = static_cast<float>(p.alpha);
    const auto beta32 = static_cast<float>(p.beta);
    const void* alpha = f64 ? static_cast<const void*>(&p.alpha) : &alpha32;
    const void* beta = f64 ? static_cast<const void*>(&p.beta) : &beta32;
    const rocblas_datatype type = vendor_type(p.dtype);
    const rocblas_datatype c_type = vendor_type(p.c_dtype);
    const rocblas_datatype sums = f64 ? rocblas_datatype_f64_r : rocblas_datatype_f32_r;
    const auto count = [](std::int64_t n) { return static_cast<rocblas_int>(n); };
    // In parentheses: they are also macros, for callers of former versions.
    if (p.batch == 1)
      MYLOS_ROCBLAS_CHECK((rocblas_gemm_ex)(handle_.get(), operation(p.left), operation(p.right), count(p.rows),
                                            count(p.columns), count(p.k), alpha, p.left.data, type,
                                            count(p.left.leading), p.right.data, type, count(p.right.leading), beta,
                                            p.c, c_type, count(p.c_leading), p.c, c_type, count(p.c_leading), sums,
                                            rocblas_gemm_algo_standard, 0, rocblas_gemm_flags_none));
    else
      MYLOS_ROCBLAS_CHECK((rocblas_gemm_strided_batched_ex)(handle_.get(), operation(p.left), operation(p.right),
                                                            count(p.rows), count(p.columns), count(p.k), alpha,
                                                            p.left.data, type, count(p.left.leading), p.left.step,
                                                            p.right.data, type, count(p.right.leading), p.right.step,
                                                            beta, p.c, c_type, count(p.c_leading), p.c_step, p.c,
                                                            c_type, count(p.c_leading), p.c_step, count(p.batch), sums,
                                                            rocblas_gemm_algo_standard, 0, rocblas_gemm_flags_none));
  }

  RelaxedCapture relaxed_;
  RocblasHandle handle_;
};

struct Backend : detail::KokkosPasses<Kokkos::HIP> {
  Library library(const GemmProblem&, void* memory, std::size_t bytes) const {
    return {exec.hip_stream(), memory, bytes};
  }
};

/// Extents and leading dimensions are rocblas_int.
bool counts_in_32_bits(const GemmProblem& problem) {
  const auto fits = [](const GemmMatrix& matrix) { return matrix.row <= INT_MAX && matrix.column <= INT_MAX; };
  bool all = problem.m <= INT_MAX && problem.n <= INT_MAX && problem.k <= INT_MAX && fits(problem.a) &&
             fits(problem.b) && fits(problem.c);
  for (int d = 0; d < problem.batch.rank; ++d) all = all && problem.batch.extent[d] <= INT_MAX;
  return all;
}

}  // namespace

const char* refuse_gemm_rocblas(const GemmProblem& problem) {
  if (const char* reason = detail::refuse_vendor(problem)) return reason;
  if (detail::is_vector_product(problem)) return "a matrix times a vector, which the generic kernel reads once";
  if (!counts_in_32_bits(problem)) return "an extent or a stride has more than 31 bits";
  // AMD, "MI200 matrix fused multiply-add (MFMA) behavior specifics", in the documentation of MIOpen.
  if (detail::is_narrow(problem.a.dtype) && architecture() == "gfx90a")
    return "the matrix units of gfx90a take subnormal f16 and bf16 numbers for 0";
  return nullptr;
}

void run_gemm_rocblas(const GemmProblem& problem, const detail::Queue& queue) {
  const auto& exec = *static_cast<const Kokkos::HIP*>(queue.instance);
  const detail::Scratch<Kokkos::HIP> scratch(exec, gemm_rocblas_workspace(problem));
  detail::run_vendor(problem, rocblas_limits, scratch.data(), Backend{{exec, "mylos::gemm[hip/rocblas]"}});
}

std::size_t gemm_rocblas_workspace(const GemmProblem& problem) {
  return detail::VendorPlan(problem, rocblas_limits).bytes();
}

}  // namespace mylos::hip

#endif  // MYLOS_HAVE_ROCBLAS
