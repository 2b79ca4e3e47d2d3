"""The test against a baseline, and the exit status that follows from it."""
import copy

import pytest
from scipy.stats import mannwhitneyu

import sample
from mylos_report import regression
from mylos_report.load import load

RELU = "kernelbench1/1_relu/f32/4096x393216/right/automatic/cold"
SOFTMAX = "kernelbench1/16_softmax/f32/4096x393216/right/automatic/cold"


def write(folder, name, **options):
    return sample.write(folder, name, sample.document("mi300x", **{"suites": ["kernelbench1"], **options}))


@pytest.fixture
def before(tmp_path):
    return write(tmp_path, "before.json", seed=1)


def test_mann_whitney_of_sets_that_do_not_overlap():
    # Two-sided, exact: 2 of the C(10, 5) = 252 orders are as extreme.
    assert regression.mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(2 / 252)
    assert regression.mann_whitney([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]) == pytest.approx(2 / 252)


def test_mann_whitney_with_ties_and_of_equal_samples():
    ties = [1.0, 1.0, 2.0, 2.0], [1.0, 2.0, 3.0, 3.0]
    assert regression.mann_whitney(*ties) == pytest.approx(mannwhitneyu(*ties, method="asymptotic").pvalue)
    assert regression.mann_whitney([2.0] * 5, [2.0] * 5) == 1
    assert regression.mann_whitney([1.0], [2.0, 3.0]) is None


def test_holm():
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, never falling.
    assert regression.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert regression.holm([0.9, 0.8]) == [1, 1]
    assert regression.holm([]) == []


def test_interval_of_the_median_by_order_statistics(before):
    case = next(iter(load(before).cases.values()))
    case.low = case.high = None
    # Of 15 samples the 4th and the 12th: P(B(15, 1/2) <= 3) = 0.0176, and P(<= 4) = 0.059 is too much.
    assert regression.median_interval(case) == (sorted(case.samples)[3], sorted(case.samples)[11])


def test_interval_of_the_ratio_holds_the_ratio(before):
    old, new = (case for case in list(load(before).cases.values())[:2])
    low, high = regression.ratio_interval(old, new)
    assert low < new.median / old.median < high
    assert regression.ratio_interval(new, old) == pytest.approx((1 / high, 1 / low))


def test_same_speed_is_0(tmp_path, before, run_report):
    status, page, said = run_report(write(tmp_path, "now.json", seed=2), "--baseline", before)
    assert status == 0, said
    assert "Nothing got worse" in page


def test_slower_beyond_the_threshold_is_1(tmp_path, before, run_report):
    now = write(tmp_path, "now.json", seed=2, slower={RELU: 1.2})
    status, page, said = run_report(now, "--baseline", before)
    assert status == 1
    assert "1 slower" in said and "1 case failed" in page
    changes = [change for change in regression.compare([load(now)], [load(before)], 0.05, 0.01) if change.fails]
    assert [change.name for change in changes] == [RELU]
    assert 1.15 < changes[0].low < changes[0].ratio < changes[0].high < 1.25


def test_significant_but_within_the_threshold_is_0(tmp_path, before, run_report):
    now = write(tmp_path, "now.json", seed=2, slower={RELU: 1.03})
    change = next(c for c in regression.compare([load(now)], [load(before)], 0.05, 0.01) if c.name == RELU)
    assert change.adjusted < 0.01 and change.state == "same"
    assert run_report(now, "--baseline", before)[0] == 0
    assert run_report(now, "--baseline", before, "--threshold", "1%")[0] == 1
    assert run_report(now, "--baseline", before, "--threshold", "0.01")[0] == 1


