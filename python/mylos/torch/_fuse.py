"""The graph pass: nodes that Mylos has become calls of it, runs of pointwise ones chains of their neighbours."""

import operator

import torch

import mylos
from mylos import steps

from ._kernels import kernel_of
from ._patterns import find_patterns
from ._pointwise import SWAPPED, Step, Unfit, step_of, value_of

_aten = torch.ops.aten
_RESHAPES = (_aten.view.default, _aten._unsafe_view.default, _aten.reshape.default)
_VIEWS = {
    _aten.t.default, _aten.transpose.int, _aten.permute.default, _aten.expand.default, _aten.unsqueeze.default,
    _aten.squeeze.default, _aten.squeeze.dim, _aten.squeeze.dims, _aten.select.int, _aten.slice.Tensor, _aten.alias.default,
    _aten.detach.default, _aten.split.Tensor, _aten.split_with_sizes.default, _aten.unbind.int, _aten.as_strided.default,
    _aten.diagonal.default, _aten.unfold.default, *_RESHAPES,
}
_LIMIT = 16


class Group:
    """What becomes one call: a kernel or none, the steps before and after it, and the node whose value it has."""

    def __init__(self, node, x, kernel=None):
        self.nodes, self.tail, self.x, self.kernel = [node], node, x, kernel
        self.before, self.after = [], []
        self.keeps_shape = True

    def room(self):
        steps_taken = max(len(self.before), len(self.after) + (self.kernel is not None and self.kernel.name == "gemm"))
        tensors = sum(isinstance(o, torch.fx.Node) for s in self.before + self.after for o in s.operands)
        return steps_taken < _LIMIT and tensors < _LIMIT - 2

    def takes_steps(self):
        return self.room() and (self.kernel is None or (self.kernel.after and not self.kernel.several))

    def text(self):
        chain = lambda s: " | ".join(step.name for step in s)  # noqa: E731
        if self.kernel is None:
            return f"map({chain(self.before)})"
        parts = [f"{side}={chain(s)}" for side, s in (("before", self.before), ("after", self.after)) if s]
        return f"{self.kernel.name}({', '.join(parts)})"


def _lowered(node):
    """(Step or Kernel or None, reason): what Mylos has for a node."""
    try:
        found = step_of(node) or kernel_of(node)
        if found is None:
            return None, "no operator of Mylos"
        _check_result(node, found)
        return found, ""
    except Unfit as reason:
        return None, str(reason)
    except TypeError:
        return None, "called with other arguments than Mylos knows"


def _check_result(node, found):
    x = value_of(found.x)
    if x.is_cuda and mylos.backend == "host":
        raise Unfit("this Mylos was built for the host")
    others = found.operands if isinstance(found, Step) else found.tensors
    for other in others:
        if isinstance(other, torch.fx.Node) and value_of(other).device != x.device:
            raise Unfit("its tensors are on several devices")
    results = node.meta["val"] if isinstance(node.meta["val"], (tuple, list)) else [node.meta["val"]]
    y = results[0]
    symbolic = any(isinstance(n, torch.SymInt) for n in (*y.shape, *x.shape))
    if (symbolic or getattr(found, "several", False)) and not (y.is_contiguous() and x.is_contiguous()):
        raise Unfit("the strides of its result are no plain ones")


def _sink_reshapes(graph):
    """step(reshape(x)) becomes reshape(step(x)) where x is computed for it alone, so that the two can be one call."""
    for node in list(graph.nodes):
        step = _lowered(node)[0]
        if not isinstance(step, Step) or step.x.target not in _RESHAPES or len(step.x.users) != 1:
            continue
        reshape = step.x
        source = reshape.args[0]
        if source.op != "call_function" or len(source.users) != 1 or source.target in _VIEWS:
            continue
        inner, outer = value_of(source), value_of(reshape)
        if inner is None or value_of(node).shape != outer.shape:
            continue
        rows = [value_of(o) for o in step.operands if isinstance(o, torch.fx.Node)]
        alike = inner.dim() > 0 and outer.dim() > 0 and inner.shape[-1] == outer.shape[-1]
        if any(r.dim() > 1 or (r.dim() == 1 and not (alike and r.shape[0] == inner.shape[-1])) for r in rows):
            continue
        with graph.inserting_before(node):
            swap = lambda a: source if a is reshape else a  # noqa: E731
            moved = graph.call_function(node.target, tuple(map(swap, node.args)), {k: swap(v) for k, v in node.kwargs.items()})
            fake = lambda a: value_of(a) if isinstance(a, torch.fx.Node) else a  # noqa: E731
            moved.meta["val"] = node.target(*map(fake, moved.args), **{k: fake(v) for k, v in moved.kwargs.items()})
            shaped = graph.call_function(reshape.target, (moved, *reshape.args[1:]))
            shaped.meta["val"] = value_of(node)
        node.replace_all_uses_with(shaped)
        graph.erase_node(node)
        graph.erase_node(reshape)


def _carriers(step):
    """The ways to see a step: as acting on x, or, where it commutes, on its operand."""
    yield step
    if step.name in SWAPPED and isinstance(step.operands[0], torch.fx.Node):
        yield Step(SWAPPED[step.name], step.operands[0], [step.x], step.parameters)


def _join(node, step, groups):
    """Adds the step to the group that computes what it acts on, where it can; returns that group."""
    found = None
    for way in _carriers(step):
        group = groups.get(way.x)
        if group is None or len(way.x.users) != 1 or way.x in way.operands or not group.takes_steps():
            continue
        x, y = value_of(way.x), value_of(node)
        if x.shape != y.shape or x.dtype != y.dtype:
            continue
        if found is None or (found[1].kernel is None and group.kernel is not None):
            found = way, group
    if found is None:
        return None
    way, group = found
    (group.before if group.kernel is None else group.after).append(way)
    del groups[group.tail]
    group.nodes.append(node)
    group.tail = node
    return group


