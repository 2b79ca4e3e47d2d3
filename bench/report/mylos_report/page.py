"""The page: charts and tables put into one file that needs nothing else."""
from __future__ import annotations

import jinja2

from mylos_report import charts, metrics, roofline
from mylos_report.format import MISSING, percent, plural, show, significant
from mylos_report.svg import MARKERS, marker, round_percent, tag

# More than these steps of colour no eye tells apart.
HEAT_STEPS = 10


def heat(share):
    """The step of the colour scale: 0 to 10."""
    return max(0, min(HEAT_STEPS, int(share * HEAT_STEPS + 1e-9)))


def heatmap(runs, path):
    """{"groups": [(run, [dtype])], "families": {family: [(operator, [Spread or None])]}} of one path, or None."""
    spreads = metrics.operator_spreads(runs)
    order = ["", "f32", "f64", "f16", "bf16"]
    groups = []
    for run in runs:
        dtypes = {dtype for _, index, dtype, p in spreads if index == run.index and p == path}
        dtypes = sorted(dtypes, key=lambda d: (order.index(d) if d in order else 9, d))
        if len(dtypes) == 2:  # all is one dtype
            dtypes = dtypes[1:]
        if dtypes:
            groups.append((run, dtypes))
    columns = [(run, dtype) for run, dtypes in groups for dtype in dtypes]
    families = {}
    for family, operator in metrics.operators(runs):
        cells = [spreads.get((operator, run.index, dtype, path)) for run, dtype in columns]
        if any(cells):
            families.setdefault(family, []).append((operator, cells))
    return {"groups": groups, "families": families, "width": len(columns) + 1} if families else None


def amount(number):
    """Three digits, and none after the point where there are as many before it."""
    return f"{number:.0f}" if number >= 100 or number == int(number) else significant(number, 3)


def flops(rate):
    return (1e3 * rate, "GFLOP/s") if isinstance(rate, (int, float)) and rate < 1 else (rate, "TFLOP/s")


def cards(runs, tables):
    """[(run, [(name, text)], [(name, share)])]: what the summary says of each machine."""
    found = []
    heading = {column.label: position for position, column in enumerate(tables["machines"].columns)}
    for run, row in zip(runs, tables["machines"].rows):
        value = lambda label: row[heading[label]]
        facts = [
            ("copy", value("copy GB/s"), "GB/s"), ("FMA f32", *flops(value("FMA f32 TFLOP/s"))),
            ("GEMM f32", *flops(value("GEMM f32 TFLOP/s"))), ("launch", value("launch µs"), "µs"),
            ("clock", value("SM clock MHz"), "MHz"), ("power", value("power W"), "W"),
            ("temperature", value("temperature °C"), "°C"),
        ]  # fmt: skip
        facts = [(name, f"{amount(number)} {unit}")
                 for name, number, unit in facts if isinstance(number, (int, float))]  # fmt: skip
        shares = [(path, value(path)) for path in metrics.OWN_PATHS if value(path) is not None]
        found.append((run, facts, shares))
    return found


def legend_mark(shape, class_):
    return tag("svg", marker(shape, 8.0, 8.0, f"point {class_}", "", 4.5), class_="mark", viewBox="0 0 16 16", aria_hidden="true")


def total_portability(runs):
    """[(path, number of operators, their harmonic mean, zeros)]"""
    found = metrics.portability(runs)
    rows = []
    for path in metrics.OWN_PATHS:
        values = [entry.metric for (_, p), entry in found.items() if p == path]
        if values:
            positive = [value for value in values if value > 0]
            rows.append((path, len(values), metrics.harmonic_mean(positive) if positive else 0.0, len(values) - len(positive)))
    return rows


def rival_summary(runs):
    """[(machine, other, problems, geometric mean of the ratios, how many Mylos wins)]"""
    groups = {}
    for rival in metrics.rivals(runs):
        groups.setdefault((rival.run.label, rival.name), []).append(rival.ratio)
    return [(machine, name, len(ratios), metrics.geometric_mean(ratios), sum(r >= 1 for r in ratios))
            for (machine, name), ratios in groups.items()]  # fmt: skip


def filters(table):
    """[(label, column, values)] of the columns of the case table that a choice is offered for."""
    wanted = ("machine", "suite", "family", "dtype", "path", "cache", "state")
    chosen = []
    for position, column in enumerate(table.columns):
        values = sorted({str(row[position]) for row in table.rows if row[position]})
        if column.label in wanted and len(values) > 1:
            chosen.append((column.label, position, values))
    return chosen


def environment():
    loader = jinja2.PackageLoader("mylos_report", "templates")
    env = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True,
                             undefined=jinja2.StrictUndefined)  # fmt: skip
    env.filters.update(percent=percent, round_percent=round_percent, significant=significant, heat=heat)
    env.tests["match_failed"] = lambda reason: reason.startswith("failed")
    env.globals.update(plural=plural, show=show, MISSING=MISSING, legend_mark=legend_mark, MARKERS=MARKERS, series=charts.series)
    return env


def render(runs, tables, changes=None, threshold=0.05, alpha=0.01, baseline=()):
    """The text of the page."""
    families = list(dict.fromkeys(family for family, _ in metrics.operators(runs)))
    regression = None
    if changes is not None:
        regression = {
            "failing": [change for change in changes if change.fails],
            "counts": {state: sum(c.state == state for c in changes) for state in dict.fromkeys(c.state for c in changes)},
            "chart": charts.regression(changes, threshold),
            "threshold": threshold, "alpha": alpha, "baseline": baseline,
            "powerless": sum(change.reachable is False for change in changes),
        }  # fmt: skip
    env = environment()
    return env.get_template("page.html").render(
        runs=runs, tables=tables, cards=cards(runs, tables), families=families, regression=regression,
        machines=metrics.newest_per_machine(runs), heatmaps=[(p, heatmap(runs, p)) for p in metrics.OWN_PATHS],
        portability=total_portability(runs), bars=charts.operator_bars(runs),
        rooflines=roofline.rooflines(runs, families), sweeps=charts.sweeps(runs), pytorch=charts.pytorch(runs),
        rivals=rival_summary(runs), errors=charts.errors(runs, families),
        filters=filters(tables["cases"]) if "cases" in tables else [],
        style=env.loader.get_source(env, "style.css")[0], script=env.loader.get_source(env, "page.js")[0],
    )  # fmt: skip
