"""What a call costs where there is next to nothing to compute.

    python -m mylos.bench.overhead

Operators on a thousand elements, PyTorch's own and Mylos' in turn, and models of small operators that cannot be fused into
one, compiled by inductor and by Mylos: the time in which the host makes a call, not waiting for its result.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

import torch

import mylos
import mylos.torch

AT_ONCE = 200  # calls in a row: fewer than a GPU's queue holds, so that none waits for a place in it


def command_line(arguments):
    parser = argparse.ArgumentParser(prog="python -m mylos.bench.overhead", description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeats", type=int, default=50, help=f"times that {AT_ONCE} calls in a row are timed (50)")
    parser.add_argument("--depth", type=int, default=16, help="pairs of operators in the deeper one of the models (16)")
    parser.add_argument("--no-inductor", action="store_true", help="leave inductor out, as where it has no compiler")
    parser.add_argument("--output", type=pathlib.Path, help="JSON file to write")
    return parser.parse_args(arguments)


def seconds_per_call(calls, options):
    """The median over the repeats, of each of the calls, which take turns."""
    wait = torch.cuda.synchronize if options.device.startswith("cuda") else lambda: None
    times = {name: [] for name in calls}
    for repeat in range(options.repeats + 1):
        for name, call in calls.items():
            wait()
            begin = time.perf_counter()
            for _ in range(AT_ONCE):
                call()
            if repeat > 0:  # the first one warms up
                times[name].append((time.perf_counter() - begin) / AT_ONCE)
    return {name: statistics.median(values) for name, values in times.items()}


def operators(device):
    """Name, PyTorch's call and Mylos' for the same."""
    x, other = torch.randn(10, 100, device=device), torch.randn(10, 100, device=device)
    weight, bias = torch.randn(10, 100, device=device), torch.randn(10, device=device)
    scale, shift = torch.randn(100, device=device), torch.randn(100, device=device)
    functional = torch.nn.functional
    return [
        ("relu", lambda: torch.relu(x), lambda: mylos.relu(x)),
        ("exp", lambda: torch.exp(x), lambda: mylos.exp(x)),
        ("gelu", lambda: functional.gelu(x), lambda: mylos.gelu(x)),
        ("add", lambda: torch.add(x, other), lambda: mylos.add(x, other)),
        ("softmax", lambda: torch.softmax(x, -1), lambda: mylos.softmax(x)),
        ("layer_norm", lambda: functional.layer_norm(x, (100,), scale, shift), lambda: mylos.layer_norm(x, weight=scale, bias=shift)),
        ("sum", lambda: torch.sum(x, -1), lambda: mylos.sum(x, -1)),
        ("cumsum", lambda: torch.cumsum(x, -1), lambda: mylos.cumsum(x)),
        ("linear", lambda: functional.linear(x, weight, bias), lambda: mylos.linear(x, weight, bias)),
    ]


class Deep(torch.nn.Module):
    """`depth` times a softmax along the one axis and a sum along the other."""

    def __init__(self, depth):
        super().__init__()
        self.depth = depth

    def forward(self, x):
        for _ in range(self.depth):
            x = torch.cumsum(torch.softmax(x, -1), 0)
        return x


def compiled(options):
    """Seconds of a call of the model of two operators, and of each operator that a deeper one has more."""
    x = torch.randn(10, 100, device=options.device)
    times = {}
    for depth in (1, options.depth):
        torch._dynamo.reset()
        model = Deep(depth)
        models = {"eager": model, "mylos": torch.compile(model, backend="mylos")}
        if not options.no_inductor:
            models["inductor"] = torch.compile(model, backend="inductor")
        calls = {name: lambda m=m: m(x) for name, m in models.items()}
        times[depth] = seconds_per_call(calls, options)
    few, many = times[1], times[options.depth]
    return {name: {"call": few[name], "operator": (many[name] - few[name]) / (2 * (options.depth - 1))} for name in few}


def main(arguments=None):
    options = command_line(arguments)
    with torch.no_grad():
        eager = {name: seconds_per_call({"torch": a, "mylos": b}, options) for name, a, b in operators(options.device)}
        models = compiled(options)

    print(f"{'1000 elements':16} {'PyTorch':>10} {'Mylos':>10} {'ratio':>7}")
    for name, t in eager.items():
        print(f"{name:16} {t['torch'] * 1e6:8.2f}us {t['mylos'] * 1e6:8.2f}us {t['mylos'] / t['torch']:6.2f}x")
    print(f"\n{'compiled model':16} {'a call':>10} {'an operator more':>18}")
    for name, t in models.items():
        print(f"{name:16} {t['call'] * 1e6:8.2f}us {t['operator'] * 1e6:16.2f}us")
    if options.output:
        device = torch.cuda.get_device_name() if options.device.startswith("cuda") else "cpu"
        context = {"device": device, "torch": torch.__version__, "mylos": mylos.__version__}
        options.output.write_text(json.dumps({"context": context, "calls": eager, "compiled": models}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
