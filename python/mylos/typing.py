"""Types of arguments, for type checkers."""

from __future__ import annotations

import typing

Array = typing.Any
"""An array of NumPy, PyTorch, CuPy, JAX, or anything else that speaks DLPack or the buffer protocol."""
