"""ATen's pointwise operators as steps of chains: one table."""

import operator

import torch

_aten = torch.ops.aten


class Unfit(Exception):
    """Why an operator stays with PyTorch."""


class Step:
    """A step: its name, the node that it acts on, further operands (nodes or numbers) and parameters."""

    def __init__(self, name, x, operands=(), parameters=()):
        self.name, self.x, self.operands, self.parameters = name, x, list(operands), list(parameters)


# The same step with x and its one operand exchanged.
SWAPPED = {"add": "add", "mul": "mul", "min": "min", "max": "max", "sub": "rsub", "rsub": "sub", "div": "rdiv", "rdiv": "div"}


def _number(value):
    if not isinstance(value, (int, float)):
        raise Unfit("a parameter is known only when it runs")
    return float(value)


def _plain(name, defaults=()):
    """x and parameters in ATen's order."""

    def make(x, *parameters):
        values = list(parameters) + list(defaults)[len(parameters) :]
        return Step(name, x, parameters=[_number(value) for value in values])

    return make


def _with_alpha(name):
    def make(x, other, alpha=1):
        if alpha != 1:
            if isinstance(other, torch.fx.Node):
                return Step("addcmul", x, [other, _number(alpha) * (-1 if name == "sub" else 1)], [1.0])
            other = other * alpha
        if not isinstance(x, torch.fx.Node):
            return Step(SWAPPED[name], other, [x])
        return Step(name, x, [other])

    return make


def _binary(name):
    def make(x, other):
        if not isinstance(x, torch.fx.Node):
            return Step(SWAPPED[name], other, [x])
        return Step(name, x, [other])

    return make


def _elu(x, alpha=1.0, scale=1.0, input_scale=1.0):
    alpha, scale, input_scale = _number(alpha), _number(scale), _number(input_scale)
    if scale == 1 and input_scale == 1:
        return Step("elu", x, parameters=[alpha])
    if scale == 1 and abs(input_scale * alpha - 1) < 1e-12:
        return Step("celu", x, parameters=[alpha])
    if abs(alpha - 1.6732632423543772) < 1e-12 and abs(scale - 1.0507009873554805) < 1e-12 and input_scale == 1:
        return Step("selu", x)
    raise Unfit("no step has these scales")


def _gelu(x, approximate="none"):
    return Step("gelu_tanh" if approximate == "tanh" else "gelu", x)


def _clamp(x, low=None, high=None):
    infinity = float("inf")
    return Step("clamp", x, parameters=[-infinity if low is None else _number(low), infinity if high is None else _number(high)])


def _power(x, exponent):
    if not isinstance(x, torch.fx.Node):
        raise Unfit("no step has a number to the power of x")
    names = {2: "square", 0.5: "sqrt", -1: "reciprocal", -0.5: "rsqrt"}
    if not isinstance(exponent, torch.fx.Node) and exponent in names:
        return Step(names[exponent], x)
    return Step("pow", x, [exponent])


def _where(mask, x, other):
    if not isinstance(x, torch.fx.Node):
        raise Unfit("the first choice is a number")
    return Step("where", x, [mask, other])


def _masked_fill(x, mask, value):
    return Step("masked_fill", x, [mask], [_number(value)])


def _addcmul(x, a, b, value=1):
    return Step("addcmul", x, [a, b], [_number(value)])


def _round(x, decimals=0):
    if decimals != 0:
        raise Unfit("no step rounds to decimals")
    return Step("round", x)


def _div_mode(x, other, rounding_mode=None):
    if rounding_mode is not None:
        raise Unfit("no step divides with rounding")
    return _binary("div")(x, other)


_ALIKE = """relu sigmoid tanh silu mish hardsigmoid hardswish abs neg sign sqrt rsqrt reciprocal exp expm1 log log1p sin cos
erf floor ceil square""".split()

