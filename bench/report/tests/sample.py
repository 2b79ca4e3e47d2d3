"""Files such as mylos-bench writes, invented: several machines, every suite, invalid and skipped cases; a seed fixes all.

    python3 sample.py FOLDER        writes h200.json, mi300x.json, host.json and h200_before.json
"""
import hashlib
import json
import math
import os
import random
import sys

MACHINES = {
    "h200": {
        "name": "NVIDIA H200", "vendor": "nvidia", "cpu": "Intel(R) Xeon(R) Processor", "cpu_cores": "16 cores",
        "gpu": "NVIDIA H200", "gpu_memory": "150.1 GB", "driver": "580.159.04, for CUDA up to 13.0",
        "compiler": "g++ 13.3.0, nvcc 13.0.88", "kokkos": "4.7.0", "execution_space": "Cuda", "commit": "cb03a1817d27",
        "OMP_NUM_THREADS": "8", "memory": "135.1 GB",
    },
    "mi300x": {
        "name": "AMD Instinct MI300X", "vendor": "amd", "cpu": "AMD EPYC 9654", "cpu_cores": "96 cores",
        "gpu": "AMD Instinct MI300X", "gpu_memory": "205.8 GB", "compiler": "clang 19 (ROCm 6.4)", "kokkos": "4.7.0",
        "execution_space": "HIP", "commit": "cb03a1817d27", "memory": "1500 GB",
    },
    "host": {
        "name": "AMD EPYC, 2 cores", "vendor": "host", "cpu": "AMD EPYC", "cpu_cores": "2 cores, 2 hardware threads",
        "compiler": "g++ 12.2.0", "kokkos": "4.7.0", "execution_space": "OpenMP", "commit": "cb03a1817d27",
        "OMP_PROC_BIND": "spread", "OMP_PLACES": "threads", "memory": "25.3 GB",
    },
}  # fmt: skip
# copy from memory and the last cache in GB/s, FMA and GEMM in f32 TFLOP/s, launch in us, how well the operators do
SPEED = {
    "h200": (4280, 9500, 62.1, 50.9, 2.3, 0.93),
    "mi300x": (4012, 11200, 148.0, 91.0, 4.8, 0.80),
    "host": (42.5, 160, 0.171, 0.16, 0.9, 0.86),
}
FACTOR = {"f64": 0.5, "f32": 1.0, "f16": 2.0, "bf16": 2.0}
SIZE = {"f64": 8, "f32": 4, "f16": 2, "bf16": 2}
OPERATORS = {
    "map": ["relu", "leaky_relu", "gelu", "selu", "sigmoid", "tanh", "silu", "mish", "hardswish", "softplus", "exp",
            "add", "mul", "clamp", "cast"],
    "row": ["softmax", "log_softmax", "layer_norm", "rms_norm", "l2_normalize", "group_norm"],
    "reduce": ["sum", "mean", "amax", "argmax", "logsumexp"],
    "scan": ["cumsum", "cumprod"],
    "loss": ["mse_loss", "huber_loss", "cross_entropy"],
    "contract": ["gemm", "linear", "gemv"],
    "mlp": ["mlp"],
}  # fmt: skip
SAMPLES = 15


def seeded(*key):
    return random.Random(int(hashlib.sha256("/".join(map(str, key)).encode()).hexdigest()[:12], 16))


def ceilings_of(machine):
    memory, cache, fma, gemm, launch, _ = SPEED[machine]
    level = "l3" if machine == "host" else "l2"
    entries = []
    for dtype, factor in FACTOR.items():
        for kind, share in (("copy", 1.0), ("read", 1.06), ("write", 0.97), ("triad", 0.99)):
            for name, rate in (("memory", memory), (level, cache)):
                entries.append({"kind": kind, "level": name, "dtype": dtype, "GBs": round(rate * share, 1),
                                "bytes": 1 << 31 if name == "memory" else 1 << 24, "median_ms": 1.0, "p10_ms": 0.99,
                                "p90_ms": 1.02})  # fmt: skip
        entries.append({"kind": "fma", "dtype": dtype, "TFLOPs": round(fma * factor, 3)})
        library = {"h200": "cublas", "mi300x": "rocblas", "host": "openblas"}[machine]
        entries.append({"kind": "gemm", "dtype": dtype, "library": library, "TFLOPs": round(gemm * factor, 3)})
    entries.append({"kind": "memcpy", "dtype": "f32", "level": "memory", "GBs": memory * 0.995})
    entries.append({"kind": "launch", "us": launch})
    return entries


def telemetry_of(machine):
    if machine == "host":
        return {}
    triple = lambda low, middle, high: {"min": low, "median": middle, "max": high}
    return {"sm_clock_mhz": triple(1755, 1980, 1980), "memory_clock_mhz": triple(3201, 3201, 3201),
            "power_w": triple(212.5, 534.8, 698.1), "temperature_c": triple(38, 52, 61)}  # fmt: skip


