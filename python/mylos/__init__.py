"""Neural-network operators on arrays, in place where they lie.

Every function takes arrays of NumPy, PyTorch, CuPy, JAX or anything else that speaks DLPack or the buffer protocol, with
any strides, runs on the stream that their library works on, and returns an array of the same kind:

    mylos.softmax(x, before=mylos.steps.gelu())

`mylos.steps` has the pointwise operators as steps of chains. Bad arguments raise `mylos.Error`, a ValueError.
"""

from . import _mylos
from ._mylos import *  # noqa: F403
from ._mylos import __version__, steps

__all__ = [name for name in dir(_mylos) if not name.startswith("_")]
