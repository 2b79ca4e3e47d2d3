// One operator of each family from sizes that nothing but the launch binds to sizes that memory binds, by factors of 4.
#include "suite/cases/families.hpp"
#include "suite/cases/suites.hpp"

namespace mylos::bench {
namespace {

constexpr const char* suite = "sweep";
constexpr std::int64_t row = 1024;

/// Sizes that do not fit are left out: fewer rows would be another size of the sweep.
void add(Cases& cases, const CaseSpec& spec) {
  if (spec.slot_bytes() <= memory_budget() && spec.flops <= work_budget()) add_quick_paths(cases, spec);
}

}  // namespace

Cases sweep_cases() {
  using mylos::detail::ScanId;
  Cases cases;
  constexpr std::int64_t most = std::int64_t{1} << 28;
  for (std::int64_t n = row; n <= most; n *= 4) {
    const Shape rows{n / row, row};
    add(cases, map_case({suite, "relu", "relu"}, {n}, {always(relu())}));
    add(cases, softmax_case({suite, "softmax", "softmax"}, rows));
    add(cases, layer_norm_case({suite, "layer_norm", "layer_norm"}, rows, 0));
    add(cases, reduce_case({suite, "sum_all", "sum"}, {n}, ReductionId::sum, {}));
    add(cases, reduce_case({suite, "sum_rows", "sum"}, rows, ReductionId::sum, {1}));
    add(cases, reduce_case({suite, "sum_columns", "sum"}, rows, ReductionId::sum, {0}));
    add(cases, scan_case({suite, "cumsum", "cumsum"}, rows, ScanId::cumsum, -1));
    add(cases, loss_case({suite, "mse_loss", "mse_loss"}, {n}, PointLoss::mse));
  }
  for (std::int64_t samples = 256; samples <= std::int64_t{1} << 24; samples *= 4)
    add(cases, mlp_case({suite, "mlp", "mlp"}, samples, {8, 32, 32, 4}, relu(), false));
  for (const std::int64_t n : {64, 256, 1024, 2048, 4096, 8192}) {
    Product p;
    p.m = p.n = p.k = n;
    const CaseSpec spec = gemm_case({suite, "gemm", "gemm"}, p);
    add(cases, spec);
    if (spec.flops <= work_budget()) add_gemm_peers(cases, spec, p);
  }
  return cases;
}

}  // namespace mylos::bench
