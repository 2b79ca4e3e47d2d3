#!/usr/bin/env python3
"""Times PyTorch on cases of mylos_bench_row, _reduce, _scan and _vector_loss: the same names, shapes and byte counts.

    python3 bench/peers/pytorch_operators.py --out torch.json [--device cuda] [--rows 4096] [--cols 16384]

As pytorch_pointwise.py does for the steps; --mylos FOLDER names the folder of those programs.
"""
import argparse
import dataclasses
import itertools
import math
import os
import re
from typing import Callable, Optional

import torch
import torch._dynamo
import torch.nn.functional as F
from harness import DTYPES, Copy, Timer, add_options, context, mylos_cases, show, time_ways, write


@dataclasses.dataclass
class Case:
    program: str  # mylos_bench_<program>
    shape: tuple
    plain: Callable  # of the inputs: x, then as many of its shape as `inputs` says, then `others`
    into: Optional[Callable] = None  # the same and a result
    inputs: int = 1
    outputs: float = 1  # elements written, as a share of x's
    others: tuple = ()


def row_cases(rows, cols, fit, make):
    large, long = fit(rows, cols), fit(64, 1000000)
    images, channel = (16, 64, 128, 128), make(64).abs()
    softmax = dict(plain=lambda x: torch.softmax(x, -1), into=lambda x, y: torch.softmax(x, -1, out=y))
    log_softmax = dict(plain=lambda x: torch.log_softmax(x, -1), into=lambda x, y: torch.log_softmax(x, -1, out=y))
    rms_channels = lambda x: x / torch.sqrt(x.square().mean(1, keepdim=True) + 1e-5)
    lrn = lambda x: F.local_response_norm(x, 5)
    case = lambda shape, plain, into=None: Case("row", shape, plain, into)
    return {
        "softmax": case(large, **softmax),
        "log_softmax": case(large, **log_softmax),
        "gelu_softmax": case(large, lambda x: torch.softmax(F.gelu(x), -1)),
        "softmax_1000000": case(long, **softmax),
        "log_softmax_1000000": case(long, **log_softmax),
        "softmax_64": case(fit(4000000, 64), **softmax),
        "softmax_256": case(fit(1000000, 256), **softmax),
        "softmax_4096": case(fit(65536, 4096), **softmax),
        "instance_norm_small": case(images, F.instance_norm),
        "group_norm_small": case(images, lambda x: F.group_norm(x, 8, channel, channel)),
        "rms_norm_channels_small": case(images, rms_channels),
        "rms_norm_small": case(images, lambda x: F.rms_norm(x, x.shape[1:])),
        "layer_norm_small": case(images, lambda x: F.layer_norm(x, x.shape[1:])),
        "batch_norm_training_small": case(images, lambda x: F.batch_norm(x, None, None, channel, channel, True)),
        "batch_norm_small": case(images, lambda x: F.batch_norm(x, channel, channel, channel, channel)),
        "l1_normalize": case(fit(32768, 65535), lambda x: F.normalize(x, 1, -1)),
        "l2_normalize": case(fit(32768, 65535), lambda x: F.normalize(x, 2, -1)),
        "frobenius_normalize": case(large, lambda x: x / torch.linalg.vector_norm(x)),
        "local_response_norm": case(images, lrn),
    }


