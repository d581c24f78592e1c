"""Files of a capture: a .safetensors file for every call, under its final name only when it is whole."""
from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import sys
from typing import Any, Dict, Optional

from .._values import flag
from .._values import path as checked_path
from .call import CaptureError

SCHEMA = "vidattn.capture/1"
KEY = "vidattn.capture"  # of the metadata that the tool reads
OWN_NAME = re.compile(r"(run\d+_)?step\d+_layer\d+(_\w+)?\.safetensors")
ORIGIN = "vidattn.origin"  # of what it does not: module, batch, guidance


def size_text(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size /= 1024
    else:
        unit = "TiB"
    return f"{size:.3g} {unit}" if unit != "bytes" else f"{size:.0f} bytes"


def say(text: str) -> None:
    print(f"vidattn: {text}", file=sys.stderr, flush=True)


class Folder:
    """Where the files go, once begin() has made it. Throws CaptureError for a folder that holds a capture already,
    unless it may be overwritten."""

    def __init__(self, path: Any, overwrite: bool = False):
        try:
            import safetensors.torch  # noqa: F401
        except ImportError as missing:
            raise CaptureError(f"capture needs torch and safetensors ({missing}): pip install 'vidattn[capture]'")
        self.path = checked_path("out", path)
        if self.path.exists() and not self.path.is_dir():
            raise CaptureError(f"out={self.path} is a file: expected a folder, which may be new")
        self._earlier = sorted(file for file in self.path.glob("*.safetensors") if OWN_NAME.fullmatch(file.name))
        if self._earlier and not flag("overwrite", overwrite):
            raise CaptureError(f"{self.path} holds {self._earlier[0].name} already: choose another folder, or "
                               "overwrite=True")
        self.files = 0
        self.bytes = 0

    def begin(self) -> "Folder":
        """Makes it, without the files of an earlier capture. Throws CaptureError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for file in self._earlier:
                file.unlink(missing_ok=True)
        except OSError as reason:
            raise CaptureError(f"out={self.path}: {reason.strerror}") from None
        return self

    def free(self) -> int:
        return shutil.disk_usage(self.path).free

    def require(self, size: int, what: str) -> None:
        """Throws CaptureError when the disk has less."""
        free = self.free()
        if size > free:
            raise CaptureError(f"{what} need {size_text(size)}, and {self.path} has {size_text(free)} free: "
                               "choose fewer layers, steps or heads")

    def write(self, name: str, tensors: Dict[str, Any], call: Dict[str, Any], origin: Dict[str, Any]) -> pathlib.Path:
        """`call` is what capture.schema.json allows but its schema, `origin` anything."""
        from safetensors.torch import save_file

        path = self.path / f"{name}.safetensors"
        if path.exists():
            raise CaptureError(f"{path} was written twice: two calls have the same layer, step and name")
        part = self.path / f".{name}.{os.getpid()}.part"  # the tool opens no name with a dot before it
        texts = {KEY: json.dumps({"schema": SCHEMA, **call}), ORIGIN: json.dumps(origin)}
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
        self.require(size, f"the tensors of {name}")
        try:
            save_file(tensors, str(part), metadata=texts)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        self.files += 1
        self.bytes += path.stat().st_size
        return path


class Estimate:
    """What a capture will write, said before the first file, and refused where the disk has less."""

    def __init__(self, folder: Folder):
        self.folder = folder
        self.said = False

    def check(self, call_bytes: int, layers: int, steps: Optional[int], passes: int) -> None:
        """steps None = not known: the size is that of one step."""
        if self.said:
            return
        self.said = True
        files = layers * (steps or 1) * passes
        kinds = f"{layers} layers" + (f" x {steps} steps" if steps else " in every step")
        total = call_bytes * files
        text = f"{files} files of {size_text(call_bytes)} ({kinds}{' x 2 passes' if passes > 1 else ''})"
        self.folder.require(total, text)
        say(f"capturing {text}, about {size_text(total)}{'' if steps else ' a step'}, to {self.folder.path} "
            f"({size_text(self.folder.free())} free)")
