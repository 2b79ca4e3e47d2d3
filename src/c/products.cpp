// Products of matrices and small networks: from C's options to C++'s arguments.
#include <mylos/gemm.hpp>
#include <mylos/mlp.hpp>

#include "c/options.hpp"

namespace mylos::c {
namespace {

template <class Options>
GemmOptions scaled(const Options& options, MatrixStructure a = MatrixStructure::general,
                   MatrixStructure b = MatrixStructure::general) {
  return {options.alpha, options.beta, options.precision, options.determinism, a, b};
}

}  // namespace

void gemm(const Exec& exec, const Tensor& a, const Tensor& b, const Tensor& c, const gemm_options& options) {
  mylos::gemm(exec, a, b, c, scaled(options, options.structure_a, options.structure_b), options.before, options.after);
}

void linear(const Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& y,
            const linear_options& options) {
  mylos::linear(exec, x, Input<Exec>(w), bias, y, options.after, scaled(options));
}

void gemv(const Exec& exec, const Tensor& a, const Tensor& x, const Tensor& y, const gemv_options& options) {
  mylos::gemv(exec, a, x, y, scaled(options, options.structure_a), options.after);
}

void dot(const Exec& exec, const Tensor& x, const Tensor& y, const Tensor& result, const dot_options& options) {
  mylos::dot(exec, x, y, result, options.after);
}

void ger(const Exec& exec, const Tensor& x, const Tensor& y, const Tensor& a, const ger_options& options) {
  mylos::ger(exec, x, y, a, scaled(options), options.after);
}

void diagonal_mm(const Exec& exec, const Tensor& d, const Tensor& b, const Tensor& c,
                 const diagonal_mm_options& options) {
  mylos::diagonal_mm(exec, d, b, c, {options.alpha, options.beta}, options.after);
}

void trmm(const Exec& exec, MatrixStructure triangle, const Tensor& a, const Tensor& b, const Tensor& c,
          const trmm_options& options) {
  mylos::trmm(exec, triangle, a, b, c, scaled(options), options.after);
}

void symm(const Exec& exec, MatrixStructure triangle, const Tensor& a, const Tensor& b, const Tensor& c,
          const symm_options& options) {
  mylos::symm(exec, triangle, a, b, c, scaled(options), options.after);
}

void mlp(const Exec& exec, const Mlp& network, const Tensor& x, const Tensor& y, const mlp_options& options) {
  mylos::mlp(exec, network, x, y, options.axis);
}

}  // namespace mylos::c
