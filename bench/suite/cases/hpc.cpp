// What simulation codes have: small networks over millions of samples, tall fields whose samples are neighbours, fp64,
// and sections of larger arrays.
#include "suite/cases/families.hpp"
#include "suite/cases/suites.hpp"

namespace mylos::bench {
namespace {

constexpr const char* suite = "hpc";
using mylos::detail::ScanId;

void add(Cases& cases, const Shape& shape, const std::function<CaseSpec(const Shape&)>& make) {
  add_quick_paths(cases, fitted(shape, make));
}

void add_networks(Cases& cases) {
  struct Line {
    const char* name;
    Chain chain;
  };
  const Line lines[] = {{"mlp_tanh", mylos::tanh()}, {"mlp_relu", relu()}, {"mlp_gelu", gelu()}};
  for (const Line& line : lines)
    for (const DType dtype : {DType::f32, DType::f64})
      for (const bool samples_fastest : {false, true})
        add(cases, {4000000}, [&](const Shape& samples) {
          return mlp_case({suite, line.name, "mlp", dtype}, samples[0], {8, 32, 32, 4}, line.chain, samples_fastest);
        });
}

/// A million cells with 64 values each, the cells next to each other.
void add_tall_fields(Cases& cases) {
  const Shape field{1000000, 64};
  for (const DType dtype : {DType::f32, DType::f64})
    for (const int axis : {0, 1}) {
      const std::string suffix = "_axis" + std::to_string(axis);
      add(cases, field, [&](const Shape& s) {
        return softmax_case({suite, "softmax" + suffix, "softmax", dtype}, s, false, axis, {}, Layout::left);
      });
      add(cases, field, [&](const Shape& s) {
        return layer_norm_case({suite, "layer_norm" + suffix, "layer_norm", dtype}, s, 0, axis, Layout::left);
      });
      add(cases, field, [&](const Shape& s) {
        return reduce_case({suite, "sum" + suffix, "sum", dtype}, s, ReductionId::sum, {axis}, Layout::left);
      });
      add(cases, field, [&](const Shape& s) {
        return scan_case({suite, "cumsum" + suffix, "cumsum", dtype}, s, ScanId::cumsum, axis, {}, false, Layout::left);
      });
    }
}

void add_f64(Cases& cases) {
  const Shape matrix{4096, 8192};
  struct Line {
    const char* name;
    Chain chain;
  };
  const Line lines[] = {{"tanh", mylos::tanh()},
                        {"exp", mylos::exp()},
                        {"chain_tanh_mul_add", mylos::tanh() | mul(0.5) | mylos::add(0.25)},
                        {"chain_silu_clamp", silu() | mul(1.5) | clamp(-2, 2)}};
  for (const Line& line : lines)
    add(cases, matrix, [&](const Shape& s) {
      return map_case({suite, line.name, "map", DType::f64}, s, {always(line.chain)});
    });
  struct Reduction {
    const char* name;
    const char* op;
    ReductionId id;
    std::vector<int> axes;
  };
  const Reduction reductions[] = {
      {"sum_all", "sum", ReductionId::sum, {}},           {"norm_all", "norm", ReductionId::norm, {}},
      {"sum_rows", "sum", ReductionId::sum, {1}},         {"amax_rows", "amax", ReductionId::amax, {1}},
      {"var_rows", "var", ReductionId::var, {1}},         {"sum_columns", "sum", ReductionId::sum, {0}},
      {"argmax_rows", "argmax", ReductionId::argmax, {1}}};
  for (const Reduction& r : reductions)
    add(cases, matrix, [&](const Shape& s) { return reduce_case({suite, r.name, r.op, DType::f64}, s, r.id, r.axes); });
  add(cases, matrix, [&](const Shape& s) {
    return scan_case({suite, "cumsum_rows", "cumsum", DType::f64}, s, ScanId::cumsum, -1);
  });
  add(cases, matrix, [&](const Shape& s) { return softmax_case({suite, "softmax_rows", "softmax", DType::f64}, s); });
  add(cases, {2048}, [&](const Shape& n) {
    Product p;
    p.m = n[0];
    p.n = p.k = 2048;
    return gemm_case({suite, "gemm", "gemm", DType::f64}, p);
  });
}

/// Rows with room behind them, and every second column.
void add_sections(Cases& cases) {
  const Shape matrix{4096, 8192};
  for (const DType dtype : {DType::f32, DType::f64})
    for (const Layout layout : {Layout::padded, Layout::every_second}) {
      const std::string suffix = layout == Layout::padded ? "_padded_rows" : "_every_second_column";
      add(cases, matrix, [&](const Shape& s) {
        MapArguments arguments{always(mylos::tanh() | mul(0.5))};
        arguments.layout = layout;
        return map_case({suite, "chain" + suffix, "map", dtype}, s, arguments);
      });
      add(cases, matrix, [&](const Shape& s) {
        return softmax_case({suite, "softmax" + suffix, "softmax", dtype}, s, false, -1, {}, layout);
      });
      add(cases, matrix, [&](const Shape& s) {
        return reduce_case({suite, "sum" + suffix, "sum", dtype}, s, ReductionId::sum, {1}, layout);
      });
      add(cases, matrix, [&](const Shape& s) {
        return scan_case({suite, "cumsum" + suffix, "cumsum", dtype}, s, ScanId::cumsum, 1, {}, false, layout);
      });
    }
}

}  // namespace

Cases hpc_cases() {
  Cases cases;
  add_networks(cases);
  add_tall_fields(cases);
  add_f64(cases);
  add_sections(cases);
  return cases;
}

}  // namespace mylos::bench
