"""Which calls, heads and entries of a batch are kept."""
from __future__ import annotations

from typing import List, Optional, Sequence, Tuple, Union

from .._values import flag, shown, whole_number, whole_numbers
from .call import COND, UNCOND, CaptureError

Numbers = Optional[Union[int, Sequence[int]]]


def numbers(chosen: Numbers, what: str) -> Optional[List[int]]:
    """A number or several, sorted; None = all."""
    if chosen is None:
        return None
    found = sorted(set(whole_numbers(what, list(chosen) if hasattr(chosen, "__iter__") else [chosen]) or []))
    if not found or found[0] < 0:
        raise CaptureError(f"{what}={shown(chosen)}: expected numbers from 0 on, or None for all")
    return found


def passes_of(names: Sequence[str], selection: "Selection") -> Tuple[str, ...]:
    """Passes of guidance by name; empty = not said. Throws CaptureError, also where a wanted one is none of them."""
    found = tuple(names) if isinstance(names, (list, tuple)) else (names,)
    if any(name not in (COND, UNCOND) for name in found):
        raise CaptureError(f"passes={shown(names)}: expected 'cond' and 'uncond', in the order in which the model gets "
                           "them")
    if found and not set(selection.passes) <= set(found):
        raise CaptureError(f"passes={found}: guidance asks for {' and '.join(selection.passes)}")
    return found


class Selection:
    """What was asked of capture(): heads is how many, spread evenly, or which; None = all."""

    def __init__(self, layers: Numbers = None, steps: Numbers = None, heads: Numbers = None,
                 guidance: str = COND, cross: bool = False):
        self.layers = numbers(layers, "layers")
        self.steps = numbers(steps, "steps")
        several = heads is None or hasattr(heads, "__iter__")
        self.heads = numbers(heads, "heads") if several else whole_number("heads", heads)
        if isinstance(self.heads, int) and self.heads < 1:
            raise CaptureError(f"heads={shown(heads)}: expected at least 1, a list of heads, or None for all")
        if not isinstance(guidance, str) or guidance not in (COND, UNCOND, "both"):
            raise CaptureError(f"guidance={shown(guidance)}: expected 'cond', 'uncond' or 'both'")
        self.passes = (COND, UNCOND) if guidance == "both" else (guidance,)
        self.cross = flag("cross", cross)

    def has(self, layer: int, step: int) -> bool:
        return self.has_layer(layer) and (self.steps is None or step in self.steps)

    def has_layer(self, layer: int) -> bool:
        return self.layers is None or layer in self.layers

    def layers_of(self, count: int) -> List[int]:
        """Of a model of `count` layers."""
        return self._those_of(self.layers, count, "layers", "the model")

    def steps_of(self, count: int) -> List[int]:
        return self._those_of(self.steps, count, "steps", "this run")

    @staticmethod
    def _those_of(chosen: Optional[List[int]], count: int, what: str, whose: str) -> List[int]:
        beyond = [n for n in chosen or [] if n >= count]
        if beyond:
            raise CaptureError(f"{what}={beyond}: {whose} has {what} 0 to {count - 1}")
        return list(range(count)) if chosen is None else chosen

    def heads_of(self, count: int) -> List[int]:
        """The query heads of `count` that are kept."""
        if self.heads is None:
            return list(range(count))
        if isinstance(self.heads, int):
            if self.heads > count:
                raise CaptureError(f"heads={self.heads}: the model has {count}")
            return [i * count // self.heads for i in range(self.heads)]
        return self._those_of(self.heads, count, "heads", "the model")

    def entries_of(self, passes: Tuple[str, ...], batch: int) -> List[Tuple[str, int]]:
        """(pass, entry of the batch) for each that is kept: the first entry of every wanted pass. A batch of
        which no guidance is known has one video an entry, of which the first is kept."""
        if not passes and UNCOND in self.passes:
            raise CaptureError(f"guidance asks for {' and '.join(self.passes)}: the model runs without guidance, or which "
                               "pass is which is not known (passes=('cond', 'uncond') says it)")
        if not passes:
            return [("", 0)]
        if batch % len(passes):
            raise CaptureError(f"a batch of {batch} does not hold {len(passes)} equal parts ({', '.join(passes)})")
        return [(name, i * (batch // len(passes))) for i, name in enumerate(passes) if name in self.passes]


def key_heads(heads: Sequence[int], query_count: int, key_count: int) -> List[int]:
    """The key heads that go with these query heads: each once where the query heads are whole groups, so that
    grouped queries stay so; else one for every query head."""
    if query_count % key_count:
        raise CaptureError(f"{query_count} query heads do not share {key_count} key heads evenly")
    group = query_count // key_count
    of_queries = [head // group for head in heads]
    once = sorted(set(of_queries))
    whole = [key * group + i for key in once for i in range(group)]
    return once if list(heads) == whole else of_queries
