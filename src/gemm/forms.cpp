// The forms of gemm.hpp besides gemm itself: each checks its shapes in its own words and is one matrix product.
#include <mylos/gemm.hpp>
#include <mylos/pointwise.hpp>

#include "core/checks.hpp"
#include "core/dispatch.hpp"
#include "gemm/call.hpp"
#include "gemm/candidates.hpp"

namespace mylos::detail {
namespace {

bool given(const Tensor& tensor) { return tensor.data != nullptr || tensor.rank != 0; }

void check_rank(const char* function, const char* argument, const Tensor& tensor, int least, int most) {
  if (tensor.rank < least || tensor.rank > most)
    fail(function, argument, tensor,
         "extents " + shape_of(tensor) + ", expected " + std::to_string(least) + " to " + std::to_string(most) +
             " dimensions");
}

void check_extent(const char* function, const char* argument, const Tensor& tensor, int d, std::int64_t expected) {
  if (tensor.extent[d] != expected)
    fail(function, argument, tensor,
         "extents " + shape_of(tensor) + ", expected " + std::to_string(expected) + " in dimension " +
             std::to_string(d));
}

/// The leading dimensions of `tensor` but the last `own` broadcast to those of `y` but the last `last`.
void check_leading(const char* function, const char* argument, Tensor tensor, int own, Tensor y, int last) {
  const Tensor whole = tensor;
  tensor.rank = static_cast<std::int8_t>(tensor.rank - own);
  const Tensor shape = y;
  y.rank = static_cast<std::int8_t>(y.rank - last);
  bool fits = tensor.rank <= y.rank;
  for (int d = 0; fits && d < tensor.rank; ++d)
    fits = tensor.extent[d] == 1 || tensor.extent[d] == y.extent[d + y.rank - tensor.rank];
  if (!fits)
    fail(function, argument, whole,
         "extents " + shape_of(whole) + ", expected leading extents that broadcast to those of the result, " +
             shape_of(shape));
}

/// A chain over a result that has got `count` further dimensions of extent 1 at its end (at 0) or before its last (1).
Chain with_unit_dimensions(const char* function, const Chain& chain, int count, int at) {
  Chain more;
  for (int s = 0; s < chain.size(); ++s) {
    const Step& step = chain.step(s);
    Operand operands[2] = {step.scalar[0], step.scalar[1]};
    for (int i = 0; i < 2; ++i) {
      if (step.tensor[i] < 0) continue;
      Tensor tensor = chain.operand(step.tensor[i]);
      check_rank(function, "operand of after", tensor, 0, max_rank - count);
      for (int n = 0; n < count && tensor.rank >= at; ++n) tensor = with_unit_dimension(tensor, at);
      operands[i] = tensor;
    }
    more.append(step.id, step.parameter[0], step.parameter[1], operands, 2);
  }
  return more;
}

}  // namespace

void linear(const Execution& execution, const Tensor& x, const Tensor& w, const void* prepared, const Tensor& bias,
            const Tensor& y, const Chain& after, const GemmOptions& options) {
  constexpr const char* function = "linear";
  check_rank(function, "x", x, 1, max_rank);
  check_rank(function, "w", w, 2, 2);
  check_rank(function, "y", y, 1, max_rank);
  check_extent(function, "w", w, 1, x.extent[x.rank - 1]);
  check_extent(function, "y", y, y.rank - 1, w.extent[0]);
  check_leading(function, "x", x, 1, y, 1);
  Chain chain;
  if (given(bias)) {
    check_rank(function, "bias", bias, 1, 1);
    check_extent(function, "bias", bias, 0, w.extent[0]);
    check_reachable(function, "bias", bias, on_device(execution));
    if (!disjoint(bias, y))
      fail(function, "bias", bias, "overlaps y, expected tensors that have no elements in common");
    chain.append(add(Operand(bias)));
  }
  const bool vector = y.rank == 1;
  chain.append(after);
  const auto matrix = [&](const Tensor& t) { return t.rank == 1 ? with_unit_dimension(t, 1) : t; };
  if (vector) chain = with_unit_dimensions(function, chain, 1, 1);
  run_gemm(execution, {function, "x", "w", "y", matrix(x), transposed(w), matrix(y), prepared, options}, Chain(),
           chain);
}

void gemv(const Execution& execution, const Tensor& a, const Tensor& x, const Tensor& y, const GemmOptions& options,
          const Chain& after) {
  constexpr const char* function = "gemv";
  check_rank(function, "a", a, 2, max_rank);
  check_rank(function, "x", x, 1, max_rank - 1);
  check_rank(function, "y", y, 1, max_rank - 1);
  check_extent(function, "x", x, x.rank - 1, a.extent[a.rank - 1]);
  check_extent(function, "y", y, y.rank - 1, a.extent[a.rank - 2]);
  check_leading(function, "a", a, 2, y, 1);
  check_leading(function, "x", x, 1, y, 1);
  run_gemm(execution,
           {function, "a", "x", "y", a, with_unit_dimension(x, 0), with_unit_dimension(y, 0), nullptr, options},
           Chain(), with_unit_dimensions(function, after, 1, 0));
}

void dot(const Execution& execution, const Tensor& x, const Tensor& y, const Tensor& result, const Chain& after) {
  constexpr const char* function = "dot";
  check_rank(function, "x", x, 1, max_rank - 1);
  check_rank(function, "y", y, 1, max_rank - 1);
  check_rank(function, "result", result, 0, max_rank - 2);
  check_extent(function, "y", y, y.rank - 1, x.extent[x.rank - 1]);
  check_leading(function, "x", x, 1, result, 0);
  check_leading(function, "y", y, 1, result, 0);
  const Tensor matrix = with_unit_dimension(with_unit_dimension(result, 0), 0);
  run_gemm(execution,
           {function, "x", "y", "result", with_unit_dimension(x, 1), with_unit_dimension(y, 0), matrix, nullptr, {}},
           Chain(), with_unit_dimensions(function, after, 2, 0));
}

void ger(const Execution& execution, const Tensor& x, const Tensor& y, const Tensor& a, const GemmOptions& options,
         const Chain& after) {
  constexpr const char* function = "ger";
  check_rank(function, "x", x, 1, max_rank - 1);
  check_rank(function, "y", y, 1, max_rank - 1);
  check_rank(function, "a", a, 2, max_rank);
  check_extent(function, "a", a, a.rank - 2, x.extent[x.rank - 1]);
  check_extent(function, "a", a, a.rank - 1, y.extent[y.rank - 1]);
  check_leading(function, "x", x, 1, a, 2);
  check_leading(function, "y", y, 1, a, 2);
  run_gemm(execution,
           {function, "x", "y", "a", with_unit_dimension(x, 0), with_unit_dimension(y, 1), a, nullptr, options},
           Chain(), after);
}

void diagonal_mm(const Execution& execution, const Tensor& d, const Tensor& b, const Tensor& c,
                 const GemmOptions& options, const Chain& after) {
  constexpr const char* function = "diagonal_mm";
  check_rank(function, "d", d, 1, max_rank - 1);
  check_rank(function, "b", b, 2, max_rank);
  check_rank(function, "c", c, 2, max_rank);
  check_extent(function, "b", b, b.rank - 2, d.extent[d.rank - 1]);
  Chain chain = mul(Operand(with_unit_dimension(d, 0)));
  if (options.alpha != 1) chain.append(mul(options.alpha));
  if (options.beta != 0) chain.append(addcmul(Operand(c), 1, options.beta));
  chain.append(after);
  pointwise(function, execution, b, c, chain);
}

// ---- prepared weights -----------------------------------------------------------------------------------------------

namespace {

GemmPreparation preparation_of([[maybe_unused]] const Execution& execution) {
#ifdef MYLOS_HAVE_CUDA_KERNELS
  if (execution.backend == Backend::cuda) return cuda::gemm_preparation();
#endif
  return {};
}

GemmProblem describe_weights(const Tensor& w) {
  GemmProblem p;
  p.m = 1;
  p.n = w.extent[0];
  p.k = w.extent[1];
  p.b.data = w.data;
  p.a.dtype = p.b.dtype = p.c.dtype = w.dtype;
  p.b.row = w.extent[1] == 1 ? 0 : w.stride[1];
  p.b.column = w.extent[0] == 1 ? 0 : w.stride[0];
  static const Chain none{};
  p.before = p.after = &none;
  return p;
}

}  // namespace

std::int64_t prepared_bytes(const Execution& execution, const Tensor& w) {
  constexpr const char* function = "PreparedWeights";
  check_floating(function, "w", w);
  check_reachable(function, "w", w, on_device(execution));
  check_rank(function, "w", w, 2, 2);
  const GemmPreparation preparation = preparation_of(execution);
  return preparation.bytes == nullptr || w.size() == 0 ? 0 : preparation.bytes(describe_weights(w));
}

void prepare_weights(const Execution& execution, const Tensor& w, void* prepared) {
  with_instance(execution, [&](const auto& exec) {
    const Region region("PreparedWeights", "prepare");
    preparation_of(execution).run(describe_weights(w), prepared, make_queue(exec));
  });
}

}  // namespace mylos::detail
