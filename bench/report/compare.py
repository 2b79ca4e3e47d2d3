#!/usr/bin/env python3
"""Joins a Mylos result file with those of others, case by case, to a Markdown table.

    python3 bench/report/compare.py mylos.json torch.json > table.md
    python3 bench/report/compare.py before.json after.json --plot times.png

A column is one "path" of one file. The last column is the best time of the other files (of the other columns where
there is one file) divided by that of the first column: above 1 the first is faster. Cases are matched by name, dtype and
shape. Per cent in brackets are of the copy that was timed beside the case: on a machine whose speed drifts between two
runs they can be compared where times cannot.
"""
import argparse
import json
import math
import os
import re
import sys


def load(file):
    """{(name, dtype, shape): {path: case}} and the rest of the file."""
    with open(file) as stream:
        report = json.load(stream)
    cases = {}
    for case in report.pop("cases"):
        cases.setdefault((case["name"], case["dtype"], case["shape"]), {})[case["path"]] = case
    return cases, report


def columns_of(reports, files, paths):
    """[(file's index, path, heading)]: every path met, in order; files are named where two have the same path."""
    columns = []
    for index, (cases, _) in enumerate(reports):
        met = dict.fromkeys(path for by_path in cases.values() for path in by_path)
        columns += [(index, path) for path in met if re.search(paths, path)]
    names = [path for _, path in columns]
    stem = lambda index: os.path.splitext(os.path.basename(files[index]))[0]
    return [(i, path, f"{stem(i)} {path}" if names.count(path) > 1 else path) for i, path in columns]


def rows_of(reports, columns):
    """[(key, [case or None per column], ratio or None)], for cases that at least two columns have."""
    rows = []
    for key in reports[0][0]:
        found = [reports[i][0].get(key, {}).get(path) for i, path, _ in columns]
        if sum(case is not None for case in found) < 2:
            continue
        rivals = [c for c in range(1, len(columns)) if len(reports) == 1 or columns[c][0] != columns[0][0]]
        others = [found[c]["median_ms"] for c in rivals if found[c]]
        ratio = min(others) / found[0]["median_ms"] if others and found[0] else None
        rows.append((key, found, ratio))
    return rows


def markdown(reports, files, columns, rows):
    lines = []
    for (_, report), file in zip(reports, files):
        where = ", ".join(f"{key} {value}" for key, value in report["context"].items())
        lines.append(f"- `{os.path.basename(file)}`: {report['program']}; copy {report['copy_GBs']} GB/s; {where}")
    headings = ["case", "dtype", "shape"] + [f"{h} ms (of copy)" for _, _, h in columns] + ["best other / first"]
    lines += ["", "| " + " | ".join(headings) + " |", "|---|---|---|" + "---:|" * (len(headings) - 3)]
    for (name, dtype, shape), found, ratio in rows:
        cells = []
        for case in found:
            share = f" ({100 * case['of_copy']:.0f} %)" if case and "of_copy" in case else ""
            cells.append(f"{case['median_ms']:.4g}{share}" if case else "")
        cells.append(f"{ratio:.2f}" if ratio else "")
        lines.append("| " + " | ".join([name, dtype, shape] + cells) + " |")
    ratios = [ratio for _, _, ratio in rows if ratio]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        slower = [f"{key[0]} {key[1]}" for key, _, ratio in rows if ratio and ratio < 1]
        lines += ["", f"{len(ratios)} cases, geometric mean of the last column {mean:.2f}, "
                  f"slower than the best other: {', '.join(slower) or 'none'}."]
    return "\n".join(lines)


def plot(file, columns, rows):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    height = 0.8 / len(columns)
    figure, axes = plt.subplots(figsize=(9, 1 + 0.16 * len(columns) * len(rows)))
    for c, (_, _, heading) in enumerate(columns):
        present = [(r, found[c]["median_ms"]) for r, (_, found, _) in enumerate(rows) if found[c]]
        axes.barh([r + c * height for r, _ in present], [ms for _, ms in present], height, label=heading)
    axes.set_yticks([r + 0.4 - height / 2 for r in range(len(rows))], [" ".join(key[:2]) for key, _, _ in rows])
    axes.set_xlabel("median ms")
    axes.invert_yaxis()
    axes.legend()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, bbox_inches="tight", dpi=130)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="the first is what the others are compared with")
    parser.add_argument("--paths", default="", help="only paths that match this regular expression")
    parser.add_argument("--plot", help="also a bar chart of the times (needs matplotlib)")
    options = parser.parse_args()
    reports = [load(file) for file in options.files]
    columns = columns_of(reports, options.files, options.paths)
    rows = rows_of(reports, columns)
    if not rows:
        sys.exit("compare: no case is in more than one column")
    print(markdown(reports, options.files, columns, rows))
    if options.plot:
        plot(options.plot, columns, rows)


if __name__ == "__main__":
    main()
