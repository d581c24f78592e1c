"""Where the video stands among a model's tokens, by architecture: read off what its forward pass is given."""
from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from .call import Geometry


def patches(config: Any) -> Optional[Tuple[int, int, int]]:
    """Latent frames, rows and columns of a token."""
    size = getattr(config, "patch_size", None)
    if isinstance(size, (tuple, list)) and len(size) == 3:
        return tuple(int(n) for n in size)  # type: ignore[return-value]
    if isinstance(size, int):
        return (getattr(config, "patch_size_t", None) or 1, size, size)
    return None


def _of_latents(shape: Tuple[int, int, int], config: Any) -> Optional[Tuple[int, int, int]]:
    patch = patches(config)
    return patch and tuple(n // p for n, p in zip(shape, patch))  # type: ignore[return-value]


def _video_first(config: Any, given: Dict[str, Any]) -> Optional[Geometry]:
    """[B,C,T,H,W], and tokens of text, if any, after the video: Wan, HunyuanVideo."""
    states = given.get("hidden_states")
    if states is None or states.dim() != 5:
        return None
    grid = _of_latents(tuple(states.shape[2:]), config)
    return Geometry(grid) if grid else None


def _text_first(config: Any, given: Dict[str, Any]) -> Optional[Geometry]:
    """[B,T,C,H,W] behind the text: CogVideoX."""
    states, text = given.get("hidden_states"), given.get("encoder_hidden_states")
    if states is None or states.dim() != 5:
        return None
    shape = (states.shape[1], states.shape[3], states.shape[4])
    grid = _of_latents(shape, config)
    return Geometry(grid, 0 if text is None else text.shape[1]) if grid else None


def _patched(config: Any, given: Dict[str, Any]) -> Optional[Geometry]:
    """Latents that are tokens already, their grid beside them: LTX."""
    grid = tuple(given.get(key) for key in ("num_frames", "height", "width"))
    return Geometry(grid) if all(isinstance(n, int) for n in grid) else None  # type: ignore[arg-type]


ARCHITECTURES = {"CogVideoX": _text_first, "ConsisID": _text_first, "LTX": _patched}


def geometry_of(model: Any, given: Dict[str, Any]) -> Optional[Geometry]:
    """`given` are the arguments of model.forward by name. None = not known: the user can say the grid."""
    config = getattr(model, "config", None)
    name = type(model).__name__
    find = next((find for start, find in ARCHITECTURES.items() if name.startswith(start)), _video_first)
    try:
        return find(config, given)
    except (TypeError, ZeroDivisionError):
        return None
