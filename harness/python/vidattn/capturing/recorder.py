"""From an attention call to files: what is kept of it, and what the files say."""
from __future__ import annotations

import math
import re
from typing import Any, Dict, List, Optional

from .call import AttentionCall, CaptureError, Geometry
from .files import Estimate, Folder
from .heard import Heard
from .selection import Selection, key_heads

HEADER_BYTES = 1024  # of a file, about


class Recorder:
    """Writes the calls that a selection wants, one file each, as they come. Holds one call at most."""

    def __init__(self, folder: Folder, selection: Selection, *, hidden: bool = False, output: bool = False,
                 shots: Optional[List[int]] = None):
        self.folder, self.selection = folder, selection
        self.hidden, self.output = hidden, output
        self.shots = shots
        self.estimate = Estimate(folder)
        self.layer_count: Optional[int] = None  # of the model, where it is known
        self.step_count: Optional[int] = None  # of the run
        self.heard = Heard()
        self._written: Dict[str, str] = {}  # file name -> module of the call

    def missing(self) -> str:
        """What of the selection never came by, in one line; empty = nothing."""
        return self.heard.missing(self.selection, self.layer_count)

    def wants(self, call: AttentionCall) -> bool:
        return self.selection.has(call.place.layer, call.place.step) and (self.selection.cross or not call.crosses)

    def announce(self, call: AttentionCall) -> None:
        """Says the size of the capture, at the first self-attention that comes by. Throws CaptureError where the
        disk has less."""
        if self.estimate.said or call.crosses:
            return
        heads = self.selection.heads_of(call.q.shape[2])
        keys = key_heads(heads, call.q.shape[2], call.k.shape[2])
        wide = len(heads) * call.q.shape[3] + len(keys) * (call.k.shape[3] + call.v.shape[3])
        wide += len(heads) * call.v.shape[3] if self.output else 0
        wide += call.hidden.shape[-1] if call.hidden is not None else 0
        layers, steps = self.selection.layers, self.selection.steps
        self.estimate.check(call.q.shape[1] * wide * call.q.element_size() + HEADER_BYTES,
                            len(layers) if layers is not None else self.layer_count or 1,
                            len(steps) if steps is not None else self.step_count, len(self.selection.passes))

    def record(self, call: AttentionCall) -> None:
        """Throws CaptureError for a call that the format cannot hold, before anything of it is written."""
        if not self.wants(call):
            return
        if call.causal:
            raise CaptureError(f"{call.name} attends causally, which a capture cannot say")
        self._require_video(call)
        heads = self.selection.heads_of(call.q.shape[2])
        for name, entry in self.selection.entries_of(call.place.passes, call.q.shape[0]):
            self._write(call, heads, name, entry)

    def _require_video(self, call: AttentionCall) -> None:
        """What the user said of the video must hold."""
        geometry = call.geometry
        if geometry and geometry.said and not fitting(call) and not call.crosses:
            raise CaptureError(f"grid={list(geometry.grid)} and prefix={geometry.prefix} are "
                               f"{geometry.prefix + geometry.video_tokens} tokens: {call.name} has {call.q.shape[1]}")
        if self.shots and not fitting(call) and not call.crosses:
            raise CaptureError(f"shots={self.shots}: where the video is among the tokens of {call.name} is not known, "
                               "give its grid, too")
        if self.shots and geometry and self.shots[-1] >= geometry.grid[0]:
            raise CaptureError(f"shots={self.shots}: the video has {geometry.grid[0]} latent frames")

    def _write(self, call: AttentionCall, heads: List[int], name: str, entry: int) -> None:
        tensors = self._tensors(call, heads, entry)
        said = self._metadata(call, heads)
        keys = keys_attended(call, entry)
        if keys is not None:
            valid = int(keys.sum())
            if bool(keys[:valid].all()):
                said["valid"] = valid
            else:
                tensors["mask"] = keys.to(dtype=_torch().uint8).cpu().contiguous()
        origin = {"module": call.name, "batch_entry": entry, "batch": call.q.shape[0],
                  "guidance": name or None, "run": call.place.run}
        self.folder.write(self._file_name(call, name), tensors, said, origin)
        self.heard.wrote(call.place.layer, name)

    def _tensors(self, call: AttentionCall, heads: List[int], entry: int) -> Dict[str, Any]:
        keys = key_heads(heads, call.q.shape[2], call.k.shape[2])
        tensors = {"q": own(call.q, entry, heads), "k": own(call.k, entry, keys), "v": own(call.v, entry, keys)}
        if call.output is not None and self.output:
            tensors["flash_out"] = own(call.output, entry, heads)
        if call.hidden is not None and self.hidden:
            tensors["hidden"] = own(call.hidden, entry)
        return tensors

    def _metadata(self, call: AttentionCall, heads: List[int]) -> Dict[str, Any]:
        place, geometry = call.place, fitting(call)
        said: Dict[str, Any] = {
            "layout": "lhd", "attention": "cross" if call.crosses else "self", "heads": len(heads),
            "head_indices": heads, "model_heads": call.q.shape[2],
            "layer": place.layer, "step": place.step,
            "softmax_scale": call.scale or 1 / math.sqrt(call.q.shape[3])}
        if geometry:
            said.update(grid=list(geometry.grid), prefix=geometry.prefix)
            if self.shots:
                said["shots"] = list(self.shots)
        for key in ("timestep", "sigma"):
            if getattr(place, key) is not None:
                said[key] = getattr(place, key)
        for key in ("model", "prompt"):
            if getattr(place, key):
                said[key] = getattr(place, key)
        return said

    def _file_name(self, call: AttentionCall, guidance: str) -> str:
        """step07_layer12, with the run before it and after it what tells it from other calls of the layer."""
        place = call.place
        name = f"run{place.run:02d}_" if place.run else ""
        name += f"step{place.step:02d}_layer{place.layer:02d}"
        if call.crosses:
            name += "_cross"
        if len(self.selection.passes) > 1 and guidance:
            name += f"_{guidance}"
        first = self._written.setdefault(name, call.name)
        if first != call.name:
            name += "_" + re.sub(r"\W+", "_", call.name.rpartition(".")[2])
        plain, count = name, 1
        while f"{name}#" in self._written:
            count += 1
            name = f"{plain}_{count}"
        self._written[f"{name}#"] = call.name
        return name


