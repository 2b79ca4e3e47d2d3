"""torch.compile(model, backend="mylos")."""

import torch
from functorch.compile import make_boxed_func
from torch._dynamo.backends.common import aot_autograd

from ._fuse import lower
from ._kept import keep


class Report:
    """What became of the operators of the graphs that were compiled."""

    def __init__(self):
        self.calls, self.left = [], []

    def add(self, part, groups, reasons):
        for group in groups:
            operators = [str(node.target) for node in group.nodes if "getitem" not in str(node.target)]
            self.calls.append((part, group.text(), operators))
        self.left += [(part, name, reason) for name, reason in reasons]


def compiler(report=None):
    """A backend of torch.compile. What it does is noted in the report."""

    def forward(graph_module, inputs):
        groups, reasons = lower(graph_module)
        if report is not None:
            report.add("forward", groups, reasons)
        return make_boxed_func(graph_module.forward)

    def backward(graph_module, inputs):
        if report is not None:
            names = [str(n.target) for n in graph_module.graph.nodes if n.op == "call_function"]
            report.left.append(("backward", f"{len(names)} operators", "the backward pass is PyTorch's"))
        return make_boxed_func(graph_module.forward)

    aot = aot_autograd(fw_compiler=forward, bw_compiler=backward, inference_compiler=forward)

    def compile_graph(graph_module, inputs):
        tensors = [i for i in inputs if isinstance(i, torch.Tensor)]
        parameters = [*graph_module.parameters()]
        if not torch.is_grad_enabled() or not any(t.requires_grad for t in tensors + parameters):
            reasons = keep(graph_module)
            if report is not None:
                report.left += [("forward", name, reason) for name, reason in reasons]
        return aot(graph_module, inputs)

    return compile_graph


backend = compiler()
if "mylos" not in torch._dynamo.list_backends(exclude_tags=()):  # else the installed package names it
    torch._dynamo.register_backend(backend, name="mylos")
