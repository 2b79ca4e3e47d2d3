// What gemm.hpp calls: the library's own functions, which are not templates. Free of Kokkos and vendor headers, but for
// Execution.
#pragma once

#include <cstdint>

#include <mylos/chain.hpp>
#include <mylos/matrix_structure.hpp>
#include <mylos/precision.hpp>

namespace mylos {

/// Options of matrix products.
struct GemmOptions {
  double alpha = 1;
  double beta = 0;
  Precision precision = Precision::standard;
  Determinism determinism = Determinism::run_to_run;
  MatrixStructure a = MatrixStructure::general;
  MatrixStructure b = MatrixStructure::general;
};

namespace detail {

struct Execution;

void gemm(const Execution& exec, const Tensor& a, const Tensor& b, const Tensor& c, const GemmOptions& options,
          const Chain& before, const Chain& after);
/// Bytes of scratch memory that such a call takes at most.
std::int64_t gemm_workspace(const Execution& exec, const Tensor& a, const Tensor& b, const Tensor& c,
                            const GemmOptions& options, const Chain& before, const Chain& after);
/// `bias` is not given where its pointer is null and its rank 0; `prepared` likewise where it is null.
void linear(const Execution& exec, const Tensor& x, const Tensor& w, const void* prepared, const Tensor& bias,
            const Tensor& y, const Chain& after, const GemmOptions& options);
void gemv(const Execution& exec, const Tensor& a, const Tensor& x, const Tensor& y, const GemmOptions& options,
          const Chain& after);
void dot(const Execution& exec, const Tensor& x, const Tensor& y, const Tensor& result, const Chain& after);
void ger(const Execution& exec, const Tensor& x, const Tensor& y, const Tensor& a, const GemmOptions& options,
         const Chain& after);
void diagonal_mm(const Execution& exec, const Tensor& d, const Tensor& b, const Tensor& c, const GemmOptions& options,
                 const Chain& after);

/// Bytes that the backend wants for w in its own form; 0 where it takes w as it is.
std::int64_t prepared_bytes(const Execution& exec, const Tensor& w);
void prepare_weights(const Execution& exec, const Tensor& w, void* prepared);

}  // namespace detail
}  // namespace mylos