def _torch():
    import torch
    return torch


def own(tensor: Any, entry: int, heads: Optional[List[int]] = None) -> Any:
    """A copy of one entry of the batch, and of these heads, in main memory."""
    kept = tensor.detach()[entry]
    if heads is not None and heads != list(range(kept.shape[1])):
        kept = kept[:, heads]
    kept = kept.contiguous().cpu()
    shares = kept.data_ptr() == tensor.data_ptr() or kept.untyped_storage().nbytes() > kept.nbytes
    return kept.clone() if shares else kept


def fitting(call: AttentionCall) -> Optional[Geometry]:
    """The grid, where the queries hold it."""
    found = call.geometry
    return found if found and found.prefix + found.video_tokens <= call.q.shape[1] else None


def keys_attended(call: AttentionCall, entry: int) -> Any:
    """[LK] bool of the keys that the mask leaves, None = all. Throws CaptureError for a mask that treats queries or
    heads differently, or that adds anything but minus infinity (or less than -1e4)."""
    if call.mask is None:
        return None
    torch = _torch()
    mask = call.mask.detach()
    mask = mask[(None,) * (4 - mask.dim())] if mask.dim() < 4 else mask
    mask = mask[min(entry, mask.shape[0] - 1)].flatten(0, 1)  # [heads x queries, LK]
    first = mask[0]
    if not bool((mask == first).all()):
        raise CaptureError(f"{call.name} attends under a mask that differs between queries or heads: "
                           "a capture can say which keys exist, and no more")
    if first.dtype == torch.bool:
        keys = first
    else:
        keys = first == 0
        if not bool((first[~keys] <= -1e4).all()):
            raise CaptureError(f"{call.name} adds a bias to its scores, which a capture cannot say")
    keys = keys.expand(call.k.shape[1])
    if not bool(keys.any()):
        raise CaptureError(f"{call.name} attends under a mask that leaves no key")
    return None if bool(keys.all()) else keys
