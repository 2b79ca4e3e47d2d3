"""Operators that a graph spells with several of ATen's: found, and put as one node that the tables know."""

import math

import torch

from mylos import _mylos

from ._kernels import KERNELS, Kernel, _product
from ._pointwise import _FLOATING, POINTWISE, Step, check_floating, value_of

_aten = torch.ops.aten


def gelu_tanh(x):
    return _mylos.gelu_tanh(x)


def softsign(x):
    return _mylos.softsign(x)


def cumsum(x, axis, way):
    return _mylos.cumsum(x, axis, **{way: True})


def diagonal_product(d, b):
    return _mylos.diagonal_mm(d, b)


def normalize(x, name, arguments):
    return getattr(_mylos, name)(x, *arguments)


def hinge_loss(x, target, reduction):
    return _mylos.hinge_loss(x, target, reduction)


def _cumsum(node, x, axis, way):
    check_floating(x)
    return Kernel("cumsum", x, [], _mylos.cumsum, lambda t: (axis,), {way: True})


def _diagonal_product(node, d, b):
    _product()(node, d, b)  # for its checks
    return Kernel("diagonal_mm", d, [b], _mylos.diagonal_mm, before=False)


def _normalize(node, x, name, arguments):
    check_floating(x)
    return Kernel(name, x, [], getattr(_mylos, name), lambda t: tuple(arguments))


def _hinge_loss(node, x, target, reduction):
    check_floating(x)
    check_floating(target, "the target")
    return Kernel("hinge_loss", x, [target], _mylos.hinge_loss, lambda t: (*t, reduction))


POINTWISE[gelu_tanh] = lambda x: Step("gelu_tanh", x)
POINTWISE[softsign] = lambda x: Step("softsign", x)
KERNELS[cumsum] = _cumsum
KERNELS[diagonal_product] = _diagonal_product
KERNELS[normalize] = _normalize
KERNELS[hinge_loss] = _hinge_loss


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
    return (cumsum, (flipped.args[0], axis, "reverse")) if len(axes) == 1 and len(node.args[1]) == 1 else None


def _find_exclusive_cumsum(node):
    """A zero before the sums of all but the last element."""
    if node.target is not _aten.cat.default or len(node.args[0]) != 2 or value_of(node) is None:
        return None
    zeros, scan = node.args[0]
    if not _alone(zeros, _aten.zeros_like.default) or not _alone(scan, _aten.cumsum.default) or scan.kwargs:
        return None
    part, axis = scan.args[:2]
    if not _alone(part, _aten.slice.Tensor) or part.kwargs or len(part.args) != 4:
        return None
    rank, x = value_of(node).dim(), value_of(part.args[0])
    axes = {a % rank for a in (axis, part.args[1], node.args[1] if len(node.args) > 1 else 0)}
    if len(axes) != 1 or x.shape != value_of(node).shape or part.args[2] != 0:
        return None
    along = axes.pop()
    alone_before = value_of(zeros).shape[along] == 1 and value_of(scan).shape[along] == x.shape[along] - 1
    return (cumsum, (part.args[0], along, "exclusive")) if alone_before else None


def _find_diagonal_product(node):
    if node.target is not _aten.mm.default or not _alone(node.args[0], _aten.diag_embed.default):
        return None
    embed = node.args[0]
    whole = len(embed.args) == 1 and not embed.kwargs and value_of(embed.args[0]).dim() == 1
    return (diagonal_product, (embed.args[0], node.args[1])) if whole else None


def _find_silu(node):
    """x sigmoid(x)."""
    if node.target not in _MUL or len(node.args) != 2:
        return None
    for x, sigmoid in (node.args, node.args[::-1]):
        if _alone(sigmoid, _aten.sigmoid.default) and sigmoid.args[0] is x:
            return _aten.silu.default, (x,)
    return None


def _find_softsign(node):
    """x / (1 + |x|)."""
    if node.target is not _aten.div.Tensor or not _alone(node.args[1], *_ADD):
        return None
    magnitude = _with_number(node.args[1], _ADD, 1)
    return (softsign, node.args[:1]) if _alone(magnitude, _aten.abs.default) and magnitude.args[0] is node.args[0] else None


def _mean_over(node, inner):
    """(x, axes, number of elements) where the node is the mean, its axes kept, of inner(x)."""
    if not _alone(node, _aten.mean.dim) or node.kwargs or len(node.args) != 3 or node.args[2] is not True:
        return None
    x = inner(node.args[0])
    if x is None or any(isinstance(n, torch.SymInt) for n in value_of(x).shape):
        return None
    return x, node.args[1], math.prod(value_of(x).shape[axis] for axis in node.args[1])


def _square(node):
    return node.args[0] if _alone(node, _aten.pow.Tensor_Scalar) and node.args[1] == 2 else None


def _magnitude(node):
    return node.args[0] if _alone(node, _aten.abs.default) else None


