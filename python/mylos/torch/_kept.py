"""Functions of torch.nn.functional that ATen would take apart, kept whole as operators of the library: one table.

They have no autograd, so they take the places of PyTorch's only where no gradient is asked for.
"""

import inspect

import torch
import torch.nn.functional as F

from mylos import _mylos

from ._kernels import KERNELS, Kernel
from ._operators import _define
from ._pointwise import Unfit, check_floating


def _full(x, *_):
    return torch.empty_like(x)


def _loss_shape(rows):
    """rows(x): the extents of the losses that `reduction`, the first str among the arguments, reduces."""

    def fake(x, *arguments):
        reduction = next(a for a in arguments if isinstance(a, str))
        return x.new_empty(rows(x) if reduction == "none" else [])

    return fake


def _without(axis):
    return lambda x: [n for d, n in enumerate(x.shape) if d != axis % x.dim()]


_elements = _loss_shape(lambda x: list(x.shape))
_classes = _loss_shape(lambda x: _without(1 if x.dim() > 1 else 0)(x))
_vectors = _loss_shape(_without(-1))

_KEPT = {}


def _keep(functions, name, schema, fake, run, arguments, before=True, after=False):
    """run(x, *given, **options) calls Mylos; arguments(a): of the bound arguments a, what is given."""
    operator = _define(f"_{name}", f"({schema}) -> Tensor", lambda x, *rest: run(x, *rest), fake)

    def make(node, x, *rest):
        check_floating(x)
        places = [i for i, a in enumerate(rest) if isinstance(a, torch.fx.Node)]

        def arguments(tensors):
            given = list(rest)
            for place, tensor in zip(places, tensors):
                given[place] = tensor
            return tuple(given)

        return Kernel(name, x, [rest[i] for i in places], run, arguments, before=before, after=after)

    KERNELS[operator] = make
    for function in functions:
        _KEPT[function] = (operator, arguments)


def _plain_loss(function, name, parameters=()):
    """Losses (input, target, ..., reduction) of elements, with float parameters of these names."""
    schema = "".join(f", float {p}" for p in parameters)
    call = getattr(_mylos, name)
    _keep(
        [function], name, f"Tensor x, Tensor target, str reduction{schema}", _elements, call,
        lambda a: (a["input"], a["target"], a["reduction"], *[float(a[p]) for p in parameters]),
    )


def _no(a, *names):
    for name in names:
        if a.get(name) is not None:
            raise Unfit(f"{name} is given")


def _class_loss(function, name, smoothing):
    def run(x, target, weight, reduction, ignore_index, label_smoothing, **options):
        smooth = {"label_smoothing": label_smoothing} if smoothing else {}
        return getattr(_mylos, name)(x, target, reduction, weight=weight, ignore_index=ignore_index, **smooth, **options)

    _keep(
        [function], name, "Tensor x, Tensor target, Tensor? weight, str reduction, int ignore_index, float label_smoothing",
        _classes, run,
        lambda a: (a["input"], a["target"], a["weight"], a["reduction"], a["ignore_index"], a.get("label_smoothing", 0.0)),
    )


_plain_loss(F.l1_loss, "l1_loss")
_plain_loss(F.hinge_embedding_loss, "hinge_embedding_loss", ["margin"])
_class_loss(F.cross_entropy, "cross_entropy", True)
_class_loss(F.nll_loss, "nll_loss", False)


def _kl_div(a):
    return a["input"], a["target"], "batch_mean" if a["reduction"] == "batchmean" else a["reduction"], bool(a["log_target"])


_keep([F.kl_div], "kl_div", "Tensor x, Tensor target, str reduction, bool log_target", _elements, _mylos.kl_div, _kl_div)


def _binary_cross_entropy(a):
    _no(a, "weight")
    return a["input"], a["target"], a["reduction"]


_keep(
    [F.binary_cross_entropy], "binary_cross_entropy", "Tensor x, Tensor target, str reduction", _elements,
    _mylos.binary_cross_entropy, _binary_cross_entropy,
)


def _with_logits(a):
    _no(a, "weight", "pos_weight")
    return a["input"], a["target"], a["reduction"]