def _absorb(group, groups):
    """Takes a chain that computes the kernel's input, and nothing else, as `before`."""
    source = groups.get(group.x)
    kernel = group.kernel
    if source is None or source.kernel is not None or not kernel.before or len(group.x.users) != 1:
        return
    if not source.keeps_shape or any(t is group.x for t in kernel.tensors):
        return
    del groups[source.tail]
    group.before, group.x = source.before, source.x
    group.nodes = source.nodes + group.nodes


def _is_bookkeeping(node):
    """A constant of ours, or a module's own counter, such as the number of batches that a norm has seen."""
    value = value_of(node)
    counter = value is not None and value.dim() == 0 and value.dtype == torch.int64 and node.target is _aten.add.Tensor
    return counter or getattr(node.target, "mylos_constant", False)


def find_groups(graph):
    """(groups, {node: reason}): the calls of Mylos, and why the other nodes are none."""
    groups, reasons = {}, {}
    for node in graph.nodes:
        if node.op != "call_function" or node.target in _VIEWS or _is_bookkeeping(node):
            continue
        if node.target is operator.getitem:
            group = groups.get(node.args[0])
            if group is not None and group.kernel is not None and group.kernel.results > 1 and not group.kernel.several:
                del groups[group.tail]
                group.nodes.append(node)
                group.tail = node
                groups[node] = group
            continue
        found, reason = _lowered(node)
        if found is None:
            reasons[node] = reason
        elif isinstance(found, Step):
            group = _join(node, found, groups)
            if group is None:
                group = Group(node, found.x)
                group.before.append(found)
                x, y = value_of(found.x), value_of(node)
                group.keeps_shape = x.shape == y.shape
            groups[node] = group
        else:
            group = Group(node, found.x, found)
            _absorb(group, groups)
            groups[node] = group
    return list(groups.values()), reasons


def _chain_maker(found, arguments):
    """(chain, make): one that is the same for every call, or make(tensors) where it has tensors, whose nodes `arguments`
    collects. (None, None) without steps."""
    if not found:
        return None, None
    first = len(arguments)
    parts = []
    for step in found:
        operands = []
        for operand in step.operands:
            if isinstance(operand, torch.fx.Node):
                operands.append((len(arguments), None))
                arguments.append(operand)
            else:
                operands.append((None, float(operand)))
        parts.append((getattr(steps, step.name), operands, step.parameters))

    def make(tensors):
        chain = None
        for function, operands, parameters in parts:
            step = function(*[value if place is None else tensors[place] for place, value in operands], *parameters)
            chain = step if chain is None else chain | step
        return chain

    return (None, make) if len(arguments) > first else (make(()), None)


def _needed_strides(group):
    """(extents, strides, dtype) for a result that must be allocated by hand, None where Mylos' own choice is right."""
    y = value_of(group.tail)
    if y is None or any(isinstance(n, torch.SymInt) for n in y.shape):
        return None
    x = value_of(group.x)
    if x.shape != y.shape or x.is_contiguous():
        return None if y.is_contiguous() else (tuple(y.shape), tuple(y.stride()), y.dtype)
    return tuple(y.shape), tuple(y.stride()), y.dtype


def _map(x, *, before, **options):
    return mylos.map(before, x, **options)


def _call(group):
    """(function, its arguments, its options) of a group. Where all of the call is known now, no code of ours is left to
    run around it: that takes as long as a small operator."""
    kernel = group.kernel
    function = _map if kernel is None else kernel.function
    arguments = [] if kernel is None else kernel.arguments(kernel.tensors)
    options = {} if kernel is None else dict(kernel.options)
    operands, makers = [], []
    for side in ("before", "after"):
        chain, make = _chain_maker(getattr(group, side), operands)
        if make is not None:
            makers.append((side, make))
        elif chain is not None:
            options[side] = chain
    needed = _needed_strides(group)
    count = 1 + len(arguments)

    def call_with_chains(*given):
        return function(*given, **options)

    def call(*given):
        own = dict(options)
        for side, make in makers:
            own[side] = make(given[count:])
        if needed is not None:
            own["out"] = torch.empty_strided(needed[0], needed[1], dtype=needed[2], device=given[0].device)
        return function(*given[:count], **own)

    if not makers and needed is None:
        if "before" not in options and "after" not in options:
            return function, [group.x, *arguments], options
        call = call_with_chains
    call.__name__ = "mylos_" + (kernel.name if kernel is not None else "map")
    return call, [group.x, *arguments, *operands], {}


def lower(graph_module):
    """Changes the graph in place. Returns (groups, reasons) as find_groups does, for a report."""
    graph = graph_module.graph
    find_patterns(graph)
    _sink_reshapes(graph)
    groups, reasons = find_groups(graph)
    reasons = {node: (str(node.target), reason) for node, reason in reasons.items()}
    for group in groups:
        function, arguments, options = _call(group)
        with graph.inserting_before(group.tail):
            new = graph.call_function(function, tuple(arguments), options)
        new.meta = dict(group.tail.meta)
        group.tail.replace_all_uses_with(new)
        for other in groups:  # nodes that were tails are named by what took their places
            other.x = new if other.x is group.tail else other.x
            for step in other.before + other.after:
                step.operands = [new if o is group.tail else o for o in step.operands]
            if other.kernel is not None:
                other.kernel.tensors = [new if t is group.tail else t for t in other.kernel.tensors]
        for node in reversed(group.nodes):
            if not node.users:
                graph.erase_node(node)
    graph.eliminate_dead_code()
    graph.lint()
    graph_module.recompile()
    return groups, list(reasons.values())
