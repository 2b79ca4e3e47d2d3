#include <mylos/detail/gemm_call.hpp>

#include "bind.hpp"

namespace mylos::python {
namespace {

constexpr const char* text =
    "\n\nAny strides; f64, f32, f16, bf16. Returns an array of the first argument's element type, or `out`, which is "
    "read\n"
    "where beta is not 0. precision, of f32: 'standard' (that of plain f32), 'tf32' or 'half' (operands rounded).\n"
    "batch_invariant: a row's bits do not depend on how many rows there are. `before` acts on the first matrix, "
    "`after` on\n"
    "the result, in the same pass. Raises Error for extents that do not fit, element types and overlap.";

GemmOptions options(Call& call, double alpha, double beta, const nb::str& precision, bool batch_invariant, Array out) {
  if (beta != 0 && out.handle.is_none()) call.refuse("beta", "it is not 0, so that `out` is read: give one");
  GemmOptions it;
  it.alpha = alpha;
  it.beta = beta;
  it.precision = named("precision", precision_names, precision);
  it.determinism = batch_invariant ? Determinism::batch_invariant : Determinism::run_to_run;
  return it;
}

/// The extents that all but the last `tail` ones broadcast to; what does not fit is left to the operator.
Extents leading(const Tensor& a, int a_tail, const Tensor& b, int b_tail) {
  const int na = a.rank > a_tail ? a.rank - a_tail : 0;
  const int nb_ = b.rank > b_tail ? b.rank - b_tail : 0;
  const int rank = na > nb_ ? na : nb_;
  Extents extents;
  for (int d = 0; d < rank; ++d) {
    const std::int64_t x = d - (rank - na) >= 0 ? a.extent[d - (rank - na)] : 1;
    const std::int64_t y = d - (rank - nb_) >= 0 ? b.extent[d - (rank - nb_)] : 1;
    extents.append(x == 1 ? y : x);
  }
  return extents;
}

/// x's extent from the end, 1 where it has none: the operator says what is wrong.
std::int64_t from_end(const Tensor& x, int d) { return x.rank >= d ? x.extent[x.rank - d] : 1; }

Extents with_room(Call& call, Extents extents, std::initializer_list<std::int64_t> tail) {
  if (extents.rank + static_cast<int>(tail.size()) > max_rank) call.refuse("out", "at most 8 dimensions are supported");
  for (const std::int64_t n : tail) extents.append(n);
  return extents;
}

struct Product {
  double alpha;
  double beta;
  nb::str precision;
  bool batch_invariant;
  MatrixStructure a;
  MatrixStructure b;
};

Result multiply(const char* function, Array a, Array b, const Product& p, const PyChain* before, const PyChain* after,
                Array out) {
  Call call(function);
  const Tensor x = call.input(a.handle, "a");
  const Tensor y = call.input(b.handle, "b");
  const Chain in = call.chain(before);
  const Chain chain = call.chain(after);
  GemmOptions o = options(call, p.alpha, p.beta, p.precision, p.batch_invariant, out);
  o.a = p.a;
  o.b = p.b;
  const Tensor c =
      call.output(out.handle, with_room(call, leading(x, 2, y, 2), {from_end(x, 2), from_end(y, 1)}), x.dtype);
  return {call.run([&](const detail::Execution& exec) { detail::gemm(exec, x, y, c, o, in, chain); })};
}

#define MYLOS_OPTIONS(beta)                                                                                 \
  nb::kw_only(), nb::arg("alpha") = 1.0, nb::arg("beta") = double(beta), nb::arg("precision") = "standard", \
                 nb::arg("batch_invariant") = false, nb::arg("after").none() = none()
#define MYLOS_OUT nb::arg("out").none() = none()

void bind_products(nb::module_& m) {
  m.def(
      "gemm",
      [](Array a, Array b, double alpha, double beta, const nb::str& precision, bool batch_invariant,
         const PyChain* after, const PyChain* before, const nb::str& structure_a, const nb::str& structure_b,
         Array out) {
        return multiply("gemm", a, b,
                        {alpha, beta, precision, batch_invariant, named("structure_a", structure_names, structure_a),
                         named("structure_b", structure_names, structure_b)},
                        before, after, out);
      },
      nb::arg("a"), nb::arg("b"), MYLOS_OPTIONS(0), nb::arg("before").none() = none(),
      nb::arg("structure_a") = "general", nb::arg("structure_b") = "general", MYLOS_OUT,
      documented(std::string("after(alpha before(a) b + beta out): a (..., m, k), b (..., k, n), the leading extents "
                             "broadcast. structure_a, structure_b: 'general', 'lower', 'upper', 'symmetric_lower', "
                             "'symmetric_upper'.") +
                 text));
#define MYLOS_TRIANGLE(name, lower_value, upper_value, about)                                                        \
  m.def(                                                                                                             \
      #name,                                                                                                         \
      [](const nb::str& triangle, Array a, Array b, double alpha, double beta, const nb::str& precision,             \
         bool batch_invariant, const PyChain* after, Array out) {                                                    \
        const MatrixStructure which = named("triangle", structure_names, triangle);                                  \
        const MatrixStructure structure = which == MatrixStructure::lower   ? MatrixStructure::lower_value           \
                                          : which == MatrixStructure::upper ? MatrixStructure::upper_value           \
                                                                            : which;                                 \
        return multiply(#name, a, b, {alpha, beta, precision, batch_invariant, structure, MatrixStructure::general}, \
                        nullptr, after, out);                                                                        \
      },                                                                                                             \
      nb::arg("triangle"), nb::arg("a"), nb::arg("b"), MYLOS_OPTIONS(0), MYLOS_OUT,                                  \
      documented(std::string(about) + text));
  MYLOS_TRIANGLE(trmm, lower, upper,
                 "after(alpha a b + beta out) with a triangular a: 'lower' or 'upper', the other triangle is not read.")
  MYLOS_TRIANGLE(symm, symmetric_lower, symmetric_upper,
                 "after(alpha a b + beta out) with a symmetric a, of which the triangle 'lower' or 'upper' is read.")
#undef MYLOS_TRIANGLE
}

/// Weights as the device multiplies them fastest; the memory is of the weights' own kind.
struct Prepared {
  nb::object weights;
  nb::object storage;
};

Prepared prepare(Array w) {
  Call call("prepare");
  const Tensor weights = call.input(w.handle, "w");
  std::int64_t bytes = 0;
  {
    Call query("prepare");  // has no result
    query.input(w.handle, "w");
    query.run([&](const detail::Execution& exec) { bytes = detail::prepared_bytes(exec, weights); });
  }
  if (bytes == 0) return {nb::borrow(w.handle), nb::none()};
  Extents extents;
  extents.append(bytes);
  const Tensor storage = call.output(nb::none(), extents, DType::u8);
  return {nb::borrow(w.handle),
          call.run([&](const detail::Execution& exec) { detail::prepare_weights(exec, weights, storage.data); })};
}

void bind_linear(nb::module_& m) {
  nb::class_<Prepared>(
      m, "PreparedWeights",
      "Weights of linear() in the form that their device multiplies fastest, made once for many calls. "
      "The array must stay as it is.")
      .def(
          "__init__", [](Prepared* self, Array w) { new (self) Prepared(prepare(w)); }, nb::arg("w"))
      .def_ro("weights", &Prepared::weights);
  m.def(
      "linear",
      [](Array x, nb::object w, Array bias, double alpha, double beta, const nb::str& precision, bool batch_invariant,
         const PyChain* after, Array out) {
        Call call("linear");
        const Prepared* prepared = nb::isinstance<Prepared>(w) ? nb::cast<const Prepared*>(w) : nullptr;
        const Tensor from = call.input(x.handle, "x");
        const Tensor weights = call.input(prepared != nullptr ? nb::handle(prepared->weights) : nb::handle(w), "w");
        const Tensor offset = call.optional_input(bias.handle, "bias");
        const Tensor storage = prepared != nullptr ? call.optional_input(prepared->storage, "w") : Tensor();
        const Chain chain = call.chain(after);
        const GemmOptions o = options(call, alpha, beta, precision, batch_invariant, out);
        Extents extents(from);
        if (extents.rank > 0) extents.extent[extents.rank - 1] = from_end(weights, 2);
        const Tensor y = call.output(out.handle, extents, from.dtype);
        return Result{call.run([&](const detail::Execution& exec) {
          detail::linear(exec, from, weights, storage.data, offset, y, chain, o);
        })};
      },
      nb::arg("x"), nb::arg("w"), nb::arg("bias").none() = none(), MYLOS_OPTIONS(0), MYLOS_OUT,
      documented(std::string("after(alpha x w^T + bias + beta out): x (..., in), w (out, in) or PreparedWeights, bias "
                             "(out).") +
                 text));
}

void bind_vectors(nb::module_& m) {
  m.def(
      "gemv",
      [](Array a, Array x, double alpha, double beta, const nb::str& precision, bool batch_invariant,
         const PyChain* after, Array out) {
        Call call("gemv");
        const Tensor matrix = call.input(a.handle, "a");
        const Tensor vector = call.input(x.handle, "x");
        const Chain chain = call.chain(after);
        const GemmOptions o = options(call, alpha, beta, precision, batch_invariant, out);
        const Tensor y = call.output(out.handle, with_room(call, leading(matrix, 2, vector, 1), {from_end(matrix, 2)}),
                                     matrix.dtype);
        return Result{
            call.run([&](const detail::Execution& exec) { detail::gemv(exec, matrix, vector, y, o, chain); })};
      },
      nb::arg("a"), nb::arg("x"), MYLOS_OPTIONS(0), MYLOS_OUT,
      documented(std::string("after(alpha a x + beta out): a (..., m, k), x (..., k).") + text));
  m.def(
      "dot",
      [](Array x, Array y, const PyChain* after, Array out) {
        Call call("dot");
        const Tensor a = call.input(x.handle, "x");
        const Tensor b = call.input(y.handle, "y");
        const Chain chain = call.chain(after);
        const Tensor result = call.output(out.handle, leading(a, 1, b, 1), a.dtype);
        return Result{call.run([&](const detail::Execution& exec) { detail::dot(exec, a, b, result, chain); })};
      },
      nb::arg("x"), nb::arg("y"), nb::kw_only(), nb::arg("after").none() = none(), MYLOS_OUT,
      "after(sum x y) along the last dimension: x, y (..., k).\n\n"
      "Returns an array of x's element type, or `out`. Raises Error for shapes, element types and overlap.");
  m.def(
      "ger",
      [](Array x, Array y, double alpha, nb::object beta, const nb::str& precision, bool batch_invariant,
         const PyChain* after, Array out) {
        Call call("ger");
        const Tensor a = call.input(x.handle, "x");
        const Tensor b = call.input(y.handle, "y");
        const Chain chain = call.chain(after);
        const double added = beta.is_none() ? (out.handle.is_none() ? 0.0 : 1.0) : nb::cast<double>(beta);
        const GemmOptions o = options(call, alpha, added, precision, batch_invariant, out);
        const Tensor result =
            call.output(out.handle, with_room(call, leading(a, 1, b, 1), {from_end(a, 1), from_end(b, 1)}), a.dtype);
        return Result{call.run([&](const detail::Execution& exec) { detail::ger(exec, a, b, result, o, chain); })};
      },
      nb::arg("x"), nb::arg("y"), nb::kw_only(), nb::arg("alpha") = 1.0, nb::arg("beta").none() = none(),
      nb::arg("precision") = "standard", nb::arg("batch_invariant") = false, nb::arg("after").none() = none(),
      MYLOS_OUT,
      documented(std::string("after(alpha x y^T + beta out): x (..., m), y (..., n). beta is 1 where `out` is given.") +
                 text));
  m.def(
      "diagonal_mm",
      [](Array d, Array b, double alpha, double beta, const nb::str& precision, bool batch_invariant,
         const PyChain* after, Array out) {
        Call call("diagonal_mm");
        const Tensor diagonal = call.input(d.handle, "d");
        const Tensor matrix = call.input(b.handle, "b");
        const Chain chain = call.chain(after);
        const GemmOptions o = options(call, alpha, beta, precision, batch_invariant, out);
        const Extents extents =
            with_room(call, leading(diagonal, 1, matrix, 2), {from_end(matrix, 2), from_end(matrix, 1)});
        const Tensor c = call.output(out.handle, extents, matrix.dtype, &matrix);
        return Result{
            call.run([&](const detail::Execution& exec) { detail::diagonal_mm(exec, diagonal, matrix, c, o, chain); })};
      },
      nb::arg("d"), nb::arg("b"), MYLOS_OPTIONS(0), MYLOS_OUT,
      documented(std::string("after(alpha diag(d) b + beta out): d (..., m), b (..., m, n); `out` may be b.") + text));
}

#undef MYLOS_OPTIONS
#undef MYLOS_OUT

}  // namespace

void bind_gemm(nb::module_& m) {
  bind_products(m);
  bind_linear(m);
  bind_vectors(m);
}

}  // namespace mylos::python
