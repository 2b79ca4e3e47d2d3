// The problems of KernelBench level 1: a table from its numbers to operators. Shapes and reference times are data
// (data/kernelbench_level1.json, compiled in).
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "suite/cases/families.hpp"
#include "suite/cases/suites.hpp"

namespace mylos::bench {

extern const char* const kernelbench_level1_json;  // written by CMake

namespace {

/// `first` is the shape of the problem's first input, of which little memory may have left less.
using Make = std::function<CaseSpec(const Title&, const Shape& first, const Problem&)>;

struct Line {
  const char* op;
  Make make;
};
using Table = std::map<int, Line>;

Make elementwise(const Chain& chain) {
  return [chain](const Title& title, const Shape& x, const Problem&) { return map_case(title, x, {always(chain)}); };
}

Make reduced(ReductionId id) {  // along axis 1
  return [id](const Title& title, const Shape& x, const Problem&) { return reduce_case(title, x, id, {1}); };
}

Make scanned(mylos::detail::ScanId id, Scan scan = {}, bool masked = false) {  // along axis 1
  return [=](const Title& title, const Shape& x, const Problem&) { return scan_case(title, x, id, 1, scan, masked); };
}

Make loss_of(PointLoss loss, bool target_row = false) {
  return [=](const Title& title, const Shape& x, const Problem&) { return loss_case(title, x, loss, target_row); };
}

/// Any leading extents of the first input are batches; the second has them too, or is one matrix.
Make product(bool a_turned = false, bool b_turned = false) {
  return [=](const Title& title, const Shape& a, const Problem& problem) {
    const Shape& b = problem.inputs[1];
    Product p;
    p.batch.assign(a.begin(), a.end() - 2);
    p.a_turned = a_turned;
    p.b_turned = b_turned;
    p.b_batched = b.size() > 2;
    p.m = a[a.size() - (a_turned ? 1 : 2)];
    p.k = a[a.size() - (a_turned ? 2 : 1)];
    p.n = b[b.size() - (b_turned ? 2 : 1)];
    return gemm_case(title, p);
  };
}

Make triangles(MatrixStructure structure) {
  return [=](const Title& title, const Shape& a, const Problem&) {
    Product p;
    p.m = p.n = p.k = a[0];
    p.a = p.b = structure;
    return gemm_case(title, p);
  };
}

template <class Case>
Make shaped(const Case& make) {
  return [make](const Title& title, const Shape& x, const Problem&) { return make(title, x); };
}

void add_products(Table& table) {
  for (const int id : {1, 2, 3, 6, 7, 8, 9, 10, 11, 13}) table[id] = {"gemm", product()};
  table[4] = {"gemv", shaped([](const Title& t, const Shape& a) { return gemv_case(t, a[0], a[1]); })};
  table[5] = {"mul", elementwise(mul(3.14))};
  table[12] = {"diagonal_mm", [](const Title& title, const Shape& d, const Problem& problem) {
                 return diagonal_case(title, {d[0], problem.inputs[1][1]});
               }};
  table[14] = {"gemm", triangles(MatrixStructure::upper)};
  table[15] = {"gemm", triangles(MatrixStructure::lower)};
  table[16] = {"gemm", product(true, false)};
  table[17] = {"gemm", product(false, true)};
  table[18] = {"gemm", product(true, true)};
}

void add_elementwise(Table& table) {
  table[19] = {"relu", elementwise(relu())};
  table[20] = {"leaky_relu", elementwise(leaky_relu(0.01))};
  table[21] = {"sigmoid", elementwise(sigmoid())};
  table[22] = {"tanh", elementwise(mylos::tanh())};
  table[25] = {"silu", elementwise(silu())};
  table[26] = {"gelu", elementwise(gelu())};
  table[27] = {"selu", elementwise(selu())};
  table[28] = {"hardsigmoid", elementwise(hardsigmoid())};
  table[29] = {"softplus", elementwise(softplus())};
  table[30] = {"softsign", elementwise(softsign())};
  table[31] = {"elu", elementwise(elu(1.0))};
  table[32] = {"hardtanh", elementwise(hardtanh(-1, 1))};
  table[88] = {"gelu_tanh", elementwise(gelu_tanh())};
}

void add_rows(Table& table) {
  table[23] = {"softmax", shaped([](const Title& t, const Shape& x) { return softmax_case(t, x); })};
  table[24] = {"log_softmax", shaped([](const Title& t, const Shape& x) { return softmax_case(t, x, true); })};
  table[33] = {"batch_norm_training", shaped(batch_norm_training_case)};  // as the model comes: in training
  table[34] = {"instance_norm", shaped([](const Title& t, const Shape& x) { return group_norm_case(t, x, 0); })};
  table[35] = {"group_norm", shaped([](const Title& t, const Shape& x) { return group_norm_case(t, x, 8); })};
  table[36] = {"rms_norm", shaped([](const Title& t, const Shape& x) { return rms_norm_case(t, x, 1, 1e-5); })};
  table[37] = {"frobenius_normalize", shaped(frobenius_case)};
  table[38] = {"l1_normalize", shaped(l1_mean_case)};
  table[39] = {"l2_normalize", shaped(l2_normalize_case)};
  table[40] = {"layer_norm", shaped([](const Title& t, const Shape& x) { return layer_norm_case(t, x, 3); })};
}

void add_reductions_and_scans(Table& table) {
  using mylos::detail::ScanId;
  table[47] = {"sum", reduced(ReductionId::sum)};
  table[48] = {"mean", reduced(ReductionId::mean)};
  table[49] = {"amax", reduced(ReductionId::amax)};
  table[51] = {"argmax", reduced(ReductionId::argmax)};
  table[52] = {"argmin", reduced(ReductionId::argmin)};
  table[53] = {"amin", reduced(ReductionId::amin)};
  table[89] = {"cumsum", scanned(ScanId::cumsum)};
  table[90] = {"cumprod", scanned(ScanId::cumprod)};
  table[91] = {"cumsum", scanned(ScanId::cumsum, Scan::reverse)};
  table[92] = {"cumsum", scanned(ScanId::cumsum, Scan::exclusive)};
  table[93] = {"cumsum", scanned(ScanId::cumsum, {}, true)};
}

void add_losses(Table& table) {
  table[94] = {"mse_loss", loss_of(PointLoss::mse)};
  table[95] = {"cross_entropy", shaped(cross_entropy_case)};
  table[96] = {"smooth_l1_loss", loss_of(PointLoss::smooth_l1)};
  table[98] = {"kl_div", loss_of(PointLoss::kl_div_of_probabilities)};
  table[99] = {"triplet_margin_loss", shaped(triplet_case)};
  table[100] = {"hinge_loss", loss_of(PointLoss::hinge, true)};  // one target for each column
}

const Table& table() {
  static const Table lines = [] {
    Table t;
    add_products(t);
    add_elementwise(t);
    add_rows(t);
    add_reductions_and_scans(t);
    add_losses(t);
    return t;
  }();
  return lines;
}

/// Problems whose operator Mylos lacks.
struct Missing {
  int first;
  int last;
  const char* what;
};
const Missing missing[] = {
    {41, 46, "pooling"}, {50, 50, "convolution"}, {54, 87, "convolution"}, {97, 97, "attention"}};

}  // namespace

const std::vector<Problem>& kernelbench1_problems() {
  static const std::vector<Problem> problems = [] {
    const auto data = nlohmann::json::parse(kernelbench_level1_json);
    std::vector<Problem> list;
    for (const auto& entry : data.at("problems")) {
      Problem p;
      p.id = entry.at("id").get<int>();
      p.name = std::to_string(p.id) + "_" + entry.at("name").get<std::string>();
      for (const auto& input : entry.at("inputs"))
        if (input.is_array()) p.inputs.push_back(input.get<Shape>());
      p.times = {data.at("machine").get<std::string>(), entry.at("eager_ms").get<double>(),
                 entry.at("compile_ms").get<double>()};
      list.push_back(std::move(p));
    }
    return list;
  }();
  return problems;
}

std::vector<Coverage> kernelbench1_coverage() {
  std::vector<Coverage> coverage;
  for (const Problem& problem : kernelbench1_problems()) {
    Coverage one{problem.id, ""};
    for (const Missing& m : missing)
      if (problem.id >= m.first && problem.id <= m.last) one.missing = m.what;
    if (one.missing.empty() && table().count(problem.id) == 0)
      throw std::logic_error(problem.name + " is neither in the table nor among what is missing");
    if (!one.missing.empty() && table().count(problem.id) != 0)
      throw std::logic_error(problem.name + " is in the table and among what is missing");
    coverage.push_back(one);
  }
  return coverage;
}

Cases kernelbench1_cases() {
  Cases cases;
  for (const Problem& problem : kernelbench1_problems()) {
    const auto line = table().find(problem.id);
    if (line == table().end()) continue;
    const Title title{"kernelbench1", problem.name, line->second.op};
    bool whole = false;
    CaseSpec spec = fitted(problem.inputs[0], [&](const Shape& first) {
      whole = first == problem.inputs[0];
      return line->second.make(title, first, problem);
    });
    if (whole) spec.reference = problem.times;  // of this size and no other
    add_quick_paths(cases, spec);
    add_vendor_peers(cases, spec);
  }
  return cases;
}

}  // namespace mylos::bench
