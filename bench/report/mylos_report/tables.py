"""Every table of the report once, for the page, CSV, Markdown and the terminal alike."""
from __future__ import annotations

from dataclasses import dataclass, field

from mylos_report import metrics
from mylos_report.format import show


@dataclass(frozen=True)
class Column:
    """`kind` is one of format.FORMATS, or text, code, state, repro."""

    label: str
    kind: str = "text"
    hint: str = ""

    @property
    def numeric(self):
        return self.kind not in ("text", "code", "state", "repro", "flag", "long")


@dataclass
class Table:
    key: str
    title: str
    columns: list
    rows: list = field(default_factory=list)
    note: str = ""

    def shown(self):
        return [[show(column.kind, value) for column, value in zip(self.columns, row)] for row in self.rows]


def columns(*specs):
    return [Column(*((spec,) if isinstance(spec, str) else spec)) for spec in specs]


def middle(telemetry, key):
    """The median of a telemetry figure, which may be a plain number in a cut file."""
    value = telemetry.get(key)
    value = value.get("median") if isinstance(value, dict) else value
    return value if isinstance(value, (int, float)) else None


def machines(runs):
    counts = metrics.in_aggregates(runs)
    table = Table("machines", "Machines", columns(
        "machine", "files", "date", "commit", ("cases", "count"), ("invalid", "count"), ("skipped", "count"),
        ("copy GB/s", "number"), ("FMA f32 TFLOP/s", "number"), ("GEMM f32 TFLOP/s", "number"), ("launch µs", "number"),
        ("automatic", "percent", "harmonic mean of the per cent of the ceiling"), ("generic", "percent"),
        ("SM clock MHz", "count"), ("memory clock MHz", "count"), ("power W", "count"), ("temperature °C", "count"),
    ))  # fmt: skip
    for run in runs:
        mean = lambda path: metrics.harmonic_mean(
            [case.of_ceiling for case in run.cases.values() if case.path == path and counts(case)]
        )
        rate = lambda *key, **more: metrics.best_rate(run.ceilings, *key, **more)
        clocks = [middle(run.telemetry, k) for k in ("sm_clock_mhz", "memory_clock_mhz", "power_w", "temperature_c")]
        table.rows.append([
            run.label, ", ".join(run.files), run.date[:16].replace("T", " "), run.info.get("commit"), len(run.cases),
            len(run.invalid_cases), len(run.skipped), rate("copy", "GBs", level="memory"),
            rate("fma", "TFLOPs", dtype="f32"), rate("gemm", "TFLOPs", dtype="f32"), rate("launch", "us"),
            mean("automatic"), mean("generic"), *clocks,
        ])  # fmt: skip
    return table


def invalid(runs):
    table = Table("invalid", "Invalid cases", columns(("case", "code"), ("reason", "long"), "machine"))
    for run in runs:
        table.rows += [[case.name, case.invalid_reason, run.label] for case in run.invalid_cases]
    return table


def skipped(runs):
    table = Table("skipped", "Skipped cases", columns(("case", "code"), ("reason", "long"), "machine"))
    for run in runs:
        table.rows += [[name, reason, run.label] for name, reason in run.skipped]
    table.rows.sort(key=lambda row: not row[1].startswith("failed"))
    return table


def operators(runs):
    table = Table("operators", "Operators against the ceiling", columns(
        "family", "operator", "machine", "dtype", "path", ("cases", "count"), ("mean", "bar", "harmonic mean"),
        ("lowest", "percent"), ("highest", "percent"),
    ))  # fmt: skip
    spreads = metrics.operator_spreads(runs)
    families = {operator: family for family, operator in metrics.operators(runs)}
    order = {operator: rank for rank, (_, operator) in enumerate(metrics.operators(runs))}
    for (operator, index, dtype, path), found in sorted(spreads.items(), key=lambda item: (order[item[0][0]], item[0][1:])):
        table.rows.append([
            families[operator], operator, runs[index].label, dtype or "all", path, found.count, found.mean, found.low,
            found.high,
        ])  # fmt: skip
    return table