POINTWISE = {getattr(_aten, name).default: _plain(name) for name in _ALIKE}
POINTWISE.update({
    _aten.sgn.default: _plain("sign"),
    _aten.round.default: _round,
    _aten.gelu.default: _gelu,
    _aten.elu.default: _elu,
    _aten.leaky_relu.default: _plain("leaky_relu", [0.01]),
    _aten.softplus.default: _plain("softplus", [1.0, 20.0]),
    _aten.hardtanh.default: _plain("hardtanh", [-1.0, 1.0]),
    _aten.threshold.default: _plain("threshold"),
    _aten.softshrink.default: _plain("softshrink", [0.5]),
    _aten.hardshrink.default: _plain("hardshrink", [0.5]),
    _aten.clamp.default: _clamp,
    _aten.clamp_min.default: lambda x, low: _clamp(x, low),
    _aten.clamp_max.default: lambda x, high: _clamp(x, None, high),
    _aten.add.Tensor: _with_alpha("add"),
    _aten.add.Scalar: _with_alpha("add"),
    _aten.sub.Tensor: _with_alpha("sub"),
    _aten.sub.Scalar: _with_alpha("sub"),
    _aten.rsub.Scalar: _with_alpha("rsub"),
    _aten.mul.Tensor: _binary("mul"),
    _aten.mul.Scalar: _binary("mul"),
    _aten.div.Tensor: _binary("div"),
    _aten.div.Scalar: _binary("div"),
    _aten.div.Tensor_mode: _div_mode,
    _aten.minimum.default: _binary("min"),
    _aten.maximum.default: _binary("max"),
    _aten.pow.Tensor_Scalar: _power,
    _aten.pow.Tensor_Tensor: _power,
    _aten.where.self: _where,
    _aten.masked_fill.Scalar: _masked_fill,
    _aten._prelu_kernel.default: lambda x, slope: Step("prelu", x, [slope]),
    _aten.lerp.Scalar: lambda x, end, weight: Step("lerp", x, [end, weight]),
    _aten.lerp.Tensor: lambda x, end, weight: Step("lerp", x, [end, weight]),
    _aten.addcmul.default: _addcmul,
    operator.neg: _plain("neg"),
})

_FLOATING = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_READABLE = (*_FLOATING, torch.bool, torch.uint8, torch.int32, torch.int64)


def value_of(node):
    """The fake tensor of a node, None where it is something else."""
    value = node.meta.get("val") if isinstance(node, torch.fx.Node) else None
    return value if isinstance(value, torch.Tensor) else None


def check_floating(x, what="x"):
    value = value_of(x)
    if value is None:
        raise Unfit(f"{what} is no tensor")
    if value.dtype not in _FLOATING:
        raise Unfit(f"{what} is {str(value.dtype).removeprefix('torch.')}")
    if value.device.type not in ("cpu", "cuda"):
        raise Unfit(f"{what} is on {value.device.type}")
    if value.dim() > 8:
        raise Unfit(f"{what} has more than 8 dimensions")
    return value


def step_of(node):
    """The step that a node is, None for nodes of another kind. Raises Unfit."""
    make = POINTWISE.get(node.target) if node.op == "call_function" else None
    if make is None:
        return None
    step = make(*node.args, **node.kwargs)
    x, y = check_floating(step.x), value_of(node)
    if y.dtype != x.dtype:
        exchanged = SWAPPED.get(step.name)
        raise Unfit(f"its result is {str(y.dtype).removeprefix('torch.')}, x is {str(x.dtype).removeprefix('torch.')}"
                    if exchanged is None else "its operands' element types differ")
    for operand in step.operands:
        if isinstance(operand, torch.fx.Node):
            value = value_of(operand)
            if value is None or value.dtype not in _READABLE:
                raise Unfit("an operand is no tensor that a step can read")
            if value.device != x.device:
                raise Unfit(f"an operand is on {value.device.type}")
        elif not isinstance(operand, (int, float)):
            raise Unfit("an operand is neither a tensor nor a number")
    return step