def _root_mean_square(node):
    """(x, axes, eps) of sqrt(mean(x^2) + eps)."""
    if not _alone(node, _aten.sqrt.default) or not _alone(node.args[0], *_ADD) or node.args[0].kwargs:
        return None
    mean, eps = node.args[0].args
    found = _mean_over(mean, _square) if isinstance(eps, (int, float)) and eps >= 0 else None
    return None if found is None else (*found[:2], float(eps))


def _vector_norm(node):
    """(x, p, axes or None for all) of a norm that divides x as it is."""
    if not _alone(node, _aten.linalg_vector_norm.default) or node.kwargs:
        return None
    x, p, axes, keepdim = (*node.args, *(None, 2, None, False)[len(node.args) :])
    if axes is None or not (keepdim or len(axes) == value_of(x).dim()):
        return (x, p, None) if axes is None and p == 2 else None
    return (x, p, axes) if p > 0 else None


def _find_normalize(node):
    """x over a norm of its own."""
    if node.target is not _aten.div.Tensor or value_of(node.args[0]) is None or value_of(node.args[1]) is None:
        return None
    x, below = node.args
    if (found := _root_mean_square(below)) is not None and found[0] is x:
        return normalize, (x, "rms_norm", (found[1], None, None, found[2]))
    if (found := _vector_norm(below)) is not None and found[0] is x:
        _, p, axes = found
        if axes is None:
            return normalize, (x, "frobenius_normalize", ())
        name = {1: "l1_normalize", 2: "l2_normalize"}.get(p)
        return normalize, (x, "lp_normalize", (float(p), axes, 0.0)) if name is None else (x, name, (axes, 0.0))
    if (found := _mean_over(below, _magnitude)) is not None and found[0] is x:
        return normalize, (x, "l1_normalize", (found[1], 0.0)), found[2]
    return None


def _at_least_zero(node):
    """x of max(x, 0)."""
    if _alone(node, _aten.relu.default):
        return node.args[0]
    low = _alone(node, _aten.clamp.default, _aten.clamp_min.default) and len(node.args) == 2 and not node.kwargs
    return node.args[0] if low and node.args[1] == 0 else None


def _find_hinge_loss(node):
    """The mean or the sum of max(1 - x target, 0)."""
    reduction = {_aten.mean.default: "mean", _aten.sum.default: "sum"}.get(node.target)
    if reduction is None or len(node.args) != 1 or node.kwargs:
        return None
    margin = _at_least_zero(node.args[0])
    if not _alone(margin, _aten.rsub.Scalar) or margin.args[1:] != (1,) or margin.kwargs:
        return None
    product = margin.args[0]
    if not _alone(product, _aten.mul.Tensor):
        return None
    for x, target in (product.args, product.args[::-1]):
        if value_of(x) is not None and value_of(target) is not None and value_of(x).shape == value_of(product).shape:
            same = value_of(x).dtype == value_of(target).dtype == value_of(node).dtype
            return (hinge_loss, (x, target, reduction)) if same else None
    return None


class _Triangle:
    """Where triu and tril put zeros, a mask that is made at the first call."""

    mylos_constant = True
    __name__ = "triangle"

    def __init__(self, y, diagonal, upper):
        self.shape, self.device, self.diagonal, self.upper = y.shape[-2:], y.device, diagonal, upper
        self.mask = None

    def __call__(self):
        if self.mask is None:
            all_ones = torch.ones(self.shape, dtype=torch.bool, device=self.device)
            self.mask = all_ones.tril(self.diagonal - 1) if self.upper else all_ones.triu(self.diagonal + 1)
        return self.mask


def _mask_triangle(node, graph):
    """triu and tril as a step that fills the other triangle with zeros."""
    y = value_of(node)
    if node.target not in (_aten.triu.default, _aten.tril.default) or node.kwargs or y.dtype not in _FLOATING:
        return None
    if any(isinstance(n, torch.SymInt) for n in y.shape):
        return None
    diagonal = node.args[1] if len(node.args) > 1 else 0
    mask = graph.call_function(_Triangle(y, diagonal, node.target is _aten.triu.default))
    mask.meta["val"] = torch.empty_like(y, dtype=torch.bool).expand(y.shape)[(0,) * (y.dim() - 2)]
    return _aten.masked_fill.Scalar, (node.args[0], mask, 0)


_PATTERNS = (
    _find_gelu_tanh, _find_silu, _find_softsign, _find_reverse_cumsum, _find_exclusive_cumsum, _find_diagonal_product,
    _find_normalize, _find_hinge_loss,
)


def find_patterns(graph):
    """Replaces, in place, what the patterns above match."""
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        with graph.inserting_before(node):
            found = next((f for f in (find(node) for find in _PATTERNS) if f is not None), None)
            found = found if found is not None else _mask_triangle(node, graph)
            if found is None:
                continue
            new = graph.call_function(*found[:2])
            if len(found) > 2:  # by which the result is multiplied
                new.meta = dict(node.meta)
                new = graph.call_function(_aten.mul.Scalar, (new, found[2]))
        new.meta = dict(node.meta)
        node.replace_all_uses_with(new)
        graph.erase_node(node)
    graph.eliminate_dead_code()
