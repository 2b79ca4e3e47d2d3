// A few cases of every family and dtype, small enough for a minute on a laptop.
#include "suite/cases/families.hpp"
#include "suite/cases/suites.hpp"

namespace mylos::bench {
namespace {

constexpr const char* suite = "quick";

CaseSpec square_product(DType dtype, std::int64_t n) {
  Product p;
  p.m = p.n = p.k = n;
  return gemm_case({suite, "gemm", "gemm", dtype}, p);
}

CaseSpec biased_gelu(DType dtype, const Shape& shape) {
  MapArguments arguments;
  arguments.operands = {{"bias", dtype, {shape[1]}}};
  arguments.chain = [](const Tensors& t) { return add(t[2]) | gelu(); };
  return map_case({suite, "add_gelu", "map", dtype}, shape, arguments);
}

}  // namespace

Cases quick_cases() {
  using mylos::detail::ScanId;
  const Shape matrix{1024, 2048};
  Cases cases;
  const CaseSpec specs[] = {
      map_case({suite, "relu", "relu", DType::f32}, matrix, {always(relu())}),
      map_case({suite, "tanh", "tanh", DType::f64}, matrix, {always(mylos::tanh())}),
      map_case({suite, "silu", "silu", DType::bf16}, matrix, {always(silu())}),
      biased_gelu(DType::f16, matrix),
      softmax_case({suite, "softmax", "softmax", DType::f32}, matrix),
      softmax_case({suite, "softmax", "softmax", DType::bf16}, matrix),
      layer_norm_case({suite, "layer_norm", "layer_norm", DType::f16}, matrix, 1),
      rms_norm_case({suite, "rms_norm", "rms_norm", DType::f64}, matrix, -1, 1e-5),
      reduce_case({suite, "sum_all", "sum", DType::f32}, matrix, ReductionId::sum, {}),
      reduce_case({suite, "amax_columns", "amax", DType::bf16}, matrix, ReductionId::amax, {0}),
      reduce_case({suite, "var_rows", "var", DType::f64}, matrix, ReductionId::var, {1}),
      scan_case({suite, "cumsum", "cumsum", DType::f32}, matrix, ScanId::cumsum, -1),
      scan_case({suite, "cumsum", "cumsum", DType::f16}, matrix, ScanId::cumsum, 0),
      loss_case({suite, "mse_loss", "mse_loss", DType::f64}, matrix, PointLoss::mse),
      cross_entropy_case({suite, "cross_entropy", "cross_entropy", DType::f32}, matrix),
      square_product(DType::f32, 512),
      square_product(DType::f64, 256),
      square_product(DType::f16, 256),
      square_product(DType::bf16, 256),
      mlp_case({suite, "mlp_tanh", "mlp", DType::f32}, 65536, {8, 32, 32, 4}, mylos::tanh(), false),
      mlp_case({suite, "mlp_relu", "mlp", DType::f64}, 65536, {8, 32, 32, 4}, relu(), true),
  };
  for (const CaseSpec& spec : specs) {
    add_path(cases, spec, Path::automatic);
    if (spec.dtype == DType::f32) add_path(cases, spec, Path::generic);  // one of each family is enough for a minute
  }
  return cases;
}

}  // namespace mylos::bench
