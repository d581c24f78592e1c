"""One attention call of a model, as the hooks hand it over, and where in the run it stands."""
from __future__ import annotations

import dataclasses
from typing import Any, List, Optional, Tuple

from .._values import shown, whole_number, whole_numbers

COND, UNCOND = "cond", "uncond"


class CaptureError(ValueError):
    """What cannot be captured, in one line that says what would be right."""

    def __init__(self, text: str):
        super().__init__(" ".join(text.splitlines()))  # names of folders and files may have several


def shots_of(shots: Any) -> Optional[List[int]]:
    """The first latent frame of every shot. Throws CaptureError."""
    found = whole_numbers("shots", shots)
    if found is not None and (found[:1] != [0] or any(b <= a for a, b in zip(found, found[1:]))):
        raise CaptureError(f"shots={found}: expected the first frame of every shot, ascending from 0")
    return found


@dataclasses.dataclass
class Place:
    """Where a call stands. None = not known."""

    layer: int
    step: int
    run: int = 0  # of several in one capture, such as prompts
    timestep: Optional[float] = None
    sigma: Optional[float] = None
    # What the equal parts of the batch are, in order: ("uncond", "cond"), ("cond",), or () = no guidance known.
    passes: Tuple[str, ...] = ()
    prompt: str = ""
    model: str = ""


@dataclasses.dataclass
class Geometry:
    """The video among the tokens: latent frames, height and width in tokens, and the tokens before it."""

    grid: Tuple[int, int, int]
    prefix: int = 0
    said: bool = False  # by the user: a call of other tokens contradicts it

    @staticmethod
    def of(grid: Any, prefix: Any) -> "Geometry":
        """As a user says it. Throws CaptureError."""
        if grid is None:
            raise CaptureError(f"prefix={shown(prefix)} says where the video begins: give its grid, too")
        sizes = whole_numbers("grid", grid) or []
        before = whole_number("prefix", prefix)
        if len(sizes) != 3 or min(sizes) < 1 or before < 0:
            raise CaptureError(f"grid={sizes}, prefix={before}: expected latent frames, height and width in tokens, and "
                               "the tokens before them")
        return Geometry((sizes[0], sizes[1], sizes[2]), before, said=True)

    @property
    def video_tokens(self) -> int:
        frames, height, width = self.grid
        return frames * height * width


@dataclasses.dataclass
class AttentionCall:
    """q [B,L,H,D], k [B,LK,HK,D] and v [B,LK,HK,DV] after norms and rotary embedding, in any strides."""

    q: Any
    k: Any
    v: Any
    place: Place
    name: str = ""  # of the module, as in blocks.3.attn1
    cross: bool = False  # the keys are other tokens than the queries
    mask: Any = None  # as scaled_dot_product_attention takes it
    causal: bool = False
    scale: Optional[float] = None  # None = 1/sqrt(D)
    output: Any = None  # [B,L,H,DV]
    hidden: Any = None  # [B,L,C]
    geometry: Optional[Geometry] = None

    @property
    def crosses(self) -> bool:
        return self.cross or self.q.shape[1] != self.k.shape[1]
