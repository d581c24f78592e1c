"""How a method is named: by its text, by a map of your own, or by a planner in Python."""
from __future__ import annotations

from typing import Any, Callable, Optional, Sequence, Union

import numpy as np

from ._frameworks import Array, given
from ._start import _core


class Map:
    """Your own selection: which blocks of keys each block of queries sees.

    block_map: 0/1 of any integer type or bool, [NQ,NK] for all heads or [H,NQ,NK].
    block: tokens in a block, one size or (queries, keys); without it the size that fits.
    Further arrays by name say the same in other forms, and which tokens stand where: block_index,
    block_count, block_indptr, block_indices, pair_mask [L,LK], token_order, key_order, query_sizes,
    key_sizes. A plan's blocks() are such arrays: Map(**plan.blocks()).
    """

    def __init__(self, block_map: Optional[Array] = None,
                 block: Union[int, Sequence[int], None] = None, **arrays: Array) -> None:
        if block_map is not None:
            arrays["block_map"] = block_map
        self.arrays = {name: given(array) for name, array in arrays.items() if array is not None}
        sizes = (block, block) if np.isscalar(block) else block
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
        self.segments = np.column_stack([np.asarray(queries, np.int32).reshape(-1, 2),
                                         counts[:-1], counts[1:]]).astype(np.int32)
        self.ranges = np.asarray([r for ranges in keys for r in ranges], np.int32).reshape(-1, 2)
        self.orders = [None if order is None else np.ascontiguousarray(order, np.int32)
                       for order in (query_order, key_order)]


Method = Union[str, Map, Callable[..., Any]]


def text_of(value):
    """A parameter as the tool reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(text_of, value))
    return str(value)


def described(backend, params=None):
    """A method as its text, its settings and arrays of its own by name."""
    settings = [f"{name}={text_of(value)}" for name, value in (params or {}).items()]
    if isinstance(backend, Map):
        return "map", backend.settings + settings, backend.arrays
    return getattr(backend, "backend_name", backend), settings, {}


def resolve(backend, params=None):
    """The same for the core."""
    return _core.Backend(*described(backend, params))
