#!/usr/bin/env python3
"""Times PyTorch on the cases of mylos_bench_pointwise: the same names, shapes, values' distribution and byte counts.

    python3 bench/peers/pytorch_pointwise.py --out torch.json [--device cuda] [--rows 4096] [--cols 16384]

Three ways, written as the case's "path":
    eager          each call allocates its result, as most code is written
    eager_reuse    out= where the function has it, else an allocator that keeps the memory of the last result
    compile_reuse  torch.compile, into a tensor that exists

The copy (Tensor.copy_) is sampled beside every case. Where the tensors are small beside the last-level cache, several
are taken in turn, as there. Join the file with that of the Mylos benchmark by bench/report/compare.py. On a machine whose
speed drifts, let --mylos PROGRAM run that benchmark's case just before each of these, into the same file.
"""
import argparse
import contextlib
import ctypes
import datetime
import itertools
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torch._dynamo
import torch.nn.functional as F

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}
POSITIVE = {"sqrt", "rsqrt", "log", "log1p", "pow"}


class Operands:
    """What the steps of bench/support/steps.hpp are given: rows of one value per column, and a mask."""

    def __init__(self, cols, rows, dtype, device):
        generator = torch.Generator(device=device).manual_seed(1)
        normal = lambda *shape: torch.randn(*shape, generator=generator, device=device, dtype=torch.float32)
        self.row1 = normal(cols).abs().to(dtype)
        self.row2 = normal(cols).abs().to(dtype)
        self.column = normal(rows, 1).abs().to(dtype)
        self.mask = normal(cols) > 0


def out_of(function, *arguments, **options):
    """(plain call, the same into a given result) of a function that takes out=."""
    return (
        lambda x: function(x, *arguments, **options),
        lambda x, y: function(x, *arguments, out=y, **options),
    )


def no_out(function, *arguments, **options):
    """Of a function without out=."""
    return (lambda x: function(x, *arguments, **options), None)


def steps(o):
    """name -> (call(x), call_into(x, y) or None), with the arguments of bench/support/steps.hpp."""
    aten = torch.ops.aten
    scalar = 0.75
    return {
        "relu": (torch.relu, lambda x, y: torch.clamp_min(x, 0, out=y)),
        "leaky_relu": (F.leaky_relu, lambda x, y: aten.leaky_relu.out(x, 0.01, out=y)),
        "elu": (F.elu, lambda x, y: aten.elu.out(x, out=y)),
        "celu": no_out(F.celu),
        "selu": no_out(F.selu),
        "gelu": (F.gelu, lambda x, y: aten.gelu.out(x, out=y)),
        "gelu_tanh": (
            lambda x: F.gelu(x, approximate="tanh"),
            lambda x, y: aten.gelu.out(x, approximate="tanh", out=y),
        ),
        "sigmoid": out_of(torch.sigmoid),
        "log_sigmoid": no_out(F.logsigmoid),
        "tanh": out_of(torch.tanh),
        "softplus": (F.softplus, lambda x, y: aten.softplus.out(x, out=y)),
        "softsign": no_out(F.softsign),
        "silu": (F.silu, lambda x, y: aten.silu.out(x, out=y)),
        "mish": (F.mish, lambda x, y: aten.mish.out(x, out=y)),
        "hardsigmoid": (F.hardsigmoid, lambda x, y: aten.hardsigmoid.out(x, out=y)),
        "hardswish": (F.hardswish, lambda x, y: aten.hardswish.out(x, out=y)),
        "hardtanh": (F.hardtanh, lambda x, y: aten.hardtanh.out(x, out=y)),
        "relu6": (F.relu6, lambda x, y: aten.hardtanh.out(x, 0.0, 6.0, out=y)),
        "threshold": (lambda x: F.threshold(x, 0.0, 0.0), lambda x, y: aten.threshold.out(x, 0.0, 0.0, out=y)),
        "softshrink": (F.softshrink, lambda x, y: aten.softshrink.out(x, out=y)),
        "hardshrink": (F.hardshrink, lambda x, y: aten.hardshrink.out(x, out=y)),
        "tanhshrink": no_out(F.tanhshrink),
        "abs": out_of(torch.abs),
        "neg": out_of(torch.neg),
        "sign": out_of(torch.sign),
        "square": out_of(torch.square),
        "sqrt": out_of(torch.sqrt),
        "rsqrt": out_of(torch.rsqrt),
        "reciprocal": out_of(torch.reciprocal),
        "exp": out_of(torch.exp),
        "expm1": out_of(torch.expm1),
        "log": out_of(torch.log),
        "log1p": out_of(torch.log1p),
        "sin": out_of(torch.sin),
        "cos": out_of(torch.cos),
        "erf": out_of(torch.erf),
        "floor": out_of(torch.floor),
        "ceil": out_of(torch.ceil),
        "round": out_of(torch.round),
        "clamp": out_of(torch.clamp, -0.5, 1.5),
        "cast": no_out(lambda x: x.to(torch.bfloat16).to(x.dtype)),
        "prelu": no_out(F.prelu, o.row1),
        "add": out_of(torch.add, scalar),
        "sub": out_of(torch.sub, scalar),
        "rsub": no_out(torch.rsub, scalar),
        "mul": out_of(torch.mul, scalar),
        "div": out_of(torch.div, scalar),
        "rdiv": no_out(lambda x: scalar / x),
        "min": out_of(torch.clamp_max, scalar),
        "max": out_of(torch.clamp_min, scalar),
        "pow": out_of(torch.pow, 1.7),
        "masked_fill": no_out(lambda x: x.masked_fill(o.mask, 0.0)),
        "where": no_out(lambda x: torch.where(o.mask, x, scalar)),
        "lerp": out_of(torch.lerp, o.row1, 0.3),
        "addcmul": out_of(torch.addcmul, o.row1, o.row2),
    }


