"""KernelBench's problems with torch.compile(model, backend="mylos"), beside eager PyTorch and inductor.

    python -m mylos.bench.kernelbench --level 1 --files DIR

DIR holds the problem files, or level1/, level2/, ... with them: each has a class Model and the functions get_inputs and
get_init_inputs. Every problem is checked against fp64, the error being compared with eager PyTorch's own, and timed: eager,
inductor and Mylos in turn in this one process, with the L2 cache flushed before each run. Prints a table, and writes JSON
and a picture of bars.
"""

import argparse
import copy
import importlib.util
import json
import os
import pathlib
import platform
import re
import statistics
import sys
import time

import torch

import mylos
from mylos.torch._compile import Report, compiler

SEED = 42
TOLERANCE = 1e-5  # relative to the largest value; PyTorch's own error, where it is larger
PIECE = 1 << 26  # elements that are compared at once: the results may fill the memory
CONTENDERS = ("eager", "inductor", "mylos")


def command_line(arguments):
    parser = argparse.ArgumentParser(prog="python -m mylos.bench.kernelbench", description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=pathlib.Path, required=True, metavar="DIR", help="folder of the problem files")
    parser.add_argument("--level", type=int, default=1, help="of which level, where DIR has folders level1, level2, ... (1)")
    parser.add_argument("--only", default="", metavar="REGEX", help="only problems in whose file name this is found")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeats", type=int, default=30, help="timed runs of each contender (30)")
    parser.add_argument("--seconds", type=float, default=5.0, help="most time for the runs of one problem (5)")
    parser.add_argument("--no-inductor", action="store_true", help="leave inductor out, as where it has no compiler")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("kernelbench"), help="stem of the .json and .png")
    return parser.parse_args(arguments)


def problem_files(options):
    folder = options.files / f"level{options.level}"
    folder = folder if folder.is_dir() else options.files
    number = lambda path: (int(path.stem.partition("_")[0]) if path.stem[0].isdigit() else 10**6, path.stem)  # noqa: E731
    files = sorted((p for p in folder.glob("*.py") if re.search(options.only, p.name) and not p.stem.startswith("_")), key=number)
    if not files:
        sys.exit(f"no problem files in {folder}")
    return files