def portability(runs):
    labels = [label for label, _ in metrics.newest_per_machine(runs)]
    table = Table("portability", "Performance portability", columns(
        "family", "operator", ("automatic", "bar", "performance-portability metric of the automatic path"),
        ("generic", "bar", "the same of the one generic Kokkos kernel"),
        ("in common", "count", "problems that every machine has, automatic path"), ("of", "count", "all problems"),
        *((label, "percent", "mean efficiency of the automatic path over the common problems") for label in labels),
    ))  # fmt: skip
    found = metrics.portability(runs)
    for family, operator in metrics.operators(runs):
        own = [found.get((operator, path)) for path in metrics.OWN_PATHS]
        if not any(own):
            continue
        first = own[0]
        table.rows.append([
            family, operator, *(entry and entry.metric for entry in own), first and first.common,
            first and first.problems, *(first.efficiencies if first else [None] * len(labels)),
        ])  # fmt: skip
    return table


def portability_cases(runs):
    labels = [label for label, _ in metrics.newest_per_machine(runs)]
    table = Table("portability_cases", "Performance portability by problem", columns(
        "operator", ("problem", "code"), "path", ("metric", "bar"), *((label, "percent") for label in labels),
    ))  # fmt: skip
    for path, rows in metrics.problem_efficiencies(runs).items():
        for (operator, problem), values in rows.items():
            metric = metrics.performance_portability(values)
            table.rows.append([operator, "/".join(part for part in problem if part), path, metric, *values])
    return table


def rivals(runs):
    table = Table("rivals", "Beside PyTorch, vendors' libraries and the generic kernel", columns(
        "machine", ("problem", "code"), "kernel", ("automatic ms", "number"), "other", ("other ms", "number"),
        ("other / automatic", "ratio", "above 1 the automatic path is faster"), "taken on",
    ))  # fmt: skip
    for rival in metrics.rivals(runs):
        taken_on = rival.ours.reference_machine if "torch" in rival.name.lower() else ""
        table.rows.append([
            rival.run.label, "/".join(rival.ours.problem), rival.ours.kernel, rival.ours.median, rival.name, rival.time,
            rival.ratio, taken_on,
        ])  # fmt: skip
    return table


def errors(runs):
    table = Table("errors", "Errors against fp64", columns(
        ("of bound", "bar", "the worse maximum over the bound"), ("case", "code"), "machine", ("bound", "short"),
        ("max before", "short"), ("max after", "short"), ("rms before", "short"), ("rms after", "short"),
        ("same bits twice", "flag"), "relative to",
    ))  # fmt: skip
    for run in runs:
        for case in run.cases.values():
            if case.error is None and case.repeatable is None:
                continue
            error = case.error
            figures = [None] * 5
            if error:
                figures = [error.bound, error.max_before, error.max_after, error.rms_before, error.rms_after]
            table.rows.append([error and error.of_bound, case.name, run.label, *figures, case.repeatable,
                               error and error.unit])  # fmt: skip
    table.rows.sort(key=lambda row: -(row[0] if row[0] is not None else -1))
    return table


