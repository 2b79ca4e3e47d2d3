"""What is computed over cases, on numbers that can be checked by hand."""
import pytest

import sample
from mylos_report import metrics
from mylos_report.load import load_all


def small_file(folder, machine, efficiencies, **changes):
    """A file with one f32 case of an operator per entry; None leaves it out, a negative share makes it invalid."""
    whole = sample.document(machine, limit=0)
    for (operator, path), share in efficiencies.items():
        if share is None:
            continue
        what = sample.problem("seeds", operator, operator, "map", "f32", "1024x1024", "right")
        name, mylos = sample.aggregate(machine, what, path, "cold")
        whole["benchmarks"] += sample.entries(name, mylos, 0)
        mylos["of_ceiling"] = abs(share)
        if share < 0:
            mylos.update(valid=False, invalid_reason="made so")
    whole["context"].update(changes)
    return sample.write(folder, f"{machine}{len(str(changes))}.json", whole)


def test_metric_is_the_harmonic_mean_over_machines():
    assert metrics.performance_portability([0.5, 1.0]) == pytest.approx(2 / 3)
    assert metrics.performance_portability([0.8]) == pytest.approx(0.8)
    assert metrics.performance_portability([0.9, 0.6, 0.3]) == pytest.approx(3 / (1 / 0.9 + 1 / 0.6 + 1 / 0.3))


def test_metric_is_zero_where_a_machine_lacks_the_case():
    assert metrics.performance_portability([0.9, None]) == 0
    assert metrics.performance_portability([0.9, 0.0]) == 0
    assert metrics.performance_portability([]) == 0


def test_portability_per_operator_and_path(tmp_path):
    shares = {("gelu", "automatic"): 0.9, ("gelu", "generic"): 0.4, ("relu", "automatic"): 0.8, ("selu", "automatic"): 0.7}
    other = {("gelu", "automatic"): 0.6, ("gelu", "generic"): 0.2, ("relu", "automatic"): None, ("selu", "automatic"): -0.9}
    runs = load_all([small_file(tmp_path, "h200", shares), small_file(tmp_path, "host", other)])
    found = metrics.portability(runs)
    assert found["gelu", "automatic"].metric == pytest.approx(2 / (1 / 0.9 + 1 / 0.6))
    assert found["gelu", "generic"].metric == pytest.approx(2 / (1 / 0.4 + 1 / 0.2))
    assert (found["relu", "automatic"].metric, found["relu", "automatic"].common) == (0, 0)
    # An invalid case is one that the machine lacks.
    assert found["selu", "automatic"].metric == 0


def with_shape(path, folder, old, new):
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    out = folder / "reshaped.json"
    out.write_text(text.replace(old, new), encoding="utf-8")
    return str(out)


def test_a_problem_with_fewer_rows_is_the_same_problem(tmp_path):
    large = small_file(tmp_path, "h200", {("gelu", "automatic"): 0.9})
    small = with_shape(small_file(tmp_path, "host", {("gelu", "automatic"): 0.6}), tmp_path, "1024x1024", "128x1024")
    runs = load_all([large, small])
    found = metrics.portability(runs)["gelu", "automatic"]
    assert (found.common, found.problems) == (1, 1)
    assert found.metric == pytest.approx(2 / (1 / 0.9 + 1 / 0.6))


def test_sizes_of_a_sweep_are_problems_of_their_own(tmp_path):
    runs = load_all([sample.write(tmp_path, f"{m}.json", sample.document(m, suites=["sweep"])) for m in ("h200", "host")])
    found = metrics.portability(runs)["gelu", "automatic"]
    assert found.common == found.problems == 2 * 10  # dtypes and sizes


def test_times_of_pytorch_count_on_their_own_machine_only(tmp_path):
    elsewhere = sample.document("mi300x", suites=["kernelbench1"])
    for entry in elsewhere["benchmarks"]:
        if "mylos" in entry:
            entry["mylos"].update(pytorch_eager_ms=1.0, reference_machine="NVIDIA H200")
    runs = load_all([sample.write(tmp_path, "elsewhere.json", elsewhere)])
    assert not any(rival.name == "PyTorch eager" for rival in metrics.rivals(runs))


def test_invalid_cases_count_nowhere(files):
    runs = load_all([files["h200"]])
    invalid = {case.name for case in runs[0].invalid_cases}
    assert {name.split("/")[1] for name in invalid} == {"9_hardswish", "18_layer_norm"}
    counts = metrics.in_aggregates(runs)
    assert not any(counts(case) for case in runs[0].invalid_cases)
    # The impossible time (3.1 times its ceiling) is in no mean, range or ratio.
    assert max(entry.high for entry in metrics.operator_spreads(runs).values()) < 1.01
    assert ("hardswish", 0, "f32", "automatic") not in metrics.operator_spreads(runs)
    assert invalid.isdisjoint(rival.ours.name for rival in metrics.rivals(runs))


def test_a_newer_invalid_case_is_not_replaced_by_an_older_valid_one(tmp_path):
    old = small_file(tmp_path, "h200", {("gelu", "automatic"): 0.9}, date="2026-01-01T00:00:00Z")
    new = small_file(tmp_path, "h200", {("gelu", "automatic"): -0.9}, date="2026-02-01T00:00:00Z", note="newer")
    runs = load_all([old, new])
    assert [run.replaced for run in runs] == [True, False]
    assert len({run.label for run in runs}) == 2
    assert metrics.portability(runs) == {}


def test_sweeps_stay_out_of_means_unless_they_are_all_there_is(tmp_path):
    mixed = load_all([sample.write(tmp_path, "all.json", sample.document("host"))])
    counts = metrics.in_aggregates(mixed)
    assert not any(counts(case) for case in mixed[0].cases.values() if case.suite == "sweep")
    alone = load_all([sample.write(tmp_path, "sweep.json", sample.document("host", suites=["sweep"]))])
    counts = metrics.in_aggregates(alone)
    assert any(counts(case) for case in alone[0].cases.values())


def test_ratio_to_pytorch(files):
    runs = load_all([files["h200"]])
    found = [rival for rival in metrics.rivals(runs) if rival.name == "PyTorch eager"]
    assert found
    for rival in found:
        assert rival.ratio == pytest.approx(rival.ours.eager / rival.ours.median)
