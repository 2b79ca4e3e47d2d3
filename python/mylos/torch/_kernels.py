"""ATen's other operators as calls of Mylos: one table. An entry takes a node's arguments and returns a Kernel."""

import operator

import torch

from mylos import _mylos

from ._operators import precision_of
from ._pointwise import Unfit, check_floating, value_of

_aten = torch.ops.aten


class Kernel:
    """A call: function(x, *arguments(tensors), **options), of the node it acts on and the other tensors it reads. What
    is fused with it comes as more options: chains and `out`.

    results: how many the node has; each that is used beyond the first must be made by the function (several=True), which
    then returns all of them.
    """

    def __init__(self, name, x, tensors, function, arguments=tuple, options=None, before=True, after=True, results=1, several=False):
        self.name, self.x, self.tensors = name, x, tensors
        self.function, self.arguments, self.options = function, arguments, options or {}
        self.before, self.after, self.results, self.several = before, after, results, several


def _used_results(node):
    return {user.args[1] if user.target is operator.getitem else None for user in node.users}


def _softmax(name):
    def make(node, x, axis, half_to_float=False, dtype=None):
        if half_to_float is True or dtype is not None:
            raise Unfit("it changes the element type")
        check_floating(x)
        return Kernel(name, x, [], getattr(_mylos, name), lambda t: (axis,))

    return make


def _layer_norm(node, x, shape, weight, bias, eps):
    value = check_floating(x)
    axes = tuple(range(-len(shape), 0))
    several = bool(_used_results(node) - {0})
    if value.numel() == 0:
        raise Unfit("it is empty")
    if not several:
        return Kernel("layer_norm", x, [weight, bias], _mylos.layer_norm, lambda t: (axes, *t, eps), results=3)
    shape, dtype = tuple(node.meta["val"][1].shape), node.meta["val"][1].dtype

    def run(x, weight, bias, **o):
        mean, rstd = (torch.empty(shape, dtype=dtype, device=x.device) for _ in range(2))
        return _mylos.layer_norm(x, axes, weight, bias, eps, mean=mean, rstd=rstd, **o), mean, rstd

    return Kernel("layer_norm", x, [weight, bias], run, before=False, after=False, results=3, several=True)


def _group_norm(node, x, weight, bias, n, c, inner, groups, eps):
    check_floating(x)
    if not 2 <= value_of(x).dim() <= 7:
        raise Unfit("its rank is not 2 to 7")
    if not _used_results(node) - {0}:
        return Kernel("group_norm", x, [weight, bias], _mylos.group_norm, lambda t: (groups, *t, eps), results=3)
    dtype = node.meta["val"][1].dtype

    def run(x, weight, bias, **o):
        mean, rstd = (torch.empty((x.shape[0], groups), dtype=dtype, device=x.device) for _ in range(2))
        return _mylos.group_norm(x, groups, weight, bias, eps, mean=mean, rstd=rstd, **o), mean, rstd

    return Kernel("group_norm", x, [weight, bias], run, before=False, after=False, results=3, several=True)


def _batch_norm(node, x, weight, bias, mean, variance, momentum, eps):
    check_floating(x)
    if _used_results(node) - {0}:
        raise Unfit("its statistics are used")
    return Kernel("batch_norm", x, [mean, variance, weight, bias], _mylos.batch_norm, lambda t: (*t, eps), results=3)


def _batch_norm_training(node, x, weight, bias, running_mean, running_variance, training, momentum, eps):
    value = check_floating(x)
    if training is not True:
        raise Unfit("it is not in training")
    dtype = node.meta["val"][1].dtype
    if value.numel() == 0:
        raise Unfit("it is empty")

    def run(x, weight, bias, *running, **o):
        running = [None if r is None else r.clone() for r in running]
        mean, rstd = (torch.empty(x.shape[1], dtype=dtype, device=x.device) for _ in range(2))
        y = _mylos.batch_norm_training(x, *running, weight, bias, momentum, eps, mean=mean, rstd=rstd, **o)
        return (y, mean, rstd, *running)

    tensors = [weight, bias, running_mean, running_variance]
    return Kernel("batch_norm_training", x, tensors, run, before=False, after=False, results=5, several=True)


