"""Captures of attention calls from real pipelines, as files that `vidattn run --workload tensors:FOLDER` reads.

CAPTURING.md beside the package in the sources says how; torch and safetensors are needed only here.
"""
from __future__ import annotations

import contextlib
from typing import Any, Iterator, Optional, Sequence, Tuple

from .._values import flag, text, whole_number
from .call import CaptureError, Geometry, shots_of
from .files import Folder, say, size_text
from .reading import CapturedCall, read_capture
from .selection import Numbers, Selection

__all__ = ["CaptureError", "CapturedCall", "capture", "read_capture"]


@contextlib.contextmanager
def capture(source: Any, *, out: Any, layers: Numbers = None, steps: Numbers = None, heads: Numbers = None,
            guidance: str = "cond", passes: Sequence[str] = (), cross: bool = False, hidden: bool = False,
            output: bool = False, modules: Any = None, qkv: Any = None, scheduler: Any = None,
            grid: Optional[Tuple[int, int, int]] = None, prefix: int = 0, shots: Optional[Sequence[int]] = None,
            prompt: str = "", overwrite: bool = False) -> Iterator[Any]:
    """Writes q, k and v of the attention calls that the model makes while the context is open.

    source:   a pipeline of diffusers; a torch module (a transformer of diffusers, or any model); or a model of
              ComfyUI (ModelPatcher).
    out:      folder; one .safetensors file a call, [L,H,D] in the model's own type.
    layers, steps: numbers, or None for all. heads: how many, spread evenly, or which, or None for all.
    guidance: which pass of classifier-free guidance: 'cond', 'uncond' or 'both'.
    passes:   of a bare model: what the parts of its batch, or its calls in a step, are, as ('uncond', 'cond').
    cross:    cross-attention, too. hidden: what the attention projects to q, k and v, [L,C]; MoGA's router reads it.
    output:   the model's own result as flash_out, which the tool compares with its full attention.
    modules:  names with wildcards, or a function of name and module: the attention modules of a model that keeps
              them elsewhere than in lists of blocks; each is a layer. qkv: names of their submodules that give q, k
              and v, where neither torch's scaled_dot_product_attention nor diffusers' dispatcher is called.
    grid:     latent frames, height and width in tokens, and prefix, the tokens before them, where the model is not
              known. shots: first latent frame of each.

    Prints the size before the first file, and at the end what was asked for and never came. Raises CaptureError (a
    ValueError) in one line when the disk has less, for layers, steps or heads that do not exist, and for calls that
    the format cannot hold.
    """
    shots = shots_of(shots)
    geometry = Geometry.of(grid, prefix) if grid is not None or whole_number("prefix", prefix) != 0 else None
    prompt = text("prompt", prompt, "a dog runs") or ""
    folder = Folder(out, overwrite)
    from .recorder import Recorder

    selection = Selection(layers, steps, heads, guidance, cross)
    recorder = Recorder(folder, selection, hidden=flag("hidden", hidden), output=flag("output", output), shots=shots)
    if hasattr(source, "model_options"):
        from .comfyui import ComfyCapture
        _require_unsaid(modules=modules, qkv=qkv, scheduler=scheduler, passes=passes, prompt=prompt, hidden=hidden)
        opened = ComfyCapture(source, recorder, geometry=geometry).open()
    else:
        from .pipeline import PipelineCapture
        opened = PipelineCapture(source, recorder, scheduler, prompt, modules=modules, qkv=qkv, passes=passes,
                                 geometry=geometry).open()
    folder.begin()
    try:
        with opened as handle:
            yield handle
        if recorder.missing():
            say(recorder.missing())
    finally:
        say(f"{folder.files} files, {size_text(folder.bytes)}, in {folder.path}")


def _require_unsaid(**options: Any) -> None:
    """Of a model of ComfyUI, which says these itself or cannot be asked for them."""
    said = [name for name, value in options.items() if value]
    if said:
        raise CaptureError(f"{', '.join(said)}: not for a model of ComfyUI")
