#!/usr/bin/env python3
"""Draws the sweeps in bench/results: the bandwidth of each kernel as a share of the copy, over a size.

    python3 bench/report/sweep.py        writes bench/results/*_sweep*.svg

Result files are those of mylos_bench_row --sweep and mylos_bench_reduce --sweep. Needs matplotlib.
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


def series(report):
    """{kind of sweep: {path: [(size, share of the copy)]}}"""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for case in report["cases"]:
        match = re.fullmatch(r"(sweep\w*?)_(\d+)", case["name"])
        if match and "of_copy" in case:
            found[match[1]][case["path"]].append((int(match[2]), case["of_copy"]))
    return found


def draw(report, sweeps, file):
    figure, axes = pyplot.subplots(1, len(sweeps), figsize=(6 * len(sweeps), 4), squeeze=False)
    for plot, (kind, paths) in zip(axes[0], sweeps.items()):
        for path, points in paths.items():
            plot.semilogx(*zip(*sorted(points)), marker=".", label=path)
        plot.set(xlabel=LABELS.get(kind, kind), ylabel="share of the copy", ylim=(0, None), title=kind)
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
        sweeps = series(report)
        if sweeps:
            draw(report, sweeps, file.with_suffix(".svg"))


if __name__ == "__main__":
    main()
