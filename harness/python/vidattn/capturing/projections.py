"""q, k and v as submodules of an attention module give them, where neither torch's attention nor diffusers' is
called: kernels of the model's own."""
from __future__ import annotations

import contextlib
from typing import Any, Callable, Dict, Iterator, Sequence

import torch

from .._values import shown
from .call import CaptureError
from .layers import AttentionModule

HEADS = ("heads", "num_heads", "n_heads", "num_attention_heads")


class Projections:
    """`names` are of three submodules whose outputs are q, k and v, or of one that gives all three, one behind the
    other: [B,L,H,D], or [B,L,H*D] where the module says how many heads it has."""

    def __init__(self, attention: AttentionModule, names: Sequence[str], hear: Callable[..., None]):
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, (list, tuple)) or len(names) not in (1, 3) \
                or not all(isinstance(name, str) and name for name in names):
            raise CaptureError(f"qkv={shown(names)}: expected the names of three submodules, or of one")
        self.attention, self.hear = attention, hear
        self.parts = [self._part(name) for name in names]
        self._found: Dict[int, torch.Tensor] = {}

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for i, part in enumerate(self.parts):
                stack.callback(part.register_forward_hook(self._keep(i)).remove)
            yield

    def _part(self, name: str) -> torch.nn.Module:
        try:
            return self.attention.module.get_submodule(name)
        except AttributeError:
            raise CaptureError(f"qkv: {self.attention.name} has no {name}") from None

    def _keep(self, place: int) -> Callable[..., None]:
        def kept(module, args, result):
            self._found[place] = result
            if len(self._found) == len(self.parts):
                found = [self._found.pop(i) for i in range(len(self.parts))]
                parts = found if len(found) == 3 else self._thirds(found[0])
                self.hear(*(self._by_heads(part) for part in parts))

        return kept

    def _thirds(self, states: torch.Tensor) -> Sequence[torch.Tensor]:
        if states.shape[-1] % 3:
            raise CaptureError(f"qkv: {self.attention.name} gives {list(states.shape)}, which is not q, k and v")
        return states.chunk(3, dim=-1)

    def _by_heads(self, states: Any) -> torch.Tensor:
        if states.dim() == 4:
            return states
        module = self.attention.module
        heads = next((getattr(module, key) for key in HEADS if hasattr(module, key)), None)
        if not isinstance(heads, int) or states.dim() != 3 or states.shape[-1] % heads:
            raise CaptureError(f"qkv: {self.attention.name} gives {list(states.shape)}, and does not say how many "
                               f"heads it has ({', '.join(HEADS)})")
        return states.unflatten(-1, (heads, -1))
