"""Rooflines of one machine and dtype: bandwidth by bytes moved for every case, arithmetic by intensity where there is
any. Most operators only move data, which a roofline over intensity cannot show."""
from __future__ import annotations

import math

from mylos_report.format import percent, significant
from mylos_report.svg import MARKERS, SmallPlot, byte_label, log_range, marker, polyline, tag

LEVELS = ("memory", "l3", "l2", "l1")


def level_name(level):
    return level if level == "memory" else level.upper()


def memory_roofs(run, dtype):
    """[(level, GB/s)]: the copy per level, of this dtype or, where it was not measured, of any."""
    found = {}
    for entry in run.ceilings:
        rate = entry.get("GBs")
        if entry.get("kind") == "copy" and isinstance(rate, (int, float)) and rate > 0:
            key = (str(entry.get("level", "memory")), entry.get("dtype") == dtype)
            found[key] = max(found.get(key, 0), rate)
    levels = sorted({level for level, _ in found}, key=lambda name: (LEVELS + (name,)).index(name))
    return [(level, found.get((level, True)) or found[level, False]) for level in levels]


def compute_roofs(run, dtype):
    """[(name, TFLOP/s)], the highest of each kind; f16 and bf16 are computed in f32 and have its rate without their own."""
    found = {}
    for entry in run.ceilings:
        rate = entry.get("TFLOPs")
        if entry.get("dtype") == dtype and isinstance(rate, (int, float)) and rate > 0:
            name = "FMA" if entry.get("kind") == "fma" else f"GEMM {entry.get('library', '')}".strip()
            found[name] = max(found.get(name, 0), rate)
    if not found and dtype in ("f16", "bf16"):
        return [(f"{name} f32", rate) for name, rate in compute_roofs(run, "f32")]
    return sorted(found.items(), key=lambda item: item[1])


def describe(case):
    lines = [case.name, f"{significant(case.median)} ms"]
    lines += [f"{significant(case.gbs)} GB/s"] if case.gbs else []
    lines += [f"{significant(case.tflops)} TFLOP/s"] if case.tflops else []
    lines += [f"{percent(case.of_ceiling)} of its ceiling ({case.bound or 'unnamed'})"] if case.of_ceiling else []
    return "\n".join(lines + [case.kernel])


def points(plot, cases, families, x, y):
    """The library's choice filled, every other path hollow and beneath."""
    for case in sorted(cases, key=lambda case: case.path == "automatic"):
        family = families.index(case.family)
        hollow = "" if case.path == "automatic" else " hollow"
        shape = MARKERS[family % len(MARKERS)]
        plot.add(marker(shape, plot.x(x(case)), plot.y(y(case)), f"point c{family % 7 + 1}{hollow}", describe(case), 3.6))


def clusters(lines, room):
    """[[name, ...]] of {name: height}, from above: those too near each other for a label of their own share one."""
    groups, last = [], -math.inf
    for name, at in sorted(lines.items(), key=lambda item: item[1]):
        if at - last < room:
            groups[-1].append(name)
        else:
            groups.append([name])
        last = at
    return groups


def horizontal_roofs(plot, roofs, unit, prefix=""):
    """Lines across, named at the left: above the slope that ends at them there are no points."""
    rates = dict(roofs)
    for rate in rates.values():
        plot.add(tag("line", class_="roof", x1=plot.x.start, x2=plot.x.end, y1=plot.y(rate), y2=plot.y(rate)))
    for names in clusters({name: plot.y(rate) for name, rate in roofs}, 15):
        words = ", ".join(f"{name} {significant(rates[name], 3)}" for name in names)
        plot.label(plot.x.start + 4, plot.y(rates[names[0]]) - 4, f"{prefix}{words} {unit}", "start", "halo rooflabel")


def slopes_of(plot, roofs, highest):
    """Bandwidths in a plot over intensity: lines of slope 1 up to the highest rate."""
    rates = dict(roofs)
    begin = lambda rate: max(plot.x.low, 1e3 * plot.y.low / rate)
    for name, rate in roofs:
        reach = [begin(rate), min(plot.x.high, 1e3 * highest / rate)]
        if reach[0] < reach[1]:
            plot.add(polyline([(plot.x(i), plot.y(1e-3 * i * rate)) for i in reach], "roof", f"copy, {name}"))
    for names in clusters({name: plot.y(plot.y.low * rate / roofs[-1][1]) for name, rate in roofs}, 17):
        rate = rates[names[0]]
        first = 1e-3 * begin(rate) * rate
        if first >= highest or plot.y(first) - plot.y(highest) < 45:  # no room for a name along it
            continue
        slanted(plot, " ".join(names), begin(rate), first)


