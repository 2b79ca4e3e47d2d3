#!/usr/bin/env python3
"""Writes the tables of docs/performance.md from the result files in bench/results.

    python3 bench/report/performance.py            rewrites what stands between the marker comments
    python3 bench/report/performance.py --check    fails where that differs from the result files

Result files are those of mylos_bench_pointwise --mylos_out, of mylos-quickstart and of bench/peers. A file belongs to the
section "gpu" if its context names a GPU, else to the section "host"; those of mylos-bench to the section "suites". Only the
standard library is used.
"""
import argparse
import json
import pathlib
import re
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = ROOT / "include" / "mylos" / "steps.def"
CONTEXT_KEYS = ["gpu", "cpu", "cpu_cores", "driver", "cuda_runtime", "compiler", "kokkos", "torch", "execution_space",
                "concurrency", "OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "mylos", "commit", "date"]
VENDORS = ("cublas", "onednn", "openblas")
SWEEP_SHARE = 0.9
SWEEP_BYTES = 256 << 20


def load(file):
    with open(file, encoding="utf-8") as stream:
        return json.load(stream)


def section_of(report):
    if "benchmarks" in report:
        return "suites"
    return "gpu" if "gpu" in report["context"] else "host"


def ordered(values):
    return list(dict.fromkeys(values))


def row(cells):
    return "| " + " | ".join(cells) + " |"


def heading_rows(headings, names):
    return [row(headings), "|" + "---|" * names + "---:|" * (len(headings) - names)]


def milliseconds(ms):
    return f"{ms:.3g}" if ms < 100 else f"{ms:.0f}"


def where(report):
    context = report["context"]
    name = lambda key: key if key.isupper() else key.replace("_", " ")
    return "; ".join(f"{name(key)} {context[key]}" for key in CONTEXT_KEYS if key in context)


def copies(report):
    """The best copy of each dtype, in GB/s."""
    best = {}
    for copy in report.get("copies", []):
        if copy["GBs"] > best.get(copy["dtype"], {"GBs": 0})["GBs"]:
            best[copy["dtype"]] = copy
    if not best:
        return f"Copy: {report['copy_GBs']:.4g} GB/s."
    return "Copy: " + ", ".join(f"{c['GBs']:.4g} GB/s ({d}, {c['way']})" for d, c in best.items()) + "."


def bandwidth_table(cases):
    """Names and shapes down, dtypes and paths across."""
    cases = [case for case in cases if "of_copy" in case]
    if not cases:
        return []
    columns = ordered((case["dtype"], case["path"]) for case in cases)
    rows = ordered((case["name"], case["shape"]) for case in cases)
    found = {(case["name"], case["shape"], case["dtype"], case["path"]): case for case in cases}
    lines = heading_rows(["case", "shape"] + [f"{dtype} {path}" for dtype, path in columns], 2)
    for name, shape in rows:
        cells = []
        for dtype, path in columns:
            case = found.get((name, shape, dtype, path))
            cells.append(f"{milliseconds(case['median_ms'])} ({100 * case['of_copy']:.1f} %)" if case else "")
        lines.append(row([f"`{name}`", shape] + cells))
    return ["Median ms, and in brackets the bandwidth as a share of the copy that was timed beside the case.", ""] + lines


def arithmetic_table(cases):
    """Of what is bound by arithmetic: names and shapes down, dtypes and paths across."""
    cases = [case for case in cases if "TFLOPs" in case]
    if not cases:
        return []
    columns = ordered((case["dtype"], case["path"]) for case in cases)
    rows = ordered((case["name"], case["shape"]) for case in cases)
    found = {(case["name"], case["shape"], case["dtype"], case["path"]): case for case in cases}
    lines = heading_rows(["case", "shape"] + [f"{dtype} {path}" for dtype, path in columns], 2)
    for name, shape in rows:
        cells = []
        for dtype, path in columns:
            case = found.get((name, shape, dtype, path))
            error = f"; {case['error_max']:.1e}" if case and "error_max" in case else ""
            cells.append(f"{milliseconds(case['median_ms'])} ({case['TFLOPs']:.3g}{error})" if case else "")
        lines.append(row([f"`{name}`", shape] + cells))
    return ["Median ms, and in brackets TFLOP/s and the largest error against fp64 as a share of the sum of the absolute",
            "values of what is added.", ""] + lines


def step_names():
    return set(re.findall(r"^MYLOS_STEP\w*\s*\((\w+),", STEPS.read_text(encoding="utf-8"), re.MULTILINE))


def extremes(cases):
    """The median and the lowest share of the copy for each dtype and path: of single steps, and of what else there is."""
    steps = step_names()
    groups = {}
    for case in cases:
        if "of_copy" in case:
            kind = "single steps" if case["name"] in steps else "other cases"
            groups.setdefault((kind, case["dtype"], case["path"]), []).append((case["of_copy"], case["name"]))
    lines = []
    for (kind, dtype, path), shares in sorted(groups.items(), key=lambda group: group[0][0], reverse=True):
        low, name = min(shares)
        middle = statistics.median(share for share, _ in shares)
        lines.append(row([kind, dtype, path, str(len(shares)), f"{100 * middle:.1f} %", f"{100 * low:.1f} %", f"`{name}`"]))
    return heading_rows(["", "dtype", "path", "cases", "median", "lowest", "of"], 3) + lines if lines else []


def launch_table(cases):
    cases = [case for case in cases if "of_launch" in case]
    if not cases:
        return []
    lines = ["Calls on few elements: microseconds per call, and as a multiple of a bare empty kernel. `enqueue`: many calls",
             "that nobody waits for; `sync`: each one waited for.", ""]
    lines += heading_rows(["case", "dtype", "shape", "way", "µs", "of a bare launch"], 4)
    for case in cases:
        lines.append(row([f"`{case['name']}`", case["dtype"], case["shape"], case["path"],
                          f"{1e3 * case['median_ms']:.3g}", f"{case['of_launch']:.2f}"]))
    return lines


def error_table(cases):
    cases = [case for case in cases if "error_ulp" in case]
    if not cases:
        return []
    failed = [case["name"] for case in cases if not case.get("passed", True)]
    share, name = max((case.get("error_of_bound", 0), case["name"]) for case in cases)
    return [f"Checked against fp64: {len(cases)} cases, {', '.join(failed) or 'none'} outside the bound; the nearest to its "
            f"bound is `{name}`, at {100 * share:.0f} % of it."]


def sweep_table(cases):
    """Of many points only the slow ones: they are drawn, and all are in the file."""
    of_vendor = {case["name"]: case["median_ms"] for case in cases if case["path"] in VENDORS}
    slow = []
    for case in cases:
        if case["path"] != "automatic":
            continue
        if case["name"] in of_vendor:
            share = of_vendor[case["name"]] / case["median_ms"]
        elif case.get("bytes", 0) >= SWEEP_BYTES:
            share = case["of_copy"]
        else:
            continue
        if share < SWEEP_SHARE:
            slow.append(row([f"`{case['name']}`", case["shape"], f"`{case['kernel']}`", milliseconds(case["median_ms"]),
                             f"{share:.2f}"]))
    what = "of the vendor's speed" if of_vendor else f"of the copy, of {SWEEP_BYTES >> 20} MiB and more"
    if not slow:
        return [f"No point below {SWEEP_SHARE} {what}."]
    return [f"Points below {SWEEP_SHARE} {what}:", ""] + heading_rows(["case", "shape", "kernel", "ms", "share"], 3) + slow


def part(file, report):
    cases = report["cases"]
    if all(case["name"].startswith("sweep_") for case in cases):
        blocks = [[f"### `{file.name}`"], [f"{report['program']}: {where(report)}.", copies(report)], sweep_table(cases),
                  arithmetic_table(cases)]
        return "\n\n".join("\n".join(block) for block in blocks if block)
    blocks = [[f"### `{file.name}`"], [f"{report['program']}: {where(report)}.", copies(report)], extremes(cases),
              bandwidth_table(cases), arithmetic_table(cases), launch_table(cases), error_table(cases)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def error_of_bound(error):
    return max(error["before"]["max"], error["after"]["max"]) / error["bound"]


def suite_part(file, report):
    """A file of mylos-bench: the cases that Mylos chose the kernel of, and beside them what else ran."""
    about = report["context"]["mylos"]
    cases = [b["mylos"] for b in report["benchmarks"] if b.get("aggregate_name") == "median"]
    cases = [case for case in cases if case["cache"] == "cold"]
    key = lambda case: (case["suite"], case["case"], case["dtype"], case["shape"], case["layout"])
    others = {}
    for case in cases:
        others.setdefault(key(case), {})[case["path"]] = case["median_ms"]
    lines = heading_rows(["case", "shape", "bound by", "kernel", "ms", "of ceiling", "error", "generic ms", "others"], 4)
    for case in cases:
        if case["path"] != "automatic":
            continue
        beside = others[key(case)]
        generic = milliseconds(beside["generic"]) if "generic" in beside else ""
        rest = ", ".join(f"{path} {milliseconds(ms)}" for path, ms in beside.items() if path not in ("automatic", "generic"))
        valid = "" if case["valid"] else " invalid"
        lines.append(row([f"`{case['suite']}/{case['case']}`", case["shape"], case["bound"], f"`{case['kernel']}`",
                          milliseconds(case["median_ms"]) + valid, f"{100 * case['of_ceiling']:.1f} %",
                          f"{error_of_bound(case['error']):.2g}", generic, rest]))
    machine = about["machine"]
    facts = "; ".join(f"{name.replace('_', ' ')} {machine[name]}" for name in CONTEXT_KEYS if name in machine)
    rates = ", ".join(f"{c['kind']} {c['GBs']:.4g} GB/s" for c in about["ceilings"]
                      if c.get("level") == "memory" and c["dtype"] == "f32")
    return "\n\n".join([f"### `{file.name}`", f"{machine['name']}; {facts}. From memory, f32: {rates}.", "\n".join(lines)])


def section_text(name, files):
    text = suite_part if name == "suites" else part
    parts = [text(file, report) for file, report in files if section_of(report) == name]
    return "\n\n".join(parts) if parts else "No results are kept here yet."


def with_tables(page, files):
    for name in ["suites", "gpu", "host"]:
        begin = f"<!-- begin: {name}, written by bench/report/performance.py -->\n"
        end = f"<!-- end: {name} -->\n"
        if begin not in page or end not in page:
            sys.exit(f"performance: the page has no markers for the section {name}")
        before, rest = page.split(begin, 1)
        page = before + begin + "\n" + section_text(name, files) + "\n\n" + end + rest.split(end, 1)[1]
    return page


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench" / "results", help="folder of JSON files")
    parser.add_argument("--page", type=pathlib.Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where the page would change")
    options = parser.parse_args()
    files = [(file, load(file)) for file in sorted(options.results.glob("*.json"))]
    old = options.page.read_text(encoding="utf-8")
    new = with_tables(old, files)
    if options.check and new != old:
        sys.exit(f"performance: {options.page} differs from {options.results}: run bench/report/performance.py")
    if not options.check:
        options.page.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
