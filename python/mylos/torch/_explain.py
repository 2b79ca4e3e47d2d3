"""mylos.torch.explain."""

import torch

from ._compile import Report, compiler


def explain(model, *inputs, out=print):
    """Compiles and runs the model once with the backend "mylos" and prints which operators ran where, and why.

    Views, which cost nothing, are not named. Returns the report: calls, (part, call of Mylos, operators that it does),
    and left, (part, operator, reason).
    """
    report = Report()
    torch._dynamo.reset()
    compiled = torch.compile(model, backend=compiler(report))
    compiled(*inputs)
    torch._dynamo.reset()
    done = sum(len(operators) for _, _, operators in report.calls)
    out(f"Mylos: {len(report.calls)} calls for {done} operators")
    for part, call, operators in report.calls:
        short = ", ".join(name.removeprefix("aten.") for name in operators)
        out(f"  {part:8} {call:40} {short}")
    out(f"PyTorch: {len(report.left)} operators")
    for part, name, reason in report.left:
        out(f"  {part:8} {name.removeprefix('aten.'):40} {reason}")
    return report
