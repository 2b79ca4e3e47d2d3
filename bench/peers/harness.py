"""What the programs of this folder share: taking times as the Mylos benchmarks do, and writing them as they do.

The paths of a case:
    eager          each call allocates its result, as most code is written
    eager_reuse    out= where the function has it, else an allocator that keeps the memory of the last result
    compile_reuse  torch.compile, into a tensor that exists where the case gives one
"""
import contextlib
import ctypes
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import torch


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


def mylos_cases(program, name, dtype, options):
    """What a Mylos benchmark measures for this case, now."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [program, f"--rows={options.rows}", f"--cols={options.cols}", f"--samples={options.samples}"]
        command += [f"--dtype={dtype}", f"--filter=^{name}/{dtype}/automatic$", f"--mylos_out={file.name}"]
        # OMP_PROC_BIND has bound this thread to one core, and a child would inherit that.
        free = lambda: os.sched_setaffinity(0, range(os.cpu_count())) if hasattr(os, "sched_setaffinity") else None
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, preexec_fn=free)
        return json.load(file)["cases"]


def show(case):
    print(f"{case['name']:28} {case['dtype']:5} {case['path']:14} {case['median_ms']:10.4f} ms {case['GBs']:9.1f} GB/s"
          f" {100 * case['of_copy']:6.1f} %", flush=True)


def write(report, out):
    """One case a line, as Mylos writes it."""
    cases = ",\n  ".join(json.dumps(case) for case in report["cases"])
    head = ",\n ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in report.items() if key != "cases")
    with open(out, "w") as file:
        file.write("{" + head + ',\n "cases": [\n  ' + cases + "]}\n")


class Copy:
    """The copy (Tensor.copy_) that every case is compared with, sampled beside it."""

    def __init__(self, timer, tensors):
        """tensors: an endless iterator of pairs of one size."""
        x, _ = next(tensors)
        self.bytes = 2 * x.numel() * x.element_size()
        self.timer = timer

        def copy():
            x, y = next(tensors)
            y.copy_(x)

        self.copy = copy
        self.times = timer(copy, warm_up=5)

    def GBs(self):
        """Of the last eight samples, four of them new."""
        self.times += self.timer(self.copy, samples=4, warm_up=0)
        return self.bytes / statistics.median(self.times[-8:]) * 1e-6


def time_ways(report, entry, bytes_moved, ways, timer, copy, paths):
    """Times the calls of a case, {path: call}, those of `paths`, into the report."""
    for path, call in ways.items():
        if path not in paths:
            continue
        try:
            call()  # compiles, before memory is kept
            with freed_memory_kept() if path == "eager_reuse" else contextlib.nullcontext():
                times = timer(call)
        except Exception as error:  # torch.compile needs a compiler; half functions may be missing
            where = f"{entry['name']}/{entry['dtype']}/{path}"
            print(f"{where}: skipped: {(str(error).splitlines() or [type(error).__name__])[0]}", file=sys.stderr)
            continue
        case = {**entry, "path": path, "kernel": "pytorch", **quantiles(times), "bytes": bytes_moved}
        case["GBs"] = float(f"{bytes_moved / case['median_ms'] * 1e-6:.4g}")
        case["of_copy"] = float(f"{case['GBs'] / copy.GBs():.4g}")
        report["cases"].append(case)
        show(case)


def add_options(parser):
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--cols", type=int, help="16384 on the CPU; on a GPU 393216, or what is given")
    parser.add_argument("--dtype", default="f32", help="any of f32,f16,bf16,f64")
    parser.add_argument("--path", default="eager,eager_reuse,compile_reuse")
    parser.add_argument("--filter", default="", help="only cases whose name matches this regular expression")
    parser.add_argument("--samples", type=int, default=15)
    parser.add_argument("--out", required=True, help="the JSON file")


DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}