def chains(o):
    """Chains, and broadcasting along either axis. Eager PyTorch runs a kernel per step."""
    four = lambda x: (F.silu(x) * 1.5).clamp(-2, 2).tanh()
    return {
        "chain_1": no_out(F.silu),
        "chain_2": no_out(lambda x: F.silu(x) * 1.5),
        "chain_4": no_out(four),
        "chain_8": no_out(lambda x: four(four(x))),
        "chain_4_cheap": no_out(lambda x: torch.relu((x * 1.5 + 0.5).clamp(-2, 2))),
        "bias_axis0": out_of(torch.add, o.column),
        "bias_axis1": out_of(torch.add, o.row1),
    }


class Timer:
    """Median over samples: CUDA events around each call, or a steady clock."""

    def __init__(self, device, samples):
        self.cuda = device.type == "cuda"
        self.samples = samples

    def __call__(self, call, samples=None, warm_up=2):
        samples = samples or self.samples
        for _ in range(warm_up):
            call()
        if self.cuda:
            torch.cuda.synchronize()
            pairs = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(samples)]
            for begin, end in pairs:
                begin.record()
                call()
                end.record()
            torch.cuda.synchronize()
            return [begin.elapsed_time(end) for begin, end in pairs]
        times = []
        for _ in range(samples):
            begin = time.perf_counter()
            call()
            times.append(1e3 * (time.perf_counter() - begin))
        return times


def quantiles(times):
    ordered = sorted(times)
    at = lambda q: ordered[round(q * (len(ordered) - 1))]
    return {
        "median_ms": float(f"{statistics.median(ordered):.4g}"),
        "p10_ms": float(f"{at(0.1):.4g}"),
        "p90_ms": float(f"{at(0.9):.4g}"),
        "samples": len(ordered),
    }


@contextlib.contextmanager
def freed_memory_kept():
    """malloc keeps what is freed meanwhile. By default glibc returns large blocks to the system, and each new one costs
    its page faults again. PyTorch's allocator on GPUs keeps memory at any rate."""
    if sys.platform != "linux":
        yield
        return
    libc = ctypes.CDLL(None)
    m_trim_threshold, m_mmap_max = -1, -4
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, -1)
    try:
        yield
    finally:
        libc.mallopt(m_mmap_max, 65536)
        libc.mallopt(m_trim_threshold, 128 * 1024)
        libc.malloc_trim(0)  # else small blocks settle in the large ones and every case needs new memory


def make_ways(plain, into, tensors):
    """The calls of a case, by path."""
    # The cases share a few lambdas, and the compiler gives up on one that it has compiled too often.
    torch._dynamo.reset()
    # Into a given tensor: the compiler makes one kernel of step and copy, which writes there.
    compiled = torch.compile(lambda x, y: y.copy_(plain(x)), dynamic=False)
    return {
        "eager": lambda: plain(next(tensors)[0]),
        "eager_reuse": (lambda: into(*next(tensors))) if into else (lambda: plain(next(tensors)[0])),
        "compile_reuse": lambda: compiled(*next(tensors)),
    }


def last_level_cache(device):
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).L2_cache_size
    size = os.sysconf("SC_LEVEL3_CACHE_SIZE") if "SC_LEVEL3_CACHE_SIZE" in os.sysconf_names else 0
    return size if size > 0 else 64 << 20


