"""The operator vidattn::attend of PyTorch: with gradients, and known to torch.compile.

Its backward pass plans and runs the call again before it differentiates, as gradient checkpointing does:
nothing is kept from the forward pass but its arguments.
"""
import json
import warnings

import numpy as np
import torch

from ._backends import described
from ._frameworks import given, returned
from ._start import _core


def _core_call(tensors, names, options):
    inputs = {name: given(name, tensor) for name, tensor in zip(names, tensors[3:])}
    q, k, v = (given(name, tensor) for name, tensor in zip("qkv", tensors))
    return _core.Call(q, k, v, inputs=inputs, **options["call"])


def _backend(options, tensors, names):
    """Arrays of a map travel as tensors, too, under names of their own."""
    own = {name[len("map:"):]: given(name, tensor) for name, tensor in zip(names, tensors[3:])
           if name.startswith("map:")}
    return _core.Backend(options["backend"], options["settings"], own)


def _parts(q, k, v, inputs, spec):
    options = json.loads(spec)
    tensors = [q, k, v, *inputs]
    backend = _backend(options, tensors, options["names"])
    kept = [i for i, name in enumerate(options["names"]) if not name.startswith("map:")]
    call = _core_call([q, k, v, *(inputs[i] for i in kept)], [options["names"][i] for i in kept],
                      options)
    return options, call, backend


@torch.library.custom_op("vidattn::attend", mutates_args=(), device_types="cpu")
def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, inputs: list[torch.Tensor],
           spec: str) -> torch.Tensor:
    options, call, backend = _parts(q, k, v, inputs, spec)
    made, _, said = call.attend(backend, options["density"])
    for line in said:
        warnings.warn(line, stacklevel=2)
    return returned(made, q).contiguous()


@torch.library.custom_op("vidattn::attend_backward", mutates_args=(), device_types="cpu")
def attend_backward(d_out: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor,
                    inputs: list[torch.Tensor], spec: str) -> list[torch.Tensor]:
    options, call, backend = _parts(q, k, v, inputs, spec)
    made = call.gradients(backend, options["density"], given("the gradient of the output", d_out))
    gradients = []
    for name, tensor in zip(["q", "k", "v", *options["names"]], [q, k, v, *inputs]):
        found = returned(made[name], q) if name in made else torch.zeros_like(tensor)
        gradients.append(found.to(tensor.dtype).contiguous())
    return gradients


def _out_type(q, options):
    asked = {"f32": torch.float32, "int8": torch.float32, "fp8": torch.float32,
             "bf16": torch.bfloat16, "f16": torch.float16}.get(options["call"]["dtype"])
    return asked or (torch.float32 if q.dtype == torch.float64 else q.dtype)


@attend.register_fake
def _(q, k, v, inputs, spec):
    return q.new_empty((*q.shape[:-1], v.shape[-1]), dtype=_out_type(q, json.loads(spec)))


@attend_backward.register_fake
def _(d_out, q, k, v, inputs, spec):
    return [torch.empty_like(tensor, memory_format=torch.contiguous_format)
            for tensor in (q, k, v, *inputs)]


def _keep(ctx, inputs, output):
    q, k, v, extra, ctx.spec = inputs
    ctx.save_for_backward(q, k, v, *extra)


def _backward(ctx, d_out):
    q, k, v, *extra = ctx.saved_tensors
    d_q, d_k, d_v, *d_extra = attend_backward(d_out, q, k, v, extra, ctx.spec)
    return d_q, d_k, d_v, d_extra, None


attend.register_autograd(_backward, setup_context=_keep)


@torch.compiler.assume_constant_result  # torch.compile cannot look into json
def _spec(text, settings, density, names, call):
    return json.dumps({"backend": text, "settings": settings, "density": density, "names": names, "call": call})


def _tensor(name, array):
    if isinstance(array, torch.Tensor):
        if array.device.type not in ("cpu", "meta"):
            raise ValueError(f"{name} lies on a device: give it in the CPU's memory")
        return array
    return torch.as_tensor(array if isinstance(array, np.ndarray) else given(name, array))


def differentiable(q, k, v, backend, params, density, call, inputs):
    """attend() by the operator."""
    text, settings, arrays = described(backend, params)
    more = {name: _tensor(name, array) for name, array in inputs.items() if array is not None}
    more.update({f"map:{name}": torch.as_tensor(array) for name, array in arrays.items()})
    spec = _spec(text, settings, density, list(more), call)
    q, k, v = (_tensor(name, array) for name, array in zip("qkv", (q, k, v)))
    return attend(q, k, v, list(more.values()), spec)
