"""What came by while a capture was open: for one line, at its end, that says what of the selection did not."""
from __future__ import annotations

from typing import Any, Iterable, List, Optional, Set

from .selection import Selection


class Heard:
    """`ran` counts what the model did; `written` is what of it went to files."""

    def __init__(self) -> None:
        self.forwards = 0  # of the model
        self.calls = 0  # of attention, by q, k and v
        self.self_calls = 0  # those that attend to their own tokens
        self.steps: Set[int] = set()
        self.layers: Set[int] = set()
        self.passes: Set[str] = set()
        self.written_layers: Set[int] = set()
        self.written_passes: Set[str] = set()

    def step(self, step: int) -> None:
        """The model is called in this step."""
        self.forwards += 1
        self.steps.add(step)

    def call(self, crosses: bool, passes: Iterable[str]) -> None:
        self.calls += 1
        self.self_calls += not crosses
        self.passes.update(passes)

    def wrote(self, layer: int, name: str) -> None:
        self.written_layers.add(layer)
        self.written_passes.add(name)

    def missing(self, selection: Selection, layer_count: Optional[int]) -> str:
        """One line; empty = all that was asked for was captured."""
        if not self.written_layers:
            return f"nothing was captured: {self._reason(selection)}"
        layers = selection.layers if selection.layers is not None else range(layer_count or 0)
        lacks = [text for text in (
            _lack("steps", selection.steps or (), self.steps), _lack("layers", layers, self.written_layers),
            _lack("passes of guidance", selection.passes, self.written_passes) if self.passes else "") if text]
        return f"not captured, for they never came: {', '.join(lacks)}" if lacks else ""

    def _reason(self, selection: Selection) -> str:
        if not self.forwards:
            return "the model was not called"
        if not self.layers:
            return "the model was called, but its attention modules were not (modules= names others)"
        if selection.steps is not None and not self.steps.intersection(selection.steps):
            return f"steps={selection.steps} were not reached, the model ran steps {_listed(self.steps)}"
        if not self.calls:
            return ("no attention module called torch's scaled_dot_product_attention or nn.MultiheadAttention, or "
                    "diffusers' dispatcher; with qkv=('to_q', 'to_k', 'to_v') the outputs of these submodules are taken")
        if not self.self_calls and not selection.cross:
            return "all attention was to other tokens, which cross=True captures"
        if self.passes and not self.passes.intersection(selection.passes):
            return f"guidance asks for {_listed(selection.passes)}, the model ran {_listed(self.passes)} alone"
        return f"layers={selection.layers} did not attend, layers {_listed(self.layers)} ran"


def _lack(what: str, asked: Iterable[Any], there: Set[Any]) -> str:
    lacking = [one for one in asked if one not in there]
    return f"{what} {_listed(lacking)}" if lacking else ""


def _listed(found: Iterable[Any]) -> str:
    listed: List[str] = [str(one) for one in sorted(found)]
    return ", ".join(listed if len(listed) <= 8 else [*listed[:6], "…", listed[-1]])