def problems():
    """(suite, case, operator, family, dtype, shape, layout, bytes, flops), in a fixed order."""
    number = 1
    for family, names in OPERATORS.items():
        for operator in names:
            yield problem("kernelbench1", f"{number}_{operator}", operator, family, "f32", "4096x393216", "right")
            number += 1
            for dtype in ("f16", "bf16", "f64"):
                yield problem("hpc", operator, operator, family, dtype, "8388608x64", "left" if dtype == "f64" else "right")
    for operator, family in (("selu", "map"), ("leaky_relu", "map"), ("softmax", "row"), ("linear", "contract")):
        yield problem("seeds", operator, operator, family, "f32", "4096x393216", "right")
    for operator, family in (("gelu", "map"), ("softmax", "row"), ("sum", "reduce"), ("cumsum", "scan")):
        for dtype in ("f32", "f64"):
            for exponent in range(10, 29, 2):
                yield problem("sweep", operator, operator, family, dtype, str(1 << exponent), "right")


def problem(suite, case, operator, family, dtype, shape, layout):
    extents = [int(extent) for extent in shape.split("x")]
    elements = math.prod(extents)
    if family in ("contract", "mlp") and operator != "gemv":
        n = 4096
        return suite, case, operator, family, dtype, f"{n}x{n}", layout, 3 * n * n * SIZE[dtype], 2.0 * n**3
    moved = elements * SIZE[dtype] * (1 if family == "reduce" else 2)
    return suite, case, operator, family, dtype, shape, layout, moved, 2.0 * elements if operator == "gemv" else 0


def aggregate(machine, what, path, cache, slower=1.0):
    suite, case, operator, family, dtype, shape, layout, moved, flops = what
    memory, fast, fma, gemm, launch, skill = SPEED[machine]
    name = "/".join((suite, case, dtype, shape, layout, path, cache))
    dice = seeded(machine, name)
    peak = (gemm if family in ("contract", "mlp") else fma) * FACTOR[dtype]
    level = "memory" if cache == "cold" else "l3" if machine == "host" else "l2"
    roofs = {"memory": moved / (memory if cache == "cold" else fast) * 1e-6, "compute": flops / peak * 1e-9,
             "launch": launch * 1e-3}  # fmt: skip
    bound = max(roofs, key=roofs.get)
    share = min(0.99, skill * dice.uniform(0.75, 1.08)) if path != "generic" else skill * dice.uniform(0.2, 0.75)
    median = slower * (roofs[bound] / share + 0.3 * launch * 1e-3)
    if bound == "compute":
        ceiling = {"kind": "gemm", "dtype": dtype, "TFLOPs": peak}
    elif bound == "launch":
        ceiling = {"kind": "launch", "us": launch}
    else:
        ceiling = {"kind": "copy", "level": level, "dtype": dtype, "GBs": memory if cache == "cold" else fast}
    worst = dice.uniform(0.05, 0.8)
    kernel = "generic" if path == "generic" else {"h200": "cuda/wide", "mi300x": "generic", "host": "host/avx512"}[machine]
    mylos = {
        "suite": suite, "case": case, "operator": operator, "family": family, "dtype": dtype, "shape": shape,
        "layout": layout, "path": path, "kernel": kernel if path in ("automatic", "generic") else path, "cache": cache,
        "samples": SAMPLES, "median_ms": median, "bytes": moved, "bytes_formula": "x + y", "flops": flops,
        "flops_formula": "2 m n k" if flops else "", "GBs": moved / median * 1e-6, "bound": bound, "ceiling": ceiling,
        "roof_ms": roofs[bound], "of_ceiling": roofs[bound] / median,
        "error": {"unit": "share of the operator's bound", "bound": 1.0, "before": {"max": worst, "rms": worst / 9},
                  "after": {"max": worst, "rms": worst / 9}, "passed": True},
        "repeatable": True, "first_call_ms": median + dice.uniform(0.1, 30), "memory_high_water_bytes": int(moved * 1.01),
        "telemetry": telemetry_of(machine), "valid": True, "invalid_reason": "",
        "repro": f"mylos-bench --suite {suite} --filter '^{name}$'",
    }  # fmt: skip
    if flops:
        mylos["TFLOPs"] = flops / median * 1e-9
    if suite == "kernelbench1" and machine == "h200" and path == "automatic":
        mylos["pytorch_eager_ms"] = median * dice.uniform(0.95, 3.5)
        mylos["pytorch_compile_ms"] = median * dice.uniform(0.9, 2.0)
        mylos["reference_machine"] = "NVIDIA H200"
    return name, mylos


