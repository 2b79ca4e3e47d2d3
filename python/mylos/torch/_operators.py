"""torch.library operators of the namespace mylos, with fake kernels and autograd."""

import torch
from torch.library import Library

import mylos
from mylos import _mylos

_library = Library("mylos", "DEF")
_aten = torch.ops.aten

__all__ = []


def _define(name, schema, run, fake, setup=None, backward=None):
    _library.define(f"{name}{schema}")
    for key in ("CPU", "CUDA"):
        _library.impl(name, run, key)
    torch.library.register_fake(f"mylos::{name}", fake, lib=_library)
    if backward is not None:
        torch.library.register_autograd(f"mylos::{name}", backward, setup_context=setup, lib=_library)
    return getattr(torch.ops.mylos, name).default


def _publish(function):
    __all__.append(function.__name__)
    globals()[function.__name__] = function
    return function


# ---- activations and functions of x alone: the gradient in terms of g, x, y and the parameters

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

_GRADIENTS = {
    "relu": lambda g, x, y: _aten.threshold_backward(g, y, 0),
    "leaky_relu": lambda g, x, y, slope: _aten.leaky_relu_backward(g, x, slope, False),
    "elu": lambda g, x, y, alpha: _aten.elu_backward(g, alpha, 1.0, 1.0, False, x),
    "celu": lambda g, x, y, alpha: _aten.elu_backward(g, alpha, 1.0, 1.0 / alpha, False, x),
    "selu": lambda g, x, y: _aten.elu_backward(g, _SELU_ALPHA, _SELU_SCALE, 1.0, False, x),
    "gelu": lambda g, x, y: _aten.gelu_backward(g, x),
    "gelu_tanh": lambda g, x, y: _aten.gelu_backward(g, x, approximate="tanh"),
    "sigmoid": lambda g, x, y: _aten.sigmoid_backward(g, y),
    "log_sigmoid": lambda g, x, y: g * torch.sigmoid(-x),
    "tanh": lambda g, x, y: _aten.tanh_backward(g, y),
    "softplus": lambda g, x, y, beta, threshold: _aten.softplus_backward(g, x, beta, threshold),
    "softsign": lambda g, x, y: g / (1 + x.abs()).square(),
    "silu": lambda g, x, y: _aten.silu_backward(g, x),
    "mish": lambda g, x, y: _aten.mish_backward(g, x),
    "hardsigmoid": lambda g, x, y: _aten.hardsigmoid_backward(g, x),
    "hardswish": lambda g, x, y: _aten.hardswish_backward(g, x),
    "hardtanh": lambda g, x, y, low, high: _aten.hardtanh_backward(g, x, low, high),
    "relu6": lambda g, x, y: _aten.hardtanh_backward(g, x, 0.0, 6.0),
    "threshold": lambda g, x, y, threshold, value: _aten.threshold_backward(g, x, threshold),
    "softshrink": lambda g, x, y, lambd: _aten.softshrink_backward(g, x, lambd),
    "hardshrink": lambda g, x, y, lambd: _aten.hardshrink_backward(g, x, lambd),
    "tanhshrink": lambda g, x, y: g * torch.tanh(x).square(),
    "abs": lambda g, x, y: g * torch.sgn(x),
    "neg": lambda g, x, y: -g,
    "square": lambda g, x, y: 2 * g * x,
    "sqrt": lambda g, x, y: g / (2 * y),
    "rsqrt": lambda g, x, y: -0.5 * g * y**3,
    "reciprocal": lambda g, x, y: -g * y * y,
    "exp": lambda g, x, y: g * y,
    "expm1": lambda g, x, y: g * (y + 1),
    "log": lambda g, x, y: g / x,
    "log1p": lambda g, x, y: g / (1 + x),
    "sin": lambda g, x, y: g * torch.cos(x),
    "cos": lambda g, x, y: -g * torch.sin(x),
    "erf": lambda g, x, y: g * (2 / torch.pi**0.5) * torch.exp(-x * x),
}


def _define_pointwise(name, parameters, gradient):
    function = getattr(_mylos, name)

    def setup(ctx, inputs, output):
        ctx.save_for_backward(inputs[0], output)
        ctx.parameters = inputs[1:]

    def backward(ctx, g):
        return (gradient(g, *ctx.saved_tensors, *ctx.parameters), *[None] * len(parameters))

    schema = "".join(f", float {parameter}={default!r}" for parameter, default in parameters.items())
    operator = _define(
        name,
        f"(Tensor x{schema}) -> Tensor",
        lambda x, *arguments: function(x, *arguments),
        lambda x, *arguments: torch.empty_like(x),
        setup,
        backward,
    )
    operation = lambda x, *arguments, **options: operator(x, *arguments, **options)  # noqa: E731
    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = function.__doc__
    _publish(operation)


for _name, _gradient in _GRADIENTS.items():
    _define_pointwise(_name, _mylos._step_table[_name][1], _gradient)


# ---- softmax


