"""From files to runs. Whatever is missing becomes None; what is no file of mylos-bench at all is a ReportError."""
from __future__ import annotations

import json
import math
import os

from mylos_report.model import Case, Error, Run

SCHEMA = 1
# From Google Benchmark's units to ms.
UNITS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}


class ReportError(Exception):
    """Said in one line; the command ends with 2."""


def number(value):
    """A finite number, or None: a string, null, true or NaN is no measurement."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) else None


def text(value):
    return value if isinstance(value, str) else "" if value is None else str(value)


def mapping(value):
    return value if isinstance(value, dict) else {}


def listing(value):
    return value if isinstance(value, list) else []


def read_json(path):
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ReportError(f"{path}: not a text file in UTF-8") from None
    except RecursionError:
        raise ReportError(f"{path}: nested too deeply to be a result file") from None
    except json.JSONDecodeError as error:
        raise ReportError(f"{path}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None


def load(path):
    """One file as a run."""
    document = mapping(read_json(path))
    context = mapping(document.get("context"))
    mylos = mapping(context.get("mylos"))
    if not mylos or not isinstance(document.get("benchmarks"), list):
        raise ReportError(f"{path}: no file of mylos-bench: it lacks context.mylos or benchmarks")
    schema = number(mylos.get("schema"))
    if schema is not None and schema > SCHEMA:
        raise ReportError(f"{path}: schema {schema:g} is newer than this mylos-report, which knows {SCHEMA}")
    info = mapping(mylos.get("machine"))
    machine = text(info.get("name")) or text(info.get("gpu")) or text(info.get("cpu")) or text(context.get("host_name"))
    options = mapping(mylos.get("options"))
    return Run(
        machine=machine or "unknown machine",
        files=[os.path.basename(path)],
        context={key: value for key, value in context.items() if key != "mylos"},
        info=info,
        cases=read_cases(document["benchmarks"]),
        ceilings=[mapping(entry) for entry in listing(mylos.get("ceilings"))],
        telemetry=mapping(mylos.get("telemetry")),
        skipped=[read_skipped(mapping(entry)) for entry in listing(mylos.get("skipped"))],
        rules=text(mylos.get("rules")),
        options=[options] if options else [],
        suites=[text(suite) for suite in listing(mylos.get("suites"))],
        date=text(info.get("date")) or text(context.get("date")),
    )


def read_skipped(entry):
    """(name, reason); one that was begun and broke off is no choice of the program, and says so."""
    reason = text(entry.get("reason"))
    return text(entry.get("name")), f"failed: {reason}" if entry.get("failed") is True else reason


def read_cases(benchmarks):
    samples = {}
    medians = {}
    for entry in map(mapping, benchmarks):
        name = text(entry.get("run_name")) or text(entry.get("name"))
        if entry.get("run_type") == "aggregate":
            if entry.get("aggregate_name") == "median":
                medians[name] = entry
            continue
        time = number(entry.get("real_time"))
        if time is not None:
            samples.setdefault(name, []).append(time * UNITS.get(entry.get("time_unit"), 1e-6))
    # A case that was broken off has samples and no median.
    for name in samples:
        medians.setdefault(name, {})
    return {name: read_case(name, entry, samples.get(name, [])) for name, entry in medians.items()}


def read_error(value):
    if not isinstance(value, dict):
        return None
    before, after = mapping(value.get("before")), mapping(value.get("after"))
    passed = value.get("passed")
    return Error(
        unit=text(value.get("unit")),
        bound=number(value.get("bound")),
        max_before=number(before.get("max")),
        rms_before=number(before.get("rms")),
        max_after=number(after.get("max")),
        rms_after=number(after.get("rms")),
        passed=passed if isinstance(passed, bool) else None,
    )


def read_case(name, entry, samples):
    mylos = mapping(entry.get("mylos"))
    # The parts of the name stand in for keys that an older or cut file lacks.
    parts = dict(zip(("suite", "case", "dtype", "shape", "layout", "path", "cache"), name.split("/")))
    if name.count("/") != 6:
        parts = {"case": name}
    word = lambda key: text(mylos.get(key)) or parts.get(key, "")
    amount = lambda key: number(mylos.get(key))
    median = amount("median_ms")
    if median is None and number(entry.get("real_time")) is not None:
        median = number(entry["real_time"]) * UNITS.get(entry.get("time_unit"), 1e-6)
    repeatable = mylos.get("repeatable")
    case = Case(
        name=name, suite=word("suite"), case=word("case"), operator=word("operator") or word("case"),
        family=word("family") or "other", dtype=word("dtype"), shape=word("shape"), layout=word("layout"),
        path=word("path"), cache=word("cache"), kernel=word("kernel"), samples=samples,
        sample_count=amount("samples") or len(samples) or None, median=median, p10=amount("p10_ms"),
        p90=amount("p90_ms"), low=amount("median_low_ms"), high=amount("median_high_ms"), bytes=amount("bytes"),
        bytes_formula=word("bytes_formula"), flops=amount("flops"), flops_formula=word("flops_formula"),
        gbs=amount("GBs"), tflops=amount("TFLOPs"), bound=word("bound"), ceiling=mapping(mylos.get("ceiling")),
        of_ceiling=amount("of_ceiling"), error=read_error(mylos.get("error")),
        repeatable=repeatable if isinstance(repeatable, bool) else None, first_call=amount("first_call_ms"),
        memory=amount("memory_high_water_bytes"), telemetry=mapping(mylos.get("telemetry")),
        eager=amount("pytorch_eager_ms"), compiled=amount("pytorch_compile_ms"),
        reference_machine=word("reference_machine"), repro=word("repro"),
    )  # fmt: skip
    case.valid, case.invalid_reason = validity(case, mylos)
    return case


def validity(case, mylos):
    """The program's word, and no figure without a time or with a failed check, whatever the word."""
    if mylos.get("valid") is False:
        return False, text(mylos.get("invalid_reason")) or "invalid, and the file does not say why"
    if case.median is None or case.median <= 0:
        return False, "the file has no time for it"
    if case.error is not None and case.error.passed is False:
        return False, "the error against fp64 is beyond its bound"
    return True, ""


