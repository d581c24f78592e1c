"""Captures in ComfyUI, through the hook that its attention functions look for in transformer_options.

As nodes: a file in custom_nodes/ with `from vidattn.capturing.comfyui import NODE_CLASS_MAPPINGS`.
"""
from __future__ import annotations

import contextlib
from typing import Any, Dict, Iterator, Optional, Tuple

from .call import COND, UNCOND, AttentionCall, CaptureError, Geometry, Place
from .recorder import Recorder

OVERRIDE = "optimized_attention_override"


class ComfyCapture:
    """A ModelPatcher whose attention is heard, by way of what was asked for there before, if anything."""

    def __init__(self, patcher: Any, recorder: Recorder, *, geometry: Optional[Geometry] = None):
        self.options = patcher.model_options.setdefault("transformer_options", {})
        self.model = type(getattr(patcher, "model", patcher)).__name__
        self.recorder, self.geometry = recorder, geometry
        self.before = self.options.get(OVERRIDE)
        self._doubles = 0  # blocks before the single ones
        self._run, self._sigmas = -1, None

    @contextlib.contextmanager
    def open(self) -> Iterator["ComfyCapture"]:
        self.install()
        try:
            yield self
        finally:
            if self.before is None:
                self.options.pop(OVERRIDE, None)
            else:
                self.options[OVERRIDE] = self.before

    def install(self) -> None:
        self.options[OVERRIDE] = self.attend

    def attend(self, function, q, k, v, heads, *args, **kwargs):
        """In place of an attention function of ComfyUI, which it calls."""
        before = self.before
        given = (q, k, v, heads, *args)
        output = before(function, *given, **kwargs) if before else function(*given, **kwargs)
        options = kwargs.get("transformer_options") or {}
        place = self._place(options)
        if place is not None:
            self.recorder.heard.step(place.step)
            self.recorder.heard.layers.add(place.layer)
            self._hear(q, k, v, heads, args[0] if args else kwargs.get("mask"), output, options, place, kwargs)
        return output

    def _hear(self, q, k, v, heads, mask, output, options, place, kwargs) -> None:
        split = bool(kwargs.get("skip_reshape"))
        q, k, v = (_by_heads(x, heads, split) for x in (q, k, v))
        output = _by_heads(output, heads, bool(kwargs.get("skip_output_reshape")))
        call = AttentionCall(q, k, v, place, f"block.{place.layer}", mask=mask, output=output,
                             scale=kwargs.get("scale"), geometry=self.geometry or _geometry(options))
        self.recorder.heard.call(call.crosses, place.passes)
        self.recorder.announce(call)
        self.recorder.record(call)

    def _place(self, options: Dict[str, Any]) -> Optional[Place]:
        """None outside of the blocks, as in refiners of text."""
        if "block_index" not in options:
            return None
        layer = int(options["block_index"])
        if options.get("block_type") == "single":
            layer += self._doubles
        elif options.get("block_type") == "double":
            self._doubles = int(options.get("total_blocks", 0))
        if self.recorder.layer_count is None and "total_blocks" in options:
            self.recorder.layer_count = int(options["total_blocks"])
        sigma, sigmas = options.get("sigmas"), options.get("sample_sigmas")
        if sigma is None or sigmas is None:
            raise CaptureError("this sampler publishes no sigmas: the step is not known")
        if self._sigmas is not sigmas:  # a schedule of its own for every run
            self._run, self._sigmas = self._run + 1, sigmas
            self.recorder.step_count = len(sigmas) - 1
            self.recorder.selection.steps_of(len(sigmas) - 1)
        now = float(sigma.max())
        step = min(range(len(sigmas)), key=lambda i: abs(float(sigmas[i]) - now))
        passes = tuple(UNCOND if kind else COND for kind in options.get("cond_or_uncond", ()))
        share = now if 0 <= now <= 1 else None
        return Place(layer, step, self._run, None if share is not None else now, share, passes, model=self.model)


def _by_heads(x: Any, heads: int, split: bool) -> Any:
    """[B,H,L,D] or [B,L,H*D] as [B,L,H,D]."""
    return x.transpose(1, 2) if split else x.unflatten(-1, (heads, -1))


def _geometry(options: Dict[str, Any]) -> Optional[Geometry]:
    grid = options.get("grid_sizes")
    found: Tuple[int, ...] = tuple(int(n) for n in grid) if grid is not None else ()
    return Geometry(found) if len(found) == 3 else None  # type: ignore[arg-type]


class VidattnCapture:
    """A node: the model it returns writes its attention calls while it samples."""

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "vidattn"

    @classmethod
    def INPUT_TYPES(cls):
        text = ("STRING", {"default": ""})
        return {"required": {"model": ("MODEL",), "out": ("STRING", {"default": "cap"}), "layers": text, "steps": text,
                             "heads": ("INT", {"default": 0, "min": 0}), "output": ("BOOLEAN", {"default": False})}}

    def patch(self, model, out, layers, steps, heads, output):
        from .files import Folder
        from .selection import Selection

        model = model.clone()
        selection = Selection(_numbers(layers), _numbers(steps), heads or None)
        ComfyCapture(model, Recorder(Folder(out).begin(), selection, output=output)).install()
        return (model,)


def _numbers(text: str) -> Optional[list]:
    """'0,14,29'; empty = all."""
    return [int(part) for part in text.split(",")] if text.strip() else None


NODE_CLASS_MAPPINGS = {"VidattnCapture": VidattnCapture}
NODE_DISPLAY_NAME_MAPPINGS = {"VidattnCapture": "Capture attention (vidattn)"}
