"""Operators that a graph spells with several of ATen's: found, and put as one node that the table of kernels knows."""

import math

import torch

from mylos import _mylos

from ._kernels import KERNELS, Kernel, _product
from ._pointwise import POINTWISE, Step, check_floating, value_of

_aten = torch.ops.aten


def gelu_tanh(x):
    return _mylos.gelu_tanh(x)


def reverse_cumsum(x, axis):
    return _mylos.cumsum(x, axis, reverse=True)


def diagonal_product(d, b):
    return _mylos.diagonal_mm(d, b)


def _reverse_cumsum(node, x, axis):
    check_floating(x)
    return Kernel("cumsum", x, [], lambda x, t, o: _mylos.cumsum(x, axis, reverse=True, **o))


def _diagonal_product(node, d, b):
    _product()(node, d, b)  # for its checks
    return Kernel("diagonal_mm", d, [b], lambda d, t, o: _mylos.diagonal_mm(d, t[0], **o), before=False)


POINTWISE[gelu_tanh] = lambda x: Step("gelu_tanh", x)
KERNELS[reverse_cumsum] = _reverse_cumsum
KERNELS[diagonal_product] = _diagonal_product


def _alone(node, *targets):
    return isinstance(node, torch.fx.Node) and node.target in targets and len(node.users) == 1


def _with_number(node, targets, number):
    """The other operand of a commuting operation with this number, None for another node."""
    if not isinstance(node, torch.fx.Node) or node.target not in targets or len(node.args) != 2 or node.kwargs:
        return None
    for one, other in (node.args, node.args[::-1]):
        if isinstance(one, (int, float)) and math.isclose(one, number, rel_tol=1e-6):
            return other
    return None


_MUL, _ADD = (_aten.mul.Tensor, _aten.mul.Scalar), (_aten.add.Tensor, _aten.add.Scalar)


def _cubic(node):
    """x of x + 0.044715 x^3."""
    if not _alone(node, *_ADD) or len(node.args) != 2 or node.kwargs:
        return None
    for x, rest in (node.args, node.args[::-1]):
        cube = _with_number(rest, _MUL, 0.044715)
        if _alone(cube, _aten.pow.Tensor_Scalar) and cube.args[0] is x and cube.args[1] == 3:
            return x
    return None


def _find_gelu_tanh(node):
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), as it is often written."""
    if node.target not in _MUL:
        return None
    for half, rest in (node.args, node.args[::-1]):
        x, tanh = _with_number(half, _MUL, 0.5), _with_number(rest, _ADD, 1)
        if x is None or not _alone(tanh, _aten.tanh.default):
            continue
        inner = _with_number(tanh.args[0], _MUL, math.sqrt(2 / math.pi))
        if inner is not None and _cubic(inner) is x:
            return gelu_tanh, (x,)
    return None


def _find_reverse_cumsum(node):
    if node.target is not _aten.flip.default or not _alone(node.args[0], _aten.cumsum.default):
        return None
    scan = node.args[0]
    flipped, axis = scan.args[:2]
    if scan.kwargs or not _alone(flipped, _aten.flip.default):
        return None
    rank = value_of(node).dim()
    axes = {a % rank for a in (*node.args[1], *flipped.args[1], axis)}
    return (reverse_cumsum, (flipped.args[0], axis)) if len(axes) == 1 and len(node.args[1]) == 1 else None


def _find_diagonal_product(node):
    if node.target is not _aten.mm.default or not _alone(node.args[0], _aten.diag_embed.default):
        return None
    embed = node.args[0]
    whole = len(embed.args) == 1 and not embed.kwargs and value_of(embed.args[0]).dim() == 1
    return (diagonal_product, (embed.args[0], node.args[1])) if whole else None


def find_patterns(graph):
    """Replaces, in place, what the patterns above match."""
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        found = _find_gelu_tanh(node) or _find_reverse_cumsum(node) or _find_diagonal_product(node)
        if found is None:
            continue
        with graph.inserting_before(node):
            new = graph.call_function(*found)
        new.meta = dict(node.meta)
        node.replace_all_uses_with(new)
        graph.erase_node(node)
    graph.eliminate_dead_code()
