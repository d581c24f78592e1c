"""Captures as this package writes them, for Python. What others write is read by the tool."""
from __future__ import annotations

import json
import pathlib
from typing import Any, Dict, List, Optional, Tuple

from .call import CaptureError
from .files import KEY, ORIGIN, SCHEMA


class CapturedCall:
    """One file. Tensors are read when they are asked for: PyTorch's where torch is there, else NumPy's, which has
    no bfloat16. Tokens are in the order of attend(): the video first, then those before it, then those after it,
    without padding."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        with self._open() as file:
            texts = file.metadata() or {}
            self.names = list(file.keys())
        said = json.loads(texts.get(KEY, "{}"))
        if said.get("schema") != SCHEMA or said.get("layout") != "lhd":
            raise CaptureError(f"{path} is no capture that vidattn.capture wrote: `vidattn run --workload tensors:…` "
                               "reads others")
        self.metadata: Dict[str, Any] = said
        self.origin: Dict[str, Any] = json.loads(texts.get(ORIGIN, "{}"))
        self.layer: int = said["layer"]
        self.step: int = said["step"]
        self.heads: List[int] = said["head_indices"]  # the model's numbers of the query heads that are stored
        self.model_heads: int = said["model_heads"]

    def __repr__(self) -> str:
        heads = "" if len(self.heads) == self.model_heads else f", heads={self.heads} of {self.model_heads}"
        return f"CapturedCall({self.path.name!r}, layer={self.layer}, step={self.step}{heads})"

    def qkv(self) -> Tuple[Any, Any, Any]:
        """q [L,H,D], k [LK,HK,D] and v [LK,HK,DV]."""
        crosses = self.metadata["attention"] == "cross"
        with self._open() as file:
            queries = self._order(file, padded=not crosses, prefix=True)
            keys = self._order(file, padded=True, prefix=not crosses)
            return tuple(file.get_tensor(name)[order] for name, order in  # type: ignore[return-value]
                         (("q", queries), ("k", keys), ("v", keys)))

    def hidden(self) -> Optional[Any]:
        """[L,C], where the capture has it."""
        if "hidden" not in self.names:
            return None
        with self._open() as file:
            return file.get_tensor("hidden")[self._order(file, padded=True, prefix=True)]

    @property
    def terms(self) -> Dict[str, Any]:
        """grid, shots, scale and attention, as arguments of attend(), plan() and compare()."""
        said = self.metadata
        terms = {"scale": said["softmax_scale"]}
        if "grid" in said:
            terms["grid"] = tuple(said["grid"])
        if "shots" in said:
            terms["shots"] = said["shots"]
        if said["attention"] == "cross":
            terms["attention"] = "cross"
        return terms

    def _open(self) -> Any:
        from safetensors import safe_open
        try:
            import torch  # noqa: F401
        except ImportError:
            return safe_open(self.path, "np")
        return safe_open(self.path, "pt")

    def _order(self, file: Any, padded: bool, prefix: bool) -> List[int]:
        length = file.get_slice("k" if padded else "q").get_shape()[0]
        kept = range(length)
        if padded and "mask" in self.names:
            kept = [i for i, there in enumerate(file.get_tensor("mask").tolist()) if there]  # type: ignore[assignment]
        elif padded:
            kept = range(self.metadata.get("valid", length))
        before = self.metadata.get("prefix", 0) if prefix else 0
        frames, height, width = self.metadata.get("grid", (0, 0, 0))
        video = range(before, before + frames * height * width)
        return sorted(kept, key=lambda i: i not in video)  # stable: others keep their order


def read_capture(folder: Any) -> List[CapturedCall]:
    """The calls in a folder that vidattn.capture wrote, by step and layer. Needs safetensors; no tensor is read."""
    files = sorted(pathlib.Path(folder).glob("*.safetensors"))
    if not files:
        raise CaptureError(f"{folder} holds no .safetensors file")
    return sorted(map(CapturedCall, files), key=lambda call: (call.origin.get("run", 0), call.step, call.layer))
