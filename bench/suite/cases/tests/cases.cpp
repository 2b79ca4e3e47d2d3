// The suites' cases: their names, what they claim to move, and that their checks pass and fail where they should.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <sstream>
#include <stdexcept>

#include "suite/cases/families.hpp"
#include "suite/cases/suites.hpp"

namespace mylos::bench {
namespace {

/// quick; or, run by hand, MYLOS_BENCH_SUITE, with MYLOS_BENCH_FILTER a part of their names.
Cases cases_to_run() {
  const char* const suite = std::getenv("MYLOS_BENCH_SUITE");
  const char* const filter = std::getenv("MYLOS_BENCH_FILTER");
  Cases chosen;
  for (const SuiteCase<Exec>& c : suite_cases<Exec>(suite != nullptr ? suite : "quick"))
    if (filter == nullptr || c.full_name().find(filter) != std::string::npos) chosen.push_back(c);
  return chosen;
}

Cases all_cases() {
  Cases all;
  for (const std::string& suite : suite_names())
    for (const SuiteCase<Exec>& c : suite_cases<Exec>(suite)) {
      EXPECT_EQ(c.suite, suite) << c.full_name();
      all.push_back(c);
    }
  return all;
}

std::vector<std::string> parts_of(const std::string& text, char between) {
  std::istringstream stream(text);
  std::vector<std::string> parts;
  for (std::string part; std::getline(stream, part, between);) parts.push_back(part);
  return parts;
}

bool has_only(const std::string& text, const char* characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string::npos;
}

#define MYLOS_DIGITS "0123456789"
#define MYLOS_SMALL "abcdefghijklmnopqrstuvwxyz"

/// suite/case/dtype/shape/layout/path
bool is_well_formed(const std::string& name) {
  const std::vector<std::string> parts = parts_of(name, '/');
  if (parts.size() != 6) return false;
  const std::set<std::string> dtypes{"f64", "f32", "f16", "bf16"};
  const std::set<std::string> layouts{"right", "left", "strided"};
  const std::set<std::string> paths{"automatic", "generic", "kokkos", "cublas", "openblas", "onednn"};
  for (const std::string& extent : parts_of(parts[3] + 'x', 'x'))
    if (!has_only(extent, MYLOS_DIGITS)) return false;
  return has_only(parts[0], MYLOS_SMALL MYLOS_DIGITS) &&
         has_only(parts[1], MYLOS_SMALL "ABCDEFGHIJKLMNOPQRSTUVWXYZ_" MYLOS_DIGITS) && dtypes.count(parts[2]) == 1 &&
         layouts.count(parts[4]) == 1 && paths.count(parts[5]) == 1;
}

TEST(BenchCases, NamesAreUniqueAndWellFormed) {
  const std::set<std::string> families{"map", "row", "reduce", "scan", "loss", "contract", "mlp"};
  std::set<std::string> seen;
  for (const SuiteCase<Exec>& c : all_cases()) {
    EXPECT_TRUE(is_well_formed(c.full_name())) << c.full_name();
    EXPECT_TRUE(seen.insert(c.full_name()).second) << c.full_name() << " is there twice";
    EXPECT_EQ(families.count(c.family), 1U) << c.full_name() << " is of family " << c.family;
    EXPECT_FALSE(c.op.empty()) << c.full_name();
  }
}

TEST(BenchCases, WhatMovesFitsIntoWhatIsThere) {
  for (const SuiteCase<Exec>& c : all_cases()) {
    EXPECT_GT(c.bytes, 0) << c.full_name();
    EXPECT_LE(c.bytes, static_cast<double>(c.slot_bytes) * (c.op == "batch_norm_training" ? 1.01 : 1)) << c.full_name();
    EXPECT_FALSE(c.bytes_formula.empty()) << c.full_name();
    EXPECT_EQ(c.flops > 0, !c.flops_formula.empty()) << c.full_name();
    EXPECT_GT(c.error_bound, 0) << c.full_name();
    EXPECT_FALSE(c.error_unit.empty()) << c.full_name();
    EXPECT_EQ(c.forced == Path::generic, c.path == "generic") << c.full_name();
  }
}

TEST(BenchCases, UnknownSuitesAreRefused) { EXPECT_THROW((void)suite_cases<Exec>("fast"), std::runtime_error); }

TEST(BenchCases, EveryProblemOfKernelBenchHasCasesOrAReason) {
  std::set<std::string> names;
  for (const SuiteCase<Exec>& c : kernelbench1_cases()) names.insert(c.name);
  std::size_t with = 0;
  std::size_t without = 0;
  const std::vector<Coverage> coverage = kernelbench1_coverage();
  ASSERT_EQ(coverage.size(), 100U);
  for (const Coverage& one : coverage) {
    const Problem& problem = kernelbench1_problems()[static_cast<std::size_t>(one.id) - 1];
    EXPECT_EQ(problem.id, one.id);
    EXPECT_EQ(names.count(problem.name), one.missing.empty() ? 1U : 0U) << problem.name << ' ' << one.missing;
    ++(one.missing.empty() ? with : without);
  }
  EXPECT_EQ(with, 58U);
  EXPECT_EQ(without, 42U);
}

/// A smaller shape than the problem's has no reference times; the problem's own has them.
TEST(BenchCases, ReferenceTimesGoWithTheProblemsOwnShapes) {
  for (const SuiteCase<Exec>& c : kernelbench1_cases()) {
    if (c.name == "88_MinGPTNewGelu" && c.shape == "8192x8192") {
      ASSERT_TRUE(c.reference.has_value());
      EXPECT_EQ(c.reference->machine, "NVIDIA H200");
      EXPECT_EQ(c.reference->eager_ms, 1.278);
      EXPECT_EQ(c.reference->compile_ms, 0.131);
    }
    if (c.name == "23_Softmax") {
      EXPECT_EQ(c.reference.has_value(), c.shape == "4096x393216") << c.shape;
    }
  }
}

TEST(BenchCases, ChecksPassAndDigestsRepeat) {
  const Exec exec;
  for (const SuiteCase<Exec>& c : cases_to_run()) {
    SCOPED_TRACE(c.full_name());
    const auto running = c.make(exec, 1);
    running->spoil();
    const std::uint64_t spoilt = running->digest();
    EXPECT_FALSE(running->error().max <= c.error_bound) << "nothing has been written, and the check does not mind";
    running->call(0);
    const ErrorFigures error = running->error();
    const std::uint64_t first = running->digest();
    EXPECT_TRUE(error.max <= c.error_bound) << error.max << " of " << c.error_bound << ' ' << c.error_unit;
    EXPECT_LE(error.rms, error.max);
    EXPECT_NE(first, spoilt);
    running->spoil();
    running->call(0);
    EXPECT_EQ(running->digest(), first);
    if (std::getenv("MYLOS_BENCH_SUITE") != nullptr)
      std::printf("%-90s %.3g of %.3g\n", c.full_name().c_str(), error.max, c.error_bound);
  }
}

TEST(BenchCases, CopiesHoldTheSame) {
  const Exec exec;
  for (const SuiteCase<Exec>& c : suite_cases<Exec>("quick")) {
    if (c.path != "automatic" || c.dtype != DType::f32 || (c.name != "relu" && c.name != "cumsum")) continue;
    const auto one = c.make(exec, 1);
    const auto three = c.make(exec, 3);
    one->call(0);
    for (int turn = 0; turn < 7; ++turn) three->call(turn);
    EXPECT_EQ(one->digest(), three->digest()) << c.full_name();
  }
}

/// One case of each way to judge, made smaller than any suite's.
std::vector<CaseSpec> one_of_each() {
  using mylos::detail::ScanId;
  const Shape matrix{65, 130};
  Product triangles;
  triangles.m = triangles.n = triangles.k = 70;
  triangles.a = triangles.b = MatrixStructure::lower;
  Product turned;
  turned.batch = {3};
  turned.m = 20;
  turned.n = 30;
  turned.k = 40;
  turned.a_turned = turned.b_turned = turned.b_batched = true;
  const auto title = [](const char* name, DType dtype = DType::f32) { return Title{"test", name, name, dtype}; };
  return {map_case(title("gelu"), matrix, {always(gelu())}),
          softmax_case(title("softmax"), matrix, false, -1, gelu()),
          softmax_case(title("log_softmax", DType::f64), matrix, true, 0, {}, Layout::left),
          layer_norm_case(title("layer_norm"), {4, 10, 12}, 2),
          group_norm_case(title("group_norm"), {3, 8, 5, 7}, 4),
          group_norm_case(title("instance_norm"), {3, 8, 5, 7}, 0),
          batch_norm_training_case(title("batch_norm"), {3, 8, 5, 7}),
          rms_norm_case(title("rms_norm"), {3, 8, 5, 7}, 1, 1e-5),
          l1_mean_case(title("l1"), matrix),
          l2_normalize_case(title("l2", DType::bf16), matrix),
          frobenius_case(title("frobenius"), {3, 8, 5, 7}),
          frobenius_case(title("frobenius of a long row"), {1100, 1000}),
          layer_norm_case(title("layer_norm of long rows"), {2, 1100, 1000}, 2),
          reduce_case(title("sum"), {7, 30, 11}, ReductionId::sum, {1}),
          reduce_case(title("argmax"), {7, 30, 11}, ReductionId::argmax, {1}, Layout::padded),
          reduce_case(title("mean of all"), {1500, 1500}, ReductionId::mean, {}),
          reduce_case(title("sum", DType::f64), matrix, ReductionId::sum, {0}, Layout::left),
          scan_case(title("cumsum"), matrix, ScanId::cumsum, 1, Scan::reverse | Scan::exclusive),
          scan_case(title("cumprod"), matrix, ScanId::cumprod, 0, {}, false, Layout::every_second),
          scan_case(title("masked"), matrix, ScanId::cumsum, 1, {}, true),
          loss_case(title("mse"), matrix, PointLoss::mse),
          loss_case(title("smooth_l1", DType::f64), matrix, PointLoss::smooth_l1),
          loss_case(title("hinge"), matrix, PointLoss::hinge, true),
          loss_case(title("kl_div"), matrix, PointLoss::kl_div_of_probabilities),
          cross_entropy_case(title("cross_entropy", DType::f64), matrix),
          triplet_case(title("triplet"), matrix),
          gemm_case(title("triangles"), triangles),
          gemm_case(title("turned"), turned),
          gemm_case(title("turned", DType::f64), turned),
          gemm_case(title("turned", DType::f16), turned),
          gemv_case(title("gemv"), 50, 60),
          diagonal_case(title("diagonal"), matrix),
          linear_gelu_softmax_case(title("linear"), 5, 40, 30, false),
          linear_gelu_softmax_case(title("linear"), 5, 40, 30, true),
          mlp_case(title("mlp"), 100, {8, 32, 4}, mylos::tanh(), true),
          mlp_case(title("mlp", DType::f64), 100, {8, 32, 4}, gelu(), false)};
}

/// The memory and the tensors of one copy, for those who want to change a result.
struct Copy {
  Copy(const Exec& exec, const CaseSpec& spec) {
    for (const TensorSpec& t : spec.tensors) {
      memory.emplace_back("test", static_cast<std::size_t>(t.bytes()) + 16);
      fill_content(exec, memory.back().data(), t.dtype, t.storage(), t.content, memory.size() - 1);
      tensors.push_back(t.on(memory.back().data()));
    }
  }
  std::vector<Kokkos::View<char*, Exec::memory_space>> memory;
  Tensors tensors;
};

/// 1.01 times the element at this place; 1 more, where it is an integer.
void disturb(const Exec& exec, const Tensor& t, std::int64_t offset) {
  const double value = read_at(exec, t, {offset})[0];
  const Chain change = mul(1.01) | add(value == 0 ? 0.01 : 0);
  const Tensor one(moved(t, offset).data, t.dtype, 0, nullptr, nullptr);
  if (is_floating(t.dtype)) return map(exec, change, one, one);
  flip(exec, t, offset);
}

TEST(BenchCases, ChecksFindOneWrongElement) {
  const Exec exec;
  for (const CaseSpec& spec : one_of_each()) {
    SCOPED_TRACE(spec.name + " " + name_of(spec.dtype));
    const Copy copy(exec, spec);
    const Call call = spec.bind(exec, copy.tensors);
    for (std::size_t i = 0; i < spec.tensors.size(); ++i) {
      if (spec.tensors[i].role != Role::output) continue;
      const Tensor& y = copy.tensors[i];
      for (const std::int64_t element : {std::int64_t{0}, y.size() - 1}) {
        call();
        const ErrorFigures right = spec.check(exec, copy.tensors);
        const std::uint64_t digest_right = digest(exec, y);
        EXPECT_TRUE(right.max <= spec.error_bound) << right.max << " of " << spec.error_bound;
        disturb(exec, y, offset_at(y, element));
        const ErrorFigures wrong = spec.check(exec, copy.tensors);
        EXPECT_FALSE(wrong.max <= spec.error_bound) << "element " << element << ": " << wrong.max;
        EXPECT_NE(digest(exec, y), digest_right);
      }
    }
  }
}

}  // namespace
}  // namespace mylos::bench
