"""What is computed over several cases. An invalid case never counts here."""
from __future__ import annotations

import math
from dataclasses import dataclass

from mylos_report.load import identity

OWN_PATHS = ("automatic", "generic")


def harmonic_mean(values):
    """n / sum(1 / v): the share of the ceiling of a program that spends as much work on each; None of nothing."""
    if not values:
        return None
    if any(value <= 0 for value in values):
        return 0.0
    return len(values) / sum(1 / value for value in values)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def performance_portability(efficiencies):
    """Pennycook, Sewall and Lee (2016), "A metric for performance portability": the harmonic mean of the efficiencies
    on every machine of the set, 0 where one of them (None) does not run the problem."""
    if not efficiencies or any(value is None for value in efficiencies):
        return 0.0
    return harmonic_mean(efficiencies)


def in_aggregates(runs):
    """A predicate: which cases stand for their operator. Those out of cold caches where there are such, and not those of
    suite sweep, which are about size, unless there is nothing else."""
    cases = [case for run in runs for case in run.cases.values()]
    only_sweeps = all(case.suite == "sweep" for case in cases)
    cold = {(case.problem[:-1], case.path) for case in cases if case.cache == "cold"}

    def counts(case):
        if not case.valid or case.of_ceiling is None or case.of_ceiling <= 0:
            return False
        if case.suite == "sweep" and not only_sweeps:
            return False
        return case.cache == "cold" or (case.problem[:-1], case.path) not in cold

    return counts


def newest_per_machine(runs):
    """[(label, [run, ...])] with the newest run of each machine first: for each case the newest that has it counts."""
    machines = {}
    for run in sorted(runs, key=lambda run: run.date, reverse=True):
        machines.setdefault(identity(run), []).append(run)
    order = {}
    for run in runs:
        order.setdefault(identity(run), len(order))
    return [(machines[key][0].machine, machines[key]) for key in sorted(machines, key=order.get)]


@dataclass(frozen=True)
class Spread:
    """Efficiencies of several cases: their harmonic mean, the lowest and the highest."""

    mean: float
    low: float
    high: float
    count: int


def spread(values):
    return Spread(harmonic_mean(values), min(values), max(values), len(values)) if values else None


def operator_spreads(runs):
    """{(operator, run's index, dtype or "", path): Spread}; "" stands for all dtypes."""
    counts = in_aggregates(runs)
    values = {}
    for run in runs:
        for case in run.cases.values():
            if counts(case):
                for dtype in (case.dtype, ""):
                    values.setdefault((case.operator, run.index, dtype, case.path), []).append(case.of_ceiling)
    return {key: spread(found) for key, found in values.items()}


def operators(runs):
    """[(family, operator)], families in the order of the skeletons of the library."""
    order = ["map", "row", "reduce", "scan", "loss", "contract", "window", "mlp"]
    found = {(case.family, case.operator) for run in runs for case in run.cases.values()}
    rank = lambda family: (order.index(family) if family in order else len(order), family)
    return sorted(found, key=lambda pair: (rank(pair[0]), pair[1]))


def shared_problems(runs):
    """A function from cases to what is computed, the same on all machines. A machine with less memory runs a problem with
    fewer rows, so shapes tell problems apart only where one run has several of them."""
    whole = lambda case: (case.suite, case.case, case.dtype, case.layout, case.cache)
    shapes = {}
    for run in runs:
        for case in run.cases.values():
            shapes.setdefault((run.index, whole(case)), set()).add(case.shape)
    several = {key for (_, key), found in shapes.items() if len(found) > 1}
    return lambda case: case.problem if whole(case) in several else whole(case)


def problem_efficiencies(runs):
    """{path: {(operator, problem): [efficiency or None per machine]}}: None where a machine lacks a valid case."""
    counts = in_aggregates(runs)
    problem_of = shared_problems(runs)
    machines = newest_per_machine(runs)
    table = {path: {} for path in OWN_PATHS}
    for position, (_, same) in enumerate(machines):
        met = set()
        for run in same:
            for case in run.cases.values():
                problem = problem_of(case)
                if case.path not in table or (problem, case.path) in met:
                    continue
                met.add((problem, case.path))  # an invalid newer case is not replaced by a valid older one
                if counts(case):
                    row = table[case.path].setdefault((case.operator, problem), [None] * len(machines))
                    row[position] = case.of_ceiling
    return table


@dataclass(frozen=True)
class Portability:
    """Of one operator on one path. `common` of `problems` run on every machine; the figures are over those."""

    metric: float
    efficiencies: list
    common: int
    problems: int


def portability(runs):
    """{(operator, path): Portability}: per operator the metric over the problems that every machine has; 0 without any."""
    machine_count = len(newest_per_machine(runs))
    result = {}
    for path, rows in problem_efficiencies(runs).items():
        by_operator = {}
        for (operator, _), values in rows.items():
            by_operator.setdefault(operator, []).append(values)
        for operator, lists in by_operator.items():
            common = [values for values in lists if None not in values]
            means = [harmonic_mean([values[m] for values in common]) for m in range(machine_count)]
            result[operator, path] = Portability(performance_portability(means), means, len(common), len(lists))
    return result


@dataclass(frozen=True)
class Rival:
    """The automatic path of a problem beside another: ratio above 1 means that ours is faster."""

    run: object
    ours: object
    name: str
    time: float
    ratio: float


def taken_here(run, case):
    """Whether the times of others that a case carries were taken on a machine like this one."""
    ours, theirs = run.machine.lower(), case.reference_machine.lower()
    return theirs in ours or ours in theirs


def rivals(runs):
    """Every problem whose file has PyTorch times, a vendor's library or the generic path beside the automatic one."""
    found = []
    for run in runs:
        beside = {}
        for case in run.valid_cases:
            beside.setdefault(case.problem, {})[case.path] = case
        for by_path in beside.values():
            ours = by_path.get("automatic")
            if not ours:
                continue
            times = [(path, case.median) for path, case in by_path.items() if path != "automatic"]
            if taken_here(run, ours):
                times += [("PyTorch eager", ours.eager), ("torch.compile", ours.compiled)]
            found += [Rival(run, ours, name, time, time / ours.median) for name, time in times if time and time > 0]
    return found


def best_rate(ceilings, kind, unit, level=None, dtype=None):
    """The highest rate of that kind, or None."""
    rates = [
        entry[unit]
        for entry in ceilings
        if entry.get("kind") == kind
        and isinstance(entry.get(unit), (int, float))
        and (level is None or entry.get("level", "memory") == level)
        and (dtype is None or entry.get("dtype") == dtype)
    ]
    return max(rates) if rates else None