def _multiply(a, b, **options):
    return _mylos.gemm(a, b, precision=precision_of(a), **options)


def _multiply_vector(a, x, **options):
    return _mylos.gemv(a, x, precision=precision_of(a), **options)


def _product(bias_first=False):
    def make(node, *arguments, alpha=1, beta=1):
        bias, (a, b) = (arguments[0], arguments[1:]) if bias_first else (None, arguments)
        for matrix in (a, b):
            if check_floating(matrix).dtype != check_floating(a).dtype:
                raise Unfit("its operands' element types differ")
        if bias is not None and beta != 1:
            raise Unfit("beta is not 1")
        if bias is None:
            return Kernel("gemm", a, [b], _multiply)
        add = _mylos.steps.add

        def run(a, b, bias, after=None, **o):
            after = add(bias) if after is None else add(bias) | after
            return _multiply(a, b, alpha=alpha, after=after, **o)

        return Kernel("gemm", a, [b, bias], run)

    return make


def _gemv(node, a, x):
    check_floating(a)
    return Kernel("gemv", a, [x], _multiply_vector, before=False)


def _dot(node, a, b):
    check_floating(a)
    return Kernel("dot", a, [b], _mylos.dot, before=False)


def _axes(axis):
    return None if axis is None or (isinstance(axis, (list, tuple)) and not axis) else axis


def _kept_axes(keepdim):
    return {"keepdims": True} if keepdim else {}


def _reduction(name, parameter=None):
    """ATen's (x, dim, keepdim); parameter: (its keyword in ATen, its default)."""
    function = getattr(_mylos, name)

    def make(node, x, axis=None, keepdim=False, *, dtype=None, **options):
        logical = name in ("any", "all")  # of tensors of any element type
        value, result = value_of(x) if logical else check_floating(x), value_of(node)
        expected = {"argmax": torch.int64, "argmin": torch.int64, "all": torch.bool, "any": torch.bool}.get(name, value.dtype)
        if result is None or result.dtype != expected:
            raise Unfit("it changes the element type")
        arguments = [] if parameter is None else [float(options.pop(parameter[0], parameter[1]))]
        if options:
            raise Unfit(f"no option {', '.join(options)}")
        where = _axes(axis)
        return Kernel(
            name, x, [], function, lambda t: (where, *arguments), _kept_axes(keepdim), before=value.dtype.is_floating_point,
            after=result.dtype == value.dtype and not logical,
        )

    return make


def _variance(name):
    reduce = _reduction(name, ("correction", 1.0))

    def make(node, x, axis=None, *, correction=None, keepdim=False):
        return reduce(node, x, axis, keepdim, correction=1.0 if correction is None else correction)

    return make


def _vector_norm(node, x, p=2, axis=None, keepdim=False, *, dtype=None):
    return _reduction("norm", ("p", 2.0))(node, x, axis, keepdim, dtype=dtype, p=p)


def _extrema(value, index):
    """(values, indices); where one of them is used alone, it is computed alone."""
    both = getattr(_mylos, f"{value}_{index}")
    alone = getattr(_mylos, value)

    def make(node, x, axis, keepdim=False):
        check_floating(x)
        if _used_results(node) == {0}:
            return Kernel(value, x, [], alone, lambda t: (axis,), _kept_axes(keepdim), results=2)
        return Kernel(
            f"{value}_{index}", x, [], both, lambda t: (axis,), _kept_axes(keepdim), after=False, results=2, several=True
        )

    return make


def _scan(name):
    function = getattr(_mylos, name)

    def make(node, x, axis, *, dtype=None):
        if dtype is not None and dtype != check_floating(x).dtype:
            raise Unfit("it changes the element type")
        if check_floating(x).dim() == 0:
            raise Unfit("it has no axis")
        return Kernel(name, x, [], function, lambda t: (axis,))

    return make


def _cumulative_extremum(name):
    function = getattr(_mylos, name)

    def make(node, x, axis):
        check_floating(x)
        return Kernel(name, x, [], function, lambda t: (axis,), {"indices": True}, after=False, results=2, several=True)

    return make