def by_bytes(run, dtype, cases, families):
    rate = lambda case: case.gbs or 1e-6 * case.bytes / case.median
    cases = [case for case in cases if case.bytes]
    if not cases:
        return None
    roofs = [(level_name(level), rate) for level, rate in memory_roofs(run, dtype)]
    plot = SmallPlot(log_range([case.bytes for case in cases]), log_range([rate(c) for c in cases] + [r for _, r in roofs]))
    plot.x_axis("bytes that must move", byte_label)
    plot.y_axis("GB/s")
    horizontal_roofs(plot, roofs, "GB/s", "copy: ")
    launch = next((entry["us"] for entry in run.ceilings if isinstance(entry.get("us"), (int, float)) and entry["us"] > 0), None)
    top = max((value for _, value in roofs), default=plot.y.high)
    if launch:
        reach = [max(plot.x.low, 1e3 * launch * plot.y.low), min(plot.x.high, 1e3 * launch * top)]
        if reach[0] < reach[1]:
            plot.add(polyline([(plot.x(b), plot.y(1e-3 * b / launch)) for b in reach], "roof dashed",
                              f"one launch: {significant(launch, 3)} µs"))  # fmt: skip
            slanted(plot, f"launch {significant(launch, 3)} µs", reach[0], 1e-3 * reach[0] / launch)
    points(plot, cases, families, lambda case: case.bytes, rate)
    return plot.svg(f"Bandwidth by bytes moved on {run.label}, {dtype}")


def slanted(plot, text, x, y):
    """A label along a line of slope 1 that begins at (x, y)."""
    decade_x = (plot.x.end - plot.x.start) / math.log10(plot.x.high / plot.x.low)
    decade_y = (plot.y.start - plot.y.end) / math.log10(plot.y.high / plot.y.low)
    angle = -math.degrees(math.atan2(decade_y, decade_x))
    at_x, at_y = plot.x(x), plot.y(y)
    plot.label(at_x, at_y, text, class_="halo rooflabel", dx="10", dy="-5", transform=f"rotate({angle:.1f} {at_x:.1f} {at_y:.1f})")


def by_intensity(run, dtype, cases, families):
    cases = [case for case in cases if case.intensity]
    roofs = compute_roofs(run, dtype)
    if not cases:
        return None
    rate = lambda case: case.tflops or 1e-9 * case.flops / case.median
    slopes = memory_roofs(run, dtype)
    highest = max([value for _, value in roofs] + [rate(case) for case in cases])
    ridge = [1e3 * highest / value for _, value in slopes]
    x = log_range([case.intensity for case in cases] + ridge, 2)
    plot = SmallPlot(x, log_range([rate(case) for case in cases] + [highest], 2))
    plot.x_axis("FLOP per byte")
    plot.y_axis("TFLOP/s")
    if slopes:
        slopes_of(plot, [(level_name(level), value) for level, value in slopes], highest)
    horizontal_roofs(plot, [(name, value) for name, value in roofs if value > plot.y.low], "TFLOP/s")
    points(plot, cases, families, lambda case: case.intensity, rate)
    return plot.svg(f"Roofline of {run.label}, {dtype}")


def rooflines(runs, families):
    """[(run, [(dtype, cases drawn, [svg, ...])])]; invalid cases are not drawn."""
    order = ["f32", "f64", "f16", "bf16"]
    pages = []
    for run in runs:
        drawable = [case for case in run.valid_cases if case.bytes or case.intensity]
        dtypes = sorted({case.dtype for case in drawable}, key=lambda d: (order.index(d) if d in order else 9, d))
        figures = []
        for dtype in dtypes:
            cases = [case for case in drawable if case.dtype == dtype]
            drawn = [draw(run, dtype, cases, families) for draw in (by_bytes, by_intensity)]
            figures.append((dtype, len(cases), [svg for svg in drawn if svg]))
        if figures:
            pages.append((run, figures))
    return pages