def reduce_cases(rows, cols, fit, make):
    count = rows * cols
    middle = (count // (4096 * 4095), 4096, 4095) if count >= 16 * 4096 * 4095 else (count // (512 * 1023), 512, 1023)
    functions = {
        "sum": lambda x, d: torch.sum(x, d),
        "mean": lambda x, d: torch.mean(x, d),
        "amax": lambda x, d: torch.amax(x, d),
        "amin": lambda x, d: torch.amin(x, d),
        "argmax": lambda x, d: torch.argmax(x, d),
        "argmin": lambda x, d: torch.argmin(x, d),
        "norm": lambda x, d: torch.linalg.vector_norm(x, 2, d),
        "logsumexp": lambda x, d: torch.logsumexp(x, d),
        "var": lambda x, d: torch.var(x, d),
        "stddev": lambda x, d: torch.std(x, d),
        "prod": lambda x, d: torch.prod(x, d),
        "all": lambda x, d: torch.all(x, d),
        "any": lambda x, d: torch.any(x, d),
        "count_nonzero": lambda x, d: torch.count_nonzero(x, d),
    }
    shapes = {"rows": ((rows, cols), 1), "columns": ((rows, cols), 0), "middle": (middle, 1)}
    cases = {}
    for name, function in functions.items():
        for where, (shape, axis) in shapes.items():
            share = 1 / shape[axis]
            plain = lambda x, function=function, axis=axis: function(x, axis)
            cases[f"{name}_{where}"] = Case("reduce", shape, plain, outputs=share)
    losses = {
        "mse_loss": F.mse_loss,
        "huber_loss": F.huber_loss,
        "hinge_loss": lambda x, t: torch.clamp(1 - x * t, min=0).mean(),
        "kl_div": F.kl_div,
        "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    }
    for name, function in losses.items():
        cases[name] = Case("reduce", (rows, cols), function, inputs=2, outputs=0)
    return cases


def scan_cases(rows, cols, fit, make):
    case = lambda shape, plain, into=None: Case("scan", shape, plain, into)
    large = (rows, cols)
    cumsum = dict(plain=lambda x: torch.cumsum(x, -1), into=lambda x, y: torch.cumsum(x, -1, out=y))
    reverse = lambda x: torch.cumsum(x.flip(-1), -1).flip(-1)
    strided = dict(plain=lambda x: torch.cumsum(x, 0), into=lambda x, y: torch.cumsum(x, 0, out=y))
    return {
        "cumsum": case(large, **cumsum),
        "cumsum_reverse": case(large, reverse),
        "cumsum_exclusive": case(large, lambda x: torch.cumsum(x, -1) - x),
        "cumsum_strided": case(large, **strided),
        "cumprod": case(large, lambda x: torch.cumprod(x, -1), lambda x, y: torch.cumprod(x, -1, out=y)),
        "cummax": case(large, lambda x: torch.cummax(x, -1).values),
        "logcumsumexp": case(large, lambda x: torch.logcumsumexp(x, -1)),
        "cumsum_100": case(fit(1 << 40, 100), **cumsum),
        "cumsum_1000": case(fit(1 << 40, 1000), **cumsum),
        "cumsum_one_row": case((1, rows * cols), **cumsum),
    }


def vector_loss_cases(rows, cols, fit, make):
    def classes(count):
        n = rows * cols // count
        target = (torch.arange(n) * 7919 + 13) % count
        return Case("vector_loss", (n, count), F.cross_entropy, outputs=0, others=(target,))

    case = lambda plain, inputs, outputs=0: Case("vector_loss", (rows, cols), plain, inputs=inputs, outputs=outputs)
    smoothed = classes(cols)
    smoothed.plain = lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1)
    return {
        "cross_entropy": classes(cols),
        "cross_entropy_smoothed": smoothed,
        **{f"cross_entropy_{count}": classes(count) for count in (2, 10, 100, 1000, 4096, 32000)},
        "cross_entropy_probabilities": case(F.cross_entropy, 2),
        "cosine_similarity_rows": case(lambda x, t: F.cosine_similarity(x, t, 1), 2, 1 / cols),
        "cosine_similarity_columns": case(lambda x, t: F.cosine_similarity(x, t, 0), 2, 1 / rows),
        "triplet_margin_loss": case(F.triplet_margin_loss, 3),
    }


def make_ways(case, tensors):
    """The calls of a case, by path."""
    torch._dynamo.reset()
    x, *others = tensors[: case.inputs]
    arguments = (x, *others, *case.others)
    result = case.plain(*arguments)
    compiled = torch.compile(lambda y, *a: y.copy_(case.plain(*a)), dynamic=False)
    return {
        "eager": lambda: case.plain(*arguments),
        "eager_reuse": (lambda: case.into(*arguments, result)) if case.into else (lambda: case.plain(*arguments)),
        "compile_reuse": lambda: compiled(result, *arguments),
    }


def run_dtype(name, options, device, timer, report):
    dtype = DTYPES[name]
    rows, cols = options.rows, options.cols
    generator = torch.Generator(device=device).manual_seed(0)
    make = lambda *shape: torch.empty(*shape, device=device, dtype=dtype).normal_(generator=generator)
    fit = lambda first, *rest: (min(first, rows * cols // math.prod(rest)), *rest)
    memory = [make(rows * cols) for _ in range(3)]
    copy = Copy(timer, itertools.repeat((memory[0], memory[1].clone())))
    report["copy_GBs"] = report["copy_GBs"] or float(f"{copy.GBs():.4g}")
    for family in (row_cases, reduce_cases, scan_cases, vector_loss_cases):
        for case_name, case in family(rows, cols, fit, make).items():
            if not re.search(options.filter, case_name):
                continue
            if options.mylos:
                program = os.path.join(options.mylos, f"mylos_bench_{case.program}")
                for entry in mylos_cases(program, case_name, name, options):
                    report["cases"].append(entry)
                    show(entry)
            case.others = tuple(other.to(device) for other in case.others)
            count = math.prod(case.shape)
            tensors = [buffer[:count].view(case.shape) for buffer in memory]
            entry = {"name": case_name, "dtype": name, "shape": "x".join(map(str, case.shape))}
            moved = int((case.inputs + case.outputs) * count * tensors[0].element_size())
            time_ways(report, entry, moved, make_ways(case, tensors), timer, copy, options.path)
            write(report, options.out)  # now: what follows may take long


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--mylos", metavar="FOLDER", help="of the Mylos benchmarks, to run each case before PyTorch does")
    options = parser.parse_args()
    device = torch.device(options.device)
    options.cols = options.cols or 16384
    options.path = options.path.split(",")
    report = {"program": "pytorch_operators", "context": context(device), "copy_GBs": 0, "cases": []}
    timer = Timer(device, options.samples)
    torch.set_grad_enabled(False)
    for name in options.dtype.split(","):
        run_dtype(name, options, device, timer, report)


if __name__ == "__main__":
    main()