def costs(runs):
    table = Table("costs", "First call and memory", columns(
        "machine", "family", "operator", ("cases", "count"), ("first call ms, median", "number"),
        ("first call ms, longest", "number"), ("longest / its median time", "ratio"), ("memory, most", "bytes"),
        ("beyond its data", "bytes", "the most memory less the bytes that the operator must move, where that is positive"),
    ))  # fmt: skip
    for run in runs:
        groups = {}
        for case in run.valid_cases:
            if case.path == "automatic" and (case.first_call is not None or case.memory is not None):
                groups.setdefault((case.family, case.operator), []).append(case)
        for (family, operator), cases in sorted(groups.items()):
            called = sorted((case for case in cases if case.first_call is not None), key=lambda case: case.first_call)
            longest = called[-1] if called else None
            memories = [case.memory for case in cases if case.memory is not None]
            beyond = [case.memory - case.bytes for case in cases if case.memory is not None and case.bytes]
            table.rows.append([
                run.label, family, operator, len(cases), called[len(called) // 2].first_call if called else None,
                longest and longest.first_call, longest and longest.first_call / longest.median,
                max(memories, default=None), max(0, max(beyond)) if beyond else None,
            ])  # fmt: skip
    return table


def ceilings(runs):
    table = Table("ceilings", "Ceilings of the machines", columns(
        "machine", "kind", "level", "dtype", "library", ("GB/s", "number"), ("TFLOP/s", "number"), ("µs", "number"),
        ("bytes", "bytes"), ("median ms", "number"), ("p10 ms", "number"), ("p90 ms", "number"),
    ))  # fmt: skip
    keys = ("kind", "level", "dtype", "library", "GBs", "TFLOPs", "us", "bytes", "median_ms", "p10_ms", "p90_ms")
    for run in runs:
        table.rows += [[run.label, *(entry.get(key) for key in keys)] for entry in run.ceilings]
    return table


def flat(mapping, prefix=""):
    """{"a": {"b": 1}} to [("a.b", 1)]."""
    for key, value in mapping.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield prefix + key, ", ".join(" ".join(map(str, v.values())) if isinstance(v, dict) else str(v) for v in value)
        else:
            yield prefix + key, "yes" if value is True else "no" if value is False else value


def environment(runs):
    table = Table("environment", "Machines and how they ran", columns(("what", "text"), *((run.label, "long") for run in runs)))
    facts = []
    for run in runs:
        found = dict(flat(run.info))
        for key, value in flat(run.context):
            found.setdefault(key, value)
        found["files"] = ", ".join(run.files)
        found["suites"] = ", ".join(run.suites)
        for options in run.options:
            for key, value in flat(options):
                known = found.get(f"options.{key}")
                found[f"options.{key}"] = value if known in (None, value) else f"{known}; {value}"
        for key, value in run.telemetry.items():
            if isinstance(value, dict):
                parts = (f"{part} {show('number', value[part])}" for part in ("min", "median", "max") if part in value)
                value = ", ".join(parts)
            found[f"telemetry.{key}"] = value
        facts.append(found)
    for key in dict.fromkeys(key for found in facts for key in found):
        table.rows.append([key, *(found.get(key) for found in facts)])
    return table


def cases(runs):
    table = Table("cases", "Every case", columns(
        "case", "machine", "dtype", "path", "state", ("% of ceiling", "bar"), ("median ms", "number"), "shape", "layout",
        "cache", "suite", "family", "operator", ("low ms", "number", "95 % interval of the median"),
        ("high ms", "number"), ("p10 ms", "number"), ("p90 ms", "number"), ("samples", "count"), ("GB/s", "number"),
        ("TFLOP/s", "number"), "bound by", ("bytes", "bytes"), "bytes are", ("flops", "short"), "flops are", "kernel",
        ("error / bound", "percent"), ("same bits", "flag"), ("first call ms", "number"), ("memory", "bytes"),
        ("SM clock MHz", "count"), ("power W", "count"), ("PyTorch eager ms", "number"), ("torch.compile ms", "number"),
        ("reason", "long"), ("repro", "repro"),
    ))  # fmt: skip
    for run in runs:
        for c in run.cases.values():
            table.rows.append([
                c.case, run.label, c.dtype, c.path, "valid" if c.valid else "invalid", c.of_ceiling, c.median, c.shape,
                c.layout, c.cache, c.suite, c.family, c.operator, c.low, c.high, c.p10, c.p90, c.sample_count,
                c.gbs, c.tflops, c.bound, c.bytes, c.bytes_formula, c.flops, c.flops_formula, c.kernel,
                c.error and c.error.of_bound, c.repeatable, c.first_call, c.memory, middle(c.telemetry, "sm_clock_mhz"),
                middle(c.telemetry, "power_w"), c.eager, c.compiled, c.invalid_reason, c.repro,
            ])  # fmt: skip
    return table


def regression(changes):
    table = Table("regression", "Against the baseline", columns(
        "state", ("case", "code"), ("now / before", "ratio"), ("low", "number", "95 % interval of the ratio"),
        ("high", "number"), ("p adjusted", "p", "after Holm"), ("p", "p", "Mann-Whitney U, two-sided"),
        ("before ms", "number"), ("now ms", "number"), "machine", ("reason", "long"),
    ))  # fmt: skip
    for c in changes:
        reason = c.reason or ("too few samples to be significant" if c.reachable is False else "")
        table.rows.append([c.state, c.name, c.ratio, c.low, c.high, c.adjusted, c.p, c.old, c.new, c.run, reason])
    return table


def all_tables(runs, changes=None):
    """{key: Table} without those that have nothing to say."""
    made = [machines(runs), invalid(runs), skipped(runs)]
    if changes is not None:
        made.append(regression(changes))
    made += [make(runs) for make in (operators, portability, portability_cases, rivals, errors, costs, ceilings,
                                     environment, cases)]  # fmt: skip
    return {table.key: table for table in made if table.rows}
