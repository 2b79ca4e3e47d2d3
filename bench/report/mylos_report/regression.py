"""Runs against a baseline: what got slower beyond doubt, what broke, what is gone."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

import numpy
from scipy.stats import binom, mannwhitneyu

from mylos_report.load import ReportError, identity
from mylos_report.metrics import newest_per_machine

# Sample counts up to which the exact distribution is cheap; it knows no ties.
EXACT_UP_TO = 40

# The worst first; the first three fail the command.
STATES = ("now invalid", "gone", "slower", "untested", "faster", "mended", "still invalid", "new", "same")
FAILING = STATES[:3]


@dataclass
class Change:
    """One case, then and now. `ratio` is the new median over the old: above 1 is slower."""

    run: str
    name: str
    state: str = ""
    old: Optional[float] = None
    new: Optional[float] = None
    ratio: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None
    p: Optional[float] = None
    adjusted: Optional[float] = None
    reachable: Optional[bool] = None
    reason: str = ""

    @property
    def fails(self):
        return self.state in FAILING


def mann_whitney(old, new):
    """Two-sided p-value that both sets of samples come from one distribution; None of fewer than two samples."""
    if len(old) < 2 or len(new) < 2:
        return None
    ties = len(set(old) | set(new)) < len(old) + len(new)
    method = "asymptotic" if ties or max(len(old), len(new)) > EXACT_UP_TO else "exact"
    p = float(mannwhitneyu(old, new, alternative="two-sided", method=method).pvalue)
    return p if math.isfinite(p) else 1.0  # all samples equal


def smallest_p(n, m):
    """What mann_whitney gives for two sets that do not overlap at all."""
    return mann_whitney(list(range(n)), list(range(n, n + m)))


def holm(p_values):
    """Holm's (1979) adjusted p-values: compared with alpha they keep the chance of any false alarm below it."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def median_interval(case):
    """95 % interval of the median: the file's, else from order statistics of the samples."""
    if case.low is not None and case.high is not None and 0 < case.low <= case.high:
        return case.low, case.high
    samples = sorted(case.samples)
    if not samples or samples[0] <= 0:
        return None
    ranks = numpy.arange(len(samples) // 2)
    below = max(0, int(numpy.count_nonzero(binom.cdf(ranks, len(samples), 0.5) <= 0.025)) - 1)
    return samples[below], samples[len(samples) - 1 - below]


def ratio_interval(old, new):
    """95 % interval of new.median / old.median out of the two medians' intervals, on logarithms (the square-and-add
    rule MOVER: Zou and Donner, 2008; for medians: Bonett and Price, 2020)."""
    before, after = median_interval(old), median_interval(new)
    if before is None or after is None:
        return None, None
    log = numpy.log
    difference = log(new.median / old.median)
    # An interval that does not hold its own median (a file's rounding) must not turn inside out.
    down = lambda case, interval: max(0.0, log(case.median / interval[0]))
    up = lambda case, interval: max(0.0, log(interval[1] / case.median))
    low = difference - math.hypot(down(new, after), up(old, before))
    high = difference + math.hypot(up(new, after), down(old, before))
    return float(numpy.exp(low)), float(numpy.exp(high))


def compare_case(label, old, new):
    """`old` and `new` have one name; the state of what is to be tested is left open."""
    change = Change(label, new.name, old=old.median, new=new.median)
    if not old.valid or not new.valid:
        change.state = "now invalid" if old.valid else "mended" if new.valid else "still invalid"
        change.reason = new.invalid_reason or old.invalid_reason
        return change
    change.ratio = new.median / old.median
    change.low, change.high = ratio_interval(old, new)
    change.p = mann_whitney(old.samples, new.samples)
    if change.p is None:
        change.state, change.reason = "untested", "a file without raw samples"
    return change


def missing_case(label, old, skipped):
    change = Change(label, old.name, "gone", old=old.median)
    change.reason = f"skipped: {skipped[old.name]}" if old.name in skipped else "not among the cases of the new file"
    return change


def judge(changes, threshold, alpha, sample_counts):
    """Fills in adjusted p-values and the states that were left open."""
    tested = [change for change in changes if change.p is not None]
    floors = {pair: smallest_p(*pair) * len(tested) for pair in set(sample_counts.values())}
    for change, adjusted in zip(tested, holm([change.p for change in tested])):
        change.adjusted = adjusted
        change.reachable = floors[sample_counts[id(change)]] < alpha
        beyond = change.ratio > 1 + threshold or change.ratio < 1 / (1 + threshold)
        if adjusted < alpha and beyond:
            change.state = "slower" if change.ratio > 1 else "faster"
        else:
            change.state = "same"


def newest_cases(same):
    """Cases of all runs of one machine, each from the newest run that has it (`same` begins with the newest)."""
    cases = {}
    for run in same:
        for name, case in run.cases.items():
            cases.setdefault(name, case)
    return cases


def compare_machine(label, skipped, before, after, sample_counts):
    changes = []
    for name, old in before.items():
        if name in after:
            changes.append(compare_case(label, old, after[name]))
            if changes[-1].p is not None:
                sample_counts[id(changes[-1])] = (len(old.samples), len(after[name].samples))
        elif old.valid:
            changes.append(missing_case(label, old, skipped))
    for name, new in after.items():
        if name not in before:
            changes.append(Change(label, name, "new", new=new.median, reason=new.invalid_reason))
    return changes


def compare(runs, baseline, threshold, alpha):
    """Every change on the machines that both have, the worst first."""
    known = {identity(same[0]): same for _, same in newest_per_machine(baseline)}
    changes, sample_counts = [], {}
    for label, same in newest_per_machine(runs):
        old = known.get(identity(same[0]))
        if old:
            skipped = dict(entry for run in same for entry in run.skipped)
            changes += compare_machine(label, skipped, newest_cases(old), newest_cases(same), sample_counts)
    if not any(identity(run) in known for run in runs):
        theirs = ", ".join(sorted({run.machine for run in baseline}))
        raise ReportError(f"the baseline is of {theirs}, and none of the other files is")
    judge(changes, threshold, alpha, sample_counts)
    return sorted(changes, key=lambda change: (STATES.index(change.state), -(change.ratio or 0)))
