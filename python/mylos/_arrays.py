"""What cannot be learnt of an array from DLPack: how its library allocates, and which stream it works on."""

import sys

_CPU = 1


def _library(array):
    """The name of the package an array's type comes from; of subclasses, that of the first base with a known one."""
    for base in type(array).__mro__:
        name = base.__module__.partition(".")[0]
        if name in ("torch", "numpy", "cupy", "jaxlib", "jax"):
            return "jax" if name == "jaxlib" else name
    return ""


def export(array, stream):
    """A DLPack capsule of the array, to be used on the stream."""
    if _library(array) == "torch":
        array = array.detach()
    options = {"max_version": (1, 0)}
    if array.__dlpack_device__()[0] != _CPU:
        options["stream"] = stream if stream else 1  # DLPack's number of CUDA's legacy default stream
    try:
        return array.__dlpack__(**options)
    except TypeError:
        del options["max_version"]
        return array.__dlpack__(**options)


def bits_of_bfloat16(array):
    """A view of the bits, as uint16, of NumPy's arrays of the element type that ml_dtypes brings; else None."""
    return array.view("uint16") if _library(array) == "numpy" and array.dtype.name == "bfloat16" else None


def current_stream(array):
    """The stream, as an integer, that the array's library works on now; 0 on the host and where it has none."""
    library = _library(array)
    if library == "torch" and array.is_cuda:
        return sys.modules["torch"].cuda.current_stream(array.device).cuda_stream
    if library == "cupy":
        return sys.modules["cupy"].cuda.get_current_stream().ptr
    return 0


def must_wait(array):
    """Whether results must be complete when a call returns."""
    return _library(array) not in ("torch", "cupy")


_NAMES = {"f64": "float64", "f32": "float32", "f16": "float16", "u8": "uint8", "i32": "int32", "i64": "int64", "bool": "bool"}


def empty(like, shape, order, dtype):
    """(array, finish): an uninitialised array of `like`'s kind and device, and what makes the result of it, or None.

    `order` has the dimensions from the slowest to the fastest in memory; None is row-major.
    """
    library = _library(like)
    in_memory = shape if order is None else tuple(shape[d] for d in order)
    finish = None
    if library == "torch":
        torch = sys.modules["torch"]
        kind = torch.bfloat16 if dtype == "bf16" else getattr(torch, _NAMES[dtype])
        array = torch.empty(in_memory, dtype=kind, device=like.device)
    elif library == "jax" and like.__dlpack_device__()[0] != _CPU:
        import jax

        array = jax.numpy.empty(in_memory, dtype=_NAMES.get(dtype, "bfloat16"), device=like.device)
        array.block_until_ready()
    else:
        if dtype == "bf16":
            import ml_dtypes  # noqa: F401, it makes the name known
        module = sys.modules[library] if library in ("numpy", "cupy") else __import__("numpy")
        array = module.empty(in_memory, dtype=module.dtype(_NAMES.get(dtype, "bfloat16")))
        if library == "jax":
            import jax

            finish = jax.numpy.asarray
    if order is not None:
        back = [0] * len(order)
        for place, d in enumerate(order):
            back[d] = place
        array = array.permute(back) if library == "torch" else array.transpose(back)
    return array, finish
