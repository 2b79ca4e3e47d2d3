// What mylos-bench notices: every kind of wrong result, impossible times, cases that do not fit.
#include "suite/driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <benchmark/benchmark.h>

#include "doubles.hpp"

namespace mylos::bench {
namespace {

using test::Calls;
using test::Fault;
using test::made_up;
using test::out_of_reach;
using test::quickly;
using test::twice;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

SuiteReport run_one(Fault fault, RunOptions options = quickly()) {
  options.filter = options.filter.empty() ? "cold$" : options.filter;
  return run_suite({twice("case", fault)}, options, out_of_reach());
}

TEST(SuiteDriver, AGoodCaseCounts) {
  const SuiteReport report = run_one(Fault::none);
  ASSERT_THAT(report.results, SizeIs(1));
  const CaseResult& result = report.results[0];
  EXPECT_EQ(report.exit_status(), 0);
  EXPECT_EQ(result.invalid_reason(), "");
  EXPECT_EQ(result.run_name, "doubles/case/f32/1000/right/automatic/cold");
  EXPECT_EQ(result.kernel, "double");
  EXPECT_EQ(result.error.before.max, 0);
  EXPECT_EQ(result.error.after.max, 0);
  EXPECT_TRUE(result.repeatable);
  EXPECT_THAT(result.samples_ms, SizeIs(15));
  EXPECT_THAT(result.samples_ms, Each(testing::Gt(0)));
  EXPECT_EQ(result.repro,
            "mylos-bench --suite doubles --min-time 0 --filter '^doubles/case/f32/1000/right/automatic/cold$'");
}

TEST(SuiteDriver, WrongValuesAreFound) {
  const SuiteReport report = run_one(Fault::wrong_values);
  ASSERT_THAT(report.results, SizeIs(1));
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(report.results[0].error.before.max, 0.25);
  EXPECT_THAT(report.results[0].invalid_reason(), HasSubstr("the error before timing is 0.25"));
}

TEST(SuiteDriver, AnOperatorThatWritesNothingIsFound) {
  const SuiteReport report = run_one(Fault::writes_nothing);
  ASSERT_THAT(report.results, SizeIs(1));
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_THAT(report.results[0].invalid_reason(), HasSubstr("before timing is nan"));
}

TEST(SuiteDriver, AnOperatorThatIsRightOnlyUntilItIsTimedIsFound) {
  for (const char* cache : {"cold$", "warm$"}) {
    RunOptions options = quickly();
    options.filter = cache;
    const SuiteReport report = run_one(Fault::stops_writing, options);
    ASSERT_THAT(report.results, SizeIs(1));
    EXPECT_EQ(report.exit_status(), 1);
    EXPECT_EQ(report.results[0].error.before.max, 0);
    EXPECT_THAT(report.results[0].invalid_reason(), HasSubstr("after timing is nan"));
  }
}

TEST(SuiteDriver, BitsThatDifferAreFound) {
  const SuiteReport report = run_one(Fault::differs);
  ASSERT_THAT(report.results, SizeIs(1));
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_TRUE(report.results[0].error.passed());
  EXPECT_EQ(report.results[0].invalid_reason(), "two runs differ in their bits");
}

TEST(SuiteDriver, AnImpossibleTimeIsFound) {
  SuiteCase<test::Exec> c = twice("impossible", Fault::does_nothing);
  c.bytes = 1e24;  // a million seconds at 1e9 GB/s
  RunOptions options = quickly();
  int again = 0;
  options.measure_again = [&](Ceiling&) { ++again; };
  const SuiteReport report = run_suite({c}, options, out_of_reach());
  ASSERT_THAT(report.results, SizeIs(2));
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(again, 6);  // three looks for each of cold and warm
  for (const CaseResult& result : report.results) {
    EXPECT_TRUE(result.error.passed() && result.repeatable);
    EXPECT_THAT(result.invalid_reason(), HasSubstr("is less than the 1e+09 ms that the copy f32 ceiling allows"));
    EXPECT_GT(result.of_ceiling(), 1);
  }
}

TEST(SuiteDriver, AnImpossibleRateIsFoundToo) {
  SuiteCase<test::Exec> c = twice("impossible", Fault::does_nothing);
  c.flops = 1e30;
  const SuiteReport report = run_suite({c}, quickly(), out_of_reach());
  EXPECT_EQ(report.exit_status(), 1);
  ASSERT_THAT(report.results, SizeIs(2));
  EXPECT_THAT(report.results[0].invalid_reason(), HasSubstr("fma f32 ceiling"));
  EXPECT_EQ(report.results[0].roof.bound, "compute");
}

TEST(SuiteDriver, ACeilingThatWasTooLowIsMeasuredAgain) {
  SuiteCase<test::Exec> c = twice("fast");
  c.bytes = 1e24;
  RunOptions options = quickly();
  options.filter = "cold$";
  options.measure_again = [](Ceiling& ceiling) { ceiling.time = {1e-18, 1e-18, 1e-18, 15}; };
  const SuiteReport report = run_suite({c}, options, out_of_reach());
  EXPECT_EQ(report.exit_status(), 0);
  ASSERT_THAT(report.results, SizeIs(1));
  EXPECT_EQ(report.results[0].invalid_reason(), "");
}

TEST(SuiteDriver, ACaseThatDoesNotFitIsSkipped) {
  RunOptions options = quickly();
  options.memory_limit = 100000;
  // Cold: 50 copies of 8000 bytes are four times the last cache.
  const SuiteReport report = run_suite({twice("large")}, options, out_of_reach());
  ASSERT_THAT(report.skipped, SizeIs(1));
  EXPECT_EQ(report.skipped[0].name, "doubles/large/f32/1000/right/automatic/cold");
  EXPECT_EQ(report.skipped[0].reason, "memory: it needs 0.00 GB, the limit is 0.00 GB");
  ASSERT_THAT(report.results, SizeIs(1));
  EXPECT_EQ(report.results[0].cache, "warm");
  EXPECT_EQ(report.exit_status(), 0);
}

TEST(SuiteDriver, AnOperatorThatThrowsFails) {
  const SuiteReport report = run_one(Fault::throws);
  ASSERT_THAT(report.skipped, SizeIs(1));
  EXPECT_EQ(report.skipped[0].reason, "the operator refuses");
  EXPECT_THAT(report.results, SizeIs(0));
  EXPECT_EQ(report.exit_status(), 1);
}

TEST(SuiteDriver, WhatWasMeasuredBeforeAnInterruptIsKept) {
  RunOptions options = quickly();
  options.filter = "cold$";
  const SuiteReport report =
      run_suite({twice("a"), twice("b", Fault::interrupted), twice("c"), twice("d")}, options, out_of_reach());
  ASSERT_THAT(report.results, SizeIs(2));
  EXPECT_EQ(report.results[0].invalid_reason(), "");
  EXPECT_EQ(report.results[1].invalid_reason(), "");
  ASSERT_THAT(report.skipped, SizeIs(2));
  EXPECT_EQ(report.skipped[0].name, "doubles/c/f32/1000/right/automatic/cold");
  EXPECT_EQ(report.skipped[1].reason, "interrupted");
  EXPECT_EQ(report.exit_status(), 1);
}

TEST(SuiteDriver, MemoryThatCannotBeHadIsNoFailure) {
  const SuiteReport report = run_one(Fault::out_of_memory);
  ASSERT_THAT(report.skipped, SizeIs(1));
  EXPECT_THAT(report.skipped[0].reason, HasSubstr("memory"));
  EXPECT_EQ(report.exit_status(), 0);
}

TEST(SuiteDriver, PeersMayRefuseAndDifferButNotBeWrong) {
  const auto run_peer = [](Fault fault) {
    SuiteCase<test::Exec> c = twice("case", fault);
    c.path = "vendor";
    return run_suite({c}, quickly(), out_of_reach());
  };
  EXPECT_EQ(run_peer(Fault::throws).exit_status(), 0);
  const SuiteReport differs = run_peer(Fault::differs);
  EXPECT_EQ(differs.exit_status(), 0);
  ASSERT_THAT(differs.results, SizeIs(2));
  EXPECT_FALSE(differs.results[0].repeatable);
  EXPECT_EQ(run_peer(Fault::wrong_values).exit_status(), 1);
}

TEST(SuiteDriver, OneBadCaseAmongGoodOnesIsEnough) {
  const SuiteReport report =
      run_suite({twice("a"), twice("b", Fault::wrong_values), twice("c")}, quickly(), out_of_reach());
  EXPECT_THAT(report.results, SizeIs(6));
  EXPECT_EQ(report.exit_status(), 1);
}

TEST(SuiteDriver, ColdCasesTakeTheirCopiesInTurnAndWarmOnesHaveOne) {
  const auto calls = std::make_shared<Calls>();
  RunOptions options = quickly();
  options.filter = "cold$";
  run_suite({twice("case", Fault::none, calls)}, options, out_of_reach());
  EXPECT_EQ(calls->slots, 50);
  // The first of the timed calls is on the copy that is checked, right after calls on all others.
  const std::vector<int> timed(calls->turns.end() - 15, calls->turns.end());
  for (int i = 0; i < 15; ++i) EXPECT_EQ(timed[static_cast<std::size_t>(i)], i);
  const std::vector<int> before(calls->turns.end() - 15 - 49, calls->turns.end() - 15);
  EXPECT_THAT(before, Each(testing::Ne(0)));

  options.filter = "warm$";
  run_suite({twice("case", Fault::none, calls)}, options, out_of_reach());
  EXPECT_EQ(calls->slots, 1);
}

TEST(SuiteDriver, CasesAreChosenByWhatTheyAre) {
  std::vector<SuiteCase<test::Exec>> cases{twice("a"), twice("b"), twice("c")};
  cases[1].dtype = DType::f64;
  cases[2].layout = "left";
  cases[2].path = "generic";
  const auto names = [&](const RunOptions& options) {
    std::vector<std::string> result;
    for (const PlannedCase& one : plan(cases, options, out_of_reach())) result.push_back(one.what->name);
    return result;
  };
  RunOptions options;
  options.filter = "/cold$";
  EXPECT_THAT(names(options), testing::ElementsAre("a", "b", "c"));
  options.dtypes = {"f32"};
  EXPECT_THAT(names(options), testing::ElementsAre("a", "c"));
  options.layouts = {"left", "strided"};
  EXPECT_THAT(names(options), testing::ElementsAre("c"));
  options.paths = {"automatic"};
  EXPECT_THAT(names(options), SizeIs(0));
  cases[1] = cases[0];
  EXPECT_THROW(plan(cases, RunOptions(), out_of_reach()), std::runtime_error) << "two cases of one name";
}

TEST(SuiteDriver, RepetitionsArePooledAndAsBadAsTheWorst) {
  const auto set_repetitions = [](std::string option) {
    static std::string program = "test";  // Google Benchmark keeps the pointer
    char* arguments[] = {program.data(), option.data(), nullptr};
    int count = 2;
    benchmark::Initialize(&count, arguments);
  };
  set_repetitions("--benchmark_repetitions=3");
  const SuiteReport report = run_one(Fault::none);
  const SuiteReport bad = run_one(Fault::wrong_values);
  set_repetitions("--benchmark_repetitions=1");
  ASSERT_THAT(report.results, SizeIs(1));
  EXPECT_THAT(report.results[0].samples_ms, SizeIs(45));
  EXPECT_THAT(bad.results, SizeIs(1));
  EXPECT_EQ(bad.exit_status(), 1);
}

TEST(SuiteMeasure, SamplesFollowTheTimeThatACallTakes) {
  MeasureOptions options;  // 15 samples, 0.2 s to 10 s
  EXPECT_EQ(sample_count(0.001, options), 45);
  EXPECT_EQ(sample_count(10, options), 20);
  EXPECT_EQ(sample_count(100, options), 15);
  EXPECT_EQ(sample_count(1000, options), 10);
  EXPECT_EQ(sample_count(1e6, options), 6);
}

}  // namespace
}  // namespace mylos::bench
