"""The little of SVG that the charts need. Colours are classes of style.css, so charts follow the page's theme."""
from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup, escape

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MARKERS = ("circle", "square", "triangle", "diamond", "down", "cross", "bar")


def tag(name, content=None, **attributes):
    """An element; `class_` becomes class, underscores become hyphens, None is left out; text is escaped."""
    words = []
    for key, value in attributes.items():
        if value is None:
            continue
        value = f"{value:.1f}" if isinstance(value, float) else value
        words.append(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"')
    body = "" if content is None else escape(content)
    return Markup(f"<{name}{''.join(words)}>{body}</{name}>" if content is not None else f"<{name}{''.join(words)}/>")


def joined(parts):
    return Markup("").join(parts)


def short_number(value):
    """For axes: 0.01, 1, 100, then powers of ten."""
    if 0.001 <= abs(value) < 1e5 or value == 0:
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)) + 1e-9)
    factor = value / 10**exponent
    power = "10" + str(exponent).translate(SUPERSCRIPTS)
    return power if abs(factor - 1) < 1e-6 else f"{factor:g}·{power}"


def round_percent(value):
    return f"{100 * value:g} %"


def byte_label(value):
    """1 kB, 10 MB: for axes in bytes with a tick at each power of ten."""
    exponent = math.floor(math.log10(value) + 1e-9)
    unit = max(0, min(exponent // 3, 5))
    return f"{value / 1000**unit:g} {('B', 'kB', 'MB', 'GB', 'TB', 'PB')[unit]}"


@dataclass
class Scale:
    """Values to pixels, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value):
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most=7):
        if not self.log:
            step = nice_step((self.high - self.low) / 5)
            first = math.ceil(self.low / step - 1e-9)
            return [k * step for k in range(first, math.floor(self.high / step + 1e-9) + 1)]
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        every = max(1, math.ceil((last - first + 1) / most))
        ticks = [10.0**k for k in range(first, last + 1, every)]
        if len(ticks) >= 3:
            return ticks
        for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3)):
            finer = [m * 10.0**k for k in range(first - 1, last + 1) for m in steps]
            finer = [tick for tick in finer if self.low * (1 - 1e-9) <= tick <= self.high * (1 + 1e-9)]
            if len(finer) <= most:
                break
        return finer


def nice_step(raw):
    power = 10 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))


def log_range(values, least_decades=1.0, room=0.06):
    """(low, high) around positive values with some room, over a decade at least."""
    low, high = math.log10(min(values)), math.log10(max(values))
    missing = max(0.0, least_decades - (high - low))
    extra = missing / 2 + room * max(high - low, least_decades)
    return 10 ** (low - extra), 10 ** (high + extra)


def marker(shape, x, y, class_, title, size=4.0):
    """A point that says what it is when pointed at."""
    note = tag("title", title)
    if shape == "circle":
        return tag("circle", note, class_=class_, cx=x, cy=y, r=size)
    s = size
    outlines = {
        "square": [(-s, -s), (s, -s), (s, s), (-s, s)],
        "triangle": [(0, -1.2 * s), (1.1 * s, s), (-1.1 * s, s)],
        "diamond": [(0, -1.35 * s), (1.35 * s, 0), (0, 1.35 * s), (-1.35 * s, 0)],
        "down": [(0, 1.2 * s), (1.1 * s, -s), (-1.1 * s, -s)],
        "cross": [(-s, -0.4 * s), (-0.4 * s, -0.4 * s), (-0.4 * s, -s), (0.4 * s, -s), (0.4 * s, -0.4 * s), (s, -0.4 * s),
                  (s, 0.4 * s), (0.4 * s, 0.4 * s), (0.4 * s, s), (-0.4 * s, s), (-0.4 * s, 0.4 * s), (-s, 0.4 * s)],
        "bar": [(-1.4 * s, -0.55 * s), (1.4 * s, -0.55 * s), (1.4 * s, 0.55 * s), (-1.4 * s, 0.55 * s)],
    }  # fmt: skip
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in outlines[shape])
    return tag("polygon", note, class_=class_, points=points)


def polyline(points, class_, title=None):
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return tag("polyline", tag("title", title) if title else "", class_=class_, points=text)


class Plot:
    """A frame with axes; what is added lies above the grid, labels above all. About as wide as it is shown, on a phone
    too, so that text keeps its size."""

    WIDTH, HEIGHT = 440, 300
    LEFT, RIGHT, TOP, BOTTOM = 50, 12, 18, 40
    MOST_TICKS = 7

    def __init__(self, x, y, x_log=True, y_log=True, height=None, left=LEFT):
        self.height = height = height or self.HEIGHT
        self.left = left
        self.x = Scale(*x, left, self.WIDTH - self.RIGHT, x_log)
        self.y = Scale(*y, height - self.BOTTOM, self.TOP, y_log)
        self.parts, self.labels = [], []

    def add(self, *parts):
        self.parts += parts

    def label(self, x, y, text, anchor="start", class_="halo", **attributes):
        self.labels.append(tag("text", text, x=float(x), y=float(y), class_=class_, text_anchor=anchor, **attributes))

    def x_axis(self, title, text=short_number, ticks=None):
        bottom = self.height - self.BOTTOM
        for tick in ticks or self.x.ticks(self.MOST_TICKS):
            at = self.x(tick)
            self.parts.append(tag("line", class_="grid", x1=at, x2=at, y1=self.TOP, y2=bottom))
            self.labels.append(tag("text", text(tick), class_="tick", x=at, y=bottom + 15, text_anchor="middle"))
        self.labels.append(tag("text", title, class_="axis", x=(self.x.start + self.x.end) / 2, y=self.height - 6,
                               text_anchor="middle"))  # fmt: skip

    def y_axis(self, title, text=short_number, ticks=None):
        for tick in ticks or self.y.ticks(6):
            at = self.y(tick)
            self.parts.append(tag("line", class_="grid", x1=self.x.start, x2=self.x.end, y1=at, y2=at))
            self.labels.append(tag("text", text(tick), class_="tick", x=self.left - 6, y=at + 3.5, text_anchor="end"))
        self.labels.append(tag("text", title, class_="axis", x=self.left - 44.0, y=10.0))

    def svg(self, label):
        body = joined(self.parts + self.labels)
        return tag("svg", body, class_="chart", viewBox=f"0 0 {self.WIDTH} {self.height}", role="img", aria_label=label)


class SmallPlot(Plot):
    """For four beside each other."""

    WIDTH, HEIGHT = 320, 250
    RIGHT = 18
    MOST_TICKS = 5
