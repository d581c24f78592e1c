"""Arrays come in and go out by DLPack: what comes back is of the caller's framework."""
import sys
from typing import Any

import numpy as np

from ._start import _core

Array = Any  # of any framework with DLPack, or what NumPy takes for an array


def framework(array):
    """The module's name of an array's framework: numpy, torch, jax …"""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):  # also of classes that derive from it
        return "torch"
    root = type(array).__module__.partition(".")[0]
    return {"jaxlib": "jax", "torch": ""}.get(root, root)


def returned(made, like):
    """An array of the core in the framework of `like`, without a copy."""
    name = framework(like)
    if name == "torch":
        import torch
        return torch.from_dlpack(made)
    if name == "jax":
        import jax
        return jax.dlpack.from_dlpack(made)
    if hasattr(like, "__array_namespace__") and name != "numpy":
        return like.__array_namespace__().from_dlpack(made)
    return np.asarray(made)


def given(name, array):
    """What the core reads: any array of DLPack or the buffer protocol; others become NumPy's."""
    if framework(array) == "torch":
        found = array.detach().resolve_conj().resolve_neg()  # DLPack knows no such views
    elif hasattr(array, "__dlpack__") and framework(array) != "numpy":
        found = array
    elif isinstance(array, np.ma.MaskedArray):  # whose mask would be lost
        raise ValueError(f"{name} is a masked array: fill it, as array.filled(0)")
    else:
        found = _of_numpy(name, array)
        found = found if found.dtype.isnative else found.astype(found.dtype.newbyteorder("="))
    if not _core.is_array(found):
        kind = getattr(array, "dtype", None)
        raise ValueError(f"{name} is {type(array).__name__}{f' of {kind}' if kind is not None else ''}: "
                         "expected numbers in an array of the CPU's memory")
    return found


def _of_numpy(name, array):
    try:
        return np.asarray(array)
    except (ValueError, TypeError, OverflowError) as reason:  # such as lists of different lengths
        line = str(reason).partition("\n")[0]
        raise ValueError(f"{name} is {type(array).__name__}, and no array can be made of it: {line}") from None


def recorded(*arrays):
    """Whether PyTorch records what is done with any of them: for gradients, or to compile it."""
    tensors = [array for array in arrays if framework(array) == "torch"]
    if not tensors:
        return False
    import torch
    return torch.compiler.is_compiling() or (
        torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors))