def cpu_name():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def context(device):
    result = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cpu": cpu_name(),
        "threads": torch.get_num_threads(),
        "pytorch": torch.__version__,
        "python": platform.python_version(),
    }
    if device.type == "cuda":
        result["gpu"] = torch.cuda.get_device_name(device)
        result["cuda_runtime"] = torch.version.cuda
    for variable in ("OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES"):
        if variable in os.environ:
            result[variable] = os.environ[variable]
    return result


def mylos_cases(name, dtype, options):
    """What the Mylos benchmark measures for this case, now."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [options.mylos, f"--rows={options.rows}", f"--cols={options.cols}", f"--samples={options.samples}"]
        command += [f"--dtype={dtype}", f"--filter=^{name}/{dtype}/automatic$", f"--mylos_out={file.name}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.load(file)["cases"]


def show(case):
    print(f"{case['name']:16} {case['dtype']:5} {case['path']:14} {case['median_ms']:10.4f} ms {case['GBs']:9.1f} GB/s"
          f" {100 * case['of_copy']:6.1f} %", flush=True)


def write(report, out):
    """One case a line, as Mylos writes it."""
    cases = ",\n  ".join(json.dumps(case) for case in report["cases"])
    head = ",\n ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in report.items() if key != "cases")
    with open(out, "w") as file:
        file.write("{" + head + ',\n "cases": [\n  ' + cases + "]}\n")


def run_dtype(name, options, device, timer, report):
    dtype = DTYPES[name]
    generator = torch.Generator(device=device).manual_seed(0)
    first = torch.empty(options.rows, options.cols, device=device, dtype=dtype).normal_(generator=generator)
    pair_bytes = 2 * first.numel() * first.element_size()
    enough = 2 * last_level_cache(device)
    count = 1 if pair_bytes >= enough else min(enough // pair_bytes + 2, 256)
    pairs = [(first.clone(), first.clone()) for _ in range(count)]
    tensors = itertools.cycle(pairs)
    del first
    operands = Operands(options.cols, options.rows, dtype, device)
    shape = f"{options.rows}x{options.cols}"

    def copy():
        x, y = next(tensors)
        y.copy_(x)

    copies = timer(copy, warm_up=5)
    if not report["copy_GBs"]:
        report["copy_GBs"] = float(f"{pair_bytes / statistics.median(copies) * 1e-6:.4g}")

    cases = {**steps(operands), **chains(operands)}
    for case in sorted(cases, key=lambda key: key in POSITIVE):
        if not re.search(options.filter, case):
            continue
        if case in POSITIVE:
            for x, _ in pairs:
                x.abs_()
        if options.mylos:
            for entry in mylos_cases(case, name, options):
                report["cases"].append(entry)
                show(entry)
        for path, call in make_ways(*cases[case], tensors).items():
            if path not in options.path:
                continue
            try:
                call()  # compiles, before memory is kept
                with freed_memory_kept() if path == "eager_reuse" else contextlib.nullcontext():
                    times = timer(call)
            except Exception as error:  # torch.compile needs a compiler; half functions may be missing
                print(f"{case}/{name}/{path}: skipped: {str(error).splitlines()[0]}", file=sys.stderr)
                continue
            copies += timer(copy, samples=4, warm_up=0)
            copy_ms = statistics.median(copies[-8:])
            entry = {"name": case, "dtype": name, "shape": shape, "path": path, "kernel": "pytorch", **quantiles(times)}
            entry["bytes"] = pair_bytes
            entry["GBs"] = float(f"{pair_bytes / entry['median_ms'] * 1e-6:.4g}")
            entry["of_copy"] = float(f"{copy_ms / entry['median_ms']:.4g}")
            report["cases"].append(entry)
            show(entry)
        write(report, options.out)  # now: what follows may take long


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--cols", type=int, help="16384 on the CPU, 393216 on a GPU")
    parser.add_argument("--dtype", default="f32", help="any of f32,f16,bf16,f64")
    parser.add_argument("--path", default="eager,eager_reuse,compile_reuse")
    parser.add_argument("--filter", default="", help="only cases whose name matches this regular expression")
    parser.add_argument("--samples", type=int, default=15)
    parser.add_argument("--mylos", metavar="PROGRAM", help="mylos_bench_pointwise, to run before each case")
    parser.add_argument("--out", required=True, help="the JSON file")
    options = parser.parse_args()
    device = torch.device(options.device)
    options.cols = options.cols or (393216 if device.type == "cuda" else 16384)
    options.path = options.path.split(",")
    report = {"program": "pytorch_pointwise", "context": context(device), "copy_GBs": 0, "cases": []}
    timer = Timer(device, options.samples)
    torch.set_grad_enabled(False)
    for name in options.dtype.split(","):
        run_dtype(name, options, device, timer, report)


if __name__ == "__main__":
    main()
