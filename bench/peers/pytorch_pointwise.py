#!/usr/bin/env python3
"""Times PyTorch on the cases of mylos_bench_pointwise: the same names, shapes, values' distribution and byte counts.

    python3 bench/peers/pytorch_pointwise.py --out torch.json [--device cuda] [--rows 4096] [--cols 16384]

The "path" of a case is explained in harness.py. The copy (Tensor.copy_) is sampled beside every case. Where the tensors
are small beside the last-level cache, several are taken in turn, as there. Join the file with that of the Mylos benchmark
by bench/report/compare.py. On a machine whose speed drifts, let --mylos PROGRAM run that benchmark's case just before
each of these, into the same file.
"""
import argparse
import itertools
import re

import torch
import torch._dynamo
import torch.nn.functional as F
from harness import DTYPES, Copy, Timer, add_options, context, last_level_cache, mylos_cases, show, time_ways, write

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

    copy = Copy(timer, tensors)
    report["copy_GBs"] = report["copy_GBs"] or float(f"{copy.GBs():.4g}")

    cases = {**steps(operands), **chains(operands)}
    for case in sorted(cases, key=lambda key: key in POSITIVE):
        if not re.search(options.filter, case):
            continue
        if case in POSITIVE:
            for x, _ in pairs:
                x.abs_()
        if options.mylos:
            for entry in mylos_cases(options.mylos, case, name, options):
                report["cases"].append(entry)
                show(entry)
        entry = {"name": case, "dtype": name, "shape": shape}
        time_ways(report, entry, pair_bytes, make_ways(*cases[case], tensors), timer, copy, options.path)
        write(report, options.out)  # now: what follows may take long


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--mylos", metavar="PROGRAM", help="mylos_bench_pointwise, to run before each case")
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