def test_beyond_the_threshold_but_not_significant_is_0(tmp_path, before, run_report):
    """Seven samples far up, eight where they were: the median may move, the test is not convinced."""
    now = sample.document("mi300x", seed=2, suites=["kernelbench1"])
    names = [entry for entry in now["benchmarks"] if entry["run_name"] == RELU]
    for position, entry in enumerate(names[:-1]):
        entry["real_time"] *= 1.5 if position < 4 else 1.0
    names[-1]["mylos"]["median_ms"] *= 1.3
    path = sample.write(tmp_path, "now.json", now)
    change = next(c for c in regression.compare([load(path)], [load(before)], 0.05, 0.01) if c.name == RELU)
    assert change.ratio > 1.05 and change.adjusted >= 0.01 and change.state == "same"
    assert run_report(path, "--baseline", before)[0] == 0


def test_faster_is_0(tmp_path, before, run_report):
    status, _, said = run_report(write(tmp_path, "now.json", seed=2, slower={RELU: 0.8}), "--baseline", before)
    assert status == 0
    assert "1 faster" in said


def test_now_invalid_is_1_and_named(tmp_path, before, run_report):
    now = sample.document("mi300x", seed=2, suites=["kernelbench1"])
    for entry in now["benchmarks"]:
        if entry["run_name"] == SOFTMAX and "mylos" in entry:
            entry["mylos"].update(valid=False, invalid_reason="error 9 of a bound of 1")
    path = sample.write(tmp_path, "now.json", now)
    status, page, said = run_report(path, "--baseline", before)
    assert status == 1
    assert "now invalid" in said and "16_softmax" in said and "error 9 of a bound of 1" in said
    # The other way round it is mended, and no failure.
    assert run_report(before, "--baseline", path)[0] == 0


@pytest.mark.parametrize("skipped", [False, True])
def test_gone_is_1_and_named(tmp_path, before, run_report, skipped):
    now = sample.document("mi300x", seed=2, suites=["kernelbench1"])
    now["benchmarks"] = [entry for entry in now["benchmarks"] if entry["run_name"] != SOFTMAX]
    if skipped:
        now["context"]["mylos"]["skipped"] = [{"name": SOFTMAX, "reason": "does not fit"}]
    status, page, said = run_report(sample.write(tmp_path, "now.json", now), "--baseline", before)
    assert status == 1
    assert "gone" in said and "16_softmax" in said
    assert ("skipped: does not fit" in page) == skipped


def test_still_invalid_is_0(files, run_report):
    """The file of the H200 has two invalid cases, before and now."""
    status, _, said = run_report(files["h200"], "--baseline", files["before"])
    assert status == 0
    assert "2 still invalid" in said


def test_too_few_samples_are_said(tmp_path, run_report):
    def few(seed, **options):
        whole = sample.document("mi300x", seed=seed, suites=["kernelbench1"], **options)
        whole["benchmarks"] = [e for e in whole["benchmarks"] if e.get("repetition_index", 0) < 4]
        return sample.write(tmp_path, f"{seed}.json", whole)

    status, page, said = run_report(few(2, slower={RELU: 3.0}), "--baseline", few(1))
    assert status == 0
    assert "too few samples" in said and "too few samples" in page


def test_a_baseline_of_another_machine_is_2(files, run_report):
    status, page, said = run_report(files["host"], "--baseline", files["before"])
    assert status == 2
    assert page is None and "NVIDIA H200" in said and said.count("\n") == 1


def test_files_of_one_machine_are_one_baseline(tmp_path, run_report):
    parts = [write(tmp_path, f"{suite}.json", seed=1, suites=[suite]) for suite in ("seeds", "hpc")]
    now = write(tmp_path, "now.json", seed=2, suites=["seeds", "hpc"])
    assert run_report(now, "--baseline", parts[0], "--baseline", parts[1])[0] == 0


@pytest.mark.parametrize("option", [("--threshold", "5"), ("--threshold", "fast"), ("--alpha", "0"), ("--threshold", "nan")])
def test_options_that_make_no_sense_are_2(before, run_report, option):
    assert run_report(before, *option)[0] == 2


def test_changes_do_not_alter_what_was_read(before):
    run = load(before)
    untouched = copy.deepcopy(run.cases)
    regression.compare([run], [load(before)], 0.05, 0.01)
    assert run.cases == untouched
