"""Captures in vLLM-Omni: a callable of its entry point group vllm_omni.sparse_attn, which attends densely and writes.

Configured where vLLM-Omni configures its SPARSE_ATTN backend:

    {"backend": "vidattn_capture", "params": {"out": "cap", "layers": [0, 14], "steps": [0, 10], "num_layers": 30}}
"""
from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from .call import AttentionCall, CaptureError, Geometry, Place
from .files import Folder
from .recorder import Recorder
from .selection import Selection, passes_of

OWN = ("out", "layers", "steps", "heads", "output", "num_layers", "grid", "prefix", "passes", "guidance", "overwrite")


class Capture:
    """One folder's. Layers are not told: calls are counted from the start of each step, `num_layers` to a pass."""

    def __init__(self, params: Dict[str, Any]):
        torch = _torch()
        if torch.distributed.is_available() and torch.distributed.is_initialized() \
                and torch.distributed.get_world_size() > 1:
            raise CaptureError("capture on one device: on several each holds a part of the heads or tokens")
        if not params.get("num_layers"):
            raise CaptureError("vidattn_capture needs num_layers: the layers of the model with self-attention")
        selection = Selection(params.get("layers"), params.get("steps"), params.get("heads"),
                              params.get("guidance", "cond"))
        self.layers = int(params["num_layers"])
        selection.layers_of(self.layers)
        self.passes = passes_of(params.get("passes", ("cond", "uncond")), selection)
        self.recorder = Recorder(Folder(params["out"], params.get("overwrite", False)).begin(), selection,
                                 output=bool(params.get("output")))
        self.recorder.layer_count = self.layers
        self.run, self.step, self.calls = 0, -1, 0

    def place(self, params: Dict[str, Any]) -> Place:
        step = _first(params.get("denoise_step_idx"))
        if step is None:
            raise CaptureError("vLLM-Omni does not tell the denoising step here (denoise_step_idx)")
        if step != self.step:
            self.run += step < self.step
            self.step, self.calls = step, 0
        layer, passed = self.calls % self.layers, self.calls // self.layers
        self.calls += 1
        count = _first(params.get("total_denoise_steps"))
        if count is not None and self.recorder.step_count is None:
            self.recorder.selection.steps_of(count)
        self.recorder.step_count = count
        return Place(layer, step, self.run, passes=(self.passes[passed % len(self.passes)],) if self.passes else ())


_captures: Dict[str, Capture] = {}


def attention(query, key, value, params: Dict[str, Any], is_causal: bool = False,
              softmax_scale: Optional[float] = None):
    """Full attention of [B,L,H,D], by torch."""
    torch = _torch()
    heads_first = [x.transpose(1, 2) for x in (query, key, value)]
    mask = params.get("attn_mask")
    if mask is not None and mask.dim() == 2:
        mask = mask[:, None, None, :].bool()
    output = torch.nn.functional.scaled_dot_product_attention(
        *heads_first, attn_mask=mask, is_causal=is_causal, scale=softmax_scale,
        enable_gqa=query.shape[2] != key.shape[2]).transpose(1, 2)
    if "out" not in params:
        raise CaptureError("vidattn_capture needs out, the folder to write to, in its params")
    capture = _captures.get(params["out"])
    if capture is None:
        capture = _captures[params["out"]] = Capture(params)
    call = AttentionCall(query, key, value, capture.place(params), mask=mask, causal=is_causal, scale=softmax_scale,
                         output=output, geometry=_geometry(params))
    call.name = f"layer.{call.place.layer}"
    capture.recorder.announce(call)
    capture.recorder.record(call)
    return output


attention.capabilities = {"supports_attention_mask": True}  # type: ignore[attr-defined]


def _geometry(params: Dict[str, Any]) -> Optional[Geometry]:
    """As configured, else latents over patches; both may be one for each sample."""
    prefix = int(params.get("prefix", 0))
    if params.get("grid"):
        return Geometry.of(params["grid"], prefix)
    latents, patch = (_row(params.get(key)) for key in ("latent_shape", "patch_size"))
    if latents is None or patch is None:
        return None
    return Geometry(tuple(n // p for n, p in zip(latents, patch)), prefix)  # type: ignore[arg-type]


def _row(value: Any) -> Optional[Tuple[int, ...]]:
    if value is None:
        return None
    rows = value.tolist() if hasattr(value, "tolist") else list(value)
    return tuple(int(n) for n in (rows[0] if isinstance(rows[0], list) else rows))


def _first(value: Any) -> Optional[int]:
    if value is None:
        return None
    return int(value.flatten()[0]) if hasattr(value, "flatten") else int(value)


def _torch():
    import torch
    return torch