def identity(run):
    """Which machine it is: the same GPU model, or on a host the same CPU with as many cores."""
    keys = ("vendor", "gpu_memory", "execution_space") if run.info.get("gpu") else ("vendor", "cpu", "cpu_cores")
    return (run.machine, *(text(run.info.get(key)) for key in keys))


def merge(runs):
    """Files of one machine become one run as long as no case is in two of them; oldest first."""
    merged = []
    for run in sorted(runs, key=lambda run: run.date):
        for other in merged:
            if identity(other) == identity(run) and not other.cases.keys() & run.cases.keys():
                other.files += run.files
                other.cases.update(run.cases)
                other.ceilings += run.ceilings
                other.skipped += [entry for entry in run.skipped if entry not in other.skipped]
                other.options += run.options
                other.suites += [suite for suite in run.suites if suite not in other.suites]
                other.telemetry = other.telemetry or run.telemetry
                other.date = run.date
                other.rules = other.rules or run.rules
                break
        else:
            merged.append(run)
    for run in merged:  # skipped in one file, measured in another
        run.skipped = [entry for entry in run.skipped if entry[0] not in run.cases]
    name_runs(merged)
    return merged


def name_runs(runs):
    """Labels that tell runs of one machine apart by what differs; the last of them is the one that counts."""
    groups = {}
    for run in runs:
        groups.setdefault(identity(run), []).append(run)
    for group in groups.values():
        for run in group:
            run.label = run.machine
            run.replaced = run is not group[-1]
        if len(group) > 1:
            for key in ("commit", "date"):
                values = [text(run.info.get(key)) or (run.date if key == "date" else "") for run in group]
                if len(set(values)) == len(group) and all(values):
                    break
            else:
                values = [f"run {position}" for position in range(1, len(group) + 1)]
            for run, value in zip(group, values):
                run.label = f"{run.machine} ({value[:16]})"
    seen = {}
    for run in runs:  # two machines of one name
        seen[run.label] = seen.get(run.label, 0) + 1
        if seen[run.label] > 1:
            run.label += f" #{seen[run.label]}"
    for index, run in enumerate(runs):
        run.index = index


def load_all(paths):
    """Runs in the order in which their machines were first named."""
    runs = [load(path) for path in paths]
    order = {}
    for run in runs:
        order.setdefault(identity(run), len(order))
    merged = merge(runs)
    merged.sort(key=lambda run: order[identity(run)])
    for index, run in enumerate(merged):
        run.index = index
    return merged
