// Products of dense matrices. The `contract` skeleton.
//
//   mylos::gemm(exec, a, b, c);                                  // c = a b
//   mylos::gemm(exec, a, b, c, {2.0, 1.0});                      // c = 2 a b + c
//   mylos::gemm(exec, a, b, c, {}, {}, add(bias) | gelu());      // c = gelu(a b + bias), in the same pass
//   mylos::linear(exec, x, w, bias, y, gelu());                  // y = gelu(x w^T + bias)
//
// Shape: a (..., m, k), b (..., k, n), c (..., m, n) with the same k, rank 2 to 8. The leading extents of a and b
// broadcast to those of c, as in torch.matmul: a product of a 3-D or 4-D tensor and a matrix is this. Any layout and
// stride, so that a transposed View is a transposed operand. k = 0 is a sum of nothing. Extents of 0 in c: nothing to
// do. Operands of `before` broadcast to a, those of `after` to c: a tensor of extent (n) is one value per column, (m,
// 1) one per row. dtype: a, b, c: f64, f32, f16, bf16, in any combination. Products and sums are f64 where one of the
// three is f64, else f32; products of 16-bit numbers are exact.
//
// c = after(alpha * before(a) b + beta * c). As in the BLAS, a and b are not read where alpha is 0, nor c where beta is
// 0. NaN and infinity go through; one in a row of a spoils that row of c and no other, one in a column of b that
// column.
//
// Aliasing: c overlaps neither a nor b nor an operand of `before`. An operand of `after` may be c itself (same
// elements, same dtype): it is read before it is written.
//
// Bound, element by element, before `after` and the rounding to c's type, with u = 2^-24 (f64: 2^-53),
// Precision::standard:
//   |error| <= (min(k, 1024) + k / 1024 + 8) u (|alpha| |a| |b| + |beta| |c|)
// where |a| |b| is the product of the absolute values: sums are made in windows of at most 1024 products (256 in Mylos'
// own kernels for the host and in the generic one), also where a vendor's library serves the call, and the windows are
// added up. Overflow and underflow aside: a partial sum may overflow where the sum would not.
// tf32 and half: 2^-10 |a| |b| besides; half also loses what f16 cannot hold.
//
// Repeatable: the same call on the same instance gives the same bits in every run. With Determinism::batch_invariant a
// row's bits moreover do not depend on how many rows or batches there are. No atomics.
//
// Throws mylos::Error before anything is launched or written: extents that do not fit, dtypes not supported, memory
// that the execution space cannot reach, overlap, an output with a zero stride, more than 16 tensor operands in both
// chains. Asynchronous on the given instance; no fence; scratch memory is ordered with the instance's work; safe in a
// graph capture. Source: Dongarra et al. 1990 (level 3 BLAS); Higham 2002, section 3.5, for the bound.
#pragma once

#include <mylos/detail/gemm_call.hpp>
#include <mylos/path.hpp>
#include <mylos/view.hpp>

namespace mylos {

/// c = after(alpha before(a) b + beta c). torch.matmul, torch.addmm. options.a and options.b name the structure of a
/// and b where these are square (matrix_structure.hpp): triangles are read alone, and what is zero is skipped, up to
/// the size of a block; the zeros within a block are multiplied, so that NaN and infinity opposite them may show.
template <class Exec>
void gemm(const Exec& exec, Input<Exec> a, Input<Exec> b, Output<Exec> c, const GemmOptions& options = {},
          const Chain& before = {}, const Chain& after = {}) {
  detail::gemm(detail::Execution(exec), a, b, c, options, before, after);
}

/// Bytes of device memory that this call of gemm() takes at most, while it runs, from a pool of the library's own; 0 on
/// the host, whose kernels keep a few blocks of a and b on the heap. Of linear(): with w turned, and without the bias.
/// Throws as gemm() does; launches and writes nothing.
template <class Exec>
std::int64_t gemm_workspace(const Exec& exec, Input<Exec> a, Input<Exec> b, Output<Exec> c,
                            const GemmOptions& options = {}, const Chain& before = {}, const Chain& after = {}) {
  return detail::gemm_workspace(detail::Execution(exec), a, b, c, options, before, after);
}

/// Weights of linear() in the form that the execution space multiplies fastest, made once for many calls. Owns that
/// form, if there is one; refers to w, which must stay as it is and live as long. Made on the given instance: calls on
/// another one must be ordered after it.
template <class Exec>
class PreparedWeights {
 public:
  PreparedWeights(const Exec& exec, const Input<Exec>& w) : weights_(w) {
    const std::int64_t bytes = detail::prepared_bytes(detail::Execution(exec), w);
    if (bytes == 0) return;
    storage_ = Storage(Kokkos::view_alloc(exec, "mylos prepared weights", Kokkos::WithoutInitializing),
                       static_cast<std::size_t>(bytes));
    detail::prepare_weights(detail::Execution(exec), w, storage_.data());
  }