_keep(
    [F.binary_cross_entropy_with_logits], "binary_cross_entropy_with_logits", "Tensor x, Tensor target, str reduction",
    _elements, _mylos.binary_cross_entropy_with_logits, _with_logits,
)
_keep(
    [F.triplet_margin_loss], "triplet_margin_loss",
    "Tensor x, Tensor positive, Tensor negative, str reduction, float margin, float p, float eps, bool swap", _vectors,
    _mylos.triplet_margin_loss,
    lambda a: (a["anchor"], a["positive"], a["negative"], a["reduction"], float(a["margin"]), float(a["p"]), float(a["eps"]),
               bool(a["swap"])),
    before=False,
)
_keep(
    [F.cosine_embedding_loss], "cosine_embedding_loss", "Tensor x, Tensor x2, Tensor target, str reduction, float margin",
    _vectors, _mylos.cosine_embedding_loss,
    lambda a: (a["input1"], a["input2"], a["target"], a["reduction"], float(a["margin"])), before=False,
)
_keep(
    [F.cosine_similarity, torch.cosine_similarity], "cosine_similarity", "Tensor x, Tensor x2, int dim, float eps",
    lambda x, x2, dim, eps: x.new_empty(_without(dim)(x)), _mylos.cosine_similarity,
    lambda a: (a["x1"], a["x2"], a["dim"], float(a["eps"])), before=False,
)


def _normalize(a):
    _no(a, "out")
    axis = a["dim"]
    return a["input"], float(a["p"]), [axis] if isinstance(axis, int) else list(axis), float(a["eps"])


def _run_normalize(x, p, axis, eps, **options):
    if p in (1.0, 2.0):
        return (_mylos.l1_normalize if p == 1.0 else _mylos.l2_normalize)(x, axis, eps, **options)
    return _mylos.lp_normalize(x, p, axis, eps, **options)


_keep([F.normalize], "lp_normalize", "Tensor x, float p, int[] axis, float eps", _full, _run_normalize, _normalize, after=True)
_keep(
    [F.rms_norm, torch.rms_norm], "rms_norm", "Tensor x, Tensor? weight, int rank, float eps", _full,
    lambda x, weight, rank, eps, **o: _mylos.rms_norm(x, tuple(range(-rank, 0)), weight, None, eps, **o),
    lambda a: (a["input"], a["weight"], len(a["normalized_shape"]), -1.0 if a["eps"] is None else float(a["eps"])), after=True,
)


def _instance_norm(a):
    _no(a, "running_mean", "running_var")
    return a["input"], a["weight"], a["bias"], float(a["eps"])


_keep(
    [F.instance_norm], "instance_norm", "Tensor x, Tensor? weight, Tensor? bias, float eps", _full, _mylos.instance_norm,
    _instance_norm, after=True,
)
_keep(
    [F.local_response_norm], "local_response_norm", "Tensor x, int size, float alpha, float beta, float k", _full,
    _mylos.local_response_norm,
    lambda a: (a["input"], a["size"], float(a["alpha"]), float(a["beta"]), float(a["k"])), before=False,
)


_SIGNATURES = {
    torch.cosine_similarity: "x1 x2 dim=1 eps=1e-8",
    F.cosine_similarity: "x1 x2 dim=1 eps=1e-8",
    torch.rms_norm: "input normalized_shape weight=None eps=None",
}


def _bind(function, args, kwargs):
    text = _SIGNATURES.get(function)
    if text is None:
        signature = inspect.signature(function)
    else:  # one of C++, without a signature
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parts = [part.partition("=") for part in text.split()]
        signature = inspect.Signature([
            inspect.Parameter(name, kind, default=eval(value) if sign else inspect.Parameter.empty)  # of the table above
            for name, sign, value in parts
        ])
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.arguments


def keep(graph_module):
    """Replaces, in a graph of torch.nn.functional, the functions of the table. Returns why others were left."""
    reasons = []
    for node in graph_module.graph.nodes:
        if node.op != "call_function" or node.target not in _KEPT:
            continue
        operator, arguments = _KEPT[node.target]
        try:
            bound = _bind(node.target, node.args, node.kwargs)
            legacy = [name for name in ("size_average", "reduce") if bound.get(name) is not None]
            if legacy:
                raise Unfit(f"{legacy[0]} is given")
            values = [a.meta.get("example_value") for a in bound.values() if isinstance(a, torch.fx.Node)]
            if not all(isinstance(v, torch.Tensor) for v in values) or not values[0].is_floating_point():
                raise Unfit("it is not called with tensors alone")
            node.target, node.args, node.kwargs = operator, tuple(arguments(bound)), {}
        except (Unfit, TypeError, KeyError) as reason:
            reasons.append((node.target.__name__, str(reason)))
    graph_module.recompile()
    return reasons
