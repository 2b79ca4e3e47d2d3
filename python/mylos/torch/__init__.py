"""Mylos in PyTorch: operators with autograd, modules, and a backend of torch.compile.

    import mylos.torch
    y = mylos.torch.softmax(x)                           # torch.library operators: they trace and train
    norm = mylos.torch.nn.LayerNorm(512)                 # the same modules as torch.nn's, with the same parameters
    fast = torch.compile(model, backend="mylos")         # what Mylos has runs on it, the rest on PyTorch
    mylos.torch.explain(model, x)                        # says which is which, and why

Everything runs on torch.cuda.current_stream(), in memory of PyTorch's allocator.
"""

from . import nn
from ._compile import backend
from ._explain import explain
from ._operators import *  # noqa: F403
from ._operators import __all__ as _names

__all__ = ["backend", "explain", "nn", *_names]
