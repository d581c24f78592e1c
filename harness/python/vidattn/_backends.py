"""How a method is named: by its text, by a map of your own, or by a planner in Python."""
from __future__ import annotations

import operator
from typing import Any, Callable, Optional, Sequence, Union

import numpy as np

from ._frameworks import Array, given
from ._start import _core
from ._values import text, whole_numbers


class Map:
    """Your own selection: which blocks of keys each block of queries sees.

    block_map: 0/1 of any integer type or bool, [NQ,NK] for all heads or [H,NQ,NK].
    block: tokens in a block, one size or (queries, keys); without it the size that fits.
    name: as which compare() lists it; else "map".
    Further arrays by name say the same in other forms, and which tokens stand where: block_index,
    block_count, block_indptr, block_indices, pair_mask [L,LK], token_order, key_order, query_sizes,
    key_sizes. A plan's blocks() are such arrays: Map(**plan.blocks()).
    """

    def __init__(self, block_map: Optional[Array] = None,
                 block: Union[int, Sequence[int], None] = None, *, name: str = "",
                 **arrays: Array) -> None:
        if block_map is not None:
            arrays["block_map"] = block_map
        self.name = text("name", name, "mine")
        self.arrays = {key: given(key, array) for key, array in arrays.items() if array is not None}
        sizes = whole_numbers("block", (block, block) if np.isscalar(block) else block)
        if sizes is not None and (len(sizes) != 2 or min(sizes) < 1):
            raise ValueError(f"block={block}: expected a size of at least 1, or one for queries and one for keys")
        self.settings = [] if sizes is None else [f"block_q={sizes[0]}", f"block_k={sizes[1]}"]

    def __repr__(self):
        return f"Map({', '.join([*self.arrays, *self.settings])})"


class Ranges:
    """Your own selection as ranges of keys, for all heads; of several heads a list of them.

    queries: [(begin, end), …], segments of queries; keys: for each the [(begin, end), …] that it sees.
    Positions are tokens, or places in query_order and key_order (int32, tokens by place).
    """

    def __init__(self, queries: Sequence[tuple[int, int]], keys: Sequence[Sequence[tuple[int, int]]],
                 query_order: Optional[Array] = None, key_order: Optional[Array] = None) -> None:
        counts = np.cumsum([0] + [len(ranges) for ranges in keys])
        segments = _ranges("queries", queries)
        if len(segments) != len(keys):
            raise ValueError(f"{len(segments)} segments of queries, but keys for {len(keys)}")
        self.segments = np.column_stack([segments, counts[:-1], counts[1:]]).astype(np.int32)
        self.ranges = _ranges("keys", [r for ranges in keys for r in ranges])
        self.orders = [None if order is None else np.ascontiguousarray(order, np.int32)
                       for order in (query_order, key_order)]


def _ranges(name, pairs):
    """[N,2] int32."""
    made = np.asarray(pairs) if len(pairs) else np.empty((0, 2), np.int32)
    if made.ndim != 2 or made.shape[1] != 2 or made.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected pairs of whole numbers, (begin, end)")
    if made.size and not 0 <= made.min() <= made.max() < 2**31:
        raise ValueError(f"{name}: {made.min()} to {made.max()} are no tokens")
    return made.astype(np.int32)


Method = Union[str, Map, Callable[..., Any]]


def text_of(value):
    """A parameter as the tool reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(operator.index(value))  # one number, for torch.compile, which would have it stand for any
    if hasattr(value, "tolist"):  # of NumPy and other frameworks
        return text_of(value.tolist())
    if isinstance(value, (list, tuple)):
        return ",".join(map(text_of, value))
    return str(value)


latest_planners = {}  # functions made methods, by name: the last of each


def planner_name(planner):
    """That of a function made a method by @vidattn.backend."""
    name = getattr(planner, "backend_name", None)
    if name is None:
        raise ValueError(f"backend is {type(planner).__name__}: expected a method's text, a vidattn.Map, or a "
                         "function made by @vidattn.backend")
    if latest_planners.get(name) is not planner:
        raise ValueError(f"the planner '{name}' is another function by now: give one of them another name")
    return name


def described(backend, params=None):
    """A method as its text, its settings and arrays of its own by name."""
    settings = [f"{name}={text_of(value)}" for name, value in (params or {}).items()]
    if isinstance(backend, Map):
        return "map", backend.settings + settings, backend.arrays
    if isinstance(backend, str):
        return backend, settings, {}
    return planner_name(backend), settings, {}


def resolve(backend, params=None):
    """The same for the core."""
    return _core.Backend(*described(backend, params), label=getattr(backend, "name", "") if isinstance(
        backend, Map) else "")
