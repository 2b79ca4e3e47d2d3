"""The command as a whole: page, CSV, Markdown, and how long it takes."""
import csv
import os
import re
import subprocess
import sys
import time

import pytest

import sample
from mylos_report.load import load


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_csv_has_every_case_and_every_table(files, run_report, tmp_path):
    status, _, _ = run_report(files["h200"], files["host"], "--csv", tmp_path / "all.csv", "--baseline", files["before"])
    assert status == 0
    rows = rows_of(tmp_path / "all.csv")
    runs = [load(files["h200"]), load(files["host"])]
    assert len(rows) == sum(len(run.cases) for run in runs)
    by_repro = {(row["machine"], row["repro"]): row for row in rows}
    for run in runs:
        for case in run.cases.values():
            row = by_repro[run.machine, case.repro]
            assert float(row["median ms"]) == case.median  # not rounded
            assert row["state"] == ("valid" if case.valid else "invalid")
            assert row["kernel"] == case.kernel
    tables = {name[len("all-") : -len(".csv")] for name in os.listdir(tmp_path) if name.startswith("all-")}
    assert tables == {"machines", "invalid", "skipped", "regression", "operators", "portability", "portability-cases",
                      "rivals", "errors", "costs", "ceilings", "environment"}  # fmt: skip
    assert {row["case"].split("/")[1] for row in rows_of(tmp_path / "all-invalid.csv")} == {"9_hardswish", "18_layer_norm"}
    metrics = {row["operator"]: float(row["automatic"]) for row in rows_of(tmp_path / "all-portability.csv")}
    assert 0 < metrics["gelu"] < 1


def test_markdown_has_the_same_tables(files, run_report, tmp_path):
    status, _, _ = run_report(files["host"], "--markdown", tmp_path / "all.md")
    assert status == 0
    text = (tmp_path / "all.md").read_text(encoding="utf-8")
    for title in ("Machines", "Skipped cases", "Performance portability", "Ceilings of the machines", "Every case"):
        assert f"\n## {title}\n" in text
    run = load(files["host"])
    section = text.split("\n## Every case\n")[1]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(run.cases)
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert len(widths) == 1, "every row has the same number of cells"


def test_folders_are_made_and_module_runs(files, tmp_path):
    out = tmp_path / "new" / "folder" / "page.html"
    command = [sys.executable, "-m", "mylos_report", files["host"], "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert out.exists()


def test_a_place_that_cannot_be_written_is_2(files, run_report, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, said = run_report(files["host"], "--csv", tmp_path / "file" / "all.csv")
    assert status == 2
    assert said.splitlines()[-1].startswith("mylos-report: ")


def test_the_page_needs_no_network(files, run_report):
    _, page, _ = run_report(files["h200"], files["mi300x"], files["host"])
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", page)
    assert links and all(link.startswith("#") or link == "data:," for link in links)
    assert not re.search(r"url\(|@import|https?://", page)
    # Sections, each of which is an issue's or a reader's question.
    for section in ("summary", "heatmap", "portability", "operators", "rooflines", "sweeps", "rivals", "errors", "costs",
                    "ceilings", "environment", "cases", "reading"):  # fmt: skip
        assert f'<section id="{section}"' in page, section
        assert f'href="#{section}"' in page, section


def test_five_hundred_cases_within_twenty_seconds(files, tmp_path):
    assert len(load(files["h200"]).cases) >= 500
    command = [sys.executable, "-m", "mylos_report", files["h200"], "--out", str(tmp_path / "r.html"), "--csv",
               str(tmp_path / "r.csv"), "--markdown", str(tmp_path / "r.md"), "--baseline", files["before"]]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    begin = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    seconds = time.monotonic() - begin
    assert done.returncode == 0, done.stderr
    assert seconds < 20


@pytest.mark.parametrize("machine", sample.MACHINES)
def test_samples_are_the_same_every_time(machine):
    assert sample.document(machine, limit=20) == sample.document(machine, limit=20)
