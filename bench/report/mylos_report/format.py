"""Values as a reader wants them."""
from __future__ import annotations

import math

MISSING = "–"
BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def significant(value, digits=4):
    """Plain decimals where they are short, a power of ten elsewhere: 3.456, 0.00655, 1.2e-07."""
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude >= 7 or magnitude < -5:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(0, digits - 1 - magnitude)}f}"


def percent(value):
    points = 100 * value
    return f"{points:.0f} %" if points >= 99.95 else f"{points:.1f} %" if points >= 0.95 else f"{points:.2g} %"


def in_bytes(value):
    unit = 0
    while abs(value) >= 1000 and unit + 1 < len(BYTE_UNITS):
        value /= 1000
        unit += 1
    return f"{value:.0f} {BYTE_UNITS[unit]}" if value >= 100 or unit == 0 else f"{value:.3g} {BYTE_UNITS[unit]}"


def p_value(value):
    return "<1e-6" if value < 1e-6 else f"{value:.2g}"


FORMATS = {
    "number": significant,
    "short": lambda value: significant(value, 3),
    "count": lambda value: f"{value:.0f}",
    "percent": percent,
    "bar": percent,
    "ratio": lambda value: f"{significant(value, 3)}×",
    "bytes": in_bytes,
    "p": p_value,
}


def show(kind, value):
    """The text of a cell of that kind; numbers that are none are shown as text."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind in FORMATS and isinstance(value, (int, float)):
        return FORMATS[kind](value)
    return str(value)


def plural(count, singular, many=None):
    return f"{count} {singular if count == 1 else many or singular + 's'}"