_REDUCTIONS = {0: "none", 1: "mean", 2: "sum"}


def _loss(name, parameter=None):
    """ATen's (input, target, reduction, parameter)."""
    function = getattr(_mylos, name)

    def make(node, x, target, reduction=1, *parameters):
        value, other = check_floating(x), check_floating(target, "the target")
        if value.shape != other.shape or value.dtype != other.dtype:
            raise Unfit("its operands' shapes or element types differ")
        rest = [_REDUCTIONS[reduction], *map(float, parameters)]
        return Kernel(name, x, [target], function, lambda t: (*t, *rest), after=False)

    return make


def _convert(node, x, *, dtype=None, layout=None, device=None, pin_memory=None, non_blocking=False, memory_format=None):
    names = {torch.float64: "f64", torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}
    check_floating(x)
    if dtype not in names or (device is not None and torch.device(device) != value_of(x).device):
        raise Unfit("it changes more than the floating element type")
    return Kernel("convert", x, [], _mylos.convert, lambda t: (names[dtype],), before=False, after=False)


def _clone(node, x, *, memory_format=None):
    value = check_floating(x)
    names = {torch.float64: "f64", torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}
    return Kernel("convert", x, [], _mylos.convert, lambda t: (names[value.dtype],), before=False, after=False)


KERNELS = {
    _aten._softmax.default: _softmax("softmax"),
    _aten._log_softmax.default: _softmax("log_softmax"),
    _aten.native_layer_norm.default: _layer_norm,
    _aten.native_group_norm.default: _group_norm,
    _aten._native_batch_norm_legit_no_training.default: _batch_norm,
    _aten._native_batch_norm_legit_functional.default: _batch_norm_training,
    _aten.mm.default: _product(),
    _aten.bmm.default: _product(),
    _aten.addmm.default: _product(bias_first=True),
    _aten.baddbmm.default: _product(bias_first=True),
    _aten.mv.default: _gemv,
    _aten.dot.default: _dot,
    _aten.sum.default: _reduction("sum"),
    _aten.sum.dim_IntList: _reduction("sum"),
    _aten.mean.default: _reduction("mean"),
    _aten.mean.dim: _reduction("mean"),
    _aten.prod.default: _reduction("prod"),
    _aten.prod.dim_int: _reduction("prod"),
    _aten.amax.default: _reduction("amax"),
    _aten.amin.default: _reduction("amin"),
    _aten.max.default: _reduction("amax"),
    _aten.min.default: _reduction("amin"),
    _aten.argmax.default: _reduction("argmax"),
    _aten.argmin.default: _reduction("argmin"),
    _aten.logsumexp.default: _reduction("logsumexp"),
    _aten.any.default: _reduction("any"),
    _aten.any.dim: _reduction("any"),
    _aten.all.default: _reduction("all"),
    _aten.all.dim: _reduction("all"),
    _aten.var.correction: _variance("var"),
    _aten.std.correction: _variance("stddev"),
    _aten.linalg_vector_norm.default: _vector_norm,
    _aten.max.dim: _extrema("amax", "argmax"),
    _aten.min.dim: _extrema("amin", "argmin"),
    _aten.cumsum.default: _scan("cumsum"),
    _aten.cumprod.default: _scan("cumprod"),
    _aten.logcumsumexp.default: _scan("logcumsumexp"),
    _aten.cummax.default: _cumulative_extremum("cummax"),
    _aten.cummin.default: _cumulative_extremum("cummin"),
    _aten.mse_loss.default: _loss("mse_loss"),
    _aten.smooth_l1_loss.default: _loss("smooth_l1_loss"),
    _aten.huber_loss.default: _loss("huber_loss"),
    _aten._to_copy.default: _convert,
    _aten.clone.default: _clone,
}


def kernel_of(node):
    """The Kernel that a node is, None where Mylos has none. Raises Unfit."""
    make = KERNELS.get(node.target) if node.op == "call_function" else None
    return None if make is None else make(node, *node.args, **node.kwargs)
