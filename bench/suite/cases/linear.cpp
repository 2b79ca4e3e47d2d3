// linear, GELU and softmax as one case.
#include <algorithm>
#include <memory>

#include "reference/gemm.hpp"
#include "reference/row.hpp"
#include "suite/cases/families.hpp"

namespace mylos::bench {
namespace {

namespace reference = test::reference;

/// gelu(x w^T + bias) of one row of x, as it is stored, and how far each may be off.
std::vector<MlpValue> hidden_row(const Exec& exec, const Tensor& x_row, const Tensor& w,
                                 const std::vector<double>& bias, const Arithmetic& arithmetic) {
  const std::int64_t k = w.extent[1];
  const std::vector<double> x = read(exec, x_row);
  std::vector<MlpValue> row;
  const std::int64_t at_once = std::max<std::int64_t>((std::int64_t{1} << 20) / k, 1);
  for (std::int64_t begin = 0; begin < w.extent[0]; begin += at_once) {
    Tensor part = moved(w, begin * w.stride[0]);
    part.extent[0] = std::min(at_once, w.extent[0] - begin);
    const std::vector<double> weights = read(exec, part);
    for (std::int64_t j = 0; j < part.extent[0]; ++j) {
      Real sum = 0;
      Real absolute = 0;
      for (std::int64_t q = 0; q < k; ++q) {
        const Real term = static_cast<Real>(x[static_cast<std::size_t>(q)]) *
                          static_cast<Real>(weights[static_cast<std::size_t>(j * k + q)]);
        sum += term;
        absolute += std::fabs(term);
      }
      const double b = bias[static_cast<std::size_t>(begin + j)];
      MlpValue v{sum, reference::gemm_tolerance(k, arithmetic.in_f64(), absolute)};
      v = through(add(b) | gelu(), v, {}, arithmetic);
      v.error += reference::ulp_of(std::fabs(v.value) + v.error, reference::format_of(arithmetic.y)) / 2;
      row.push_back(v);
    }
  }
  return row;
}

/// Three rows of y. The errors e of what goes into the softmax become at most e_j + sum_k y_k e_k relative to y_j, to
/// first order; the factor is for the rest.
ErrorFigures check_layer(const Exec& exec, const Tensors& t) {
  const Arithmetic arithmetic{t[0].dtype, t[3].dtype};
  const std::vector<double> bias = read(exec, t[2]);
  ErrorMeter meter;
  const Rows rows(t[3], {1});
  for (const std::int64_t r : spread(3, rows.count())) {
    const std::vector<MlpValue> hidden = hidden_row(exec, rows.row(t[0], r), t[1], bias, arithmetic);
    std::vector<Real> values;
    for (const MlpValue& v : hidden) values.push_back(v.value);
    const reference::RowResult exact = reference::softmax(values, false, arithmetic.format());
    Real mean_error = 0;
    for (std::size_t j = 0; j < hidden.size(); ++j) mean_error += exact.y[j] * hidden[j].error;
    const std::vector<double> found = read(exec, rows.row(t[3], r));
    for (std::size_t j = 0; j < hidden.size(); ++j) {
      const Real carried = Real(1.01) * exact.y[j] * (hidden[j].error + mean_error);
      meter.add_stored(found[j], exact.y[j], arithmetic.factor() * exact.tolerance[j] + carried, arithmetic);
    }
  }
  return meter.figures();
}

/// The bytes that PreparedWeights keeps for w: asked of a description, whose memory nobody touches.
std::int64_t prepared_bytes_of(const TensorSpec& w) {
  alignas(256) static char nowhere[1];
  const Exec exec;
  return mylos::detail::prepared_bytes(mylos::detail::Execution(exec), w.on(nowhere));
}

}  // namespace

CaseSpec linear_gelu_softmax_case(const Title& title, std::int64_t m, std::int64_t n, std::int64_t k, bool prepared) {
  Product p;
  p.m = m;
  p.n = n;
  p.k = k;
  CaseSpec spec = case_spec(title, "contract", p.text());
  spec.flops = p.flops();
  spec.flops_formula = "2 m n k";
  spec.error_unit = "share of the operators' bounds, carried from one to the next";
  // Weights that leave the size of the values about as it is.
  const Content weights{Content::Kind::normal, 1 / std::sqrt(static_cast<double>(k))};
  spec.tensors = {{"x", title.dtype, {m, k}},
                  {"w", title.dtype, {n, k}, Role::input, Layout::right, weights},
                  {"bias", title.dtype, {n}},
                  output("y", title.dtype, {m, n})};
  if (prepared) spec.further_bytes = prepared_bytes_of(spec.tensors[1]);
  spec.bind = [prepared](const Exec& exec, const Tensors& t) -> Call {
    if (!prepared)
      return [=] {
        linear(exec, t[0], t[1], t[2], t[3], gelu());
        softmax(exec, t[3], t[3]);
      };
    const auto w = std::make_shared<PreparedWeights<Exec>>(exec, t[1]);
    return [=] {
      linear(exec, t[0], *w, t[2], t[3], gelu());
      softmax(exec, t[3], t[3]);
    };
  };
  spec.check = check_layer;
  return spec;
}

}  // namespace mylos::bench
