"""The other charts: bars per operator, sweeps, PyTorch, errors, the baseline."""
from __future__ import annotations

from mylos_report import metrics
from mylos_report.format import percent, significant
from mylos_report.roofline import describe
from mylos_report.svg import MARKERS, Plot, Scale, SmallPlot, byte_label, log_range, marker, polyline, round_percent, tag

ROWS_PER_FIGURE = 18
BAR, GAP, NAME_WIDTH = 8, 9, 128


def series(index):
    """Class of a machine's colour."""
    return f"c{index % 7 + 1}"


def cut(text, length=20):
    return text if len(text) <= length else text[: length - 1] + "…"


def row_frame(rows, row_height, x, title, text, ticks=None):
    """A plot of named rows below each other."""
    plot = Plot(x, (0, 1), x_log=x[0] > 0, y_log=False, height=Plot.TOP + len(rows) * row_height + Plot.BOTTOM, left=NAME_WIDTH)
    plot.x_axis(title, text, ticks)
    for position, name in enumerate(rows):
        middle = Plot.TOP + (position + 0.5) * row_height
        plot.labels.append(tag("text", tag("title", name) + cut(name), class_="name", x=NAME_WIDTH - 8, y=middle + 4, text_anchor="end"))
    return plot


def chunks(rows, size=ROWS_PER_FIGURE):
    """Parts of nearly equal length, each of at most `size`."""
    count = -(-len(rows) // size)
    return [rows[len(rows) * i // count : len(rows) * (i + 1) // count] for i in range(count)]


def operator_bars(runs):
    """[(family, svg)]: the automatic path's mean as a bar, its range as a thin line, the generic path as a tick."""
    spreads = metrics.operator_spreads(runs)
    figures = []
    families = {}
    for family, operator in metrics.operators(runs):
        if any((operator, run.index, "", path) in spreads for run in runs for path in metrics.OWN_PATHS):
            families.setdefault(family, []).append(operator)
    for family, names in families.items():
        for part in chunks(names):
            figures.append((family, bars_of(part, runs, spreads)))
    return figures


def bars_of(names, runs, spreads):
    height = len(runs) * (BAR + 2) + GAP
    plot = row_frame(names, height, (0, 1.08), "of the ceiling", round_percent, [0, 0.25, 0.5, 0.75, 1])
    clamp = lambda share: plot.x(min(share, 1.07))
    for row, name in enumerate(names):
        for position, run in enumerate(runs):
            top = Plot.TOP + row * height + GAP / 2 + position * (BAR + 2)
            own, generic = (spreads.get((name, run.index, "", path)) for path in metrics.OWN_PATHS)
            if own:
                note = f"{name}, {run.label}: {percent(own.mean)} over {own.count} cases, {percent(own.low)} to {percent(own.high)}"
                plot.add(tag("rect", tag("title", note), class_=f"bar {series(run.index)}", x=plot.x(0), y=float(top),
                             width=max(1.0, clamp(own.mean) - plot.x(0)), height=BAR, rx=1))  # fmt: skip
                plot.add(tag("line", class_="range", x1=clamp(own.low), x2=clamp(own.high), y1=top + BAR / 2, y2=top + BAR / 2))
            if generic:
                at = clamp(generic.mean)
                note = f"{name}, {run.label}, generic: {percent(generic.mean)}"
                plot.add(tag("line", tag("title", note), class_="genericmark", x1=at, x2=at, y1=top - 1.0, y2=float(top + BAR + 1)))
    return plot.svg("Per cent of the ceiling: " + ", ".join(names))


def sweeps(runs):
    """[(title, [svg, svg])]: time and per cent of the ceiling by size, for every sweep of two sizes at least."""
    groups = {}
    for run in runs:
        for case in run.valid_cases:
            if case.suite == "sweep" and case.bytes:
                lines = groups.setdefault((case.case, case.dtype, case.layout), {})
                lines.setdefault((run.index, case.path, case.cache), []).append(case)
    figures = []
    for key, lines in sorted(groups.items()):
        cold = {line: cases for line, cases in lines.items() if line[2] == "cold"}
        lines = {line: sorted(cases, key=lambda c: c.bytes) for line, cases in (cold or lines).items() if len(cases) > 1}
        if lines:
            title = " ".join(part for part in key if part != "right")
            figures.append((title, sweep_panels(title, lines)))
    return figures


def sweep_panels(title, lines):
    cases = [case for line in lines.values() for case in line]
    x = log_range([case.bytes for case in cases], room=0.03)
    time = SmallPlot(x, log_range([case.median for case in cases]))
    panels = [(time, lambda case: case.median, "ms", short_time)]
    if any(case.of_ceiling for case in cases):
        top = max(1.05, *(min(case.of_ceiling, 2) for case in cases if case.of_ceiling))
        panels.append((SmallPlot(x, (0, top), y_log=False), lambda case: case.of_ceiling, "of the ceiling", round_percent))
    for plot, value, name, text in panels:
        plot.x_axis("bytes that must move", byte_label)
        plot.y_axis(name, text, None if plot.y.log else [0, 0.25, 0.5, 0.75, 1])
        for (index, path, _), line in sorted(lines.items(), key=lambda item: item[0][1] == "automatic"):
            shown = [case for case in line if value(case)]
            where = [(plot.x(case.bytes), plot.y(value(case))) for case in shown]
            dash = "" if path == "automatic" else " dashed" if path == "generic" else " dotted"
            plot.add(polyline(where, f"line {series(index)}{dash}"))
            hollow = "" if path == "automatic" else " hollow"
            plot.add(*(marker(MARKERS[index % 7], *at, f"point {series(index)}{hollow}", describe(case), 2.8)
                       for at, case in zip(where, shown)))  # fmt: skip
    return [plot.svg(f"{title}: {name} by size") for plot, _, name, _ in panels]


def short_time(value):
    return f"{value:g}" if value >= 0.001 else f"{value:.0e}".replace("e-0", "e-")


def pytorch(runs):
    """[svg]: how many times the time of Mylos PyTorch takes; filled is eager, hollow compiled."""
    found = {}
    for rival in metrics.rivals(runs):
        if rival.name in ("PyTorch eager", "torch.compile"):
            found.setdefault((rival.run.index, rival.ours.name), {})[rival.name] = rival
    rows = sorted(found.values(), key=lambda row: -max(rival.ratio for rival in row.values()))
    if not rows:
        return []
    ratios = [rival.ratio for row in rows for rival in row.values()]
    x = log_range(ratios + [0.8, 1.25], 0.3)
    figures = []
    for part in chunks(rows, 24):
        names = [next(iter(row.values())).ours for row in part]
        plot = row_frame([case.case for case in names], 15, x, "time of PyTorch / time of Mylos", lambda v: f"{v:g}×")
        plot.add(tag("line", class_="roof", x1=plot.x(1), x2=plot.x(1), y1=Plot.TOP, y2=plot.height - Plot.BOTTOM))
        for position, row in enumerate(part):
            middle = Plot.TOP + (position + 0.5) * 15
            for rival in row.values():
                note = f"{rival.ours.name}\n{rival.name} {significant(rival.time)} ms, Mylos {significant(rival.ours.median)} ms"
                hollow = " hollow" if rival.name == "torch.compile" else ""
                plot.add(marker("circle", plot.x(rival.ratio), middle, f"point {series(rival.run.index)}{hollow}", note))
        figures.append(plot.svg("PyTorch's time over that of Mylos"))
    return figures


def errors(runs, families):
    """svg or None: every error as a share of its bound, a row per family, a lane per machine."""
    measured = [(run, case) for run in runs for case in run.cases.values() if case.error and case.error.of_bound]
    if not measured:
        return None
    rows = [family for family in families if any(case.family == family for _, case in measured)]
    height = len(runs) * 11 + 10
    plot = row_frame(rows, height, log_range([case.error.of_bound for _, case in measured] + [1.3]), "error / bound", lambda v: f"{v:g}")
    at = plot.x(1)
    plot.add(tag("rect", class_="forbidden", x=at, y=Plot.TOP, width=plot.x.end - at, height=plot.height - Plot.TOP - Plot.BOTTOM))
    plot.add(tag("line", class_="roof", x1=at, x2=at, y1=Plot.TOP, y2=plot.height - Plot.BOTTOM))
    for run, case in measured:
        y = Plot.TOP + rows.index(case.family) * height + 10.5 + run.index * 11
        note = f"{case.name}\n{run.label}: {significant(case.error.of_bound, 3)} of the bound"
        plot.add(marker(MARKERS[run.index % 7], plot.x(case.error.of_bound), y, f"point faint {series(run.index)}", note, 3.4))
    return plot.svg("Errors as shares of their bounds")


def regression(changes, threshold):
    """svg or None: the ratio of every tested case over its old time."""
    tested = [change for change in changes if change.ratio]
    if not tested:
        return None
    ratios = [change.ratio for change in tested]
    y = log_range(ratios + [1 / (1 + 2 * threshold), 1 + 2 * threshold], 0.02)
    plot = Plot(log_range([change.old for change in tested]), y)
    plot.x_axis("ms before")
    step = Scale(y[0], y[1], 0, 1).ticks()
    plot.y_axis("now / before", lambda v: f"{v:.3g}", [tick for tick in step if tick > 0])
    low, high = plot.y(1 / (1 + threshold)), plot.y(1 + threshold)
    plot.add(tag("rect", class_="band", x=plot.x.start, y=high, width=plot.x.end - plot.x.start, height=low - high))
    plot.add(tag("line", class_="roof", x1=plot.x.start, x2=plot.x.end, y1=plot.y(1), y2=plot.y(1)))
    shapes = {"slower": ("triangle", "bad"), "faster": ("down", "good")}
    for change in sorted(tested, key=lambda change: change.state in shapes):
        shape, class_ = shapes.get(change.state, ("circle", "calm"))
        note = f"{change.name}\n{significant(change.ratio, 3)}×, {change.state}"
        plot.add(marker(shape, plot.x(change.old), plot.y(change.ratio), f"point {class_}", note, 3.4 if class_ == "calm" else 5.0))
    return plot.svg("Ratio to the baseline by time")
