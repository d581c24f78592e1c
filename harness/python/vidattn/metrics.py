"""Scores of videos, where they are built in: wheels are without OpenCV and FFmpeg."""
from __future__ import annotations

from typing import Any, NoReturn


def video(path: Any, **options: Any) -> NoReturn:
    """Flicker, consistency and similarity of a video. This build has none: RuntimeError."""
    raise RuntimeError(f"{path}: this build of the module reads no videos; `vidattn metrics` does")