def _define_softmax(name, gradient):
    function = getattr(_mylos, name)

    def setup(ctx, inputs, output):
        ctx.save_for_backward(output)
        ctx.axes = inputs[1]

    def backward(ctx, g):
        return gradient(g, *ctx.saved_tensors, ctx.axes), None

    return _define(
        name,
        "(Tensor x, int[] axis) -> Tensor",
        lambda x, axes: function(x, axes),
        lambda x, axes: torch.empty_like(x),
        setup,
        backward,
    )


def _softmax_gradient(g, y, axes):
    product = g * y
    return product - y * product.sum(axes, keepdim=True)


_softmax = _define_softmax("softmax", _softmax_gradient)
_log_softmax = _define_softmax("log_softmax", lambda g, y, axes: g - y.exp() * g.sum(axes, keepdim=True))


def _axes(axis):
    return [axis] if isinstance(axis, int) else list(axis)


@_publish
def softmax(x, axis=-1):
    """exp(x - max) / sum exp(x - max) along an axis or several."""
    return _softmax(x, _axes(axis))


@_publish
def log_softmax(x, axis=-1):
    """The logarithm of softmax(x, axis)."""
    return _log_softmax(x, _axes(axis))


# ---- normalisation: each operator returns its statistics, too


def _statistics_dtype(x):
    return torch.float32 if x.dtype in (torch.float16, torch.bfloat16) else x.dtype


def _define_norm(name, schema, run, statistics, backward):
    """statistics(x, *arguments): the extents of mean and rstd. run(x, *arguments, mean=, rstd=)."""

    def new(x, arguments):
        extents = statistics(x, *arguments)
        return [torch.empty(extents, dtype=_statistics_dtype(x), device=x.device) for _ in range(2)]

    def kernel(x, *arguments):
        mean, rstd = new(x, arguments)
        return run(x, *arguments, mean=mean, rstd=rstd), mean, rstd

    def setup(ctx, inputs, output):
        weight = next((a for a in inputs[1:] if isinstance(a, torch.Tensor)), None)
        ctx.save_for_backward(inputs[0], weight, *output[1:])
        ctx.arguments = tuple(a for a in inputs[1:] if a is not None and not isinstance(a, torch.Tensor))
        ctx.mask = [ctx.needs_input_grad[i] for i in (0, 1, 2)]

    return _define(
        name,
        f"(Tensor x, Tensor? weight, Tensor? bias{schema}) -> (Tensor, Tensor, Tensor)",
        kernel,
        lambda x, *arguments: (torch.empty_like(x), *new(x, arguments)),
        setup,
        lambda ctx, g, *unused: backward(ctx, g),
    )


def _layer_norm_backward(ctx, g):
    x, weight, mean, rstd = ctx.saved_tensors
    rank, _ = ctx.arguments
    gradients = _aten.native_layer_norm_backward(g, x, x.shape[x.dim() - rank :], mean, rstd, weight, weight, ctx.mask)
    return (*gradients, None, None)


def _last(rank):
    return tuple(range(-rank, 0))


_layer_norm = _define_norm(
    "layer_norm",
    ", int rank, float eps",
    lambda x, weight, bias, rank, eps, **statistics: _mylos.layer_norm(x, _last(rank), weight, bias, eps, **statistics),
    lambda x, weight, bias, rank, eps: [*x.shape[: x.dim() - rank], *[1] * rank],
    _layer_norm_backward,
)


@_publish
def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    """torch.nn.functional.layer_norm."""
    return _layer_norm(x, weight, bias, len(normalized_shape), eps)[0]


def _rms_norm_run(x, weight, bias, rank, eps, mean, rstd):
    return _mylos.rms_norm(x, _last(rank), weight, bias, eps, rstd=rstd)


def _rms_norm_backward(ctx, g):
    x, weight, _, rstd = ctx.saved_tensors
    rank, _ = ctx.arguments
    axes = _last(rank)
    normal = x * rstd
    scaled = g if weight is None else g * weight
    gx = rstd * (scaled - normal * (scaled * normal).mean(axes, keepdim=True))
    over = tuple(range(x.dim() - rank))
    total = lambda t: t.sum(over) if over else t  # noqa: E731
    gw = total(g * normal).to(weight.dtype) if ctx.mask[1] else None
    return gx.to(x.dtype), gw, total(g) if ctx.mask[2] else None, None, None


_rms_norm = _define_norm(
    "rms_norm",
    ", int rank, float eps",
    _rms_norm_run,
    lambda x, weight, bias, rank, eps: [*x.shape[: x.dim() - rank], *[1] * rank],
    _rms_norm_backward,
)


@_publish
def rms_norm(x, normalized_shape, weight=None, eps=None):
    """torch.nn.functional.rms_norm."""
    return _rms_norm(x, weight, None, len(normalized_shape), -1.0 if eps is None else eps)[0]


