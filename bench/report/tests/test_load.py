"""Files as they come: several of one machine, cut ones, and what is no result file."""
import copy
import json
import re

import pytest

import sample
from mylos_report.load import ReportError, load, load_all
from mylos_report.tables import all_tables


def without(value, key):
    """A copy without that key anywhere."""
    if isinstance(value, dict):
        return {k: without(v, key) for k, v in value.items() if k != key}
    return [without(v, key) for v in value] if isinstance(value, list) else value


def keys_of(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


SMALL = sample.document("h200", limit=12)
NEEDED = {"context", "mylos", "benchmarks"}  # `mylos` stands in the context and in the cases


@pytest.mark.parametrize("key", sorted(set(keys_of(SMALL)) - NEEDED))
def test_any_key_may_be_missing(tmp_path, run_report, key):
    status, page, said = run_report(sample.write(tmp_path, "cut.json", without(SMALL, key)))
    assert status == 0, said
    assert not re.search(r"\bnan\b|\bNone\b|Undefined", page.split("</style>")[1].split("<script>")[0])


def test_null_strings_and_nan_are_no_measurements(tmp_path, run_report):
    odd = copy.deepcopy(SMALL)
    for entry in odd["benchmarks"]:
        if "mylos" in entry:
            entry["mylos"].update(of_ceiling=None, GBs="fast", p10_ms=float("nan"), bytes=float("inf"), error={"before": 3})
    path = sample.write(tmp_path, "odd.json", odd)
    assert run_report(path)[0] == 0
    case = next(iter(load(path).cases.values()))
    assert (case.of_ceiling, case.gbs, case.p10, case.bytes) == (None, None, None, None)


def test_a_case_without_a_time_or_with_a_failed_check_is_invalid(tmp_path):
    broken = copy.deepcopy(SMALL)
    aggregates = [entry for entry in broken["benchmarks"] if "mylos" in entry]
    aggregates[0]["mylos"]["median_ms"] = None
    del aggregates[0]["real_time"]
    aggregates[1]["mylos"]["error"]["passed"] = False
    run = load(sample.write(tmp_path, "broken.json", broken))
    assert [case.name for case in run.invalid_cases] == [entry["run_name"] for entry in aggregates[:2]]


def test_two_files_of_one_machine_with_other_cases_are_one_run(tmp_path):
    first = sample.write(tmp_path, "seeds.json", sample.document("host", suites=["seeds"]))
    second = sample.write(tmp_path, "hpc.json", sample.document("host", suites=["hpc"]))
    runs = load_all([first, second])
    assert len(runs) == 1
    assert runs[0].files == ["seeds.json", "hpc.json"]
    assert {case.suite for case in runs[0].cases.values()} == {"seeds", "hpc"}


def test_two_runs_of_one_machine_stand_beside_each_other(files, run_report):
    runs = load_all([files["h200"], files["before"]])
    assert len(runs) == 2
    assert len({run.label for run in runs}) == 2
    assert sorted(run.replaced for run in runs) == [False, True]
    assert run_report(files["h200"], files["before"])[0] == 0


def test_one_machine_one_dtype(tmp_path, run_report):
    one = sample.document("host", suites=["seeds"])
    one["benchmarks"] = [entry for entry in one["benchmarks"] if "/f32/" in entry["run_name"]]
    status, page, _ = run_report(sample.write(tmp_path, "one.json", one))
    assert status == 0
    assert 'id="heatmap-automatic"' in page


def test_a_file_without_cases(tmp_path, run_report):
    empty = sample.document("host", limit=0)
    status, page, _ = run_report(sample.write(tmp_path, "empty.json", empty))
    assert status == 0
    assert page.startswith("<!DOCTYPE html>")


def test_text_from_files_is_escaped(tmp_path, run_report):
    hostile = copy.deepcopy(SMALL)
    hostile["context"]["mylos"]["machine"]["name"] = "<script>alert(1)</script>"
    hostile["benchmarks"][-1]["mylos"]["kernel"] = "<img src=x onerror=alert(1)>"
    status, page, _ = run_report(sample.write(tmp_path, "hostile.json", hostile))
    assert status == 0
    assert "<script>alert" not in page
    assert "<img" not in page


BROKEN = {
    "no.json": None,
    "empty.json": "",
    "text.json": "not json at all",
    "cut.json": json.dumps(SMALL)[:1000],
    "list.json": "[1, 2]",
    "other.json": json.dumps({"context": {}, "benchmarks": []}),
    "wrong.json": json.dumps({"context": {"mylos": 3}, "benchmarks": {}}),
    "newer.json": json.dumps({"context": {"mylos": {"schema": 99}}, "benchmarks": []}),
    "deep.json": "[" * 100000,
    "bytes.json": b"\xff\xfe\x00\x81",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_input_is_one_line_and_status_2(tmp_path, run_report, name):
    path = tmp_path / name
    if BROKEN[name] is not None:
        contents = BROKEN[name]
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    status, page, said = run_report(path)
    assert status == 2
    assert page is None
    assert said.startswith("mylos-report: ") and name in said and said.count("\n") == 1
    with pytest.raises(ReportError):
        load(str(path))


def test_a_case_that_broke_off_is_said_to_have_failed(tmp_path, run_report):
    broken = copy.deepcopy(SMALL)
    broken["context"]["mylos"]["skipped"] = [
        {"name": "seeds/a/f32/1/right/automatic/cold", "reason": "does not fit", "failed": False},
        {"name": "seeds/b/f32/1/right/automatic/cold", "reason": "out of memory", "failed": True},
    ]
    status, page, _ = run_report(sample.write(tmp_path, "broken.json", broken))
    assert status == 0
    assert "2 skipped cases, 1 of them failed" in page
    assert page.index("failed: out of memory") < page.index("does not fit")


def test_every_table_has_a_value_for_every_column(files):
    runs = load_all([files["h200"], files["host"]])
    for table in all_tables(runs).values():
        assert all(len(row) == len(table.columns) for row in table.rows), table.key