def entries(name, mylos, seed):
    """The raw samples, then the aggregate; fills in the percentiles."""
    dice = seeded("samples", seed, name)
    times = [mylos["median_ms"] * math.exp(dice.gauss(0, 0.004)) for _ in range(SAMPLES)]
    ordered = sorted(times)
    mylos.update(median_ms=ordered[7], p10_ms=ordered[1], p90_ms=ordered[13], median_low_ms=ordered[3],
                 median_high_ms=ordered[11])  # fmt: skip
    mylos["of_ceiling"] = mylos["roof_ms"] / ordered[7]
    shared = {"run_name": name, "repetitions": SAMPLES, "threads": 1, "time_unit": "ms"}
    for index, time in enumerate(times):
        yield {"name": name, "run_type": "iteration", "repetition_index": index, "iterations": 1, "real_time": time,
               "cpu_time": time, **shared}  # fmt: skip
    yield {"name": name + "_median", "run_type": "aggregate", "aggregate_name": "median", "aggregate_unit": "time",
           "iterations": SAMPLES, "real_time": ordered[7], "cpu_time": ordered[7], "mylos": mylos, **shared}  # fmt: skip


def paths_of(machine, what):
    yield "automatic", "cold"
    yield "generic", "cold"
    if what[0] in ("hpc", "sweep") and what[7] < 1 << 26:
        yield "automatic", "warm"
    if what[3] == "contract":
        yield {"h200": "cublas", "mi300x": "rocblas", "host": "openblas"}[machine], "cold"


def document(machine, limit=None, seed=0, slower=None, date="2026-11-22T02:41:03Z", suites=None, operators=None):
    """The whole file. `slower` maps names of cases to factors on their time; `limit`, `suites` and `operators` leave some out."""
    benchmarks, skipped, count = [], [], 0
    for what in problems():
        if (suites and what[0] not in suites) or (operators and what[2] not in operators):
            continue
        for path, cache in paths_of(machine, what):
            if limit is not None and count >= limit:
                break
            name, mylos = aggregate(machine, what, path, cache)
            if machine == "host" and what[7] > 10e9:
                skipped.append({"name": name, "reason": "needs 25.8 GB with its copies, 21.4 GB may be used"})
                continue
            mylos["median_ms"] *= (slower or {}).get(name, 1.0)
            benchmarks += entries(name, mylos, seed)
            count += 1
    spoil(benchmarks, machine)
    return {
        "context": {
            "date": date, "host_name": machine, "executable": "mylos-bench", "num_cpus": 2, "mhz_per_cpu": 2600,
            "cpu_scaling_enabled": False, "library_version": "1.7.1", "json_schema_version": 1,
            "caches": [{"type": "Unified", "level": 3, "size": 33554432, "num_sharing": 2}],
            "mylos": {
                "schema": 1, "suites": list(suites or ("seeds", "kernelbench1", "hpc", "sweep")),
                "machine": {**MACHINES[machine], "kokkos_options": {"KOKKOS_ENABLE_OPENMP": True}},
                "options": {"command": "mylos-bench --suite seeds,kernelbench1,hpc,sweep", "samples": SAMPLES,
                            "min_time_s": 0.2},
                "ceilings": ceilings_of(machine), "telemetry": telemetry_of(machine), "skipped": skipped,
            },
        },
        "benchmarks": benchmarks,
    }  # fmt: skip


def spoil(benchmarks, machine):
    """Two cases of the H200 that must not count: an impossible time and a wrong result."""
    if machine != "h200":
        return
    cases = {entry["mylos"]["case"]: entry["mylos"] for entry in benchmarks
             if entry.get("mylos", {}).get("path") == "automatic"}  # fmt: skip
    for name, change in (
        ("9_hardswish", {"of_ceiling": 3.1, "invalid_reason": "3.1 times as fast as its ceiling allows"}),
        ("18_layer_norm", {"error": {"unit": "share of the operator's bound", "bound": 1.0, "before": {"max": 4.2,
                           "rms": 1.1}, "after": {"max": 4.2, "rms": 1.1}, "passed": False},
                           "invalid_reason": "error 4.2 of a bound of 1"}),
    ):  # fmt: skip
        if name in cases:
            cases[name].update(change, valid=False)


def write(folder, name, contents):
    path = os.path.join(str(folder), name)
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(contents, stream)
    return path


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for machine in MACHINES:
        write(folder, f"{machine}.json", document(machine))
    faster_then = {f"kernelbench1/{case}/f32/4096x393216/right/automatic/cold": 0.9 for case in ("1_relu", "16_softmax")}
    write(folder, "h200_before.json", document("h200", seed=1, slower=faster_then, date="2026-11-20T01:00:00Z"))


if __name__ == "__main__":
    main(sys.argv[1])