def load(path):
    specification = importlib.util.spec_from_file_location(f"kernelbench_{path.stem}", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def moved(values, device, dtype=None):
    def one(value):
        if not isinstance(value, torch.Tensor):
            return value
        return value.to(device=device, dtype=dtype if dtype is not None and value.is_floating_point() else None)

    return [one(value) for value in values]


def results_of(value):
    """The tensors of a model's result."""
    if isinstance(value, torch.Tensor):
        return [value]
    return [tensor for part in value for tensor in results_of(part)] if isinstance(value, (tuple, list)) else []


def error_of(found, expected):
    """The largest error over all results, relative to the largest value of each; infinite where one is not comparable."""
    if len(found) != len(expected) or any(y.shape != reference.shape for y, reference in zip(found, expected)):
        return float("inf")
    worst = 0.0
    for y, reference in zip(found, expected):
        largest, difference = 0.0, 0.0
        for part, wide in zip(y.flatten().split(PIECE), reference.flatten().split(PIECE)):
            part, wide = part.double(), wide.double()
            same = (part == wide) | (part.isnan() & wide.isnan())
            off = torch.where(same, 0.0, (part - wide).abs()).max().item()
            difference = max(difference, off if off == off else float("inf"))
            largest = max(largest, torch.where(wide.isfinite(), wide.abs(), 0.0).max().item())
        worst = max(worst, difference / (largest or 1.0))
    return worst


class Clock:
    """Times single calls, with the cache of the device emptied before each.

    On a GPU the time between two events: emptying the cache keeps the device busy for longer than the host takes to
    enqueue a call, so that the host's share, which a model of many operators hides, is not in it.
    """

    def __init__(self, device):
        self.cuda = torch.device(device).type == "cuda"
        size = 1 << 30 if self.cuda else 256 << 20
        self.flush = torch.empty(size, dtype=torch.int8, device=device)

    def __call__(self, function):
        self.flush.zero_()
        if not self.cuda:
            begin = time.perf_counter()
            function()
            return time.perf_counter() - begin
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        function()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3


def medians(calls, clock, options):
    """The median time of each, run in turn."""
    times = {name: [] for name in calls}
    limit = time.perf_counter() + options.seconds
    for i in range(options.repeats + 2):
        for name, call in calls.items():
            elapsed = clock(call)
            if i >= 2:  # the first two warm up
                times[name].append(elapsed)
        if i >= 4 and time.perf_counter() > limit:
            break
    return {name: statistics.median(values) for name, values in times.items()}


def run_problem(path, options, clock):
    problem = load(path)
    torch.manual_seed(SEED)
    init = problem.get_init_inputs()
    torch.manual_seed(SEED)
    model = problem.Model(*init).to(options.device)  # in the mode that it comes in
    torch.manual_seed(SEED)
    with torch.device(options.device):  # random numbers by the gigabyte are made where they are needed
        inputs = moved(problem.get_inputs(), options.device)

    torch._dynamo.reset()
    report = Report()
    calls = {"eager": lambda: model(*inputs)}
    if not options.no_inductor:
        inductor = torch.compile(model, backend="inductor")
        calls["inductor"] = lambda: inductor(*inputs)
    compiled = torch.compile(model, backend=compiler(report))
    calls["mylos"] = lambda: compiled(*inputs)

    wide = copy.deepcopy(model).double()
    expected = results_of(wide(*moved(inputs, options.device, torch.float64)))
    del wide
    errors = {}
    for name, call in list(calls.items()):
        try:
            errors[name] = error_of(results_of(call()), expected)
        except Exception:
            if name != "inductor":
                raise
            del calls[name]  # a problem that inductor cannot compile is compared with eager PyTorch
    del expected
    times = medians(calls, clock, options)
    best = min(seconds for name, seconds in times.items() if name != "mylos")
    return {
        "problem": path.stem,
        "errors": errors,
        "seconds": times,
        "correct": errors["mylos"] <= max(errors["eager"], TOLERANCE),
        "wholly": bool(report.calls) and not report.left,
        "speedup": best / times["mylos"],
        "calls": [call for _, call, _ in report.calls],
        "left": [{"operator": name, "reason": reason} for _, name, reason in report.left],
    }


def run_all(files, options):
    from tqdm import tqdm

    clock = Clock(options.device)
    results = []
    with torch.no_grad(), tqdm(files, unit="problem", file=sys.stderr) as progress:
        for path in progress:
            progress.set_postfix_str(path.stem[:40])
            try:
                results.append(run_problem(path, options, clock))
            except Exception as error:  # a problem that fails is a result
                text = str(error).strip().partition("\n")[0]
                results.append({"problem": path.stem, "failed": f"{type(error).__name__}: {text}"})
            if options.device.startswith("cuda"):
                torch.cuda.empty_cache()
            write(results, options)  # what is known so far, should the run be cut short
    return results


def table(results):
    lines = [f"{'problem':44} {'eager':>10} {'inductor':>10} {'mylos':>10} {'speed':>6}  correct  wholly  error"]
    for r in results:
        if "failed" in r:
            lines.append(f"{r['problem'][:44]:44} failed: {r['failed'][:90]}")
            continue
        times = " ".join(f"{r['seconds'][n] * 1e6:8.1f}us" if n in r["seconds"] else f"{'':10}" for n in CONTENDERS)
        flags = f"{'yes' if r['correct'] else 'NO':>7}  {'yes' if r['wholly'] else 'no':>6}"
        lines.append(f"{r['problem'][:44]:44} {times} {r['speedup']:5.2f}x  {flags}  {r['errors']['mylos']:.1e}")
    return lines


def counts_of(results):
    done = [r for r in results if "failed" not in r]
    return {
        "problems": len(results),
        "correct": sum(r["correct"] for r in done),
        "wholly by Mylos": sum(r["wholly"] for r in done),
        "faster than both": sum(r["correct"] and r["wholly"] and r["speedup"] > 1 for r in done),
        "failed": len(results) - len(done),
    }


def context(options):
    cuda = options.device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name(options.device) if cuda else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "mylos": mylos.__version__,
        "backend": mylos.backend,
        "python": platform.python_version(),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "level": options.level,
    }


def draw(results, file):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    done = [r for r in results if "failed" not in r]
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.24 * len(done)))
    colours = ["#2a9d55" if r["wholly"] else "#9aa0a6" for r in done]
    axes.barh([r["problem"][:44] for r in done], [r["speedup"] for r in done], color=colours)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlabel("time of the better of eager and inductor / time of Mylos (green: wholly by Mylos)")
    axes.tick_params(axis="y", labelsize=7)
    figure.tight_layout()
    figure.savefig(file, dpi=150)
    pyplot.close(figure)


def write(results, options):
    written = options.output.with_suffix(".json")
    everything = {"context": context(options), "counts": counts_of(results), "results": results}
    written.write_text(json.dumps(everything, indent=1) + "\n")
    return written


def main(arguments=None):
    options = command_line(arguments)
    results = run_all(problem_files(options), options)
    counts = counts_of(results)
    print("\n".join(table(results)))
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))
    written = write(results, options)
    draw(results, options.output.with_suffix(".png"))
    print(f"written: {written}, {options.output.with_suffix('.png')}")
    return 0 if counts["failed"] == 0 and counts["correct"] == counts["problems"] else 1


if __name__ == "__main__":
    sys.exit(main())
