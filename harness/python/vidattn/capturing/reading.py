"""Captures as this package writes them, for Python. What others write is read by the tool."""
from __future__ import annotations

import json
import pathlib
from typing import Any, Dict, List, Optional, Tuple

from .._values import path as checked_path
from .call import CaptureError
from .files import KEY, ORIGIN, SCHEMA


NEEDED = {"layer": int, "step": int, "head_indices": list, "model_heads": int, "softmax_scale": (int, float),
          "attention": str}
OPTIONAL = {"grid": list, "prefix": int, "valid": int, "shots": list}


class CapturedCall:
    """One file. Tensors are read when they are asked for: PyTorch's where torch is there, else NumPy's, which has
    no bfloat16. Tokens are in the order of attend(): the video first, then those before it, then those after it,
    without padding."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        with self._open() as file:
            texts = file.metadata() or {}
            self.names = list(file.keys())
        said = _object(texts, KEY, path)
        if said.get("schema") != SCHEMA or said.get("layout") != "lhd":
            raise CaptureError(f"{path} is no capture that vidattn.capture wrote: `vidattn run --workload tensors:…` "
                               "reads others")
        self.metadata: Dict[str, Any] = said
        self.origin: Dict[str, Any] = _object(texts, ORIGIN, path)
        self._require()
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
        try:
            from safetensors import SafetensorError, safe_open
        except ImportError as missing:
            raise CaptureError(f"read_capture needs safetensors ({missing}): pip install safetensors") from None
        try:
            import torch  # noqa: F401
            framework = "pt"
        except ImportError:
            framework = "np"
        try:
            return safe_open(self.path, framework)
        except (SafetensorError, OSError) as reason:
            line = str(reason).partition("\n")[0]
            raise CaptureError(f"{self.path} is damaged, or no .safetensors file: {line}") from None

    def _require(self) -> None:
        """Throws CaptureError for metadata and tensors that are not as vidattn.capture writes them."""
        said = self.metadata
        wrong = [name for name, kinds in NEEDED.items() if not isinstance(said.get(name), kinds)]
        wrong += [name for name, kinds in OPTIONAL.items() if name in said and not isinstance(said[name], kinds)]
        if "grid" in said and not wrong and len(said["grid"]) != 3:
            wrong = ["grid"]
        if wrong:
            raise CaptureError(f"{self.path} is damaged: its metadata has no {', '.join(wrong)} of the right kind")
        lacking = [name for name in "qkv" if name not in self.names]
        if lacking:
            raise CaptureError(f"{self.path} is damaged: it has no {', '.join(lacking)}")
        with self._open() as file:
            shapes = {name: file.get_slice(name).get_shape() for name in self.names}
        keys = shapes["k"][0] if shapes["k"] else 0
        if any(len(shapes[name]) != 3 for name in "qkv") or shapes["v"][0] != keys \
                or said.get("valid", 0) > keys or ("mask" in shapes and shapes["mask"] != [keys]):
            raise CaptureError(f"{self.path} is damaged: shapes {shapes} do not go together, or with its metadata")

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
    """The calls in a folder that vidattn.capture wrote, by step and layer. Needs safetensors; no tensor is read.
    CaptureError (a ValueError), in one line, for what is no such folder, and for damaged files."""
    folder = checked_path("folder", folder)
    if not folder.is_dir():
        raise CaptureError(f"{folder} is no folder" if folder.exists() else f"{folder} does not exist")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CaptureError(f"{folder} holds no .safetensors file")
    return sorted(map(CapturedCall, files), key=lambda call: (call.origin.get("run", 0), call.step, call.layer))


def _object(texts: Dict[str, str], key: str, path: pathlib.Path) -> Dict[str, Any]:
    """A part of the metadata, {} where it has none."""
    try:
        found = json.loads(texts.get(key, "{}"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CaptureError(f"{path} is damaged: {key} in its metadata is no JSON object")
    return found