  const Tensor& weights() const { return weights_; }
  const void* data() const { return storage_.data(); }

 private:
  using Storage = Kokkos::View<unsigned char*, typename Exec::memory_space>;
  Tensor weights_;
  Storage storage_;
};

/// y = after(alpha x w^T + bias + beta y): x (..., in), w (out, in), y (..., out), bias (out) or not given ({}). The
/// bias is one step and one operand of the sixteen that a chain may have. torch.nn.functional.linear.
template <class Exec>
void linear(const Exec& exec, Input<Exec> x, Input<Exec> w, Input<Exec> bias, Output<Exec> y, const Chain& after = {},
            const GemmOptions& options = {}) {
  detail::linear(detail::Execution(exec), x, w, nullptr, bias, y, after, options);
}
template <class Exec>
void linear(const Exec& exec, Input<Exec> x, const PreparedWeights<Exec>& w, Input<Exec> bias, Output<Exec> y,
            const Chain& after = {}, const GemmOptions& options = {}) {
  detail::linear(detail::Execution(exec), x, w.weights(), w.data(), bias, y, after, options);
}

/// y = after(alpha a x + beta y): a (..., m, k), x (..., k), y (..., m). torch.mv.
template <class Exec>
void gemv(const Exec& exec, Input<Exec> a, Input<Exec> x, Output<Exec> y, const GemmOptions& options = {},
          const Chain& after = {}) {
  detail::gemv(detail::Execution(exec), a, x, y, options, after);
}

/// result = after(sum x y) along the last dimension: x, y (..., k), result (...). torch.linalg.vecdot of real vectors.
template <class Exec>
void dot(const Exec& exec, Input<Exec> x, Input<Exec> y, Output<Exec> result, const Chain& after = {}) {
  detail::dot(detail::Execution(exec), x, y, result, after);
}

/// a = after(alpha x y^T + beta a): x (..., m), y (..., n), a (..., m, n). beta is 1 by default, as in the BLAS.
template <class Exec>
void ger(const Exec& exec, Input<Exec> x, Input<Exec> y, Output<Exec> a, const GemmOptions& options = {1, 1},
         const Chain& after = {}) {
  detail::ger(detail::Execution(exec), x, y, a, options, after);
}

/// c = after(alpha diag(d) b + beta c): d (..., m), b (..., m, n), c (..., m, n). A pointwise operator: bound by
/// memory, c may be b. cuBLAS dgmm.
template <class Exec>
void diagonal_mm(const Exec& exec, Input<Exec> d, Input<Exec> b, Output<Exec> c, const GemmOptions& options = {},
                 const Chain& after = {}) {
  detail::diagonal_mm(detail::Execution(exec), d, b, c, options, after);
}

/// c = after(alpha a b + beta c) with a triangular a, of which the other triangle is not read. BLAS trmm.
template <class Exec>
void trmm(const Exec& exec, MatrixStructure triangle, Input<Exec> a, Input<Exec> b, Output<Exec> c,
          GemmOptions options = {}, const Chain& after = {}) {
  options.a = triangle;
  detail::gemm(detail::Execution(exec), a, b, c, options, {}, after);
}

/// c = after(alpha a b + beta c) with a symmetric a, of which one triangle is read. BLAS symm.
template <class Exec>
void symm(const Exec& exec, MatrixStructure triangle, Input<Exec> a, Input<Exec> b, Output<Exec> c,
          GemmOptions options = {}, const Chain& after = {}) {
  options.a = triangle == MatrixStructure::lower   ? MatrixStructure::symmetric_lower
              : triangle == MatrixStructure::upper ? MatrixStructure::symmetric_upper
                                                   : triangle;
  detail::gemm(detail::Execution(exec), a, b, c, options, {}, after);
}

}  // namespace mylos
