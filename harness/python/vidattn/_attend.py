"""Attention and plans of one call."""
from __future__ import annotations

import warnings
from typing import Any, Mapping, Optional, Sequence

from ._backends import Method, resolve
from ._frameworks import Array, framework, given, recorded, returned
from ._start import _core
from ._values import flag, optional_number, text, whole_numbers


def checked(*, layout=None, grid=None, shots=None, scale=None, dtype=None, device="cpu", attention=None):
    """The terms of a call as plain values."""
    return dict(layout=text("layout", layout, "BLHD"), grid=whole_numbers("grid", grid),
                shots=whole_numbers("shots", shots), scale=optional_number("scale", scale),
                dtype=text("dtype", dtype, "bf16"), device=text("device", device, "cpu") or "cpu",
                attention=text("attention", attention, "cross"))


def core_call(q, k, v, *, layout=None, grid=None, shots=None, scale=None, dtype=None, device="cpu",
              attention=None, **inputs):
    terms = checked(layout=layout, grid=grid, shots=shots, scale=scale, dtype=dtype, device=device,
                    attention=attention)
    return _core.Call(given("q", q), given("k", k), given("v", v), **terms,
                      inputs={name: given(name, array) for name, array in inputs.items() if array is not None})


def attend(q: Array, k: Array, v: Array, *, backend: Method = "full",
           params: Optional[Mapping[str, Any]] = None, density: Optional[float] = None,
           return_lse: bool = False, layout: Optional[str] = None, grid: Optional[Sequence[int]] = None,
           shots: Optional[Sequence[int]] = None, scale: Optional[float] = None,
           dtype: Optional[str] = None, device: str = "cpu", attention: Optional[str] = None,
           **inputs: Array) -> Any:
    """Attention of q to k and v by a method's plan: the tool's `vidattn attend`, bit for bit.

    q: [L,H,D], L tokens, H heads of D channels; k: [LK,HK,D]; v: [LK,HK,DV]; HK divides H. Arrays of
    NumPy, PyTorch, JAX or any other framework with DLPack, in the CPU's memory: float32, bfloat16,
    float16, or float64, which is rounded to float32.
    layout: the order of the axes, "LHD" (the default of three axes), "HLD", "BLHD" or "BHLD"; every
    entry of a batch is planned by itself. [L,H,D] in memory is read where it lies, so that LHD and
    BLHD need no copy; other orders and strides, and float64, are copied once.
    backend: a method's text ("full", "moga:num_groups=5"; vidattn.backends() lists them), a Map, or a
    function made by @vidattn.backend. params: its parameters by name. density: executed share of the
    pairs, for which the method's knob is solved.
    grid: (frames, height, width) of the video in tokens; token (t,y,x) is (t*height + y)*width + x, and
    tokens that it leaves over are text after the video. shots: first frame of every shot, from 0.
    scale: of the softmax; 1/sqrt(D) unless given. dtype: "f32", "bf16", "f16", or "int8" and "fp8",
    which round q, k and v; the operands' own unless given. device: "cpu", "reference", "vulkan".
    attention: "cross" says that keys are other tokens than the queries although there are as many.
    Further inputs go by name, as the method declares them: router_logits [L,M], hidden [L,C], gate …,
    with a batch before their axes or without one; they are copied.

    Returns the output in q's framework, order of axes and type (the type attended in, where dtype says
    another; float32 for float64, and for NumPy, which has no bfloat16); its memory is [L,H,D], so that
    another order of axes has strides.
    With return_lse (o, lse): natural log-sum-exp of the scaled scores, float32 [L,H] in the layout's
    order, -inf for a query without keys; of a plan with several branches a dict by their names.
    A UserWarning says how many tokens see no keys, in the first entry where some do: their output is 0; and
    another where the density is off its target by more than 2%.
    PyTorch tensors that require gradients get them, and so do inputs that the method passes one to.
    ValueError: what does not fit, in one line.
    """
    call = checked(layout=layout, grid=grid, shots=shots, scale=scale, dtype=dtype, device=device,
                   attention=attention)
    density, return_lse = optional_number("density", density), flag("return_lse", return_lse)
    if recorded(q, k, v, *inputs.values()):
        if return_lse:
            raise ValueError("return_lse has no gradient: ask for it under torch.no_grad(), not compiled")
        from ._torch import differentiable
        return differentiable(q, k, v, backend, params, density, call, inputs)
    made, lse, said = core_call(q, k, v, **call, **inputs).attend(
        resolve(backend, params), density, widened=dtype == "bf16" and framework(q) == "numpy")
    for line in said:
        warnings.warn(line, stacklevel=2)
    output = returned(made, q)
    if not return_lse:
        return output
    lse = {name: returned(rows, q) for name, rows in lse.items()}
    return output, next(iter(lse.values())) if len(lse) == 1 else lse


def plan(q: Array, k: Array, v: Array, *, backend: Method = "full",
         params: Optional[Mapping[str, Any]] = None, density: Optional[float] = None,
         layout: Optional[str] = None, grid: Optional[Sequence[int]] = None,
         shots: Optional[Sequence[int]] = None, scale: Optional[float] = None,
         dtype: Optional[str] = None, device: str = "cpu", attention: Optional[str] = None,
         **inputs: Array) -> _core.Plan:
    """What a method decides for one call, without running it: a Plan. Arguments and warning of a missed density as
    attend()'s."""
    call = core_call(q, k, v, layout=layout, grid=grid, shots=shots, scale=scale, dtype=dtype,
                     device=device, attention=attention, **inputs)
    made = _core.plan(call, resolve(backend, params), optional_number("density", density))
    if made.note:
        warnings.warn(made.note, stacklevel=2)
    return made