def _group_norm_backward(ctx, g):
    x, weight, mean, rstd = ctx.saved_tensors
    groups, _ = ctx.arguments
    n, c = x.shape[:2]
    groups = groups if groups else c
    inner = x[0, 0].numel()
    gradients = _aten.native_group_norm_backward(
        g.contiguous(), x.contiguous(), mean, rstd, weight, n, c, inner, groups, ctx.mask
    )
    return (*gradients, None, None)


def _group_norm_run(x, weight, bias, groups, eps, **statistics):
    if groups == 0:
        return _mylos.instance_norm(x, weight, bias, eps, **statistics)
    return _mylos.group_norm(x, groups, weight, bias, eps, **statistics)


_group_norm = _define_norm(
    "group_norm",
    ", int groups, float eps",
    _group_norm_run,
    lambda x, weight, bias, groups, eps: [x.shape[0], groups if groups else x.shape[1]],
    _group_norm_backward,
)


@_publish
def group_norm(x, groups, weight=None, bias=None, eps=1e-5):
    """torch.nn.functional.group_norm."""
    if groups < 1:
        raise mylos.Error(f"mylos::group_norm: groups: it is {groups}, 1 or more are expected")
    return _group_norm(x, weight, bias, groups, eps)[0]


@_publish
def instance_norm(x, weight=None, bias=None, eps=1e-5):
    """torch.nn.functional.instance_norm with the statistics of the input."""
    return _group_norm(x, weight, bias, 0, eps)[0]


def _batch_norm_backward(ctx, g):
    x, weight, mean, rstd = ctx.saved_tensors
    (eps,) = ctx.arguments
    gradients = _aten.native_batch_norm_backward(g, x, weight, None, None, mean, rstd, True, eps, ctx.mask)
    return (*gradients, None)


_batch_norm_training = _define_norm(
    "batch_norm_training",
    ", float eps",
    lambda x, weight, bias, eps, **statistics: _mylos.batch_norm_training(x, None, None, weight, bias, eps=eps, **statistics),
    lambda x, weight, bias, eps: [x.shape[1]],
    _batch_norm_backward,
)


def _batch_norm_setup(ctx, inputs, output):
    x, mean, variance, weight, bias, eps = inputs
    ctx.save_for_backward(x, mean, variance, weight)
    ctx.eps = eps
    ctx.mask = [ctx.needs_input_grad[i] for i in (0, 3, 4)]


def _batch_norm_inference_backward(ctx, g):
    x, mean, variance, weight = ctx.saved_tensors
    gx, gw, gb = _aten.native_batch_norm_backward(g, x, weight, mean, variance, None, None, False, ctx.eps, ctx.mask)
    return gx, None, None, gw, gb, None


_batch_norm = _define(
    "batch_norm",
    "(Tensor x, Tensor mean, Tensor variance, Tensor? weight, Tensor? bias, float eps) -> Tensor",
    lambda x, mean, variance, weight, bias, eps: _mylos.batch_norm(x, mean, variance, weight, bias, eps),
    lambda x, *arguments: torch.empty_like(x),
    _batch_norm_setup,
    _batch_norm_inference_backward,
)


@_publish
def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """torch.nn.functional.batch_norm. In training the running statistics, where given, are updated."""
    if not training:
        return _batch_norm(x, running_mean, running_var, weight, bias, eps)
    y, mean, rstd = _batch_norm_training(x, weight, bias, eps)
    if running_mean is not None:
        with torch.no_grad():
            count = x.numel() // x.shape[1]
            variance = (rstd.double().pow(-2) - eps) * (count / max(count - 1, 1))
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_(variance.to(running_var.dtype), momentum)
    return y


# ---- linear


def precision_of(x):
    """PyTorch's setting for products of f32 matrices as a Precision of Mylos."""
    tf32 = x.is_cuda and x.dtype is torch.float32 and torch.get_float32_matmul_precision() != "highest"
    return "tf32" if tf32 else "standard"


def _linear_setup(ctx, inputs, output):
    x, w, bias = inputs
    ctx.save_for_backward(x, w)
    ctx.has_bias = bias is not None


def _linear_backward(ctx, g):
    x, w = ctx.saved_tensors
    rows = g.reshape(-1, g.shape[-1])
    gx = g @ w if ctx.needs_input_grad[0] else None
    gw = rows.t() @ x.reshape(-1, x.shape[-1]) if ctx.needs_input_grad[1] else None
    return gx, gw, rows.sum(0) if ctx.has_bias and ctx.needs_input_grad[2] else None


_linear = _define(
    "linear",
    "(Tensor x, Tensor w, Tensor? bias) -> Tensor",
    lambda x, w, bias: _mylos.linear(x, w, bias, precision=precision_of(x)),
    lambda x, w, bias: x.new_empty([*x.shape[:-1], w.shape[0]]),
    _linear_setup,
    _linear_backward,
)


@_publish
def linear(x, w, bias=None):
    """torch.nn.functional.linear, with the precision that torch.set_float32_matmul_precision asks for."""
    return _linear(x, w, bias)
