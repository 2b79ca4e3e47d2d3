#!/usr/bin/env python3
"""Draws the sweeps in bench/results over a size: each kernel's bandwidth as a share of the copy, or its speed as a
multiple of the vendor library's.

    python3 bench/report/sweep.py        writes bench/results/*_sweep*.svg

Result files are those that mylos_bench_row, _reduce and _gemm write with --sweep. Needs matplotlib.
"""
import collections
import json
import pathlib
import re

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "mylos"
from matplotlib import pyplot

RESULTS = pathlib.Path(__file__).resolve().parents[1] / "results"
LABELS = {"sweep": "elements in a row", "sweep_all": "elements in all", "sweep_rows": "elements in a row",
          "sweep_columns": "rows that are added"}


VENDORS = ("cublas", "onednn", "openblas")


def series(report):
    """{kind of sweep: {path: [(size, share of the copy or multiple of the vendor's speed)]}}"""
    vendor = {case["name"]: case["TFLOPs"] for case in report["cases"] if case["path"] in VENDORS}
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for case in report["cases"]:
        match = re.fullmatch(r"(sweep\w*?)_(\d+)", case["name"])
        value = case["TFLOPs"] / vendor[case["name"]] if case["name"] in vendor else case.get("of_copy")
        if match and value is not None:
            found[match[1]][case["path"]].append((int(match[2]), value))
    return found


def draw(report, sweeps, file):
    figure, axes = pyplot.subplots(1, len(sweeps), figsize=(6 * len(sweeps), 4), squeeze=False)
    for plot, (kind, paths) in zip(axes[0], sweeps.items()):
        for path, points in paths.items():
            plot.semilogx(*zip(*sorted(points)), marker=".", label=path)
        vendors = [path for path in paths if path in VENDORS]
        xlabel = "rows, columns and inner extent" if vendors else LABELS.get(kind, kind)
        plot.set(xlabel=xlabel, ylabel=f"times the speed of {vendors[0]}" if vendors else "share of the copy", ylim=(0, None), title=kind)
        plot.grid(True, alpha=0.3)
        plot.legend()
    context = report["context"]
    figure.suptitle(f"{report['program']}, {context.get('gpu', context['cpu'])}, commit {context['commit']}", fontsize=9)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def main():
    for file in sorted(RESULTS.glob("*_sweep*.json")):
        report = json.loads(file.read_text(encoding="utf-8"))
        if "cases" not in report:  # a file of mylos-bench, which is mylos-report's
            continue
        sweeps = series(report)
        if sweeps:
            draw(report, sweeps, file.with_suffix(".svg"))


if __name__ == "__main__":
    main()
